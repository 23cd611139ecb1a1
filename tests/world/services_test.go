package world_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/batchaccess/batchaccess/roles"
	"github.com/batchaccess/batchaccess/sandbox/azure"
	"github.com/batchaccess/batchaccess/sandbox/rehearsal"
	"github.com/batchaccess/batchaccess/tests/internal/inprocess"
)

const (
	inSubscription = "/subscriptions/11111111-1111-4111-8111-111111111111/resourceGroups/"
	ownAccount     = inSubscription + "data/providers/Microsoft.Storage/storageAccounts/mlown"
)

// wholeWay are the values of a stack in whose workspace identities open the own stores: one endpoint for ann alone.
func wholeWay() map[string]any {
	return map[string]any{
		"workspaceId": inSubscription + "ml/providers/Microsoft.MachineLearningServices/workspaces/wsp",
		"location":    "westeurope",
		"invokers": map[string]any{
			"ann": map[string]any{"kind": "user", "objectId": "33333333-3333-4333-8333-333333333333"},
			"bob": map[string]any{"kind": "user", "objectId": "44444444-4444-4444-8444-444444444444"},
		},
		"clusters": map[string]any{"cpu": map[string]any{}},
		"storageAccounts": map[string]any{
			"own":  ownAccount,
			"lake": inSubscription + "data/providers/Microsoft.Storage/storageAccounts/lake",
		},
		"dataInputs": map[string]any{
			"rows": map[string]any{"kind": "blob", "storageAccount": "lake", "container": "rows"},
		},
		"endpoints": map[string]any{
			"scorer": map[string]any{"cluster": "cpu", "inputs": []any{"rows"}, "invokers": []any{"ann"}},
		},
		"assertions": map[string]any{
			"scores": map[string]any{"can": []any{"ann"}, "start": "scorer"},
			"kept":   map[string]any{"cannot": []any{"bob"}, "read": "rows"},
			"mounts": map[string]any{"can": []any{"cluster:cpu"}, "read": "rows"},
		},
		"workspace": map[string]any{"systemDatastoresAuthMode": "identity", "storageAccount": "own"},
	}
}

func TestTheWorkspacesOwnStoresAreRehearsed(t *testing.T) {
	t.Parallel()
	for name, workspace := range map[string]map[string]any{
		"identity":  {"systemDatastoresAuthMode": "identity", "storageAccount": "own"},
		"accesskey": {"systemDatastoresAuthMode": "accesskey"},
		"looked up": {"lookUp": true},
		"nothing":   nil,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			values := wholeWay()
			values["workspace"] = workspace
			if workspace == nil {
				delete(values, "workspace")
			}
			if name == "looked up" { // until then, no assertion that something works holds
				delete(values, "assertions")
			}
			report, err := inprocess.Rehearse(t.Context(), values, "westeurope")
			require.NoError(t, err)
			assert.True(t, report.Passed(), "%v %+v %v %v", report.Failures(), report.Walks, report.Violated(), report.Left)
			said := strings.Join(report.NotChecked, "\n")
			assert.Equal(t, workspace == nil, strings.Contains(said, "what a job uses beside its data: stores"), said)
			assert.Equal(t, name == "looked up", strings.Contains(said, "that the real workspace has the settings"), said)
			if name == "identity" {
				assert.Contains(t, report.Guesses, "own stores")
				at := map[string]string{}
				for _, o := range report.Outcomes {
					if o.Endpoint == "scorer" && o.Input == "rows" {
						at[o.Invoker] = o.Got
					}
				}
				assert.Equal(t, map[string]string{"ann": "works", "bob": "fails at stores"}, at)
			}
		})
	}
}

// Without each of the assignments on the workspace's own account, the declared job fails there, and more access than
// declared is found.
func TestEachGrantOnTheOwnAccountIsNoticedWhereItIsMissing(t *testing.T) {
	t.Parallel()
	tried := 0
	for _, role := range append(roles.OfStores(), roles.StorageBlobDataContributor) {
		of, _ := roles.BuiltIn(role)
		report, err := inprocess.Rehearse(t.Context(), wholeWay(), "westeurope", func(a *azure.Azure) error {
			removed := removeRole(t, a, of.ID, ownAccount)
			tried += removed
			return nil
		})
		require.NoError(t, err)
		got := map[string]bool{}
		for _, o := range report.Failures() {
			if o.Invoker == "ann" && !o.Control {
				got[o.Got] = true
			}
		}
		assert.Equal(t, map[string]bool{"fails at stores": true}, got, role)
	}
	assert.Equal(t, 5, tried, "blobs for both, files for the invoker, tables and queues for the cluster")
	report, err := inprocess.Rehearse(t.Context(), wholeWay(), "westeurope", func(a *azure.Azure) error {
		of, _ := roles.BuiltIn(roles.StorageTableDataContributor)
		return a.Seed(azure.Seed{RoleAssignments: []azure.RoleAssignment{{ID: "99999999-9999-4999-8999-999999999999",
			Scope: ownAccount, RoleID: of.ID, PrincipalID: "44444444-4444-4444-8444-444444444444", PrincipalType: "User"}}})
	})
	require.NoError(t, err)
	assert.True(t, slices.ContainsFunc(report.Failures(), func(o rehearsal.Outcome) bool {
		return o.Invoker == "bob" && strings.Contains(o.Detail, "tableServices")
	}), report.Failures())
}

