package accesstest_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/batchaccess/batchaccess/accesstest"
	"github.com/batchaccess/batchaccess/internal/config"
)

func TestAProgramIsRunWithTheConfigurationOfItsStack(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for file, text := range map[string]string{
		"Pulumi.yaml": "name: mine\nruntime: go\nconfig:\n  size: {type: integer, default: 3}\n  needed: {type: string}\n  " +
			"azure-native:location: {value: westeurope}\n  team: ours\n",
		"Pulumi.dev.yaml": "config:\n  mine:needed: {secure: abc}\n  mine:size: 4\n  mine:list: [a, b]\n  other:flag: true\n",
	} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, file), []byte(text), 0o600))
	}
	_, err := accesstest.Try(func(ctx *pulumi.Context) error {
		assert.Equal(t, "mine dev", ctx.Project()+" "+ctx.Stack())
		for key, want := range map[string]string{
			"mine:size": "4", "mine:needed": config.Unknown, "mine:list": `["a","b"]`, "mine:team": "ours", "other:" +
				"flag": "true", "azure-native:location": "westeurope",
		} {
			got, _ := ctx.GetConfig(key)
			assert.Equal(t, want, got, key)
		}
		return nil
	}, accesstest.Configured(t, dir, "dev"))
	require.NoError(t, err)
}

func TestAConfigurationThatCantBeReadFailsTheTest(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	assert.Contains(t, failure(t, func(t testing.TB) { accesstest.Configured(t, dir, "dev") }),
		"reading the configuration of stack dev")
	for _, file := range []string{"Pulumi.yaml", "Pulumi.dev.yaml"} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, file), []byte("runtime: go\n"), 0o600))
	}
	assert.Contains(t, failure(t, func(t testing.TB) { accesstest.Configured(t, dir, "dev") }), "has no name")
}
