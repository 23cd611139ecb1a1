// Package earlier is for tests with states that earlier versions of this project wrote: a user of an earlier version
// can deploy the next one, and no resource is deleted and made again.
package earlier

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gopkg.in/yaml.v3"
)

// RequireKept imports a state into the stack dev of a sandbox, and checks its preview: every resource is still there,
// and none is replaced. stateDir is the sandbox's state folder, pulumi runs a command of the CLI on the stack.
func RequireKept(t *testing.T, file, stateDir string, pulumi func(args ...string) string) {
	t.Helper()
	imported, resources := encryptable(t, file, stateDir)
	require.Greater(t, resources, 20)
	pulumi("stack", "import", "--file", imported, "--non-interactive")
	var digest struct {
		Steps []struct {
			Op, URN     string
			DiffReasons []string
		}
	}
	require.NoError(t, json.Unmarshal([]byte(pulumi("preview", "--json", "--show-sames", "--non-interactive")), &digest))
	kept := 0
	for _, s := range digest.Steps {
		// The role is assignable at the resource group since issue 14: it and its assignments are replaced, the new
		// before the old, which tests/engine checks.
		role := s.Op == "replace" && strings.Contains(s.URN, "InvokerRole$azure-native:authorization:Role")
		assert.True(t, role || !strings.Contains(s.Op, "replace") || strings.Contains(s.URN, "InvokerRole$"), "%s: %v",
			s.URN, s.DiffReasons)
		assert.NotEqual(t, "delete", s.Op, s.URN)
		if strings.Contains(s.URN, "batchaccess:index:Storage") { // with one contributor, whose name was reader
			assert.Contains(t, []string{"same", "update"}, s.Op, s.URN) // another description, for assignments
		}
		if (s.Op == "same" || s.Op == "update" || role) && !strings.Contains(s.URN, "pulumi:providers:") {
			kept++
		}
	}
	assert.GreaterOrEqual(t, kept, resources, "a resource that was there is not in the preview")
}

// encryptable makes a copy of a state that Pulumi can encrypt with the sandbox's key. It returns its path, and the
// number of its resources without providers.
func encryptable(t *testing.T, file, stateDir string) (copied string, resources int) {
	t.Helper()
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	var state struct {
		Version    int            `json:"version"`
		Deployment map[string]any `json:"deployment"`
	}
	require.NoError(t, json.Unmarshal(text, &state))
	for _, r := range state.Deployment["resources"].([]any) {
		if !strings.HasPrefix(r.(map[string]any)["type"].(string), "pulumi:providers:") {
			resources++
		}
	}
	settings, err := os.ReadFile(filepath.Join(stateDir, "project", "Pulumi.dev.yaml"))
	require.NoError(t, err)
	var stack struct {
		Provider string `yaml:"secretsprovider"`
		Key      string `yaml:"encryptedkey"`
	}
	require.NoError(t, yaml.Unmarshal(settings, &stack))
	require.NotEmpty(t, stack.Key)
	state.Deployment["secrets_providers"] = map[string]any{
		"type": "cloud", "state": map[string]any{"url": stack.Provider, "encryptedkey": stack.Key},
	}
	text, err = json.Marshal(state)
	require.NoError(t, err)
	copied = filepath.Join(t.TempDir(), "state.json")
	require.NoError(t, os.WriteFile(copied, text, 0o600))
	return copied, resources
}
