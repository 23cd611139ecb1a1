package estates

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/batchaccess/batchaccess/sandbox/azure"
	"github.com/batchaccess/batchaccess/sandbox/rehearsal"
	"github.com/batchaccess/batchaccess/tests/internal/inprocess"
)

// What the plan says is open is gone in the sandbox, as the one who goes it, or the report says why it was not.
func TestWaysAreWalked(t *testing.T) {
	t.Parallel()
	for file, test := range map[string]struct{ walked, why string }{
		"01-article-role.yaml":             {"read sales as cluster cpu, by changing the deployment", ""},
		"03-identity-of-two-clusters.yaml": {"as cluster", ""},
		"05-invoker-is-cluster.yaml":       {"as invoker robot", ""},
		"06-group-and-members.yaml":        {"through group team", ""},
		"08-acl-data.yaml":                 {"reach cluster:cpu", "it is undecided"},
		"13-writer.yaml":                   {"write scores as cluster cpu", ""},
		"33-listsecrets.yaml":              {"read sales as the credential of its data store", ""},
		"35-storage-keys-group.yaml":       {"read and write sales as the key of lake", ""},
		"41-federated-write.yaml":          {"read sales as cluster cpu, by Microsoft.ManagedIdentity", ""},
		"43-role-assignments-write.yaml":   {"read sales as cluster cpu, by Microsoft.Authorization", ""},
		"46-additions.yaml":                {"reach cluster:cpu", "who then reads what was pointed elsewhere"},
		"52-endpoint-scope-one.yaml":       {"of Batch Endpoint Invoker (endpoint)", ""},
	} {
		t.Run(file, func(t *testing.T) {
			t.Parallel()
			walked := false
			for _, w := range walk(t, file) {
				assert.False(t, w.Refused, "%v", w)
				if w.Walked {
					assert.Empty(t, w.Why, "%v", w)
					walked = walked || strings.Contains(w.Way, test.walked)
				} else {
					assert.NotEmpty(t, w.Why, "%v", w)
				}
				if data := w.Input + w.Output; data != "" && test.why == "" {
					assert.Contains(t, []string{"", "it is undecided"}, w.Why, "%v", w)
				}
			}
			assert.True(t, walked, "nobody has gone: %s", test.walked)
		})
	}
}

// A row of the table of where actions lead, or two that lead on together, is walked by who has them, and is refused,
// and the rehearsal fails, once the sandbox forbids any of them.
func TestEachWalkIsRedWhenTheSandboxForbidsIt(t *testing.T) {
	t.Parallel()
	const deployments = "Microsoft.MachineLearningServices/workspaces/batchEndpoints/deployments/write"
	for _, row := range []struct {
		actions []string
		reaches string
	}{
		{[]string{deployments}, "read sales as cluster cpu"},
		{[]string{"Microsoft.MachineLearningServices/workspaces/datastores/listsecrets/action"},
			"read archive as the credential of its data store"},
		{[]string{"Microsoft.Storage/storageAccounts/listkeys/action"}, "read and write sales as the key of lake"},
		{[]string{"Microsoft.Storage/storageAccounts/regeneratekey/action"}, "read and write sales as the key of lake"},
		{[]string{"Microsoft.Authorization/roleAssignments/write"}, "read and write sales as the key of lake"},
		{[]string{"Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials/write"},
			"read sales as invoker robot"},
		{[]string{"Microsoft.ManagedIdentity/userAssignedIdentities/assign/action",
			"Microsoft.MachineLearningServices/workspaces/computes/write", deployments}, "reach robot"},
	} {
		t.Run(strings.Join(row.actions, " "), func(t *testing.T) {
			t.Parallel()
			gone := func(changes ...func(*azure.Azure) error) (of []rehearsal.Walk) {
				for _, w := range rehearse(t, withActions(row.actions), changes...) {
					if strings.HasPrefix(w.Way, "bob can "+row.reaches) {
						of = append(of, w)
					}
				}
				require.Len(t, of, 1, "ways of bob to %s", row.reaches)
				return of
			}
			assert.True(t, gone()[0].Walked, "%v", gone())
			for _, action := range row.actions {
				for _, w := range gone(func(a *azure.Azure) error { return withoutAction(t, a, action) }) {
					assert.True(t, w.Refused, "without %s: %v", action, w)
					assert.False(t, w.Walked, "without %s: %v", action, w)
				}
			}
		})
	}
}

// withActions are the values of a stack of which everything lies in one resource group, where the role allows the
// actions alone.
func withActions(actions []string) map[string]any {
	const group = "/subscriptions/11111111-1111-4111-8111-111111111111/resourceGroups/ml"
	const identities = group + "/providers/Microsoft.ManagedIdentity/userAssignedIdentities/"
	all := append([]string{"Microsoft.MachineLearningServices/workspaces/read"}, actions...) // a role has some
	definition, _ := json.Marshal(map[string]any{"properties": map[string]any{               // strings marshal
		"roleName": "estate", "assignableScopes": []string{group}, "description": "of this estate",
		"permissions": []any{map[string]any{"actions": all, "notActions": []string{}, "dataActions": []string{},
			"notDataActions": []string{}}},
	}})
	person := func(id string) any { return map[string]any{"kind": "user", "objectId": id} }
	return map[string]any{
		"workspaceId": workspace, "location": "westeurope",
		"role": map[string]any{"definition": string(definition), "scope": "resourceGroup"},
		"invokers": map[string]any{
			"alice": person("22222222-2222-4222-8222-222222222222"),
			"bob":   person("33333333-3333-4333-8333-333333333333"),
			"robot": map[string]any{"kind": "managedIdentity", "resourceId": identities + "robot",
				"principalId": "44444444-4444-4444-8444-444444444444", "clientId": "55555555-5555-4555-8555-555555555555"},
		},
		"clusters": map[string]any{"cpu": map[string]any{"identity": "userAssigned",
			"userAssignedIdentityId": identities + "id-batch"}},
		"storageAccounts": map[string]any{"lake": group + "/providers/Microsoft.Storage/storageAccounts/contosolake"},
		"dataInputs": map[string]any{
			"sales": map[string]any{"kind": "adlsGen2", "storageAccount": "lake", "container": "sales"},
			"archive": map[string]any{"kind": "dataStore", "dataStore": "archive", "path": "current",
				"credentialInStore": true, "storageAccount": "lake", "container": "archive"},
		},
		"endpoints": map[string]any{"scoring": map[string]any{"cluster": "cpu", "inputs": []any{"archive", "sales"},
			"invokers": []any{"alice", "robot"}}},
	}
}

