package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"

	"github.com/blang/semver"
)

const (
	module       = "github.com/batchaccess/batchaccess"
	pluginModule = module + "/plugin"
)

// says are the places where the sources have the version: a program that is built from a git remote has no other way to
// know it.
var says = []struct {
	file    string
	pattern *regexp.Regexp
	change  string
}{
	{"plugin/provider/provider.go", regexp.MustCompile(`(?m)^\tVersion = "(.*)"$`), "write %s there"},
	{"plugin/schema.json", regexp.MustCompile(`(?m)^  "version": "(.*)",$`), "write it again: `make generate`"},
	{"policy/pack.go", regexp.MustCompile(`(?m)^var packVersion = semver\.MustParse\("(.*)"\)$`), "write %s there"},
}

// check finds everything that is wrong with the release before anything is made, and reads the notes.
func (r *release) check(ctx context.Context) error {
	root, err := git(ctx, r.root, "rev-parse", "--show-toplevel")
	if err != nil {
		return err
	}
	r.root = root
	if r.commit, err = git(ctx, root, "rev-parse", "HEAD"); err != nil {
		return err
	}
	problems := []error{validVersion(r.version)}
	add := func(format string, args ...any) { problems = append(problems, fmt.Errorf(format, args...)) }
	dirty, err := git(ctx, root, "status", "--porcelain")
	if err != nil {
		return err
	}
	if dirty != "" {
		add("the working tree differs from the commit, and a release is of the commit: commit or remove\n%s", dirty)
	}
	if problems[0] == nil {
		problems = append(problems, r.saysVersion()...)
		problems = append(problems, r.tags(ctx)...)
		if r.notes, err = readNotes(filepath.Join(root, "CHANGELOG.md"), r.version, r.try); err != nil {
			problems = append(problems, err)
		}
	}
	if r.out == "" {
		add("-out is missing: name a folder to make")
	} else if _, err := os.Lstat(r.out); err == nil {
		add("-out: %s is there already: remove it, or name another folder", r.out)
	} else if !errors.Is(err, os.ErrNotExist) {
		problems = append(problems, err)
	}
	if r.try && r.pulumi == "" {
		add("-pulumi is missing: -try adds the package to a project with the Pulumi CLI")
	}
	if here := (system{runtime.GOOS, runtime.GOARCH}); r.try && !slices.Contains(r.systems, here) {
		add("-systems leaves out %s, which this is: -try runs what is built for it", here)
	}
	if r.try && r.tag {
		add("-try and -tag: what is tried is not tagged; give one of them")
	}
	return errors.Join(problems...)
}

// validVersion refuses a version that Go or Pulumi would not accept as the tag of a release of these modules.
func validVersion(version string) error {
	v, err := semver.Parse(strings.TrimPrefix(version, "v"))
	switch {
	case version == "":
		return errors.New("-version is missing: name the tag, such as v0.1.0")
	case err != nil || !strings.HasPrefix(version, "v"):
		return fmt.Errorf("-version: %q is no semantic version with a v before it, such as v0.1.0", version)
	case len(v.Build) > 0:
		return fmt.Errorf("-version: %q has build metadata, which Go takes in no tag: leave +... away", version)
	case v.Major > 1:
		return fmt.Errorf("-version: %q needs modules whose paths end in /v%d, and these are %s and %s", version, v.Major,
			module, pluginModule)
	}
	return nil
}

// saysVersion compares the version in the sources with the version of the release.
func (r *release) saysVersion() (problems []error) {
	want := strings.TrimPrefix(r.version, "v")
	for _, s := range says {
		text, err := os.ReadFile(filepath.Join(r.root, s.file))
		if err != nil {
			problems = append(problems, err)
			continue
		}
		found := s.pattern.FindAllStringSubmatch(string(text), -1)
		if len(found) != 1 {
			problems = append(problems, fmt.Errorf("%s says its version %d times, and is to say it once: see tools/release",
				s.file, len(found)))
		} else if found[0][1] != want {
			change := strings.ReplaceAll(s.change, "%s", want)
			problems = append(problems, fmt.Errorf("%s says that the version is %s, not %s: %s", s.file, found[0][1], want,
				change))
		}
	}
	return problems
}

// tags refuses a version whose tag is at another commit, and a version without a tag if one is needed.
func (r *release) tags(ctx context.Context) (problems []error) {
	at, err := git(ctx, r.root, "rev-parse", "--verify", "--quiet", "refs/tags/"+r.version+"^{commit}")
	switch {
	case err == nil && at != r.commit:
		problems = append(problems, fmt.Errorf("the tag %s is at %.12s, and HEAD is %.12s: check the tag out, or take "+
			"another version", r.version, at, r.commit))
	case err != nil && !r.try:
		problems = append(problems, fmt.Errorf("there is no tag %s: git tag -a %s -m %s", r.version, r.version, r.version))
	}
	return problems
}

// git runs git in the folder and returns its output, without the white space around it.
func git(ctx context.Context, folder string, args ...string) (string, error) {
	return run(command(ctx, folder, "git", args...))
}

func command(ctx context.Context, folder, name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = folder
	return cmd
}

// run runs a command and returns its output, without the white space around it.
func run(cmd *exec.Cmd) (string, error) {
	var said strings.Builder
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("%s: %w\n%s%s", strings.Join(cmd.Args, " "), err, out, said.String())
	}
	return strings.TrimSpace(string(out)), nil
}
