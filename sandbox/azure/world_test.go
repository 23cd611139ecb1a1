package azure_test

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/batchaccess/batchaccess/sandbox/azure"
	"github.com/batchaccess/batchaccess/sandbox/azure/internal/ca"
	"github.com/batchaccess/batchaccess/sandbox/azure/internal/role"
	"github.com/batchaccess/batchaccess/sandbox/azure/internal/state"
)

const (
	subscription = "/subscriptions/11111111-1111-1111-1111-111111111111"
	group        = subscription + "/resourceGroups/rg-ml"
	workspace    = group + "/providers/Microsoft.MachineLearningServices/workspaces/ws"
	account      = group + "/providers/Microsoft.Storage/storageAccounts/mydata"
	container    = account + "/blobServices/default/containers/raw"
	cluster      = workspace + "/computes/cpu"
	endpoint     = workspace + "/batchEndpoints/heart"

	tenantID   = "22222222-2222-2222-2222-222222222222"
	alice      = "33333333-3333-3333-3333-333333333333"
	bob        = "44444444-4444-4444-4444-444444444444"
	scientists = "55555555-5555-5555-5555-555555555555"
	everyone   = "66666666-6666-6666-6666-666666666666"
	machine    = "77777777-7777-7777-7777-777777777777"

	invokerRole = "88888888-8888-8888-8888-888888888888"
	readerRole  = "2a2b9908-6ea1-4ae2-8e65-a410df84e7d1" // Storage Blob Data Reader
	writerRole  = "ba92f5b4-2d11-453d-a403-e96b0029c9fe" // Storage Blob Data Contributor

	controlReader = "acdd72a7-3385-48ef-bd42-f606fba81ae7" // Reader, which reads no data
	ownerRole     = "8e3af657-a8ff-443c-a75c-2fe8c4bcb635"

	management = "https://management.azure.com"
	ml         = "https://ml.azure.com"
)

func seed() azure.Seed {
	return azure.Seed{
		TenantID:        tenantID,
		SubscriptionIDs: []string{"11111111-1111-1111-1111-111111111111"},
		Workspaces:      []azure.Workspace{{ID: workspace, Location: "westeurope"}},
		StorageAccounts: []azure.StorageAccount{{ID: account, Containers: []string{"raw", "out"}}},
		Datastores: []azure.Datastore{
			{WorkspaceID: workspace, Name: "keyed", AccountID: account, Container: "raw", HasCredentials: true},
			{WorkspaceID: workspace, Name: "keyless", AccountID: account, Container: "raw"},
			{WorkspaceID: workspace, Name: "lake", Type: "AzureDataLakeGen2", AccountID: account, Container: "raw"},
			{WorkspaceID: workspace, Name: "results", AccountID: account, Container: "out"},
		},
		DataAssets: []azure.DataAsset{
			{WorkspaceID: workspace, Name: "heart", Version: "1", Datastore: "keyless", Path: "heart/2024"},
			{WorkspaceID: workspace, Name: "keyed", Version: "1", Datastore: "keyed", Path: "heart/2024"},
		},
		Users: []azure.User{{ObjectID: alice, UserPrincipalName: "alice@example.com"},
			{ObjectID: bob, UserPrincipalName: "bob@example.com"}},
		Groups: []azure.Group{{ObjectID: scientists, DisplayName: "scientists", MemberIDs: []string{bob}},
			{ObjectID: everyone, DisplayName: "everyone", MemberIDs: []string{scientists}}},
		Computes: []azure.Compute{{WorkspaceID: workspace, Name: "cpu", Location: "westeurope",
			SystemAssignedPrincipalID: machine}},
		Endpoints: []azure.Endpoint{{WorkspaceID: workspace, Name: "heart", DefaultDeployment: "blue",
			Deployments: []azure.Deployment{{Name: "blue", ComputeName: "cpu"}, {Name: "green", ComputeName: "nowhere"}}}},
	}
}

// world is a sandbox with a client of it.
type world struct {
	*azure.Azure
	t      testing.TB
	client *http.Client
	ahead  time.Duration // from the machine's clock
}

