// Package sources is for tests that build the project's programs in processes of their own. Go takes a test's last
// result for as long as what the test itself is made of and what it looks at do not change: a program that it has built
// is neither.
package sources

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// Look looks at every file below the project's root that its programs are made of. A package that has a test which
// does, Go tests again whenever one of them changed. Where tools/testrun runs the tests, a variable says what they all
// hold: of a folder Go would see only that something in it has another time, which what tests write there has too.
func Look(t testing.TB, root string) {
	t.Helper()
	if os.Getenv("BATCHACCESS_SOURCES") != "" {
		return
	}
	files := 0
	err := Walk(root, func(path string) error {
		if !isSource(path) || strings.HasSuffix(path, "_test.go") {
			return nil
		}
		files++
		_, err := os.Stat(path)
		return err
	})
	if err != nil || files < 100 {
		t.Fatalf("%d sources below %s: %v", files, root, err)
	}
}

// Walk visits every file below the project's root but those that builds and tests write.
func Walk(root string, visit func(path string) error) error {
	return filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && path != root && (strings.HasPrefix(d.Name(), ".") ||
			slices.Contains(made, filepath.ToSlash(strings.TrimPrefix(path, root+string(filepath.Separator))))):
			return fs.SkipDir
		case d.Type().IsRegular():
			return visit(path)
		}
		return nil
	})
}

// made are the folders that builds and tests write.
var made = []string{
	"bin", "examples/python/sdks", "examples/python/venv",
	"examples/typescript/sdks", "examples/typescript/node_modules", "examples/typescript/bin",
}

func isSource(name string) bool {
	switch filepath.Ext(name) {
	case ".go", ".py", ".mod", ".sum", ".json", ".yaml", ".html", ".css":
		return true
	}
	return false
}
