package clients_test

import (
	"net"
	"net/http"
	"net/url"
	"testing"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/arm"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/cloud"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/batchaccess/batchaccess/sandbox/azure"
)

const (
	subscriptionID = "11111111-1111-1111-1111-111111111111"
	subscription   = "/subscriptions/" + subscriptionID
	group          = subscription + "/resourceGroups/rg-ml"
	workspace      = group + "/providers/Microsoft.MachineLearningServices/workspaces/ws"
	account        = group + "/providers/Microsoft.Storage/storageAccounts/mydata"
	identity       = group + "/providers/Microsoft.ManagedIdentity/userAssignedIdentities/nightly"

	tenantID = "22222222-2222-2222-2222-222222222222"
	alice    = "33333333-3333-3333-3333-333333333333"
	robot    = "99999999-9999-9999-9999-999999999999"

	readerRole = "2a2b9908-6ea1-4ae2-8e65-a410df84e7d1" // Storage Blob Data Reader
	ml         = "https://ml.azure.com/.default"
	management = "https://management.azure.com/.default"
)

func seed() azure.Seed {
	return azure.Seed{
		TenantID:        tenantID,
		SubscriptionIDs: []string{subscriptionID},
		Workspaces: []azure.Workspace{{ID: workspace, Location: "westeurope"},
			{ID: workspace + "2", Location: "westeurope", PrivateLink: true}},
		StorageAccounts: []azure.StorageAccount{{ID: account, Containers: []string{"raw", "out"}}, {ID: account + "2"}},
		Datastores: []azure.Datastore{
			{WorkspaceID: workspace, Name: "keyed", AccountID: account, Container: "raw", HasCredentials: true},
			{WorkspaceID: workspace, Name: "keyless", AccountID: account, Container: "raw"},
			{WorkspaceID: workspace, Name: "lake", Type: "AzureDataLakeGen2", AccountID: account, Container: "raw"},
		},
		DataAssets: []azure.DataAsset{
			{WorkspaceID: workspace, Name: "heart", Version: "1", Datastore: "keyless", Path: "heart/2024"},
			{WorkspaceID: workspace, Name: "heart", Version: "2", Datastore: "keyless", Path: "heart/2025", Type: "uri_file"},
		},
		Users:                  []azure.User{{ObjectID: alice, UserPrincipalName: "alice@example.com", DisplayName: "Alice"}},
		UserAssignedIdentities: []azure.UserAssignedIdentity{{ID: identity, PrincipalID: robot, Location: "westeurope"}},
		Hosts: []azure.Host{{
			ID: group + "/providers/Microsoft.Compute/virtualMachines/box", UserAssignedIdentityIDs: []string{identity},
		}},
		Endpoints: []azure.Endpoint{{
			WorkspaceID: workspace, Name: "heart", DefaultDeployment: "blue",
			Deployments: []azure.Deployment{{Name: "blue", ComputeName: "cpu"}, {Name: "green", ComputeName: "gpu"}},
		}},
	}
}

// world is a sandbox, and the options that point a client at it.
type world struct {
	*azure.Azure
	t      *testing.T
	client *http.Client
}

func newWorld(t *testing.T) *world { t.Helper(); return start(t, azure.Options{}) }

func start(t *testing.T, o azure.Options) *world {
	t.Helper()
	a, err := azure.Start(t.Context(), o)
	require.NoError(t, err)
	client := a.Client()
	t.Cleanup(func() { client.CloseIdleConnections(); _ = a.Close() })
	require.NoError(t, a.Seed(seed()))
	return &world{Azure: a, t: t, client: &http.Client{Transport: loopbackOnly{t, client.Transport}}}
}

// options are those with which a client of the SDK talks to another Azure than the public one.
func (w *world) options() policy.ClientOptions {
	return policy.ClientOptions{
		Transport: w.client,
		Cloud: cloud.Configuration{
			ActiveDirectoryAuthorityHost: w.URL(),
			Services: map[cloud.ServiceName]cloud.ServiceConfiguration{
				cloud.ResourceManager: {Endpoint: w.URL(), Audience: "https://management.azure.com"},
			},
		},
	}
}

func (w *world) armOptions() *arm.ClientOptions {
	return &arm.ClientOptions{ClientOptions: w.options()}
}

// deployer signs in as the service principal that deploys stacks, by its secret.
func (w *world) deployer() azcore.TokenCredential {
	w.t.Helper()
	d := w.Deployer()
	credential, err := azidentity.NewClientSecretCredential(d.TenantID, d.ClientID, d.ClientSecret,
		&azidentity.ClientSecretCredentialOptions{ClientOptions: w.options(), DisableInstanceDiscovery: true})
	require.NoError(w.t, err)
	return credential
}

// loopbackOnly fails the test if a request would leave the machine.
type loopbackOnly struct {
	t    *testing.T
	next http.RoundTripper
}

func (l loopbackOnly) RoundTrip(r *http.Request) (*http.Response, error) {
	if ip := net.ParseIP(r.URL.Hostname()); ip == nil || !ip.IsLoopback() {
		assert.Fail(l.t, "a request leaves this machine", "%s %s", r.Method, r.URL.Host)
		return nil, &net.AddrError{Err: "not on loopback", Addr: r.URL.Host}
	}
	return l.next.RoundTrip(r)
}

// imdsAt sends requests for the instance metadata service to the sandbox, as in a virtual machine of the sandbox.
type imdsAt struct {
	address string
	next    http.RoundTripper
}

func (i imdsAt) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Host == "169.254.169.254" {
		target, err := url.Parse(i.address)
		if err != nil {
			return nil, err
		}
		r = r.Clone(r.Context())
		r.URL.Scheme, r.URL.Host, r.Host = target.Scheme, target.Host, target.Host
	}
	return i.next.RoundTrip(r)
}

func ptr[T any](v T) *T { return &v }
