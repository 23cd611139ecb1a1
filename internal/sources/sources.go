// Package sources is for tests that build the project's programs in processes of their own. Go reuses a test's last
// result as long as the test's own packages and the files that it reads do not change, and does not know the programs
// that the test builds.
package sources

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// Look reads every file below the project's root of which its programs are made, so that Go runs the package's tests
// again when one of them has changed. If tools/testrun runs the tests, an environment variable has a hash of all files
// instead: for a folder, Go would only see a changed time, which tests that write there change too. Go sees no file of
// another module, so that for tests of the other modules only the hash counts.
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

// Walk visits every file below the project's root, except those that builds and tests write.
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
