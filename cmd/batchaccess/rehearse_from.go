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

	"github.com/batchaccess/batchaccess/internal/config"
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

// configured refuses a program whose earlier access can't be read from its configuration.
func (s source) configured() error {
	if s.preview != "" {
		return errors.New("--from: a preview is of one version, and both are read from the configuration; leave out " +
			"--preview")
	}
	p, name, err := openStack(s.dir, s.stack)
	if err == nil {
		_, _, err = p.read(name)
	}
	if errors.Is(err, errOwnProgram) {
		return fmt.Errorf("--from: what stack %s of project %s was is not known, because its access does not stand in its "+
			"configuration but in its program; leave out --from to rehearse it as it is, and review a preview of the change "+
			"with batchaccess review", name, p.name)
	}
	return err
}

// rehearseChange rehearses the change from the earlier stack to the present one.
func rehearseChange(
	cmd *cobra.Command, of *stackOf, now rehearsal.Version, f changeFlags, in inWorld, weather azure.Weather, form form,
	to output,
) error {
	p, stack := of.project, of.name
	old, remove, err := p.from(cmd.Context(), f.from, stack)
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
		return fmt.Errorf("finding batchaccess itself, to take up what is killed: %w", err)
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

// version reads a stack of the project, with the settings of another file if one is given.
func (p project) version(stack, file string, warnings io.Writer) (v rehearsal.Version, err error) {
	from := p
	if file != "" {
		if from.dir, err = withSettings(p.dir, stack, file); err != nil {
			return v, err
		}
		defer func() { err = errors.Join(err, os.RemoveAll(from.dir)) }()
	}
	args, problems, err := from.read(stack)
	if err != nil {
		return v, err
	}
	for _, w := range problems.Warnings() {
		fmt.Fprintln(warnings, "warning:", w)
	}
	if err := problems.Err(); err != nil {
		return v, fmt.Errorf("the configuration of stack %s:\n%w", stack, err)
	}
	return rehearsal.Version{ProjectDir: p.dir, StackFile: file, Model: args.Model(), Location: location(args)}, nil
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

// from returns the earlier stack: with a settings file, for the present program; at a commit, with the program of that
// commit. remove deletes the files that were written for it.
func (p project) from(ctx context.Context, from, stack string) (v rehearsal.Version, remove func(), err error) {
	if is, err := os.Stat(from); err == nil && is.Mode().IsRegular() {
		file, err := filepath.Abs(from)
		if err != nil {
			return v, nil, fmt.Errorf("finding %s: %w", from, err)
		}
		v, err = p.version(stack, file, io.Discard)
		if err != nil {
			err = fmt.Errorf("%s: %w", from, err)
		}
		return v, func() {}, err
	}
	tree, at, err := p.checkout(ctx, from)
	if err != nil {
		return v, nil, err
	}
	discard := func() { _ = tree.remove() }
	defer func() {
		if err != nil {
			discard()
		}
	}()
	then := project{dir: at}
	file := filepath.Join(at, "Pulumi.yaml")
	text, err := os.ReadFile(file)
	if err != nil {
		return v, nil, fmt.Errorf("there is no project at %s: this folder has no Pulumi.yaml there", from)
	}
	if then.name, err = config.ProjectName(file, text); err != nil {
		return v, nil, fmt.Errorf("at %s: %w", from, err)
	}
	if then.name != p.name {
		return v, nil, fmt.Errorf("at %s this folder has project %s, and now %s: name a commit at which it is the same "+
			"program",
			from, then.name, p.name)
	}
	if _, err := os.Stat(filepath.Join(at, "Pulumi."+stack+".yaml")); err != nil {
		return v, nil, errNewStack
	}
	if v, err = then.version(stack, "", io.Discard); err != nil {
		return v, nil, fmt.Errorf("at %s: %w", from, err)
	}
	return v, discard, nil
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
		return workTree{}, "", fmt.Errorf("%q is no file, and no commit, branch or tag here; fetch it first (%s): %w",
			ref, fetch, err)
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
