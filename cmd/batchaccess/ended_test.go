package main

import (
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/spf13/cobra"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A rehearsal gets the access that has ended too: it finds out by itself whose has, and whether it is gone.
func TestARehearsalGetsWhatIsDeclared(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for name, content := range map[string]string{
		"Pulumi.yaml": "name: batchaccess\nruntime: go\n",
		"Pulumi.dev.yaml": `config:
  batchaccess:workspaceId: >-
    /subscriptions/11111111-1111-4111-8111-111111111111/resourceGroups/ml/providers/` +
			`Microsoft.MachineLearningServices/workspaces/ws
  batchaccess:invokers:
    ann: { kind: user, objectId: 33333333-3333-4333-8333-333333333333 }
    former: { kind: user, objectId: 44444444-4444-4444-8444-444444444444, until: "2020-01-31" }
  batchaccess:clusters:
    cpu: { existing: true }
`,
	} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600))
	}
	read, err := source{stack: "dev", dir: dir}.open(&cobra.Command{})
	require.NoError(t, err)
	require.NotContains(t, read.model().Invokers, "former")
	v, err := read.version("", io.Discard)
	require.NoError(t, err)
	assert.Contains(t, v.Model.Invokers, "ann")
	assert.Contains(t, v.Model.Invokers, "former")
}
