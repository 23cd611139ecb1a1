package adopt_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/batchaccess/batchaccess/internal/adopt"
	"github.com/batchaccess/batchaccess/sandbox/azure"
)

func (w world) assign(name, scope, role string) string {
	w.t.Helper()
	id := scope + "/providers/Microsoft.Authorization/roleAssignments/" + name
	w.make(http.MethodPut, "https://management.azure.com", id+"?api-version=2022-04-01",
		map[string]any{"properties": map[string]any{
			"principalId": w.azure.Deployer().ObjectID, "principalType": "ServicePrincipal",
			"roleDefinitionId": subscriptionScope + "/providers/Microsoft.Authorization/roleDefinitions/" + role,
		}})
	return id
}

func TestAnAssignmentIsAdoptedByNameAndKnownByWhatItGrants(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	byHand := w.assign("77777777-7777-4777-8777-777777777777", scope, reader)
	ours := w.assign(assignment, scope, contributor)
	// Each new assignment differs in one property from the one that was made by hand.
	of := func(name, scope, principal, role string) map[string]any {
		return map[string]any{"roleAssignmentName": name, "scope": scope, "principalId": principal,
			"roleDefinitionId": "/providers/Microsoft.Authorization/roleDefinitions/" + role}
	}
	const name = "99999999-9999-4999-8999-999999999999"
	principal := w.azure.Deployer().ObjectID
	found := adoptAll(t, w.finder, assignmentType, map[string]map[string]any{
		"ours": of(assignment, scope, principal, contributor), "taken": of(name, strings.ToUpper(scope)+"/",
			strings.ToUpper(principal), strings.ToUpper(reader)),
		"below": of(name, scope+"/resourceGroups/rg", principal, reader), "principal": of(name, scope, name,
			reader), "role": of(name, scope, principal, name),
		"unknown principal": of(notKnown, scope, notKnown, reader), "unknown role": of(name, scope, principal, "x"),
	})
	assert.Equal(t, adopt.Exists, found["ours"].Outcome)
	assert.Equal(t, []string{ours}, found["ours"].IDs)
	assert.Equal(t, adopt.Taken, found["taken"].Outcome)
	assert.Equal(t, []string{byHand}, found["taken"].IDs)
	assert.Contains(t, found["taken"].Why, "az role assignment delete")
	for _, fresh := range []string{"below", "principal", "role", "unknown role"} {
		assert.Equal(t, adopt.ToMake, found[fresh].Outcome, fresh)
		assert.Empty(t, found[fresh].IDs, fresh)
	}
	assert.Equal(t, adopt.Later, found["unknown principal"].Outcome)
}

// An assignment at an endpoint is not one at its workspace. A reader with a condition is in the place of one without:
// Azure accepts no second assignment.
func TestNarrowAssignmentsAreKnownByWhatTheyGrant(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const workspace = scope + "/resourceGroups/ml/providers/Microsoft.MachineLearningServices/workspaces/ws"
	const account = scope + "/resourceGroups/ml/providers/Microsoft.Storage/storageAccounts/lake"
	const container, heart = account + "/blobServices/default/containers/rows", workspace + "/batchEndpoints/heart"
	require.NoError(t, w.azure.Seed(azure.Seed{
		SubscriptionIDs: []string{subscription},
		Workspaces:      []azure.Workspace{{ID: workspace, Location: "westeurope"}},
		StorageAccounts: []azure.StorageAccount{{ID: account, Containers: []string{"rows"}}},
		Computes:        []azure.Compute{{WorkspaceID: workspace, Name: "cpu", SystemAssignedPrincipalID: assignment}},
		Endpoints: []azure.Endpoint{{WorkspaceID: workspace, Name: "heart", DefaultDeployment: "blue",
			Deployments: []azure.Deployment{{Name: "blue", ComputeName: "cpu"}}}},
		RoleAssignments: []azure.RoleAssignment{{ID: "66666666-6666-4666-8666-666666666666", Scope: container, RoleID: reader,
			PrincipalID: assignment, PrincipalType: "ServicePrincipal", Condition: "@Resource[Microsoft.Storage/" +
				"storageAccounts/blobServices/containers/blobs:path] StringStartsWith 'in/'"}},
	}))
	atHeart := w.assign("77777777-7777-4777-8777-777777777777", heart, reader)
	of := func(scope, principal, condition string) map[string]any {
		return map[string]any{"roleAssignmentName": "99999999-9999-4999-8999-999999999999", "scope": scope,
			"principalId": principal, "roleDefinitionId": "/providers/Microsoft.Authorization/roleDefinitions/" + reader,
			"condition": condition}
	}
	me := w.azure.Deployer().ObjectID
	found := adoptAll(t, w.finder, assignmentType, map[string]map[string]any{
		"endpoint": of(strings.ToUpper(heart), me, ""), "workspace": of(workspace, me, ""),
		"limited": of(container, assignment, "other"), "account": of(account, assignment, "other"),
	})
	assert.Equal(t, []string{atHeart}, found["endpoint"].IDs)
	for name, outcome := range map[string]adopt.Outcome{"endpoint": adopt.Taken, "workspace": adopt.ToMake,
		"limited": adopt.Taken, "account": adopt.ToMake} {
		assert.Equal(t, outcome, found[name].Outcome, name)
	}
}

