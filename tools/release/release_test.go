package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestTheNotesAreTheVersionsSection(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		changelog, notes, err string
		try                   bool
	}{
		"one of three": {changelog: "# Changelog\n\n## Unreleased\n\n## v0.2.0\n\n- b\n\n### More\n- c\n\n## v0.1.0\n- a\n",
			notes: "- b\n\n### More\n- c\n"},
		"the last":    {changelog: "## v0.3.0\n- c\n## v0.2.0\n- b", notes: "- b\n"},
		"with a date": {changelog: "## 0.2.0 - 2026-11-28\n- b\n", notes: "- b\n"},
		"in brackets": {changelog: "## [v0.2.0] (2026-11-28)\r\n- b\r\n", notes: "- b\n"},
		"a title in a code block": {changelog: "## v0.2.0\n```md\n## v0.1.0\n```\n- b\n",
			notes: "```md\n## v0.1.0\n```\n- b\n"},
		"a code block in a code block": {changelog: "~~~\n```\n## v0.2.0\n~~~\n## v0.2.0\n- b\n", notes: "- b\n"},
		"a code block with a language in another": {changelog: "## v0.2.0\n```\n```go\n## v0.1.0\n```\n- b\n",
			notes: "```\n```go\n## v0.1.0\n```\n- b\n"},
		"another version that begins the same": {changelog: "## v0.2.0-rc.1\n- rc\n## v0.2.01\n- x\n",
			err: `no section "v0.2.0"`},
		"a section of its own depth": {changelog: "### v0.2.0\n- b\n", err: `no section "v0.2.0"`},
		"missing":                    {changelog: "# Changelog\n\n## v0.1.0\n- a\n", err: `no section "v0.2.0"`},
		"nothing at all":             {changelog: "", err: `no section "v0.2.0"`},
		"a title without text":       {changelog: "## \n- b\n", err: `no section "v0.2.0"`},
		"empty":                      {changelog: "## v0.2.0\n\n \n## v0.1.0\n- a\n", err: `"v0.2.0" is empty`},
		"twice": {changelog: "## v0.2.0\n- b\n## v0.1.0\n- a\n## 0.2.0\n- c\n",
			err: `2 sections "v0.2.0"`},
		"something is not released": {changelog: "## Unreleased\n- c\n## v0.2.0\n- b\n",
			err: "move it under v0.2.0"},
		"something is not released, in a try": {changelog: "## Unreleased\n- c\n## v0.2.0\n- b\n", notes: "- b\n", try: true},
		"Unreleased, in a try":                {changelog: "## [Unreleased]\n- c\n", notes: "- c\n", try: true},
		"neither, in a try":                   {changelog: "## v0.1.0\n- c\n", err: `no section "Unreleased"`, try: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "CHANGELOG.md")
			require.NoError(t, os.WriteFile(path, []byte(test.changelog), 0o600))
			notes, err := readNotes(path, "v0.2.0", test.try)
			if test.err != "" {
				require.ErrorContains(t, err, test.err)
				assert.Empty(t, notes)
				return
			}
			require.NoError(t, err)
			assert.Equal(t, test.notes, notes)
		})
	}
}

// Notes of a release consist of lines of the changelog, and no notes are an error.
func FuzzSection(f *testing.F) {
	for _, seed := range []string{"## v0.2.0\n- b\n", "```\n## v0.2.0\n", "## v0.2.0\n~~~\n", "##  [v0.2.0]\n\x00"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, changelog string) {
		notes, err := section(changelog, "v0.2.0")
		assert.Equal(t, err != nil, strings.TrimSpace(notes) == "", "%q, %v", notes, err)
		// Other text would be published.
		for line := range strings.Lines(notes) {
			assert.Contains(t, strings.ReplaceAll(changelog, "\r\n", "\n"), strings.TrimSpace(line))
		}
	})
}

