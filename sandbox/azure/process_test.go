package azure_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/batchaccess/batchaccess/sandbox/azure"
)

// childVariable makes the test binary a sandbox on the state file in its value.
const childVariable = "BATCHACCESS_TEST_SANDBOX"

func TestMain(m *testing.M) {
	if file := os.Getenv(childVariable); file != "" {
		if err := serve(file); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// hello is what a child prints when it serves.
type hello struct{ URL, Token, CA string }

func serve(file string) error {
	ctx, stop := contextOfInput()
	defer stop()
	a, err := azure.Start(ctx, azure.Options{StateFile: file})
	if err != nil {
		return err
	}
	if err := a.Seed(seed()); err != nil {
		return err
	}
	token, err := a.SignIn(ctx, a.Deployer().ObjectID, management)
	if err != nil {
		return err
	}
	if err := json.NewEncoder(os.Stdout).Encode(hello{a.URL(), token, string(a.CAPEM())}); err != nil {
		return err
	}
	<-ctx.Done()
	return a.Close()
}

// child is a sandbox in a process of its own.
type child struct {
	*exec.Cmd
	hello
	client *http.Client
}

// command is a sandbox that ends with its input, and so with this process.
func command(t *testing.T, file string) *exec.Cmd {
	t.Helper()
	c := exec.Command(os.Args[0])
	c.Env = append(os.Environ(), childVariable+"="+file)
	c.Stderr = os.Stderr
	_, err := c.StdinPipe()
	require.NoError(t, err)
	return c
}

func spawn(t *testing.T, file string) *child {
	t.Helper()
	c := &child{Cmd: command(t, file)}
	out, err := c.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, c.Start())
	t.Cleanup(c.kill)
	require.NoError(t, json.NewDecoder(out).Decode(&c.hello))
	pool := x509.NewCertPool()
	require.True(t, pool.AppendCertsFromPEM([]byte(c.CA)))
	c.client = &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool,
		MinVersion: tls.VersionTLS12}}}
	return c
}

// kill is kill -9.
func (c *child) kill() {
	_ = c.Process.Kill()
	_ = c.Wait()
	if c.client != nil {
		c.client.CloseIdleConnections()
	}
}

// send returns 0 if there is no answer.
func (c *child) send(method, path, body string) (int, map[string]any) {
	req, err := http.NewRequest(method, c.URL+path+"?api-version="+versionOf(path), strings.NewReader(body))
	if err != nil {
		return 0, nil
	}
	req.Header.Set("Authorization", "Bearer "+c.Token)
	req.Header.Set("Content-Type", "application/json")
	res, err := c.client.Do(req)
	if err != nil {
		return 0, nil
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	var answer map[string]any
	if err != nil || len(text) > 0 && json.Unmarshal(text, &answer) != nil {
		return 0, nil
	}
	return res.StatusCode, answer
}

func TestNothingAnsweredIsLostWhenTheSandboxIsKilled(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "new", "state.json")
	var mu sync.Mutex
	there, unsure := map[string]bool{}, map[string]bool{} // by path
	const kills = 12
	for range kills {
		c := spawn(t, file)
		var storm sync.WaitGroup
		var answered atomic.Int64
		moment, reached := int64(1+rand.IntN(40)), make(chan struct{}) // answers before the kill
		for range 4 {
			storm.Go(func() {
				for {
					if answered.Add(1) == moment {
						close(reached)
					}
					path := assignmentPath(account)
					body := fmt.Sprintf(`{"properties":{"principalId":%q,"principalType":"ServicePrincipal","roleDefinitionId":"/`+
						`providers/Microsoft.Authorization/roleDefinitions/%s"}}`, uuid.NewString(), readerRole)
					if !note(&mu, c, http.MethodPut, path, body, there, unsure, true) {
						return
					}
					if rand.IntN(3) == 0 && !note(&mu, c, http.MethodDelete, path, "", there, unsure, false) {
						return
					}
				}
			})
		}
		<-reached
		c.kill()
		storm.Wait()
	}
	c := spawn(t, file)
	found := 0
	for path, exists := range there {
		if unsure[path] {
			continue
		}
		status, _ := c.send(http.MethodGet, path, "")
		want := http.StatusNotFound
		if exists {
			want = http.StatusOK
			found++
		}
		assert.Equal(t, want, status, path)
	}
	t.Logf("%d kills, %d changes answered, %d assignments found, %d changes without an answer", kills, len(there), found,
		len(unsure))
	assert.NotZero(t, found)
	left, err := filepath.Glob(file + ".*.tmp")
	require.NoError(t, err)
	assert.Empty(t, left, "unfinished snapshots are cleared away")
}

