package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/pflag"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// execute runs the command as a shell would, and returns its exit code and its output.
func execute(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	code = runWith(t.Context(), args, &out, &errs)
	return code, out.String(), errs.String()
}

// project writes a project with these stacks and the repository's own program.
func projectWith(t *testing.T, stacks map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	program, err := filepath.Abs("../..")
	require.NoError(t, err)
	text, err := os.ReadFile(filepath.Join(program, "Pulumi.yaml"))
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "Pulumi.yaml"), append(text, []byte("main: "+program+"\n")...),
		0o600))
	for name, stack := range stacks {
		require.NoError(t, os.WriteFile(filepath.Join(dir, "Pulumi."+name+".yaml"), []byte(stack), 0o600))
	}
	return dir
}

const oneUser = `config:
  batchaccess:workspaceId: /subscriptions/11111111-1111-4111-8111-111111111111/resourceGroups/rg/providers/` +
	`Microsoft.MachineLearningServices/workspaces/ws
  batchaccess:location: westeurope
  batchaccess:invokers:
    ann: { kind: user, objectId: 33333333-3333-4333-8333-333333333333 }
  batchaccess:clusters: { cpu: {} }
`

func TestWhatCannotBeAskedForIsRefused(t *testing.T) {
	t.Parallel()
	twoStacks := projectWith(t, map[string]string{"dev": oneUser, "prod": oneUser})
	rightful := projectWith(t, map[string]string{"dev": oneUser})
	wrong := projectWith(t, map[string]string{"dev": strings.ReplaceAll(oneUser, "kind: user", "kind: usr")})
	for name, c := range map[string]struct {
		args []string
		says string
	}{
		"no project":       {[]string{"rehearse", "--dir", t.TempDir()}, "no Pulumi.yaml"},
		"two stacks":       {[]string{"rehearse", "--dir", twoStacks}, "name a stack with --stack; use dev, prod"},
		"an unknown stack": {[]string{"rehearse", "--dir", twoStacks, "--stack", "prd"}, `did you mean "prod"?`},
		"an unknown flag":  {[]string{"rehearse", "--stak", "dev"}, "unknown flag: --stak"},
		"an argument":      {[]string{"rehearse", "dev"}, `unknown command "dev"`},
		"a wrong value": {[]string{"rehearse", "--dir", wrong},
			`invokers.ann.kind: unknown value "usr"; did you mean "user"?`},
		"no such stand-in": {[]string{"rehearse", "--dir", rightful, "--stand-in", "azure"},
			`there is no stand-in for "azure"; did you mean "azuread"?`},
		"nothing to sandbox": {[]string{"sandbox"}, "no command to run"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			code, stdout, stderr := execute(t, c.args...)
			assert.Equal(t, exitUsage, code)
			assert.Empty(t, stdout)
			assert.Contains(t, stderr, c.says)
		})
	}
}

func TestAFlagWithoutAValueIsRefused(t *testing.T) {
	t.Parallel()
	tried := 0
	for _, cmd := range newRoot().Commands() {
		cmd.Flags().VisitAll(func(f *pflag.Flag) {
			if kind := f.Value.Type(); f.Name == "stand-in" || kind != "string" && kind != "stringSlice" {
				return
			}
			tried++
			said := ""
			for _, arguments := range [][]string{nil, {"x"}, {"x", "x"}, {"x", "start", "x"}} { // as many as the command takes
				code, stdout, stderr := execute(t, append([]string{cmd.Name(), "--" + f.Name + "="}, arguments...)...)
				assert.Equal(t, exitUsage, code, "%s --%s", cmd.Name(), f.Name)
				assert.Empty(t, stdout)
				said += stderr
			}
			assert.Contains(t, said, "--"+f.Name+" is empty; give it a value, or leave it out", cmd.Name())
		})
	}
	assert.Greater(t, tried, 20)
	code, _, stderr := execute(t, "review", "--fail-on", "added,", "plan.json")
	assert.Equal(t, exitUsage, code)
	assert.Contains(t, stderr, "--fail-on is empty")
}

