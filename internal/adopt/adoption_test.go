package adopt_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/batchaccess/batchaccess/internal/adopt"
	azureclient "github.com/batchaccess/batchaccess/internal/azure"
	"github.com/batchaccess/batchaccess/internal/engine"
	"github.com/batchaccess/batchaccess/sandbox/azure"
)

const (
	roleType       = "azure-native:authorization:RoleDefinition"
	computeType    = "azure-native:machinelearningservices:Compute"
	passwordType   = "azuread:index/applicationPassword:ApplicationPassword"
	credentialType = "azuread:index/applicationFederatedIdentityCredential:ApplicationFederatedIdentityCredential"

	reader      = "2a2b9908-6ea1-4ae2-8e65-a410df84e7d1"
	contributor = "ba92f5b4-2d11-453d-a403-e96b0029c9fe"
	notKnown    = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
)

func read(t *testing.T, preview string) engine.Preview {
	t.Helper()
	p, err := engine.Read(strings.NewReader(preview))
	require.NoError(t, err)
	return p
}

// previewOf is a preview that creates resources of a type, by name, with their inputs, and the file that --import-file
// writes with it.
func previewOf(t *testing.T, kind string, resources map[string]map[string]any) (engine.Preview, []byte) {
	t.Helper()
	var steps, specs []map[string]any
	for _, name := range slices.Sorted(maps.Keys(resources)) {
		steps = append(steps, map[string]any{"op": "create", "urn": urnOf + kind + "::" + name, "newState": map[string]any{
			"type": kind, "custom": true, "inputs": resources[name], "provider": urnOf +
				"pulumi:providers:azure-native::default::" + notKnown,
		}})
		specs = append(specs, map[string]any{"type": kind, "name": name, "id": "<PLACEHOLDER>"})
	}
	text, err := json.Marshal(map[string]any{"config": map[string]any{"azure-native:subscriptionId": subscription},
		"steps": steps})
	require.NoError(t, err)
	p := read(t, string(text))
	file, err := json.Marshal(map[string]any{"resources": specs})
	require.NoError(t, err)
	return p, file
}

// adopt returns what happens to each resource, by name.
func adoptAll(t *testing.T, f *adopt.Finder, kind string,
	resources map[string]map[string]any) map[string]adopt.Adoptee {
	t.Helper()
	p, file := previewOf(t, kind, resources)
	a, err := f.Adopt(t.Context(), p, adopt.State{}, file, "")
	require.NoError(t, err)
	assert.Equal(t, a.Count(adopt.Exists) > 0, a.File != nil, "a file exactly where there is something to import")
	found := map[string]adopt.Adoptee{}
	for _, r := range a.Resources {
		assert.Equal(t, kind, r.Type)
		found[strings.TrimPrefix(r.URN, urnOf+kind+"::")] = r
	}
	require.Len(t, found, len(resources))
	return found
}

func (w world) assign(name, scope, role string) string {
	w.t.Helper()
	id := scope + "/providers/Microsoft.Authorization/roleAssignments/" + name
	w.make(http.MethodPut, "https://management.azure.com", id+"?api-version=2022-04-01",
		map[string]any{"properties": map[string]any{
			"principalId": w.azure.Deployer().ObjectID, "principalType": "ServicePrincipal",
			"roleDefinitionId": subscriptionScope + "/providers/Microsoft.Authorization/roleDefinitions/" + role,
		}})
	return id
}

const subscriptionScope = scope

