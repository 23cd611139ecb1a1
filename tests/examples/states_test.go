package examples

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/batchaccess/batchaccess/sandbox/azure"
	"github.com/batchaccess/batchaccess/sandbox/engine"
	"github.com/batchaccess/batchaccess/sandbox/pulumicli"
	"github.com/batchaccess/batchaccess/sandbox/rehearsal"
	"github.com/batchaccess/batchaccess/tests/earlier"
)

// The examples wrote the states in testdata/states on 2026-11-28.
func TestAnExampleThatWasDeployedEarlierIsNotReplaced(t *testing.T) {
	t.Parallel()
	states, err := os.ReadDir(filepath.Join("testdata", "states"))
	require.NoError(t, err)
	require.Len(t, states, 3)
	for _, of := range states {
		language := of.Name()
		t.Run(language, func(t *testing.T) {
			t.Parallel()
			project := projects[language]
			require.NotNil(t, project, "an example in %s", language)
			dir, state := project(t), t.TempDir()
			cli, err := pulumicli.Find(t.Context(), t.Output())
			require.NoError(t, err)
			seed, err := rehearsal.Seed(model(t), "")
			require.NoError(t, err)
			a, err := azure.Start(t.Context(), azure.Options{})
			require.NoError(t, err)
			defer a.Close()
			require.NoError(t, a.Seed(seed))
			e, err := engine.Start(t.Context(), engine.Options{
				StateDir: state, Azure: a, ProjectDir: dir, Pulumi: cli, Stdout: io.Discard, Stderr: t.Output(),
			})
			require.NoError(t, err)
			defer e.Close()
			file := filepath.Join("testdata", "states", language, "state.json")
			earlier.RequireKept(t, file, state, func(args ...string) string {
				var out bytes.Buffer
				require.NoError(t, e.Pulumi(t.Context(), &out, append(args, "--stack", "dev")...), out.String())
				return out.String()
			})
		})
	}
}
