package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A stack of single components has no configuration that says what it refers to: its preview does.
func TestWhatAStackOfPartsRefersToExists(t *testing.T) {
	t.Parallel()
	const (
		subscription = "/subscriptions/11111111-1111-4111-8111-111111111111/resourceGroups/"
		workspace    = subscription + "scoring-dev/providers/Microsoft.MachineLearningServices/workspaces/scoring-dev"
		account      = subscription + "data-dev/providers/Microsoft.Storage/storageAccounts/contosolakedev"
		container    = account + "/blobServices/default/containers/scores"
		ann, team    = "33333333-3333-4333-8333-333333333333", "22222222-2222-4222-8222-222222222222"
	)
	dir := t.TempDir()
	program, err := filepath.Abs("../../tests/engine/twostacks")
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "Pulumi.yaml"),
		[]byte("name: readers\nruntime: go\nmain: "+program+"\n"), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "Pulumi.dev.yaml"),
		[]byte("config: { readers:workspaceId: "+workspace+", readers:lake: "+account+
			", azure-native:subscriptionId: 11111111-1111-4111-8111-111111111111 }\n"), 0o600))
	up := func(flags ...string) (int, string) {
		code, stdout, stderr := execute(t, append(append([]string{"sandbox", "--dir", dir}, flags...), "--", "pulumi", "up",
			"--stack", "dev", "--yes", "--skip-preview", "--non-interactive")...)
		return code, stdout + stderr
	}
	code, said := up()
	assert.Equal(t, 0, code, "what its parts refer to exists: %s", said)
	code, stdout, stderr := execute(t, "explain", "--dir", dir)
	assert.Zero(t, code, stderr)
	assert.Contains(t, stdout, "COMPONENTS USED ALONE")
	assert.Regexp(t, `StorageReader \S+ +\S+ \(`+ann+`\) +Storage Blob Data Reader +`+account, stdout)
	code, _, stderr = execute(t, "can", ann, "read", "scores", "--dir", dir)
	assert.Equal(t, exitUsage, code)
	assert.Contains(t, stderr, "has no BatchEndpointAccess, only components used alone; batchaccess explain lists what "+
		"they assign")
	code, said = up("--exists", workspace, "--exists", container, "--exists", "user:"+ann, "--exists", "group:"+team)
	assert.Equal(t, 0, code, said)

	git := exec.CommandContext(t.Context(), "git", "init", "--quiet", dir)
	require.NoError(t, git.Run())
	status, err := exec.CommandContext(t.Context(), "git", "-C", dir, "status", "--porcelain").Output()
	require.NoError(t, err)
	assert.Equal(t, "?? Pulumi.dev.yaml\n?? Pulumi.yaml\n", string(status), "the sandbox's state is nothing for git")
}

func TestWhatExistsIsRefusedWhereItIsNotUnderstood(t *testing.T) {
	t.Parallel()
	for thing, says := range map[string]string{
		"/subscriptions/11111111-1111-4111-8111-111111111111/resourceGroups/rg": "is not the ARM ID of a workspace, a " +
			"storage account or a container; write /subscriptions/",
		"ada": `"ada" is neither an ARM ID, which begins with /, nor <kind>:<object ID>`,
		"usr:33333333-3333-4333-8333-333333333333": `did you mean "user"?`,
		"user:ada@contoso.com":                     `"ada@contoso.com" is not an object ID`,
	} {
		_, err := seedOf([]string{thing})
		require.ErrorContains(t, err, "--exists: ")
		assert.ErrorContains(t, err, says)
	}
	s, err := seedOf([]string{"managedIdentity:33333333-3333-4333-8333-333333333333",
		"servicePrincipal:22222222-2222-4222-8222-222222222222"})
	require.NoError(t, err)
	require.Len(t, s.ServicePrincipals, 2)
	assert.Equal(t, []string{"ManagedIdentity", ""}, []string{s.ServicePrincipals[0].Type, s.ServicePrincipals[1].Type})
}
