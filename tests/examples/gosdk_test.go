package examples

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"gopkg.in/yaml.v3"
)

// goSDKProject is the stack of examples/go, written with the SDK that `pulumi package add` generates for Go. It imports
// nothing of this module, and reaches the components through the plugin.
func goSDKProject(t *testing.T) string {
	t.Helper()
	project := t.TempDir()
	schema, err := filepath.Abs(filepath.Join(root, "plugin", "schema.json"))
	require.NoError(t, err)
	run := func(folder, name string, args ...string) {
		out, err := in(folder, name, args...).CombinedOutput()
		require.NoError(t, err, string(out))
	}
	run(filepath.Join(root, "tools"), "go", "run", "./gensdk", "-language", "go", "-schema", schema,
		"-to", filepath.Join(project, "sdk"))

	example := filepath.Join(root, "examples", "go")
	read := func(file string) string {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		return string(text)
	}
	write := func(name, text string) {
		require.NoError(t, os.WriteFile(filepath.Join(project, name), []byte(text), 0o600))
	}
	own := regexp.MustCompile(`(?m)^.*github\.com/batchaccess/batchaccess (v|=>).*\n`)
	const sdk = "github.com/batchaccess/batchaccess/sdk/go"
	write("go.mod", own.ReplaceAllString(read(filepath.Join(example, "go.mod")), "")+
		"\nrequire "+sdk+" v0.0.0\n\nreplace "+sdk+" => ./sdk\n")
	write("go.sum", read(filepath.Join(example, "go.sum")))
	write("main.go", read(filepath.Join("testdata", "gosdk", "main.go")))
	write("Pulumi.dev.yaml", read(filepath.Join(example, "Pulumi.dev.yaml")))
	run(project, "go", "build", "-mod=mod", "-o", os.DevNull, ".")

	var settings map[string]any
	require.NoError(t, yaml.Unmarshal([]byte(read(filepath.Join(example, "Pulumi.yaml"))), &settings))
	plugin, err := filepath.Abs(filepath.Join(root, "plugin"))
	require.NoError(t, err)
	settings["packages"] = map[string]any{"batchaccess": plugin}
	text, err := yaml.Marshal(settings)
	require.NoError(t, err)
	require.Contains(t, strings.ToLower(string(text)), "runtime: go")
	write("Pulumi.yaml", string(text))
	return project
}