func TestAnAssignmentIsAdoptedByNameAndKnownByWhatItGrants(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	byHand := w.assign("77777777-7777-4777-8777-777777777777", scope, reader)
	ours := w.assign(assignment, scope, contributor)
	// Each new assignment differs in one property from the one that was made by hand.
	of := func(name, scope, principal, role string) map[string]any {
		return map[string]any{"roleAssignmentName": name, "scope": scope, "principalId": principal,
			"roleDefinitionId": "/providers/Microsoft.Authorization/roleDefinitions/" + role}
	}
	const name = "99999999-9999-4999-8999-999999999999"
	principal := w.azure.Deployer().ObjectID
	found := adoptAll(t, w.finder, assignmentType, map[string]map[string]any{
		"ours": of(assignment, scope, principal, contributor), "taken": of(name, strings.ToUpper(scope)+"/",
			strings.ToUpper(principal), strings.ToUpper(reader)),
		"below": of(name, scope+"/resourceGroups/rg", principal, reader), "principal": of(name, scope, name,
			reader), "role": of(name, scope, principal, name),
		"unknown principal": of(notKnown, scope, notKnown, reader), "unknown role": of(name, scope, principal, "x"),
	})
	assert.Equal(t, adopt.Exists, found["ours"].Outcome)
	assert.Equal(t, []string{ours}, found["ours"].IDs)
	assert.Equal(t, adopt.Taken, found["taken"].Outcome)
	assert.Equal(t, []string{byHand}, found["taken"].IDs)
	assert.Contains(t, found["taken"].Why, "az role assignment delete")
	for _, fresh := range []string{"below", "principal", "role", "unknown role"} {
		assert.Equal(t, adopt.ToMake, found[fresh].Outcome, fresh)
		assert.Empty(t, found[fresh].IDs, fresh)
	}
	assert.Equal(t, adopt.Later, found["unknown principal"].Outcome)
}

// An assignment at an endpoint is not one at its workspace. A reader with a condition is in the place of one without:
// Azure accepts no second assignment.
func TestNarrowAssignmentsAreKnownByWhatTheyGrant(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const workspace = scope + "/resourceGroups/ml/providers/Microsoft.MachineLearningServices/workspaces/ws"
	const account = scope + "/resourceGroups/ml/providers/Microsoft.Storage/storageAccounts/lake"
	const container, heart = account + "/blobServices/default/containers/rows", workspace + "/batchEndpoints/heart"
	require.NoError(t, w.azure.Seed(azure.Seed{
		SubscriptionIDs: []string{subscription},
		Workspaces:      []azure.Workspace{{ID: workspace, Location: "westeurope"}},
		StorageAccounts: []azure.StorageAccount{{ID: account, Containers: []string{"rows"}}},
		Computes:        []azure.Compute{{WorkspaceID: workspace, Name: "cpu", SystemAssignedPrincipalID: assignment}},
		Endpoints: []azure.Endpoint{{WorkspaceID: workspace, Name: "heart", DefaultDeployment: "blue",
			Deployments: []azure.Deployment{{Name: "blue", ComputeName: "cpu"}}}},
		RoleAssignments: []azure.RoleAssignment{{ID: "66666666-6666-4666-8666-666666666666", Scope: container, RoleID: reader,
			PrincipalID: assignment, PrincipalType: "ServicePrincipal", Condition: "@Resource[Microsoft.Storage/" +
				"storageAccounts/blobServices/containers/blobs:path] StringStartsWith 'in/'"}},
	}))
	atHeart := w.assign("77777777-7777-4777-8777-777777777777", heart, reader)
	of := func(scope, principal, condition string) map[string]any {
		return map[string]any{"roleAssignmentName": "99999999-9999-4999-8999-999999999999", "scope": scope,
			"principalId": principal, "roleDefinitionId": "/providers/Microsoft.Authorization/roleDefinitions/" + reader,
			"condition": condition}
	}
	me := w.azure.Deployer().ObjectID
	found := adoptAll(t, w.finder, assignmentType, map[string]map[string]any{
		"endpoint": of(strings.ToUpper(heart), me, ""), "workspace": of(workspace, me, ""),
		"limited": of(container, assignment, "other"), "account": of(account, assignment, "other"),
	})
	assert.Equal(t, []string{atHeart}, found["endpoint"].IDs)
	for name, outcome := range map[string]adopt.Outcome{"endpoint": adopt.Taken, "workspace": adopt.ToMake,
		"limited": adopt.Taken, "account": adopt.ToMake} {
		assert.Equal(t, outcome, found[name].Outcome, name)
	}
}

