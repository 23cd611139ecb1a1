package azure_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/batchaccess/batchaccess/sandbox/azure"
)

// Anything that the sandbox does not know is an error: never an empty answer, nor an echo.

func TestACollectionThatIsNotServedIsNotEmpty(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, collection := range []string{
		workspace + "/onlineEndpoints", workspace + "/jobs", account + "/fileServices", workspace + "/computes/cpu/nodes",
	} {
		got := w.arm(http.MethodGet, collection, nil)
		assert.Equal(t, http.StatusNotFound, got.status, collection)
		assert.Equal(t, "InvalidResourceType", got.code(), collection)
	}
	none := w.arm(http.MethodGet, group+"/providers/Microsoft.ManagedIdentity/userAssignedIdentities", nil)
	assert.Equal(t, http.StatusOK, none.status)
	assert.Equal(t, []any{}, none.body["value"], "one that is served and holds nothing")
}

func TestWhatIsUnknownIsRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const identities = group + "/providers/Microsoft.ManagedIdentity/userAssignedIdentities/"
	unknownKey := func(body any, path ...string) any {
		at := body.(map[string]any)
		for _, key := range path {
			at = at[key].(map[string]any)
		}
		at["surprise"] = 1
		return body
	}
	for name, test := range map[string]struct {
		id   string
		body any
		code string
	}{
		"a key of a role": {definitionPath(invokerRole), unknownKey(customRole(), "properties"),
			"InvalidRequestContent"},
		"a key of an assignment": {assignmentPath(account),
			unknownKey(assignment(alice, readerRole), "properties"), "InvalidRequestContent"},
		"a key of an identity": {identities + "one", unknownKey(object("location", "westeurope")),
			"InvalidRequestContent"},
		"a key of a scale setting": {workspace + "/computes/gpu", unknownKey(clusterBody(nil), "properties",
			"properties", "scaleSettings"), "InvalidRequestContent"},
		"a key of a cluster": {workspace + "/computes/gpu",
			unknownKey(clusterBody(nil), "properties", "properties"), "InvalidRequestContent"},
		"an action": {definitionPath(invokerRole),
			definition("x", []string{"Microsoft.MachineLearningServices/workspaces/raed"}), "InvalidActionOrNotAction"},
		"a wildcard over no action": {definitionPath(invokerRole), definition("x", []string{"Microsoft.Nothing/*"}),
			"InvalidActionOrNotAction"},
		"an attribute that no service has": {assignmentPath(account), object("properties", object(
			"principalId", alice, "roleDefinitionId", "/providers/Microsoft.Authorization/roleDefinitions/"+readerRole,
			"condition", "@Resource[x] StringEquals 'y'", "conditionVersion", "2.0")), "BadRequest"},
	} {
		t.Run(name, func(t *testing.T) {
			assert.Equal(t, test.code, w.arm(http.MethodPut, test.id, test.body).code())
		})
	}
	token := w.token(w.Deployer().ObjectID, management)
	got := w.send(http.MethodGet, cluster+"?api-version=1999-01-01", token, nil)
	assert.Equal(t, "InvalidApiVersionParameter", got.code(), got.body)
	got = w.send(http.MethodGet, group+"/providers/Microsoft.Nothing/things?api-version=2024-04-01", token, nil)
	assert.Equal(t, "InvalidResourceNamespace", got.code(), got.body)
	for _, filter := range []string{"$filter=createdBy%20eq%20'x'", "$filter=principalId%20ne%20'x'"} {
		got := w.arm(http.MethodGet, account+"/providers/Microsoft.Authorization/roleAssignments?"+filter, nil)
		assert.Equal(t, http.StatusBadRequest, got.status, filter)
	}
}

