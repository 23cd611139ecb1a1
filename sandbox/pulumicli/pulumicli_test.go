package pulumicli_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/batchaccess/batchaccess/sandbox/pulumicli"
)

// machine is a PATH, a cache and a working directory of the test's own, set by the environment: so no test here is
// parallel.
type machine struct {
	t                *testing.T
	bin, cache, work string
}

func newMachine(t *testing.T) *machine {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("the stand-ins for pulumi and go are shell scripts")
	}
	m := &machine{t: t, bin: t.TempDir(), cache: t.TempDir(), work: t.TempDir()}
	t.Setenv("PATH", m.bin)
	t.Setenv("HOME", m.cache) // where macOS looks
	t.Setenv("XDG_CACHE_HOME", m.cache)
	t.Setenv(pulumicli.Override, "")
	t.Chdir(m.work)
	return m
}

// script installs a program on PATH.
func (m *machine) script(name, body string) string {
	m.t.Helper()
	path := filepath.Join(m.bin, name)
	require.NoError(m.t, os.WriteFile(path, []byte("#!/bin/sh\n"+body), 0o700))
	return path
}

func (m *machine) pulumi(version string) string {
	m.t.Helper()
	return m.script("pulumi", `[ "$1" = version ] && echo `+version+"\n")
}

// goTool installs a go that records its calls, and runs the given script in place of a build.
func (m *machine) goTool(build string) {
	m.t.Helper()
	m.script("go", fmt.Sprintf(`PATH=/usr/bin:/bin
echo "$PWD: $*" >>%q
case "$1" in
list) echo a; echo b; echo c; echo d ;;
build)
	while [ "$1" != -o ]; do shift; done
	%s ;;
esac
`, m.calls(), build))
}

func (m *machine) calls() string { return filepath.Join(m.cache, "go-calls") }

// called returns the calls of go, one a line.
func (m *machine) called() string {
	data, err := os.ReadFile(m.calls())
	if os.IsNotExist(err) {
		return ""
	}
	require.NoError(m.t, err)
	return string(data)
}

func (m *machine) find() (path, progress string, err error) {
	var out bytes.Buffer
	path, err = pulumicli.Find(m.t.Context(), &out)
	return path, out.String(), err
}

// cached is the path of a built CLI.
func (m *machine) cached() string {
	folder, err := os.UserCacheDir()
	require.NoError(m.t, err)
	return filepath.Join(folder, "batchaccess", "pulumi-"+pulumicli.Version, "pulumi")
}

// leftovers lists what is in the cache besides the CLI and the lock.
func (m *machine) leftovers() []string {
	found, err := filepath.Glob(filepath.Join(filepath.Dir(filepath.Dir(m.cached())), "build-*"))
	require.NoError(m.t, err)
	return found
}

const writesBinary = `echo github.com/some/package >&2; echo built >"$2"`

func TestFindUsesAPulumiOnPathThatIsRecentEnough(t *testing.T) {
	for _, version := range []string{"v" + pulumicli.MinVersion, "v3.300.1", "v4.0.0"} {
		t.Run(version, func(t *testing.T) {
			m := newMachine(t)
			want := m.pulumi(version)
			path, progress, err := m.find()
			require.NoError(t, err)
			assert.Equal(t, want, path)
			assert.Empty(t, progress)
		})
	}
}

func TestFindPassesOverAPulumiOnPathAndSaysWhy(t *testing.T) {
	for name, tc := range map[string]struct{ script, says string }{
		"too old":             {"echo v3.255.9", "it is 3.255.9, and 3.256.0 or later is needed"},
		"before the release":  {"echo v3.256.0-alpha.1", "it is 3.256.0-alpha.1, and 3.256.0 or later"},
		"without a version":   {"echo hello", `answered "hello"`},
		"that does not start": {"exit 3", "exit status 3"},
	} {
		t.Run(name, func(t *testing.T) {
			m := newMachine(t)
			m.script("pulumi", tc.script)
			m.goTool(writesBinary)
			path, progress, err := m.find()
			require.NoError(t, err)
			assert.Equal(t, m.cached(), path)
			assert.Contains(t, progress, tc.says)
		})
	}
}

