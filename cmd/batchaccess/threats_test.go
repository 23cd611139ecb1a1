package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/batchaccess/batchaccess/internal/guardrails"
	"github.com/batchaccess/batchaccess/roles"
)

// Each threat has an answer that exists in the code, or says that it has none.
func TestTheThreatModelNamesWhatIsThere(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile(filepath.Join(repository, "docs", "threat-model.md"))
	require.NoError(t, err)
	rows := 0
	for line := range strings.Lines(string(page)) {
		names := regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(line, -1)
		for _, name := range names {
			assert.True(t, isThere(t, name[1]), "nothing is called %s", name[1])
		}
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), " | ")
		if len(cells) != 2 || strings.Contains(line, "| threat |") {
			continue
		}
		rows++
		assert.Regexp(t, "`|\\*Not answered\\*", cells[1], "what answers this: %s", cells[0])
	}
	assert.Greater(t, rows, 30)
}

func TestAThreatModelThatNamesWhatIsNotThereIsFound(t *testing.T) {
	t.Parallel()
	for _, name := range []string{
		"adopt.TestNothing", "nowhere.TestRules", "guardrails.TestMain", "--no-such-flag", "batchaccess " +
			"explore", "invokers.<name>.password", "cluster-rdp", "docs/none.md", "workspaces/fly", "review --strict",
	} {
		assert.False(t, isThere(t, name), name)
	}
}

var (
	testForm   = regexp.MustCompile(`^([a-z/]+)\.(Test\w+)$`)
	configRows = regexp.MustCompile("(?m)^\\| `([^`]+)` \\|")
)

// isThere reports whether there is a test, a command with its flags, a configuration key, a guardrail, a file, an
// action of the invokers' role, or a variable that the sandbox removes, with this name.
func isThere(t *testing.T, name string) bool {
	t.Helper()
	if parts := testForm.FindStringSubmatch(name); parts != nil {
		return slices.Contains(testsOf(t, parts[1]), parts[2])
	}
	keys, err := os.ReadFile(filepath.Join(repository, "docs", "configuration.md"))
	require.NoError(t, err)
	var known []string
	for _, row := range configRows.FindAllStringSubmatch(string(keys), -1) { // internal/config tests these
		known = append(known, row[1])
	}
	for _, rule := range guardrails.Rules() {
		known = append(known, rule.ID)
	}
	for _, field := range reflect.VisibleFields(reflect.TypeFor[guardrails.Config]()) {
		known = append(known, field.Tag.Get("yaml"))
	}
	for _, action := range roles.InvokerActions() {
		known = append(known, strings.TrimPrefix(action, "Microsoft.MachineLearningServices/workspaces/"))
	}
	// Names of the user's, Pulumi's or Entra's, which are in no table of ours.
	known = append(known, azName, "main", "guardrails.yaml", "pulumi up", "PULUMI_DEBUG_PROVIDERS", "*")
	if slices.Contains(known, name) {
		return true
	}
	if words := strings.Fields(strings.TrimPrefix(name, "batchaccess ")); !strings.HasPrefix(name, "--") &&
		len(words) > 0 {
		for _, cmd := range newRoot().Commands() {
			if cmd.Name() == words[0] {
				return !slices.ContainsFunc(words[1:], func(flag string) bool { return !hasFlag(cmd, flag) })
			}
		}
	}
	if strings.HasPrefix(name, "--") {
		return slices.ContainsFunc(append(newRoot().Commands(), newRoot()),
			func(c *cobra.Command) bool { return hasFlag(c, name) })
	}
	_, err = os.Stat(filepath.Join(repository, name))
	return err == nil
}

func hasFlag(cmd *cobra.Command, flag string) bool {
	found := false
	for _, flags := range []*pflag.FlagSet{cmd.Flags(), cmd.PersistentFlags(), cmd.InheritedFlags()} {
		found = found || flags.Lookup(strings.TrimPrefix(flag, "--")) != nil
	}
	return found
}

// testsOf are the tests of a package of this repository.
func testsOf(t *testing.T, folder string) (names []string) {
	t.Helper()
	var files []string
	for _, at := range []string{folder, filepath.Join("internal", folder)} {
		found, err := filepath.Glob(filepath.Join(repository, at, "*_test.go"))
		require.NoError(t, err)
		files = append(files, found...)
	}
	for _, file := range files {
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
		require.NoError(t, err)
		for _, declared := range parsed.Decls {
			if f, ok := declared.(*ast.FuncDecl); ok && f.Recv == nil && strings.HasPrefix(f.Name.Name, "Test") &&
				f.Name.Name != "TestMain" {
				names = append(names, f.Name.Name)
			}
		}
	}
	return names
}
