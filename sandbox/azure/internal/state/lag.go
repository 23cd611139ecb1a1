package state

import (
	"iter"
	"slices"
	"strings"
	"time"
)

// Lag is how long a change takes to be seen by others. Both durations are zero unless the sandbox's weather says more.
type Lag struct {
	// Replication is for how long a new directory object is unknown outside the replica that it was written to.
	Replication time.Duration
	// Propagation is for how long a new or a removed role assignment does not act yet.
	Propagation time.Duration
	// Now is the sandbox's time.
	Now func() time.Time
}

// Removed is a role assignment that is gone, and may still act.
type Removed struct {
	*RoleAssignment
	RemovedOn time.Time `json:"removedOn"`
}

// Replicating tells whether what was made at that time is still unknown elsewhere.
func (s *State) Replicating(created time.Time) bool {
	return s.Lag.Replication > 0 && s.Lag.Now().Sub(created) < s.Lag.Replication
}

// KnownPrincipalType is PrincipalType as others than the directory see it: "" too for what has not been replicated.
func (s *State) KnownPrincipalType(objectID string) string {
	kind := s.PrincipalType(objectID)
	switch kind {
	case "ServicePrincipal":
		if sp := s.ServicePrincipals[key(objectID)]; !sp.Seeded && s.Replicating(sp.CreatedAt) {
			return ""
		}
	case "Group":
		if group := s.Groups[key(objectID)]; !group.Seeded && s.Replicating(group.CreatedAt) {
			return ""
		}
	}
	return kind
}

// Effective are the role assignments of these principals that act now. What was seeded always did.
func (s *State) Effective(holders map[string]bool) iter.Seq[*RoleAssignment] {
	return func(yield func(*RoleAssignment) bool) {
		for holder := range holders {
			for a := range s.AssignmentsOf(holder) {
				if s.acts(a) && !yield(a) {
					return
				}
			}
		}
		for _, gone := range s.Removed {
			if holders[gone.PrincipalID] && s.stillActs(gone) && !yield(gone.RoleAssignment) {
				return
			}
		}
	}
}

// AssignmentsOf are the role assignments of a principal itself, whose object ID is given in lower case.
func (s *State) AssignmentsOf(objectID string) iter.Seq[*RoleAssignment] {
	return func(yield func(*RoleAssignment) bool) {
		for id := range s.named(RoleAssignments, principal, objectID) {
			if !yield(s.RoleAssignments[id]) {
				return
			}
		}
	}
}

// AssignmentsAt counts the role assignments at a scope, without those above or below it.
func (s *State) AssignmentsAt(at string) int {
	return s.count(RoleAssignments, scope, strings.ToLower(at))
}

// AssignmentsIn counts the role assignments at a subscription and all that lies in it.
func (s *State) AssignmentsIn(id string) int {
	return s.count(RoleAssignments, subscription, strings.ToLower(id))
}

func (s *State) acts(a *RoleAssignment) bool {
	since := a.CreatedOn
	if a.ConditionOn.After(since) {
		since = a.ConditionOn
	}
	return a.Seeded && a.ConditionOn.IsZero() || s.Lag.Propagation == 0 || s.Lag.Now().Sub(since) >= s.Lag.Propagation
}

func (s *State) stillActs(gone Removed) bool {
	return s.Lag.Propagation > 0 && s.Lag.Now().Sub(gone.RemovedOn) < s.Lag.Propagation
}

// RemoveRole takes a role definition out, and remembers it for the removed assignments that may still act by it: Azure
// removes none that has others.
func (s *State) RemoveRole(guid string) {
	if s.Lag.Propagation > 0 {
		if s.RemovedRoles == nil {
			s.RemovedRoles = map[string]*RoleDefinition{}
		}
		s.RemovedRoles[guid] = s.RoleDefinitions[guid]
	}
	delete(s.RoleDefinitions, guid)
	s.Touch(RoleDefinitions, guid)
}

// ChangeCondition notes that an assignment has another condition from now on, and that it may still act by the old one.
func (s *State) ChangeCondition(old, now *RoleAssignment) {
	now.ConditionOn = s.Lag.Now()
	s.mayStillAct(old)
}

func (s *State) mayStillAct(a *RoleAssignment) {
	s.Removed = slices.DeleteFunc(s.Removed, func(gone Removed) bool { return !s.stillActs(gone) })
	if s.Lag.Propagation > 0 && s.acts(a) {
		s.Removed = append(s.Removed, Removed{a, s.Lag.Now()})
	}
}

// RemoveAssignment takes an assignment out, and remembers it for as long as it may still act.
func (s *State) RemoveAssignment(a *RoleAssignment) {
	s.mayStillAct(a)
	delete(s.RoleAssignments, a.Name)
	s.Touch(RoleAssignments, a.Name)
}