func TestAPulumiIsAskedForItsVersionOnceForAsLongAsItIsTheSame(t *testing.T) {
	m := newMachine(t)
	starts := filepath.Join(m.cache, "starts")
	cli := m.script("pulumi", "echo x >>"+starts+"; echo v3.300.0\n")
	for range 3 {
		path, _, err := m.find()
		require.NoError(t, err)
		assert.Equal(t, cli, path)
	}
	text, err := os.ReadFile(starts)
	require.NoError(t, err)
	assert.Equal(t, "x\n", string(text))

	m.script("pulumi", "echo v3.1.0 # another one\n")
	m.goTool(writesBinary)
	path, progress, err := m.find()
	require.NoError(t, err)
	assert.Equal(t, m.cached(), path)
	assert.Contains(t, progress, "it is 3.1.0")

	require.NoError(t, os.Remove(cli))
	require.NoError(t, os.Symlink(m.cached(), cli)) // no program: a CLI that was built here is not asked
	path, progress, err = m.find()
	require.NoError(t, err)
	assert.Equal(t, cli, path)
	assert.Empty(t, progress)
}

func TestFindUsesACachedPulumiWithoutGo(t *testing.T) {
	m := newMachine(t)
	m.goTool(writesBinary)
	built, _, err := m.find()
	require.NoError(t, err)

	require.NoError(t, os.Remove(filepath.Join(m.bin, "go")))
	path, progress, err := m.find()
	require.NoError(t, err)
	assert.Equal(t, built, path)
	assert.Empty(t, progress, "there is nothing to wait for")
}

func TestFindBuildsIntoACacheOfTheUsersOwn(t *testing.T) {
	m := newMachine(t)
	m.goTool(writesBinary)
	path, progress, err := m.find()
	require.NoError(t, err)

	content, err := os.ReadFile(path)
	require.NoError(t, err)
	assert.Equal(t, "built\n", string(content))
	for _, private := range []string{path, filepath.Dir(path), filepath.Dir(filepath.Dir(path))} {
		info, err := os.Stat(private)
		require.NoError(t, err)
		assert.Zero(t, info.Mode().Perm()&0o077, "%s is open to others: %v", private, info.Mode())
	}
	assert.Empty(t, m.leftovers())

	assert.Contains(t, progress, "there is no pulumi to use on PATH: building pulumi "+pulumicli.Version)
	assert.Contains(t, progress, "this happens once")
	assert.Contains(t, progress, "compiled 0 of at most 4 packages, at least 0%")
	assert.NotContains(t, progress, "\r", "a log is not a terminal")
	assert.Contains(t, m.called(), "version.Version=v"+pulumicli.Version+" ")
}

func TestFindBuildsInAModuleThatPinsTheVersion(t *testing.T) {
	gomod := func(name, body string) func(m *machine) {
		return func(m *machine) {
			path := filepath.Join(m.work, filepath.FromSlash(name), "go.mod")
			require.NoError(m.t, os.MkdirAll(filepath.Dir(path), 0o700))
			require.NoError(m.t, os.WriteFile(path, []byte(body), 0o600))
		}
	}
	project := gomod(".", "module github.com/batchaccess/batchaccess\n")
	requires := func(version string) string {
		return "module github.com/batchaccess/batchaccess/tools\n\nrequire github.com/pulumi/pulumi/pkg/v3 " + version + "\n"
	}
	for name, tc := range map[string]struct {
		files    []func(*machine)
		cwd      string
		inModule string // relative to the working directory; empty for a module of its own
	}{
		"in the project": {
			files: []func(*machine){project, gomod("tools", requires("v"+pulumicli.Version))}, cwd: ".", inModule: "tools",
		},
		"in another module of the project": {
			files: []func(*machine){project, gomod("tools", requires("v"+pulumicli.Version)), gomod("plugin", "module other\n")},
			cwd:   "plugin", inModule: "tools",
		},
		"in the project, whose tools pin another version": {
			files: []func(*machine){project, gomod("tools", requires("v3.1.0"))}, cwd: ".",
		},
		"in another project": {
			files: []func(*machine){gomod(".", "module example.com/stack\n"),
				gomod("tools", requires("v"+pulumicli.Version))}, cwd: ".",
		},
		"in no module": {cwd: "."},
	} {
		t.Run(name, func(t *testing.T) {
			m := newMachine(t)
			m.goTool(writesBinary)
			for _, write := range tc.files {
				write(m)
			}
			t.Chdir(filepath.Join(m.work, tc.cwd))
			_, _, err := m.find()
			require.NoError(t, err)

			fetch := "get github.com/pulumi/pulumi/pkg/v3/cmd/pulumi@v" + pulumicli.Version
			if tc.inModule == "" {
				assert.Contains(t, m.called(), fetch)
				return
			}
			assert.NotContains(t, m.called(), fetch)
			for _, call := range strings.Split(strings.TrimSpace(m.called()), "\n") {
				assert.Contains(t, call, string(filepath.Separator)+tc.inModule+": ")
			}
		})
	}
}

