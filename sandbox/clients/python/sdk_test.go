package python_test

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"io"
	"os/exec"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/batchaccess/batchaccess/sandbox/azure"
)

//go:embed sdk.py
var sdkProgram string

// sdkCall is a call of sdk.py, with its expected result: an answer, or an error with all of these words.
type sdkCall struct {
	call    []any
	answer  any
	refused []string
}

// sdk is a Python with the SDK. To import the SDK takes a second.
type sdk struct {
	t       *testing.T
	calls   *json.Encoder
	answers *json.Decoder
}

func (w *world) sdk(t *testing.T) sdk {
	t.Helper()
	var errs bytes.Buffer
	cmd := exec.Command(w.python, "-c", sdkProgram, w.URL(), tenantID, subscriptionID, "rg-ml", "ws")
	cmd.Env, cmd.Dir, cmd.Stderr = w.env(t.TempDir(), w.metadata()), t.TempDir(), &errs
	in, err := cmd.StdinPipe()
	require.NoError(t, err)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	s := sdk{t, json.NewEncoder(in), json.NewDecoder(out)}
	t.Cleanup(func() {
		assert.NoError(t, in.Close())
		assert.ErrorIs(t, s.answers.Decode(new(any)), io.EOF)
		assert.NoError(t, cmd.Wait(), &errs)
	})
	return s
}

// as makes calls as a service principal that has signed in anew.
func (s sdk) as(clientID, secret string, calls []sdkCall) {
	s.t.Helper()
	for _, c := range append([]sdkCall{{call: []any{"sign in", clientID, secret}}}, calls...) {
		require.NoError(s.t, s.calls.Encode(c.call))
		var got struct {
			Answer any
			Error  string
		}
		require.NoError(s.t, s.answers.Decode(&got))
		if c.refused == nil {
			assert.Equal(s.t, c.answer, got.Answer, "%v: %s", c.call, got.Error)
		}
		for _, word := range c.refused {
			assert.Contains(s.t, got.Error, word, "%v answers %v", c.call, got.Answer)
		}
	}
}

const (
	public   = "https://mydata.blob.core.windows.net/raw/heart"
	longPath = "azureml://subscriptions/" + subscriptionID +
		"/resourcegroups/rg-ml/workspaces/ws/datastores/keyless/paths/heart/2024"
)

func TestTheSDKReadsAndInvokes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	d, s := w.Deployer(), w.sdk(t)
	// The deployer is Owner, which has no data action: its jobs may read only data that a store's key opens.
	completed, failed := "Completed", "Failed"
	calls := []sdkCall{
		{call: []any{"workspace"}, answer: "westeurope"},
		{call: []any{"stores"}, answer: []any{"keyed", "keyless"}},
		{call: []any{"store", "keyless"}, answer: "raw"},
		{call: []any{"store", "none"}, refused: []string{"UserError"}},
		{call: []any{"default store"}, refused: []string{"NotModelledBySandbox"}}, // no store was seeded as the default
		{call: []any{"clusters"}, answer: []any{"cpu"}},
		{call: []any{"cluster", "cpu"}, answer: cluster},
		{call: []any{"data", "heart", "1"}, answer: longPath},
		{call: []any{"newest data", "heart"}, answer: "1"},
		{call: []any{"endpoints"}, answer: []any{"heart"}},
		{call: []any{"scoring", "heart"}, answer: w.URL() + "/inference/westeurope/heart/jobs"},
		{call: []any{"deployment", "blue", "heart"}, answer: workspace + "/computes/cpu"},
		{call: []any{"run", "heart", public}, answer: failed},
		{call: []any{"run", "heart", "azureml://datastores/keyed/paths/heart"}, answer: completed},
		{call: []any{"run", "heart", "azureml://datastores/keyless/paths/heart"}, answer: failed},
		{call: []any{"run", "heart", "azureml://datastores/none/paths/heart"}, answer: failed},
		{call: []any{"run", "heart", "heart:1"}, answer: failed},
		{call: []any{"run", "heart", longPath}, refused: []string{"NotModelledBySandbox"}},
		{call: []any{"invoke", "heart", "green", public}, refused: []string{"green"}},
		{call: []any{"invoke", "none", nil, public}, refused: []string{"UserError"}},
		{call: []any{"job", "none"}, refused: []string{"UserError"}},
	}
	s.as(d.ClientID, d.ClientSecret, calls)

	require.NoError(t, w.Seed(azure.Seed{RoleAssignments: []azure.RoleAssignment{{
		ID: alice, Scope: account, RoleID: readerRole, PrincipalID: d.ObjectID, PrincipalType: "ServicePrincipal",
	}}}))
	s.as(d.ClientID, d.ClientSecret, []sdkCall{
		{call: []any{"run", "heart", public}, answer: completed},
		{call: []any{"run", "heart", "heart:1"}, answer: completed},
		{call: []any{"run", "heart", "azureml://datastores/keyless/paths/heart"}, answer: completed},
	})
}

// The SDK's errors for a wrong secret, for no role, and for a role that reads and does not invoke.
func TestTheSDKIsRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a := w.deployer(t)
	clientID, objectID := application(a, "scoring-ci")
	secret, _ := at(a.run("ad", "app", "credential", "reset", "--id", clientID), "password").(string)
	s := w.sdk(t)
	s.as(clientID, "guess", []sdkCall{{call: []any{"workspace"}, refused: []string{"AADSTS7000215"}}})
	s.as(clientID, secret, []sdkCall{
		{call: []any{"workspace"}, refused: []string{"AuthorizationFailed", "workspaces/read"}},
		{call: []any{"stores"}, refused: []string{"AuthorizationFailed", "datastores/read"}},
		{call: []any{"invoke", "heart", nil, public}, refused: []string{"AuthorizationFailed", "batchEndpoints/read"}},
	})
	a.run("role", "assignment", "create", "--role", "Reader", "--scope", workspace,
		"--assignee-object-id", objectID, "--assignee-principal-type", "ServicePrincipal")
	s.as(clientID, secret, []sdkCall{
		{call: []any{"workspace"}, answer: "westeurope"},
		{call: []any{"cluster", "cpu"}, answer: cluster},
		{call: []any{"invoke", "heart", nil, public}, refused: []string{"AuthorizationFailed",
			"does not have authorization"}},
		{call: []any{"store", "keyless"}, answer: "raw"},
	})
}
