package tests

import (
	"archive/zip"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/common/apitype"
	"github.com/pulumi/pulumi/sdk/v3/go/common/workspace"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// shellBlocks are the blocks for a shell on a page.
var shellBlocks = regexp.MustCompile("(?ms)^ *```sh$(.*?)^ *```$")

// lineFor returns the only line for a shell on a page that begins so, without its comment.
func lineFor(t *testing.T, page, begins string) string {
	t.Helper()
	var found []string
	for _, block := range shellBlocks.FindAllStringSubmatch(pages(t)[page], -1) {
		for line := range strings.Lines(block[1]) {
			if strings.HasPrefix(line, begins) {
				line, _, _ = strings.Cut(line, " #")
				found = append(found, strings.TrimSpace(line))
			}
		}
	}
	require.Len(t, found, 1, "lines of %s that begin with %q", page, begins)
	return found[0]
}

const released = "v0.9.1"

// moduleProxy is a folder that the Go tool takes for a module proxy which has this module as it is here, as if it had
// been released: without the folders that are modules of their own.
func moduleProxy(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	versions := filepath.Join(dir, filepath.FromSlash(module), "@v")
	require.NoError(t, os.MkdirAll(versions, 0o755))
	out, err := exec.CommandContext(t.Context(), "git", "-C", repository, "ls-files", "-co", "--exclude-standard").Output()
	require.NoError(t, err)
	files := strings.Fields(string(out))
	var others []string
	for _, file := range files {
		if filepath.Base(file) == "go.mod" && file != "go.mod" {
			others = append(others, strings.TrimSuffix(file, "go.mod"))
		}
	}
	archive, err := os.Create(filepath.Join(versions, released+".zip"))
	require.NoError(t, err)
	defer archive.Close()
	pack := zip.NewWriter(archive)
	for _, file := range files {
		text, err := os.ReadFile(filepath.Join(repository, file))
		if os.IsNotExist(err) || strings.HasSuffix(file, "_test.go") || filepath.Ext(file) == ".md" ||
			slices.ContainsFunc(others, func(folder string) bool { return strings.HasPrefix(file, folder) }) {
			continue
		}
		require.NoError(t, err)
		to, err := pack.CreateHeader(&zip.FileHeader{Name: module + "@" + released + "/" + file})
		require.NoError(t, err)
		_, err = to.Write(text)
		require.NoError(t, err)
	}
	require.NoError(t, pack.Close())
	gomod, err := os.ReadFile(filepath.Join(repository, "go.mod"))
	require.NoError(t, err)
	for file, text := range map[string]string{"list": released + "\n", released + ".mod": string(gomod),
		released + ".info": fmt.Sprintf(`{"Version": %q}`, released)} {
		require.NoError(t, os.WriteFile(filepath.Join(versions, file), []byte(text), 0o600))
	}
	return dir
}

// linkedCache is a module cache that has what the user's has, but this module, so that nothing of a test stays there.
func linkedCache(t *testing.T, from string) string {
	t.Helper()
	dir := t.TempDir()
	for _, folder := range []string{"", "github.com", "cache/download", "cache/download/github.com"} {
		require.NoError(t, os.MkdirAll(filepath.Join(dir, folder), 0o755))
		entries, err := os.ReadDir(filepath.Join(from, folder))
		require.NoError(t, err)
		for _, entry := range entries {
			if slices.Contains([]string{"github.com", "batchaccess", "cache"}, entry.Name()) {
				continue
			}
			require.NoError(t, os.Symlink(filepath.Join(from, folder, entry.Name()), filepath.Join(dir, folder, entry.Name())))
		}
	}
	return dir
}

// The lines for a Go program get the module from a proxy on this machine, as from the one on the internet when a
// version is released.
func TestAModuleGetsTheComponentsAsTheDocsSay(t *testing.T) {
	t.Parallel()
	settings, err := exec.CommandContext(t.Context(), "go", "env", "GOMODCACHE", "GOPROXY").Output()
	require.NoError(t, err)
	cache, proxy, _ := strings.Cut(strings.TrimSpace(string(settings)), "\n")
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "go.mod"), []byte("module scoring\n\ngo 1.26.6\n"), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "main.go"), []byte("package main\n\nimport _ \""+module+
		"/components\"\n\nfunc main() {}\n"), 0o600))
	env := append(os.Environ(), "GOMODCACHE="+linkedCache(t, cache), "GOFLAGS=-mod=mod -modcacherw", "GOWORK=off",
		"GOSUMDB=off", "GONOSUMDB=*", "GONOPROXY=none", "GOPRIVATE=",
		"GOPROXY=file://"+moduleProxy(t)+",file://"+filepath.Join(cache, "cache", "download")+","+proxy)
	for _, line := range []string{lineFor(t, "docs/parts.md", "go get "), lineFor(t, "docs/parts.md", "go mod tidy")} {
		command := exec.CommandContext(t.Context(), "go", strings.Fields(line)[1:]...)
		command.Dir, command.Env = dir, env
		out, err := command.CombinedOutput()
		require.NoError(t, err, "%s: %s", line, out)
	}
	text, err := os.ReadFile(filepath.Join(dir, "go.mod"))
	require.NoError(t, err)
	assert.Contains(t, string(text), module+" "+released)
}

