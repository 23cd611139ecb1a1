package review

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/internal/arm"
	"github.com/batchaccess/batchaccess/internal/engine"
	"github.com/batchaccess/batchaccess/internal/guardrails"
	"github.com/batchaccess/batchaccess/internal/ways"
	"github.com/batchaccess/batchaccess/roles"
)

const (
	notShown = "the preview does not show it"
	beside   = "what is granted outside of this program is not in the preview"
)

// An estate is one side of a preview in the form for the finder of indirect ways: the components' models, and every
// other resource, whatever its type.
type estate struct {
	*maker
	when side
	e    *ways.Estate
	// ids are the ARM IDs of resources, by URN.
	ids map[string]string
	// as are the object IDs of principals, by their source: the URN of a resource, or a component and a name.
	as map[string]string
	// named are the principals and groups that have been added, by ID in lower case; at has the indexes of the principals
	// in e.Principals.
	named map[string]bool
	at    map[string][]int
	// allows are the permissions of roles, by their keys.
	allows map[string]roles.Permissions
	// plain is set if a resource outside of all models matters for the ways.
	plain bool
}

// estates returns one side of the preview twice: from the components' models alone, and with all other resources. The
// second is nil if no other resource matters for the ways.
func (m *maker) estates(when side) (ofModels, whole *ways.Estate) {
	read := func(all bool) *estate {
		x := &estate{maker: m, when: when, e: &ways.Estate{}, ids: map[string]string{}, as: map[string]string{},
			named: map[string]bool{}, at: map[string][]int{}, allows: map[string]roles.Permissions{}}
		x.ofComponents()
		if all {
			x.resources()
		}
		x.rename()
		return x
	}
	ofModels = read(false).e
	if x := read(true); x.plain {
		whole = x.e
	}
	return ofModels, whole
}

// ofComponents adds what is in the components' models.
func (x *estate) ofComponents() {
	for _, urn := range slices.Sorted(maps.Keys(x.components)) {
		plan := x.components[urn].side(x.when)
		if plan == nil {
			continue
		}
		id := func(p access.Principal) string { return x.declaredPrincipal(urn, plan, p).key }
		of := ways.Of(plan, id)
		granted, err := ways.Planned(plan, id)
		if err != nil {
			x.unread("where " + engine.ShownName(urn) + " grants roles is known only after the deployment (" +
				err.Error() + "), so its indirect ways with the rest of the program are not all found")
		}
		x.e.Assignments = append(x.e.Assignments, granted...)
		x.e.Groups = append(x.e.Groups, of.Groups...)
		x.e.Identities = append(x.e.Identities, of.Identities...)
		x.e.Accounts = append(x.e.Accounts, of.Accounts...)
		x.e.Data = append(x.e.Data, of.Data...)
		for _, p := range of.Principals {
			x.add(p)
		}
		for _, g := range of.Groups {
			x.named[strings.ToLower(g.ID)] = true
		}
		for _, w := range of.Workspaces {
			own := x.workspace(w.ID)
			own.Own, own.Account = len(x.components) == 1, cmp.Or(own.Account, w.Account)
			own.Clusters = append(own.Clusters, w.Clusters...)
			own.Endpoints = append(own.Endpoints, w.Endpoints...)
			own.Stores = append(own.Stores, w.Stores...)
		}
	}
}

// states returns the resources at this side, in the order of the steps.
func (x *estate) states() (all []*engine.State) {
	for _, s := range x.p.Steps {
		state := s.New
		if x.when == before {
			state = s.Old
		}
		if state != nil && x.index.steps[s.URN].Op == s.Op {
			all = append(all, state)
		}
	}
	return all
}