func TestAVersionIsATagOfTheseModules(t *testing.T) {
	t.Parallel()
	for version, says := range map[string]string{
		"v0.1.0": "", "v1.20.3": "", "v0.1.0-rc.1": "",
		"":               "-version is missing",
		"0.1.0":          "no semantic version",
		"v0.1":           "no semantic version",
		"v01.1.0":        "no semantic version",
		"vv0.1.0":        "no semantic version",
		"v0.1.0 ":        "no semantic version",
		"v0.1.0;id":      "no semantic version",
		"plugin/v0.1.0":  "no semantic version",
		"v0.1.0+linux":   "leave +... away",
		"v2.0.0":         "paths end in /v2",
		"refs/tags/v1.0": "no semantic version",
	} {
		err := validVersion(version)
		if says == "" {
			assert.NoError(t, err, version)
		} else {
			assert.ErrorContains(t, err, says, version)
		}
	}
}

// repository makes a repository that can be released as v0.1.0, and returns its folder.
func repository(t *testing.T) string {
	t.Helper()
	folder := t.TempDir()
	write(t, folder, map[string]string{
		"CHANGELOG.md": "## v0.1.0\n- a\n",
		"LICENSE":      "free\n",
		"go.mod":       "module " + module + "\n",
		"plugin/go.mod": "module " + pluginModule + "\n\nrequire " + module + " v0.0.0\n\nreplace " + module +
			" => ../\n",
		"plugin/go.sum":               "a v1.0.0 h1:x=\nz v1.0.0 h1:x=\n",
		"plugin/schema.json":          "{\n  \"version\": \"0.1.0\",\n}\n",
		"plugin/provider/provider.go": "const (\n\tVersion = \"0.1.0\"\n)\n",
		"policy/pack.go":              "var packVersion = semver.MustParse(\"0.1.0\")\n",
	})
	gitIn(t, folder, "init", "-q", "-b", "main")
	commit(t, folder)
	gitIn(t, folder, "tag", "v0.1.0")
	return folder
}

func commit(t *testing.T, folder string) {
	t.Helper()
	gitIn(t, folder, "add", "-A")
	gitIn(t, folder, "-c", "user.name=Ann", "-c", "user.email=ann@example.com", "commit", "-q", "-m", "a commit")
}

func gitIn(t *testing.T, folder string, args ...string) string {
	t.Helper()
	out, err := git(t.Context(), folder, args...)
	require.NoError(t, err)
	return out
}

func write(t *testing.T, folder string, files map[string]string) {
	t.Helper()
	for name, text := range files {
		path := filepath.Join(folder, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o700))
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	}
}

// check runs in the working directory; the test gives the repository by name.
func checked(t *testing.T, folder string, r release) (release, error) {
	t.Helper()
	r.root = folder
	return r, r.check(t.Context())
}

