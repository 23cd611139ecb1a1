package invoke_test

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/batchaccess/batchaccess/access"
	azureclient "github.com/batchaccess/batchaccess/internal/azure"
	"github.com/batchaccess/batchaccess/internal/invoke"
	"github.com/batchaccess/batchaccess/internal/jobrequest"
	"github.com/batchaccess/batchaccess/roles"
	"github.com/batchaccess/batchaccess/sandbox/azure"
)

const (
	group     = "/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/rg-ml"
	workspace = group + "/providers/Microsoft.MachineLearningServices/workspaces/ws"
	account   = group + "/providers/Microsoft.Storage/storageAccounts/mydata"
	endpoint  = workspace + "/batchEndpoints/heart"
	folder    = "https://mydata.blob.core.windows.net/raw/heart"

	tenant  = "22222222-2222-2222-2222-222222222222"
	alice   = "33333333-3333-3333-3333-333333333333"
	cluster = "77777777-7777-7777-7777-777777777777"

	machineID     = "99999999-9999-4999-8999-999999999999" // object ID of a user-assigned identity
	machineClient = "99999999-9999-4999-8999-999999999990"

	invokerRole = "88888888-8888-8888-8888-888888888888"
)

// world is a sandbox with an endpoint, one cluster, one storage account and a user without any role.
type world struct {
	*azure.Azure
	t *testing.T
}

func newWorld(t *testing.T) *world {
	t.Helper()
	a, err := azure.Start(t.Context(), azure.Options{})
	require.NoError(t, err)
	t.Cleanup(func() { _ = a.Close() })
	require.NoError(t, a.Seed(azure.Seed{
		TenantID:        tenant,
		SubscriptionIDs: []string{"11111111-1111-1111-1111-111111111111"},
		Workspaces:      []azure.Workspace{{ID: workspace, Location: "westeurope"}},
		StorageAccounts: []azure.StorageAccount{{ID: account, Containers: []string{"raw", "out"}}},
		Datastores: []azure.Datastore{
			{WorkspaceID: workspace, Name: "keyed", AccountID: account, Container: "raw", HasCredentials: true},
			{WorkspaceID: workspace, Name: "results", AccountID: account, Container: "out"},
		},
		DataAssets: []azure.DataAsset{{WorkspaceID: workspace, Name: "heart", Version: "1", Datastore: "keyed",
			Path: "heart"}},
		Users: []azure.User{{ObjectID: alice, UserPrincipalName: "alice@example.com"}},
		UserAssignedIdentities: []azure.UserAssignedIdentity{
			{ID: group + "/providers/Microsoft.ManagedIdentity/userAssignedIdentities/machine", PrincipalID: machineID,
				ClientID: machineClient},
			{ID: group + "/providers/Microsoft.ManagedIdentity/userAssignedIdentities/other"}, // the request names one
		},
		Hosts: []azure.Host{{
			ID:                      group + "/providers/Microsoft.Compute/virtualMachines/box",
			UserAssignedIdentityIDs: []string{group + "/providers/Microsoft.ManagedIdentity/userAssignedIdentities/machine"},
		}},
		Computes: []azure.Compute{{WorkspaceID: workspace, Name: "cpu", SystemAssignedPrincipalID: cluster},
			{WorkspaceID: workspace, Name: "bare"}},
		Endpoints: []azure.Endpoint{{WorkspaceID: workspace, Name: "heart", DefaultDeployment: "blue",
			Deployments: []azure.Deployment{
				{Name: "blue", ComputeName: "cpu"}, {Name: "green", ComputeName: "bare"},
			}}},
	}))
	return &world{a, t}
}

func (w *world) token(objectID, resource string) string {
	w.t.Helper()
	token, err := w.SignIn(w.t.Context(), objectID, resource)
	require.NoError(w.t, err)
	return token
}

