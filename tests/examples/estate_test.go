package examples

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A program makes the workspaces, the account, the container, the registry and an identity itself, and uses two
// components on their outputs. It is deployed, changed, refreshed and destroyed in the sandbox. Every command shows
// both components, or says that one has to be named.
func TestAProgramThatMakesAllThatItsComponentsReferTo(t *testing.T) {
	t.Parallel()
	dir, err := filepath.Abs(filepath.Join("testdata", "estate"))
	require.NoError(t, err)
	// Each line is a step: its name and exit code are printed, and its output is in a file of that name.
	script := `cd "$1"
step() { name=$1; shift; "$@" >"$name" 2>&1; echo "$name $?"; }
pulumi preview --stack dev --json --show-sames >preview 2>err; echo "preview $?"
step up pulumi up --stack dev --yes --skip-preview --non-interactive
step explain batchaccess explain --preview preview
step verify batchaccess verify -C "$2" --preview preview --component heart --propagation 0s
step can batchaccess can bob read patients --preview preview
step can-live batchaccess can lung:bob start score -C "$2" --preview preview --live --propagation 0s
step invoke batchaccess invoke -C "$2" --preview preview --component lung --endpoint other --as user
step pin-both batchaccess pin -C "$2"
step pin batchaccess pin -C "$2" --component lung
step adopt batchaccess adopt -C "$2"
pulumi config set --stack dev sharedKeys false
step change pulumi up --stack dev --yes --skip-preview --non-interactive
step refresh pulumi refresh --stack dev --yes --skip-preview --expect-no-changes --non-interactive
step same pulumi preview --stack dev --expect-no-changes --non-interactive
step destroy pulumi destroy --stack dev --yes --skip-preview --non-interactive`
	files := t.TempDir()
	code, stdout, stderr := batchaccess(t, "sandbox", "-C", dir, "--state-dir", t.TempDir(), "--", "sh", "-c", script,
		"sh", files, dir)
	require.Zero(t, code, stderr)
	codes := map[string]string{}
	for line := range strings.Lines(stdout) {
		name, code, _ := strings.Cut(strings.TrimSpace(line), " ")
		codes[name] = code
	}
	for _, step := range []struct{ name, code, says string }{
		{"preview", "0", `"registryName": "estateimages"`},
		{"up", "0", "created"},
		{"explain", "0", "3 of 3 declared paths work"},
		// The workspace is new: it has no endpoints yet.
		{"verify", "1", "stack dev, component heart: 0 of 2 declared paths work"},
		{"can", "0", "yes: a job on score does"},
		{"can-live", "1", "no: "},
		{"invoke", "2", "stack dev has no such endpoint; use score"},
		{"pin-both", "2", "has 2 BatchEndpointAccess; name one with --component: heart, lung"},
		{"pin", "1", "invokers.bob.objectId"},
		{"adopt", "0", "nothing is left to import"},
		{"change", "0", "1 updated"},
		{"refresh", "0", "unchanged"},
		{"same", "0", "unchanged"},
		{"destroy", "0", "deleted"},
	} {
		text, err := os.ReadFile(filepath.Join(files, step.name))
		require.NoError(t, err)
		assert.Equal(t, step.code, codes[step.name], "%s: %s", step.name, text)
		assert.Contains(t, string(text), step.says, step.name)
	}
	// A rehearsal finds what the program made, and adds the other parts of a workspace.
	for component, says := range map[string]string{"heart": "47 of 47 attempts", "lung": "26 of 26 attempts"} {
		code, stdout, stderr := batchaccess(t, "rehearse", "-C", dir, "--component", component)
		assert.Zero(t, code, stdout+stderr)
		assert.Contains(t, stdout, "rehearsal of stack dev: passed, "+says)
	}
}