func TestFindSaysWhatAFailedBuildSaidAndWhatToDo(t *testing.T) {
	m := newMachine(t)
	m.goTool(`echo 'dial tcp: no route to host' >&2; echo half >"$2"; exit 1`)
	_, _, err := m.find()
	require.Error(t, err)
	assert.ErrorContains(t, err, "no route to host")
	assert.ErrorContains(t, err, "install Pulumi "+pulumicli.MinVersion)
	assert.ErrorContains(t, err, pulumicli.Override)
	assert.NoFileExists(t, m.cached())
	assert.Empty(t, m.leftovers())
}

func TestFindWithoutPulumiAndGoSaysWhatToInstall(t *testing.T) {
	m := newMachine(t)
	_, _, err := m.find()
	require.Error(t, err)
	assert.ErrorContains(t, err, `"go": executable file not found`)
	assert.ErrorContains(t, err, "install Pulumi "+pulumicli.MinVersion)
}

func TestFindBuildsOnceForAllWhoAskAtOnce(t *testing.T) {
	m := newMachine(t)
	goOn := filepath.Join(m.work, "go-on") // the build ends when the others are waiting
	m.goTool("while [ ! -e " + goOn + " ]; do sleep 0.01; done; " + writesBinary)
	var wait sync.WaitGroup
	waits := make(waiting, 3)
	for range 3 {
		wait.Go(func() {
			path, err := pulumicli.Find(t.Context(), waits)
			assert.NoError(t, err)
			assert.Equal(t, m.cached(), path)
		})
	}
	<-waits
	<-waits
	require.NoError(t, os.WriteFile(goOn, nil, 0o600))
	wait.Wait()
	assert.Empty(t, waits, "one of the three builds")
	assert.Equal(t, 1, strings.Count(m.called(), ": build "))
}

// waiting gets a value for each Find that says that it waits for another one.
type waiting chan struct{}

func (w waiting) Write(p []byte) (int, error) {
	if bytes.Contains(p, []byte("waiting for it")) {
		w <- struct{}{}
	}
	return len(p), nil
}

func TestFindStopsABuildThatIsCancelled(t *testing.T) {
	m := newMachine(t)
	building := filepath.Join(m.work, "building")
	m.goTool(`echo half >"$2"; : >` + building + `; exec sleep 3600`)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go func() { // when the build has begun
		for ctx.Err() == nil {
			if _, err := os.Stat(building); err == nil {
				cancel()
			}
			time.Sleep(time.Millisecond)
		}
	}()
	_, err := pulumicli.Find(ctx, &bytes.Buffer{})
	require.ErrorIs(t, err, context.Canceled)
	assert.NoFileExists(t, m.cached())
	assert.Empty(t, m.leftovers())
}

func TestOverrideIsUsedInsteadOfAnyOther(t *testing.T) {
	m := newMachine(t)
	m.pulumi("v3.300.0")
	old := filepath.Join(t.TempDir(), "old")
	require.NoError(t, os.WriteFile(old, []byte("#!/bin/sh\necho v3.1.0\n"), 0o700))

	t.Setenv(pulumicli.Override, old)
	path, progress, err := m.find()
	require.NoError(t, err)
	assert.Equal(t, old, path)
	assert.Contains(t, progress, "pulumi 3.1.0; 3.256.0 or later is known to work")

	t.Setenv(pulumicli.Override, filepath.Join(m.work, "absent"))
	_, _, err = m.find()
	require.ErrorContains(t, err, pulumicli.Override)
	require.ErrorContains(t, err, "correct or unset it")
}