// removeRole deletes the assignments of a role at a scope, and returns how many there were.
func removeRole(t *testing.T, a *azure.Azure, role, scope string) (removed int) {
	t.Helper()
	call := func(method, path string, into any) {
		token, err := a.SignIn(t.Context(), a.Deployer().ObjectID, a.URL())
		require.NoError(t, err)
		req, err := http.NewRequestWithContext(t.Context(), method, a.URL()+path, nil)
		require.NoError(t, err)
		req.Header.Set("Authorization", "Bearer "+token)
		resp, err := a.Client().Do(req)
		require.NoError(t, err)
		defer resp.Body.Close()
		require.Equal(t, http.StatusOK, resp.StatusCode)
		if into != nil {
			require.NoError(t, json.NewDecoder(resp.Body).Decode(into))
		}
	}
	var list struct {
		Value []struct {
			ID         string
			Properties struct{ RoleDefinitionID, Scope string }
		}
	}
	const version = "?api-version=2022-04-01"
	call(http.MethodGet, scope+"/providers/Microsoft.Authorization/roleAssignments"+version, &list)
	for _, one := range list.Value {
		if strings.HasSuffix(one.Properties.RoleDefinitionID, role) && strings.EqualFold(one.Properties.Scope, scope) {
			call(http.MethodDelete, one.ID+version, nil)
			removed++
		}
	}
	return removed
}

// A stack that uses images and shared registries is tried with each kind of registry.
func TestImagesAndRegistriesAreRehearsed(t *testing.T) {
	t.Parallel()
	const acr = inSubscription + "images/providers/Microsoft.ContainerRegistry/registries/pictures"
	const firm = "/subscriptions/22222222-2222-4222-8222-222222222222/resourceGroups/shared/providers/" +
		"Microsoft.MachineLearningServices/registries/firm"
	for name, c := range map[string]struct {
		permissions, role, scope string // the role is removed
		identity                 string
		fails                    string
	}{
		"rbac, a system-assigned identity": {"rbac", "", "", "systemAssigned", ""},
		"rbac, a user-assigned one":        {"rbac", "", "", "userAssigned", ""},
		"abac":                             {"abac", "", "", "systemAssigned", ""},
		"rbac, where others let it pull":   {"rbac", "", "", "userAssigned", ""},
		"abac, where others let it pull":   {"abac", "", "", "systemAssigned", ""},
		"abac, where others let another":   {"abac", "", "", "userAssigned", ""},
		"an admin user":                    {"adminUser", "", "", "systemAssigned", ""},
		"without AcrPull":                  {"rbac", roles.AcrPull, acr, "userAssigned", "fails at image"},
		"without the role of abac":         {"abac", roles.RepositoryReader, acr, "systemAssigned", "fails at image"},
		"without the registry's role": {"adminUser", roles.AzureMLRegistryUser, firm, "systemAssigned",
			"fails at registry"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			values := wholeWay()
			delete(values, "assertions")
			values["workspace"] = map[string]any{"registryPermissions": c.permissions, "containerRegistry": acr}
			if strings.Contains(name, "others let") { // the stack, which makes the identity, does not assign it
				values["workspace"].(map[string]any)["imagePull"] = map[string]any{"cpu": "assigned"}
			}
			values["registries"] = map[string]any{"firm": firm}
			values["clusters"] = map[string]any{"cpu": map[string]any{"identity": c.identity}}
			values["endpoints"].(map[string]any)["scorer"].(map[string]any)["registries"] = []any{"firm"}
			report, err := inprocess.Rehearse(t.Context(), values, "westeurope", func(a *azure.Azure) error {
				if c.role != "" {
					of, _ := roles.BuiltIn(c.role)
					assert.NotZero(t, removeRole(t, a, of.ID, c.scope))
				}
				return nil
			})
			require.NoError(t, err)
			got := map[string]string{}
			for _, o := range report.Outcomes {
				if o.Endpoint == "scorer" && o.Input == "rows" {
					got[o.Invoker] = o.Got
				}
			}
			want := map[string]string{"ann": "works", "bob": "fails at registry"}
			if c.fails != "" {
				want["ann"] = c.fails
			} else {
				assert.True(t, report.Passed(), "%v %+v %v %v", report.Failures(), report.Walks, report.Violated(), report.Left)
			}
			assert.Equal(t, want, got)
		})
	}
}
