package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/batchaccess/batchaccess/internal/world"
	"github.com/batchaccess/batchaccess/sandbox/azure"
)

// The export of one sandbox is what another one begins with; a world that does not fit makes nothing.
func TestExportAndASandboxOfTheWorld(t *testing.T) {
	t.Parallel()
	stack := strings.ReplaceAll(oneUser, "clusters: { cpu: {} }", "clusters: { cpu: { existing: true } }")
	from := projectWith(t, map[string]string{"dev": stack})
	file := filepath.Join(t.TempDir(), "dev.world.json")
	code, _, stderr := execute(t, "sandbox", "--dir", from, "--", "batchaccess", "export", "--dir", from, "--output", file)
	require.Zero(t, code, stderr)
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	w, err := world.Parse(text)
	require.NoError(t, err)
	require.NotNil(t, w.Cluster("cpu"))

	state := t.TempDir()
	in := func(dir, file string) (int, string) {
		code, _, stderr := execute(t, "sandbox", "--dir", dir, "--state-dir", state, "--world", file, "--", "true")
		return code, stderr
	}
	edited := func(old, now string) string {
		require.Contains(t, stack, old)
		return projectWith(t, map[string]string{"dev": strings.ReplaceAll(stack, old, now)})
	}
	short := filepath.Join(t.TempDir(), "short.json")
	require.NoError(t, os.WriteFile(short, text[:len(text)/2], 0o600))
	rehearsed := func(dir, file string) (int, string) {
		code, stdout, stderr := execute(t, "rehearse", "--dir", dir, "--world", file)
		assert.Empty(t, stdout)
		return code, stderr
	}
	for name, c := range map[string]struct{ dir, file, says string }{
		"no file":   {from, filepath.Join(state, "none.json"), "write one with batchaccess export"},
		"cut short": {from, short, "cut short, or no JSON"},
		"another tenant": {edited("config:", "config:\n  azuread:tenantId: "+otherTenant), file,
			"azuread:tenantId: the world is"},
		"another workspace": {edited("workspaces/ws", "workspaces/other"), file, "workspace"},
		"a principal":       {edited("33333333-3333", "43333333-3333"), file, "invokers.ann.objectId: the directory of"},
	} {
		for _, run := range []func(string, string) (int, string){in, rehearsed} {
			code, stderr := run(c.dir, c.file)
			assert.Equal(t, exitUsage, code, name)
			assert.Contains(t, stderr, c.says, name)
		}
		assert.NoDirExists(t, filepath.Join(state, "azure"), name)
	}

	code, stderr = in(from, file)
	require.Zero(t, code, stderr)
	a, err := azure.Start(t.Context(), azure.Options{StateFile: filepath.Join(state, "azure", "state.json")})
	require.NoError(t, err)
	assert.Equal(t, w.TenantID, a.Deployer().TenantID)
	require.NoError(t, a.Close())

	other := filepath.Join(t.TempDir(), "other.json")
	require.NoError(t, os.WriteFile(other, []byte(strings.ReplaceAll(string(text), w.TenantID, otherTenant)), 0o600))
	code, stderr = in(from, other)
	assert.Equal(t, exitUsage, code)
	assert.Contains(t, stderr, "and the sandbox in "+state+" is of "+w.TenantID)
}

const otherTenant = "aaaaaaaa-1111-4111-8111-111111111111"
