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

// The first stack of the README is explained as it stands there: who it names can start the job on the data.
func TestTheFirstStackOfTheREADMEIsExplained(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile(filepath.Join(repository, "README.md"))
	require.NoError(t, err)
	found := regexp.MustCompile("(?s)   ```yaml\n(.*?)   ```\n").FindSubmatch(readme)
	require.NotNil(t, found, "the README has no first stack")
	var stack strings.Builder
	for line := range strings.Lines(string(found[1])) {
		stack.WriteString(strings.TrimPrefix(line, "   "))
	}
	dir := t.TempDir()
	project, err := os.ReadFile(filepath.Join(repository, "Pulumi.yaml"))
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "Pulumi.yaml"), project, 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "Pulumi.first.yaml"), []byte(stack.String()), 0o600))
	code, stdout, stderr := execute(t, "explain", "--stack", "first", "-C", dir)
	assert.Equal(t, 0, code, stderr)
	for _, who := range []string{"ada", "analysts"} {
		assert.Regexp(t, `(?m)^`+who+` .*\byes\b`, stdout)
	}
	assert.Contains(t, stdout, "heart-classifier")
	assert.Contains(t, stdout, "patients")
}
