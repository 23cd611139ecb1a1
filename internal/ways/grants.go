package ways

import (
	"slices"
	"strings"
	"sync"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/internal/arm"
	"github.com/batchaccess/batchaccess/internal/condition"
	"github.com/batchaccess/batchaccess/roles"
)

const (
	writeAssignment = "Microsoft.Authorization/roleAssignments/write"
	writeDefinition = "Microsoft.Authorization/roleDefinitions/write"
	elevateAccess   = "Microsoft.Authorization/elevateAccess/action"
)

// granting are the actions by which their holder can give roles at the same place, or change what a role allows.
var granting = func() (all []roles.Escalation) {
	for _, l := range roles.Escalations() {
		if l.To == roles.ToGrants {
			all = append(all, l)
		}
	}
	return all
}()

// anyRole is everything that a principal may have that grants roles.
var anyRole = roles.Permissions{{Actions: []string{"*"}, DataActions: []string{"*"}}}

// gives returns the assignments that a principal can give itself by one that it has; all are those that it has.
func (f *finder) gives(id string, h *held, all []*held) (given []*held) {
	for _, l := range granting {
		switch {
		case l.Action.Name == writeDefinition:
			given = append(given, f.rewrites(id, h, l, all)...)
		case len(given) > 0: // another action has given the same
		case l.Action.Name == writeAssignment:
			given = append(given, f.assigns(id, h, l)...)
		case l.Action.Name == elevateAccess && fold(h.Scope) != "": // it acts on the whole tenant; see elevated
		default:
			if hop := f.hopBy(id, h, l, h.Scope); hop != nil {
				given = append(given, f.has(h, *hop, "any role", h.Scope, anyRole))
			}
		}
	}
	return given
}

// has returns the assignment that a principal has after a hop that follows those of h.
func (f *finder) has(h *held, hop access.Hop, role, scope string, permissions roles.Permissions) *held {
	hop.Kind = access.GrantHop
	return &held{Assignment: Assignment{Role: role, Scope: scope, Permissions: permissions},
		first: append(slices.Clip(h.first), hop), given: true, allows: f.allowed(permissions)}
}

// assigns returns the roles that a principal can assign to itself. If a condition limits them, they are those that it
// allows (facts/grants-access.md, Built-in roles that can grant).
func (f *finder) assigns(id string, h *held, l roles.Escalation) (given []*held) {
	limits := slices.DeleteFunc([]string{h.Condition, h.Permissions.Decide(l.Action).Condition},
		func(text string) bool { return text == "" })
	if len(limits) == 0 {
		if hop := f.hopBy(id, h, l, h.Scope); hop != nil {
			given = append(given, f.has(h, *hop, "any role", h.Scope, anyRole))
		}
		return given
	}
	free := *h
	free.Condition, free.Permissions = "", slices.Clone(h.Permissions)
	for i := range free.Permissions {
		free.Permissions[i].Condition = ""
	}
	hop := f.hopBy(id, &free, l, h.Scope)
	if hop == nil {
		return nil
	}
	for _, to := range f.givesTo(id) {
		let, hop := f.letBy(to.id, limits), *hop
		hop.GivenBy += to.how
		give := func(hop access.Hop, role string, permissions roles.Permissions) {
			if len(permissions) > 0 {
				one := f.has(h, hop, role, h.Scope, permissions)
				one.first, one.as = append(one.first, to.then...), to.as
				given = append(given, one)
			}
		}
		give(hop, "a role that the condition allows", let.sure)
		hop = maybe([]access.Hop{hop}, "under the condition "+limits[0])[0]
		give(hop, "a role that the condition may allow", let.perhaps)
	}
	return given
}

// A receiver is whom somebody can give a role and have it then: themselves, a group that they are in or can join, or a
// service principal as which they can sign in.
type receiver struct {
	id, how string
	then    []access.Hop // to join it, or to act as it
	as      string       // its name, if it is acted as
}

