package rehearsal

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/batchaccess/batchaccess/access"
)

func TestTheErrorSaysWhatAStackHasToExport(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	program, err := filepath.Abs(filepath.Join(root, "tests", "engine", "twostacks"))
	require.NoError(t, err)
	for file, text := range map[string]string{
		"Pulumi.yaml": "name: platform\nruntime: go\nmain: " + program + "\n",
		"Pulumi.dev.yaml": "config:\n  azure-native:location: westeurope\n  azure-native:subscriptionId: " +
			"11111111-1111-4111-8111-111111111111\n",
	} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, file), []byte(text), 0o600))
	}
	_, err = Run(t.Context(), Options{
		ProjectDir: dir, Stack: "dev", StateDir: t.TempDir(),
		Model: access.Model{WorkspaceID: access.Known(workspace),
			Invokers: map[string]access.Invoker{"ann": {Kind: access.User,
				PrincipalID: access.Known("33333333-3333-4333-8333-333333333333")}}},
	})
	require.ErrorContains(t, err, "export what BatchEndpointAccess.Outputs returns")
}