// resources adds what the preview shows outside of the models, each after what it refers to.
func (x *estate) resources() {
	all := x.states()
	for _, s := range all {
		if shapes[guardrails.Key(s.Type)] != nil {
			x.ids[s.URN] = x.armID(s, 0)
		}
	}
	for _, s := range all { // names of the components' resources
		if owner := x.owner(s.URN); owner != "" && kind(s.Type) == guardrails.RoleAssignment {
			if from := dependency(s, "principalId"); from != "" && text(s.Inputs["principalId"]) == "" {
				x.as[from] = owner + " " + assigneeName(s.URN)
			}
		}
	}
	each := func(read func(*engine.State)) {
		for _, s := range all {
			if x.owner(s.URN) == "" {
				read(s)
			}
		}
	}
	each(x.whoIs)
	each(x.place)
	each(x.within)
	each(x.credential)
	each(x.joined)
	x.powers()
	for _, s := range x.p.Steps {
		// A preview shows only the ID of a resource that the program only reads.
		if kind(engine.TypeOf(s.URN)) == guardrails.RoleAssignment && x.owner(s.URN) == "" && !engine.IsForeign(s.Op) {
			x.assigned(s)
		}
	}
}

// workspace returns the workspace with an ID; it adds one if there is none.
func (x *estate) workspace(id string) *ways.Workspace {
	n := slices.IndexFunc(x.e.Workspaces, func(w ways.Workspace) bool { return arm.Same(w.ID, id) })
	if n < 0 {
		n, x.e.Workspaces = len(x.e.Workspaces), append(x.e.Workspaces, ways.Workspace{ID: id})
	}
	return &x.e.Workspaces[n]
}

// account adds a storage account that something refers to.
func (x *estate) account(id string) *ways.Account {
	n := slices.IndexFunc(x.e.Accounts, func(a ways.Account) bool { return arm.Same(a.ID, id) })
	if n < 0 {
		n, x.e.Accounts = len(x.e.Accounts), append(x.e.Accounts, ways.Account{Name: named(id), ID: id,
			KeysUnknown: "whether shared keys open " + named(id) + " is not known: " + notShown})
	}
	return &x.e.Accounts[n]
}

// datum adds a container or, without one, a whole account.
func (x *estate) datum(account, container, store string) {
	name := "container " + named(account) + "/" + named(container)
	if container == "" {
		name = "storage account " + named(account)
	}
	n := slices.IndexFunc(x.e.Data, func(d ways.Datum) bool {
		return arm.Same(d.Account, account) && strings.EqualFold(d.Container, container) && d.Path == "" && !d.Output
	})
	if n < 0 {
		n = len(x.e.Data)
		x.e.Data = append(x.e.Data, ways.Datum{Name: name, Account: account, Container: container,
			Kind: x.kindOf(account)})
	}
	x.e.Data[n].Store = cmp.Or(x.e.Data[n].Store, store)
}

// kindOf says whether an account in the preview has a hierarchical namespace; "" if that is not known.
func (x *estate) kindOf(account string) roles.AccountKind {
	for urn, id := range x.ids {
		s := x.index.state(urn, x.when)
		if s == nil || !arm.Same(id, account) || shapes[guardrails.Key(s.Type)].typ != arm.StorageAccount {
			continue
		}
		switch is := s.Inputs["isHnsEnabled"].(type) {
		case bool:
			return map[bool]roles.AccountKind{true: roles.Hierarchical, false: roles.Flat}[is]
		case nil:
			if !x.isForeign(urn) { // an account has none by default
				return roles.Flat
			}
		}
	}
	return ""
}

// isForeign reports whether the program only reads a resource, of which a preview may show no more than its ID.
func (x *estate) isForeign(urn string) bool { return engine.IsForeign(x.index.steps[urn].Op) }

// principal adds a principal, once.
func (x *estate) principal(p ways.Principal) {
	if !x.named[strings.ToLower(p.ID)] {
		x.add(p)
	}
}

func (x *estate) add(p ways.Principal) {
	key := strings.ToLower(p.ID)
	x.named[key], x.at[key] = true, append(x.at[key], len(x.e.Principals))
	x.e.Principals = append(x.e.Principals, p)
}

