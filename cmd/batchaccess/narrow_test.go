package main

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/batchaccess/batchaccess/internal/jobrequest"
)

// narrow is a stack whose invokers have their roles at endpoints, and whose readers are limited to paths.
const narrow = `config:
  batchaccess:workspaceId: /subscriptions/11111111-1111-4111-8111-111111111111/resourceGroups/rg/providers/` +
	`Microsoft.MachineLearningServices/workspaces/ws
  batchaccess:location: westeurope
  batchaccess:role: { scope: endpoint }
  batchaccess:invokers:
    ann: { kind: user, objectId: 33333333-3333-4333-8333-333333333333 }
    bob: { kind: user, objectId: 44444444-4444-4444-8444-444444444444 }
  batchaccess:clusters: { cpu: { existing: true } }
  batchaccess:storageAccounts:
    lake: /subscriptions/11111111-1111-4111-8111-111111111111/resourceGroups/rg/providers/Microsoft.Storage/` +
	`storageAccounts/contosolake
  batchaccess:storageAccountKinds: { lake: flat }
  batchaccess:dataInputs:
    new: { kind: blob, storageAccount: lake, container: rows, path: in/2026, scope: path }
    old: { kind: blob, storageAccount: lake, container: rows, path: in/20260, scope: path }
  batchaccess:endpoints:
    heart: { cluster: cpu, inputs: [new], invokers: [ann] }
    tags: { cluster: cpu, inputs: [old], invokers: [bob] }
`

// can decides by endpoint and by path: whoever may start one job may not start the other, although both are in one
// workspace and one container.
func TestCanAnswersByEndpointAndPath(t *testing.T) {
	t.Parallel()
	dir := projectWith(t, map[string]string{"dev": narrow})
	for question, code := range map[string]int{
		"ann start heart": 0, "ann start tags": exitFailed, "bob start tags": 0, "bob start heart": exitFailed,
		"ann read new": 0, "ann read old": exitFailed, "bob read old": 0, "bob read new": exitFailed,
	} {
		got, stdout, stderr := execute(t, append([]string{"can"}, append(strings.Fields(question), "--dir", dir, "--stack",
			"dev")...)...)
		assert.Equal(t, code, got, "%s: %s%s", question, stdout, stderr)
	}
}

// The request for an endpoint whose input is limited to a path names that path, not its container.
func TestARequestNamesThePathThatReadersAreLimitedTo(t *testing.T) {
	t.Parallel()
	dir := projectWith(t, map[string]string{"dev": narrow})
	code, stdout, stderr := execute(t, "invoke", "--dir", dir, "--stack", "dev", "--uri",
		"https://heart.westeurope.inference.ml.azure.com", "--print-request", "--input", "new")
	require.Equal(t, 0, code, stderr)
	_, body, ok := strings.Cut(strings.TrimSuffix(stdout, "'\n"), "--data '")
	require.True(t, ok, stdout)
	got, err := jobrequest.Read(strings.NewReader(body))
	require.NoError(t, err)
	assert.Equal(t, map[string]jobrequest.Input{"new": {JobInputType: "UriFolder",
		URI: "https://contosolake.blob.core.windows.net/rows/in/2026"}}, got.Properties.InputData)
}

// Scopes are pinned as they were given, and nothing is written that would widen them.
func TestPinsKeepScopes(t *testing.T) {
	t.Parallel()
	inputs := map[string]any{
		"storageAccountKinds": map[string]any{"lake": "hierarchical"},
		"dataInputs":          map[string]any{"new": map[string]any{"scope": "path", "path": "in", "container": "rows"}},
		"endpoints":           map[string]any{"heart": map[string]any{"invokers": []any{}, "cluster": "cpu"}},
	}
	values := map[string]any{"dataInputs": map[string]any{"new": map[string]any{"scope": "path", "path": "in"}},
		"endpoints": map[string]any{"heart": map[string]any{"invokers": []any{}, "cluster": "cpu"}}}
	assert.Equal(t, []foundPin{{"dataInputs.new.container", "rows"}, {"storageAccountKinds.lake", "hierarchical"}},
		pins("", inputs, values, []string{"dataInputs", "endpoints", "storageAccountKinds"}))
}