// Two stacks derive one name for an assignment that both need. The stack that made it keeps it, whatever the other one
// adopts.
func TestAnAssignmentOfAnotherStackIsNeitherAdoptedNorTakenUp(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		says, wants string // descriptions in Azure, and in the program
		outcome     adopt.Outcome
		remedy      adopt.Remedy
		owner       string
	}{
		"another stack's": {"reads [batchaccess:lake/prod/access.reader]", "reads [batchaccess:lake/dev/access.reader]",
			adopt.Taken, adopt.Clear, "stack lake/prod"},
		"another stack's, and the program marks nothing": {"reads [batchaccess:lake/prod/access.reader]", "reads",
			adopt.Taken, adopt.Clear, "stack lake/prod"},
		"its own": {"reads [batchaccess:lake/dev/access.reader]", "reads [batchaccess:lake/dev/access.reader]",
			adopt.Exists, adopt.Import, "stack lake/dev"},
		"its own, under another name": {"reads [batchaccess:lake/dev/old]", "reads [batchaccess:lake/dev/access.reader]",
			adopt.Exists, adopt.Import, "stack lake/dev"},
		"another tool's": {"made by hand", "reads [batchaccess:lake/dev/access.reader]", adopt.Exists, adopt.Import,
			"not said"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			id := w.assign(assignment, scope, reader)
			made := w.make(http.MethodGet, "https://management.azure.com", id+"?api-version=2022-04-01", nil)
			made["properties"].(map[string]any)["description"] = c.says
			w.make(http.MethodPut, "https://management.azure.com", id+"?api-version=2022-04-01",
				map[string]any{"properties": made["properties"]})
			inputs := map[string]any{"roleAssignmentName": assignment, "scope": scope, "description": c.wants,
				"principalId":      w.azure.Deployer().ObjectID,
				"roleDefinitionId": "/providers/Microsoft.Authorization/roleDefinitions/" + reader}
			found := adoptAll(t, w.finder, assignmentType, map[string]map[string]any{"reader": inputs})["reader"]
			assert.Equal(t, c.outcome, found.Outcome)
			assert.Equal(t, c.owner, found.Owner)
			text, err := json.Marshal(inputs)
			require.NoError(t, err)
			plan, err := w.finder.Plan(t.Context(), state(t, provider, creating(assignmentType, "reader", string(text))))
			require.NoError(t, err)
			require.Len(t, plan, 1)
			assert.Equal(t, c.remedy, plan[0].Remedy)
			if c.outcome == adopt.Taken {
				assert.Contains(t, found.Why, "name it here under sharedGrants, with by: lake/prod")
				assert.Equal(t, []string{id + " is left alone: stack lake/prod made it"}, plan[0].LeftAlone)
			}
		})
	}
}

func TestARoleOfTheSameNameIsInTheWay(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	define := func(guid, name string) {
		w.make(http.MethodPut, "https://management.azure.com",
			scope+"/providers/Microsoft.Authorization/roleDefinitions/"+guid+"?api-version=2022-04-01",
			map[string]any{"properties": map[string]any{
				"roleName": name, "type": "CustomRole", "assignableScopes": []string{scope},
				"permissions": []any{map[string]any{"actions": []string{"Microsoft.Storage/storageAccounts/read"}}},
			}})
	}
	define(assignment, "Invoker")
	found := adoptAll(t, w.finder, roleType, map[string]map[string]any{
		"ours":    {"scope": scope, "roleDefinitionId": assignment, "roleName": "Invoker"},
		"another": {"scope": scope, "roleDefinitionId": "33333333-3333-4333-8333-333333333333", "roleName": "invoker"},
		"new":     {"scope": scope, "roleDefinitionId": "33333333-3333-4333-8333-333333333333", "roleName": "Invokers"},
	})
	assert.Equal(t, adopt.Exists, found["ours"].Outcome)
	assert.Equal(t, adopt.Taken, found["another"].Outcome)
	assert.Len(t, found["another"].IDs, 1)
	assert.Contains(t, found["another"].Why, "role.name")
	assert.Equal(t, adopt.ToMake, found["new"].Outcome)
}

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