// call sends JSON as the deployer and decodes the answer.
func (w *world) call(method, path, resource string, body any) map[string]any {
	w.t.Helper()
	text, err := json.Marshal(body)
	require.NoError(w.t, err)
	if body == nil {
		text = nil
	}
	req, err := http.NewRequestWithContext(w.t.Context(), method, w.URL()+path, bytes.NewReader(text))
	require.NoError(w.t, err)
	req.Header.Set("Authorization", "Bearer "+w.token(w.Deployer().ObjectID, resource))
	req.Header.Set("Content-Type", "application/json")
	resp, err := w.Client().Do(req)
	require.NoError(w.t, err)
	defer resp.Body.Close()
	var answer map[string]any
	if resp.StatusCode != http.StatusNoContent {
		require.NoError(w.t, json.NewDecoder(resp.Body).Decode(&answer))
	}
	require.Less(w.t, resp.StatusCode, 300, "%s %s: %v", method, path, answer)
	return answer
}

type object = map[string]any

// assign gives a principal a role, by the GUID of its definition.
func (w *world) assign(principal, role, scope string) {
	w.t.Helper()
	w.call(http.MethodPut,
		scope+"/providers/Microsoft.Authorization/roleAssignments/"+uuid.NewString()+"?api-version=2022-04-01", "https:/"+
			"/management.azure.com",
		object{"properties": object{"principalId": principal, "roleDefinitionId": roles.DefinitionID(role)}})
}

// define makes, or changes, the custom role.
func (w *world) define(actions ...string) {
	w.t.Helper()
	w.call(http.MethodPut,
		group+"/providers/Microsoft.Authorization/roleDefinitions/"+invokerRole+"?api-version=2022-04-01", "https://"+
			"management.azure.com",
		object{"properties": object{"roleName": "Invoker", "type": "CustomRole", "assignableScopes": []string{group},
			"permissions": []object{{"actions": actions}}}})
}

// allow lets a principal start jobs, with additions to the 35 actions.
func (w *world) allow(principal string, additions ...string) {
	w.t.Helper()
	d, ps := roles.Invoker().With(additions...)
	require.NoError(w.t, ps.Err())
	w.define(d.Permissions[0].Actions...)
	w.assign(principal, invokerRole, workspace)
}

func (w *world) jobsURI() string { return w.URL() + "/inference/westeurope/heart/jobs" }

func (w *world) cloud() azureclient.Cloud {
	w.t.Helper()
	c, err := azureclient.Discover(w.t.Context(), w.Client(), w.Host())
	require.NoError(w.t, err)
	return c
}

// as is a client that invokes as a user, with a token obtained elsewhere.
func (w *world) as(objectID string) *invoke.Client {
	w.t.Helper()
	return w.with(invoke.Options{Credential: invoke.StaticToken(w.token(objectID, access.Model{}.Audience()))})
}

func (w *world) with(o invoke.Options) *invoke.Client {
	w.t.Helper()
	if o.Transport == nil {
		o.Transport = w.Client()
	}
	if o.Cloud == (azureclient.Cloud{}) {
		o.Cloud = w.cloud()
	}
	o.Poll = time.Millisecond
	c, err := invoke.New(o)
	require.NoError(w.t, err)
	return c
}

// keyed reads data that the data store's own key opens: no identity needs a role for it.
func keyed() jobrequest.Request {
	return jobrequest.Request{Properties: jobrequest.Properties{InputData: map[string]jobrequest.Input{
		"in": {JobInputType: jobrequest.URIFolder, URI: workspace + "/datastores/keyed/paths/heart"},
	}}}
}

// byURL reads Blob storage, and writes to a data store without credentials.
func byURL() jobrequest.Request {
	return jobrequest.Request{Properties: jobrequest.Properties{
		InputData: map[string]jobrequest.Input{"in": {JobInputType: jobrequest.URIFolder, URI: folder}},
		OutputData: map[string]jobrequest.Output{"out": {JobOutputType: jobrequest.URIFile,
			URI: workspace + "/datastores/results/paths/scores.csv"}},
	}}
}

func run(ctx context.Context, c *invoke.Client, uri, deployment string, request jobrequest.Request) (invoke.Job,
	error) {
	job, err := c.Start(ctx, uri, deployment, request)
	if err != nil {
		return job, err
	}
	return c.Follow(ctx, uri, job, nil)
}

// failure asserts that err is a failure of the kind.
func failure(t *testing.T, err error, kind invoke.Kind) *invoke.Failure {
	t.Helper()
	var f *invoke.Failure
	require.ErrorAs(t, err, &f)
	require.Equal(t, kind, f.Kind, "%v", err)
	return f
}
