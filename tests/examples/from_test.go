package examples

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gopkg.in/yaml.v3"
)

// changeOf rehearses a change of a project's program, from a commit: who starts jobs on an endpoint stands in the
// program, in any language.
func changeOf(t *testing.T, dir string) {
	t.Helper()
	repository := repositoryOf(t, dir)
	changed := 0
	edit(t, repository, func(text string) string {
		was := regexp.MustCompile(`(?i)(invokers"?: (?:\[|\[\]string\{)"analysts"), "pipeline"|` +
			`(invokers:\s+- analysts)\s+- pipeline`) // Pulumi.yaml is written anew, with a list below the key
		changed += len(was.FindAllString(text, -1))
		return was.ReplaceAllString(text, "$1$2")
	})
	require.Equal(t, 1, changed)
	code, stdout, stderr := batchaccess(t, "rehearse", "-C", repository, "--from", "HEAD")
	assert.Zero(t, code, stdout+stderr)
	assert.Contains(t, stdout, "loses     pipeline: jobs on heart-classifier with patients\n")
	assert.Contains(t, stdout, "change of stack dev from HEAD: passed, 1 write, 0 interruptions, jobs that work: 5 "+
		"before and 4 after")
}

// repositoryOf is a project of its own, with its program and all in a commit, but for what is installed.
func repositoryOf(t *testing.T, dir string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, "Pulumi.yaml"))
	require.NoError(t, err)
	var settings map[string]any
	require.NoError(t, yaml.Unmarshal(text, &settings))
	program := dir
	if main, is := settings["main"].(string); is {
		program = main
		delete(settings, "main")
	}
	if of, is := settings["packages"].(map[string]any); is {
		of["batchaccess"], err = filepath.Abs(filepath.Join(root, "plugin"))
		require.NoError(t, err)
	}
	above, err := filepath.Abs(root)
	require.NoError(t, err)

	repository := t.TempDir()
	var files []string
	for _, from := range slices.Compact([]string{filepath.Clean(program), filepath.Clean(dir)}) {
		entries, err := os.ReadDir(from)
		require.NoError(t, err)
		for _, entry := range entries {
			at, to := filepath.Join(from, entry.Name()), filepath.Join(repository, entry.Name())
			switch {
			case !entry.IsDir():
				text, err := os.ReadFile(at)
				require.NoError(t, err)
				text = []byte(strings.ReplaceAll(string(text), "batchaccess => ../..", "batchaccess => "+above))
				require.NoError(t, os.WriteFile(to, text, 0o700))
				files = append(files, entry.Name())
			case entry.Name() == "sdk": // what a program imports is in its commits
				require.NoError(t, os.CopyFS(to, os.DirFS(at)))
				files = append(files, entry.Name())
			case entry.Name() == "node_modules" || entry.Name() == "sdks":
				absolute, err := filepath.Abs(at)
				require.NoError(t, err)
				require.NoError(t, os.Symlink(absolute, to))
			}
		}
	}
	text, err = yaml.Marshal(settings)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(repository, "Pulumi.yaml"), text, 0o600))
	for _, args := range [][]string{{"init", "--quiet"}, append([]string{"add", "--"}, files...),
		{"-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgsign=false", "commit", "--quiet", "--message", "a"}} {
		out, err := exec.Command("git", append([]string{"-C", repository}, args...)...).CombinedOutput()
		require.NoError(t, err, string(out))
	}
	return repository
}

// edit changes the files of a folder.
func edit(t *testing.T, dir string, change func(string) string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	for _, entry := range entries {
		if !entry.Type().IsRegular() {
			continue
		}
		file := filepath.Join(dir, entry.Name())
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		if now := change(string(text)); now != string(text) {
			require.NoError(t, os.WriteFile(file, []byte(now), 0o700))
		}
	}
}

// A program that makes its workspace and its account itself is changed where these stay. One that makes another, or one
// more, is refused: nothing can be tried there before. What was may be in a folder.
func TestAChangeOfAProgramThatMakesItsWorkspace(t *testing.T) {
	t.Parallel()
	estate, err := filepath.Abs(filepath.Join("testdata", "estate"))
	require.NoError(t, err)
	version := func(t *testing.T, edits ...string) string {
		dir := t.TempDir()
		require.NoError(t, os.CopyFS(dir, os.DirFS(estate)))
		edit(t, dir, func(text string) string {
			text = strings.ReplaceAll(text, "../../../../plugin", filepath.Join(estate, "../../../../plugin"))
			return strings.NewReplacer(edits...).Replace(text)
		})
		return dir
	}
	for name, c := range map[string]struct {
		edits []string
		code  int
		says  string
	}{
		"less access": {[]string{"invokers: [ann, scheduler]", "invokers: [ann]"}, 0,
			"passed, 1 write, 0 interruptions, jobs that work: 2 before and 1 after"},
		"another name, and several were there": {[]string{"\n  heart:", "\n  cardio:"}, 2,
			`has no BatchEndpointAccess "cardio"`},
		"another workspace": {[]string{"workspaceName: heart", "workspaceName: heart-two"}, 2,
			"the change makes another workspaceId: /subscriptions/"},
		"one more account": {[]string{"  heart:\n", `  two:
    type: azure-native:storage:StorageAccount
    properties:
      resourceGroupName: ${group.name}
      accountName: estatetwo
      location: westeurope
      kind: StorageV2
      sku: { name: Standard_LRS }
  heart:
`, `storageAccounts: { lake: "${lake.id}" }`, `storageAccounts: { lake: "${lake.id}", two: "${two.id}" }`}, 2,
			"the change makes storageAccounts.two, and no job could be tried there before"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			component := map[bool]string{true: "cardio", false: "heart"}[strings.HasPrefix(name, "another name")]
			code, stdout, stderr := batchaccess(t, "rehearse", "-C", version(t, c.edits...), "--from", version(t),
				"--component", component)
			assert.Equal(t, c.code, code, stdout+stderr)
			assert.Contains(t, stdout+stderr, c.says)
		})
	}
}
