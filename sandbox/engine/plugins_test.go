package engine_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/batchaccess/batchaccess/sandbox/engine"
)

func TestAPluginThatIsInstalledNeedsNoStandIn(t *testing.T) {
	home := t.TempDir()
	t.Setenv("PULUMI_HOME", home)
	t.Setenv("PATH", t.TempDir())
	assert.Equal(t, []string{"azure-native", "azuread"}, engine.NotInstalled())
	require.NoError(t, os.MkdirAll(filepath.Join(home, "plugins", "resource-azuread-v5.0.0"), 0o700))
	assert.Equal(t, []string{"azure-native", "azuread"}, engine.NotInstalled(), "another version does not count")
	require.NoError(t, os.MkdirAll(filepath.Join(home, "plugins", "resource-azuread-v6.10.0"), 0o700))
	assert.Equal(t, []string{"azure-native"}, engine.NotInstalled())
	bin := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(bin, "pulumi-resource-azure-native"), []byte("#!/bin/sh\n"), 0o700))
	t.Setenv("PATH", bin)
	assert.Empty(t, engine.NotInstalled())
	assert.NotNil(t, engine.NotInstalled())
}
