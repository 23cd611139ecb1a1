package python_test

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

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
	cluster  = "55555555-5555-5555-5555-555555555555"
	robot    = "99999999-9999-9999-9999-999999999999"
	robotApp = "99999999-0000-9999-9999-999999999999"

	readerRole = "2a2b9908-6ea1-4ae2-8e65-a410df84e7d1" // Storage Blob Data Reader
	owner      = "8e3af657-a8ff-443c-a75c-2fe8c4bcb635"

	ml       = "https://ml.azure.com"
	github   = "https://token.actions.githubusercontent.com"
	branch   = "repo:acme/scores:ref:refs/heads/main"
	exchange = "api://AzureADTokenExchange"
)

func seed() azure.Seed {
	return azure.Seed{
		TenantID:        tenantID,
		SubscriptionIDs: []string{subscriptionID},
		Workspaces:      []azure.Workspace{{ID: workspace, Location: "westeurope"}},
		StorageAccounts: []azure.StorageAccount{{ID: account, Containers: []string{"raw", "out"}}},
		Datastores: []azure.Datastore{
			{WorkspaceID: workspace, Name: "keyed", AccountID: account, Container: "raw", HasCredentials: true},
			{WorkspaceID: workspace, Name: "keyless", AccountID: account, Container: "raw"},
		},
		DataAssets: []azure.DataAsset{{WorkspaceID: workspace, Name: "heart", Version: "1", Datastore: "keyless",
			Path: "heart/2024"}},
		Users: []azure.User{{ObjectID: alice, UserPrincipalName: "alice@example.com", DisplayName: "Alice"}},
		UserAssignedIdentities: []azure.UserAssignedIdentity{
			{ID: identity, PrincipalID: robot, ClientID: robotApp, Location: "westeurope"},
		},
		Computes: []azure.Compute{{WorkspaceID: workspace, Name: "cpu", SystemAssignedPrincipalID: cluster}},
		Endpoints: []azure.Endpoint{{
			WorkspaceID: workspace, Name: "heart", DefaultDeployment: "blue",
			Deployments: []azure.Deployment{{Name: "blue", ComputeName: "cpu"}},
		}},
		// The cluster can mount; each test chooses who invokes.
		RoleAssignments: []azure.RoleAssignment{{
			ID: "66666666-6666-6666-6666-666666666666", Scope: account, RoleID: readerRole, PrincipalID: cluster,
			PrincipalType: "ServicePrincipal",
		}},
	}
}

// world is a sandbox, and a Python with the clients.
type world struct {
	*azure.Azure
	t       *testing.T
	python  string
	bundle  string // file with the sandbox's certificate authority
	outside string // address of a proxy for all requests to other machines
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, python: interpreter(t), bundle: filepath.Join(t.TempDir(), "ca.pem")}
	var err error
	w.Azure, err = azure.Start(t.Context(), azure.Options{})
	require.NoError(t, err)
	t.Cleanup(func() { _ = w.Close() })
	require.NoError(t, w.Seed(seed()))
	require.NoError(t, os.WriteFile(w.bundle, w.CAPEM(), 0o600))
	w.outside = nothingLeaves(t)
	return w
}

// newestCLI is the Azure CLI's request for its newest version, which it sends once for each folder of settings,
// whatever they say. It continues without an answer.
const newestCLI = "CONNECT azcliprod.blob.core.windows.net:443 "

// nothingLeaves is the address of a proxy that refuses all requests, and fails the test if there is one.
func nothingLeaves(t *testing.T) string {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	came := make(chan string, 100)
	go func() {
		defer close(came)
		for {
			connection, err := listener.Accept()
			if err != nil {
				return
			}
			line, _ := bufio.NewReader(connection).ReadString('\n') // such as CONNECT management.azure.com:443 HTTP/1.1
			came <- line
			_ = connection.Close()
		}
	}()
	t.Cleanup(func() {
		_ = listener.Close()
		for line := range came {
			if !strings.HasPrefix(line, newestCLI) {
				assert.Fail(t, "a call would have left this machine", line)
			}
		}
	})
	return "http://" + listener.Addr().String()
}

// env is the whole environment of a client: only its own settings, and no variable of whoever runs the tests.
func (w *world) env(home string, more ...string) []string {
	return append([]string{
		"PATH=" + filepath.Dir(w.python) + string(os.PathListSeparator) + os.Getenv("PATH"), "HOME=" + home, "LANG=C.UTF-8",
		"AZURE_CONFIG_DIR=" + filepath.Join(home, "azure"), "AZURE_CORE_COLLECT_TELEMETRY=false",
		// Entra's list of its own hosts lacks the sandbox: Azure's clients have this setting for such clouds.
		"AZURE_CORE_INSTANCE_DISCOVERY=false",
		"SSL_CERT_FILE=" + w.bundle, "REQUESTS_CA_BUNDLE=" + w.bundle,
		"HTTPS_PROXY=" + w.outside, "HTTP_PROXY=" + w.outside, "NO_PROXY=127.0.0.1,localhost",
	}, more...)
}

// metadata is the setting from which both clients read the addresses of a cloud's services. The Azure CLI needs the
// list that this version of the document is.
func (w *world) metadata() string {
	return "ARM_CLOUD_METADATA_URL=" + w.URL() + "/metadata/endpoints?api-version=2019-05-01"
}

// at follows keys and indexes into an answer; nil if there is nothing.
func at(value any, path ...any) any {
	for _, step := range path {
		switch step := step.(type) {
		case string:
			object, _ := value.(map[string]any)
			value = object[step]
		case int:
			list, _ := value.([]any)
			if step >= len(list) {
				return nil
			}
			value = list[step]
		}
	}
	return value
}

// each is one property of every item of a list, sorted.
func each(t *testing.T, value any, key string) (all []string) {
	t.Helper()
	list, ok := value.([]any)
	require.True(t, ok, "%v is no list", value)
	for _, item := range list {
		all = append(all, fmt.Sprint(at(item, key)))
	}
	slices.Sort(all)
	return all
}