func start(t *testing.T, o azure.Options) *world {
	t.Helper()
	a, err := azure.Start(t.Context(), o)
	require.NoError(t, err)
	client := a.Client()
	t.Cleanup(func() { client.CloseIdleConnections(); _ = a.Close() })
	require.NoError(t, a.Seed(seed()))
	return &world{Azure: a, t: t, client: client}
}

// issuersKey is in the folder of each new world: to make one takes more CPU than most of the tests.
var issuersKey = sync.OnceValues(func() ([]byte, error) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return nil, err
	}
	return ca.EncodeKey(key)
})

func newWorld(t *testing.T) *world {
	t.Helper()
	dir := t.TempDir()
	key, err := issuersKey()
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "token-key.pem"), key, 0o600))
	file := filepath.Join(dir, "state.json")
	w := start(t, azure.Options{StateFile: file})
	t.Cleanup(func() {
		lost, err := w.Lost(file, t.TempDir())
		assert.NoError(t, err)
		assert.Empty(t, lost, "of what was answered, the file lacks this: who changes an entry calls Touch")
	})
	return w
}

// pass moves the sandbox's clock forward once; it runs on from there.
func (w *world) pass(d time.Duration) {
	w.ahead += d
	ahead := w.ahead
	w.SetClock(func() time.Time { return time.Now().Add(ahead) })
}

// wait lets the running operations end.
func (w *world) wait() { w.pass(time.Second) }

// answer is the response to a request.
type answer struct {
	status int
	header http.Header
	body   map[string]any
}

// at follows keys into the body.
func (a answer) at(keys ...string) any {
	var value any = a.body
	for _, key := range keys {
		object, _ := value.(map[string]any)
		value = object[key]
	}
	return value
}

func (a answer) code() string { code, _ := a.at("error", "code").(string); return code }

func (a answer) message() string { message, _ := a.at("error", "message").(string); return message }

// detail is a fact of a failure or refusal, by its code.
func detail(list any, code string) string {
	items, _ := list.([]any)
	for _, item := range items {
		if object, _ := item.(map[string]any); object["code"] == code {
			return object["message"].(string)
		}
	}
	return ""
}

func (w *world) send(method, target, token string, body any, header ...string) answer {
	w.t.Helper()
	var reader io.Reader
	switch body := body.(type) {
	case nil:
	case string:
		reader = strings.NewReader(body)
	default:
		text, err := json.Marshal(body)
		require.NoError(w.t, err)
		reader = bytes.NewReader(text)
	}
	if !strings.HasPrefix(target, "https://") {
		target = w.URL() + target
	}
	req, err := http.NewRequestWithContext(w.t.Context(), method, target, reader)
	require.NoError(w.t, err)
	req.Header.Set("Content-Type", "application/json")
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	res, err := w.client.Do(req)
	require.NoError(w.t, err)
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	require.NoError(w.t, err)
	a := answer{status: res.StatusCode, header: res.Header}
	if len(text) > 0 {
		require.NoError(w.t, json.Unmarshal(text, &a.body), "%s %s: %s", method, target, text)
	}
	return a
}

func (w *world) token(objectID, resource string) string {
	w.t.Helper()
	token, err := w.SignIn(w.t.Context(), objectID, resource)
	require.NoError(w.t, err)
	return token
}

// arm calls Resource Manager as the deployer.
func (w *world) arm(method, id string, body any) answer {
	w.t.Helper()
	separator := "?"
	if strings.Contains(id, "?") {
		separator = "&"
	}
	return w.send(method, id+separator+"api-version="+versionOf(id), w.token(w.Deployer().ObjectID, management), body)
}

// versionOf is an api-version of the resource provider that an ID belongs to.
func versionOf(id string) string {
	versions := map[string]string{
		"microsoft.authorization": "2022-04-01", "microsoft.machinelearningservices": "2024-04-01",
		"microsoft.managedidentity": "2023-01-31",
		"microsoft.storage":         "2023-05-01", "microsoft.compute": "2024-03-01", "microsoft.management": "2021-04-01",
		"microsoft.containerregistry": "2023-07-01",
		"microsoft.datafactory":       "2018-06-01", "microsoft.web": "2024-04-01",
		"microsoft.keyvault": "2023-07-01",
	}
	if strings.Contains(id, "/roleEligibilityScheduleInstances") {
		return "2020-10-01"
	}
	segments := strings.Split(strings.ToLower(id), "/")
	for i := len(segments) - 2; i >= 0; i-- {
		if segments[i] == "providers" {
			return versions[segments[i+1]]
		}
	}
	return "2021-04-01" // resource groups, subscriptions
}

