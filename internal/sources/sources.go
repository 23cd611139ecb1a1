// Package sources is for tests that build the project's programs in processes of their own. Go takes a test's last result for as
// long as what the test itself is made of and what it looks at do not change: a program that it has built is neither.
package sources

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/mod/modfile"
)

const module = "github.com/batchaccess/batchaccess"

// Look looks at every file of the project that its programs are made of. A package that has a test which does, Go tests again
// whenever one of them changed.
func Look(t testing.TB) {
	t.Helper()
	root, err := root()
	if err != nil {
		t.Fatal(err)
	}
	files := 0
	err = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		name := d.Name()
		switch {
		case err != nil:
			return err
		case d.IsDir() && path != root && (strings.HasPrefix(name, ".") || slices.Contains(made, strings.TrimPrefix(path, root+"/"))):
			return fs.SkipDir
		case d.Type().IsRegular() && isSource(name) && !strings.HasSuffix(name, "_test.go"):
			files++
			_, err = os.Stat(path)
		}
		return err
	})
	if err != nil || files < 100 {
		t.Fatalf("%d sources below %s: %v", files, root, err)
	}
}

// made are the folders that builds and tests write.
var made = []string{"bin", "examples/typescript/sdks", "examples/typescript/node_modules", "examples/typescript/bin"}

func isSource(name string) bool {
	switch filepath.Ext(name) {
	case ".go", ".mod", ".sum", ".json", ".yaml", ".html":
		return true
	}
	return false
}

func root() (string, error) {
	for at, err := os.Getwd(); ; at = filepath.Dir(at) {
		if err != nil {
			return "", err
		}
		if text, err := os.ReadFile(filepath.Join(at, "go.mod")); err == nil && modfile.ModulePath(text) == module {
			return at, nil
		}
		if at == filepath.Dir(at) {
			return "", errors.New("the working directory is not in the project")
		}
	}
}
