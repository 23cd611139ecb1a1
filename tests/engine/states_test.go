package engine

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/batchaccess/batchaccess/sandbox/azure"
	sandbox "github.com/batchaccess/batchaccess/sandbox/engine"
	"github.com/batchaccess/batchaccess/tests/earlier"
)

// This project wrote the state in testdata/states on 2026-11-28, with the configuration beside it. A text of the test's
// replaces the client secret.
func TestAStackThatWasDeployedEarlierIsNotReplaced(t *testing.T) {
	t.Parallel()
	const folder = "testdata/states/sample"
	settings, err := os.ReadFile(filepath.Join(folder, "Pulumi.dev.yaml"))
	require.NoError(t, err)
	project, err := os.ReadFile(filepath.Join(root, "Pulumi.yaml"))
	require.NoError(t, err)
	program, err := filepath.Abs(root)
	require.NoError(t, err)
	dir := t.TempDir()
	for name, text := range map[string]string{
		"Pulumi.dev.yaml": string(settings),
		"Pulumi.yaml":     strings.TrimSpace(string(project)) + "\nmain: " + program + "\n",
	} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
	}
	// Not Named: the state is encrypted before it is imported, with the key that Pulumi makes with the stack.
	d := start(t, sandbox.Options{StateDir: t.TempDir(), ProjectDir: dir}, azure.Weather{})
	defer d.close()
	earlier.RequireKept(t, filepath.Join(folder, "state.json"), d.state, d.pulumi)
}
