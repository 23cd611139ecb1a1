package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// history is a repository whose first commit has one state of a project, and whose work tree has another.
func history(t *testing.T, before, now map[string]string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	git := func(args ...string) {
		cmd := exec.CommandContext(t.Context(), "git", append([]string{
			"-C", dir, "-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgsign=false"}, args...)...)
		out, err := cmd.CombinedOutput()
		require.NoError(t, err, string(out))
	}
	write := func(files map[string]string) {
		for name, text := range files {
			require.NoError(t, os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o700))
			require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
		}
	}
	git("init", "--quiet")
	write(before)
	git("add", "--all")
	git("commit", "--quiet", "--message", "before")
	for name := range before {
		require.NoError(t, os.Remove(filepath.Join(dir, name)))
	}
	write(now)
	return dir
}

func TestAChangeFromWhatIsNoVersionOfTheStackIsRefused(t *testing.T) {
	t.Parallel()
	const project, stack = "stack/Pulumi.yaml", "stack/Pulumi.dev.yaml"
	ours := "name: batchaccess\nruntime: go\n"
	now := map[string]string{project: ours, stack: oneUser, "broken.yaml": "config: [",
		"other/Pulumi.yaml": "name: other\nruntime: go\n", "new/Pulumi.yaml": ours,
		"stack/folder/a": ""}
	for name, c := range map[string]struct {
		before map[string]string
		args   []string
		says   string
	}{
		"no commit": {now, []string{"--from", "nowhere"},
			"--from: nowhere: no file or folder, and no commit, branch or tag here"},
		"an option": {now, []string{"--from=--help"}, "--from: --help: no file or folder"},
		"no project then": {map[string]string{"other": ""}, []string{"--from", "HEAD"},
			"--from: HEAD: there is no project"},
		"another program": {map[string]string{project: "name: other\nruntime: go\n", stack: oneUser},
			[]string{"--from", "HEAD"},
			"--from: HEAD: the project is other there, and batchaccess here"},
		"a folder of another program": {now, []string{"--from", "OTHER"},
			"the project is other there, and batchaccess here"},
		"a folder without one":       {now, []string{"--from", "FOLDER"}, "folder: no file or folder, and no commit"},
		"a folder without the stack": {now, []string{"--from", "NEW"}, "--from: stack dev is not at "},
		"the same folder":            {now, []string{"--from", "HERE"}, "it is the folder of the program as it is here"},
		"a new stack": {map[string]string{project: ours}, []string{"--from", "HEAD"},
			"--from: stack dev is not at HEAD"},
		"a wrong stack": {map[string]string{project: ours,
			stack: "config:\n  batchaccess:invokers: { a: { kind: x } }\n"}, []string{"--from", "HEAD"},
			"--from: HEAD: the configuration of stack dev"},
		"a file of text": {now, []string{"--from", "BROKEN"}, "broken.yaml: "},
		"kills alone":    {now, []string{"--kill", "2"}, "--kill needs a change: name the earlier version"},
		"a seed alone":   {now, []string{"--from", "HEAD", "--kill-seed", "7"}, "--kill-seed selects the writes"},
		"a preview": {now, []string{"--from", "HEAD", "--preview", "preview.json"},
			"--from: a preview is of one version, and the change is from one to another; leave out --preview"},
		"kept": {now, []string{"--from", "HEAD", "--keep"}, "none of the others can be"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := history(t, c.before, now)
			for i, arg := range c.args {
				if at, is := map[string]string{"BROKEN": "broken.yaml", "OTHER": "other", "NEW": "new",
					"HERE": "stack", "FOLDER": "stack/folder"}[arg]; is {
					c.args[i] = filepath.Join(dir, at)
				}
			}
			code, stdout, stderr := execute(t, append([]string{"rehearse", "-C", filepath.Join(dir, "stack")}, c.args...)...)
			assert.Equal(t, exitUsage, code)
			assert.Empty(t, stdout)
			assert.Contains(t, stderr, c.says)
		})
	}
}

// A pipeline's checkout has only the last commit by default.
func TestAShallowCloneIsRefusedWithARemedy(t *testing.T) {
	t.Parallel()
	files := map[string]string{"stack/Pulumi.yaml": "name: batchaccess\nruntime: go\n", "stack/Pulumi.dev.yaml": oneUser}
	whole, clone := history(t, files, files), filepath.Join(t.TempDir(), "clone")
	out, err := exec.CommandContext(t.Context(), "git", "clone", "--quiet", "--depth", "1", "file://"+whole,
		clone).CombinedOutput()
	require.NoError(t, err, string(out))
	for dir, says := range map[string]string{
		clone: "this clone is shallow: git fetch --unshallow origin", whole: "fetch it first (git fetch origin main)",
	} {
		code, stdout, stderr := execute(t, "rehearse", "-C", filepath.Join(dir, "stack"), "--from", "HEAD~1")
		assert.Equal(t, exitUsage, code)
		assert.Empty(t, stdout)
		assert.Contains(t, stderr, says)
	}
}

