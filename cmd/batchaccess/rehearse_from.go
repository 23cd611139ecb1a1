package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/batchaccess/batchaccess/internal/filelock"
	"github.com/batchaccess/batchaccess/internal/jsonform"
	"github.com/batchaccess/batchaccess/internal/world"
	"github.com/batchaccess/batchaccess/sandbox/azure"
	"github.com/batchaccess/batchaccess/sandbox/pulumicli"
	"github.com/batchaccess/batchaccess/sandbox/rehearsal"
)

// changeFlags are the flags for the rehearsal of a change.
type changeFlags struct {
	from  string
	kills int
	seed  uint64
}

// inWorld is the world of --world, nil for none, and the stack's tenants by where they were read.
type inWorld struct {
	world   *world.World
	tenants map[string]string
}

// errNewStack is the error for a stack that did not exist before.
var errNewStack = errors.New("the stack is new")

// rehearseChange rehearses the change from the earlier stack to the present one.
func rehearseChange(
	cmd *cobra.Command, from source, of *stackOf, now rehearsal.Version, f changeFlags, in inWorld, weather azure.Weather,
	form form, to output,
) error {
	p, stack := of.project, of.name
	old, remove, err := from.from(cmd, of, f.from)
	if errors.Is(err, errNewStack) {
		return fmt.Errorf("--from: stack %s is not at %s, so nothing changes for anybody; leave --from out to rehearse it",
			stack, f.from)
	}
	if err != nil {
		return fmt.Errorf("--from: %w", err)
	}
	defer remove()
	cli, err := pulumicli.Find(cmd.Context(), cmd.ErrOrStderr())
	if err != nil {
		return err
	}
	state, cleanUp, err := rehearsalFolder(p, stack, false)
	if err != nil {
		return err
	}
	defer cleanUp()
	standIns, err := chosenStandIns(cmd)
	if err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("finding batchaccess itself, to resume what is killed: %w", err)
	}
	if f.seed == 0 {
		f.seed = rand.Uint64()
	}
	shown := newProgress(cmd.ErrOrStderr())
	report, err := rehearsal.Change(cmd.Context(), rehearsal.ChangeOptions{
		Stack: stack, Old: old, New: now, StateDir: state, Pulumi: cli, StandIns: standIns, Weather: weather,
		World: in.world, Tenants: in.tenants, Kills: f.kills, KillSeed: f.seed, Command: self, Progress: shown,
		Logger: logger(cmd),
	})
	shown.done()
	if err != nil {
		return err
	}
	report.From = f.from
	if f.kills > 0 {
		report.KillSeed = f.seed
	}
	return printRehearsal(cmd, to, form, report, changeForm{jsonVersion, report})
}

// printRehearsal prints the result of a rehearsal, and fails if it does not pass. inJSON is the report for machines.
func printRehearsal(cmd *cobra.Command, to output, form form, report interface {
	Write(w io.Writer, colour bool) error
	Passed() bool
}, inJSON any) error {
	colour := to.file == "" && isTerminal(cmd.OutOrStdout()) && os.Getenv("NO_COLOR") == ""
	err := to.print(cmd, "report", func(w io.Writer) error {
		if form.format == "json" {
			return jsonform.Write(w, inJSON)
		}
		return report.Write(w, colour)
	})
	if err != nil {
		return err
	}
	if !report.Passed() {
		return errFailed
	}
	return nil
}

// changeForm is the JSON of a rehearsal of a change.
type changeForm struct {
	Version int `json:"version"`
	*rehearsal.ChangeReport
}

// version returns the stack as a rehearsal deploys it: the BatchEndpointAccess with that name, or the only one, and
// what the others refer to.
func (s *stackOf) version(component string, warnings io.Writer) (v rehearsal.Version, err error) {
	all := s.Parts
	part, err := s.narrow(component)
	if err != nil {
		return v, err
	}
	for _, w := range part.Problems.Warnings() {
		fmt.Fprintln(warnings, "warning:", w)
	}
	if err := part.Problems.Err(); err != nil {
		return v, fmt.Errorf("the configuration of stack %s:\n%w", s.name, err)
	}
	v = rehearsal.Version{ProjectDir: s.project.dir, StackFile: s.file, Model: part.Declared, Location: s.location,
		Component: part.URN, Inputs: part.Inputs, SubscriptionID: s.SubscriptionID}
	for _, other := range all {
		if other.URN != part.URN {
			v.Beside = append(v.Beside, other.Plan.Model)
		}
	}
	return v, nil
}

// withSettings makes a folder with the project's settings, and with the stack's settings from another file.
func withSettings(dir, stack, file string) (made string, err error) {
	if made, err = os.MkdirTemp("", "batchaccess-from-"); err != nil {
		return "", fmt.Errorf("making a folder: %w", err)
	}
	for name, from := range map[string]string{
		"Pulumi.yaml": filepath.Join(dir, "Pulumi.yaml"), "Pulumi." + stack + ".yaml": file,
	} {
		text, err := os.ReadFile(from)
		if err == nil {
			err = os.WriteFile(filepath.Join(made, name), text, 0o600)
		}
		if err != nil {
			return "", errors.Join(err, os.RemoveAll(made))
		}
	}
	return made, nil
}

