package verify

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/internal/arm"
	"github.com/batchaccess/batchaccess/internal/ways"
)

// A Way is an indirect way that is open now, or may be.
type Way struct {
	access.Way
	// Planned is set if the plan has it too: a principal reaches the same by what the stack grants.
	Planned bool `json:"planned,omitempty"`
	// Cuts are changes that close a way beyond the plan; each was tried. There are none if a note says that none was
	// tried, or if no two changes close it.
	Cuts []ways.Cut `json:"cuts,omitempty"`
}

// triedWays is the number of ways for which a cut is looked for: each try finds all ways anew.
const triedWays = 60

// ways returns the ways of the stack's principals, of their owners, and of strangers in their groups. Ways that depend
// on something that could not be listed are undecided.
func (h *holdings) ways(subjects []Subject) (all []Way, notes []string) {
	planned := map[string]bool{}
	for _, w := range h.plan.Ways() {
		for _, who := range w.Who {
			planned[wayKey(who, w)] = true
			if w.Undecided() {
				planned[wayKey(who, w)+" undecided"] = true
			}
		}
	}
	isPlanned := func(w access.Way) bool {
		key := wayKey(w.Who[0], w)
		return planned[key] && (w.Undecided() || !planned[key+" undecided"])
	}
	estate, beyond := h.estate(subjects), 0
	for _, w := range ways.Together(estate.Ways(), func(w access.Way) string { return fmt.Sprint(isPlanned(w)) }) {
		one := Way{Way: w, Planned: isPlanned(w)}
		if !one.Planned {
			if beyond++; beyond <= triedWays {
				one.Cuts = estate.Cuts(w)
			}
		}
		all = append(all, one)
	}
	if beyond > triedWays {
		notes = append(notes, fmt.Sprintf("what cuts them was tried for %d of the %d indirect ways beyond the plan",
			triedWays, beyond))
	}
	slices.SortStableFunc(all, func(a, b Way) int { return cmp.Compare(a.Input+a.Output, b.Input+b.Output) })
	return all, notes
}

// wayKey says who reaches what.
func wayKey(who string, w access.Way) string {
	ends := w.Ends
	if strings.HasPrefix(ends, "role assignments at ") {
		ends = "role assignments"
	}
	return who + "\n" + w.Input + "\n" + w.Output + "\n" + ends
}

// estate returns Azure's answers as an estate.
func (h *holdings) estate(subjects []Subject) *ways.Estate {
	f := h.facts
	kinds := map[access.Principal]Subject{}
	for _, s := range subjects {
		kinds[s.Principal] = s
	}
	e := ways.Of(h.plan, func(p access.Principal) string { return cmp.Or(h.ids[p], "no ID of "+p.String()) })
	e.Above = true
	if account := h.m.StorageAccounts[f.Workspace.StorageAccount].Text(); account != "" {
		e.Workspaces[0].Account = account
	}
	unlisted := strings.Join(slices.Sorted(maps.Values(f.Unlisted)), "; ")
	for i := range e.Principals {
		p := &e.Principals[i]
		p.Unknown = unlisted
		for _, s := range subjects {
			if strings.EqualFold(s.ID, p.ID) && f.Unknown[s.Principal] != "" {
				p.Unknown = f.Unknown[s.Principal]
			}
		}
		if strings.HasPrefix(p.ID, "no ID of ") {
			p.Unknown = cmp.Or(p.Unknown, "the stack's outputs have "+p.ID)
		}
	}
	h.groupsOf(e, subjects)
	h.ownersOf(e, subjects)
	for i := range e.Workspaces[0].Stores {
		s := &e.Workspaces[0].Stores[i]
		if has, there := f.Stores[strings.ToLower(s.Name)]; there {
			s.Kind, s.Container = has.Properties.Credentials.Type, cmp.Or(has.Container(), s.Container)
			s.Account = cmp.Or(has.AccountID(), s.Account)
		}
	}
	planned, _ := ways.Planned(h.plan, func(p access.Principal) string { return h.ids[p] })
	assigned := func(a Assignment, doubt string) {
		one := ways.Assignment{Principal: a.PrincipalID, Role: cmp.Or(a.Role, a.RoleID), Scope: a.Scope,
			Permissions: a.Permissions, Condition: a.Condition, Unread: a.Unread, Assignable: a.Assignable, Doubt: doubt}
		for _, p := range planned { // the name of the role that the stack makes has a suffix
			if strings.EqualFold(p.Principal, a.PrincipalID) && arm.Same(p.Scope, a.Scope) &&
				(p.Role == a.Role || a.Assignable != nil && strings.HasPrefix(a.Role, p.Role)) {
				one.For = append(one.For, p.For...)
			}
		}
		e.Assignments = append(e.Assignments, one)
	}
	for _, a := range f.Assignments {
		assigned(a, "")
	}
	for _, a := range f.Eligible {
		assigned(a, "its holder has to activate it (PIM), and who has to approve that is not known here")
	}
	h.neighbours(e)
	for _, d := range f.Denials {
		e.Denials = append(e.Denials, ways.Denial{Name: d.Name, Scope: d.Scope, OnlyHere: d.OnlyHere,
			Principals: d.Principals, Exclude: d.Exclude, Permissions: d.Permissions, Condition: d.Condition})
	}
	return e
}

