package programs_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/batchaccess/batchaccess/sandbox/golang/programs"
)

const (
	module  = "module program\n\ngo 1.26\n\nrequire other v0.0.0\n\nreplace other => ./other\n"
	said    = "package main\n\nfunc said() string { return \"c\" }\n"
	flagged = "//go:build flagged\n\npackage main\n\nfunc init() { print(\"f\") }\n"
)

// sources are the files of a program that prints a text from each of its parts. Their times are in the past, as if they
// had been written long before the build.
func sources(t *testing.T) string {
	t.Helper()
	root := t.TempDir()
	write(t, root, map[string]string{
		"go.mod": module,
		"main.go": "package main\n\nimport (\n\t\"other\"\n\t\"program/part\"\n)\n\n" +
			"func main() { print(part.Says, other.Says, said()) }\n",
		"said.go":           said,
		"part/part.go":      "package part\n\nimport _ \"embed\"\n\n//go:embed texts/says\nvar Says string\n",
		"part/texts/says":   "a",
		"other/go.mod":      "module other\n\ngo 1.26\n",
		"other/other.go":    "package other\n\nconst Says = \"b\"\n",
		"other/README.md":   "nothing\n",
		"unused/unused.go":  "package unused\n",
		"elsewhere/go.mod":  "module other\n\ngo 1.26\n",
		"elsewhere/else.go": "package other\n\nconst Says = \"e\"\n",
	})
	return root
}

func write(t *testing.T, root string, files map[string]string) {
	t.Helper()
	earlier := time.Now().Add(-time.Hour)
	for name, text := range files {
		path := filepath.Join(root, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o700))
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		require.NoError(t, os.Chtimes(path, earlier, earlier))
	}
}

func build(t *testing.T, folder string, p programs.Program) (path, prints string) {
	t.Helper()
	path, err := programs.Build(t.Context(), folder, p)
	require.NoError(t, err)
	out, err := exec.Command(path).CombinedOutput()
	require.NoError(t, err)
	return path, string(out)
}

func TestAProgramIsBuiltAgainWhereWhatItIsMadeOfHasChanged(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		changes map[string]string
		env     string
		prints  string // "abc" if nothing is built again
	}{
		"nothing":           {nil, "", "abc"},
		"a file of no part": {map[string]string{"unused/unused.go": "package unused\n\nconst X = 1\n"}, "", "abc"},
		"a test":            {map[string]string{"said_test.go": "package main\n"}, "", "abc"},
		"its main package":  {map[string]string{"said.go": strings.Replace(said, `"c"`, `"d"`, 1)}, "", "abd"},
		"an embedded file":  {map[string]string{"part/texts/says": "x"}, "", "xbc"},
		"a module beside it": {
			map[string]string{"other/other.go": "package other\n\nconst Says = \"z\"\n"}, "", "azc",
		},
		"which module it is": {map[string]string{"go.mod": strings.Replace(module, "./other", "./elsewhere", 1)}, "", "aec"},
		"a new file":         {map[string]string{"new.go": "package main\n\nfunc init() { print(\"n\") }\n"}, "", "nabc"},
		"a workspace": {map[string]string{
			"go.work":        "go 1.26\n\nuse (\n\t.\n\t./other\n)\n",
			"other/other.go": "package other\n\nconst Says = \"w\"\n",
		}, "", "awc"},
		"the Go tool's flags": {nil, "GOFLAGS=-tags=flagged", "fabc"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			root, folder := sources(t), t.TempDir()
			write(t, root, map[string]string{"flagged.go": flagged})
			before, prints := build(t, folder, programs.Program{Dir: root})
			require.Equal(t, "abc", prints)
			write(t, root, test.changes)
			p := programs.Program{Dir: root}
			if test.env != "" {
				p.Env = append(os.Environ(), test.env)
			}
			after, prints := build(t, folder, p)
			assert.Equal(t, test.prints, prints)
			assert.Equal(t, test.prints == "abc", before == after, "%s, %s", before, after)
			assert.FileExists(t, before, "somebody may be running it")
		})
	}
}

func TestWhatIsBuiltOfSourcesThatAreJustBeingWrittenIsNotTakenAgain(t *testing.T) {
	t.Parallel()
	root, folder := sources(t), t.TempDir()
	ahead := time.Now().Add(time.Hour)
	require.NoError(t, os.Chtimes(filepath.Join(root, "said.go"), ahead, ahead))
	first, _ := build(t, folder, programs.Program{Dir: root})
	second, prints := build(t, folder, programs.Program{Dir: root})
	assert.NotEqual(t, first, second)
	assert.Equal(t, "abc", prints)
}

func TestAProgramIsBuiltOnceForAllWhoAskAtOnce(t *testing.T) {
	t.Parallel()
	root, folder := sources(t), t.TempDir()
	paths := make([]string, 5)
	var all sync.WaitGroup
	for i := range paths {
		all.Go(func() {
			path, err := programs.Build(t.Context(), folder, programs.Program{Dir: root, Package: "./."})
			assert.NoError(t, err)
			paths[i] = path
		})
	}
	all.Wait()
	for _, path := range paths {
		assert.Equal(t, paths[0], path)
	}
	built, err := filepath.Glob(filepath.Join(folder, "*", "*", "program"))
	require.NoError(t, err)
	assert.Len(t, built, 1)
}

func TestAProgramThatNobodyAsksForIsRemoved(t *testing.T) {
	t.Parallel()
	root, folder := sources(t), t.TempDir()
	old, _ := build(t, folder, programs.Program{Dir: root})
	long := time.Now().AddDate(0, 0, -4)
	require.NoError(t, os.Chtimes(old, long, long))
	write(t, root, map[string]string{"said.go": strings.Replace(said, `"c"`, `"d"`, 1)})
	build(t, folder, programs.Program{Dir: root})
	assert.NoFileExists(t, old)
}

func TestWhatGoSaysOfAProgramThatDoesNotBuildIsTheError(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ file, text, says string }{
		"it does not compile": {"said.go", "package main\n\nfunc said() int { return x }\n", "undefined: x"},
		"it imports nothing":  {"said.go", "package main\n\nimport _ \"program/absent\"\n", "program/absent"},
		"its module is none":  {"go.mod", "modul program\n", "go.mod"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			root, folder := sources(t), t.TempDir()
			write(t, root, map[string]string{test.file: test.text})
			_, err := programs.Build(t.Context(), folder, programs.Program{Dir: root})
			require.ErrorContains(t, err, test.says)
			_, err = programs.Build(t.Context(), folder, programs.Program{Dir: root})
			require.ErrorContains(t, err, test.says, "and not what was built before")
		})
	}
}
