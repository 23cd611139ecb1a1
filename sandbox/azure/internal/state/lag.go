package state

import (
	"iter"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/batchaccess/batchaccess/sandbox/azure/internal/role"
)

// Lag is how long a change takes until others see it. All durations are zero unless the sandbox's weather sets them.
type Lag struct {
	// Replication is how long only the replica that wrote a new directory object knows it.
	Replication time.Duration
	// Propagation is how long a change to role assignments, roles and members of groups has no effect yet
	// (azure-facts.md, Groups).
	Propagation time.Duration
	// IdentityTokens is how long the token of a managed identity is cached. It names the groups that the identity was
	// in when the token was issued.
	IdentityTokens time.Duration
	// Now is the sandbox's time.
	Now func() time.Time
}

// Removed is a deleted role assignment that may still have effect.
type Removed struct {
	*RoleAssignment
	RemovedOn time.Time `json:"removedOn"`
}

// Left is a former member of a group: when it joined (zero for always), and when it left.
type Left struct {
	Joined time.Time `json:"joined,omitzero"`
	On     time.Time `json:"on"`
}

// FormerRole is a role as it was, and until when.
type FormerRole struct {
	Definition role.Definition `json:"definition"`
	ReplacedOn time.Time       `json:"replacedOn"`
}

// Late reports whether any change takes effect late.
func (l Lag) Late() bool { return l.Propagation > 0 || l.IdentityTokens > 0 }

// ActsAs lists the groups, nested ones too, whose access an object has now, sorted. tokenAt is when its token was
// issued; zero for a new token. A token has the groups of the time when it was issued (facts/failures.md,
// AuthorizationFailed): a new member needs a new token, and a managed identity gets none before its old one has
// expired.
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

// Join adds a member to a group.
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

// Leave removes a member from a group, and remembers it as long as it may still have the group's access.
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

// longestToken is the longest time for which a token of the sandbox is valid.
const longestToken = 24 * time.Hour

// ReplaceRole changes a role, and remembers the old one as long as it may still have effect.
func (s *State) ReplaceRole(old, now *RoleDefinition) {
	if old == nil || s.Lag.Propagation == 0 {
		return
	}
	now.Former = slices.DeleteFunc(slices.Clone(old.Former), func(f FormerRole) bool { return !s.stillIs(f) })
	now.Former = append(now.Former, FormerRole{old.Definition, s.Lag.Now()})
}

func (s *State) stillIs(f FormerRole) bool { return s.Lag.Now().Sub(f.ReplacedOn) < s.Lag.Propagation }

// Acting is the role as it has effect now.
func (s *State) Acting(r *RoleDefinition) role.Definition {
	for _, f := range r.Former {
		if s.stillIs(f) {
			return f.Definition
		}
	}
	return r.Definition
}

// Settle gives every change its effect, as if enough time had passed.
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

// replicate makes every directory object known everywhere, by moving its creation back in time.
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

// Replicating reports whether an object that was made at that time is still unknown elsewhere.
func (s *State) Replicating(created time.Time) bool {
	return s.Lag.Replication > 0 && s.Lag.Now().Sub(created) < s.Lag.Replication
}

// KnownPrincipalType is PrincipalType as services other than the directory see it: "" also for an object that has not
// been replicated.
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

// Effective are the role assignments of these principals that have effect now. Seeded ones always have.
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

// AssignmentsOf are a principal's own role assignments. objectID is in lower case.
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

// AssignmentsIn counts the role assignments at a subscription and at everything in it.
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

// RemoveRole deletes a role definition, and remembers it for deleted assignments that may still have effect. Azure does
// not delete a role that has other assignments.
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

// ChangeCondition changes the condition of an assignment, and remembers the old one as long as it may still have
// effect.
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

// RemoveAssignment deletes an assignment, and remembers it as long as it may still have effect.
func (s *State) RemoveAssignment(a *RoleAssignment) {
	s.mayStillAct(a)
	delete(s.RoleAssignments, a.Name)
	s.Touch(RoleAssignments, a.Name)
}
