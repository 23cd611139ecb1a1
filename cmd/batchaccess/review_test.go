package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/batchaccess/batchaccess/internal/review"
)

func TestReviewExitsByWhatItFinds(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write := func(name, text string) string {
		file := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
		return file
	}
	invoker, err := os.ReadFile("../../internal/review/testdata/invoker.json")
	require.NoError(t, err)
	const data = "../../internal/review/testdata/"
	noLife := write("guardrails.yaml", "maxSecretDays: 30\n")
	for name, c := range map[string]struct {
		args         []string
		code         int
		stdout, errs string
	}{
		"nothing changes": {[]string{data + "nochange.json", "--fail-on", "new-access,high,medium,guardrails,jobs,secrets"},
			0, "No change of access", ""},
		"no condition": {[]string{data + "invoker.json"}, 0, "invoker auditor", ""},
		"new access": {[]string{data + "invoker.json", "--fail-on", "new-access,guardrails"}, exitFailed, "invoker auditor",
			"failed on new-access"},
		"access that only goes": {[]string{data + "role.json", "--fail-on", "new-access"}, 0, "3 principals lose access", ""},
		"a limit of one's own": {[]string{data + "rotated.json", "--fail-on", "guardrails", "--guardrails", noLife},
			exitFailed, "secret-lifetime", "failed on guardrails"},
		"Markdown":     {[]string{data + "invoker.json", "--format", "markdown"}, 0, review.Marker, ""},
		"JSON":         {[]string{data + "invoker.json", "--json"}, 0, `"newAccess": true`, ""},
		"SARIF":        {[]string{data + "invoker.json", "--format", "sarif"}, 0, `"version": "2.1.0"`, ""},
		"no such file": {[]string{"nowhere.json"}, exitUsage, "", "opening the preview"},
		"cut short":    {[]string{write("cut.json", string(invoker[:5000]))}, exitUsage, "", "cut short"},
		"a part": {[]string{write("part.json", strings.ReplaceAll(string(invoker), `"update"`, `"upend"`)), "--fail-on",
			"new-access"}, exitUsage, "Partial review", "upend"},
		"an unknown format": {[]string{data + "invoker.json", "--format", "sarf"}, exitUsage, "", `did you mean "sarif"?`},
		"an unknown condition": {[]string{data + "invoker.json", "--fail-on", "new-acess"}, exitUsage, "",
			`did you mean "new-access"?`},
		"wrong limits": {[]string{data + "invoker.json", "--guardrails", write("wrong.yaml", "maxSecretDays: -1")}, exitUsage,
			"", "maxSecretDays: is -1"},
		"limits that are not there": {[]string{data + "invoker.json", "--guardrails", filepath.Join(dir, "none")}, exitUsage,
			"", "reading --guardrails"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			code, stdout, stderr := execute(t, append([]string{"review"}, c.args...)...)
			assert.Equal(t, c.code, code, stderr)
			assert.Contains(t, stdout, c.stdout)
			assert.Contains(t, stderr, c.errs)
		})
	}
}

func TestReviewWritesAFile(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "comment.md")
	code, stdout, stderr := execute(t, "review", "../../internal/review/testdata/invoker.json", "--format", "markdown",
		"-o", file)
	require.Equal(t, 0, code, stderr)
	assert.Empty(t, stdout)
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	assert.True(t, strings.HasPrefix(string(text), review.Marker))
}

func TestReviewDocumentsItsConditionsAndFormats(t *testing.T) {
	t.Parallel()
	help := newReview().Long + newReview().Flags().FlagUsages()
	for _, c := range review.Conditions() {
		assert.Contains(t, help, "  "+c.Name+" ")
		assert.Contains(t, help, c.When)
	}
	for _, f := range formatNames() {
		assert.Contains(t, help, f)
	}
}

// The page of a review replaces an earlier one, and --fail-on works as in any other format.
func TestAReviewIsAPage(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "review.html")
	preview := filepath.Join(repository, "internal", "review", "testdata", "invoker.json")
	for range 2 {
		code, _, stderr := execute(t, "review", preview, "--format", "html", "--output", file, "--fail-on", "new-access")
		require.Equal(t, exitFailed, code, stderr)
		assert.Contains(t, stderr, "failed on new-access")
	}
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	assert.Contains(t, string(text), "Access review of stack dev")
	assert.Contains(t, string(text), "auditor to heart-classifier: archive comes; patients comes")
}
