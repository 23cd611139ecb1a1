package azure_test

import (
	"bytes"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
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
)

func TestNothingThatWasAnsweredIsLost(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "new")
	file := filepath.Join(dir, "state.json")
	first := start(t, azure.Options{StateFile: file})
	first.invoker(alice)
	app, client, _ := first.application("nightly")
	secret := first.graph(http.MethodPost, "/v1.0/applications/"+app+"/addPassword",
		object("passwordCredential", object())).body["secretText"].(string)
	require.Equal(t, http.StatusCreated, first.arm(http.MethodPut, workspace+"/computes/gpu",
		clusterBody(object("type", "SystemAssigned"))).status)
	first.wait()
	token, inventory, port, ca := first.token(alice, ml), first.Inventory(), first.Host(), first.CAPEM()
	cluster := first.arm(http.MethodGet, workspace+"/computes/gpu", nil)

	// Like a kill: the files are as they are now, with nothing closed or flushed.
	copied := filepath.Join(t.TempDir(), "copy")
	require.NoError(t, os.CopyFS(copied, os.DirFS(dir)))
	require.NoError(t, first.Close())

	second := start(t, azure.Options{StateFile: filepath.Join(copied, "state.json")})
	second.pass(first.ahead) // the tokens are of this time: at an earlier time they are not valid yet
	assert.Equal(t, inventory, second.Inventory())
	assert.Equal(t, port, second.Host(), "URLs that a stack has stored stay true")
	assert.Equal(t, ca, second.CAPEM())
	assert.Equal(t, first.Deployer().ObjectID, second.Deployer().ObjectID)
	assert.Equal(t, cluster.body, second.arm(http.MethodGet, workspace+"/computes/gpu", nil).body)
	assert.Equal(t, http.StatusOK, second.signIn(map[string]string{"client_id": client, "client_secret": secret}).status)
	assert.Equal(t, http.StatusCreated, second.send(http.MethodPost, "/inference/westeurope/heart/jobs", token,
		object("properties", object())).status, "tokens outlive the run")

	text, err := os.ReadFile(file)
	require.NoError(t, err)
	assert.NotContains(t, string(text), secret)
	assert.NotContains(t, string(text), first.Deployer().ClientSecret)
	require.NoError(t, filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		require.NoError(t, err)
		info, err := d.Info()
		require.NoError(t, err)
		want := fs.FileMode(0o600)
		if d.IsDir() {
			want = 0o700
		}
		assert.Equal(t, want, info.Mode().Perm(), path)
		return nil
	}))
}

func TestAnAnswerThatIsUnderWayIsGivenBeforeTheSandboxCloses(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "state.json")
	w := start(t, azure.Options{StateFile: file})
	token := w.token(w.Deployer().ObjectID, management)
	asked, closing := make(chan struct{}), make(chan struct{})
	var once sync.Once
	w.SetClock(func() time.Time {
		once.Do(func() { close(asked); <-closing })
		return time.Now()
	})
	made := make(chan int)
	go func() {
		path := identityPath() + "?api-version=2023-01-31"
		made <- w.send(http.MethodPut, path, token, object("location", "x")).status
	}()
	<-asked
	closed := make(chan error)
	go func() { closed <- w.Close() }()
	for refused := false; !refused; { // it is closing when nobody can connect
		conn, err := net.Dial("tcp", w.Host())
		if refused = err != nil; !refused {
			require.NoError(t, conn.Close())
		}
	}
	close(closing)
	assert.Equal(t, http.StatusCreated, <-made)
	require.NoError(t, <-closed)
	again := start(t, azure.Options{StateFile: file})
	assert.Len(t, again.Inventory(), 2, "the identity and its service principal are kept")
}

func BenchmarkStartAndClose(b *testing.B) {
	for b.Loop() {
		a, err := azure.Start(b.Context(), azure.Options{})
		require.NoError(b, err)
		resp, err := a.Client().Get(a.URL() + "/metadata/endpoints?api-version=2022-09-01")
		require.NoError(b, err)
		require.NoError(b, resp.Body.Close())
		require.NoError(b, a.Close())
	}
}

func TestATakenPortIsLeftAlone(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "state.json")
	first := start(t, azure.Options{StateFile: file})
	host := first.Host()
	require.NoError(t, first.Close())
	taken, err := net.Listen("tcp", host)
	require.NoError(t, err)
	defer taken.Close()
	assert.NotEqual(t, host, start(t, azure.Options{StateFile: file}).Host())
	_, err = azure.Start(t.Context(), azure.Options{Listen: "0.0.0.0:0"})
	require.ErrorContains(t, err, "loopback")
}

