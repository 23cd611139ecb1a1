package ways

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/internal/arm"
	"github.com/batchaccess/batchaccess/internal/visible"
	"github.com/batchaccess/batchaccess/roles"
)

// A Cut is a change of one thing in Azure or Entra, or of two if no single one is enough, after which no principal of a
// way reaches its end, not even perhaps. It was tried on the estate.
type Cut struct {
	Does string `json:"does"`
	// Stops are what declared jobs need the thing for, as far as a plan says it.
	Stops []string `json:"stops"`
}

func (c Cut) String() string {
	if len(c.Stops) == 0 {
		return c.Does + "; no declared job is known to stop"
	}
	return c.Does + "; then this stops: " + strings.Join(c.Stops, ", ")
}

// A change is a cut that is still to be tried.
type change struct {
	Cut
	alter func(*Estate)
	// near is set if the way may go by it: no other change closes the way by itself.
	near bool
}

// manyChanges is the number of changes above which pairs are not tried.
const manyChanges = 12

// Cuts returns the changes that cut all of the ways, those first that stop the fewest declared jobs. Where no change by
// itself does, it is two, and where no two do, as many as it takes, none of which can be left out. None where the
// estate does not have the ways, or nothing that is known cuts them.
func (e *Estate) Cuts(cut ...access.Way) (all []Cut) {
	f := newFinder(e)
	if !f.reaches(cut) {
		return nil
	}
	changes := f.changes(cut)
	cuts := func(tried ...change) bool {
		to := *e
		for _, c := range tried {
			c.alter(&to)
		}
		trial := newFinder(&to)
		trial.fixed = f.fixed
		return !trial.reaches(cut)
	}
	for _, near := range []bool{true, false} {
		for _, c := range changes {
			if c.near == near && (near || len(all) == 0) && cuts(c) {
				all = append(all, c.Cut)
			}
		}
	}
	for i, c := range changes {
		for j := i + 1; j < len(changes) && len(changes) <= manyChanges && len(all) == 0; j++ {
			if other := changes[j]; (c.near || other.near) && cuts(c, other) {
				all = append(all, together(c, other))
			}
		}
	}
	if len(all) == 0 {
		if needed := fewest(changes, cuts); needed != nil {
			all = append(all, together(needed...))
		}
	}
	slices.SortStableFunc(all, func(a, b Cut) int { return len(a.Stops) - len(b.Stops) })
	return all
}

// fewest are changes that cut together and of which none can be left out, of what the ways go by where that is enough;
// nil where all together do not.
func fewest(changes []change, cuts func(...change) bool) []change {
	near := slices.DeleteFunc(slices.Clone(changes), func(c change) bool { return !c.near })
	for _, needed := range [][]change{near, changes} {
		if !cuts(needed...) {
			continue
		}
		for i := 0; i < len(needed); {
			if without := slices.Delete(slices.Clone(needed), i, i+1); cuts(without...) {
				needed = without
			} else {
				i++
			}
		}
		return needed
	}
	return nil
}

func together(changes ...change) (c Cut) {
	for i, one := range changes {
		c.Does += map[bool]string{true: ", and "}[i > 0] + one.Does
		for _, stops := range one.Stops {
			if !slices.Contains(c.Stops, stops) {
				c.Stops = append(c.Stops, stops)
			}
		}
	}
	c.Stops = append([]string{}, c.Stops...)
	return c
}

// reaches reports whether any of those who go one of the ways reaches its end, or may, by this way or by another.
func (f *finder) reaches(all []access.Way) bool {
	ends := func(one access.Way) bool {
		return slices.ContainsFunc(all, func(w access.Way) bool {
			return one.Input == w.Input && one.Output == w.Output && strings.EqualFold(one.Ends, w.Ends) &&
				slices.Contains(w.Who, one.Who[0])
		})
	}
	who := whoOf(all)
	ids := f.idsOf(who)
	if len(ids) < len(who) { // in words those whom the estate does not have as principals
		return slices.ContainsFunc(f.Estate.Ways(), ends)
	}
	for _, id := range ids {
		if slices.ContainsFunc(slices.Concat(f.waysOf(id), f.directly(id)), ends) {
			return true
		}
	}
	return false
}

func whoOf(all []access.Way) (who []string) {
	for _, w := range all {
		for _, name := range w.Who {
			if !slices.Contains(who, name) {
				who = append(who, name)
			}
		}
	}
	return who
}

// idsOf returns the principals and groups with these names.
func (f *finder) idsOf(names []string) (ids []string) {
	for _, name := range names {
		for _, id := range slices.Sorted(maps.Keys(f.names)) {
			if slices.Contains(f.names[id], name) {
				ids = append(ids, id)
				break
			}
		}
	}
	return ids
}

