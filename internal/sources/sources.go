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
// does, Go tests again whenever one of them changed.
func Look(t testing.TB, root string) {
	t.Helper()
	files := 0
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		name := d.Name()
		switch {
		case err != nil:
			return err
		case d.IsDir() && path != root && (strings.HasPrefix(name, ".") ||
			slices.Contains(made, filepath.ToSlash(strings.TrimPrefix(path, root+string(filepath.Separator))))):
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
