package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

var (
	// installed are the folders in which package managers install what a program uses. No commit has them.
	installed = []string{"node_modules", "venv", ".venv", "sdks"}
	// installs are the names of the files that say what to install.
	installs = []string{
		"package.json", "package-lock.json", "npm-shrinkwrap.json", "yarn.lock", "pnpm-lock.yaml", "bun.lock",
		"requirements*.txt", "constraints*.txt", "pyproject.toml", "poetry.lock", "uv.lock", "Pipfile*",
	}
)

// lend links what is installed for the present project, in its folder and in those above it, into the project at a
// commit. If the commit needs something else, which is not installed, it is refused. The output of a compiler is not
// linked: it would be the present program.
func lend(here, then, tree string) error {
	below, err := filepath.Rel(tree, then)
	if err != nil {
		return fmt.Errorf("finding the project in its tree: %w", err)
	}
	for range strings.Split(filepath.ToSlash(filepath.Join("root", below)), "/") {
		if err := lendOne(here, then); err != nil {
			return err
		}
		here, then = filepath.Dir(here), filepath.Dir(then)
	}
	return nil
}

func lendOne(here, then string) error {
	for _, name := range installed {
		from, to := filepath.Join(here, name), filepath.Join(then, name)
		is, err := os.Stat(from)
		_, inCommit := os.Lstat(to)
		if err != nil || !is.IsDir() || inCommit == nil {
			continue
		}
		other, err := installsOther(here, then)
		if err != nil {
			return err
		}
		if other != "" {
			return fmt.Errorf("%s differs there, and %s has what the present one installs; check the commit out with "+
				"git worktree add, install there, and name the project's folder in it with --from", other, name)
		}
		if err := os.Symlink(from, to); err != nil {
			return fmt.Errorf("lending what is installed: %w", err)
		}
	}
	return nil
}

// installsOther names a file that says what to install and that differs in the other folder; "" for none.
func installsOther(here, then string) (string, error) {
	var names []string
	for _, dir := range []string{here, then} {
		for _, pattern := range installs {
			found, err := filepath.Glob(filepath.Join(dir, pattern))
			if err != nil {
				return "", fmt.Errorf("listing %s: %w", dir, err)
			}
			for _, file := range found {
				names = append(names, filepath.Base(file))
			}
		}
	}
	slices.Sort(names)
	for _, name := range slices.Compact(names) {
		one, err := os.ReadFile(filepath.Join(here, name))
		other, failed := os.ReadFile(filepath.Join(then, name))
		if absent := errors.Is(err, os.ErrNotExist) != errors.Is(failed, os.ErrNotExist); absent || !bytes.Equal(one, other) {
			return name, nil
		}
	}
	return "", nil
}
