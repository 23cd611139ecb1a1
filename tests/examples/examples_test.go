// Package examples rehearses the stacks in examples/: the real engine deploys each to the embedded Azure, and their
// invokers start jobs.
package examples

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gopkg.in/yaml.v3"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/config"
	"github.com/batchaccess/batchaccess/sandbox/pulumicli"
	"github.com/batchaccess/batchaccess/sandbox/rehearsal"
)

const root = "../.."

// TestMain puts Pulumi's language host for YAML on PATH, built where lint keeps its tools: once, as long as it stays.
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
	build := exec.Command("go", "build", "-o", filepath.Join(bin, "pulumi-language-yaml"), "github.com/pulumi/pulumi-yaml/cmd/pulumi-language-yaml")
	build.Dir = filepath.Join(root, "tools", "yamlhost")
	if output, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("building the language host for YAML: %w\n%s", err, output)
	}
	return os.Setenv("PATH", bin+string(os.PathListSeparator)+os.Getenv("PATH"))
}

// model is the access that both examples declare, read from the one in YAML.
func model(t *testing.T) access.Model {
	t.Helper()
	project, err := os.ReadFile(filepath.Join(root, "examples", "yaml", "Pulumi.yaml"))
	require.NoError(t, err)
	settings, err := config.ReadStack(filepath.Join(root, "examples", "yaml", "Pulumi.dev.yaml"), "scoring")
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
	// To the component, the scheduler is an identity that exists; to the sandbox, one that the stack makes.
	scheduler := values["invokers"].(map[string]any)["scheduler"].(map[string]any)
	for _, key := range []string{"principalId", "clientId"} {
		require.Contains(t, scheduler[key], "${scheduler.")
		delete(scheduler, key)
	}
	args, problems := config.Decode(values)
	require.NoError(t, problems.Err())
	return args.Model()
}

// A resource is what the engine keeps of one, as far as it is the same in two deployments.
type resource struct {
	URN    string         `json:"urn"`
	Type   string         `json:"type"`
	Inputs map[string]any `json:"inputs"`
}

// rehearse deploys an example and returns the report and what was deployed.
func rehearse(t *testing.T, example string) (*rehearsal.Report, map[string]resource) {
	t.Helper()
	cli, err := pulumicli.Find(t.Context(), t.Output())
	require.NoError(t, err)
	o := rehearsal.Options{
		ProjectDir: filepath.Join(root, "examples", example), Stack: "dev", Model: model(t), StateDir: t.TempDir(), Pulumi: cli, Keep: true,
	}
	report, err := rehearsal.Run(t.Context(), o)
	require.NoError(t, err)

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
		if !strings.HasPrefix(r.Type, "pulumi:") {
			kept[r.URN] = r
		}
	}
	return report, kept
}

func TestTheExamplesWorkAndAreTheSameInBothLanguages(t *testing.T) {
	t.Parallel()
	deployed := map[string]map[string]resource{}
	for _, example := range []string{"go", "yaml"} {
		report, resources := rehearse(t, example)
		assert.True(t, report.Passed(), "%s: %v", example, report.Failures())
		deployed[example] = resources
	}
	assert.Greater(t, len(deployed["go"]), 20)
	for urn, inGo := range deployed["go"] {
		inYAML, ok := deployed["yaml"][urn]
		if assert.True(t, ok, "only the Go stack has %s", urn) {
			assert.Equal(t, keys(inGo.Inputs), keys(inYAML.Inputs), urn)
		}
	}
	assert.Len(t, deployed["yaml"], len(deployed["go"]))
}

func keys(m map[string]any) map[string]bool {
	all := map[string]bool{}
	for key := range m {
		all[key] = true
	}
	return all
}