// groupsOf adds the groups that principals are in, and further members of the stack's own groups.
func (h *holdings) groupsOf(e *ways.Estate, subjects []Subject) {
	at := func(id, name string) *ways.Group {
		n := slices.IndexFunc(e.Groups, func(g ways.Group) bool { return strings.EqualFold(g.ID, id) })
		if n < 0 {
			n, e.Groups = len(e.Groups), append(e.Groups, ways.Group{ID: id, Name: cmp.Or(name, id)})
			if slices.ContainsFunc(h.facts.Assignments, func(a Assignment) bool {
				return strings.EqualFold(a.PrincipalID, id)
			}) {
				e.Groups[n].Unlisted = "who owns a group that the stack does not name is not asked"
			}
		}
		return &e.Groups[n]
	}
	for _, s := range subjects {
		for _, g := range h.facts.Groups[strings.ToLower(s.ID)] {
			group := at(g.ID, g.Name)
			if !slices.ContainsFunc(group.Members, func(id string) bool { return strings.EqualFold(id, s.ID) }) {
				group.Members = append(group.Members, s.ID)
			}
		}
		if s.Kind != access.Group {
			continue
		}
		group := at(s.ID, s.Principal.Name)
		group.Unlisted = h.facts.UnlistedOwners[s.Principal.Name]
		if members, asked := h.facts.Members[strings.ToLower(s.ID)]; asked {
			group.Members = nil
			for _, member := range members {
				group.Members = append(group.Members, member.ID)
				stranger(e, member.ID, member.Name)
			}
		}
	}
}

// ownersOf adds the owners of the principals, and the federated credentials that the stack does not name.
func (h *holdings) ownersOf(e *ways.Estate, subjects []Subject) {
	for _, s := range subjects {
		if s.Principal.IsCluster() || s.Kind == access.User {
			continue
		}
		a := ways.Application{Name: s.Principal.Name, Principal: s.ID, Unlisted: h.facts.UnlistedOwners[s.Principal.Name],
			Managed: s.Kind == access.ManagedIdentity}
		for _, o := range h.facts.Owners {
			if o.Of != s.Principal.Name {
				continue
			}
			stranger(e, o.ID, o.Name)
			if o.What != ownedGroup {
				a.Owners = append(a.Owners, o.ID)
				continue
			}
			for i := range e.Groups {
				if strings.EqualFold(e.Groups[i].ID, s.ID) {
					e.Groups[i].Owners = append(e.Groups[i].Owners, o.ID)
				}
			}
		}
		for _, in := range h.facts.SignIns {
			switch {
			case in.Invoker != s.Principal.Name || !in.Extra:
			case in.Secret != "":
				a.Secrets = append(a.Secrets, secret{kind: in.Secret, Name: in.Name}.called())
			default:
				a.Federated = append(a.Federated, ways.Federated{Issuer: in.Issuer, Subject: in.Subject})
			}
		}
		if s.Kind != access.Group {
			e.Applications = append(e.Applications, a)
		}
	}
}

// stranger adds a principal that the model does not name.
func stranger(e *ways.Estate, id, name string) {
	known := slices.ContainsFunc(e.Principals, func(p ways.Principal) bool { return strings.EqualFold(p.ID, id) }) ||
		slices.ContainsFunc(e.Groups, func(g ways.Group) bool { return strings.EqualFold(g.ID, id) })
	if !known {
		e.Principals = append(e.Principals, ways.Principal{ID: id, Names: []string{
			strings.TrimSpace(name + " (" + id + ")")}})
	}
}
