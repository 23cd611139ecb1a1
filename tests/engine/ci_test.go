package engine

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// script runs one of the pipelines' scripts from the project's root, for the stack that is deployed here.
func (d *deployment) script(args ...string) (string, int) {
	d.t.Helper()
	file := d.project
	defer func() { d.project = file }()
	d.project = filepath.Join(root, "Pulumi.dev.yaml")
	return d.run("env", append([]string{"BATCHACCESS_PROJECT=" + filepath.Dir(file), "sh"}, args...)...)
}

func TestTheScriptsOfThePipelines(t *testing.T) {
	t.Parallel()
	state, out := t.TempDir(), t.TempDir()
	read := func(name string) string {
		text, err := os.ReadFile(filepath.Join(out, name))
		require.NoError(t, err)
		return string(text)
	}
	d := deploy(t, state)
	shown, code := d.script("ci/review.sh", "dev", out)
	require.Equal(t, 0, code, shown)
	assert.Contains(t, read("access.md"), "analysts")
	assert.Contains(t, read("access.sarif"), `"2.1.0"`)
	assert.Contains(t, read("resources.txt"), "azure-native:authorization:RoleAssignment")
	d.up()
	night := t.TempDir()
	for _, says := range []string{"declared paths work", "nothing has changed"} {
		shown, code = d.script("ci/drift.sh", "dev", night)
		assert.Equal(t, 0, code, shown)
		assert.Contains(t, shown, says)
	}
	d.close()

	d = deploy(t, state, "additions: [pollJobs]", "scope: subscription")
	defer d.close()
	shown, code = d.script("ci/review.sh", "dev", out)
	assert.Equal(t, 1, code, "a guardrail is broken: %s", shown)
	assert.Contains(t, read("access.md"), "subscription")
	assert.Contains(t, read("resources.txt"), "replace")
	shown, code = d.script("ci/drift.sh", "dev", night)
	assert.NotEqual(t, 0, code, shown)

	d.pulumi("config", "set", "--path", "batchaccess:clusters.cpu.computeName", "a-cluster-name-of-33-characters-x")
	shown, code = d.script("ci/review.sh", "dev", out)
	assert.Equal(t, 1, code)
	assert.Contains(t, shown, "can't name a compute cluster", "the log says why")
	assert.Contains(t, read("access.md"), "the preview failed")
	assert.Empty(t, read("resources.txt"))

	shown, code = d.script("ci/review.sh")
	assert.NotEqual(t, 0, code)
	assert.Contains(t, shown, "give the stack to review")
}
