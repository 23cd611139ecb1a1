package ways

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/batchaccess/batchaccess/roles"
)

type finder struct {
	*Estate
	names      map[string][]string
	isGroup    map[string]bool
	memberOf   map[string][]int
	ownerOf    map[string][]int
	assignedTo map[string][]int
	held       map[string][]*held
	steps      map[stage][]step
	codes      map[[2]string]codes
	stores     map[string]Store
	accounts   map[string]Account // by ID
	readings   map[stage][]reading
	// Indexes into Data, by account and by data store, in order.
	ofAccount, ofStore map[string][]int
	// elsewhere says, by principal, why it may hold more than the estate has.
	elsewhere map[string]string
	types     map[string]string // of principals and groups
	powersOf  map[string][]int  // by holder
	// special are the principals that have something that no other has.
	special map[string]bool
	*fixed
}

// What is fixed is the same after every cut.
type fixed struct {
	allows  map[*roles.Permission]map[string]bool // actions, by the first permission of a role
	lets    map[string]let                        // the roles that conditions allow somebody to assign
	covered map[[2]string]covered                 // by scope and place
}

func fold(id string) string { return strings.ToLower(strings.Trim(id, "/")) }

func newFinder(e *Estate) *finder {
	f := &finder{Estate: e, names: map[string][]string{}, isGroup: map[string]bool{}, memberOf: map[string][]int{},
		ownerOf: map[string][]int{}, assignedTo: map[string][]int{}, held: map[string][]*held{},
		steps: map[stage][]step{}, codes: map[[2]string]codes{},
		stores: map[string]Store{}, accounts: map[string]Account{}, readings: map[stage][]reading{},
		ofAccount: map[string][]int{},
		ofStore:   map[string][]int{}, special: map[string]bool{}, elsewhere: map[string]string{}, types: map[string]string{},
		powersOf: map[string][]int{}, fixed: &fixed{allows: map[*roles.Permission]map[string]bool{},
			lets: map[string]let{}, covered: map[[2]string]covered{}}}
	for _, p := range e.Principals {
		if p.Elsewhere != "" {
			f.elsewhere[fold(p.ID)], f.special[fold(p.ID)] = p.Elsewhere, true
		}
		f.names[fold(p.ID)] = append(f.names[fold(p.ID)], p.Names...)
		f.types[fold(p.ID)] = p.Type
	}
	for n, g := range e.Groups {
		f.isGroup[fold(g.ID)], f.types[fold(g.ID)] = true, groupType
		f.names[fold(g.ID)] = append(f.names[fold(g.ID)], g.Name)
		for _, id := range g.Members {
			f.memberOf[fold(id)] = append(f.memberOf[fold(id)], n)
		}
		for _, id := range g.Owners {
			f.ownerOf[fold(id)] = append(f.ownerOf[fold(id)], n)
		}
	}
	for n, a := range e.Assignments {
		f.assignedTo[fold(a.Principal)] = append(f.assignedTo[fold(a.Principal)], n)
	}
	f.index()
	return f
}

// index finds data by its place, and the special principals.
func (f *finder) index() {
	for _, a := range f.Accounts {
		if _, there := f.accounts[fold(a.ID)]; !there {
			f.accounts[fold(a.ID)] = a
		}
	}
	inStore := map[string][]string{} // stores by account and container
	for _, w := range f.Workspaces {
		for _, s := range w.Stores {
			f.stores[storeID(w, s)] = s
			if s.Container != "" {
				at := fold(s.Account) + " " + strings.ToLower(s.Container)
				inStore[at] = append(inStore[at], storeID(w, s))
			}
		}
		for _, c := range w.Clusters {
			f.special[fold(c.Principal)] = true
		}
		for _, i := range w.Instances {
			f.special[fold(i.User)] = true
		}
	}
	for n, p := range f.Powers {
		f.special[fold(p.Principal)] = true
		f.powersOf[fold(p.Principal)] = append(f.powersOf[fold(p.Principal)], n)
		if cmp.Or(p.Reach, powers[p.Name]).People {
			for _, of := range f.Principals { // each is somebody that others may become
				if of.Type == userType {
					f.special[fold(of.ID)] = true
				}
			}
		}
	}
	for _, v := range f.Vaults {
		for _, id := range v.Readers {
			f.special[fold(id)] = true
		}
	}
	for n, d := range f.Data {
		f.ofAccount[fold(d.Account)] = append(f.ofAccount[fold(d.Account)], n)
		in := inStore[fold(d.Account)+" "+strings.ToLower(d.Container)]
		for _, w := range f.Workspaces {
			id := storeID(w, Store{Name: d.Store})
			if _, there := f.stores[id]; there && d.Store != "" && !slices.Contains(in, id) {
				in = append(slices.Clip(in), id)
			}
		}
		for _, id := range in {
			f.ofStore[id] = append(f.ofStore[id], n)
		}
	}
	for id := range f.ownerOf {
		f.special[id] = true
	}
	for _, i := range f.Identities {
		f.special[fold(i.Principal)] = true
	}
	for _, a := range f.Applications {
		f.special[fold(a.Principal)] = true
		for _, id := range a.Owners {
			f.special[fold(id)] = true
		}
		for _, c := range a.Federated {
			f.special[fold(c.Subject)] = true
		}
	}
	for _, d := range f.Denials {
		for _, id := range slices.Concat(d.Principals, d.Exclude) {
			f.special[fold(id)] = true
		}
	}
}

// class is equal for principals with the same ways: they are in the same groups, hold the same roles at the same
// places, and have nothing else of their own.
func (f *finder) class(id string) string {
	if f.special[id] {
		return id
	}
	var in []string
	for _, h := range f.holders(id) {
		if h.id != id {
			in = append(in, h.id)
		}
		for _, n := range f.assignedTo[h.id] {
			a := f.Assignments[n]
			if conditional(a) {
				return id // a condition may name who is given a role
			}
			if h.id == id {
				in = append(in, fmt.Sprint(a.Role, "\t", fold(a.Scope), "\t", a.Permissions, a.Assignable, a.Unread, a.Doubt))
			}
		}
	}
	return strings.Join(in, "\n") + "\n"
}

func conditional(a Assignment) bool {
	return a.Condition != "" ||
		slices.ContainsFunc(a.Permissions, func(p roles.Permission) bool { return p.Condition != "" })
}

// name returns a principal's name, or else its ID.
func (f *finder) name(id string) string {
	if names := f.names[fold(id)]; len(names) > 0 {
		return names[0]
	}
	return id
}
