package azure_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/batchaccess/batchaccess/sandbox/azure"
)

// own is the workspace's own account.
const own = group + "/providers/Microsoft.Storage/storageAccounts/mlown"

// The roles in facts/batch-endpoints.md, "Workspace with identity-based system stores".
const (
	filesRole  = "69566ab7-960f-475b-8e7c-b3118f30c6bd" // Storage File Data Privileged Contributor
	tablesRole = "0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3" // Storage Table Data Contributor
	queuesRole = "974c5e8b-45b9-4653-ba55-5f855dd0fb88" // Storage Queue Data Contributor
)

// keyless is a world whose workspace has this mode and this account; alice may start jobs that read nothing.
func keyless(t *testing.T, mode, account string) *world {
	t.Helper()
	w := newWorld(t)
	require.NoError(t, w.Seed(azure.Seed{
		Workspaces: []azure.Workspace{{ID: workspace, Location: "westeurope", SystemDatastoresAuthMode: mode,
			StorageAccountID: account}},
		StorageAccounts: []azure.StorageAccount{{ID: own}},
	}))
	w.invoker(alice)
	return w
}

var nothing = object("properties", object())

func TestOwnStoresThatIdentitiesOpenTakeRolesOfBoth(t *testing.T) {
	t.Parallel()
	all := []struct{ who, role, action string }{
		{alice, writerRole, "containers/blobs/"}, {alice, filesRole, "fileServices/"},
		{machine, writerRole, "containers/blobs/"}, {machine, tablesRole, "tableServices/"},
		{machine, queuesRole, "queueServices/"},
	}
	w := keyless(t, "identity", own)
	for _, one := range all { // in the order in which a job uses them
		got := w.outcome(w.post(alice, nothing))
		details := got.at("properties", "error", "details")
		assert.Equal(t, "stores", detail(details, "hop"))
		assert.Equal(t, one.who, detail(details, "identity"))
		assert.Equal(t, own, detail(details, "storage"))
		assert.Equal(t, "AuthorizationPermissionMismatch", got.at("properties", "error", "code"))
		assert.Contains(t, got.at("properties", "error", "message"), one.action)
		w.assign(one.who, one.role, own)
	}
	assert.Equal(t, "Completed", w.outcome(w.post(alice, nothing)).at("properties", "status"))
	got := w.outcome(w.invoke(alice, blob))
	assert.Equal(t, "mount", detail(got.at("properties", "error", "details"), "hop"), "the data comes after them")
}

// It is not known whether a step of a pipeline component is a parallel run.
func TestAPipelineComponentTakesNoTablesAndQueues(t *testing.T) {
	t.Parallel()
	w := keyless(t, "identity", own)
	require.NoError(t, w.Seed(azure.Seed{Endpoints: []azure.Endpoint{{WorkspaceID: workspace, Name: "heart",
		DefaultDeployment: "blue", Deployments: []azure.Deployment{
			{Name: "blue", ComputeName: "cpu", Pipeline: true}}}}}))
	for _, one := range []struct{ who, role string }{{alice, writerRole}, {alice, filesRole}, {machine, writerRole}} {
		got := w.outcome(w.post(alice, nothing))
		assert.Equal(t, "stores", detail(got.at("properties", "error", "details"), "hop"))
		assert.Equal(t, one.who, detail(got.at("properties", "error", "details"), "identity"))
		w.assign(one.who, one.role, own)
	}
	assert.Equal(t, "Completed", w.outcome(w.post(alice, nothing)).at("properties", "status"))
	literals := func(one, two string) any {
		literal := object("JobInputType", "Literal", "Value", 1)
		return object("properties", object("InputData", object(one, literal, two, literal)))
	}
	assert.Equal(t, "Completed", w.outcome(w.post(alice, literals("one", "Two_2"))).at("properties", "status"))
	got := w.post(alice, literals("one", "two-2"))
	assert.Equal(t, http.StatusBadRequest, got.status)
	assert.Contains(t, got.message(), "properties.InputData.two-2: is no name of a pipeline component's input")
}

func TestOwnStoresTakeWhatTheSheetSaysAndNothingElse(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*world)
		hop    string
	}{
		"at the account": {func(*world) {}, ""},
		"at another account, a control-plane role here": {func(w *world) { w.assign(alice, controlReader, own) }, "stores"},
		"at another account, Owner here":                {func(w *world) { w.assign(alice, ownerRole, own) }, "stores"},
		"at another account, a reader here":             {func(w *world) { w.assign(alice, readerRole, own) }, "stores"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := keyless(t, "identity", own)
			at := own
			if c.hop != "" {
				at = account
			}
			w.assign(alice, writerRole, at)
			w.assign(alice, filesRole, own)
			for _, role := range []string{writerRole, tablesRole, queuesRole} {
				w.assign(machine, role, own)
			}
			c.change(w)
			got := w.outcome(w.post(alice, nothing))
			assert.Equal(t, c.hop, detail(got.at("properties", "error", "details"), "hop"))
		})
	}
}

