package azure

import (
	"fmt"

	"github.com/batchaccess/batchaccess/sandbox/azure/internal/rbac"
	"github.com/batchaccess/batchaccess/sandbox/azure/internal/role"
	"github.com/batchaccess/batchaccess/sandbox/azure/internal/state"
)

// SeedActions are the 35 actions that a batch endpoint asks of whoever invokes it, in the seed's order.
func SeedActions() []string { return role.SeedActions() }

// BuiltInRole finds one of Azure's built-in roles by its name.
func BuiltInRole(name string) (RoleDefinition, bool) { return role.BuiltInNamed(name) }

// RoleAllows answers whether a built-in role, given by its name, allows an action by itself: yes, no, or undecided
// where no document settles it. data says that it is an action on data.
func RoleAllows(name, action string, data bool) (string, error) {
	d, ok := role.BuiltInNamed(name)
	if !ok {
		return "", fmt.Errorf("Azure has no built-in role %q", name)
	}
	return role.Decide(d.Permissions, nil, action, data).String(), nil
}

// Allows answers what a principal, by its object ID, may do at a scope with all the roles that reach it there: yes, no,
// denied or undecided. data says that it is an action on data.
func (a *Azure) Allows(principalID, scope, action string, data bool) string {
	var answer role.Answer
	_ = a.store.View(func(st *state.State) error {
		access := rbac.Of(st, principalID, scope)
		answer = access.Action(action)
		if data {
			answer = access.DataAction(action)
		}
		return nil
	})
	return answer.String()
}
