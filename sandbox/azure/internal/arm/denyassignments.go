package arm

import (
	"cmp"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/batchaccess/batchaccess/sandbox/azure/internal/armid"
	"github.com/batchaccess/batchaccess/sandbox/azure/internal/rbac"
	"github.com/batchaccess/batchaccess/sandbox/azure/internal/state"
	"github.com/batchaccess/batchaccess/sandbox/azure/internal/wire"
)

// everyone is the ID that stands for all principals in a deny assignment.
const everyone = "00000000-0000-0000-0000-000000000000"

// renderDenyAssignment returns a deny assignment as Azure answers it. Only Azure writes them, so they are read-only.
func renderDenyAssignment(st *state.State, d *state.DenyAssignment) map[string]any {
	principals := func(ids []string) []any {
		list := []any{}
		for _, id := range ids {
			list = append(list, map[string]any{"id": id, "type": cmp.Or(st.PrincipalType(id), "ServicePrincipal")})
		}
		return list
	}
	who := principals(d.PrincipalIDs)
	if d.Everyone {
		who = []any{map[string]any{"id": everyone, "type": "SystemDefined"}}
	}
	return map[string]any{
		"id": strings.TrimSuffix(d.Scope, "/") + "/providers/" + typeDenyAssignment + "/" +
			d.Name, "name": d.Name, "type": typeDenyAssignment,
		"properties": map[string]any{
			"denyAssignmentName": d.DisplayName, "permissions": d.Permissions, "scope": d.Scope,
			"doNotApplyToChildScopes": d.NotBelow,
			"principals":              who, "isSystemProtected": true,
			"excludePrincipals": principals(d.Excluded),
		},
	}
}

func getDenyAssignment(c *call) (wire.Reply, error) {
	d := c.st.DenyAssignments[strings.ToLower(c.id.Name())]
	if d == nil || armid.Key(d.Scope) != armid.Key(c.assignmentScope()) {
		return wire.Reply{}, wire.Errorf(http.StatusNotFound, "DenyAssignmentNotFound",
			"the deny assignment %q is not found", c.id.Name())
	}
	return wire.OK(renderDenyAssignment(c.st, d)), nil
}

// listDenyAssignments answers with those at, above and below the scope; with atScope() without those below.
func listDenyAssignments(c *call) (wire.Reply, error) {
	filter, err := c.filter("atScope()")
	if err != nil {
		return wire.Reply{}, err
	}
	var found []any
	for _, name := range slices.Sorted(maps.Keys(c.st.DenyAssignments)) {
		d := c.st.DenyAssignments[name]
		if rbac.Covers(c.st, d.Scope, c.assignmentScope()) || len(filter) == 0 && armid.Covers(c.assignmentScope(), d.Scope) {
			found = append(found, renderDenyAssignment(c.st, d))
		}
	}
	return c.page(found)
}
