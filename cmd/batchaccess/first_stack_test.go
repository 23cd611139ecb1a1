package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// firstStack is the first stack in the README. TestRehearseReports previews and deploys it.
func firstStack(t *testing.T) string {
	t.Helper()
	readme, err := os.ReadFile(filepath.Join(repository, "README.md"))
	require.NoError(t, err)
	found := regexp.MustCompile("(?s)   ```yaml\n(.*?)   ```\n").FindSubmatch(readme)
	require.NotNil(t, found, "the README has no first stack")
	var stack strings.Builder
	for line := range strings.Lines(string(found[1])) {
		stack.WriteString(strings.TrimPrefix(line, "   "))
	}
	return stack.String()
}

// The invokers of the first stack can start the job on the data.
func TestTheFirstStackOfTheREADMEIsExplained(t *testing.T) {
	t.Parallel()
	dir := projectWith(t, map[string]string{"first": firstStack(t)})
	code, stdout, stderr := execute(t, "explain", "--stack", "first", "-C", dir)
	assert.Equal(t, 0, code, stderr)
	for _, who := range []string{"ada", "analysts"} {
		assert.Regexp(t, `(?m)^`+who+` .*\byes\b`, stdout)
	}
	assert.Contains(t, stdout, "risk-model")
	assert.Contains(t, stdout, "patients")
}

// A newcomer has the first stack in the clone, beside the sample.
func TestTheFirstStackOfTheREADMEExistsBesideTheSample(t *testing.T) {
	t.Parallel()
	sample, err := os.ReadFile(filepath.Join(repository, "Pulumi.dev.yaml"))
	require.NoError(t, err)
	dir := projectWith(t, map[string]string{"dev": string(sample), "first": firstStack(t)})
	code, _, stderr := execute(t, "sandbox", "-C", dir, "--state-dir", t.TempDir(), "--", "true")
	assert.Zero(t, code, stderr)
	assert.NotContains(t, stderr, "is left out")
}
