package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const skipped = `
{"Action":"run","Package":"github.com/batchaccess/batchaccess/a","Test":"TestNode"}
{"Action":"output","Package":"github.com/batchaccess/batchaccess/a","Test":"TestNode","Output":"  a.go:3: needs node\n"}
{"Action":"skip","Package":"github.com/batchaccess/batchaccess/a","Test":"TestNode"}
{"Action":"output","Package":"github.com/batchaccess/batchaccess/a","Test":"TestOther","Output":"  a.go:9: odd\n"}
{"Action":"skip","Package":"github.com/batchaccess/batchaccess/a","Test":"TestOther"}
{"Action":"pass","Package":"github.com/batchaccess/batchaccess/a","Elapsed":1.25}
`

const failed = `
{"Action":"output","Package":"p","Test":"TestGood","Output":"    p_test.go:3: well\n"}
{"Action":"pass","Package":"p","Test":"TestGood"}
{"Action":"output","Package":"p","Test":"TestBad","Output":"    p_test.go:5: not so\n"}
{"Action":"fail","Package":"p","Test":"TestBad"}
{"Action":"fail","Package":"p","Elapsed":0.5}
`

const broken = `
{"Action":"build-output","ImportPath":"p","Output":"p.go:1: undefined: x\n"}
{"Action":"build-fail","ImportPath":"p"}
{"Action":"output","Package":"p","Output":"FAIL p [build failed]\n"}
{"Action":"fail","Package":"p","Elapsed":0}
`

func TestWhatIsSaidOfARun(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		events     string
		ci, well   bool
		says, hush string // parts of the output, and texts that must not be there
	}{
		"missing":           {skipped, false, true, "not run: a.TestNode: needs node\n", "TestOther"},
		"missing in CI":     {skipped, true, false, "TestNode: needs node\nCI=true", "TestOther"},
		"how far it is":     {skipped, false, true, "ok   [1/2] a 1.2 s\npassed: 1 packages\n", "FAIL"},
		"it fails":          {failed, false, false, "FAIL [1/2] p 0.5 s\n    p_test.go:5: not so\nfailed: p", "well"},
		"it does not build": {broken, false, false, "undefined: x\nFAIL [1/2] p 0.0 s\nFAIL p", "passed"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var out bytes.Buffer
			r := &run{out: &out, total: 2, results: map[string]*result{}}
			require.NoError(t, r.read(strings.NewReader(test.events)))
			assert.Equal(t, test.well, r.report(test.ci))
			assert.Contains(t, out.String(), test.says)
			assert.NotContains(t, out.String(), test.hush)
		})
	}
}

func TestWhatAPackageTookIsSaid(t *testing.T) {
	t.Parallel()
	const events = `
{"Action":"output","Package":"a","Output":"testrun measured: wall 1500 ms, CPU 250 ms, 0 starts of pulumi, 1 builds\n"}
{"Action":"pass","Package":"a","Elapsed":0.1}
{"Action":"output","Package":"p","Output":"testrun measured: wall 2000 ms, CPU 3000 ms, 7 starts of pulumi, 2 builds\n"}
{"Action":"output","Package":"p","Output":"testrun measured: nothing\n"}
{"Action":"fail","Package":"p","Elapsed":2}
`
	var out bytes.Buffer
	r := &run{out: &out, total: 2, results: map[string]*result{}}
	require.NoError(t, r.measure())
	require.NoError(t, r.read(strings.NewReader(events)))
	r.cost.write(&out)
	assert.Contains(t, out.String(), "| p | 3.0 | 2.0 | 7 | 2 |\n| a | 0.2 | 1.5 | 0 | 1 |\n| all tests")
	assert.Contains(t, out.String(), " | 3 | | 7 | 3 |\n")
	assert.Contains(t, out.String(), "testrun measured: nothing", "what is no such line is a test's")
	assert.NotContains(t, out.String(), "1500 ms")
}