func TestADenyAssignmentDenies(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.invoker(alice)
	w.invoker(bob)
	w.assign(machine, readerRole, account)
	w.assign(alice, readerRole, account)
	w.assign(bob, readerRole, account)
	const jobs = "Microsoft.MachineLearningServices/workspaces/batchEndpoints/jobs/write"
	const blobs = "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/*"
	require.NoError(t, w.Seed(azure.Seed{DenyAssignments: []azure.DenyAssignment{
		{ID: uuid.NewString(), Name: "no jobs", Scope: workspace, Permissions: []azure.Permission{{Actions: []string{jobs}}},
			Everyone: true, Excluded: []string{bob, w.Deployer().ObjectID}},
		{ID: uuid.NewString(), Name: "no blobs", Scope: account,
			Permissions:  []azure.Permission{{DataActions: []string{blobs}}},
			PrincipalIDs: []string{scientists}},
		{ID: uuid.NewString(), Name: "not below", Scope: group, Permissions: []azure.Permission{{Actions: []string{"*"}}},
			PrincipalIDs: []string{bob}, NotBelow: true},
	}}))
	refused := w.invoke(alice, blob)
	assert.Equal(t, "DenyAssignmentAuthorizationFailed", refused.code(), refused.body)
	assert.Contains(t, refused.message(), "'"+jobs+"'")
	started := w.invoke(bob, blob)
	require.Equal(t, http.StatusCreated, started.status,
		"bob is excluded, and what acts at the group alone does not reach him here")
	assert.Equal(t, "DataAccessError(PermissionDenied)", w.outcome(started).at("properties", "error", "code"),
		"through his group")
	listed := w.arm(http.MethodGet, workspace+"/providers/Microsoft.Authorization/denyAssignments", nil)
	assert.Len(t, listed.body["value"], 2, "above it too")
	first := listed.body["value"].([]any)[0].(map[string]any)
	assert.Equal(t, first, w.arm(http.MethodGet, first["id"].(string), nil).body)
}

// An answer that depends on a condition, on a network or on the reading of /*/ is undecided, and no yes.
func TestWhatIsNotModelledIsUndecided(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.assign(alice, "64702f94-c441-49e6-a78b-ef80e0188fee", workspace) // Azure AI Developer
	got := w.invoke(alice, blob)
	assert.Equal(t, http.StatusNotImplemented, got.status)
	assert.Equal(t, "NotModelledBySandbox", got.code(), got.body)
	assert.Contains(t, got.message(), `"Microsoft.MachineLearningServices/workspaces/read"`)

	w.invoker(bob)
	w.assign(bob, readerRole, account)
	require.NoError(t, w.Seed(azure.Seed{RoleAssignments: []azure.RoleAssignment{
		{ID: uuid.NewString(), Scope: account, RoleID: readerRole, PrincipalID: machine,
			Condition: "@Resource[x] StringEquals 'y'"},
	}}))
	failed := func() any { return w.outcome(w.invoke(bob, blob)).at("properties", "error", "code") }
	assert.Equal(t, "NotModelledBySandbox", failed(), "the cluster's reader depends on a condition")
	w.assign(machine, readerRole, container)
	require.Nil(t, failed())
	require.NoError(t, w.Seed(azure.Seed{StorageAccounts: []azure.StorageAccount{{ID: account, Firewall: true}}}))
	assert.Equal(t, "NotModelledBySandbox", failed(), "the account has a firewall")
}

func TestAnyoneReadsAPublicContainer(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.invoker(alice)
	id := group + "/providers/Microsoft.Storage/storageAccounts/samples"
	require.NoError(t, w.Seed(azure.Seed{StorageAccounts: []azure.StorageAccount{
		{ID: id, Containers: []string{"private"}, PublicContainers: []string{"data"}},
	}}))
	for container, status := range map[string]string{"data": "Completed", "private": "Failed"} {
		got := w.outcome(w.invoke(alice, "https://samples.blob.core.windows.net/"+container+"/heart"))
		assert.Equal(t, status, got.at("properties", "status"), container)
	}
	// An account that forbids anonymous reading is like any other.
	body := object("location", "eastus", "kind", "StorageV2", "properties", object("allowBlobPublicAccess", false))
	got := w.arm(http.MethodPut, id, body)
	require.Equal(t, http.StatusOK, got.status, got.body)
	got = w.outcome(w.invoke(alice, "https://samples.blob.core.windows.net/data/heart"))
	assert.Equal(t, "Failed", got.at("properties", "status"))
}

