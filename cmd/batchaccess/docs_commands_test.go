package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/spf13/pflag"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gopkg.in/yaml.v3"

	"github.com/batchaccess/batchaccess/internal/config"
	"github.com/batchaccess/batchaccess/internal/guardrails"
)

var (
	codeSpan  = regexp.MustCompile("`([^`\n]+)`")
	codeBlock = regexp.MustCompile("(?ms)^ *```([a-z]*)$(.*?)^ *```$")
	// asked is one of our commands with its arguments, up to the next command of the shell.
	asked    = regexp.MustCompile(`(?:^|[\s(])batchaccess ((?:--)?[a-z][^|&;>#)]*)`)
	flagName = regexp.MustCompile(`^--[a-z][a-z-]+`)
)

// unknownCommands are our commands on a page that do not exist, or have a flag that does not exist.
func unknownCommands(page string) (unknown []string) {
	var code []string
	for _, found := range codeBlock.FindAllStringSubmatch(page, -1) {
		if found[1] == "sh" || found[1] == "yaml" {
			code = append(code, strings.Split(found[2], "\n")...)
		}
	}
	for _, found := range codeSpan.FindAllStringSubmatch(codeBlock.ReplaceAllString(page, ""), -1) {
		code = append(code, found[1])
	}
	for _, line := range code {
		for _, found := range asked.FindAllStringSubmatch(line, -1) {
			command, rest, err := newRoot().Find(strings.Fields(found[1]))
			if err != nil || !command.HasParent() && len(rest) > 0 && !strings.HasPrefix(rest[0], "--version") {
				unknown = append(unknown, found[0])
				continue
			}
			for _, arg := range rest {
				if arg == "--" {
					break
				}
				name := strings.TrimPrefix(flagName.FindString(arg), "--")
				if name != "" && command.Flags().Lookup(name) == nil && command.InheritedFlags().Lookup(name) == nil &&
					name != "help" && name != "version" {
					unknown = append(unknown, found[0])
				}
			}
		}
	}
	return unknown
}

func docPages(t *testing.T) map[string]string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(repository, "docs", "*.md"))
	require.NoError(t, err)
	pages := map[string]string{}
	for _, file := range append(files, filepath.Join(repository, "README.md"), filepath.Join(repository, "SECURITY.md")) {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		pages[filepath.Base(file)] = string(text)
	}
	return pages
}

func TestTheDocsNameCommandsAndFlagsThatExist(t *testing.T) {
	t.Parallel()
	flags := map[string]bool{"--help": true, "--password": true} // of every command; of az login
	for _, pulumis := range []string{"secret", "policy-pack", "target", "exclude", "show-sames"} {
		flags["--"+pulumis] = true
	}
	for _, command := range newRoot().Commands() {
		command.Flags().VisitAll(func(f *pflag.Flag) { flags["--"+f.Name] = true })
	}
	newRoot().PersistentFlags().VisitAll(func(f *pflag.Flag) { flags["--"+f.Name] = true })
	for _, command := range newRoot().Commands() {
		assert.Empty(t, unknownCommands("```sh\n"+command.Example+"\n```\n"), "examples of %s", command.Name())
	}
	for name, text := range docPages(t) {
		assert.Empty(t, unknownCommands(text), name)
		for _, span := range codeSpan.FindAllStringSubmatch(codeBlock.ReplaceAllString(text, ""), -1) {
			if flag := flagName.FindString(span[1]); flag != "" {
				assert.True(t, flags[flag], "%s: no command has %s", name, span[1])
			}
		}
	}
	for page, wrong := range map[string]int{
		"`batchaccess explian`": 1, "see `batchaccess verify --wiat 5m`": 1, "```sh\nbatchaccess pin --yes\n```\n": 0,
		"```sh\npulumi up && batchaccess verfy\n```\n": 1, "`batchaccess sandbox -- pulumi up --yes`": 0,
		"`batchaccess --version`":                                      0,
		"```yaml\n  - run: batchaccess review - --fail-onn new\n```\n": 1, "`batchaccess:invokers`": 0,
	} {
		assert.Len(t, unknownCommands(page), wrong, page)
	}
}

// around is the configuration that the blocks in the docs refer to and leave out.
const around = `
workspaceId: /subscriptions/11111111-1111-4111-8111-111111111111/resourceGroups/ml/providers/` +
	`Microsoft.MachineLearningServices/workspaces/ws
location: westeurope
invokers:
  analysts: { kind: group, displayName: Scoring analysts }
  pipeline: { kind: servicePrincipal, clientId: 66666666-6666-4666-8666-666666666666 }
clusters: { cpu: {} }
storageAccounts:
  lake: /subscriptions/11111111-1111-4111-8111-111111111111/resourceGroups/ml/providers/` +
	`Microsoft.Storage/storageAccounts/lake
dataInputs:
  sales: { kind: blob, storageAccount: lake, container: sales }
  payroll: { kind: blob, storageAccount: lake, container: payroll }
endpoints:
  heart-classifier: { cluster: cpu, inputs: [sales], invokers: [analysts] }
  wages: { cluster: cpu, inputs: [payroll], invokers: [pipeline] }
`

// Each block of YAML in the docs is a configuration, or a guardrails.yaml, that is accepted.
func TestTheDocsShowYAMLThatIsTaken(t *testing.T) {
	t.Parallel()
	stacks, rules := 0, 0
	for name, page := range docPages(t) {
		for _, found := range codeBlock.FindAllStringSubmatch(page, -1) {
			if found[1] != "yaml" || name == "README.md" { // TestRehearseReports brings up the README's
				continue
			}
			text := strings.ReplaceAll(found[2], "/…/", "/11111111-1111-4111-8111-111111111111/resourceGroups/ml/")
			var block, values map[string]any
			require.NoError(t, yaml.Unmarshal([]byte(text), &block), text)
			if _, is := block["levels"]; is {
				rules++
				_, err := guardrails.ParseConfig([]byte(text), time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC))
				assert.NoError(t, err, text)
				continue
			}
			stacks++
			require.NoError(t, yaml.Unmarshal([]byte(around), &values))
			for key, value := range block {
				values[strings.TrimPrefix(key, "batchaccess:")] = value
			}
			_, problems := config.Model(values)
			for _, problem := range problems {
				assert.Contains(t, problem.Error(), "pulumi preview", "%s:\n%s", name, text)
			}
		}
	}
	assert.Positive(t, stacks)
	assert.Positive(t, rules)
}
