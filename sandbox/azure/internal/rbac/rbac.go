// Package rbac answers who may do what where, from role assignments. It knows no HTTP.
package rbac

import (
	"strings"

	"github.com/batchaccess/batchaccess/roles"
	"github.com/batchaccess/batchaccess/sandbox/azure/internal/armid"
	"github.com/batchaccess/batchaccess/sandbox/azure/internal/state"
)

// Access is what a principal holds at a scope: the permissions of each role that reaches it there. Roles add up; what
// one role leaves out by notActions another may give.
type Access []roles.Permissions

// Of collects the roles that act now of a principal, and of the groups it belongs to however deep, at the scope and above it.
func Of(st *state.State, principalID, scope string) Access {
	holders := map[string]bool{strings.ToLower(principalID): true}
	for _, group := range st.MemberOf(principalID, true) {
		holders[group] = true
	}
	var access Access
	for assignment := range st.Effective() {
		if !holders[assignment.PrincipalID] || !Covers(st, assignment.Scope, scope) {
			continue
		}
		if definition, ok := Definition(st, assignment.RoleDefinition); ok {
			access = append(access, definition.Permissions)
		}
	}
	return access
}

// Action tells whether a control-plane action is allowed.
func (a Access) Action(action string) bool {
	for _, permissions := range a {
		if permissions.Action(action).Allowed {
			return true
		}
	}
	return false
}

// DataAction tells whether a data-plane action is allowed.
func (a Access) DataAction(action string) bool {
	for _, permissions := range a {
		if permissions.DataAction(action).Allowed {
			return true
		}
	}
	return false
}

// Definition finds a custom or built-in role by GUID.
func Definition(st *state.State, guid string) (roles.Definition, bool) {
	if custom := st.RoleDefinitions[strings.ToLower(guid)]; custom != nil {
		return custom.Definition, true
	}
	return roles.BuiltIn(guid)
}

// Covers tells whether a grant at scope reaches target. The tenant's root management group, which has the tenant's ID
// as its name, is above every subscription.
func Covers(st *state.State, scope, target string) bool {
	if armid.Covers(scope, target) {
		return true
	}
	id := armid.Parse(scope)
	return id.Is("Microsoft.Management/managementGroups") && strings.EqualFold(id.Name(), st.TenantID)
}
