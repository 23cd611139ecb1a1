package examples

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"gopkg.in/yaml.v3"
)

// goSDKProject is the stack of examples/go, written with the SDK that `pulumi package add` generates for Go. It imports
// nothing of this module, and reaches the components through the plugin.
func goSDKProject(t *testing.T) string {
	t.Helper()
	project, err := goSDK()
	require.NoError(t, err)
	return project
}

// goSDK writes the project once, and always into the same folder: Go's build cache has the SDK of that folder.
var goSDK = sync.OnceValues(func() (string, error) {
	project, err := filepath.Abs(filepath.Join(root, "bin", "go-sdk"))
	if err != nil {
		return "", err
	}
	plugin, err := filepath.Abs(filepath.Join(root, "plugin"))
	if err != nil {
		return "", err
	}
	if err := os.RemoveAll(project); err != nil {
		return "", err
	}
	run := func(folder, name string, args ...string) error {
		if out, err := in(folder, name, args...).CombinedOutput(); err != nil {
			return fmt.Errorf("%s %s: %w\n%s", name, args[0], err, out)
		}
		return nil
	}
	if err := run(filepath.Join(root, "tools"), "go", "run", "./gensdk", "-language", "go", "-schema",
		filepath.Join(plugin, "schema.json"), "-to", filepath.Join(project, "sdk")); err != nil {
		return "", err
	}

	example := filepath.Join(root, "examples", "go")
	var errs []error
	read := func(file string) string {
		text, err := os.ReadFile(file)
		errs = append(errs, err)
		return string(text)
	}
	write := func(name, text string) {
		errs = append(errs, os.WriteFile(filepath.Join(project, name), []byte(text), 0o600))
	}
	own := regexp.MustCompile(`(?m)^.*github\.com/batchaccess/batchaccess (v|=>).*\n`)
	const sdk = "github.com/batchaccess/batchaccess/sdk/go"
	write("go.mod", own.ReplaceAllString(read(filepath.Join(example, "go.mod")), "")+
		"\nrequire "+sdk+" v0.0.0\n\nreplace "+sdk+" => ./sdk\n")
	write("go.sum", read(filepath.Join(example, "go.sum")))
	write("main.go", read(filepath.Join("testdata", "gosdk", "main.go")))
	write("Pulumi.dev.yaml", read(filepath.Join(example, "Pulumi.dev.yaml")))

	settings := map[string]any{}
	errs = append(errs, yaml.Unmarshal([]byte(read(filepath.Join(example, "Pulumi.yaml"))), &settings))
	if settings["runtime"] != "go" {
		errs = append(errs, fmt.Errorf("the runtime of %s is %v", example, settings["runtime"]))
	}
	settings["packages"] = map[string]any{"batchaccess": plugin}
	text, err := yaml.Marshal(settings)
	errs = append(errs, err)
	write("Pulumi.yaml", string(text))
	return project, errors.Join(append(errs, run(project, "go", "build", "-mod=mod", "-o", os.DevNull, "."))...)
})
