package estates

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
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

// Every way that the plan calls open is walked in the sandbox, or the report says why not.
func TestWaysAreWalked(t *testing.T) {
	t.Parallel()
	for file, test := range map[string]struct{ walked, why string }{
		"01-article-role.yaml":                     {"read sales as cluster cpu, by changing the deployment", ""},
		"03-identity-of-two-clusters.yaml":         {"as cluster", ""},
		"05-invoker-is-cluster.yaml":               {"as invoker robot", ""},
		"06-group-and-members.yaml":                {"through group team", ""},
		"08-acl-data.yaml":                         {"reach cluster:cpu", "it is undecided"},
		"13-writer.yaml":                           {"write scores as cluster cpu", ""},
		"33-listsecrets.yaml":                      {"read sales as the credential of its data store", ""},
		"35-storage-keys-group.yaml":               {"read and write sales as the key of lake", ""},
		"41-federated-write.yaml":                  {"read sales as cluster cpu, by Microsoft.ManagedIdentity", ""},
		"43-role-assignments-write.yaml":           {"read sales as cluster cpu, by Microsoft.Authorization", ""},
		"46-additions.yaml":                        {"reach cluster:cpu", "no endpoint reads a data store"},
		"32-datastores-write.yaml":                 {"reach what data stores and assets stand for", ""},
		"104-further-identities-of-a-cluster.yaml": {"reach cluster:cpu", "only the first identity is walked"},
		"52-endpoint-scope-one.yaml":               {"of Batch Endpoint Invoker (endpoint)", ""},
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

// For every row of the table of where actions lead, somebody who has only that action walks its ways. When the sandbox
// forbids the action, the walk is refused and the rehearsal fails. By an inferred row, no way is certainly open. This
// test lists why other rows are not walked.
func TestEachRowOfTheTableIsWalked(t *testing.T) {
	t.Parallel()
	const noRun, noSAS = "runs what this writes", "does not model shared access signatures"
	notWalked := map[string]string{
		"components/versions/write": noRun, "environments/versions/write": noRun, "environments/write": noRun,
		"connections/listsecrets/action": "what these secrets open", "onlineEndpoints/listkeys/action": "secrets open",
		"onlineEndpoints/token/action": "secrets open",
		"listAccountSas/action":        noSAS, "listServiceSas/action": noSAS,
		"blobs/manageOwnership/action":   "sets no ACLs",
		"blobs/modifyPermissions/action": "sets no ACLs", "deploymentScripts/write": "does not model",
		"roleEligibilityScheduleRequests/write": "Privileged Identity", "roleAssignmentScheduleRequests/write": "Privileged",
	}
	assign := []roles.Action{roles.AssignIdentity, roles.WriteCompute, roles.WriteDeployment}
	for _, row := range roles.Escalations() {
		actions := []roles.Action{row.Action}
		switch row.Action {
		case roles.AssignIdentity, roles.WriteCompute:
			actions = assign
		case roles.WriteScript:
			actions = []roles.Action{roles.AssignIdentity, roles.WriteScript}
		}
		if _, attaches := row.Host(); attaches && row.To == roles.ToAttach {
			actions = append(actions, roles.AssignIdentity)
		}
		if row.To == roles.Nowhere {
			continue
		}
		t.Run(row.Action.Name, func(t *testing.T) {
			t.Parallel()
			short := strings.TrimPrefix(row.Action.Name, "Microsoft.MachineLearningServices/workspaces/")
			by := func(who, way string) bool { return who == "bob" && strings.Contains(way, short+" of ") }
			if row.Inferred {
				found := 0
				for _, w := range planOf(t, withActions(actions)).Ways() {
					if by(w.Who[len(w.Who)-1], w.String()) {
						found++
						assert.True(t, w.Undecided(), "an inferred row opens nothing for sure: %s", w)
					}
				}
				assert.NotZero(t, found, "nobody has a way by it")
				return
			}
			gone := func(changes ...func(*azure.Azure) error) (of []rehearsal.Walk) {
				report, err := inprocess.Rehearse(t.Context(), withActions(actions), "westeurope", changes...)
				var refused inprocess.Refused
				if errors.As(err, &refused) && strings.Contains(err.Error(), "InvalidActionOrNotAction") {
					return nil // the sandbox does not know the action, so nobody can have it there
				}
				require.NoError(t, err)
				for _, w := range report.Walks {
					if by(w.Who, w.Way) {
						of = append(of, w)
					}
				}
				return of
			}
			var walked []string
			all := gone()
			for _, w := range all {
				assert.False(t, w.Refused, "%v", w)
				assert.Equal(t, w.Walked, w.Why == "", "%v", w)
				if w.Walked {
					walked = append(walked, w.Way)
				}
			}
			if len(walked) == 0 {
				key := row.Action.Name[strings.Index(row.Action.Name, "/")+1:]
				why := ""
				for action, is := range notWalked {
					if strings.HasSuffix(key, action) && (action != "environments/write" || short == action) {
						why = is
					}
				}
				require.NotEmpty(t, why, "not walked: %v", all)
				for _, w := range all {
					assert.True(t, strings.Contains(w.Why, why) || w.Why == "it is undecided", "%v", w)
				}
				return
			}
			for _, action := range actions {
				for _, w := range gone(func(a *azure.Azure) error { return withoutAction(t, a, action.Name) }) {
					if slices.Contains(walked, w.Way) {
						assert.True(t, w.Refused, "without %s: %v", action.Name, w)
						assert.False(t, w.Walked, "without %s: %v", action.Name, w)
					}
				}
			}
		})
	}
}

// withActions are the values of a stack in one resource group, whose role allows only these actions.
func withActions(actions []roles.Action) map[string]any {
	const group = "/subscriptions/11111111-1111-4111-8111-111111111111/resourceGroups/ml"
	const identities = group + "/providers/Microsoft.ManagedIdentity/userAssignedIdentities/"
	all, data := []string{"Microsoft.MachineLearningServices/workspaces/read"}, []string{} // a role needs an action
	for _, a := range actions {
		if a.Data {
			data = append(data, a.Name)
		} else {
			all = append(all, a.Name)
		}
	}
	definition, _ := json.Marshal(map[string]any{"properties": map[string]any{ // strings can always be encoded
		"roleName": "estate", "assignableScopes": []string{group}, "description": "of this estate",
		"permissions": []any{map[string]any{"actions": all, "notActions": []string{}, "dataActions": data,
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

func TestARefusedWalkFailsTheRehearsal(t *testing.T) {
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
	"Microsoft.MachineLearningServices/workspaces/wsp"

// withoutAction removes an action from every custom role.
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

// withoutReaders deletes every assignment at the account of the data.
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
	if body == nil {
		text = nil
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