// from returns the earlier stack: with a settings file, for the present program; in a folder; or at a commit. remove
// deletes the files that were written for it.
func (s source) from(cmd *cobra.Command, now *stackOf, from string) (v rehearsal.Version, remove func(), err error) {
	p, then := now.project, &stackOf{project: now.project, name: now.name}
	remove = func() {}
	defer func() {
		if err != nil {
			remove()
			err = fmt.Errorf("%s: %w", from, err)
		}
	}()
	switch is, failed := os.Stat(from); {
	case failed == nil && is.Mode().IsRegular():
		if then.file, err = filepath.Abs(from); err != nil {
			return v, remove, fmt.Errorf("finding the file: %w", err)
		}
	case failed == nil && is.IsDir() && hasProject(from): // otherwise it may be a branch of that name
		if then.project, err = openProject(from); err != nil {
			return v, remove, err
		}
		if here, err := os.Stat(p.dir); err == nil && os.SameFile(here, is) {
			return v, remove, errors.New("it is the folder of the program as it is here; name another one")
		}
	default:
		tree, at, err := p.checkout(cmd.Context(), from)
		if err != nil {
			return v, remove, err
		}
		remove = func() { _ = tree.remove() }
		if !hasProject(at) {
			return v, remove, errors.New("there is no project: this folder has no Pulumi.yaml there")
		}
		if then.project, err = openProject(at); err != nil {
			return v, remove, err
		}
		if err := lend(p.dir, at, tree.dir); err != nil {
			return v, remove, err
		}
	}
	if then.project.name != p.name {
		return v, remove, fmt.Errorf("the project is %s there, and %s here: name one of the same program",
			then.project.name, p.name)
	}
	if _, err := os.Stat(filepath.Join(then.project.dir, "Pulumi."+then.name+".yaml")); err != nil {
		return v, remove, errNewStack
	}
	if then, err = s.openAt(cmd, then); err != nil {
		return v, remove, err
	}
	component := s.component
	if len(then.Parts) == 1 { // under any name
		component = ""
	}
	v, err = then.version(component, io.Discard)
	return v, remove, err
}

// hasProject reports whether a folder is a project's.
func hasProject(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, "Pulumi.yaml"))
	return err == nil
}

// A workTree is a folder for the files of a commit.
type workTree struct {
	dir  string
	lock *filelock.Lock // nil for a folder that only this process uses
}

// newWorkTree makes an empty one. It is the same folder each time, so that the Go tool finds what it has compiled
// there; another folder while another process uses it.
func newWorkTree() (workTree, error) {
	caches, err := os.UserCacheDir()
	if err != nil {
		return newTemporaryTree()
	}
	folder := filepath.Join(caches, "batchaccess", "from")
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return newTemporaryTree()
	}
	lock, err := filelock.Take(filepath.Join(folder, "lock"))
	if err != nil {
		return newTemporaryTree()
	}
	t := workTree{filepath.Join(folder, "tree"), lock}
	err = os.RemoveAll(t.dir) // left by a process that was killed
	if err == nil {
		err = os.Mkdir(t.dir, 0o700)
	}
	if err != nil {
		return t, errors.Join(fmt.Errorf("making a folder: %w", err), lock.Close())
	}
	return t, nil
}

func newTemporaryTree() (workTree, error) {
	dir, err := os.MkdirTemp("", "batchaccess-from-")
	if err != nil {
		err = fmt.Errorf("making a folder: %w", err)
	}
	return workTree{dir: dir}, err
}

func (t workTree) remove() error {
	err := os.RemoveAll(t.dir)
	if t.lock != nil {
		err = errors.Join(err, t.lock.Close())
	}
	return err
}

// checkout writes all files of the repository at a commit into a new folder, and returns it and the project's folder in
// it. The repository, its index and its list of work trees do not change.
func (p project) checkout(ctx context.Context, ref string) (tree workTree, dir string, err error) {
	var env []string
	git := func(args ...string) (string, error) {
		cmd := exec.CommandContext(ctx, "git", args...)
		var errs bytes.Buffer
		cmd.Dir, cmd.Stderr, cmd.Env = p.dir, &errs, append(os.Environ(), env...)
		out, err := cmd.Output()
		if err != nil {
			return "", fmt.Errorf("git %s: %s", args[0], strings.TrimSpace(errs.String()+" "+err.Error()))
		}
		return strings.TrimSpace(string(out)), nil
	}
	commit, err := git("rev-parse", "--verify", "--end-of-options", ref+"^{commit}")
	if err != nil {
		fetch := "git fetch origin main"
		if shallow, failed := git("rev-parse", "--is-shallow-repository"); failed == nil && shallow == "true" {
			fetch = "this clone is shallow: git fetch --unshallow origin, or fetch-depth: 0 in a pipeline"
		}
		return workTree{}, "", fmt.Errorf("no file or folder, and no commit, branch or tag here; fetch it first (%s): %w",
			fetch, err)
	}
	below, err := git("rev-parse", "--show-prefix")
	if err != nil {
		return workTree{}, "", err
	}
	root, err := git("rev-parse", "--show-toplevel")
	if err != nil {
		return workTree{}, "", err
	}
	if tree, err = newWorkTree(); err != nil {
		return workTree{}, "", err
	}
	written, index := tree, tree.dir+".index"
	defer func() {
		err = errors.Join(err, remove(index))
		if err != nil {
			err = errors.Join(err, written.remove())
		}
	}()
	env = []string{"GIT_INDEX_FILE=" + index}
	if _, err := git("-C", root, "read-tree", commit); err != nil {
		return workTree{}, "", err
	}
	if _, err := git("-C", root, "checkout-index", "--all", "--prefix="+filepath.ToSlash(tree.dir)+"/"); err != nil {
		return workTree{}, "", err
	}
	return tree, filepath.Join(tree.dir, filepath.FromSlash(below)), nil
}

// remove deletes a file, if it exists.
func remove(file string) error {
	if err := os.Remove(file); !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}
