package access

import (
	"cmp"
	"slices"

	"github.com/batchaccess/batchaccess/roles"
)

// A leading is one lead of an identity: by its surest action.
type leading struct {
	roles.Lead
	hop Hop
}

// toDeployments leads to the clusters of those endpoints alone at which the role is assigned.
const toDeployments roles.Lead = "the deployments of endpoints"

// endpointsOf are the endpoints at which an identity is assigned a role.
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

// leadings are where the grants of an identity lead, the decided ones first.
func (c checker) leadings(of Principal) []leading {
	var decided, undecided []leading
	add := func(lead roles.Lead, hop *Hop) {
		same := func(other leading) bool { return other.Lead == lead }
		switch {
		case hop == nil, slices.ContainsFunc(decided, same):
		case !hop.Undecided:
			decided = append(decided, leading{lead, *hop})
		case !slices.ContainsFunc(undecided, same):
			undecided = append(undecided, leading{lead, *hop})
		}
	}
	for _, l := range roles.Leadings() {
		switch {
		case l.Lead == roles.Nowhere, l.Lead == roles.ToAttach:
		case l.Action == roles.WriteDeployment && c.Model.Role.ByEndpoint():
			add(toDeployments, c.hopBy(of, l.Action, l.Inferred))
		default:
			add(l.Lead, c.hopBy(of, l.Action, l.Inferred))
		}
	}
	all := slices.Concat(decided, undecided)
	if assign := c.hopBy(of, roles.AssignIdentity, false); assign != nil {
		add(roles.ToAttach, assign.with(c.hopBy(of, roles.WriteScript, false)))
		for _, l := range roles.Leadings() {
			if _, attaches := l.Host(); attaches {
				add(roles.ToAttach, assign.with(c.hopBy(of, l.Action, true)))
			}
		}
		if code := slices.IndexFunc(all, func(l leading) bool {
			return l.Lead == roles.ToClusters ||
				l.Lead == toDeployments
		}); code >= 0 {
			add(roles.ToAttach, assign.with(c.hopBy(of, roles.WriteCompute, false)).with(&all[code].hop))
		}
	}
	return append(decided, slices.DeleteFunc(undecided, func(l leading) bool {
		return slices.ContainsFunc(decided, func(other leading) bool { return other.Lead == l.Lead })
	})...)
}

// with is the hop that takes both; nil if one of them is not there.
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

// hopBy is the hop that an identity takes by an action; nil if nothing gives it.
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
