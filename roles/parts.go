package roles

import (
	"slices"
	"strings"
)

// underEndpoint begins the actions that are about a batch endpoint, its deployments and its jobs
// (facts/batch-endpoints.md, Permissions: "by the resource each is about").
const underEndpoint = workspaces + "batchEndpoints/"

// AtEndpoint reports whether an action is about a batch endpoint, its deployments or its jobs, so that a role that is
// assigned at that endpoint may hold it.
func AtEndpoint(action string) bool {
	return len(action) > len(underEndpoint) && strings.EqualFold(action[:len(underEndpoint)], underEndpoint)
}

// Parts splits a role of named actions, as Invoker and With make them, into two that together allow the same: one to
// assign at a batch endpoint, and one with all other actions, for the workspace. Their names say which they are. It
// does not look into patterns: an action with a pattern stays with the workspace.
func (d Definition) Parts() (endpoint, workspace Definition) {
	part := func(suffix string, at bool) Definition {
		p := d.clone()
		p.RoleName += suffix
		for i := range p.Permissions {
			p.Permissions[i].Actions = slices.DeleteFunc(p.Permissions[i].Actions,
				func(action string) bool { return AtEndpoint(action) != at })
		}
		return p
	}
	return part(" (endpoint)", true), part(" (workspace)", false)
}