// changes are what might cut ways: each takes one thing away from those who go them, or whom they act as on them.
func (f *finder) changes(ways []access.Way) (all []change) {
	names := whoOf(ways)
	var text strings.Builder
	for _, w := range ways {
		for _, hop := range w.Hops {
			names = append(names, hop.Identity)
			text.WriteString(hop.GivenBy + "\n")
		}
		text.WriteString(w.String() + "\n")
	}
	on := map[string]bool{}
	for _, id := range f.idsOf(names) {
		for _, h := range f.holders(id) {
			on[h.id] = true
		}
	}
	try := func(near, does string, stops []string, alter func(*Estate)) {
		all = append(all, change{Cut{does, append([]string{}, stops...)}, alter, strings.Contains(text.String(), near)})
	}
	without := func(ids []string, is func(string) bool) []string { return slices.DeleteFunc(slices.Clone(ids), is) }
	gone := func(id string) func(string) bool { return func(of string) bool { return fold(of) == id } }
	f.withoutAssignments(on, f.endsOf(ways), try)
	for _, id := range slices.Sorted(maps.Keys(on)) {
		for n, g := range f.Groups {
			if slices.ContainsFunc(g.Members, gone(id)) {
				try(g.Name, "take "+f.name(id)+" out of group "+g.Name, nil, func(to *Estate) {
					to.Groups = slices.Clone(to.Groups)
					to.Groups[n].Members = without(to.Groups[n].Members, gone(id))
				})
			}
			if slices.ContainsFunc(g.Owners, gone(id)) {
				try(g.Name, "let "+f.name(id)+" not own group "+g.Name, nil, func(to *Estate) {
					to.Groups = slices.Clone(to.Groups)
					to.Groups[n].Owners = without(to.Groups[n].Owners, gone(id))
				})
			}
		}
		if slices.ContainsFunc(f.Applications, func(a Application) bool { return slices.ContainsFunc(a.Owners, gone(id)) }) {
			try("", "let "+f.name(id)+" own no application", nil, func(to *Estate) {
				to.Applications = slices.Clone(to.Applications)
				for i, a := range to.Applications {
					to.Applications[i].Owners = without(a.Owners, gone(id))
				}
			})
		}
	}
	for n, p := range f.Powers {
		if on[fold(p.Principal)] {
			try(p.Name, "take "+p.Name+" away from "+f.name(p.Principal), nil, func(to *Estate) {
				to.Powers = slices.DeleteFunc(slices.Clone(to.Powers), func(of Power) bool { return of == f.Powers[n] })
			})
		}
	}
	for n, a := range f.Applications {
		for _, c := range a.Federated {
			try("", "delete the federated credential of "+f.name(a.Principal)+" for "+c.Subject, nil, func(to *Estate) {
				to.Applications = slices.Clone(to.Applications)
				to.Applications[n].Federated = slices.DeleteFunc(slices.Clone(to.Applications[n].Federated),
					func(of Federated) bool { return of == c })
			})
		}
		for _, secret := range a.Secrets {
			try(secret, "delete the "+secret+" of "+f.name(a.Principal), nil, func(to *Estate) {
				to.Applications = slices.Clone(to.Applications)
				to.Applications[n].Secrets = without(to.Applications[n].Secrets, func(of string) bool { return of == secret })
			})
		}
	}
	f.withoutSecrets(on, try)
	return all
}

// manyNames is the number of names that a cut has for people.
const manyNames = 10

// A trying adds a change. near is in the text of a way that goes by it; "" if that can't be seen.
type trying func(near, does string, stops []string, alter func(*Estate))

// endsOf are the data that ways end at.
func (f *finder) endsOf(ways []access.Way) (all []Datum) {
	for _, d := range f.Data {
		if slices.ContainsFunc(ways, func(w access.Way) bool { return d.Name == w.Input+w.Output }) {
			all = append(all, d)
		}
	}
	return all
}

// limits are the conditions that would keep the holders of a role at a scope from some data: from its container, or
// from giving any role but Reader (facts/conditions.md). No condition reaches other actions.
func (f *finder) limits(a Assignment, from []Datum) (all map[string]string) {
	all = map[string]string{}
	if a.Condition != "" || len(a.For) > 0 {
		return all
	}
	if a.Permissions.MayAllow(roles.Action{Name: writeAssignment}) {
		reader, _ := roles.BuiltIn("Reader")
		all["lets Reader alone be given"] = "((!(ActionMatches{'" + writeAssignment + "'})) OR (@Request[" +
			"Microsoft.Authorization/roleAssignments:RoleDefinitionId] " +
			"ForAnyOfAnyValues:GuidEquals {" + reader.ID + "}))"
	}
	for _, d := range from {
		within := strings.HasPrefix(fold(a.Scope), fold(d.place()))
		reads := a.Permissions.MayAllow(roles.Action{Name: roles.ReadBlobs, Data: true}) ||
			a.Permissions.MayAllow(roles.Action{Name: roles.WriteBlobs, Data: true})
		if covers, _ := f.covers(a.Scope, d.place()); covers && reads && !within && d.Container != "" {
			all["leaves out container "+d.Container] = "((!(ActionMatches{'" + blobActions + "'})) OR (@Resource[" +
				"Microsoft.Storage/storageAccounts/blobServices/containers:name] StringNotEquals '" + d.Container + "'))"
		}
	}
	return all
}

