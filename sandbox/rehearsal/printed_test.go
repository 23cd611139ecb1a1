package rehearsal

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/sandbox/azure"
)

// Each form of howToInvoke is read as a person would read it.
func TestARecipeIsReadInEachOfItsForms(t *testing.T) {
	t.Parallel()
	const (
		uri  = "https://heart.westeurope.inference.ml.azure.com/jobs"
		blue = `{"azureml-model-deployment": "blue"}`
		body = `{"properties": {"InputData": {"it's": {"JobInputType": "UriFolder", "Uri": "https://x/a b"}}}}`
		curl = "TOKEN=$(az account get-access-token --resource https://ml.azure.com --query accessToken --output tsv)\n" +
			"# heart also reads what follows: curl --data no\n" +
			"curl --fail-with-body --request POST '" + uri + "' \\\n  --header \"Authorization: Bearer $TOKEN\" \\\n" +
			"  --header 'azureml-model-deployment: blue' \\\n  --data '" +
			`{"properties": {"InputData": {"it'\''s": {"JobInputType": "UriFolder", "Uri": "https://x/a b"}}}}'`
	)
	const workflow, mayAsk = "# GitHub Actions: a workflow of a/b, x.yml\n", "permissions: {id-token: write}\n"
	const on = "on: [workflow_dispatch]\n"
	asIdentity := func(r recipe) string { return r.service.resourceID }
	for name, c := range map[string]struct {
		text string
		who  func(recipe) string
		want string
	}{
		"a shell": {"az cloud set --name AzureUSGovernment\naz login --service-principal --username id --tenant t " +
			"--password=\"$S\"  # az login\n" + curl,
			func(r recipe) string { return strings.Join(r.login, " ") + " in " + r.cloud },
			"--service-principal --username id --tenant t --password=$S in AzureUSGovernment"},
		"a workflow": {workflow + "on: [workflow_dispatch]\npermissions:\n  id-token: write\n" +
			"jobs:\n  start-main:\n    if: \"github.ref == 'refs/heads/it''s'\"\n    runs-on: x\n    steps:\n" +
			"      - uses: azure/login@v2\n" +
			"        with:\n          client-id: \"id\"\n          tenant-id: \"t\"\n          audience: \"au\"\n" +
			"          environment: AzureChinaCloud\n      - run: |\n          " +
			strings.ReplaceAll(curl, "\n", "\n          "),
			func(r recipe) string {
				p := r.pipeline
				return strings.Join([]string{p.name, p.repository, p.branch, p.clientID, p.tenant, p.audience, r.cloud}, " ")
			}, "main a/b it's id t au AzureChinaCloud"},
		"a pipeline": {"# Azure Pipelines: x.yml\nsteps:\n  - task: AzureCLI@2\n    inputs:\n" +
			"      azureSubscription: \"prod\"\n      scriptType: bash\n      scriptLocation: inlineScript\n" +
			"      inlineScript: |\n        set -e\n        " + strings.ReplaceAll(curl, "\n", "\n        "),
			func(r recipe) string { return r.pipeline.connection }, "prod"},
		"a job of GitLab": {"# GitLab: x.yml\nstart-main:\n  rules:\n    - if: '$CI_COMMIT_TAG == \"v1\"'\n" +
			"  id_tokens:\n    T:\n" +
			"      aud: \"au\"\n  script:\n    - |\n      az login --service-principal --username id --tenant t " +
			"--federated-token \"$T\"\n      " + strings.ReplaceAll(curl, "\n", "\n      "),
			func(r recipe) string {
				p := r.pipeline
				return strings.Join([]string{p.name, p.tag, p.clientID, p.tenant, p.audience}, " ")
			}, "main v1 id t au"},
		"a host": {"az login --identity --client-id id\n" + curl,
			func(r recipe) string { return strings.Join(r.login, " ") }, "--identity --client-id id"},
		"an activity": {"# Data Factory: a credential\n" + `{"name": "c", "properties": {"type": "ManagedIdentity", ` +
			`"typeProperties": {"resourceId": "/identity"}}}` + "\n# Data Factory: a pipeline\n" +
			`{"name": "n", "properties": {"activities": [{"name": "a", "type": "WebActivity", ` +
			`"typeProperties": {"method": "POST", "url": "` + uri + `", "headers": ` + blue + `, "body": ` + body +
			`, "authentication": {"type": "UserAssignedManagedIdentity", "credential": {"referenceName": "c", ` +
			`"type": "CredentialReference"}, "resource": "https://ml.azure.com"}}}]}}`, asIdentity, "/identity"},
		"a workflow's action": {"# Logic Apps: actions\n" + `{"actions": {"a": {"type": "Http", "inputs": {` +
			`"method": "POST", "uri": "` + uri + `", "headers": ` + blue + `, "body": ` + body + `, "authentication": {` +
			`"type": "ManagedServiceIdentity", "identity": "/identity", "audience": "https://ml.azure.com"}}}}}`, asIdentity,
			"/identity"},
		"a program": {"# For a virtual machine\n\n" +
			"    query = {\"client_id\":\"id\",\"resource\":\"https://ml.azure.com\"}\n" +
			`    request = urllib.request.Request("http://169.254.169.254/metadata/identity/oauth2/token?" + x(query, ` +
			`**{"api-version": "2018-02-01"}), headers={"Metadata": "true"})` + "\n" + `    r = Request(url, method="POST")` +
			"\n" + inPrograms[0] + "\n" + inPrograms[1] + "\n" +
			`print(start("` + uri + `", ` + blue + `, ` + body + `)["name"])`,
			func(r recipe) string { return r.host.query.Encode() + " " + r.host.header.Get("Metadata") },
			"api-version=2018-02-01&client_id=id&resource=https%3A%2F%2Fml.azure.com true"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			all, err := read(c.text)
			require.NoError(t, err)
			require.Len(t, all, 1)
			got := all[0]
			assert.Equal(t, c.want, c.who(got))
			assert.Equal(t, []string{"https://ml.azure.com"}, got.audiences)
			require.Len(t, got.posts, 1)
			assert.Equal(t, "POST", got.posts[0].method)
			assert.Equal(t, uri, got.posts[0].url)
			assert.Equal(t, "blue", got.posts[0].header.Get("azureml-model-deployment"))
			assert.Equal(t, "Bearer $TOKEN", got.posts[0].header.Get("Authorization"))
			assert.JSONEq(t, body, string(got.posts[0].body))
		})
	}
	for text, want := range map[string]string{
		"curl --data 'x":      "not closed",
		workflow + "jobs: {}": "without id-token: write",
		workflow + mayAsk + "jobs: {start-x: {if: nobody}}":                                       "runs if",
		workflow + mayAsk + "jobs: {start-x: {environment: e, runs-on: x}}":                       "nothing starts",
		workflow + mayAsk + "jobs: {start-x: {environment: e}}":                                   "without runs-on",
		workflow + mayAsk + on + "jobs: {start-x: {runs-on: x, steps: [{uses: azure/login@v1}]}}": "not known",
		workflow + mayAsk + on + "jobs: {start-x: {runs-on: x, steps: [{uses: azure/login@v2, " +
			"with: {client-id: a, tenant_id: b}}]}}": "without client-id or tenant-id",
		"# Azure Pipelines: x.yml\nsteps: [{task: AzureCLI@2, inputs: {scriptType: ps}}]":              "by bash",
		strings.Replace(curl, "tsv", "json", 1):                                                        "by itself",
		strings.Replace(curl, "accessToken", "access_token", 1):                                        "by itself",
		strings.Replace(curl, "TOKEN=", "OTHER=", 1):                                                   "by itself",
		strings.Replace(curl, "\"Authorization: Bearer $TOKEN\"", "'Authorization: Bearer $TOKEN'", 1): "in double quotes",
		strings.Replace(curl, "--fail-with-body ", "", 1):                                              "is no failure",
		"# Azure Pipelines: x.yml\nsteps: [{task: Bash@3}]":                                            "other steps",
		"# GitLab: x.yml\nstart-x: {script: ['az login --federated-token $T']}":                        "does not ask for",
		"# For a host\nimport json":                                                                    "does not ask a host",
		"# Logic Apps: x\n{\"actions\": {\"a\": {\"type\": \"Http\", \"inputs\": {\"url\": \"u\"}}}}":  "unknown field",
		"# Logic Apps: x\n{\"actions\": {\"a\": {\"type\": \"Http\", \"runAfter\": {\"b\": []}, \"inputs\": " +
			"{\"authentication\": {\"type\": \"ManagedServiceIdentity\"}}}}}": "there is no such action",
		"# Synapse: x\n{\"properties\": {\"activities\": [{\"typeProperties\": {\"uri\": \"u\"}}]}}": "unknown field",
		"# Synapse: x\n{\"properties\": {\"activities\": [{\"type\": \"WebActivity\", \"typeProperties\": " +
			"{\"authentication\": {\"type\": \"ManagedServiceIdentity\"}}}]}}": "authenticates by type",
	} {
		_, err := read(text)
		assert.ErrorContains(t, err, want)
	}
}

