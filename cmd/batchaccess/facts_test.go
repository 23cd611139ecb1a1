package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A page that is kept says what it shows: the commit, whether there were uncommitted changes, the day, and the regions.
func TestThePageSaysWhatItIsOf(t *testing.T) {
	t.Parallel()
	dir := projectWith(t, map[string]string{"dev": oneInput})
	page := func() string {
		code, stdout, stderr := execute(t, "explain", "-C", dir, "--format", "html")
		require.Zero(t, code, stderr)
		return stdout
	}
	const day = `\d{4}-\d\d-\d\d</p>`
	assert.Regexp(t, `<p class="id">region westeurope, `+day, page(), "without git no commit is made up")

	git := func(args ...string) string {
		cmd := exec.CommandContext(t.Context(), "git", append([]string{"-C", dir, "-c", "user.name=a", "-c",
			"user.email=a@example.com"}, args...)...)
		out, err := cmd.CombinedOutput()
		require.NoError(t, err, string(out))
		return strings.TrimSpace(string(out))
	}
	git("init", "-q")
	assert.Regexp(t, `<p class="id">region westeurope, `+day, page(), "nothing is committed")
	git("add", "-A")
	git("commit", "-q", "-m", "a")
	commit := git("rev-parse", "--short=12", "HEAD")
	assert.Regexp(t, `westeurope, commit `+commit+`, `+day, page())
	require.NoError(t, os.WriteFile(filepath.Join(dir, "Pulumi.dev.yaml"), []byte(oneInput+"\n"), 0o600))
	assert.Regexp(t, `westeurope, commit `+commit+` with changes that are not committed, `+day, page())
}
