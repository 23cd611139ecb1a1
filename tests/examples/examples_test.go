// Package examples rehearses the stacks in examples/: the real engine deploys each to the embedded Azure, and their
// invokers start jobs.
package examples

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gopkg.in/yaml.v3"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/internal/config"
	"github.com/batchaccess/batchaccess/sandbox/pulumicli"
	"github.com/batchaccess/batchaccess/sandbox/rehearsal"
)

const root = "../.."

// TestMain puts Pulumi's language host for YAML on PATH. It is built once, into the folder that lint uses for its
// tools.
func TestMain(m *testing.M) {
	if err := addLanguageHost(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(m.Run())
}

func addLanguageHost() error {
	bin, err := filepath.Abs(filepath.Join(root, "bin"))
	if err != nil {
		return err
	}
	build := exec.Command("go", "build", "-ldflags=-s -w", "-o", filepath.Join(bin, "pulumi-language-yaml"),
		"github.com/pulumi/pulumi-yaml/cmd/pulumi-language-yaml")
	build.Dir = filepath.Join(root, "tools", "yamlhost")
	if output, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("building the language host for YAML: %w\n%s", err, output)
	}
	return os.Setenv("PATH", bin+string(os.PathListSeparator)+os.Getenv("PATH"))
}

// model is the access that all examples declare, read from the one in YAML.
func model(t *testing.T) access.Model {
	t.Helper()
	project, err := os.ReadFile(filepath.Join(root, "examples", "yaml", "Pulumi.yaml"))
	require.NoError(t, err)
	settings, err := config.ReadStack(filepath.Join(root, "examples", "yaml"), "dev")
	require.NoError(t, err)
	text := string(project)
	for key, value := range settings {
		text = strings.ReplaceAll(text, "${"+key+"}", fmt.Sprint(value))
	}
	var program struct {
		Resources map[string]struct {
			Properties map[string]any `yaml:"properties"`
		} `yaml:"resources"`
	}
	require.NoError(t, yaml.Unmarshal([]byte(text), &program))
	values := program.Resources["scoring"].Properties
	// For the component, the scheduler is an existing identity; for the sandbox, the stack makes it.
	scheduler := values["invokers"].(map[string]any)["scheduler"].(map[string]any)
	for _, key := range []string{"principalId", "clientId"} {
		require.Contains(t, scheduler[key], "${scheduler.")
		delete(scheduler, key)
	}
	model, problems := config.Model(values)
	require.NoError(t, problems.Err())
	return model
}

// Pulumi's host for YAML warns, at every preview, of keys in a project's configuration that it does not know.
func TestTheExampleInYAMLIsWithoutAWarning(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(filepath.Join(root, "examples", "yaml", "Pulumi.yaml"))
	require.NoError(t, err)
	var project struct {
		Config map[string]map[string]any `yaml:"config"`
	}
	require.NoError(t, yaml.Unmarshal(text, &project))
	require.NotEmpty(t, project.Config)
	for key, declared := range project.Config {
		for field := range declared {
			assert.Contains(t, []string{"secret", "default", "items", "type", "name", "value"}, field, key)
		}
	}
}

// A resource has the properties in the engine's state that can be the same in two deployments. The stack is one too.
type resource struct {
	URN     string         `json:"urn"`
	Type    string         `json:"type"`
	Parent  string         `json:"parent"`
	Inputs  map[string]any `json:"inputs"`
	Outputs map[string]any `json:"outputs"`
	Protect bool           `json:"protect"`
	// Secrets are the secret outputs besides those of the resource's type.
	Secrets []string `json:"additionalSecretOutputs"`
}

// rehearse deploys the stack of a project twice, the second time to destroy it, and returns what was deployed.
func rehearse(t *testing.T, project string) map[string]resource {
	t.Helper()
	// the engine builds it: `go test` must see that the result depends on it
	for _, folder := range []string{"plugin", "plugin/provider"} {
		_, err := os.ReadDir(filepath.Join(root, folder))
		require.NoError(t, err)
	}
	cli, err := pulumicli.Find(t.Context(), t.Output())
	require.NoError(t, err)
	o := rehearsal.Options{
		ProjectDir: project, Stack: "dev", Model: model(t), StateDir: t.TempDir(), Pulumi: cli, Keep: true,
	}
	run := func() {
		report, err := rehearsal.Run(t.Context(), o)
		require.NoError(t, err)
		assert.True(t, report.Passed(), "%v; left: %v", report.Failures(), report.Left)
		assert.Greater(t, len(report.Outcomes), 3)
	}
	run()
	text, err := os.ReadFile(filepath.Join(o.StateDir, "backend", ".pulumi", "stacks", "scoring", "dev.json"))
	require.NoError(t, err)
	var state struct {
		Checkpoint struct {
			Latest struct {
				Resources []resource `json:"resources"`
			} `json:"latest"`
		} `json:"checkpoint"`
	}
	require.NoError(t, json.Unmarshal(text, &state))
	kept := map[string]resource{}
	for _, r := range state.Checkpoint.Latest.Resources {
		if !strings.HasPrefix(r.Type, "pulumi:providers:") {
			kept[r.URN] = r
		}
	}
	o.Keep = false
	run()
	return kept
}

// projects are the examples, by language.
var projects = map[string]func(*testing.T) string{
	"go":           func(*testing.T) string { return filepath.Join(root, "examples", "go") },
	"yaml":         func(*testing.T) string { return filepath.Join(root, "examples", "yaml") },
	"go by an SDK": goSDKProject,
	"typescript":   typeScriptProject, // if there is Node.js
	"python":       pythonProject,     // if there is Python
}

func TestTheExamplesWorkAndAreTheSameInEveryLanguage(t *testing.T) {
	t.Parallel()
	var lock sync.Mutex
	deployed := map[string]map[string]resource{}
	require.True(t, t.Run("rehearsals", func(t *testing.T) {
		for language, project := range projects {
			t.Run(language, func(t *testing.T) {
				t.Parallel()
				resources := rehearse(t, project(t))
				lock.Lock()
				defer lock.Unlock()
				deployed[language] = resources
			})
		}
	}))
	assert.Greater(t, len(deployed["go"]), 20)
	assert.Contains(t, deployed, "yaml")
	stack := plain(t, deployed["go"]["urn:pulumi:dev::scoring::pulumi:pulumi:Stack::scoring-dev"])
	assert.Regexp(t, `"clientSecrets":{[^{}]*<secret>}`, stack)
	for language := range deployed {
		for urn, inGo := range deployed["go"] {
			r, ok := deployed[language][urn]
			if assert.True(t, ok, "the stack in %s lacks %s", language, urn) {
				assert.Equal(t, plain(t, inGo), plain(t, r), language)
			}
		}
		assert.Len(t, deployed[language], len(deployed["go"]), language)
	}
}

var (
	guid   = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`)
	moment = regexp.MustCompile(`"\d{4}-\d\d-\d\dT[0-9:.]+Z"`)
	secret = regexp.MustCompile(`"(ciphertext|plaintext)":"[^"]*"`)
)

// plain is a resource without values that are new in every deployment: times, IDs that Azure makes, and IDs derived
// from them.
func plain(t *testing.T, r resource) string {
	t.Helper()
	text, err := json.Marshal(r)
	require.NoError(t, err)
	return secret.ReplaceAllString(moment.ReplaceAllString(guid.ReplaceAllString(string(text), "<GUID>"), `"<moment>"`),
		"<secret>")
}
