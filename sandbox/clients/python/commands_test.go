package python_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// definition is a file with a custom role in the CLI's form.
func definition(t *testing.T, name string, actions ...string) string {
	t.Helper()
	text, err := json.Marshal(map[string]any{
		"Name": name, "Description": "starts jobs", "Actions": actions, "AssignableScopes": []string{subscription},
	})
	require.NoError(t, err)
	file := filepath.Join(t.TempDir(), "role.json")
	require.NoError(t, os.WriteFile(file, text, 0o600))
	return file
}

const endpointRead = "Microsoft.MachineLearningServices/workspaces/batchEndpoints/read"

func TestTheCLIManagesRoles(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a := w.deployer(t)
	made := a.run("role", "definition", "create", "--role-definition", definition(t, "Batch invoker", endpointRead))
	assert.Equal(t, "Batch invoker", at(made, "roleName"))
	assert.Equal(t, []any{endpointRead}, at(made, "permissions", 0, "actions"))
	assert.Equal(t, []string{"Batch invoker"}, each(t, a.run("role", "definition", "list", "--custom-role-only"),
		"roleName"))
	reader := a.run("role", "definition", "list", "--name", "Storage Blob Data Reader")
	assert.Equal(t, []string{readerRole}, each(t, reader, "name"))
	a.refused([]string{"InvalidActionOrNotAction"}, "role", "definition", "create",
		"--role-definition", definition(t, "Misspelt", "Microsoft.MachineLearningServices/workspaces/batchEndpoint/read"))
	a.refused([]string{"RoleDefinitionWithSameNameExists"}, "role", "definition", "create",
		"--role-definition", definition(t, "Batch invoker", endpointRead))

	assign := []string{"role", "assignment", "create", "--role", "Batch invoker", "--scope", workspace}
	a.run(append(assign, "--assignee-object-id", robot, "--assignee-principal-type", "ServicePrincipal")...)
	a.run(append(assign, "--assignee", "alice@example.com")...)
	a.refused([]string{"UnmatchedPrincipalType"},
		append(assign, "--assignee-object-id", alice, "--assignee-principal-type", "Group")...)
	a.refused([]string{"PrincipalNotFound"},
		append(assign, "--assignee-object-id", tenantID, "--assignee-principal-type", "User")...)
	a.refused([]string{"The given role assignment condition is invalid"}, append(assign, "--assignee-object-id", cluster,
		"--assignee-principal-type", "ServicePrincipal",
		"--condition", "@Resource[a:b] StringEquals 'c'", "--condition-version", "2.0")...)
	listed := a.run("role", "assignment", "list", "--scope", workspace)
	assert.ElementsMatch(t, []string{robotApp, "alice@example.com"}, each(t, listed, "principalName"))
	assert.Equal(t, []string{"Batch invoker"}, each(t,
		a.run("role", "assignment", "list", "--all", "--assignee", "alice@example.com"), "roleDefinitionName"))
	a.refused([]string{"RoleDefinitionHasAssignments"}, "role", "definition", "delete", "--name", "Batch invoker")

	for _, who := range []string{robot, alice} {
		a.run("role", "assignment", "delete", "--assignee-object-id", who, "--role", "Batch invoker", "--scope", workspace)
	}
	assert.Empty(t, a.run("role", "assignment", "list", "--scope", workspace))
	a.run("role", "definition", "delete", "--name", "Batch invoker")
	assert.Empty(t, a.run("role", "definition", "list", "--custom-role-only"))
}

// Somebody without the deployer's role is refused, in the words of Resource Manager and of Graph.
func TestTheCLIIsRefusedWithoutARole(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a := w.az(t, "IDENTITY_ENDPOINT="+w.URL()+"/msi/token", "IDENTITY_HEADER="+w.IdentityHeader())
	a.run("login", "--identity", "--client-id", robotApp, "--allow-no-subscriptions")
	// At this address the CLI uses the given audience. At the cloud's own address it first looks for the subscription,
	// and this principal sees none.
	other := strings.Replace(w.URL(), "127.0.0.1", "localhost", 1)
	arm := func(method, id, version string) []string {
		args := []string{"rest", "--method", method, "--resource", "https://management.azure.com", "--url",
			other + id + "?api-version=" + version}
		if method == "put" {
			args = append(args, "--body", "{}")
		}
		return args
	}
	for name, call := range map[string]struct{ words, args []string }{
		"reading": {[]string{"AuthorizationFailed", "Microsoft.MachineLearningServices/workspaces/read"},
			arm("get", workspace, "2024-10-01")},
		"writing": {[]string{"AuthorizationFailed", "Microsoft.Authorization/roleAssignments/write"},
			arm("put", workspace+"/providers/Microsoft.Authorization/roleAssignments/"+alice, "2022-04-01")},
		"graph": {[]string{"Insufficient privileges"}, []string{"ad", "user", "show", "--id", alice}},
		"graph, by POST": {[]string{"Authorization_RequestDenied"}, []string{"rest", "--method", "post",
			"--resource", w.URL() + "/graph", "--url", w.URL() +
				"/graph/v1.0/directoryObjects/getByIds", "--body", `{"ids":[]}`}},
		"invoking": {[]string{"AuthorizationFailed", "Microsoft.MachineLearningServices/workspaces/read"},
			[]string{"rest", "--method", "post", "--resource", ml, "--url", w.URL() + "/inference/westeurope/heart/jobs",
				"--body",
				`{"properties": {"InputData": {}}}`}},
		"invoking with a token for Resource Manager": {[]string{"InvalidAuthenticationToken", "https://ml.azure.com"},
			[]string{"rest", "--method", "post", "--resource", "https://management.azure.com", "--url",
				w.URL() + "/inference/westeurope/heart/jobs", "--body", "{}"}},
		"an api-version that is none": {[]string{"InvalidApiVersionParameter"},
			arm("get", workspace, "2020-02-30")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := a
			a.t = t
			a.refused(call.words, call.args...)
		})
	}
}