func TestWhatAPreviewDoesNotShowIsNotLookedFor(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	inputs := func(scope, name any) map[string]any {
		return map[string]any{"scope": scope, "roleAssignmentName": name, "principalId": "p", "roleDefinitionId": "r"}
	}
	hidden := map[string]any{"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270", "ciphertext": "x"}
	found := adoptAll(t, w.finder, assignmentType, map[string]map[string]any{
		"later": inputs(scope, notKnown), "secret": inputs("[secret]", assignment), "encrypted": inputs(hidden, assignment),
		"both": inputs("[secret]", notKnown),
	})
	assert.Equal(t, adopt.Later, found["later"].Outcome)
	for _, name := range []string{"secret", "encrypted", "both"} {
		assert.Equal(t, adopt.Unknown, found[name].Outcome, name)
		assert.Contains(t, found[name].Why, "it is found by scope, which is a secret", name)
	}
}

func TestOnlyWhatIsCreatedInAzureIsLookedFor(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p, file := previewOf(t, "aws:s3/bucket:Bucket", map[string]map[string]any{"b": {}, "c": {}, "d": {}, "e": {}})
	p.Steps[1].Op, p.Steps[2].New.Component, p.Steps[3].Op = "update", true, "replace"
	p.Steps = append(p.Steps, p.Steps[2])
	p.Steps[4].Op = "update"
	a, err := w.finder.Adopt(t.Context(), p, adopt.State{}, file, "")
	require.NoError(t, err)
	require.Len(t, a.Resources, 1)
	assert.Equal(t, adopt.Unknown, a.Resources[0].Outcome)
	assert.Contains(t, a.Resources[0].Why, "aws:s3/bucket:Bucket")
	assert.Nil(t, a.File)
	assert.Equal(t, []string{p.Steps[1].URN, p.Steps[3].URN}, a.Changing, "nothing depends on components")
}

// answers is an Azure with an answer for each path.
type answers map[string]func() (status int, body string)

func (a answers) Do(req *http.Request) (*http.Response, error) {
	answer, there := a[req.URL.Path]
	if !there {
		return nil, fmt.Errorf("nobody expects %s", req.URL.Path)
	}
	status, body := answer()
	return &http.Response{StatusCode: status, Body: io.NopCloser(strings.NewReader(body)), Header: http.Header{},
		Request: req}, nil
}

type anyone struct{}

func (anyone) GetToken(context.Context, policy.TokenRequestOptions) (azcore.AccessToken, error) {
	return azcore.AccessToken{Token: "token"}, nil
}

func (a answers) finder() *adopt.Finder {
	return adopt.New(azureclient.NewClient(anyone{}, azureclient.Cloud{ResourceManager: "https://arm.example",
		ManagementAudience: "https://arm.example", Graph: "https://graph.example"}, a, nil))
}

type nobody struct{}

func (nobody) GetToken(context.Context, policy.TokenRequestOptions) (azcore.AccessToken, error) {
	return azcore.AccessToken{}, errors.New("no credential")
}

func TestWhoIsNotSignedInIsToldHow(t *testing.T) {
	t.Parallel()
	p, file := previewOf(t, applicationType, map[string]map[string]any{"r": {"tags": []string{"x"}}})
	_, err := adopt.New(azureclient.NewClient(nobody{}, azureclient.PublicCloud(), answers{}, nil)).Adopt(t.Context(), p,
		adopt.State{}, file, "")
	assert.ErrorContains(t, err, "not signed in to Azure: set ARM_CLIENT_ID, ARM_CLIENT_SECRET and ARM_TENANT_ID, or "+
		"run az login: no credential")
}

func always(status int, body string) func() (int, string) {
	return func() (int, string) { return status, body }
}

func TestAComputeOfAnotherKindIsInTheWay(t *testing.T) {
	t.Parallel()
	at := scope + "/resourceGroups/rg/providers/Microsoft.MachineLearningServices/workspaces/ws/computes/"
	f := answers{
		at + "cpu": always(200, `{"properties": {"computeType": "AmlCompute"}}`), at +
			"ann": always(200, `{"properties": {"computeType": "ComputeInstance"}}`), at + "new": always(404, `{}`),
	}.finder()
	of := func(name string) map[string]any {
		return map[string]any{"resourceGroupName": "rg", "workspaceName": "ws", "computeName": name}
	}
	found := adoptAll(t, f, computeType, map[string]map[string]any{"cpu": of("cpu"), "ann": of("ann"), "new": of("new")})
	assert.Equal(t, adopt.Exists, found["cpu"].Outcome)
	assert.Equal(t, adopt.Taken, found["ann"].Outcome)
	assert.Contains(t, found["ann"].Why, "ComputeInstance")
	assert.Equal(t, adopt.ToMake, found["new"].Outcome)
}

