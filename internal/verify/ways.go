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

// An OtherWays is what others than the stack's principals reach: all who reach the same by the same hops together.
type OtherWays struct {
	// Who they are: with their object IDs, or in words those who could not be asked for.
	Who []string `json:"who"`
	// By are the roles that they hold where it bears on the stack, or else what they do.
	By []string `json:"by"`
	// Ways are to data, also those of one hop: a role of their own.
	Ways []access.Way `json:"ways"`
	// Cuts are the changes that cut all of the ways; see Way.
	Cuts []ways.Cut `json:"cuts,omitempty"`
}

// A live is the estate with what is found in it, and the doubts about the stack's principals.
type live struct {
	*ways.Estate
	found, directly, doubts []access.Way
}

func (h *holdings) live(subjects []Subject) live {
	e := h.estate(subjects)
	others := map[string]bool{} // known, and not of the stack: what may be theirs is nobody else's
	for _, p := range e.Principals {
		others[p.Names[0]] = !h.ofStack(p.Names[0])
	}
	doubts := slices.DeleteFunc(e.Doubts(), func(w access.Way) bool { return others[w.Who[0]] })
	if why := h.facts.UnlistedEligible; why != "" {
		for _, d := range e.Data {
			w := access.Way{Who: []string{eligibles}, Input: d.Name, Hops: []access.Hop{{Kind: access.GrantHop,
				Identity: eligibles, Needs: "a role", GivenBy: "activating it", Undecided: true, Missing: why}}}
			if d.Output {
				w.Input, w.Output = "", d.Name
			}
			doubts = append(doubts, w)
		}
	}
	return live{e, e.Ways(), e.Directly(), doubts}
}

// ways are those of the stack's principals.
func (h *holdings) ways(l live) (all []Way, notes []string) {
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
	beyond := 0
	own := slices.DeleteFunc(slices.Clone(l.found), func(w access.Way) bool { return !h.ofStack(w.Who[0]) })
	for _, w := range ways.Together(own, func(w access.Way) string { return fmt.Sprint(isPlanned(w)) }) {
		one := Way{Way: w, Planned: isPlanned(w)}
		if !one.Planned {
			if beyond++; beyond <= triedWays {
				one.Cuts = l.Cuts(w)
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

// ofStack reports whether a name is that of an invoker or a cluster identity of the model.
func (h *holdings) ofStack(name string) bool {
	cluster, is := strings.CutPrefix(name, "cluster:")
	if _, there := h.m.Clusters[cluster]; is {
		return there
	}
	_, there := h.m.Invokers[name]
	return there
}

// otherWays are those of everybody else.
func (h *holdings) otherWays(l live) (all []OtherWays, notes []string) {
	others := slices.DeleteFunc(slices.Concat(l.directly, l.found), func(w access.Way) bool { return h.ofStack(w.Who[0]) })
	at := map[string]int{}
	for _, w := range ways.Together(others, nil) {
		key := strings.Join(w.Who, "\n")
		n, there := at[key]
		if !there {
			n, at[key] = len(all), len(all)
			all = append(all, OtherWays{Who: w.Who, By: l.HeldBy(w.Who)})
			if len(all[n].By) == 0 {
				all[n].By = []string{w.Hops[0].GivenBy}
			}
		}
		all[n].Ways = append(all[n].Ways, w)
	}
	for n := range all {
		if n < triedWays {
			all[n].Cuts = l.Cuts(all[n].Ways...)
		}
	}
	if len(all) > triedWays {
		notes = append(notes, fmt.Sprintf("what cuts the ways of others was tried for %d of %d groups of them", triedWays,
			len(all)))
	}
	return all, notes
}

// asserted holds the assertions that something is read by no way against what is in Azure.
func (h *holdings) asserted(l live, r Report) (all []access.Verdict) {
	for _, name := range slices.Sorted(maps.Keys(h.m.Assertions)) {
		a := h.m.Assertions[name]
		if a.Read == "" || a.How != "byNoWay" {
			continue
		}
		v := access.Verdict{Name: name, Says: a.String()}
		v.Holds, v.Because = h.plan.Judge(a, func(of access.Principal) (string, bool) {
			for _, p := range r.Paths {
				switch its := p.Invoker == of.Name && !of.IsCluster() && p.Input == a.Read; {
				case its && p.Status == Undecided:
					return "whether a job of theirs on " + p.Target() + " reads it is undecided: " + p.Why, true
				case its && p.Status != Missing:
					return "a job of theirs on " + p.Target() + " reads it", true
				}
			}
			name := of.Name
			if of.IsCluster() {
				name = "cluster:" + name
			}
			for _, w := range slices.Concat(l.directly, l.found, l.doubts) {
				if w.Input == a.Read && w.Who[0] == name {
					return w.String(), true
				}
			}
			for _, w := range l.doubts {
				if w.Input == a.Read && !h.ofStack(w.Who[0]) {
					return "it may be, or become, one of them: " + w.String(), true
				}
			}
			return "", false
		})
		all = append(all, v)
	}
	return all
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
	if e.Workspaces[0].Account == "" {
		e.Workspaces[0].Account = f.Account
	}
	h.groupsOf(e, subjects)
	h.ownersOf(e, subjects)
	e.Powers = append(slices.Clip(f.Powers), f.held...)
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
	for _, p := range e.Principals {
		resource := f.Resources[strings.ToLower(p.ID)]
		known := slices.ContainsFunc(e.Identities, func(i ways.Identity) bool { return arm.Same(i.ID, resource) })
		if resource != "" && !known {
			e.Identities = append(e.Identities, ways.Identity{Name: p.Names[0], ID: resource, Principal: p.ID})
		}
	}
	h.others(e, subjects)
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
