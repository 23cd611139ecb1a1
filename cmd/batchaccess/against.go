package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/batchaccess/batchaccess/internal/config"
	"github.com/batchaccess/batchaccess/internal/guardrails"
	"github.com/batchaccess/batchaccess/internal/problem"
	"github.com/batchaccess/batchaccess/internal/review"
)

// runAgainst compares the configuration of a stack with the one at another commit.
func runAgainst(cmd *cobra.Command, p project, f explainFlags) error {
	render, err := rendererOf(f.format)
	if err != nil {
		return err
	}
	at := time.Now() // the time for both sides: access that has ended is in neither
	now, err := configured(p.dir, f.stack, at)
	if err != nil {
		return fmt.Errorf("the configuration of stack %s:\n%w", f.stack, err)
	}
	then, remove, err := p.at(cmd.Context(), f.against, f.stack)
	if err != nil {
		return fmt.Errorf("--against: %w", err)
	}
	defer remove()
	old := review.Configured{}
	if then != "" { // otherwise the stack is new
		if old, err = configured(then, f.stack, at); err != nil {
			return fmt.Errorf("the configuration of stack %s at %s:\n%w", f.stack, f.against, err)
		}
	}
	r := review.Compare(f.stack, old, now, review.Options{Now: at, Guardrails: guardrails.DefaultConfig(),
		Commit: p.commit(cmd.Context())})
	r.Project = p.name
	if err := f.to.print(cmd, "comparison", func(w io.Writer) error { return render(w, r) }); err != nil {
		return err
	}
	if r.Partial() {
		return errors.New("not all of the configurations could be compared: " + strings.Join(r.Unread, "\n"))
	}
	return nil
}

// configured reads the configuration of a stack. A violated assertion prevents a deployment, but not a comparison.
func configured(dir, stack string, now time.Time) (review.Configured, error) {
	values, err := config.ReadStack(dir, stack)
	if err != nil {
		return review.Configured{}, err
	}
	c, problems := config.DecodeAt(values, now)
	if err := append(problems, c.Wrong...).Without(problem.Violation).Err(); err != nil {
		return review.Configured{}, err
	}
	return review.Configured{Plan: c.Plan, Values: values}, nil
}

// at writes the project's files at a commit into a folder, which remove deletes. dir is "" if the stack had no
// configuration.
func (p project) at(ctx context.Context, ref, stack string) (dir string, remove func(), err error) {
	git := func(args ...string) ([]byte, error) {
		cmd := exec.CommandContext(ctx, "git", args...)
		var errs bytes.Buffer
		cmd.Dir, cmd.Stderr = p.dir, &errs
		out, err := cmd.Output()
		if err != nil {
			return nil, fmt.Errorf("git %s: %s", args[0], strings.TrimSpace(errs.String()+" "+err.Error()))
		}
		return out, nil
	}
	commit, err := git("rev-parse", "--verify", "--end-of-options", ref+"^{commit}")
	if err != nil {
		return "", nil, fmt.Errorf("%q is no commit, branch or tag here; fetch it first (git fetch origin main): %w",
			ref, err)
	}
	at := strings.TrimSpace(string(commit))
	if dir, err = os.MkdirTemp("", "batchaccess-against-"); err != nil {
		return "", nil, fmt.Errorf("making a folder: %w", err)
	}
	remove = func() { _ = os.RemoveAll(dir) }
	own := "Pulumi." + stack + ".yaml"
	for _, name := range []string{own, "Pulumi.yaml"} {
		listed, err := git("ls-tree", "--name-only", at, "--", name)
		if err != nil {
			remove()
			return "", nil, err
		}
		if len(bytes.TrimSpace(listed)) == 0 {
			if name == own {
				return "", remove, nil
			}
			remove()
			return "", nil, fmt.Errorf("there is no %s at %s", name, ref)
		}
		text, err := git("show", at+":./"+name)
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, name), text, 0o600)
		}
		if err != nil {
			remove()
			return "", nil, err
		}
	}
	return dir, remove, nil
}