func TestWhoMayNotLookIsToldWhatItTakes(t *testing.T) {
	t.Parallel()
	refused := always(403, `{"error": {"code": "AuthorizationFailed", "message": "no"}}`)
	for name, test := range map[string]struct {
		path, kind string
		inputs     map[string]any
		answer     func() (int, string)
		says       string
	}{
		"Resource Manager": {
			scope + "/providers/Microsoft.Authorization/roleDefinitions/x", roleType, map[string]any{"scope": scope,
				"roleDefinitionId": "x"}, refused,
			"whoever is signed in may not read https://arm.example" + scope +
				"/providers/Microsoft.Authorization/roleDefinitions/x (403 AuthorizationFailed); it takes Reader at that scope",
		},
		"Graph": {"/v1.0/applications", applicationType, map[string]any{"tags": []string{"x"}}, refused,
			"it takes the application permission Application.Read.All"},
		"Graph, of groups": {"/v1.0/groups", "azuread:index/group:Group",
			map[string]any{"description": "x", "displayName": "y"}, refused, "it takes the application permission " +
				"Group.Read.All"},
		"a token of another one": {"/v1.0/applications", applicationType, map[string]any{"tags": []string{"x"}},
			always(401, `{}`), "Sign in as whoever deploys"},
		"a link to elsewhere": {
			"/v1.0/applications", applicationType, map[string]any{"tags": []string{"x"}}, always(200,
				`{"@odata.nextLink": "https://graph.example.org/v1.0/applications"}`),
			"the next page is on another host than https://graph.example/v1.0",
		},
		"a link to a host that begins the same": {
			scope + "/providers/Microsoft.Authorization/roleAssignments", assignmentType, map[string]any{"scope": scope,
				"roleAssignmentName": "x"},
			always(200, `{"nextLink": "https://arm.example.org/page"}`), "the next page is on another host than " +
				"https://arm.example:",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, file := previewOf(t, test.kind, map[string]map[string]any{"r": test.inputs})
			_, err := answers{test.path: test.answer, test.path + "/x": always(404, "{}")}.finder().Adopt(t.Context(), p,
				adopt.State{}, file, "")
			require.ErrorContains(t, err, test.says)
			assert.ErrorContains(t, err, "looking for "+urnOf+test.kind+"::r")
			assert.NotContains(t, err.Error(), "\n")
		})
	}
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

// With permissions at one scope only, one may not list the roles of the tenant: then only the roles of that scope are
// found.
func TestRolesAreLookedForWhereOneMayLook(t *testing.T) {
	t.Parallel()
	list := "/providers/Microsoft.Authorization/roleDefinitions"
	pages := 0
	f := answers{
		scope + list + "/x": always(404, `{}`),
		list:                always(403, `{"error": {"code": "AuthorizationFailed"}}`),
		scope + list: func() (int, string) {
			if pages++; pages == 1 {
				return 200, `{"value": [{"id": "other", "properties": {"roleName": "Other"}}], "nextLink": "https://arm.example` +
					scope + list + `?page=2"}`
			}
			return 200, `{"value": [{"id": "theirs", "properties": {"roleName": "Invoker"}}]}`
		},
	}.finder()
	found := adoptAll(t, f, roleType, map[string]map[string]any{"r": {"scope": scope, "roleDefinitionId": "x",
		"roleName": "Invoker"}})
	assert.Equal(t, adopt.Taken, found["r"].Outcome)
	assert.Equal(t, []string{"theirs"}, found["r"].IDs)
}

