package main

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/batchaccess/batchaccess/internal/visible"
)

// users are the commands that users are shown.
func users() (all []*cobra.Command) {
	for _, cmd := range newRoot().Commands() {
		if cmd.IsAvailableCommand() && cmd.Name() != "help" && cmd.Name() != "completion" {
			all = append(all, cmd)
		}
	}
	return all
}

// contract is what all commands have in common, with the commands that a row does not apply to, and why.
var contract = []struct {
	row   string
	not   map[string]string
	holds func(*testing.T, *cobra.Command)
}{
	{"`-C`, `--dir` name the folder of the project", nil, takes("dir", "C")},
	{"`--stack` names the stack",
		map[string]string{"sandbox": "the command that it runs names the stack"}, takes("stack", "s")},
	{
		"`--preview` takes the file of a preview", map[string]string{
			"sandbox": "it looks at nothing", "init": "it asks Azure, and there is no stack yet", "adopt": "it needs the file " +
				"of an import too",
		}, takes("preview", ""),
	},
	{"`--format` chooses what is printed",
		map[string]string{"sandbox": "what it runs prints"}, takes("format", "")},
	{"`--json` prints JSON", map[string]string{"sandbox": "what it runs prints"}, takes("json", "")},
	{"`--json` beside `--format` is refused", map[string]string{"sandbox": "what it runs prints"},
		func(t *testing.T, cmd *cobra.Command) {
			refused([]string{"--json", "--format", cmd.Flag("format").DefValue}, "none of the others can be")(t, cmd)
		}},
	{"an unknown format is refused", map[string]string{"sandbox": "what it runs prints"},
		func(t *testing.T, cmd *cobra.Command) {
			refused([]string{"--format", cmd.Flag("format").DefValue[1:]}, `--format: unknown value "`)(t, cmd)
			assert.Contains(t, cmd.Flag("format").Usage, "json")
		}},
	{
		"`--output` writes the report to a file", map[string]string{
			"sandbox": "what it runs prints", "init": "its file is the stack's",
		}, func(t *testing.T, cmd *cobra.Command) {
			takes("output", "o")(t, cmd)
			takes("force", "")(t, cmd)
			assert.Contains(t, cmd.Flag("output").Usage, "standard output")
		},
	},
	{
		"`--output` refuses to overwrite a file that batchaccess did not write", map[string]string{
			"sandbox": "what it runs prints", "init": "its file is the stack's",
		}, func(t *testing.T, cmd *cobra.Command) {
			for _, text := range []string{"remember the milk\n", "config: {}\n", `{"version": 1}`, "# batch",
				"x\n# batchaccess can: answer\n"} {
				file := filepath.Join(t.TempDir(), "notes")
				require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
				refused([]string{"-C", projectWith(t, map[string]string{"dev": oneUser}), "--output", file},
					"--output: "+file+" is there, and batchaccess did not make it; name another file, or say --force")(t, cmd)
				kept, err := os.ReadFile(file)
				require.NoError(t, err)
				assert.Equal(t, text, string(kept))
			}
			refused([]string{"--output", t.TempDir()}, "is a directory; name a file")(t, cmd)
			refused([]string{"--output", ""}, "--output is empty")(t, cmd)
		},
	},
	{
		"`--component` chooses one of several components", map[string]string{
			"explain": "it shows all", "review": "it shows all", "can": "the question names one", "adopt": "it takes up all",
			"sandbox": "what it runs names one", "init": "it writes one",
		}, takes("component", ""),
	},
	{
		"`--force` overwrites a file", map[string]string{
			"sandbox": "what it runs writes",
		}, takes("force", ""),
	},
	{"`--help` has an example", nil, func(t *testing.T, cmd *cobra.Command) {
		assert.Contains(t, cmd.Example, "batchaccess "+cmd.Name())
		code, stdout, _ := execute(t, cmd.Name(), "--help")
		assert.Zero(t, code)
		assert.Contains(t, stdout, "Examples:")
	}},
	{"`--help` says the exit codes",
		map[string]string{"sandbox": "that of what it runs"}, func(t *testing.T, cmd *cobra.Command) {
			assert.Regexp(t, `(?i)it exits with [01]|exit codes`, cmd.Long)
		}},
	{"--version prints the version", nil, func(t *testing.T, cmd *cobra.Command) {
		code, stdout, _ := execute(t, cmd.Name(), "--version")
		assert.Zero(t, code)
		assert.Contains(t, stdout, "version "+version())
	}},
	{"shells complete `--format`",
		map[string]string{"sandbox": "it has no --format"}, func(t *testing.T, cmd *cobra.Command) {
			code, stdout, _ := execute(t, "__complete", cmd.Name(), "--format", "")
			assert.Zero(t, code)
			assert.Contains(t, stdout, "json\n")
		}},
	{"control characters are not printed", nil, func(t *testing.T, cmd *cobra.Command) {
		nowhere := t.TempDir()
		for _, hostile := range []string{"\x1b]0;owned\a", "\u009b31m a\u202eb zero\u200bwidth"} {
			for _, flag := range []string{"dir", "stack", "preview", "output", "component", "format", "exists", hostile} {
				if cmd.Flag(flag) == nil && flag != hostile {
					continue
				}
				_, stdout, stderr := execute(t, slices.Concat([]string{cmd.Name(), "-C", nowhere, "--" + flag, hostile},
					arguments(cmd, false))...)
				assert.Equal(t, -1, strings.IndexFunc(stdout+stderr, func(r rune) bool {
					return r != '\n' && visible.Hidden(r)
				}), "--%s: %q", flag, stdout+stderr)
			}
		}
	}},
	{"`--debug` is taken",
		nil, refused([]string{"--debug", "--nothing-is-called-so"}, "unknown flag: --nothing-is-called-so")},
	{
		"a folder without a project is refused", nil, func(t *testing.T, cmd *cobra.Command) {
			args := []string{"-C", t.TempDir()}
			if cmd.Name() == "review" {
				args = append(args, "--stack", "dev")
			}
			refused(args, "no Pulumi.yaml")(t, cmd)
			args[1] = filepath.Join(projectWith(t, map[string]string{"dev": oneUser}), "typo")
			refused(args, "--dir: there is no folder "+args[1])(t, cmd)
		},
	},
	{
		"a stack that does not exist is refused", map[string]string{
			"sandbox": "what it runs names the stack", "init": "it writes it", "review": "it reads a preview alone",
		}, func(t *testing.T, cmd *cobra.Command) {
			dir := projectWith(t, map[string]string{"dev": oneUser})
			refused([]string{"-C", dir, "--stack", "prod"}, `stack "prod" has no Pulumi.prod.yaml`)(t, cmd)
			refused([]string{"-C", dir, "--stack", "me/batchaccess/prod"}, "has no Pulumi.prod.yaml")(t, cmd)
		},
	},
	{
		"`--yes` is needed to change Azure, a state or a stack file", map[string]string{
			"explain": "reads", "can": "reads", "review": "reads", "verify": "reads", "export": "reads",
			"invoke":  "is there to do it",
			"sandbox": "is there to do it", "rehearse": "is there to do it",
		}, takes("yes", "y"),
	},
}