// note sends a change and records its answer; false if there was none.
func note(mu *sync.Mutex, c *child, method, path, body string, there, unsure map[string]bool, exists bool) bool {
	status, _ := c.send(method, path, body)
	mu.Lock()
	defer mu.Unlock()
	if status != http.StatusCreated && status != http.StatusOK {
		unsure[path] = true
		return false
	}
	there[path] = exists
	return true
}

func TestASandboxThatWasKilledWhileItStartedStartsAgain(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "new", "state.json")
	for range 12 {
		c := command(t, file)
		require.NoError(t, c.Start())
		time.Sleep(time.Duration(rand.IntN(300)) * time.Millisecond)
		_ = c.Process.Kill()
		_ = c.Wait()
	}
	status, _ := spawn(t, file).send(http.MethodGet, workspace, "")
	assert.Equal(t, http.StatusOK, status)
}

func TestAStateFileBelongsToOneProcess(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "state.json")
	other := spawn(t, file)
	_, err := azure.Start(t.Context(), azure.Options{StateFile: file})
	require.ErrorContains(t, err, fmt.Sprintf("process %d", other.Process.Pid))
	require.ErrorContains(t, err, file)
	other.kill()
	mine := start(t, azure.Options{StateFile: file})
	_, err = azure.Start(t.Context(), azure.Options{StateFile: file})
	require.ErrorContains(t, err, fmt.Sprintf("process %d", os.Getpid()))
	require.NoError(t, mine.Close())
	start(t, azure.Options{StateFile: file})
}

func TestASandboxThatCannotStartLetsGoOfItsStateFile(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "state.json")
	_, err := azure.Start(t.Context(), azure.Options{StateFile: file, Listen: "0.0.0.0:0"})
	require.ErrorContains(t, err, "loopback")
	start(t, azure.Options{StateFile: file})
}

func TestTheSandboxListensOnLoopbackOnly(t *testing.T) {
	t.Parallel()
	for _, address := range []string{"0.0.0.0:0", ":0", "[::]:0", "192.0.2.1:0", "example.com:0"} {
		_, err := azure.Start(t.Context(), azure.Options{Listen: address})
		require.ErrorContains(t, err, "loopback", address)
	}
	w := newWorld(t)
	host, port, err := net.SplitHostPort(w.Host())
	require.NoError(t, err)
	assert.True(t, net.ParseIP(host).IsLoopback())
	addresses, err := net.InterfaceAddrs()
	require.NoError(t, err)
	for _, address := range addresses {
		network, ok := address.(*net.IPNet)
		if !ok || network.IP.IsLoopback() || network.IP.IsLinkLocalUnicast() {
			continue
		}
		conn, err := net.DialTimeout("tcp", net.JoinHostPort(network.IP.String(), port), time.Second)
		if !assert.Error(t, err, "it must not answer at %s", network.IP) {
			_ = conn.Close()
		}
	}
}

func TestTwoSandboxesSideBySideDoNotDisturbEachOther(t *testing.T) {
	t.Parallel()
	one := start(t, azure.Options{StateFile: filepath.Join(t.TempDir(), "state.json")})
	two := start(t, azure.Options{StateFile: filepath.Join(t.TempDir(), "state.json")})
	assert.NotEqual(t, one.Host(), two.Host())
	one.invoker(alice)
	assert.NotEmpty(t, one.Inventory())
	assert.Empty(t, two.Inventory())
	assert.Equal(t, http.StatusForbidden, two.invoke(alice, workspace+"/datastores/keyed/paths/x").status)

	foreign := one.token(one.Deployer().ObjectID, management)
	assert.Equal(t, "InvalidAuthenticationToken", two.send(http.MethodGet, workspace+"?api-version=2024-04-01", foreign,
		nil).code(), "the other's tokens are worth nothing")
	_, err := one.client.Get(two.URL() + "/metadata/endpoints?api-version=2022-09-01")
	require.ErrorContains(t, err, "certificate", "nor are its certificates")
	d := one.Deployer()
	assert.Equal(t, 700016.0, errorCode(two.signIn(map[string]string{"client_id": d.ClientID,
		"client_secret": d.ClientSecret})))

	require.NoError(t, one.Close())
	assert.Equal(t, http.StatusOK, two.arm(http.MethodGet, workspace, nil).status, "one goes, the other stays")
}

// contextOfInput ends when the standard input ends.
func contextOfInput() (context.Context, context.CancelFunc) {
	ctx, stop := context.WithCancel(context.Background())
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		stop()
	}()
	return ctx, stop
}