func TestACheckoutLeavesTheRepositoryAsItIs(t *testing.T) {
	t.Parallel()
	before := map[string]string{"stack/Pulumi.yaml": "name: a\nruntime: go\n", "lib/x.go": "package x\n",
		".gitattributes": "lib export-ignore\n"}
	dir := history(t, before, map[string]string{"stack/Pulumi.yaml": "name: b\nruntime: go\n"})
	index, err := os.ReadFile(filepath.Join(dir, ".git", "index"))
	require.NoError(t, err)
	p := project{dir: filepath.Join(dir, "stack")}
	tree, at, err := p.checkout(t.Context(), "HEAD")
	require.NoError(t, err)
	other, _, err := p.checkout(t.Context(), "HEAD")
	require.NoError(t, err)
	assert.NotEqual(t, tree.dir, other.dir, "one is nobody else's while it is used")
	require.NoError(t, other.remove())
	for name, text := range before {
		have, err := os.ReadFile(filepath.Join(tree.dir, name))
		require.NoError(t, err, "all files are there, and those that an archive would leave out")
		assert.Equal(t, text, string(have))
	}
	assert.Equal(t, filepath.Join(tree.dir, "stack"), at)
	now, err := os.ReadFile(filepath.Join(dir, ".git", "index"))
	require.NoError(t, err)
	assert.Equal(t, index, now)
	assert.NoFileExists(t, tree.dir+".index")
	assert.NoDirExists(t, filepath.Join(dir, ".git", "worktrees"))
	require.NoError(t, tree.remove())
	assert.NoDirExists(t, tree.dir)
	again, err := newWorkTree()
	require.NoError(t, err)
	if tree.lock != nil && again.lock != nil { // otherwise another process has the folder
		assert.Equal(t, tree.dir, again.dir, "where the Go tool finds what it has compiled")
	}
	require.NoError(t, again.remove())
}

// A program of a commit runs with what is installed for the one that is here, unless it asks for something else. What a
// compiler made is of the program that is here, and none of it is lent.
func TestWhatIsInstalledIsLentToTheProgramOfACommit(t *testing.T) {
	t.Parallel()
	const left = "installed in the folder, and in no commit"
	for name, c := range map[string]struct {
		before, now map[string]string // what the commit has, and what is here
		lent, not   []string
		refused     string
	}{
		"npm": {map[string]string{"package.json": "1", "index.ts": "old"},
			map[string]string{"package.json": "1", "node_modules/a/a.js": left, "bin/index.js": left},
			[]string{"node_modules/a/a.js"}, []string{"bin"}, ""},
		"above the project": {map[string]string{"../package.json": "1", "../package-lock.json": "1", "index.ts": "old"},
			map[string]string{"../package.json": "1", "../package-lock.json": "1", "../node_modules/a.js": left},
			[]string{"../node_modules/a.js"}, nil, ""},
		"pip": {map[string]string{"requirements.txt": "1"},
			map[string]string{"requirements.txt": "1", "venv/bin/python": left, "sdks/x/x.py": left},
			[]string{"venv/bin/python", "sdks/x/x.py"}, nil, ""},
		"in the commit": {map[string]string{"sdks/x.go": "old", "package.json": "1"},
			map[string]string{"sdks/x.go": "new", "package.json": "2"}, []string{"sdks/x.go"}, nil, ""},
		"other packages": {map[string]string{"package-lock.json": "1"},
			map[string]string{"package-lock.json": "2", "node_modules/a.js": left}, nil, nil,
			"package-lock.json differs there"},
		"packages that are new": {map[string]string{"a": ""},
			map[string]string{"requirements-dev.txt": "1", ".venv/a": left}, nil, nil, "requirements-dev.txt differs there"},
		"packages that are gone": {map[string]string{"poetry.lock": "1"}, map[string]string{"venv/a": left}, nil, nil,
			"poetry.lock differs there"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			here, tree := t.TempDir(), t.TempDir()
			for root, files := range map[string]map[string]string{here: c.now, tree: c.before} {
				for file, text := range files {
					file = filepath.Join(root, "stack", file)
					require.NoError(t, os.MkdirAll(filepath.Dir(file), 0o700))
					require.NoError(t, os.MkdirAll(filepath.Join(root, "stack"), 0o700))
					require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
				}
			}
			err := lend(filepath.Join(here, "stack"), filepath.Join(tree, "stack"), tree)
			if c.refused != "" {
				require.ErrorContains(t, err, c.refused)
				return
			}
			require.NoError(t, err)
			for _, file := range c.lent {
				text, err := os.ReadFile(filepath.Join(tree, "stack", file))
				require.NoError(t, err)
				if _, in := c.before[file]; in {
					assert.Equal(t, c.before[file], string(text), "the commit's own")
				} else {
					assert.Equal(t, left, string(text))
				}
			}
			for _, file := range c.not {
				assert.NoFileExists(t, filepath.Join(tree, "stack", file))
			}
			require.NoError(t, os.RemoveAll(tree))
			for file := range c.now {
				assert.FileExists(t, filepath.Join(here, "stack", file), "what is lent stays")
			}
		})
	}
}