// arguments are those that a command requires.
func arguments(cmd *cobra.Command, stack bool) []string {
	if cmd.Name() == "review" && stack {
		return nil // it previews
	}
	return map[string][]string{
		"can": {"ann", "start", "cpu"}, "review": {"/nonexistent/preview.json"}, "sandbox": {"--", "true"},
	}[cmd.Name()]
}

func takes(name, short string) func(*testing.T, *cobra.Command) {
	return func(t *testing.T, cmd *cobra.Command) {
		f := cmd.Flags().Lookup(name)
		if assert.NotNil(t, f, "--%s", name) {
			assert.Equal(t, short, f.Shorthand)
			assert.NotEmpty(t, f.Usage)
		}
	}
}

// refused runs the command with flags for which it must exit with 2 and print nothing, and returns its error.
func refused(flags []string, says string) func(*testing.T, *cobra.Command) {
	return func(t *testing.T, cmd *cobra.Command) {
		code, stdout, stderr := execute(t, slices.Concat([]string{cmd.Name()}, flags,
			arguments(cmd, slices.Contains(flags, "--stack")))...)
		assert.Equal(t, exitUsage, code)
		assert.Empty(t, stdout)
		assert.Contains(t, stderr, says)
	}
}

func TestEveryCommandKeepsTheContract(t *testing.T) {
	t.Parallel()
	commands := users()
	require.GreaterOrEqual(t, len(commands), 9)
	for _, c := range contract {
		t.Run(c.row, func(t *testing.T) {
			t.Parallel()
			for except := range c.not {
				assert.True(t, slices.ContainsFunc(commands, func(cmd *cobra.Command) bool { return cmd.Name() == except }), except)
			}
			for _, cmd := range users() {
				if _, not := c.not[cmd.Name()]; !not {
					t.Run(cmd.Name(), func(t *testing.T) { c.holds(t, cmd) })
				}
			}
		})
	}
}