// graph calls Microsoft Graph as the deployer.
func (w *world) graph(method, path string, body any) answer {
	w.t.Helper()
	return w.send(method, "/graph"+path, w.token(w.Deployer().ObjectID, "https://graph.microsoft.com"), body)
}

// signIn posts a form to the v2 token endpoint.
func (w *world) signIn(form map[string]string) answer {
	w.t.Helper()
	values := url.Values{"grant_type": {"client_credentials"}, "scope": {ml + "/.default"}}
	for key, value := range form {
		values.Set(key, value)
	}
	return w.send(http.MethodPost, "/"+tenantID+"/oauth2/v2.0/token", "", values.Encode(), "Content-Type",
		"application/x-www-form-urlencoded")
}

func object(pairs ...any) map[string]any {
	m := map[string]any{}
	for i := 0; i < len(pairs); i += 2 {
		m[pairs[i].(string)] = pairs[i+1]
	}
	return m
}

// assign gives a principal a role and returns the assignment's ID.
func (w *world) assign(principal, role, scope string) string {
	w.t.Helper()
	id := scope + "/providers/Microsoft.Authorization/roleAssignments/" + uuid.NewString()
	got := w.arm(http.MethodPut, id, assignment(principal, role))
	require.Equal(w.t, http.StatusCreated, got.status, got.body)
	return id
}

func assignment(principal, role string) any {
	return object("properties", object("principalId", principal, "roleDefinitionId",
		"/providers/Microsoft.Authorization/roleDefinitions/"+role))
}

func definitionPath(guid string) string {
	return group + "/providers/Microsoft.Authorization/roleDefinitions/" + guid
}

func definition(name string, actions []string) any {
	return object("properties", object("roleName", name, "type", "CustomRole", "assignableScopes", []string{group},
		"permissions", []any{object("actions", actions)}))
}

// invokers makes the article's role and gives it to a principal at the workspace.
func (w *world) invoker(principal string, additions ...string) {
	w.t.Helper()
	got := w.arm(http.MethodPut, definitionPath(invokerRole),
		definition("Invoker", append(role.SeedActions(), additions...)))
	require.Equal(w.t, http.StatusCreated, got.status, got.body)
	w.assign(principal, invokerRole, workspace)
}

// invoke starts a job with one input.
func (w *world) invoke(principal, uri string, header ...string) answer {
	w.t.Helper()
	return w.post(principal, object("properties", object("InputData",
		object("in", object("JobInputType", "UriFolder", "Uri", uri)))), header...)
}

func (w *world) post(principal string, body any, header ...string) answer {
	w.t.Helper()
	return w.send(http.MethodPost, "/inference/westeurope/heart/jobs", w.token(principal, ml), body, header...)
}

// outcome starts a job and returns how it ended.
func (w *world) outcome(started answer) answer {
	w.t.Helper()
	require.Equal(w.t, http.StatusCreated, started.status, started.body)
	require.Equal(w.t, "Preparing", started.at("properties", "status"))
	owner := w.token(w.Deployer().ObjectID, ml) // Owner may poll
	got := w.send(http.MethodGet, "/inference/westeurope/heart/jobs/"+started.body["name"].(string), owner, nil)
	require.Equal(w.t, http.StatusOK, got.status, got.body)
	w.withDetails(got)
	return got
}

// withDetails adds to a failed job's error what only the sandbox knows about it, from its state.
func (w *world) withDetails(job answer) {
	w.t.Helper()
	failed, is := job.at("properties", "error").(map[string]any)
	if !is {
		return
	}
	require.Len(w.t, failed, 2, "Azure's error has a code and a message")
	require.NoError(w.t, w.Change(func(st *state.State) {
		details := []any{}
		for _, d := range st.Jobs[job.body["name"].(string)].Failure.Details {
			details = append(details, map[string]any{"code": d.Code, "message": d.Message})
		}
		failed["details"] = details
	}))
}
