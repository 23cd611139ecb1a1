package python_test

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"os/exec"
	"strings"
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

// sdk makes calls as a service principal, in one process.
func (w *world) sdk(t *testing.T, clientID, secret string, calls []sdkCall) {
	t.Helper()
	var in, out, errs bytes.Buffer
	for _, c := range calls {
		line, err := json.Marshal(c.call)
		require.NoError(t, err)
		in.Write(append(line, '\n'))
	}
	cmd := exec.CommandContext(t.Context(), w.python, "-c", sdkProgram,
		w.URL(), tenantID, clientID, secret, subscriptionID, "rg-ml", "ws")
	cmd.Env = w.env(t.TempDir(), w.metadata())
	cmd.Stdin, cmd.Stdout, cmd.Stderr, cmd.Dir = &in, &out, &errs, t.TempDir()
	require.NoError(t, cmd.Run(), &errs)
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	require.Len(t, lines, len(calls), "%s%s", &out, &errs)
	for i, c := range calls {
		var got struct {
			Answer any
			Error  string
		}
		require.NoError(t, json.Unmarshal([]byte(lines[i]), &got))
		if c.refused == nil {
			assert.Equal(t, c.answer, got.Answer, "%v: %s", c.call, got.Error)
		}
		for _, word := range c.refused {
			assert.Contains(t, got.Error, word, "%v answers %v", c.call, got.Answer)
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
	d := w.Deployer()
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
	w.sdk(t, d.ClientID, d.ClientSecret, calls)

	s := azure.Seed{RoleAssignments: []azure.RoleAssignment{{
		ID: alice, Scope: account, RoleID: readerRole, PrincipalID: d.ObjectID, PrincipalType: "ServicePrincipal",
	}}}
	require.NoError(t, w.Seed(s))
	w.sdk(t, d.ClientID, d.ClientSecret, []sdkCall{
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
	w.sdk(t, clientID, "guess", []sdkCall{{call: []any{"workspace"}, refused: []string{"AADSTS7000215"}}})
	w.sdk(t, clientID, secret, []sdkCall{
		{call: []any{"workspace"}, refused: []string{"AuthorizationFailed", "workspaces/read"}},
		{call: []any{"stores"}, refused: []string{"AuthorizationFailed", "datastores/read"}},
		{call: []any{"invoke", "heart", nil, public}, refused: []string{"AuthorizationFailed", "batchEndpoints/read"}},
	})
	a.run("role", "assignment", "create", "--role", "Reader", "--scope", workspace,
		"--assignee-object-id", objectID, "--assignee-principal-type", "ServicePrincipal")
	w.sdk(t, clientID, secret, []sdkCall{
		{call: []any{"workspace"}, answer: "westeurope"},
		{call: []any{"cluster", "cpu"}, answer: cluster},
		{call: []any{"invoke", "heart", nil, public}, refused: []string{"AuthorizationFailed",
			"does not have authorization"}},
		{call: []any{"store", "keyless"}, answer: "raw"},
	})
}
