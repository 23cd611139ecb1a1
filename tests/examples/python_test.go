package examples

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/batchaccess/batchaccess/internal/machine"
)

// pythonProject is examples/python, ready to run.
func pythonProject(t *testing.T) string {
	t.Helper()
	example, err := filepath.Abs(filepath.Join(root, "examples", "python"))
	require.NoError(t, err)
	pins, err := os.ReadFile(filepath.Join(example, "constraints.txt"))
	require.NoError(t, err)
	python := machine.Python(t, "pulumi", pins)
	sdk, err := installPython(python, example)
	require.NoError(t, err)
	host, err := filepath.Abs(filepath.Join("testdata", "python", "run.py"))
	require.NoError(t, err)
	// If Python may not keep what it compiles, it compiles Pulumi's SDK at each start: half of what a start costs.
	return builtProject(t, example, "python",
		fmt.Sprintf("#!/bin/sh\nPYTHONDONTWRITEBYTECODE= PYTHONPATH='%s' exec '%s' '%s' __main__.py\n", sdk, python, host))
}

// installPython does what `pulumi install` does in examples/python if Pulumi's language host for Python is there: it
// generates the SDK from the plugin's schema and has pip install it. It returns the SDK's folder, which is separate
// because the SDK changes more often than the rest of the environment.
func installPython(python, example string) (string, error) {
	schema, err := filepath.Abs(filepath.Join(root, "plugin", "schema.json"))
	if err != nil {
		return "", err
	}
	stamp, err := installation(schema, filepath.Join(example, "constraints.txt"))
	if err != nil {
		return "", err
	}
	installed := filepath.Join(example, "sdks", "installed")
	stampFile := filepath.Join(installed, ".installed-by-tests")
	if had, err := os.ReadFile(stampFile); err == nil && string(had) == stamp {
		return installed, nil
	}
	if err := os.RemoveAll(installed); err != nil {
		return "", err
	}
	sdk := filepath.Join(example, "sdks", "batchaccess-batchaccess")
	for _, command := range []*exec.Cmd{
		in(filepath.Join(root, "tools"), "go", "run", "./gensdk", "-language", "python", "-schema", schema, "-to", sdk),
		in(example, python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-index", "--no-deps",
			"--no-build-isolation", "--target", installed, sdk),
	} {
		if output, err := command.CombinedOutput(); err != nil {
			return "", fmt.Errorf("%s in %s: %w\n%s", command, command.Dir, err, output)
		}
	}
	return installed, os.WriteFile(stampFile, []byte(stamp), 0o600)
}
