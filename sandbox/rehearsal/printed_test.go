package rehearsal

import (
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
		body = `{"properties": {"InputData": {"it's": {"JobInputType": "UriFolder", "Uri": "https://x/a b"}}}}`
		curl = "TOKEN=$(az account get-access-token --resource https://ml.azure.com --query accessToken --output tsv)\n" +
			"# heart also reads what follows: curl --data no\n" +
			"curl --fail-with-body --request POST '" + uri + "' \\\n  --header \"Authorization: Bearer $TOKEN\" \\\n" +
			"  --header 'azureml-model-deployment: blue' \\\n  --data '" +
			`{"properties": {"InputData": {"it'\''s": {"JobInputType": "UriFolder", "Uri": "https://x/a b"}}}}'`
	)
	for name, c := range map[string]struct {
		text    string
		clients []string
		token   string // the request's header, except for clients that sign in by themselves
	}{
		"a shell": {"az login --service-principal --username id --tenant t --password=\"$S\"  # az login\n" + curl,
			[]string{"id"}, "Bearer $TOKEN"},
		"a workflow": {"          client-id: \"id\"\n          tenant-id: \"t\"\n        run: |\n          " + curl,
			[]string{"id"}, "Bearer $TOKEN"},
		"a host": {"az login --identity --client-id id\n" + curl, []string{"id"}, "Bearer $TOKEN"},
		"an activity": {"# Data Factory\n" + `{"name": "n", "properties": {"activities": [{"typeProperties": {"url": "` +
			uri + `", "headers": {"azureml-model-deployment": "blue"}, "body": ` + body +
			`, "authentication": {"type": "MSI", "resource": "https://ml.azure.com"}}}]}}`, nil, "Bearer $TOKEN"},
		"a workflow's action": {"# Logic Apps\n" + `{"actions": {"a": {"inputs": {"uri": "` + uri +
			`", "headers": {"azureml-model-deployment": "blue"}, "body": ` + body +
			`, "authentication": {"audience": "https://ml.azure.com"}}}}}`, nil, "Bearer $TOKEN"},
		"a program": {"    query = {\"client_id\":\"id\",\"resource\":\"https://ml.azure.com\"}\n" +
			`print(start("` + uri + `", {"azureml-model-deployment": "blue"}, ` + body + `)["name"])`, []string{"id"},
			"Bearer $TOKEN"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := read(c.text)
			require.NoError(t, err)
			assert.Equal(t, c.clients, got.clientIDs)
			assert.Equal(t, []string{"https://ml.azure.com"}, got.audiences)
			require.Len(t, got.posts, 1)
			assert.Equal(t, uri, got.posts[0].url)
			assert.Equal(t, "blue", got.posts[0].header.Get("azureml-model-deployment"))
			assert.Equal(t, c.token, got.posts[0].header.Get("Authorization"))
			assert.JSONEq(t, body, string(got.posts[0].body))
		})
	}
	_, err := read("curl --data 'x")
	assert.ErrorContains(t, err, "not closed")
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
		tokens, err := r.follow(t.Context(), "ada", recipe{logins: [][]string{{}}, audiences: c.audiences,
			posts: []post{{}}, wantsSubscription: true}, d)
		assert.Equal(t, c.wrong, err != nil, "%s: %v, %v", name, tokens, err)
		assert.Equal(t, c.wrong, len(tokens) == 0, name)
	}
}
