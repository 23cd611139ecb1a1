package examples

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/sandbox/azure"
	"github.com/batchaccess/batchaccess/sandbox/engine"
	"github.com/batchaccess/batchaccess/sandbox/pulumicli"
	"github.com/batchaccess/batchaccess/sandbox/rehearsal"
)

// In YAML each component is constructed separately, and does not see the others' grants. A grant that moves from one to
// another, and back, still stays.
func TestAGrantIsHandedFromOneComponentToAnotherInYAML(t *testing.T) {
	t.Parallel()
	const (
		group = "/subscriptions/11111111-1111-4111-8111-111111111111/resourceGroups/data/providers/"
		lake  = group + "Microsoft.Storage/storageAccounts/contosolake"
		ann   = "33333333-3333-4333-8333-333333333333"
		bob   = "44444444-4444-4444-8444-444444444444"
	)
	a, err := azure.Start(t.Context(), azure.Options{})
	require.NoError(t, err)
	defer func() { require.NoError(t, a.Close()) }()
	seed, err := rehearsal.Seed(access.Model{
		WorkspaceID: access.Known(group + "Microsoft.MachineLearningServices/workspaces/scoring"),
		Invokers: map[string]access.Invoker{"ann": {Kind: access.User, PrincipalID: access.Known(ann)},
			"bob": {Kind: access.User, PrincipalID: access.Known(bob)}},
		Clusters:        map[string]access.Cluster{"cpu": {Existing: true, PrincipalID: access.Known(bob)}},
		StorageAccounts: map[string]access.ID{"lake": access.Known(lake)},
		DataInputs: map[string]access.DataInput{
			"patients": {Kind: access.Blob, StorageAccount: "lake", Container: "patients"}},
	}, rehearsal.DefaultLocation)
	require.NoError(t, err)
	seed.RoleAssignments = nil // the stack makes them
	require.NoError(t, a.Seed(seed))
	cli, err := pulumicli.Find(t.Context(), t.Output())
	require.NoError(t, err)
	plugin, err := filepath.Abs(filepath.Join(root, "plugin"))
	require.NoError(t, err)
	state := t.TempDir()

	deploy := func(first, second []string) {
		t.Helper()
		component := func(name string, who []string, options string) string {
			var principals []string
			for _, one := range who {
				principals = append(principals, fmt.Sprintf("%s: { principalId: %s, principalType: User }", one,
					map[string]string{"ann": ann, "bob": bob}[one]))
			}
			return fmt.Sprintf("  %s:\n    type: batchaccess:StorageReader\n    properties:\n      storageAccountId: %s\n"+
				"      container: patients\n      principals: { %s }\n%s", name, lake, strings.Join(principals, ", "), options)
		}
		dir := t.TempDir()
		program := "name: handover\nruntime: yaml\npackages: { batchaccess: " + plugin + " }\nresources:\n" +
			component("first", first, "") + component("second", second, "    options: { dependsOn: [\"${first}\"] }\n") +
			"outputs: { scope: \"${first.scope}\" }\n"
		require.NoError(t, os.WriteFile(filepath.Join(dir, "Pulumi.yaml"), []byte(program), 0o600))
		require.NoError(t, os.WriteFile(filepath.Join(dir, "Pulumi.dev.yaml"), []byte("config: {}\n"), 0o600))
		e, err := engine.Start(t.Context(), engine.Options{StateDir: state, Azure: a, ProjectDir: dir, Pulumi: cli,
			Stdout: io.Discard, Stderr: t.Output()})
		require.NoError(t, err)
		defer func() { require.NoError(t, e.Close()) }()
		var out bytes.Buffer
		err = e.Pulumi(t.Context(), &out, "up", "--yes", "--skip-preview", "--stack", "dev", "--non-interactive")
		require.NoError(t, err, out.String())
	}
	deploy([]string{"ann", "bob"}, []string{"bob"})
	before := a.Inventory()
	require.Len(t, before, 2)
	var mu sync.Mutex
	var deleted []string
	a.Watch(&azure.Watcher{Before: func(azure.Write) {}, After: func(w azure.Write) {
		mu.Lock()
		defer mu.Unlock()
		if w.Method == "DELETE" {
			deleted = append(deleted, w.Path)
		}
	}})
	deploy([]string{"bob"}, []string{"ann", "bob"})
	assert.Equal(t, before, a.Inventory())
	deploy([]string{"ann", "bob"}, []string{"bob"})
	a.Watch(nil)
	assert.Equal(t, before, a.Inventory())
	assert.Empty(t, deleted, "nobody goes without in between")
}
