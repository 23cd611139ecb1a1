package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// modules are the modules with tests, by folder.
var modules = []string{".", "sandbox/clients", "plugin", "examples/go", "tools"}

// slow are the packages, by folder, that start Pulumi's engine, or build for a long time.
var slow = []string{
	"cmd/batchaccess", "tests/mutate", "sandbox/engine", "sandbox/rehearsal", "sandbox/standin", "sandbox/clients",
	"sandbox/clients/python",
	"tests/changes", "tests/engine", "tests/examples",
	"tools/gensdk", "plugin/provider", "internal/verify", "internal/invoke",
}

// raced says, by folder, whether the race detector watches a package's tests, if that does not follow from its code.
// The package tests runs the components' own goroutines; tests/bench and the command start processes. In a rehearsal,
// only the sandbox and the stand-ins get many requests at once: their own tests, and those of sandbox/engine, are
// watched. All that requests to plugin/provider share is a counter; what they make at the same time are components.
var raced = map[string]bool{
	"tests": true, "tests/bench": false, "cmd/batchaccess": false, "sandbox/rehearsal": false, "plugin/provider": false,
}

// A group is the packages that one `go test` can test.
type group struct {
	root, module string
	race         bool
	packages     []string // import paths
}

func (g group) how() string {
	if g.race {
		return " with goroutines of ours, watched by the race detector"
	}
	return ""
}

// groupsIn finds the packages with tests.
func groupsIn(root string, short bool) ([]group, error) {
	root, err := filepath.Abs(root)
	if err != nil {
		return nil, err
	}
	var groups []group
	for _, module := range modules {
		cmd := exec.Command("go", "list", "-f",
			`{{if or .TestGoFiles .XTestGoFiles}}{{.ImportPath}} {{.Dir}} {{join .GoFiles ","}}{{end}}`, "./...")
		cmd.Dir, cmd.Stderr = filepath.Join(root, module), os.Stderr
		out, err := cmd.Output()
		if err != nil {
			return nil, fmt.Errorf("listing the packages in %s: %w", module, err)
		}
		plain, race := group{root: root, module: module}, group{root: root, module: module, race: true}
		for line := range strings.Lines(string(out)) {
			fields := strings.SplitN(strings.TrimSpace(line), " ", 3)
			folder, err := filepath.Rel(root, fields[1])
			if err != nil {
				return nil, err
			}
			folder = filepath.ToSlash(folder)
			if short && slices.Contains(slow, folder) {
				continue
			}
			watch, said := raced[folder]
			if !said && len(fields) == 3 {
				if watch, err = concurrent(fields[1], strings.Split(fields[2], ",")); err != nil {
					return nil, err
				}
			}
			if watch && !short {
				race.packages = append(race.packages, fields[0])
			} else {
				plain.packages = append(plain.packages, fields[0])
			}
		}
		for _, g := range []group{race, plain} {
			if len(g.packages) > 0 {
				groups = append(groups, g)
			}
		}
	}
	return groups, nil
}

// concurrency matches code that uses several goroutines.
var concurrency = regexp.MustCompile(`(?m)^\s*go (func\b|[a-z][\w.]*\()|"sync(/atomic)?"|"golang.org/x/sync`)

// concurrent reports whether the files of a package use several goroutines.
func concurrent(dir string, files []string) (bool, error) {
	for _, name := range files {
		if name == "" {
			continue
		}
		text, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			return false, err
		}
		if concurrency.Match(text) {
			return true, nil
		}
	}
	return false, nil
}