func TestOwnStoresByKeyTakeNothing(t *testing.T) {
	t.Parallel()
	for name, mode := range map[string]string{"accesskey": "accesskey", "default": ""} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := keyless(t, mode, own)
			assert.Equal(t, "Completed", w.outcome(w.post(alice, nothing)).at("properties", "status"))
			got := w.arm(http.MethodGet, workspace, nil)
			assert.Equal(t, mode != "", got.at("properties", "systemDatastoresAuthMode") == "accesskey")
		})
	}
}

func TestAnOwnAccountThatIsNotKnownIsUndecided(t *testing.T) {
	t.Parallel()
	w := keyless(t, "identity", "")
	got := w.outcome(w.post(alice, nothing))
	assert.Equal(t, "NotModelledBySandbox", got.at("properties", "error", "code"))
	err := w.Seed(azure.Seed{Workspaces: []azure.Workspace{{ID: workspace, SystemDatastoresAuthMode: "keys",
		StorageAccountID: workspace}}})
	assert.ErrorContains(t, err, `systemDatastoresAuthMode "keys"`)
	assert.ErrorContains(t, err, "storage account of workspace")
}

// acr is the workspace's container registry; firm a shared registry, in another subscription.
const (
	acr  = group + "/providers/Microsoft.ContainerRegistry/registries/pictures"
	firm = "/subscriptions/99999999-1111-1111-1111-111111111111/resourceGroups/shared/providers/" +
		"Microsoft.MachineLearningServices/registries/firm"
	pullRole     = "7f951dda-4ed3-4680-a7ca-43fe172d538d" // AcrPull
	repoRole     = "b93aa761-3e63-49ed-ac28-beffa264f7ac" // Container Registry Repository Reader
	registryRole = "1823dd4f-9b8c-4ab6-ab4e-7397a3684615" // AzureML Registry User
)

func TestAnImageIsPulledAsTheRegistryAsksFor(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		admin, abac bool
		role        string
		works       bool
	}{
		"admin user":                {true, false, "", true},
		"nothing":                   {false, false, "", false},
		"AcrPull":                   {false, false, pullRole, true},
		"another role":              {false, false, repoRole, false},
		"by repository":             {false, true, repoRole, true},
		"by repository, AcrPull":    {false, true, pullRole, false},
		"by repository, admin user": {true, true, "", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			require.NoError(t, w.Seed(azure.Seed{
				Workspaces:          []azure.Workspace{{ID: workspace, Location: "westeurope", ContainerRegistryID: acr}},
				ContainerRegistries: []azure.ContainerRegistry{{ID: acr, AdminUser: c.admin, ABAC: c.abac}},
			}))
			w.invoker(alice)
			if c.role != "" {
				w.assign(machine, c.role, acr)
			}
			got := w.outcome(w.post(alice, nothing))
			if c.works {
				assert.Equal(t, "Completed", got.at("properties", "status"))
				return
			}
			assert.Equal(t, "image", detail(got.at("properties", "error", "details"), "hop"))
			assert.Equal(t, machine, detail(got.at("properties", "error", "details"), "identity"))
			assert.Contains(t, got.at("properties", "error", "message"), "failed to pull image from pictures.azurecr.io")
		})
	}
}

func TestAClusterThatIsMadeAfterItsRegistryPulls(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	require.NoError(t, w.Seed(azure.Seed{
		Workspaces:          []azure.Workspace{{ID: workspace, Location: "westeurope", ContainerRegistryID: acr}},
		ContainerRegistries: []azure.ContainerRegistry{{ID: acr}},
		Endpoints: []azure.Endpoint{{WorkspaceID: workspace, Name: "heart", DefaultDeployment: "blue",
			Deployments: []azure.Deployment{{Name: "blue", ComputeName: "new"}}}},
	}))
	w.invoker(alice)
	require.Less(t, w.arm(http.MethodPut, workspace+"/computes/new",
		clusterBody(object("type", "SystemAssigned"))).status, 300)
	w.wait()
	assert.Equal(t, "Completed", w.outcome(w.post(alice, nothing)).at("properties", "status"))
}

func TestARegistryIsUsedAsTheInvoker(t *testing.T) {
	t.Parallel()
	seeded := func(t *testing.T, registries ...string) *world {
		w := newWorld(t)
		require.NoError(t, w.Seed(azure.Seed{ResourceIDs: []string{firm},
			Endpoints: []azure.Endpoint{{WorkspaceID: workspace, Name: "heart", DefaultDeployment: "blue",
				Deployments: []azure.Deployment{{Name: "blue", ComputeName: "cpu", Registries: registries}}}}}))
		w.invoker(alice)
		return w
	}
	w := seeded(t, "firm")
	w.assign(machine, registryRole, firm)
	got := w.outcome(w.post(alice, nothing))
	assert.Equal(t, "registry", detail(got.at("properties", "error", "details"), "hop"),
		"the cluster's right is no matter")
	assert.Equal(t, alice, detail(got.at("properties", "error", "details"), "identity"))
	assert.Contains(t, got.at("properties", "error", "message"), "not allowed to access registry firm")
	w.assign(alice, registryRole, firm)
	assert.Equal(t, "Completed", w.outcome(w.post(alice, nothing)).at("properties", "status"))
	got = func() answer { w := seeded(t, "elsewhere"); return w.outcome(w.post(alice, nothing)) }()
	assert.Equal(t, "NotModelledBySandbox", got.at("properties", "error", "code"))
}