// Without the network, Pulumi's own reading of the line is all that can be tried here: which repository and which
// folder it fetches. `make release-try` adds the package from a git remote on this machine.
func TestPulumiReadsThePackageOfTheDocs(t *testing.T) {
	t.Parallel()
	source := strings.TrimPrefix(lineFor(t, "docs/parts.md", "pulumi package add "), "pulumi package add ")
	read, err := workspace.NewPluginDescriptor(t.Context(), source+"@"+released, apitype.ResourcePlugin, nil, "", nil)
	require.NoError(t, err)
	assert.Equal(t, "git://"+module+"/plugin", read.PluginDownloadURL)
	assert.Equal(t, strings.TrimPrefix(released, "v"), read.Version.String())
	gomod, err := os.ReadFile(filepath.Join(repository, "plugin", "go.mod"))
	require.NoError(t, err)
	assert.Contains(t, string(gomod), "module "+source+"\n")
	assert.FileExists(t, filepath.Join(repository, "plugin", "PulumiPlugin.yaml"), "by which Pulumi builds the folder")
}

var (
	spans      = regexp.MustCompile("`([^`\n]+)`")
	makeCall   = regexp.MustCompile(`\bmake ([a-z][a-z-]*)\b`)
	makeTarget = regexp.MustCompile(`(?m)^([a-z][a-z-]*):`)
)

// commandsOf are the commands on a page: its lines for a shell and its code between backquotes.
func commandsOf(text string) (all []string) {
	for _, block := range shellBlocks.FindAllStringSubmatch(text, -1) {
		all = append(all, strings.Split(block[1], "\n")...)
	}
	for _, span := range spans.FindAllStringSubmatch(fenced.ReplaceAllString(text, ""), -1) {
		all = append(all, strings.ReplaceAll(span[1], `\|`, "|"))
	}
	return all
}

// unknownTargets are calls of make in a text whose targets the Makefile does not have.
func unknownTargets(text, makefile string) (unknown []string) {
	var targets []string
	for _, found := range makeTarget.FindAllStringSubmatch(makefile, -1) {
		targets = append(targets, found[1])
	}
	for _, command := range commandsOf(text) {
		for _, called := range makeCall.FindAllStringSubmatch(command, -1) {
			if !slices.Contains(targets, called[1]) {
				unknown = append(unknown, command)
			}
		}
	}
	return unknown
}

func TestTheDocsNameTargetsOfTheMakefile(t *testing.T) {
	t.Parallel()
	makefile, err := os.ReadFile(filepath.Join(repository, "Makefile"))
	require.NoError(t, err)
	for path, text := range pages(t) {
		if path != "CHANGELOG.md" {
			assert.Empty(t, unknownTargets(text, string(makefile)), path)
		}
	}
	assert.Equal(t, []string{"make rehearsal"}, unknownTargets("`make rehearsal` and `CI=1 make test`", string(makefile)))
	// `make test` runs every test: testrun leaves none out without -short.
	assert.Equal(t, "make test", lineFor(t, "README.md", "make test"))
	assert.Regexp(t, `(?m)^test: lint .*\n(\t.*\n)*\tcd tools && go run \./testrun$`, string(makefile))
}

// unknownTests are calls of go test in a text that name no test, fuzz target or benchmark.
func unknownTests(t *testing.T, text string) (unknown []string) {
	t.Helper()
	for _, command := range commandsOf(text) {
		words := strings.Fields(strings.NewReplacer("'", "", `"`, "").Replace(command))
		if len(words) < 3 || words[0] != "go" || words[1] != "test" {
			continue
		}
		var packages []string
		patterns := map[string]string{} // by the beginning of the names that they are for
		for i, word := range words[2:] {
			switch before := words[i+1]; {
			case strings.HasPrefix(word, "./"):
				packages = append(packages, word)
			case beginningsOf[before] != "" && word != "^$" && word != "none":
				patterns[beginningsOf[before]] = word
			}
		}
		for beginning, pattern := range patterns {
			if !testsMatch(t, packages, beginning, pattern) {
				unknown = append(unknown, command)
			}
		}
		for _, folder := range packages {
			if is, err := os.Stat(filepath.Join(repository, folder)); err != nil || !is.IsDir() {
				unknown = append(unknown, command)
			}
		}
	}
	return unknown
}

// beginningsOf are the beginnings of the names that a flag of go test selects.
var beginningsOf = map[string]string{"-run": "(?:Test|Fuzz|Example)", "-bench": "Benchmark", "-fuzz": "Fuzz"}

// testsMatch reports whether the packages have a function with such a name that matches the first part of a pattern.
func testsMatch(t *testing.T, packages []string, beginning, pattern string) bool {
	t.Helper()
	pattern, _, _ = strings.Cut(pattern, "/")
	matches, err := regexp.Compile(pattern)
	require.NoError(t, err, pattern)
	testName := regexp.MustCompile(`(?m)^func (` + beginning + `\w*)\(`)
	for _, folder := range packages {
		files, err := filepath.Glob(filepath.Join(repository, folder, "*_test.go"))
		require.NoError(t, err)
		for _, file := range files {
			source, err := os.ReadFile(file)
			require.NoError(t, err)
			for _, found := range testName.FindAllSubmatch(source, -1) {
				if matches.Match(found[1]) {
					return true
				}
			}
		}
	}
	return false
}

func TestTheDocsNameTestsThatExist(t *testing.T) {
	t.Parallel()
	named := 0
	for path, text := range pages(t) {
		if path == "CHANGELOG.md" {
			continue
		}
		assert.Empty(t, unknownTests(t, text), path)
		named += strings.Count(text, "`go test ")
	}
	assert.Greater(t, named, 10, "the calls are found")
	for text, wrong := range map[string]int{
		"`go test ./tests -run TheDocs -update`": 0, "`go test ./tests -run NoSuchTest`": 1, "`go test ./nowhere`": 1,
		"`go test ./access -run none -bench BenchmarkWays`": 0, "`go test -run '^$' -bench Nothing ./access`": 1,
	} {
		assert.Len(t, unknownTests(t, text), wrong, text)
	}
}