func TestWhatIsNotFitForAReleaseIsRefusedBeforeAnythingIsMade(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		change func(*testing.T, string, *release)
		says   []string
	}{
		"fit": {func(*testing.T, string, *release) {}, nil},
		"a changed file": {func(t *testing.T, folder string, _ *release) {
			write(t, folder, map[string]string{"LICENSE": "other\n"})
		}, []string{"LICENSE", "commit or remove"}},
		"a new file": {func(t *testing.T, folder string, _ *release) {
			write(t, folder, map[string]string{"new": ""})
		}, []string{"?? new"}},
		"no tag": {func(t *testing.T, folder string, _ *release) {
			gitIn(t, folder, "tag", "-d", "v0.1.0")
		}, []string{"there is no tag v0.1.0: git tag"}},
		"another commit's tag": {func(t *testing.T, folder string, _ *release) {
			write(t, folder, map[string]string{"new": ""})
			commit(t, folder)
		}, []string{"the tag v0.1.0 is at"}},
		"another commit's tag, in a try": {func(t *testing.T, folder string, r *release) {
			write(t, folder, map[string]string{"new": ""})
			commit(t, folder)
			r.try, r.pulumi = true, "pulumi"
		}, []string{"the tag v0.1.0 is at"}},
		"no tag, in a try": {func(t *testing.T, folder string, r *release) {
			gitIn(t, folder, "tag", "-d", "v0.1.0")
			r.try, r.pulumi = true, "pulumi"
		}, nil},
		"a try without Pulumi": {func(_ *testing.T, _ string, r *release) { r.try = true }, []string{"-pulumi is missing"}},
		"a try for other systems": {func(_ *testing.T, _ string, r *release) {
			r.try, r.pulumi, r.systems = true, "pulumi", nil
		}, []string{"-systems leaves out"}},
		"a try that tags": {func(_ *testing.T, _ string, r *release) {
			r.try, r.pulumi, r.tag = true, "pulumi", true
		}, []string{"give one of them"}},
		"there is output": {func(t *testing.T, folder string, r *release) { r.out = t.TempDir() },
			[]string{"is there already"}},
		"no output": {func(_ *testing.T, _ string, r *release) { r.out = "" }, []string{"-out is missing"}},
		"several at once": {func(t *testing.T, folder string, r *release) {
			write(t, folder, map[string]string{
				"CHANGELOG.md":                "## v0.2.0\n- b\n",
				"plugin/provider/provider.go": "const (\n\tVersion = \"0.2.0\"\n)\n",
				"policy/pack.go":              "",
			})
			require.NoError(t, os.Remove(filepath.Join(folder, "plugin/schema.json")))
			r.out = ""
		}, []string{
			"provider.go says that the version is 0.2.0, not 0.1.0: write 0.1.0 there", "schema.json: no such file",
			"pack.go says its version 0 times", `no section "v0.1.0"`, "commit or remove", "-out is missing",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			folder := repository(t)
			r := release{version: "v0.1.0", out: filepath.Join(t.TempDir(), "out"), systems: systems}
			test.change(t, folder, &r)
			r, err := checked(t, folder, r)
			if len(test.says) == 0 {
				require.NoError(t, err)
				assert.Equal(t, "- a\n", r.notes)
				return
			}
			for _, says := range test.says {
				assert.ErrorContains(t, err, says)
			}
			if r.out != "" {
				assert.NoFileExists(t, filepath.Join(r.out, "checksums.txt"))
			}
		})
	}
}

// The sources of this repository have one version, by which a release is known.
func TestTheSourcesSayOneVersion(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../plugin/schema.json")
	require.NoError(t, err)
	found := says[1].pattern.FindSubmatch(text)
	require.NotNil(t, found)
	r := release{version: "v" + string(found[1]), root: "../.."}
	require.NoError(t, validVersion(r.version))
	assert.Empty(t, r.saysVersion())
}

func TestThePluginsTagRequiresTheVersion(t *testing.T) {
	t.Parallel()
	folder, clone := repository(t), t.TempDir()
	r, err := checked(t, folder, release{version: "v0.1.0", out: "out"})
	require.NoError(t, err)
	require.NoError(t, r.cloneInto(t.Context(), clone))
	made, err := r.pluginCommit(t.Context(), clone)
	require.NoError(t, err)
	require.NoError(t, r.tagPlugin(t.Context(), clone, made))
	require.NoError(t, r.tagPlugin(t.Context(), clone, made), "again")
	mod := gitIn(t, folder, "show", "plugin/v0.1.0:plugin/go.mod")
	assert.Contains(t, mod, "require "+module+" v0.1.0")
	assert.NotContains(t, mod, "replace")
	sums := gitIn(t, folder, "show", "plugin/v0.1.0:plugin/go.sum")
	assert.Regexp(t, `^a v1.0.0 h1:x=\n`+module+` v0.1.0 h1:\S{43}=\n`+module+` v0.1.0/go.mod h1:\S{43}=\nz v1.0.0 h1:x=$`,
		sums)
	assert.Equal(t, "plugin/go.mod\nplugin/go.sum", gitIn(t, folder, "diff", "--name-only", "v0.1.0", "plugin/v0.1.0"))
	assert.Empty(t, gitIn(t, folder, "status", "--porcelain"), "the working tree is as it was")
	assert.Equal(t, r.commit, gitIn(t, folder, "rev-parse", "main"), "and so is the branch")

	again, err := r.pluginCommit(t.Context(), clone)
	require.NoError(t, err)
	assert.Equal(t, made, again, "whoever makes it makes the same commit")
	require.ErrorContains(t, r.tagPlugin(t.Context(), clone, r.commit), "take another version")
}

