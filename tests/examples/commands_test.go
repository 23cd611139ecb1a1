package examples

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/batchaccess/batchaccess/sandbox/golang/programs"
)

// command is the built batchaccess.
var command = sync.OnceValues(func() (string, error) {
	return programs.Build(context.Background(), "", programs.Program{Dir: root, Package: "./cmd/batchaccess"})
})

// batchaccess runs the command as a user does, and returns its exit code and its output.
func batchaccess(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	file, err := command()
	require.NoError(t, err)
	var out, errs bytes.Buffer
	cmd := exec.CommandContext(t.Context(), file, args...)
	cmd.Stdout, cmd.Stderr = &out, &errs
	err = cmd.Run()
	if exit := new(exec.ExitError); errors.As(err, &exit) {
		return exit.ExitCode(), out.String(), errs.String()
	}
	require.NoError(t, err)
	return 0, out.String(), errs.String()
}

// Every command works for a program in any language, with the same output.
func TestTheCommandsWorkInEveryLanguage(t *testing.T) {
	t.Parallel()
	var lock sync.Mutex
	said := map[string]string{}
	require.True(t, t.Run("languages", func(t *testing.T) {
		for language, project := range projects {
			t.Run(language, func(t *testing.T) {
				t.Parallel()
				dir := project(t)
				if language == "typescript" {
					transpiled(t, dir)
				}
				code, stdout, stderr := batchaccess(t, "explain", "-C", dir, "--json")
				require.Zero(t, code, stderr)
				lock.Lock()
				said[language] = stdout
				lock.Unlock()
				commandsOf(t, dir)
				if language != "go by an SDK" { // a program in Go, whose change is rehearsed as go's is
					changeOf(t, dir)
				}
			})
		}
	}))
	var x struct {
		Paths      []struct{ Works bool }
		Assertions []struct{ Holds bool }
		Grants     []any
	}
	require.NoError(t, json.Unmarshal([]byte(said["go"]), &x))
	assert.Len(t, x.Paths, 6)
	assert.Len(t, x.Grants, 10)
	require.Len(t, x.Assertions, 1)
	assert.True(t, x.Assertions[0].Holds)
	for language, text := range said {
		assert.Equal(t, said["go"], text, language)
	}
}

func commandsOf(t *testing.T, dir string) {
	t.Helper()
	code, stdout, stderr := batchaccess(t, "can", "-C", dir, "scheduler", "read", "patients")
	assert.Equal(t, 1, code, stdout+stderr)

	// The stack is deployed once for all commands. The folder of the sandbox's state is the test's: the project is in git.
	script := `set -e
pulumi preview --stack dev --json --show-sames >"$1/preview.json"
pulumi up --stack dev --yes --skip-preview --non-interactive >"$1/up"
batchaccess verify -C "$2" --propagation 0s --json >"$1/verify.json"
batchaccess verify -C "$2" --propagation 0s --preview "$1/preview.json" >/dev/null
batchaccess can pipeline start heart-classifier -C "$2" --preview "$1/preview.json" --live --propagation 0s >/dev/null
live() { batchaccess can "$@" -C "$project" --preview "$files/preview.json" --live --propagation 0s; }
files=$1 project=$2
live pipeline do Microsoft.MachineLearningServices/workspaces/batchEndpoints/jobs/write at workspace >"$1/do"
live pipeline do grantsAccess >"$1/do-not" || test $? = 1
live pipeline do grantsAccess at nowhere >/dev/null 2>"$1/do-where" || test $? = 2
batchaccess invoke -C "$2" --endpoint heart-classifier --as-invoker pipeline --wait
batchaccess adopt -C "$2" --json >"$1/adopt.json"
batchaccess review "$1/preview.json" >"$1/review" || test $? = 1
batchaccess export -C "$2" --output "$1/world.json" >/dev/null
batchaccess init -C "$1" --stack made --workspace "$(pulumi config get workspaceId --stack dev)" --yes >/dev/null
batchaccess pin -C "$2" >"$1/pin" 2>&1 || test $? = 1`
	files := t.TempDir()
	own := []byte("name: batchaccess\nruntime: go\n")
	require.NoError(t, os.WriteFile(filepath.Join(files, "Pulumi.yaml"), own, 0o600))
	code, stdout, stderr = batchaccess(t, "sandbox", "-C", dir, "--state-dir", t.TempDir(), "--", "sh", "-c", script,
		"sh", files, dir)
	require.Zero(t, code, stdout+stderr)
	assert.Contains(t, stdout, "Completed")
	for file, says := range map[string]string{
		"verify.json": `"status": "works"`, "adopt.json": `"resources": []`, "pin": "invokers.analysts.objectId",
		"do": "yes: invoker pipeline: has Microsoft.MachineLearningServices/workspaces/" +
			"batchEndpoints/jobs/write at workspace by ",
		"review": "gains", "world.json": "heart-classifier", "Pulumi.made.yaml": "heart-classifier",
		"do-not": "no: invoker pipeline: grantsAccess at ", "do-where": "at nowhere: no place of the stack is called so",
	} {
		text, err := os.ReadFile(filepath.Join(files, file))
		require.NoError(t, err)
		assert.Contains(t, string(text), says, file)
	}
	// An existing preview is used.
	preview := filepath.Join(files, "preview.json")
	code, stdout, stderr = batchaccess(t, "explain", "--preview", preview)
	assert.Zero(t, code, stderr)
	assert.Contains(t, stdout, "5 of 5 declared paths work")
	code, page, stderr := batchaccess(t, "explain", "--preview", preview, "--format", "html")
	require.Zero(t, code, stderr)
	assert.Contains(t, page, "5 of 5 declared paths work, 1 of 1 assertion hold")
	for _, c := range []struct {
		ask  []string
		code int
	}{
		{[]string{"analysts", "start", "heart-classifier"}, 0}, {[]string{"scheduler", "read", "patients"}, 1},
		{[]string{"cluster:cpu", "read", "images"}, 0}, {[]string{"pipeline", "do", "grantsAccess"}, 1},
	} {
		code, stdout, stderr := batchaccess(t, append([]string{"can", "--preview", preview}, c.ask...)...)
		assert.Equal(t, c.code, code, "%v: %s", c.ask, stdout+stderr)
	}

	code, stdout, stderr = batchaccess(t, "rehearse", "-C", dir)
	assert.Zero(t, code, stdout+stderr)
	assert.Contains(t, stdout, "rehearsal of stack dev: passed")
}