func TestEveryCommandIsDocumented(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../docs/commands.md")
	require.NoError(t, err)
	for _, cmd := range newRoot().Commands() {
		if cmd.Hidden { // the old name of a part of another one
			continue
		}
		assert.NotEmpty(t, cmd.Short, cmd.Name())
		if cmd.Hidden {
			continue
		}
		assert.Contains(t, string(page), "| [`batchaccess "+cmd.Name()+"`](#"+cmd.Name()+") |")
		assert.Contains(t, cmd.Example, "batchaccess "+cmd.Name(), cmd.Name())
	}
}

func TestRehearseReports(t *testing.T) {
	t.Parallel()
	t.Run("the first stack of the README passes", func(t *testing.T) {
		t.Parallel()
		code, stdout, stderr := execute(t, "rehearse", "--dir", projectWith(t, map[string]string{"dev": firstStack(t)}),
			"--json")
		require.Equal(t, 0, code, stderr)
		type outcome struct{ Invoker, Endpoint, Input, Got string }
		var report struct {
			Outcomes []outcome `json:"outcomes"`
			Left     []string  `json:"left"`
		}
		require.NoError(t, json.Unmarshal([]byte(stdout), &report))
		for _, who := range []string{"ada", "analysts"} {
			assert.Contains(t, report.Outcomes, outcome{who, "risk-model", "patients", "works"})
		}
		assert.Empty(t, report.Left)
		assert.Contains(t, stderr, "pulumi up: ")
	})
	t.Run("a stack that fails", func(t *testing.T) {
		t.Parallel()
		stack := oneUser + "  batchaccess:role: { builtIn: AzureML Data Scientist }\n"
		code, stdout, stderr := execute(t, "rehearse", "--dir", projectWith(t, map[string]string{"dev": stack}))
		assert.Equal(t, exitFailed, code)
		assert.Contains(t, stdout, "ann on cpu with -: should work, failed at invoke")
		assert.NotContains(t, stdout, "\x1b[", "no colour but on a terminal")
		assert.Contains(t, stderr, "warning: role.builtIn")
	})
}

func TestARehearsalThatIsKeptCanBeLookedAt(t *testing.T) {
	t.Parallel()
	dir := projectWith(t, map[string]string{"dev": oneUser})
	code, stdout, stderr := execute(t, "rehearse", "--dir", dir, "--keep")
	require.Equal(t, 0, code, stderr)
	kept := filepath.Join(dir, ".batchaccess", "rehearsal-dev")
	assert.Contains(t, stdout, kept)
	code, stdout, stderr = execute(t, "sandbox", "--dir", dir, "--state-dir", kept, "--", "pulumi", "stack", "output",
		"principalIds", "--json", "--stack", "dev")
	require.Equal(t, 0, code, stderr)
	assert.Contains(t, stdout, "33333333-3333-4333-8333-333333333333")
	code, _, stderr = execute(t, "sandbox", "--dir", dir, "--state-dir", kept, "--", "pulumi", "destroy", "--yes",
		"--stack", "dev")
	assert.Equal(t, 0, code, stderr)
}

// A backend that does not know the stack: Pulumi fails, and its exit code is not this command's.
func TestWhatPulumiFailsAtIsReported(t *testing.T) {
	t.Setenv("PULUMI_BACKEND_URL", "file://"+t.TempDir())
	dir := projectWith(t, map[string]string{"dev": oneUser})
	for _, command := range []string{"pin", "adopt", "verify"} {
		code, stdout, stderr := execute(t, command, "--dir", dir)
		assert.Equal(t, exitUsage, code, command)
		assert.Empty(t, stdout, command)
		assert.Contains(t, stderr, "batchaccess: ", command)
	}
}

func TestSandboxPassesTheExitCodeOn(t *testing.T) {
	t.Parallel()
	code, _, _ := execute(t, "sandbox", "--dir", projectWith(t, map[string]string{"dev": oneUser}), "--", "sh", "-c",
		"exit 7")
	assert.Equal(t, 7, code)
}