func TestInventoryIsWhatAStackMade(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	assert.Empty(t, w.Inventory(), "what was seeded is not a stack's")
	w.invoker(alice)
	app, _, principal := w.application("nightly")
	added := w.graph(http.MethodPost, "/v1.0/applications/"+app+"/addPassword", object("passwordCredential", object()))
	key := added.body["keyId"].(string)
	require.Equal(t, http.StatusNoContent, w.graph(http.MethodPost, "/v1.0/groups/"+scientists+"/members/$ref",
		object("@odata.id", "x/"+principal)).status)
	identity := group + "/providers/Microsoft.ManagedIdentity/userAssignedIdentities/one"
	require.Equal(t, http.StatusCreated, w.arm(http.MethodPut, identity, object("location", "x")).status)
	got := w.Inventory()
	for _, id := range []string{
		identity, "/applications/" + app, "/applications/" + app + "/passwords/" + key, "/servicePrincipals/" + principal,
		"/groups/" + scientists + "/members/" + principal, "/providers/Microsoft.Authorization/roleDefinitions/" +
			invokerRole,
	} {
		assert.Contains(t, got, id)
	}
	assert.IsIncreasing(t, got)

	for _, a := range w.arm(http.MethodGet,
		workspace+"/providers/Microsoft.Authorization/roleAssignments?$filter=principalId%20eq%20'"+alice+"'",
		nil).body["value"].([]any) {
		require.Equal(t, http.StatusOK, w.arm(http.MethodDelete, a.(map[string]any)["id"].(string), nil).status)
	}
	require.Equal(t, http.StatusOK, w.arm(http.MethodDelete, definitionPath(invokerRole), nil).status)
	require.Equal(t, http.StatusOK, w.arm(http.MethodDelete, identity, nil).status)
	require.Equal(t, http.StatusNoContent, w.graph(http.MethodDelete, "/v1.0/applications/"+app, nil).status)
	assert.Empty(t, w.Inventory())
}

func TestSeedingAgainAddsAndChangesButKeepsIdentities(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.invoker(alice)
	inventory := w.Inventory()
	deployer := w.Deployer()
	require.NoError(t, w.Seed(seed()))
	assert.Equal(t, inventory, w.Inventory())
	assert.Equal(t, deployer, w.Deployer())
	assert.Equal(t, "11111111-1111-1111-1111-111111111111", deployer.SubscriptionID)

	keyed := workspace + "/datastores/keyed/paths/x"
	require.Equal(t, "Completed", w.outcome(w.invoke(alice, keyed)).at("properties", "status"))
	changed := seed()
	changed.Datastores[0].HasCredentials = false
	require.NoError(t, w.Seed(changed))
	assert.Equal(t, "Failed", w.outcome(w.invoke(alice, keyed)).at("properties", "status"))

	err := w.Seed(azure.Seed{Users: []azure.User{{ObjectID: "alice"}}, Workspaces: []azure.Workspace{{ID: account}}})
	require.ErrorContains(t, err, "alice")
	require.ErrorContains(t, err, account)
}

func TestRequestsAtTheSameTime(t *testing.T) {
	t.Parallel()
	w := start(t, azure.Options{StateFile: filepath.Join(t.TempDir(), "state.json")})
	w.invoker(alice)
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			for range 5 {
				id := workspace + "/providers/Microsoft.Authorization/roleAssignments/" + uuid.NewString()
				body := object("properties", object("principalId", uuid.NewString(), "principalType",
					"ServicePrincipal", "roleDefinitionId", "/providers/Microsoft.Authorization/roleDefinitions/"+controlReader))
				assert.Equal(t, http.StatusCreated, w.arm(http.MethodPut, id, body).status)
				assert.Equal(t, http.StatusOK, w.arm(http.MethodGet, id, nil).status)
				assert.Equal(t, http.StatusCreated, w.invoke(alice, blob).status)
			}
		})
	}
	group.Wait()
	assert.Len(t, w.Inventory(), 8*5+2)
}

func TestLogsHoldNoSecrets(t *testing.T) {
	t.Parallel()
	var log lockedBuffer
	w := start(t, azure.Options{Logger: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))})
	deployer := w.Deployer()
	got := w.signIn(map[string]string{"client_id": deployer.ClientID, "client_secret": deployer.ClientSecret,
		"scope": management + "/.default"})
	require.Equal(t, http.StatusOK, got.status, got.body)
	assert.Equal(t, http.StatusOK, w.send(http.MethodGet, workspace+"?api-version=2024-04-01",
		got.body["access_token"].(string), nil).status)
	for _, id := range []string{"0b4f1c1e-7f4e-4a51-9f0e-5d3c6b0f7a11", "hunter2"} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, w.URL()+workspace, nil)
		require.NoError(t, err)
		req.Header.Set("x-ms-client-request-id", id)
		resp, err := w.Client().Do(req)
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
	}
	text := log.String()
	assert.Contains(t, text, "client=0b4f1c1e-7f4e-4a51-9f0e-5d3c6b0f7a11")
	assert.NotContains(t, text, "hunter2", "what is no GUID may be anything")
	assert.Contains(t, text, workspace)
	assert.Contains(t, text, "status=200")
	assert.NotContains(t, text, deployer.ClientSecret)
	assert.NotContains(t, text, got.body["access_token"])
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

var _ io.Writer = (*lockedBuffer)(nil)

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}
func (l *lockedBuffer) String() string { l.mu.Lock(); defer l.mu.Unlock(); return l.b.String() }

func TestAStateOfAnEarlierSandboxIsNotTakenOverSilently(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "state.json")
	require.NoError(t, start(t, azure.Options{StateFile: file}).Close())
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	earlier := bytes.Replace(text, []byte(`"version":2,`), nil, 1)
	require.NotEqual(t, text, earlier)
	require.NoError(t, os.WriteFile(file, earlier, 0o600))
	for _, want := range []bool{true, false} {
		var log bytes.Buffer
		a := start(t, azure.Options{StateFile: file, Logger: slog.New(slog.NewTextHandler(&log,
			&slog.HandlerOptions{Level: slog.LevelWarn}))})
		require.NoError(t, a.Close())
		assert.Equal(t, want, strings.Contains(log.String(), "the state file is of an earlier sandbox"), log.String())
	}
}
