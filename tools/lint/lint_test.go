package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var wide = "// " + strings.Repeat("é", 118) + "\n"

// committed makes a repository whose only commit holds the files.
func committed(t *testing.T, files map[string]string) string {
	t.Helper()
	folder := t.TempDir()
	git(t, folder, "init", "-q", "-b", "main")
	write(t, folder, map[string]string{".gitignore": "/program\n"})
	write(t, folder, files)
	git(t, folder, "add", "-Af")
	git(t, folder, "-c", "user.name=a", "-c", "user.email=a@example.com", "commit", "-q", "-m", "first")
	return folder
}

func git(t *testing.T, folder string, args ...string) {
	t.Helper()
	cmd := exec.Command("git", args...)
	cmd.Dir = folder
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, string(out))
}

func write(t *testing.T, folder string, files map[string]string) {
	t.Helper()
	for name, text := range files {
		path := filepath.Join(folder, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o700))
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	}
}

func TestLintRefusesWhatDoesNotBelong(t *testing.T) {
	t.Parallel()
	const narrow = "package a\n"
	for name, test := range map[string]struct {
		committed, changed map[string]string
		says               []string // each part of one problem, in order
	}{
		"nothing wrong": {
			map[string]string{"a.go": narrow}, map[string]string{"b.go": narrow}, nil,
		},
		"a program is tracked": {
			map[string]string{"some/program": "\x7fELF..."}, nil, []string{"some/program is an executable"},
		},
		"a program is new": {
			nil, map[string]string{"some/program": "MZ..."}, []string{"some/program is an executable"},
		},
		"an ignored program": {
			nil, map[string]string{"program": "\x7fELF..."}, nil,
		},
		"tracked, though to be ignored": {
			map[string]string{"program": "text"}, nil, []string{"program is tracked"},
		},
		"a large file": {
			map[string]string{"large": strings.Repeat("x", mostBytes+1)}, nil, []string{"large has 1048577 bytes"},
		},
		"as large as may be": {
			map[string]string{"large": strings.Repeat("x", mostBytes)}, nil, nil,
		},
		"a wide line": {
			map[string]string{"a.go": narrow + wide}, map[string]string{"a.go": narrow + "// more\n" + wide},
			[]string{"a.go:3: 121 characters"},
		},
		"a wide line in a new file": {
			nil, map[string]string{"some/a.go": wide}, []string{"some/a.go:1: 121 characters"},
		},
		"several wide lines": {
			map[string]string{"a.go": wide + narrow, "b.go": wide}, nil,
			[]string{"a.go:1: 121 characters", "b.go:1: 121 characters"},
		},
		"a test looks at the clock": {
			nil, map[string]string{"a_test.go": "assert.Less(t, time.Since" + "(began), time.Second)\n"},
			[]string{"a_test.go:1: time.Since" + "() looks at the clock"},
		},
		"a test has a clock of its own": {
			nil, map[string]string{"a_test.go": "import \"testing/synctest\"\n\nvar x = time.Since" + "(began)\n"}, nil,
		},
		"a program looks at the clock": {nil, map[string]string{"a.go": "var x = time.Since" + "(began)\n"}, nil},
		"generated code": {
			map[string]string{"sdks/a.go": wide + wide}, nil, nil,
		},
		"other than Go": {
			nil, map[string]string{"a.md": wide + wide}, nil,
		},
		"a file goes": {
			map[string]string{"a.go": wide}, map[string]string{"b.go": narrow}, nil,
		},
		"coined words": {
			map[string]string{"a.go": "// It can't be told.\nvar Untold int\n", "b.md": "It hangs on this.\n"}, nil,
			[]string{`a.go:1: "can't be told": write undecided`, `a.go:2: "Untold"`, `b.md:1: "hangs on": write depend on`},
		},
		"a coined word of an earlier version": {nil, map[string]string{"CHANGELOG.md": "It can't be told.\n"}, nil},
		"as wide as may be": {
			nil, map[string]string{"a.go": strings.Repeat("é", 120)}, nil,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			folder := committed(t, test.committed)
			write(t, folder, test.changed)
			if name == "a file goes" {
				require.NoError(t, os.Remove(filepath.Join(folder, "a.go")))
			}
			problems, err := check(folder)
			require.NoError(t, err)
			require.Len(t, problems, len(test.says), "%q", problems)
			for i, says := range test.says {
				assert.Contains(t, problems[i], says)
			}
		})
	}
}
