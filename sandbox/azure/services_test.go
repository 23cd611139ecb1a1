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

// The roles by facts/batch-endpoints.md, "Workspace with identity-based system stores".
const (
	filesRole  = "69566ab7-960f-475b-8e7c-b3118f30c6bd" // Storage File Data Privileged Contributor
	tablesRole = "0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3" // Storage Table Data Contributor
	queuesRole = "974c5e8b-45b9-4653-ba55-5f855dd0fb88" // Storage Queue Data Contributor
)

// keyless is a world whose workspace is of the mode, and has that account; alice may start jobs that read nothing.
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
			assert.Equal(t, "accesskey", got.at("properties", "systemDatastoresAuthMode"))
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
