package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	gogen "github.com/pulumi/pulumi/pkg/v3/codegen/go"
	"github.com/pulumi/pulumi/pkg/v3/codegen/schema"
	"github.com/stretchr/testify/require"
)

// The Go SDK that `pulumi package add` generates, put into an empty folder of this module, whose dependencies it uses.
func TestTheSDKForGoCompiles(t *testing.T) {
	t.Parallel()
	s := spec(t)
	var options map[string]any
	require.NoError(t, json.Unmarshal(s.Language["go"], &options))
	options["importBasePath"] = "github.com/batchaccess/batchaccess/plugin/genschema/sdk/batchaccess"
	text, err := json.Marshal(options)
	require.NoError(t, err)
	s.Language["go"] = text
	pkg, diagnostics, err := schema.BindSpec(s, noPackages{}, schema.ValidationOptions{})
	require.NoError(t, err)
	require.Empty(t, diagnostics)
	files, err := gogen.GeneratePackage("test", pkg, nil)
	require.NoError(t, err)

	dir, overlay := t.TempDir(), struct{ Replace map[string]string }{map[string]string{}}
	here, err := os.Getwd()
	require.NoError(t, err)
	for name, content := range files {
		if filepath.Ext(name) != ".go" {
			continue
		}
		file := filepath.Join(dir, filepath.FromSlash(name))
		require.NoError(t, os.MkdirAll(filepath.Dir(file), 0o700))
		require.NoError(t, os.WriteFile(file, content, 0o600))
		overlay.Replace[filepath.Join(here, "sdk", filepath.FromSlash(name))] = file
	}
	require.NotEmpty(t, overlay.Replace)
	text, err = json.Marshal(overlay)
	require.NoError(t, err)
	list := filepath.Join(dir, "overlay.json")
	require.NoError(t, os.WriteFile(list, text, 0o600))
	out, err := exec.CommandContext(t.Context(), "go", "build", "-overlay", list, "./sdk/...").CombinedOutput()
	require.NoError(t, err, string(out))
}