// group returns the group with an ID; it adds one if there is none. Of an existing group neither members nor owners are
// known.
func (x *estate) group(id, name string) *ways.Group {
	n := slices.IndexFunc(x.e.Groups, func(g ways.Group) bool { return strings.EqualFold(g.ID, id) })
	if n < 0 {
		name = cmp.Or(name, "group "+x.known(id))
		n, x.e.Groups = len(x.e.Groups), append(x.e.Groups, ways.Group{ID: id, Name: name})
		x.named[strings.ToLower(id)] = true
	}
	return &x.e.Groups[n]
}

// outside adds a group that the preview refers to and does not show: it may have any other members and owners.
func (x *estate) outside(id string) *ways.Group {
	isNew := !x.named[strings.ToLower(id)]
	g := x.group(id, "")
	if isNew {
		members := "members of " + g.Name
		g.Unlisted = "who owns " + g.Name + " is not known: " + notShown
		g.Members = append(g.Members, members)
		x.principal(ways.Principal{ID: members, Names: []string{members}})
	}
	return g
}

// known returns the name for people of an ID.
func (x *estate) known(id string) string {
	return cmp.Or(x.index.people[strings.ToLower(id)], engine.Clip(id))
}

// keyOf returns the ID of a resource that is a principal: its object ID if that is known.
func (x *estate) keyOf(s *engine.State) string {
	if as := x.as[s.URN]; as != "" {
		return as
	}
	id := text(s.Outputs["principalId"])
	if identity, is := s.Outputs["identity"].(map[string]any); is {
		id = cmp.Or(id, text(identity["principalId"]))
	}
	if strings.HasPrefix(s.Type, "azuread:") {
		id = cmp.Or(text(s.Outputs["objectId"]), lastSegment(s.ID))
	}
	if !arm.IsGUID(id) {
		return s.URN
	}
	return strings.ToLower(id)
}

// who returns the principals in a property of a resource: by ID, or by the resources that the ID comes from.
func (x *estate) who(s *engine.State, property string, value any) (ids []string) {
	switch v := value.(type) {
	case string:
		if v != "" {
			ids = append(ids, strings.ToLower(lastPart(v)))
		}
	case []any:
		later := false
		for _, item := range v {
			if id := text(item); id != "" {
				ids = append(ids, strings.ToLower(lastPart(id)))
			} else {
				later = true
			}
		}
		if later {
			ids = append(ids, x.from(s, property)...)
		}
	case guardrails.Marker:
		ids = append(ids, x.from(s, property)...)
	}
	return ids
}

// from returns the principals among the sources of a property.
func (x *estate) from(s *engine.State, property string) (ids []string) {
	for _, urn := range s.Dependencies[property] {
		state := x.index.state(urn, x.when)
		switch {
		case x.as[urn] != "":
			ids = append(ids, x.as[urn])
		case state != nil && (x.acts(state) || kind(state.Type) == application):
			ids = append(ids, x.keyOf(state))
		}
	}
	return ids
}

// acts reports whether a resource is a principal or has an identity.
func (x *estate) acts(s *engine.State) bool {
	switch k := kind(s.Type); k {
	case servicePrincipal, group, userAssignedIdentity, "azuread:index/user:User",
		"azuread:index/groupWithoutMembers:GroupWithoutMembers":
		return true
	default:
		return strings.Contains(strings.ToLower(text(identityInput(s)["type"])), "systemassigned")
	}
}

func identityInput(s *engine.State) map[string]any {
	identity, _ := s.Inputs["identity"].(map[string]any)
	return identity
}

// rename makes the principals' names unique, so that a way names one principal.
func (x *estate) rename() {
	of := map[string]string{}
	for i := range x.e.Principals {
		p := &x.e.Principals[i]
		if other, taken := of[p.Names[0]]; taken && other != strings.ToLower(p.ID) {
			p.Names = append([]string{p.Names[0] + " (" + engine.Clip(lastPart(p.ID)) + ")"}, p.Names[1:]...)
		}
		of[p.Names[0]] = strings.ToLower(p.ID)
	}
}
