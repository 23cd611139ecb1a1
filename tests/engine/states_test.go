package engine

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gopkg.in/yaml.v3"

	"github.com/batchaccess/batchaccess/sandbox/azure"
)

// The states in testdata/states were left by this project as it was on 2026-11-28, with the configuration beside them.
// Whoever deployed then deploys the next version, and nothing that they have is taken down and made anew. Of the client
// secret, a text of the test's stands for what it was.
func TestAStackThatWasDeployedEarlierIsNotReplaced(t *testing.T) {
	t.Parallel()
	const earlier = "testdata/states/sample"
	d := deployEarlier(t, earlier)
	defer d.close()
	d.pulumi("stack", "import", "--file", d.encryptable(filepath.Join(earlier, "state.json")), "--non-interactive")
	imported, _ := d.urns()
	require.Greater(t, len(imported), 50)

	var digest struct {
		Steps []step `json:"steps"`
	}
	preview := d.pulumi("preview", "--json", "--show-sames", "--non-interactive")
	require.NoError(t, json.Unmarshal([]byte(preview), &digest))
	kept := 0
	for _, s := range digest.Steps {
		assert.NotContains(t, s.Op, "replace", "%s: %v", s.URN, s.DiffReasons)
		assert.NotEqual(t, "delete", s.Op, s.URN)
		if s.Op == "same" || s.Op == "update" {
			kept++
		}
	}
	assert.GreaterOrEqual(t, kept, len(imported)-2, "all but the two providers, of which a preview says nothing")
}

// encryptable makes a copy of a state that Pulumi can encrypt with the sandbox's passphrase, and returns its path.
func (d *deployment) encryptable(file string) string {
	d.t.Helper()
	text, err := os.ReadFile(file)
	require.NoError(d.t, err)
	var state map[string]any
	require.NoError(d.t, json.Unmarshal(text, &state))
	settings, err := os.ReadFile(filepath.Join(d.state, "project", "Pulumi.dev.yaml"))
	require.NoError(d.t, err)
	var stack struct {
		Salt string `yaml:"encryptionsalt"`
	}
	require.NoError(d.t, yaml.Unmarshal(settings, &stack))
	require.NotEmpty(d.t, stack.Salt)
	state["deployment"].(map[string]any)["secrets_providers"] = map[string]any{
		"type": "passphrase", "state": map[string]any{"salt": stack.Salt},
	}
	text, err = json.Marshal(state)
	require.NoError(d.t, err)
	made := filepath.Join(d.t.TempDir(), "state.json")
	require.NoError(d.t, os.WriteFile(made, text, 0o600))
	return made
}

// deployEarlier starts a sandbox for a configuration of earlier, with the program of now.
func deployEarlier(t *testing.T, folder string) *deployment {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(folder, "Pulumi.dev.yaml"))
	require.NoError(t, err)
	require.Contains(t, string(text), samplePeriod)
	dir := t.TempDir()
	project, err := os.ReadFile(filepath.Join(root, "Pulumi.yaml"))
	require.NoError(t, err)
	program, err := filepath.Abs(root)
	require.NoError(t, err)
	for name, text := range map[string]string{
		"Pulumi.yaml": strings.TrimSpace(string(project)) + "\nmain: " + program + "\n", "Pulumi.dev.yaml": string(text),
	} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
	}
	return deployProject(t, azure.Weather{}, dir, t.TempDir())
}