// A recipe that gets no token for jobs starts none. That is reported, even if its sign-in sees a subscription.
func TestARecipeWithoutATokenForJobsIsFound(t *testing.T) {
	t.Parallel()
	const ada, subscription = "33333333-3333-4333-8333-333333333333", "11111111-1111-4111-8111-111111111111"
	a, err := azure.Start(t.Context(), azure.Options{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, a.Close()) })
	require.NoError(t, a.Seed(azure.Seed{
		SubscriptionIDs: []string{subscription},
		Users:           []azure.User{{ObjectID: ada, DisplayName: "Ada", UserPrincipalName: "ada@contoso.com"}},
		RoleAssignments: []azure.RoleAssignment{{ID: "44444444-4444-4444-8444-444444444444", PrincipalID: ada,
			Scope: "/subscriptions/" + subscription, PrincipalType: "User",
			RoleID: "acdd72a7-3385-48ef-bd42-f606fba81ae7"}}, // Reader
	}))
	r := &rehearsal{azure: a}
	r.Model.Invokers = map[string]access.Invoker{"ada": {Kind: access.User, PrincipalID: access.Known(ada)}}
	d := deployed{PrincipalIDs: map[string]string{"ada": ada}}
	for name, c := range map[string]struct {
		audiences []string
		wrong     bool
	}{
		"none":                    {nil, true},
		"of Resource Manager":     {[]string{a.Cloud().Management[0]}, true},
		"of Azure ML beside that": {[]string{a.Cloud().Management[0], a.Cloud().MachineLearning}, false},
	} {
		tokens, err := r.follow(t.Context(), "ada", recipe{login: []string{}, audiences: c.audiences,
			posts: []post{{}}, wantsSubscription: true}, d)
		assert.Equal(t, c.wrong, err != nil, "%s: %v, %v", name, tokens, err)
		assert.Equal(t, c.wrong, len(tokens) == 0, name)
	}
}
