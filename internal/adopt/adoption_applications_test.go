package adopt_test

import (
	"context"
	"encoding/base64"
	"net/http"
	"strings"
	"testing"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/batchaccess/batchaccess/internal/adopt"
	azureclient "github.com/batchaccess/batchaccess/internal/azure"
	"github.com/batchaccess/batchaccess/sandbox/azure"
)

func TestApplicationsAreOursByTheirTagAndNothingElse(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	one, twice, again := w.application("tag:one"), w.application("tag:twice"), w.application("tag:twice")
	found := adoptAll(t, w.finder, applicationType, map[string]map[string]any{
		"one":   {"tags": []string{"tag:one"}, "displayName": "TERRAFORM_UPDATE_x"},
		"twice": {"tags": []string{"tag:twice"}, "displayName": "x"},
		"alike": {"tags": []string{"tag:three"}, "displayName": "TERRAFORM_UPDATE_x"},
		"new":   {"tags": []string{"tag:three"}, "displayName": "other"},
	})
	assert.Equal(t, adopt.Exists, found["one"].Outcome)
	assert.Equal(t, []string{one}, found["one"].IDs)
	assert.Equal(t, adopt.Several, found["twice"].Outcome)
	assert.ElementsMatch(t, []string{twice, again}, found["twice"].IDs)
	assert.Equal(t, adopt.Alike, found["alike"].Outcome)
	assert.Len(t, found["alike"].IDs, 3)
	assert.Equal(t, adopt.ToMake, found["new"].Outcome)
}

// Whoever may register applications can write the tag, and the owner of an application can sign in as it.
func TestAnApplicationThatSomebodyElseOwnsIsNotAdopted(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	require.NoError(t, w.azure.Seed(azure.Seed{Users: []azure.User{{ObjectID: mallory,
		UserPrincipalName: "mallory@sandbox.example"}}}))
	cloud, err := azureclient.Discover(t.Context(), w.azure.Client(), w.azure.Host())
	require.NoError(t, err)
	graph := strings.TrimPrefix(cloud.Graph, w.azure.URL()) + "/v1.0/applications"
	for tag, owner := range map[string]string{"tag:theirs": mallory, "tag:ours": w.azure.Deployer().ObjectID} {
		w.make(http.MethodPost, cloud.Graph, graph, map[string]any{"displayName": "app", "tags": []string{tag},
			"owners@odata.bind": []string{cloud.Graph + "/v1.0/directoryObjects/" + owner}})
	}
	found := adoptAll(t, w.finder, applicationType, map[string]map[string]any{"theirs": {"tags": []string{"tag:theirs"}},
		"ours": {"tags": []string{"tag:ours"}}})
	assert.Equal(t, adopt.Exists, found["ours"].Outcome)
	assert.Equal(t, adopt.Taken, found["theirs"].Outcome)
	assert.Contains(t, found["theirs"].Why, "is owned by "+mallory)
}

func TestWhatAnApplicationHoldsIsFound(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	cloud, err := azureclient.Discover(t.Context(), w.azure.Client(), w.azure.Host())
	require.NoError(t, err)
	app := w.application("tag:one")
	in := strings.TrimPrefix(cloud.Graph, w.azure.URL()) + "/v1.0" + app
	w.make(http.MethodPost, cloud.Graph, in+"/addPassword",
		map[string]any{"passwordCredential": map[string]any{"displayName": "2026"}})
	w.make(http.MethodPost, cloud.Graph, in+"/federatedIdentityCredentials", map[string]any{
		"name": "main", "issuer": "https://issuer.example", "subject": "repo:o/" +
			"r", "audiences": []string{"api://AzureADTokenExchange"},
	})
	found := adoptAll(t, w.finder, passwordType, map[string]map[string]any{
		"lost": {"applicationId": app, "displayName": "2026"}, "new": {"applicationId": app,
			"displayName": "2027"}, "later": {"applicationId": notKnown},
	})
	assert.Equal(t, adopt.Lost, found["lost"].Outcome)
	assert.Len(t, found["lost"].IDs, 1)
	assert.Equal(t, adopt.ToMake, found["new"].Outcome)
	assert.Equal(t, adopt.Later, found["later"].Outcome)

	of := func(name, subject string) map[string]any {
		return map[string]any{"applicationId": app, "displayName": name, "issuer": "https://issuer.example",
			"subject": subject}
	}
	elsewhere := of("master", "repo:o/r")
	elsewhere["issuer"] = "https://issuer.example/"
	found = adoptAll(t, w.finder, credentialType, map[string]map[string]any{
		"main": of("main", "repo:o/r"), "taken": of("master", "repo:o/r"), "new": of("master",
			"repo:O/r"), "other issuer": elsewhere,
	})
	assert.Equal(t, adopt.Exists, found["main"].Outcome)
	assert.Equal(t, adopt.Taken, found["taken"].Outcome)
	assert.Contains(t, found["taken"].Why, `under the name "main"`)
	assert.Equal(t, adopt.ToMake, found["new"].Outcome)
	assert.Equal(t, adopt.ToMake, found["other issuer"].Outcome)
}

// someone signs in as the principal of that object ID.
type someone string

func (s someone) GetToken(context.Context, policy.TokenRequestOptions) (azcore.AccessToken, error) {
	part := base64.RawURLEncoding.EncodeToString
	return azcore.AccessToken{Token: part([]byte(`{}`)) + "." + part([]byte(`{"oid": "`+string(s)+`"}`)) + "." +
		part([]byte("signature"))}, nil
}

func TestAnOwnerIsTheDeployerWhateverTheCaseOfTheID(t *testing.T) {
	t.Parallel()
	const own = "aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa"
	for owner, outcome := range map[string]adopt.Outcome{strings.ToUpper(own): adopt.Exists,
		"bbbbbbbb-bbbb-4bbb-8bbb-bbbbbbbbbbbb": adopt.Taken} {
		none := always(200, `{"value": []}`)
		f := adopt.New(azureclient.NewClient(someone(own), azureclient.Cloud{ResourceManager: "https://arm.example",
			ManagementAudience: "https://arm.example", Graph: "https://graph.example"}, answers{
			"/v1.0/applications":                                always(200, `{"value": [{"id": "a", "appId": "c"}]}`),
			"/v1.0/applications/a/owners":                       always(200, `{"value": [{"id": "`+owner+`"}]}`),
			"/v1.0/applications/a/federatedIdentityCredentials": none, "/v1.0/servicePrincipals": none,
		}, nil))
		assert.Equal(t, outcome, adoptAll(t, f, applicationType,
			map[string]map[string]any{"r": {"tags": []string{"x"}}})["r"].Outcome, owner)
	}
}
