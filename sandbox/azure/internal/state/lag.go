package state

import (
	"iter"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/batchaccess/batchaccess/sandbox/azure/internal/role"
)

// Lag is how long a change takes to be seen by others. Both durations are zero unless the sandbox's weather says more.
type Lag struct {
	// Replication is for how long a new directory object is unknown outside the replica that it was written to.
	Replication time.Duration
	// Propagation is for how long a change does not act yet: of role assignments, of roles, and of who is in a group
	// (azure-facts.md, Groups).
	Propagation time.Duration
	// IdentityTokens is for how long the token of a managed identity is cached, in which the groups stand that it was in.
	IdentityTokens time.Duration
	// Now is the sandbox's time.
	Now func() time.Time
}

// Removed is a role assignment that is gone, and may still act.
type Removed struct {
	*RoleAssignment
	RemovedOn time.Time `json:"removedOn"`
}

// Left is when somebody who is out of a group came in, zero for always, and went.
type Left struct {
	Joined time.Time `json:"joined,omitzero"`
	On     time.Time `json:"on"`
}

// FormerRole is what a role was until it was replaced.
type FormerRole struct {
	Definition role.Definition `json:"definition"`
	ReplacedOn time.Time       `json:"replacedOn"`
}

// Late reports whether changes act late at all.
func (l Lag) Late() bool { return l.Propagation > 0 || l.IdentityTokens > 0 }

// ActsAs lists the groups, however deep, as whose member an object acts now, sorted. tokenAt is when the token by which
// it acts was issued; zero for a new one. A token has the groups of when it was issued (facts/failures.md,
// AuthorizationFailed): whoever is put into one needs a new token, and a managed identity gets none before its old one
// is over.
func (s *State) ActsAs(objectID string, tokenAt time.Time) []string {
	if !s.Lag.Late() {
		return s.MemberOf(objectID, true)
	}
	lag := s.Lag.Propagation
	if sp := s.ServicePrincipals[key(objectID)]; sp != nil && sp.Type == "ManagedIdentity" {
		lag = max(lag, s.Lag.IdentityTokens)
	}
	at := s.Lag.Now().Add(-lag)
	if inToken := tokenAt.Add(time.Second - 1); !tokenAt.IsZero() && inToken.Before(at) { // tokens have whole seconds
		at = inToken
	}
	found := map[string]bool{}
	var visit func(id string)
	visit = func(id string) {
		for _, kind := range []string{member, formerMember} {
			for group := range s.named(Groups, kind, id) {
				if !found[group] && s.Groups[group].had(id, at) {
					found[group] = true
					visit(group)
				}
			}
		}
	}
	visit(key(objectID))
	return slices.Sorted(maps.Keys(found))
}

// had reports whether somebody was in the group at a time.
func (g *Group) had(id string, at time.Time) bool {
	if _, is := g.Members[id]; is && !g.Joined[id].After(at) {
		return true
	}
	left, was := g.Left[id]
	return was && left.On.After(at) && !left.Joined.After(at)
}

// Join puts somebody into a group.
func (s *State) Join(g *Group, id string) {
	if g.Members == nil {
		g.Members = map[string]bool{}
	}
	g.Members[id] = false
	if s.Lag.Late() {
		if g.Joined == nil {
			g.Joined = map[string]time.Time{}
		}
		g.Joined[id] = s.Lag.Now()
	}
	s.Touch(Groups, g.ID)
}

// Leave takes somebody out of a group, and remembers it for as long as it may act as if it were in.
func (s *State) Leave(g *Group, id string) {
	if s.Lag.Late() {
		now := s.Lag.Now()
		maps.DeleteFunc(g.Left, func(_ string, l Left) bool {
			return now.Sub(l.On) > max(s.Lag.Propagation, s.Lag.IdentityTokens)+longestToken
		})
		if g.Left == nil {
			g.Left = map[string]Left{}
		}
		g.Left[id] = Left{g.Joined[id], now}
	}
	delete(g.Members, id)
	delete(g.Joined, id)
	s.Touch(Groups, g.ID)
}

// longestToken is for how long a token of the sandbox's is good, at most.
const longestToken = 24 * time.Hour

// ReplaceRole notes what a role is from now on, and that it may still act as it was.
func (s *State) ReplaceRole(old, now *RoleDefinition) {
	if old == nil || s.Lag.Propagation == 0 {
		return
	}
	now.Former = slices.DeleteFunc(slices.Clone(old.Former), func(f FormerRole) bool { return !s.stillIs(f) })
	now.Former = append(now.Former, FormerRole{old.Definition, s.Lag.Now()})
}

func (s *State) stillIs(f FormerRole) bool { return s.Lag.Now().Sub(f.ReplacedOn) < s.Lag.Propagation }

// Acting is what the role is to whoever decides by it now.
func (s *State) Acting(r *RoleDefinition) role.Definition {
	for _, f := range r.Former {
		if s.stillIs(f) {
			return f.Definition
		}
	}
	return r.Definition
}

// Settle has all that was changed act, and what was made known, as when everybody has seen it.
func (s *State) Settle() {
	s.replicate()
	for name, a := range s.RoleAssignments {
		s.Touch(RoleAssignments, name)
		a.CreatedOn = a.CreatedOn.Add(-s.Lag.Propagation)
		if !a.ConditionOn.IsZero() {
			a.ConditionOn = a.ConditionOn.Add(-s.Lag.Propagation)
		}
	}
	s.Removed = nil
	for id, r := range s.RoleDefinitions {
		if len(r.Former) > 0 {
			r.Former = nil
			s.Touch(RoleDefinitions, id)
		}
	}
	for id, g := range s.Groups {
		if len(g.Joined)+len(g.Left) > 0 {
			g.Joined, g.Left = nil, nil
			s.Touch(Groups, id)
		}
	}
}

// replicate has every directory object known everywhere: it was made that much earlier.
func (s *State) replicate() {
	if s.Lag.Replication == 0 {
		return
	}
	earlier := func(t *time.Time) { *t = t.Add(-s.Lag.Replication) }
	for id, app := range s.Applications {
		earlier(&app.CreatedAt)
		for i := range app.Passwords {
			earlier(&app.Passwords[i].CreatedAt)
		}
		for i := range app.Federated {
			earlier(&app.Federated[i].CreatedAt)
		}
		s.Touch(Applications, id)
	}
	for id, sp := range s.ServicePrincipals {
		earlier(&sp.CreatedAt)
		s.Touch(ServicePrincipals, id)
	}
	for id, g := range s.Groups {
		earlier(&g.CreatedAt)
		s.Touch(Groups, id)
	}
}

// Replicating reports whether what was made at that time is still unknown elsewhere.
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