func TestStartsOfPulumiAndBuildsAreCounted(t *testing.T) {
	t.Parallel()
	dir, real := t.TempDir(), filepath.Join(t.TempDir(), "pulumi")
	require.NoError(t, os.WriteFile(real, []byte("#!/bin/sh\ntest \"$2\" = it && exit 3\n"), 0o700))
	env, count, err := counted(dir, real)
	require.NoError(t, err)
	starts, builds := count()
	assert.Zero(t, starts+builds, "nothing was started")
	script := exec.Command("sh", "-c",
		"pulumi up it; test $? = 3 && pulumi version; go version && ! go build -no-such-flag")
	script.Env = env
	out, err := script.CombinedOutput()
	require.NoError(t, err, string(out))
	starts, builds = count()
	assert.Equal(t, []int{2, 1}, []int{starts, builds})
}

func TestATestBinaryThatIsMeasuredEndsAsItWould(t *testing.T) {
	t.Parallel()
	assert.Equal(t, 0, runMeasured("go", []string{"version"}))
	assert.Equal(t, 2, runMeasured("go", []string{"no-such-command"}))
	assert.Equal(t, 1, runMeasured(filepath.Join(t.TempDir(), "nothing"), nil))
}

func TestEveryModuleWithTestsIsRun(t *testing.T) {
	t.Parallel()
	groups, err := groupsIn(filepath.Join("..", ".."), false)
	require.NoError(t, err)
	found := map[string]bool{}
	for _, g := range groups {
		for _, p := range g.packages {
			found[p] = g.race
		}
	}
	assert.Greater(t, len(found), 40)
	for name, race := range map[string]bool{"sandbox/azure": true, "access": false, "tests": true, "tests/engine": false} {
		got, ok := found[module+"/"+name]
		assert.True(t, ok, name)
		assert.Equal(t, race, got, name)
	}
	for _, folder := range slow {
		_, err := os.Stat(filepath.Join("..", "..", folder))
		assert.NoError(t, err)
	}
}

// The checksum changes with any new or changed source of a program, and not with an ignored file, a test or a page.
func TestTheSumIsOfWhatProgramsAreBuiltOf(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	write := func(name, text string) {
		require.NoError(t, os.WriteFile(filepath.Join(root, name), []byte(text), 0o600))
	}
	sum := func() string {
		sum, err := sources(root)
		require.NoError(t, err)
		return sum
	}
	out, err := exec.Command("git", "init", "-q", root).CombinedOutput()
	require.NoError(t, err, string(out))
	write(".gitignore", "made\n")
	write("main.go", "package main")
	was := sum()
	write("made", "by a test")
	write("main_test.go", "package main")
	write("README.md", "text")
	assert.Equal(t, was, sum())
	for _, change := range []struct{ name, text string }{
		{"main.go", "package main // changed"}, {"new.yaml", ""}, {"new.yaml", "a: b"},
	} {
		write(change.name, change.text)
		assert.NotEqual(t, was, sum(), change)
		was = sum()
	}
	require.NoError(t, os.Remove(filepath.Join(root, "main.go")))
	assert.NotEqual(t, was, sum())
	_, err = sources(filepath.Join(root, "no-such-folder"))
	assert.Error(t, err)
}

// Go and make come without a C compiler: the tests run all the same, and the run says what did not watch them.
func TestWithoutACCompilerTestsRunWithoutTheRaceDetector(t *testing.T) {
	t.Parallel()
	for ci, well := range map[bool]bool{false: true, true: false} {
		var out bytes.Buffer
		r := &run{out: &out, results: map[string]*result{}}
		groups := []group{{module: ".", race: true, packages: []string{"a", "b"}}, {module: ".", packages: []string{"c"}}}
		r.withoutRace(groups)
		assert.Equal(t, []group{{module: ".", packages: []string{"a", "b"}}, {module: ".", packages: []string{"c"}}}, groups)
		assert.Equal(t, well, r.report(ci))
		assert.Contains(t, out.String(), "not run: the race detector in 2 packages of .: needs a C compiler")
	}
}