func TestTheCLIManagesTheDirectory(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a := w.deployer(t)
	clientID, objectID := application(a, "scoring-ci")
	assert.Equal(t, []string{clientID}, each(t, a.run("ad", "app", "list", "--display-name", "scoring"), "appId"))
	assert.Equal(t, []string{objectID}, each(t, a.run("ad", "sp", "list", "--display-name", "scoring-ci"), "id"))
	assert.Equal(t, objectID, at(a.run("ad", "sp", "show", "--id", clientID), "id"))
	a.refused([]string{"already in use"}, "ad", "sp", "create", "--id", clientID)

	credential := `{"name": "main", "issuer": "` + github + `", "subject": "` + branch + `", "audiences": ["` +
		exchange + `"]}`
	a.run("ad", "app", "federated-credential", "create", "--id", clientID, "--parameters", credential)
	assert.Equal(t, []string{branch}, each(t, a.run("ad", "app", "federated-credential", "list", "--id", clientID),
		"subject"))
	a.run("ad", "app", "federated-credential", "delete", "--id", clientID, "--federated-credential-id", "main")
	assert.Empty(t, a.run("ad", "app", "federated-credential", "list", "--id", clientID))
	a.run("ad", "app", "credential", "reset", "--id", clientID, "--append")
	key, _ := at(a.run("ad", "app", "credential", "list", "--id", clientID), 0, "keyId").(string)
	a.run("ad", "app", "credential", "delete", "--id", clientID, "--key-id", key)
	assert.Empty(t, a.run("ad", "app", "credential", "list", "--id", clientID))

	a.run("ad", "group", "create", "--display-name", "readers", "--mail-nickname", "readers")
	a.run("ad", "group", "member", "add", "--group", "readers", "--member-id", objectID)
	assert.Equal(t, []string{objectID}, each(t, a.run("ad", "group", "member", "list", "--group", "readers"), "id"))
	a.run("ad", "group", "member", "remove", "--group", "readers", "--member-id", objectID)
	assert.Empty(t, a.run("ad", "group", "member", "list", "--group", "readers"))
	a.run("ad", "group", "delete", "--group", "readers")
	a.refused([]string{"No group matches"}, "ad", "group", "member", "list", "--group", "readers")

	a.run("ad", "app", "delete", "--id", clientID)
	assert.Empty(t, a.run("ad", "app", "list", "--display-name", "scoring-ci"))
	assert.Empty(t, a.run("ad", "sp", "list", "--display-name", "scoring-ci"), "it goes with its application")
}

func TestTheCLIManagesIdentities(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a := w.deployer(t)
	made := a.run("identity", "create", "--name", "second", "--resource-group", "rg-ml", "--location", "westeurope")
	assert.NotEmpty(t, at(made, "principalId"))
	assert.Equal(t, []string{"nightly", "second"}, each(t, a.run("identity", "list", "--resource-group", "rg-ml"), "name"))
	assert.Equal(t, []string{"nightly", "second"}, each(t, a.run("identity", "list"), "name"))
	trust := []string{"identity", "federated-credential", "create", "--identity-name", "second", "--resource-group",
		"rg-ml",
		"--issuer", github, "--subject", branch, "--audiences", exchange, "--name"}
	a.run(append(trust, "main")...)
	a.refused([]string{"issuer"}, append(trust, "again")...)
	assert.Equal(t, []string{branch}, each(t,
		a.run("identity", "federated-credential", "list", "--identity-name", "second", "--resource-group",
			"rg-ml"), "subject"))
	a.run("identity", "delete", "--name", "second", "--resource-group", "rg-ml")
	a.refused([]string{"ResourceNotFound"}, "identity", "show", "--name", "second", "--resource-group", "rg-ml")
	a.refused([]string{"ResourceGroupNotFound"}, "identity", "create", "--name", "second", "--resource-group", "none",
		"--location", "westeurope")
}