// Two stacks derive one name for an assignment that both need. The stack that made it keeps it, whatever the other one
// adopts.
func TestAnAssignmentOfAnotherStackIsNeitherAdoptedNorTakenUp(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		says, wants string // descriptions in Azure, and in the program
		outcome     adopt.Outcome
		remedy      adopt.Remedy
		owner       string
	}{
		"another stack's": {"reads [batchaccess:lake/prod/access.reader]", "reads [batchaccess:lake/dev/access.reader]",
			adopt.Taken, adopt.Clear, "stack lake/prod"},
		"another stack's, and the program marks nothing": {"reads [batchaccess:lake/prod/access.reader]", "reads",
			adopt.Taken, adopt.Clear, "stack lake/prod"},
		"its own": {"reads [batchaccess:lake/dev/access.reader]", "reads [batchaccess:lake/dev/access.reader]",
			adopt.Exists, adopt.Import, "stack lake/dev"},
		"its own, under another name": {"reads [batchaccess:lake/dev/old]", "reads [batchaccess:lake/dev/access.reader]",
			adopt.Exists, adopt.Import, "stack lake/dev"},
		"another tool's": {"made by hand", "reads [batchaccess:lake/dev/access.reader]", adopt.Exists, adopt.Import,
			"not said"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			id := w.assign(assignment, scope, reader)
			made := w.make(http.MethodGet, "https://management.azure.com", id+"?api-version=2022-04-01", nil)
			made["properties"].(map[string]any)["description"] = c.says
			w.make(http.MethodPut, "https://management.azure.com", id+"?api-version=2022-04-01",
				map[string]any{"properties": made["properties"]})
			inputs := map[string]any{"roleAssignmentName": assignment, "scope": scope, "description": c.wants,
				"principalId":      w.azure.Deployer().ObjectID,
				"roleDefinitionId": "/providers/Microsoft.Authorization/roleDefinitions/" + reader}
			found := adoptAll(t, w.finder, assignmentType, map[string]map[string]any{"reader": inputs})["reader"]
			assert.Equal(t, c.outcome, found.Outcome)
			assert.Equal(t, c.owner, found.Owner)
			text, err := json.Marshal(inputs)
			require.NoError(t, err)
			plan, err := w.finder.Plan(t.Context(), state(t, provider, creating(assignmentType, "reader", string(text))))
			require.NoError(t, err)
			require.Len(t, plan, 1)
			assert.Equal(t, c.remedy, plan[0].Remedy)
			if c.outcome == adopt.Taken {
				assert.Contains(t, found.Why, "name it here under sharedGrants, with by: lake/prod")
				assert.Equal(t, []string{id + " is left alone: stack lake/prod made it"}, plan[0].LeftAlone)
			}
		})
	}
}

func TestARoleOfTheSameNameIsInTheWay(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	define := func(guid, name string) {
		w.make(http.MethodPut, "https://management.azure.com",
			scope+"/providers/Microsoft.Authorization/roleDefinitions/"+guid+"?api-version=2022-04-01",
			map[string]any{"properties": map[string]any{
				"roleName": name, "type": "CustomRole", "assignableScopes": []string{scope},
				"permissions": []any{map[string]any{"actions": []string{"Microsoft.Storage/storageAccounts/read"}}},
			}})
	}
	define(assignment, "Invoker")
	found := adoptAll(t, w.finder, roleType, map[string]map[string]any{
		"ours":    {"scope": scope, "roleDefinitionId": assignment, "roleName": "Invoker"},
		"another": {"scope": scope, "roleDefinitionId": "33333333-3333-4333-8333-333333333333", "roleName": "invoker"},
		"new":     {"scope": scope, "roleDefinitionId": "33333333-3333-4333-8333-333333333333", "roleName": "Invokers"},
	})
	assert.Equal(t, adopt.Exists, found["ours"].Outcome)
	assert.Equal(t, adopt.Taken, found["another"].Outcome)
	assert.Len(t, found["another"].IDs, 1)
	assert.Contains(t, found["another"].Why, "role.name")
	assert.Equal(t, adopt.ToMake, found["new"].Outcome)
}

// With permissions at one scope only, one may not list the roles of the tenant: then only the roles of that scope are
// found.
func TestRolesAreLookedForWhereOneMayLook(t *testing.T) {
	t.Parallel()
	list := "/providers/Microsoft.Authorization/roleDefinitions"
	pages := 0
	f := answers{
		scope + list + "/x": always(404, `{}`),
		list:                always(403, `{"error": {"code": "AuthorizationFailed"}}`),
		scope + list: func() (int, string) {
			if pages++; pages == 1 {
				return 200, `{"value": [{"id": "other", "properties": {"roleName": "Other"}}], "nextLink": "https://arm.example` +
					scope + list + `?page=2"}`
			}
			return 200, `{"value": [{"id": "theirs", "properties": {"roleName": "Invoker"}}]}`
		},
	}.finder()
	found := adoptAll(t, f, roleType, map[string]map[string]any{"r": {"scope": scope, "roleDefinitionId": "x",
		"roleName": "Invoker"}})
	assert.Equal(t, adopt.Taken, found["r"].Outcome)
	assert.Equal(t, []string{"theirs"}, found["r"].IDs)
}