// A walk that Azure refuses makes the plan wrong, and the rehearsal fail.
func TestAWayThatIsRefused(t *testing.T) {
	t.Parallel()
	const write = "Microsoft.MachineLearningServices/workspaces/batchEndpoints/deployments/write"
	for name, change := range map[string]func(*testing.T, *azure.Azure) error{
		"the role does not change deployments": func(t *testing.T,
			a *azure.Azure) error {
			return withoutAction(t, a, write)
		},
		"the cluster does not mount": withoutReaders,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			walks := slices.DeleteFunc(walk(t, "01-article-role.yaml", func(a *azure.Azure) error { return change(t, a) }),
				func(w rehearsal.Walk) bool { return w.Input == "" })
			assert.NotEmpty(t, walks)
			for _, w := range walks {
				assert.True(t, w.Refused, "%v", w)
				assert.False(t, w.Walked, "%v", w)
			}
		})
	}
}

func walk(t *testing.T, file string, changes ...func(*azure.Azure) error) []rehearsal.Walk {
	t.Helper()
	e, _ := read(t, file)
	values := map[string]any{}
	for key, value := range e.Config {
		_, key, _ = strings.Cut(key, ":")
		values[key] = value
	}
	return rehearse(t, values, changes...)
}

func rehearse(t *testing.T, values map[string]any, changes ...func(*azure.Azure) error) []rehearsal.Walk {
	t.Helper()
	report, err := inprocess.Rehearse(t.Context(), values, "westeurope", changes...)
	require.NoError(t, err)
	assert.Equal(t, slices.ContainsFunc(report.Walks, func(w rehearsal.Walk) bool { return w.Refused }) ||
		len(report.Failures()) > 0, !report.Passed())
	return report.Walks
}

const workspace = "/subscriptions/11111111-1111-4111-8111-111111111111/resourceGroups/ml/providers/" +
	"Microsoft.MachineLearningServices/workspaces/w"

// withoutAction takes an action from every custom role.
func withoutAction(t *testing.T, a *azure.Azure, action string) error {
	const roleDefinitions = "/providers/Microsoft.Authorization/roleDefinitions"
	var found struct{ Value []map[string]any }
	if err := manage(t, a, http.MethodGet, workspace+roleDefinitions+"?$filter=type+eq+'CustomRole'&", nil,
		&found); err != nil {
		return err
	}
	for _, role := range found.Value {
		properties := role["properties"].(map[string]any)
		permission := properties["permissions"].([]any)[0].(map[string]any)
		permission["actions"] = slices.DeleteFunc(permission["actions"].([]any), func(of any) bool { return of == action })
		body := map[string]any{}
		for _, key := range []string{"roleName", "description", "type", "permissions", "assignableScopes"} {
			body[key] = properties[key]
		}
		if err := manage(t, a, http.MethodPut, workspace+roleDefinitions+"/"+role["name"].(string)+"?",
			map[string]any{"properties": body}, nil); err != nil {
			return err
		}
	}
	return nil
}

// withoutReaders takes every assignment at the account of the data away.
func withoutReaders(t *testing.T, a *azure.Azure) error {
	const account = "/subscriptions/11111111-1111-4111-8111-111111111111/resourceGroups/data/providers/" +
		"Microsoft.Storage/storageAccounts/contosolake"
	var found struct{ Value []struct{ ID string } }
	if err := manage(t, a, http.MethodGet, account+"/providers/Microsoft.Authorization/roleAssignments?", nil,
		&found); err != nil {
		return err
	}
	for _, assignment := range found.Value {
		if !strings.Contains(assignment.ID, "storageAccounts") {
			continue
		}
		if err := manage(t, a, http.MethodDelete, assignment.ID+"?", nil, nil); err != nil {
			return err
		}
	}
	return nil
}

// manage calls Resource Manager as the sandbox's owner.
func manage(t *testing.T, a *azure.Azure, method, at string, body, into any) error {
	token, err := a.SignIn(t.Context(), a.Deployer().ObjectID, a.URL())
	if err != nil {
		return err
	}
	text, err := json.Marshal(body)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(t.Context(), method, a.URL()+at+"api-version=2022-04-01", bytes.NewReader(text))
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+token)
	req.Header.Set("Content-Type", "application/json")
	resp, err := a.Client().Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode >= http.StatusMultipleChoices {
		return fmt.Errorf("%s %s: HTTP %d: %s: %w", method, at, resp.StatusCode, answer, err)
	}
	if into == nil {
		return nil
	}
	return json.Unmarshal(answer, into)
}