// Names that Azure keeps unique must be unique, and names that it does not accept are refused.
func TestASeedKeepsAzuresNames(t *testing.T) {
	t.Parallel()
	other := strings.Replace(workspace, "/ws", "/other", 1)
	for name, test := range map[string]struct {
		seed azure.Seed
		says string
	}{
		"two endpoints of one name in a region": {azure.Seed{
			Workspaces: []azure.Workspace{{ID: other,
				Location: "West Europe"}}, Endpoints: []azure.Endpoint{{WorkspaceID: other, Name: "Heart"}},
		}, "rename one"},
		"two accounts of one name": {azure.Seed{
			StorageAccounts: []azure.StorageAccount{{ID: strings.Replace(account, "rg-ml", "rg-data", 1)}},
		}, "rename one"},
		"an endpoint's name": {azure.Seed{Endpoints: []azure.Endpoint{{WorkspaceID: workspace, Name: "heart_2"}}},
			`"heart_2"`},
		"a cluster's name": {azure.Seed{Computes: []azure.Compute{{WorkspaceID: workspace, Name: "x"}}}, `"x"`},
		"a default that is not": {azure.Seed{Endpoints: []azure.Endpoint{{WorkspaceID: workspace, Name: "heart",
			DefaultDeployment: "red"}}}, `"red"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			require.ErrorContains(t, w.Seed(test.seed), test.says)
		})
	}
	w := newWorld(t)
	require.NoError(t, w.Seed(azure.Seed{
		Workspaces: []azure.Workspace{{ID: other,
			Location: "northeurope"}}, Endpoints: []azure.Endpoint{{WorkspaceID: other, Name: "heart"}},
	}), "another region is another host")
}

// Resources that programs make besides the components can be made.
func TestResourceGroupsWorkspacesAndAccountsCanBeMade(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const mine = subscription + "/resourceGroups/mine"
	const ws = mine + "/providers/Microsoft.MachineLearningServices/workspaces/fresh"
	const store = mine + "/providers/Microsoft.Storage/storageAccounts/fresh"
	assert.Equal(t, "ResourceGroupNotFound", w.arm(http.MethodPut, ws, object("location", "westeurope")).code())
	for id, body := range map[string]any{mine: object("location", "westeurope")} {
		require.Equal(t, http.StatusCreated, w.arm(http.MethodPut, id, body).status, id)
	}
	made := w.arm(http.MethodPut, ws, object("location", "westeurope", "identity", object("type", "SystemAssigned")))
	require.Equal(t, http.StatusOK, made.status, made.body)
	assert.NotEmpty(t, made.at("identity", "principalId"))
	require.Equal(t, http.StatusOK, w.arm(http.MethodPut, store, object("location", "westeurope", "kind",
		"StorageV2")).status)
	require.Equal(t, http.StatusCreated, w.arm(http.MethodPut, store+"/blobServices/default/containers/rows",
		object("properties", object())).status)
	require.Equal(t, http.StatusCreated, w.arm(http.MethodPut, ws+"/computes/cpu", clusterBody(object("type",
		"SystemAssigned"))).status)
	taken := w.arm(http.MethodPut, group+"/providers/Microsoft.Storage/storageAccounts/fresh",
		object("location", "westeurope"))
	assert.Equal(t, "StorageAccountAlreadyTaken", taken.code())
	require.Equal(t, http.StatusOK, w.arm(http.MethodDelete, mine, nil).status)
	assert.Empty(t, w.Inventory(), "a resource group goes with all that is in it")
}
