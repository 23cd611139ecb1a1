package access

import (
	"cmp"
	"slices"

	"github.com/batchaccess/batchaccess/roles"
)

// An escalation says where an identity gets by its actions, with the action that leads there most surely.
type escalation struct {
	To  roles.Target
	hop Hop
}

// toDeployments leads only to the clusters of the endpoints at which the role is assigned.
const toDeployments roles.Target = "the deployments of endpoints"

// endpointsOf returns the endpoints at which an identity is assigned a role.
func (c checker) endpointsOf(of Principal) map[string]bool {
	all := map[string]bool{}
	for _, holder := range c.Holders(of) {
		for _, g := range c.grantsOf[holder] {
			if g.Scope.Level == AtEndpoint {
				all[g.Scope.Endpoint] = true
			}
		}
	}
	return all
}

// escalations returns where the grants of an identity lead, the decided ones first.
func (c checker) escalations(of Principal) []escalation {
	var decided, undecided []escalation
	add := func(to roles.Target, hop *Hop) {
		same := func(other escalation) bool { return other.To == to }
		switch {
		case hop == nil, slices.ContainsFunc(decided, same):
		case !hop.Undecided:
			decided = append(decided, escalation{to, *hop})
		case !slices.ContainsFunc(undecided, same):
			undecided = append(undecided, escalation{to, *hop})
		}
	}
	for _, l := range roles.Escalations() {
		switch {
		case l.To == roles.Nowhere, l.To == roles.ToAttach:
		case l.Action == roles.WriteDeployment && c.Model.Role.ByEndpoint():
			add(toDeployments, c.hopBy(of, l.Action, l.Inferred))
		default:
			add(l.To, c.hopBy(of, l.Action, l.Inferred))
		}
	}
	if open := c.hopBy(of, roles.OpenContainer, false); open != nil {
		add(roles.ToAccountData, open.with(c.hopBy(of, roles.OpenAccount, false)))
	}
	all := slices.Concat(decided, undecided)
	if assign := c.hopBy(of, roles.AssignIdentity, false); assign != nil {
		add(roles.ToAttach, assign.with(c.hopBy(of, roles.WriteScript, false)))
		for _, l := range roles.Escalations() {
			if _, attaches := l.Host(); attaches {
				add(roles.ToAttach, assign.with(c.hopBy(of, l.Action, true)))
			}
		}
		if code := slices.IndexFunc(all, func(l escalation) bool {
			return l.To == roles.ToClusters ||
				l.To == toDeployments
		}); code >= 0 {
			add(roles.ToAttach, assign.with(c.hopBy(of, roles.WriteCompute, false)).with(&all[code].hop))
		}
	}
	return append(decided, slices.DeleteFunc(undecided, func(l escalation) bool {
		return slices.ContainsFunc(decided, func(other escalation) bool { return other.To == l.To })
	})...)
}

// with returns one hop that needs both; nil if either is nil.
func (h *Hop) with(other *Hop) *Hop {
	if h == nil || other == nil {
		return nil
	}
	both := *h
	both.Needs += " and " + other.Needs
	both.Takes = slices.Concat(h.Takes, other.Takes)
	both.GivenBy += " with " + other.GivenBy
	both.Undecided, both.Missing = h.Undecided || other.Undecided, cmp.Or(h.Missing, other.Missing)
	return &both
}

// hopBy returns the hop that an identity takes by an action; nil if no grant gives it the action.
func (c checker) hopBy(of Principal, action roles.Action, inferred bool) *Hop {
	g, through, assumed := c.covering(of, action, true)
	if g == nil {
		return nil
	}
	hop := Hop{Identity: of.String(), Needs: action.Name, Takes: []string{action.Name},
		GivenBy: shortAction(action.Name) + " of " + g.String() + through}
	sure, _, _ := c.covering(of, action, false)
	switch {
	case assumed:
		hop.Missing = unknownRole
	case sure == nil:
		hop.Missing = "whether the role allows " + action.Name
	case inferred:
		hop.Missing = "no document says what " + action.Name + " is enough for"
	}
	hop.Undecided = hop.Missing != ""
	return &hop
}