const blobActions = "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/*"

// withoutAssignments removes a role at a place from all that hold it there, or limits it by a condition that keeps them
// from the data.
func (f *finder) withoutAssignments(on map[string]bool, from []Datum, try trying) {
	type given struct{ role, scope string }
	var order []given
	at := map[given][]int{}
	for n, a := range f.Assignments {
		if on[fold(a.Principal)] {
			key := given{a.Role, fold(a.Scope)}
			if at[key] == nil {
				order = append(order, key)
			}
			at[key] = append(at[key], n)
		}
	}
	for _, key := range order {
		var who, stops []string
		place := f.place(f.Assignments[at[key][0]].Scope)
		for _, n := range at[key] {
			a := f.Assignments[n]
			who = append(who, f.name(a.Principal))
			for _, reason := range a.For {
				if !slices.Contains(stops, reason) {
					stops = append(stops, reason)
				}
			}
		}
		does := "take " + cmp.Or(key.role, "the role") + " on " + place + " away from " + visible.Some(who, manyNames)
		near := cmp.Or(f.Assignments[at[key][0]].Role, "a role without a name") + " on " + place
		limits := f.limits(f.Assignments[at[key][0]], from)
		for _, limit := range slices.Sorted(maps.Keys(limits)) {
			does := "limit " + cmp.Or(key.role, "the role") + " on " + place + " by a condition that " + limit + ", for " +
				visible.Some(who, manyNames)
			try(near, does, stops, func(to *Estate) {
				to.Assignments = slices.Clone(to.Assignments)
				for i, a := range to.Assignments {
					if on[fold(a.Principal)] && a.Role == key.role && fold(a.Scope) == key.scope && a.Condition == "" {
						to.Assignments[i].Condition = limits[limit]
					}
				}
			})
		}
		try(near, does, stops, func(to *Estate) {
			to.Assignments = slices.DeleteFunc(slices.Clone(to.Assignments), func(a Assignment) bool {
				return on[fold(a.Principal)] && a.Role == key.role && fold(a.Scope) == key.scope
			})
		})
	}
}

// withoutSecrets removes secrets, or what they open, and identities from what others use.
func (f *finder) withoutSecrets(on map[string]bool, try trying) {
	change := func(n int, alter func(*Workspace)) func(*Estate) {
		return func(to *Estate) {
			to.Workspaces = slices.Clone(to.Workspaces)
			alter(&to.Workspaces[n])
		}
	}
	inStore := func(w Workspace, s Store) (jobs []string) {
		for _, n := range f.ofStore[storeID(w, s)] {
			if f.Data[n].Store != "" {
				jobs = append(jobs, "jobs on "+f.Data[n].Name+" until identities read it")
			}
		}
		return jobs
	}
	for n, w := range f.Workspaces {
		for i, s := range w.Stores {
			if s.Kind == NoCredential {
				continue
			}
			try("", "keep data store "+s.Name+" without a credential", inStore(w, s), change(n, func(to *Workspace) {
				to.Stores = slices.Clone(to.Stores)
				to.Stores[i].Kind = NoCredential
			}))
		}
		for i, one := range w.Instances {
			try(one.Name, "take the identities from compute instance "+one.Name, nil, change(n, func(to *Workspace) {
				to.Instances = slices.Clone(to.Instances)
				to.Instances[i].Principals = nil
			}))
		}
	}
	for n, v := range f.Vaults {
		for _, reader := range v.Readers {
			if on[fold(reader)] {
				try("access policy", "take the access policy of "+f.name(reader)+" out of key vault "+arm.Last(v.ID), nil,
					func(to *Estate) {
						to.Vaults = slices.Clone(to.Vaults)
						to.Vaults[n].Readers = slices.DeleteFunc(slices.Clone(to.Vaults[n].Readers),
							func(of string) bool { return of == reader })
					})
			}
		}
	}
	for n, a := range f.Accounts {
		var stops []string
		for _, w := range f.Workspaces {
			for _, s := range w.Stores {
				if arm.Same(s.Account, a.ID) && s.Kind != NoCredential && s.Kind != ServicePrincipal {
					stops = append(stops, inStore(w, s)...)
				}
			}
		}
		try("", "turn shared keys of storage account "+a.Name+" off", stops, func(to *Estate) {
			to.Accounts = slices.Clone(to.Accounts)
			to.Accounts[n].KeysOff, to.Accounts[n].KeysUnknown = true, ""
		})
	}
	for n, host := range f.Hosts {
		try(host.Name, "take the identities from "+host.Name, nil, func(to *Estate) {
			to.Hosts = slices.Clone(to.Hosts)
			to.Hosts[n].Principals = nil
		})
	}
}