func TestTheFileHoldsWhatExistsAndTheComponentsAroundIt(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.assign(assignment, scope, reader)
	inputs := `{"scope": "` + scope + `", "roleAssignmentName": "` + assignment +
		`", "principalId": "p", "roleDefinitionId": "r"}`
	step := func(urn string) string {
		return `{"op": "create", "urn": "` + urn + `", "newState": {"type": "` + assignmentType +
			`", "custom": true, "inputs": ` + inputs + `}}`
	}
	// Resources with the same name in two components. The outer component of the first one is in the state already.
	p := read(t, `{"steps": [`+step("urn:pulumi:dev::p::x:y:Outer$x:y:Inner$"+assignmentType+"::reader")+`]}`)
	a, err := w.finder.Adopt(t.Context(), p, adopt.State{},
		[]byte(`{"nameTable": {"outer": "urn:pulumi:dev::p::x:y:Outer::o"}, "future": "kept", "resources": [
		{"type": "x:y:Inner", "name": "inner", "parent": "outer", "component": true},
		{"type": "x:y:Inner", "name": "innerTwo", "component": true},
		{"type": "`+assignmentType+`", "name": "readerOne", "logicalName": "reader", "parent": "inner", "provider": `+
			`"mine", "id": "<PLACEHOLDER>"},
		{"type": "`+assignmentType+`", "name": "reader", "parent": "innerTwo", "id": "<PLACEHOLDER>"},
		{"type": "pulumi:providers:azure-native", "name": "mine"}, {"type": "pulumi:providers:azure-native", "name": "yours"}
	]}`), "")
	require.NoError(t, err)
	assert.JSONEq(t, `{"nameTable": {"outer": "urn:pulumi:dev::p::x:y:Outer::o"}, "future": "kept", "resources": [
		{"type": "x:y:Inner", "name": "inner", "parent": "outer", "component": true},
		{"type": "`+assignmentType+`", "name": "readerOne", "logicalName": "reader", "parent": "inner", "provider": `+
		`"mine", "id": "`+id+`"},
		{"type": "pulumi:providers:azure-native", "name": "mine"}
	]}`, string(a.File))

	_, err = w.finder.Adopt(t.Context(), p, adopt.State{}, []byte(`{"resources": []}`), "")
	assert.ErrorContains(t, err, "of 1 resources, the one that `pulumi preview --import-file` wrote has 0")
	_, err = w.finder.Adopt(t.Context(), p, adopt.State{}, []byte(`[]`), "")
	assert.ErrorContains(t, err, "reading the file for `pulumi import`")
}

// A component of existing resources has no children, and is not in Azure. It is imported with the rest, because the
// first preview would make it otherwise; but not if the stack still has something to make.
func TestComponentsComeAlongOnceNothingIsLeftToMake(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.assign(assignment, scope, reader)
	const at = "urn:pulumi:dev::p::"
	component := func(op, kind, name string) string {
		return `{"op": "` + op + `", "urn": "` + at + kind + "::" + name + `", "newState": {"type": "` + kind +
			`", "custom": false}}`
	}
	of := func(name, guid string) string {
		return `{"op": "create", "urn": "` + at + "x:y:Outer$" + assignmentType + "::" + name + `", "newState": {"type": "` +
			assignmentType + `", "custom": true, "inputs": {"scope": "` + scope + `", "roleAssignmentName": "` + guid +
			`", "principalId": "99999999-1111-4111-8111-111111111111", "roleDefinitionId": "r"}}}`
	}
	stack := component("create", "pulumi:pulumi:Stack", "p-dev")
	outer, empty := component("create", "x:y:Outer", "o"), component("create", "x:y:Cluster", "cpu")
	there, lacks := of("there", assignment), of("lacks", "99999999-0000-4000-8000-000000000009")
	for name, c := range map[string]struct {
		steps string
		want  []string // resources that the file imports
	}{
		"all is there":            {stack + "," + outer + "," + there + "," + empty, []string{"o", "there", "cpu"}},
		"components alone":        {stack + "," + empty, []string{"cpu"}},
		"components in the state": {stack + "," + component("same", "x:y:Cluster", "cpu"), nil},
		"something is to be made": {stack + "," + outer + "," + there + "," + empty + "," + lacks, []string{"o", "there"}},
		"all is to be made":       {stack + "," + outer + "," + empty + "," + lacks, nil},
		"nothing at all":          {stack, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a, err := w.finder.Adopt(t.Context(), read(t, `{"steps": [`+c.steps+`]}`), adopt.State{}, []byte(`{"resources": [
				{"type": "x:y:Outer", "name": "o", "component": true},
				{"type": "`+assignmentType+`", "name": "there", "parent": "o"},
				{"type": "x:y:Cluster", "name": "cpu", "component": true},
				{"type": "`+assignmentType+`", "name": "lacks", "parent": "o"}]}`), "")
			require.NoError(t, err)
			if c.want == nil {
				assert.Nil(t, a.File)
				return
			}
			var file struct{ Resources []struct{ Name, ID string } }
			require.NoError(t, json.Unmarshal(a.File, &file))
			var names []string
			for _, r := range file.Resources {
				names = append(names, r.Name)
				assert.Equal(t, r.Name == "there", r.ID == id, r.Name)
			}
			assert.Equal(t, c.want, names)
		})
	}
	_, err := w.finder.Adopt(t.Context(), read(t, `{"steps": [`+empty+`]}`), adopt.State{}, []byte(`{"resources": []}`),
		"")
	require.ErrorContains(t, err, "of 1 resources, the one that `pulumi preview --import-file` wrote has 0")
}