func (f *finder) givesTo(id string) []receiver {
	all := []receiver{{id: id}}
	for _, h := range f.holders(id)[1:] {
		all = append(all, receiver{id: h.id, how: ", to group " + f.name(h.id), then: h.first})
	}
	for _, s := range slices.Concat(f.toApplications(id), f.applicationsByPower(id)) {
		name := f.name(s.to.principal)
		all = append(all, receiver{id: s.to.principal, how: ", to " + name, then: s.hops, as: name})
	}
	return all
}

// A let is what the roles allow that somebody can assign to themselves under conditions.
type let struct{ sure, perhaps roles.Permissions }

// An azureRole is one of Azure's built-in roles. assigns is set if its holder can assign any role.
type azureRole struct {
	roles.Definition
	assigns bool
}

// azureRoles are all of them, sorted and copied once.
var azureRoles = sync.OnceValue(func() (all []azureRole) {
	for _, role := range roles.BuiltIns() {
		all = append(all, azureRole{role, role.Permissions.Allows(roles.Action{Name: writeAssignment})})
	}
	return all
})

// letBy evaluates the conditions for each of Azure's roles. If one of the allowed roles can assign any role, all are
// allowed.
func (f *finder) letBy(id string, limits []string) (all let) {
	key := strings.Join(append([]string{id, f.types[id]}, limits...), "\n") // all that the answer depends on
	if known, done := f.lets[key]; done {
		return known
	}
	var read []condition.Condition
	for _, text := range limits {
		c, wrong := condition.Parse(text)
		if len(wrong) > 0 {
			f.lets[key] = let{perhaps: anyRole}
			return f.lets[key]
		}
		read = append(read, c)
	}
	asked := condition.Request{Action: writeAssignment, Attributes: map[condition.Attribute][]string{}}
	known := func(name, value string) {
		asked.Attributes[condition.Attribute{Source: condition.OfRequest,
			Name: "Microsoft.Authorization/roleAssignments:" + name}] = []string{value}
	}
	if typ := f.types[id]; typ != "" {
		known("PrincipalType", typ)
	}
	if arm.IsGUID(id) {
		known("PrincipalId", id)
	}
	var anySure, anyPerhaps bool
	for _, role := range azureRoles() {
		known("RoleDefinitionId", role.ID)
		answer := condition.Yes
		for _, c := range read {
			switch one := c.Evaluate(asked); {
			case one == condition.No:
				answer = condition.No
			case one == condition.Undecided && answer == condition.Yes:
				answer = condition.Undecided
			}
		}
		switch answer {
		case condition.Yes:
			all.sure, anySure = append(all.sure, role.Permissions...), anySure || role.assigns
		case condition.Undecided:
			all.perhaps, anyPerhaps = append(all.perhaps, role.Permissions...), anyPerhaps || role.assigns
		}
	}
	if anySure {
		all = let{sure: anyRole}
	} else if anyPerhaps {
		all.perhaps = anyRole
	}
	f.lets[key] = all
	return all
}

// rewrites returns the principal's own roles that it can change to allow anything: a custom role can be changed by who
// may do so at each of its assignable scopes (learn.microsoft.com/azure/role-based-access-control/custom-roles, Custom
// role properties). The way to role assignments shows what that changes for others.
func (f *finder) rewrites(id string, h *held, l roles.Escalation, all []*held) (given []*held) {
	hop := f.hopBy(id, h, l, h.Scope)
	if hop == nil {
		return nil
	}
	given = append(given, f.has(h, *hop, "", h.Scope, nil))
	for _, own := range all {
		by, writes := *hop, len(own.Assignable) > 0
		for _, scope := range own.Assignable {
			covers, why := f.covers(h.Scope, scope)
			if scope == "" {
				covers, why = true, "where "+own.Role+" may be assigned is not known here"
			}
			writes = writes && covers
			if why != "" {
				by = maybe([]access.Hop{by}, why)[0]
			}
		}
		if writes {
			first := *h
			if own != h {
				first.first = slices.Concat(own.first, h.first)
			}
			given = append(given, f.has(&first, by, own.Role+", changed", own.Scope, anyRole))
		}
	}
	return given
}