func TestWhatIsNoProgramOfOursIsRefused(t *testing.T) {
	t.Parallel()
	example, err := filepath.Abs(filepath.Join(root, "examples", "go"))
	require.NoError(t, err)
	yaml := func(t *testing.T, program string) string {
		dir := t.TempDir()
		require.NoError(t, os.WriteFile(filepath.Join(dir, "Pulumi.yaml"), []byte("name: shop\n"+program), 0o600))
		require.NoError(t, os.WriteFile(filepath.Join(dir, "Pulumi.dev.yaml"), []byte("config: {}\n"), 0o600))
		return dir
	}
	preview := filepath.Join(t.TempDir(), "preview.json")
	require.NoError(t, os.WriteFile(preview, []byte(`{"steps": [{"op": "create", "urn": "urn:pulumi:prod::shop::`+
		`batchaccess:index:BatchEndpointAccess::a", "newState": {"inputs": {"workspaceId": "/subscriptions/`+
		`11111111-1111-4111-8111-111111111111/resourceGroups/rg/providers/Microsoft.MachineLearningServices/workspaces/ws", `+
		`"location": "westeurope", "clusters": {"cpu": {}}, "invokers": {"ann": {"kind": "user", "objectId": `+
		`"33333333-3333-4333-8333-333333333333"}}}}}], "changeSummary": {"create": 1}}`), 0o600))
	for name, c := range map[string]struct {
		args []string
		says []string
	}{
		"no component": {
			[]string{"explain", "-C", yaml(t, "runtime: yaml\n")}, []string{"project shop has no component of batchaccess",
				"name the project"},
		},
		"a preview that fails": {
			[]string{"explain", "-C", yaml(t, "runtime: yaml\noutputs: { a: \"${nothing}\" }\n")},
			[]string{"pulumi preview fails; put this right first", "nothing", "--preview preview.json"},
		},
		"a runtime that is not there": {
			[]string{"explain", "-C", yaml(t, "runtime: cobol\n")}, []string{"the program's runtime is cobol",
				"pulumi-language-cobol is not on PATH"},
		},
		"no such stack": {[]string{"explain", "-C", example, "--stack", "prod"},
			[]string{`stack "prod" has no Pulumi.prod.yaml`}},
		"another program's preview": {[]string{"verify", "-C", example, "--dir", example, "--preview", preview},
			[]string{"of project shop", "is scoring"}},
		"another stack's preview": {[]string{"verify", "--stack", "dev", "--preview", preview},
			[]string{"of stack prod, and --stack is dev"}},
		"a preview without a project": {[]string{"verify", "--preview", preview},
			[]string{"name the folder of project shop with -C"}},
		"a preview that is not there": {[]string{"explain", "--preview", preview + "x"},
			[]string{"--preview", "no such file"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			code, stdout, stderr := batchaccess(t, c.args...)
			assert.Equal(t, 2, code)
			assert.Empty(t, stdout)
			for _, says := range c.says {
				assert.Contains(t, stderr, says)
			}
		})
	}
}
