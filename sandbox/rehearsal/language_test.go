package rehearsal

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// If the machine can't run the program's language, the program is refused, with the name of each thing to install.
func TestTheErrorNamesWhatALanguageLacks(t *testing.T) {
	for name, test := range map[string]struct {
		runtime      string
		path, beside string // commands on PATH, and in the folder of the Pulumi CLI
		lacks        string // "" if nothing is missing
		install      []string
	}{
		"Python": {"python", "", "", "pulumi-language-python, python3",
			[]string{"install the Pulumi CLI, which brings pulumi-language-python", "Python 3.9 or later"}},
		"Python without its host":         {"python", "python3", "", "pulumi-language-python is not", nil},
		"Python's host without Python":    {"python", "", "pulumi-language-python", "python3 is not", nil},
		"Python with its host":            {"python", "python3", "pulumi-language-python", "", nil},
		"Python by the name on PATH only": {"python", "python3 pulumi-language-python", "", "", nil},
		"Node.js": {"nodejs", "", "", "pulumi-language-nodejs, node, npm",
			[]string{"which brings pulumi-language-nodejs", "Node.js 20 or later with npm"}},
		"Node.js without npm":  {"nodejs", "pulumi-language-nodejs node", "", "npm is not", nil},
		"Node.js without node": {"nodejs", "pulumi-language-nodejs npm", "", "node is not", nil},
		"Node.js, whole":       {"nodejs", "node npm", "pulumi-language-nodejs", "", nil},
		"Go":                   {"go", "", "", "go is not", []string{"install Go"}},
		"Go, whole":            {"go", "go", "", "", nil}, // the sandbox has a host of its own
		"YAML": {"yaml", "", "", "pulumi-language-yaml is not",
			[]string{"which brings pulumi-language-yaml"}},
		".NET": {"dotnet", "pulumi-language-dotnet", "", "dotnet is not", []string{".NET SDK"}},
		"Java": {"java", "pulumi-language-java", "", "java is not", []string{"JDK 11"}},
		"a language of a stranger's": {"cobol", "cobol", "", "pulumi-language-cobol is not",
			[]string{"install the language host of that name"}},
	} {
		t.Run(name, func(t *testing.T) {
			commands := func(names string) string {
				dir := t.TempDir()
				for _, command := range strings.Fields(names) {
					require.NoError(t, os.WriteFile(filepath.Join(dir, command), []byte("#!/bin/sh\n"), 0o700))
				}
				return dir
			}
			t.Setenv("PATH", commands(test.path))
			err := LanguageHost(filepath.Join(commands(test.beside), "pulumi"), test.runtime)
			if test.lacks == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, "the program's runtime is "+test.runtime+", and "+test.lacks)
			for _, says := range append(test.install, "https://www.pulumi.com/docs/install/", "--preview") {
				assert.ErrorContains(t, err, says)
			}
		})
	}
}