func TestDeveloperToolsAreOutOfTheWay(t *testing.T) {
	t.Parallel()
	code, stdout, _ := execute(t, "--help")
	require.Zero(t, code)
	for _, cmd := range users() {
		assert.Contains(t, stdout, "  "+cmd.Name()+" ")
	}
	for _, name := range []string{"pulumi", "weather", "az"} {
		assert.NotContains(t, stdout, "\n  "+name+" ")
	}
	assert.Contains(t, stdout, "Exit codes, of every command:")
	assert.Contains(t, stdout, "  completion ")
	code, stdout, _ = execute(t, "--version")
	assert.Zero(t, code)
	assert.Contains(t, stdout, "batchaccess version ")
}

// A report replaces an earlier report, and nothing else.
func TestAReportIsNotWrittenOverWhatIsNone(t *testing.T) {
	t.Parallel()
	dir := projectWith(t, map[string]string{"dev": oneInput})
	for _, format := range []string{"table", "json", "markdown", "mermaid", "html"} {
		t.Run(format, func(t *testing.T) {
			t.Parallel()
			file := filepath.Join(t.TempDir(), "report")
			explain := func(more ...string) (int, string) {
				code, _, stderr := execute(t, append([]string{"explain", "-C", dir, "--format", format, "--output", file},
					more...)...)
				return code, stderr
			}
			for range 2 { // a new file, and the file of an earlier report
				code, stderr := explain()
				require.Zero(t, code, stderr)
			}
			report, err := os.ReadFile(file)
			require.NoError(t, err)
			for name, own := range map[string]string{
				"a note": "remember the milk\n", "a program": "name: scoring\nruntime: go\n", "JSON": `{"name": "x"}`,
				"HTML": "<!DOCTYPE html>\n<html lang=\"en\"><title>Access</title>", "Markdown": "# Access\n",
			} {
				require.NoError(t, os.WriteFile(file, []byte(own), 0o600))
				code, stderr := explain()
				assert.Equal(t, exitUsage, code, name)
				assert.Contains(t, stderr, "is there, and batchaccess did not make it; name another file, or say --force")
				kept, err := os.ReadFile(file)
				require.NoError(t, err)
				assert.Equal(t, own, string(kept))
			}
			code, stderr := explain("--force")
			require.Zero(t, code, stderr)
			forced, err := os.ReadFile(file)
			require.NoError(t, err)
			assert.Equal(t, string(report), string(forced))
		})
	}
}

// Output that can't be recognised by its form begins with a mark in a file, by which it can be replaced later.
func TestAnAnswerGoesOverAnEarlierOne(t *testing.T) {
	t.Parallel()
	dir, file := projectWith(t, map[string]string{"dev": oneInput}), filepath.Join(t.TempDir(), "answer")
	for _, format := range []string{"table", "json", "table"} {
		code, stdout, stderr := execute(t, "can", "ann", "start", "cpu", "-C", dir, "--format", format, "-o", file)
		require.Zero(t, code, stderr)
		assert.Empty(t, stdout)
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		assert.Equal(t, format == "table", strings.HasPrefix(string(text), "# batchaccess can: answer\nyes: "), string(text))
	}
}

