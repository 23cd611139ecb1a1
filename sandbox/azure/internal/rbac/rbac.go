// Package rbac decides who may do what where, from role assignments and deny assignments. It knows how Azure refuses,
// and serves nothing.
package rbac

import (
	"net/http"
	"strings"
	"time"

	"github.com/batchaccess/batchaccess/sandbox/azure/internal/armid"
	"github.com/batchaccess/batchaccess/sandbox/azure/internal/condition"
	"github.com/batchaccess/batchaccess/sandbox/azure/internal/role"
	"github.com/batchaccess/batchaccess/sandbox/azure/internal/state"
	"github.com/batchaccess/batchaccess/sandbox/azure/internal/token"
	"github.com/batchaccess/batchaccess/sandbox/azure/internal/wire"
)

// Access is what a principal may do at a scope: the permissions of the roles that reach it there, and what is denied to
// it. Roles add up: a role may give what another one leaves out by notActions. No role gives what is denied.
type Access struct {
	granted []grant
	denied  []role.Permission
}

// A grant is one permission of an assignment's role, limited by the conditions of both.
type grant struct {
	role.Permission
	conditions []condition.Condition
}

// Of collects the roles that a principal has now at the scope and above it, its own and those of its groups, nested
// ones too.
func Of(st *state.State, principalID, scope string) Access {
	return ByToken(st, principalID, scope, time.Time{})
}

// ByToken is Of for a principal whose token was issued at that time.
func ByToken(st *state.State, principalID, scope string, tokenAt time.Time) Access {
	holders := map[string]bool{strings.ToLower(principalID): true}
	for _, group := range st.ActsAs(principalID, tokenAt) {
		holders[group] = true
	}
	var access Access
	for assignment := range st.Effective(holders) {
		if !Covers(st, assignment.Scope, scope) {
			continue
		}
		definition, ok := Definition(st, assignment.RoleDefinition)
		if custom := st.RoleDefinitions[assignment.RoleDefinition]; custom != nil {
			definition = st.Acting(custom)
		}
		if gone := st.RemovedRoles[assignment.RoleDefinition]; !ok && gone != nil {
			definition, ok = gone.Definition, true
		}
		if !ok {
			continue
		}
		for _, p := range definition.Permissions {
			access.granted = append(access.granted, granted(p, assignment.Condition))
		}
	}
	for _, denial := range st.DenyAssignments {
		if denial.Reaches(holders) && denialCovers(st, denial, scope) {
			access.denied = append(access.denied, denial.Permissions...)
		}
	}
	return access
}

func denialCovers(st *state.State, denial *state.DenyAssignment, scope string) bool {
	if denial.NotBelow {
		return armid.Key(denial.Scope) == armid.Key(scope)
	}
	return Covers(st, denial.Scope, scope)
}

func granted(p role.Permission, of string) grant {
	g := grant{Permission: p}
	for _, text := range []string{p.Condition, of} {
		if text != "" {
			g.conditions = append(g.conditions, condition.Held(text))
		}
	}
	g.Condition = ""
	return g
}

// Action decides an action of the control plane about which nothing more is known.
func (a Access) Action(action string) role.Answer {
	return a.Request(condition.Request{Action: action, Suboperation: new(string)}, false)
}

// Request decides a request, with what conditions need to know about it. data: it is for data.
func (a Access) Request(r condition.Request, data bool) role.Answer {
	var all []role.Permission
	for _, g := range a.granted {
		// Conditions do not apply to the control plane of storage (facts/conditions.md, "Where a condition may stand").
		if !data && strings.HasPrefix(strings.ToLower(r.Action), "microsoft.storage/") {
			all = append(all, g.Permission)
		} else if p, may := g.lets(r); may {
			all = append(all, p)
		}
	}
	return role.Decide(all, a.denied, r.Action, data)
}

// lets is the permission; with a condition if it is undecided whether its conditions allow the request. may is false if
// they do not.
func (g grant) lets(r condition.Request) (p role.Permission, may bool) {
	p = g.Permission
	for _, c := range g.conditions {
		switch c.Allows(r) {
		case role.Yes:
		case role.Undecided:
			p.Condition = "undecided"
		default:
			return p, false
		}
	}
	return p, true
}

// OfRole decides whether a role by itself allows an action, for any resource.
func OfRole(d role.Definition, action string, data bool) role.Answer {
	var a Access
	for _, p := range d.Permissions {
		a.granted = append(a.granted, granted(p, ""))
	}
	return a.Request(condition.Request{Action: action}, data)
}

// Refusal is Azure's refusal of an action; nil if it is allowed. code is for a refusal without a deny assignment.
func Refusal(answer role.Answer, caller *token.Claims, action, scope, code string) error {
	switch answer {
	case role.Yes:
		return nil
	case role.Undecided:
		return wire.NotModelled("what decides whether " + caller.ObjectID + " may perform action \"" + action +
			"\" over scope \"" + scope +
			"\": whether the * of /*/ can be empty, or what a condition asks of it")
	case role.Denied:
		return wire.Errorf(http.StatusForbidden, "DenyAssignmentAuthorizationFailed",
			"The client '%s' with object id '%s' has permission to perform action '%s' on scope '%s'; "+
				"however, the access is denied because of a deny assignment.",
			caller.AppID, caller.ObjectID, action, scope)
	}
	return wire.Errorf(http.StatusForbidden, code,
		"The client '%s' with object id '%s' does not have authorization to perform action '%s' over scope '%s' "+
			"or the scope is invalid.",
		caller.AppID, caller.ObjectID, action, scope)
}

// Definition finds a custom or built-in role by its GUID.
func Definition(st *state.State, guid string) (role.Definition, bool) {
	if strings.EqualFold(guid, role.DeployerID) {
		return role.Deployer(st.DeployerLacks), true
	}
	if custom := st.RoleDefinitions[strings.ToLower(guid)]; custom != nil {
		return custom.Definition, true
	}
	return role.BuiltIn(guid)
}

// Covers reports whether a grant at scope reaches target. The tenant's root management group, whose name is the
// tenant's ID, is above every subscription.
func Covers(st *state.State, scope, target string) bool {
	if armid.Covers(scope, target) {
		return true
	}
	id := armid.Parse(scope)
	return id.Is("Microsoft.Management/managementGroups") && strings.EqualFold(id.Name(), st.TenantID)
}
