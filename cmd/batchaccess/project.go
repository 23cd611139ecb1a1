package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/internal/config"
	"github.com/batchaccess/batchaccess/internal/problem"
)

// A project is a folder with a Pulumi.yaml.
type project struct {
	dir  string
	name string
	// asked is the value of --stack for Pulumi, which may be org/project/stack. "" for the only stack.
	asked string
}

// openProject finds the project that the folder, or one above it, belongs to.
func openProject(dir string) (project, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return project{}, fmt.Errorf("finding the project: %w", err)
	}
	if at, err := os.Stat(dir); err != nil || !at.IsDir() { // otherwise a project above it would be used
		return project{}, fmt.Errorf("--dir: there is no folder %s; name the folder of a Pulumi project", dir)
	}
	for at := dir; ; at = filepath.Dir(at) {
		text, err := os.ReadFile(filepath.Join(at, "Pulumi.yaml"))
		if errors.Is(err, os.ErrNotExist) && at != filepath.Dir(at) {
			continue
		}
		if err != nil {
			return project{}, fmt.Errorf("no Pulumi.yaml in %s or above it; name the folder of a Pulumi project with --dir", dir)
		}
		name, err := config.ProjectName(filepath.Join(at, "Pulumi.yaml"), text)
		return project{dir: at, name: name}, err
	}
}

// stacks returns the stacks with a configuration beside Pulumi.yaml.
func (p project) stacks() ([]string, error) {
	files, err := filepath.Glob(filepath.Join(p.dir, "Pulumi.*.yaml"))
	if err != nil {
		return nil, fmt.Errorf("listing the stacks of %s: %w", p.dir, err)
	}
	var names []string
	for _, file := range files {
		names = append(names, strings.TrimSuffix(strings.TrimPrefix(filepath.Base(file), "Pulumi."), ".yaml"))
	}
	return names, nil
}

// choose returns the stack's own name: of the given stack, or of the only one.
func (p project) choose(stack string) (string, error) {
	names, err := p.stacks()
	if err != nil {
		return "", err
	}
	if parts := strings.Split(stack, "/"); len(parts) == 3 && parts[1] != p.name {
		return "", fmt.Errorf("--stack %s is a stack of project %s, and the project in %s is %s; name its folder with -C",
			stack, parts[1], p.dir, p.name)
	} else if len(parts) <= 3 {
		stack = baseName(stack)
	}
	switch {
	case stack == "" && len(names) == 1:
		return names[0], nil
	case stack == "":
		return "", fmt.Errorf("name a stack with --stack; %s", problem.DidYouMean("", names))
	case !slices.Contains(names, stack):
		return "", fmt.Errorf("stack %q has no Pulumi.%s.yaml in %s; %s", stack, stack, p.dir,
			problem.DidYouMean(stack, names))
	}
	return stack, nil
}

// openStack finds the project of the folder, and the given stack or the only one.
func openStack(dir, stack string) (p project, name string, err error) {
	if p, err = openProject(dir); err == nil {
		p.asked = stack
		name, err = p.choose(stack)
	}
	return p, name, err
}

// kept makes a folder in the project for what commands keep from one run to the next. Git ignores it: it has the
// secrets of the sandbox.
func (p project) kept(name string) (string, error) {
	all := filepath.Join(p.dir, ".batchaccess")
	dir := filepath.Join(all, name)
	err := os.MkdirAll(dir, 0o700)
	if err == nil {
		err = os.WriteFile(filepath.Join(all, ".gitignore"), []byte("*\n"), 0o600)
	}
	if err != nil {
		return "", fmt.Errorf("making a folder for the sandbox's state: %w", err)
	}
	return dir, nil
}

// errOwnProgram is the error of a stack without a configuration of our program.
var errOwnProgram = errors.New("has no invokers in its configuration, so it is not of batchaccess's own program; the " +
	"tests of a program of your own say who may do what, and rehearse it: see docs/parts.md and package accesstest")

// read decodes the configuration of a stack, and warns of access that has ended or will soon.
func (p project) read(stack string) (c config.Configuration, _ access.Problems, _ error) {
	values, err := config.ReadStack(p.dir, stack)
	if err != nil {
		return c, nil, err
	}
	if _, ours := values["invokers"]; !ours { // our program's Pulumi.yaml has a default
		return c, nil, fmt.Errorf("stack %s of project %s %w", stack, p.name, errOwnProgram)
	}
	left, err := config.Leftovers(p.dir, stack)
	if err != nil {
		return c, nil, err
	}
	now := time.Now()
	c, problems := config.DecodeAt(values, now)
	problems = append(problems, left...)
	return c, append(problems, byTime(c.Model, now)...), nil
}

// byTime warns of what has ended, or will soon.
func byTime(m access.Model, now time.Time) access.Problems {
	return append(m.SecretsAt(now), m.Ends(now)...)
}