func TestWhatThePluginReplacesIsOnlyTheModuleAroundIt(t *testing.T) {
	t.Parallel()
	for mod, says := range map[string]string{
		"module x\n":                    "0 times",
		"module x\nreplace a => ../a\n": "replaces a",
		"module x\nreplace (\n\ta => ../a\n\t" + module + " => ../\n)\n": "replaces a",
		"module": "plugin/go.mod:1",
	} {
		_, err := requires([]byte(mod), "v0.1.0")
		assert.ErrorContains(t, err, says, mod)
	}
}

func TestAnArchiveHasTheSameBytesEachTime(t *testing.T) {
	t.Parallel()
	files := []packed{{"batchaccess", 0o755, []byte("a program")}, {"LICENSE", 0o644, []byte("free")}}
	var archives [][]byte
	for range 2 {
		path := filepath.Join(t.TempDir(), "a.tar.gz")
		sum, err := writeArchive(path, files)
		require.NoError(t, err)
		data, err := os.ReadFile(path)
		require.NoError(t, err)
		assert.Equal(t, fmt.Sprintf("%x", sha256.Sum256(data)), fmt.Sprintf("%x", sum))
		archives = append(archives, data)
		_, err = writeArchive(path, files)
		require.Error(t, err, "nothing is overwritten")
	}
	assert.Equal(t, archives[0], archives[1])

	unzipped, err := gzip.NewReader(bytes.NewReader(archives[0]))
	require.NoError(t, err)
	assert.True(t, unzipped.ModTime.IsZero())
	archive := tar.NewReader(unzipped)
	for _, want := range files {
		header, err := archive.Next()
		require.NoError(t, err)
		assert.Equal(t, want.name, header.Name)
		assert.Equal(t, want.mode, header.Mode)
		assert.Zero(t, header.ModTime.Unix())
		assert.Empty(t, header.Uname)
		data, err := io.ReadAll(archive)
		require.NoError(t, err)
		assert.Equal(t, want.data, data)
	}
	_, err = archive.Next()
	assert.Equal(t, io.EOF, err)
}

// Pulumi looks for a plugin by this name, and install instructions have the other.
func TestArchivesAreNamedAsTheyAreLookedFor(t *testing.T) {
	t.Parallel()
	var names []string
	for _, s := range systems {
		for _, p := range programs {
			names = append(names, p.archive("v0.1.0", s)+" "+p.file(s))
		}
	}
	assert.Equal(t, []string{
		"batchaccess-v0.1.0-linux-amd64.tar.gz batchaccess",
		"pulumi-resource-batchaccess-v0.1.0-linux-amd64.tar.gz pulumi-resource-batchaccess",
		"batchaccess-v0.1.0-linux-arm64.tar.gz batchaccess",
		"pulumi-resource-batchaccess-v0.1.0-linux-arm64.tar.gz pulumi-resource-batchaccess",
		"batchaccess-v0.1.0-darwin-amd64.tar.gz batchaccess",
		"pulumi-resource-batchaccess-v0.1.0-darwin-amd64.tar.gz pulumi-resource-batchaccess",
		"batchaccess-v0.1.0-darwin-arm64.tar.gz batchaccess",
		"pulumi-resource-batchaccess-v0.1.0-darwin-arm64.tar.gz pulumi-resource-batchaccess",
		"batchaccess-v0.1.0-windows-amd64.tar.gz batchaccess.exe",
		"pulumi-resource-batchaccess-v0.1.0-windows-amd64.tar.gz pulumi-resource-batchaccess.exe",
		"batchaccess-v0.1.0-windows-arm64.tar.gz batchaccess.exe",
		"pulumi-resource-batchaccess-v0.1.0-windows-arm64.tar.gz pulumi-resource-batchaccess.exe",
	}, names)
	for list, says := range map[string]string{
		"linux/amd64,windows/arm64": "", "linux/riscv64": `["linux/riscv64"]`, "linux": `["linux"]`,
		"linux/amd64,,plan9/386": `["" "plan9/386"]`,
	} {
		var r release
		if err := r.choose(list); says == "" {
			require.NoError(t, err)
			assert.Len(t, r.systems, 2)
		} else {
			assert.ErrorContains(t, err, says)
		}
	}
}