func TestWhatTheStateHasUnderAnotherNameIsNotAdopted(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ours := w.assign(assignment, scope, contributor)
	inputs := map[string]any{"roleAssignmentName": assignment, "scope": scope, "principalId": w.azure.Deployer().ObjectID,
		"roleDefinitionId": "/providers/Microsoft.Authorization/roleDefinitions/" + contributor}
	for name, c := range map[string]struct {
		owned   string
		outcome adopt.Outcome
	}{
		"under another name": {
			`"urn": "` + urnOf + assignmentType + `::old", "type": "` + assignmentType + `", "id": "` + strings.ToUpper(ours) +
				`"`, adopt.Taken},
		"without a slash": {
			`"urn": "` + urnOf + assignmentType + `::old", "type": "` + assignmentType + `", "id": "` + ours[1:] +
				`"`, adopt.Taken},
		"to be deleted": {
			`"urn": "` + urnOf + assignmentType + `::old", "type": "` + assignmentType + `", "id": "` + ours +
				`", "delete": true`, adopt.Taken},
		"to be deleted, of the same name": {
			`"urn": "` + urnOf + assignmentType + `::new", "type": "` + assignmentType + `", "id": "` + ours +
				`", "delete": true`, adopt.Taken},
		"read and not made": {
			`"urn": "` + urnOf + assignmentType + `::old", "type": "` + assignmentType + `", "id": "` + ours +
				`", "external": true`, adopt.Exists},
		"deleted, to be replaced": {
			`"urn": "` + urnOf + assignmentType + `::old", "type": "` + assignmentType + `", "id": "` + ours +
				`", "pendingReplacement": true`, adopt.Exists},
		"as another version of the type": {
			`"urn": "` + urnOf + `azure-native:authorization/v20220401:RoleAssignment::old", "type": "` +
				`azure-native:authorization/v20220401:RoleAssignment", "id": "` + ours + `"`, adopt.Taken},
		"as the classic provider has it": {
			`"urn": "` + urnOf + `azure:authorization/assignment:Assignment::old", "type": "` +
				`azure:authorization/assignment:Assignment", "id": "` + ours + `|` + scope + `"`, adopt.Taken},
		"something of that type": {
			`"urn": "` + urnOf + assignmentType + `::old", "type": "` + assignmentType + `", "id": "` + ours +
				`x"`, adopt.Exists},
		"something of that ID": {
			`"urn": "` + urnOf + `x:y:Z::old", "type": "x:y:Z", "id": "` + ours + `"`, adopt.Taken},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, err := adopt.ReadState([]byte(`{"version": 4, "deployment": {"resources": [{"custom": true, ` + c.owned + `}]}}`))
			require.NoError(t, err)
			p, file := previewOf(t, assignmentType, map[string]map[string]any{"new": inputs})
			a, err := w.finder.Adopt(t.Context(), p, s, file, "")
			require.NoError(t, err)
			require.Len(t, a.Resources, 1)
			assert.Equal(t, c.outcome, a.Resources[0].Outcome)
			if c.outcome == adopt.Taken {
				assert.Regexp(t, "^the state has it as (old|new) already", a.Resources[0].Why)
				assert.Regexp(t, "^this stack, as (old|new)$", a.Resources[0].Owner)
				assert.Nil(t, a.File)
			}
		})
	}
}