func TestCanAnswersWithItsExitCode(t *testing.T) {
	t.Parallel()
	const outputs = "  batchaccess:dataOutputs: { scores: { dataStore: results, path: out, credentialInStore: false, " +
		"storageAccount: lake, container: scores } }\n"
	endpoints := "  batchaccess:endpoints: { score: { cluster: cpu, inputs: [rows], outputs: [scores], invokers: [ann] " +
		"} }\n"
	stack := strings.Replace(oneInput, "  batchaccess:clusters:", "    bob: { kind: user, objectId: "+
		"44444444-4444-4444-8444-444444444444 }\n  batchaccess:clusters:", 1) + outputs + endpoints
	const role = "  batchaccess:role: { roleDefinitionId: /subscriptions/11111111-1111-4111-8111-111111111111/providers/" +
		"Microsoft.Authorization/roleDefinitions/99999999-0000-4000-8000-000000000000 }\n"
	const writeBlobs = "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/write"
	lakeID := regexp.MustCompile(`/subscriptions/\S*/storageAccounts/\w+`).FindString(oneInput)
	for name, c := range map[string]struct {
		stack, ask string
		code       int
		says       string
	}{
		"starts":                         {stack, "ann start score", 0, "yes: jobs on score work"},
		"starts, reads nothing":          {stack, "bob start score", 1, "no: a job on score with rows fails at read"},
		"reads":                          {stack, "ann read rows", 0, "yes: a job on score does"},
		"does not read":                  {stack, "bob read rows", 1, "outside of jobs: "},
		"writes":                         {stack, "ann write scores", 0, "yes: a job on score does"},
		"does not write":                 {stack, "bob write scores", 1, "no grant writes there"},
		"does not write, and reaches it": {stack, "bob write scores", 1, "indirectly: yes, as cluster cpu, by changing"},
		"a cluster reads": {stack, "cluster:cpu read rows", 0,
			"yes: cluster cpu: mounts it by Storage Blob Data Reader on lake/rows"},
		"a cluster writes": {stack, "cluster:cpu write scores", 0,
			"yes: writes by Storage Blob Data Contributor on lake/scores"},
		"a risk": {stack, "ann do readsSecrets", 0,
			"yes: invoker ann: has Microsoft.MachineLearningServices/workspaces/"},
		"no risk": {stack, "ann do grantsAccess", 1, "no: invoker ann: no role covers grantsAccess"},
		"an action": {stack, "ann do Microsoft.MachineLearningServices/workspaces/read", 0,
			"yes: invoker ann: has "},
		"an unknown role":      {stack + role, "ann start score", 2, "undecided: "},
		"an unknown role does": {stack + role, "ann do grantsAccess", 2, "undecided: invoker ann: may have"},
		"nobody":               {stack, "anne start score", 2, `nobody who can start is called "anne"; did you mean "ann"?`},
		"a cluster starts":     {stack, "cluster:cpu start score", 2, `nobody who can start is called "cluster:cpu"`},
		"no endpoint":          {stack, "ann start scores", 2, `no endpoint is called "scores"; did you mean "score"?`},
		"no input":             {stack, "ann read scores", 2, `no data input is called "scores"`},
		"no output":            {stack, "ann write rows", 2, `no data output is called "rows"`},
		"no action":            {stack, "ann do readSecrets", 2, `did you mean "readsSecrets"?`},
		"a wildcard":           {stack, "ann do Microsoft.Storage/*", 2, "no risk, or action of Azure in full,"},
		"no verb":              {stack, "ann reads rows", 2, `unknown verb "reads"; did you mean "read"?`},
		"two words":            {stack, "ann start", 2, "2 words are given, and can takes three"},
		"an action at a place": {stack, "ann do Microsoft.MachineLearningServices/workspaces/read at workspace", 0,
			"yes: invoker ann: has Microsoft.MachineLearningServices/workspaces/read at workspace by "},
		"at a place that it acts on nothing of": {stack,
			"ann do Microsoft.MachineLearningServices/workspaces/read at lake", 1, "no role that is granted there or above"},
		"at a container": {stack, "ann do " + writeBlobs + " at lake/scores", 0, "at lake/scores by "},
		"at its ID": {stack, "ann do " + writeBlobs + " at " + lakeID + "/blobServices/default/containers/scores", 0,
			"yes: "},
		"at another container": {stack, "ann do " + writeBlobs + " at lake/rows", 1, "no: "},
		"at the account":       {stack, "ann do " + writeBlobs + " at lake", 1, "no: "},
		"at an endpoint, by the workspace": {stack,
			"ann do Microsoft.MachineLearningServices/workspaces/batchEndpoints/jobs/write at endpoint score", 0, "yes: "},
		"at a place, an unknown role": {stack + role, "ann do grantsAccess at workspace", 2, "undecided: "},
		"at a place, no risk":         {stack, "ann do grantsAccess at workspace", 1, "covers grantsAccess"},
		"at no place of the stack":    {stack, "ann do grantsAccess at laek", 2, `did you mean "lake"?`},
		"at an ID that is none of it": {stack, "ann do grantsAccess at /subscriptions/x", 2, "or ask Azure with --live"},
		"at nothing": {stack, "ann do grantsAccess at", 2,
			`after "grantsAccess" comes nothing, or a place`},
		"two words too many":             {stack, "ann do grantsAccess in lake", 2, "comes nothing, or a place"},
		"at a place, of what takes none": {stack, "ann read rows at lake", 2, "only do takes a place"},
		"live, of nobody":                {stack, "bert do grantsAccess --live", 2, `nobody who can do is called "bert"`},
		"live, at no place":              {stack, "ann do grantsAccess at laek --live", 2, `did you mean "lake"?`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := projectWith(t, map[string]string{"dev": c.stack})
			code, stdout, stderr := execute(t, append([]string{"can", "-C", dir}, strings.Fields(c.ask)...)...)
			assert.Equal(t, c.code, code, stdout+stderr)
			assert.Contains(t, stdout+stderr, c.says)
		})
	}
}
