package rehearsal

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/batchaccess/batchaccess/sandbox/azure"
)

// A base is the old version, deployed. Each kill begins with a copy of it.
type base struct {
	azure   azure.Snapshot
	backend string // a copy of Pulumi's state
}

func (c *change) base() (b base, err error) {
	if c.Kills == 0 {
		return b, nil
	}
	if c.Command == "" {
		return b, errors.New("the rehearsal needs the path of batchaccess to recover the stack after a kill")
	}
	if b.azure, err = c.azure.Snapshot(); err != nil {
		return b, err
	}
	b.backend = filepath.Join(c.StateDir, "before")
	return b, os.CopyFS(b.backend, os.DirFS(filepath.Join(c.StateDir, "backend")))
}

// kill starts the change again, kills the engine at a random write, before Azure does it or before it answers, recovers
// the stack, and compares the result with that of the change without a kill.
func (c *change) kill(ctx context.Context, b base, w *watcher) error {
	if c.Kills == 0 || len(w.writes) == 0 {
		return nil
	}
	want, err := c.state(ctx)
	if err != nil {
		return err
	}
	draw := rand.New(rand.NewPCG(c.KillSeed, 0))
	for i := range c.Kills {
		at, done := draw.IntN(len(w.writes)), draw.IntN(2) == 0
		c.Progress.Step(fmt.Sprintf("kill %d of %d, at write %d of %d", i+1, c.Kills, at+1, len(w.writes)))
		if err := c.restore(b); err != nil {
			return err
		}
		what, err := c.killAt(ctx, at, done)
		if err != nil {
			return err
		}
		c.report.Kills++
		name := fmt.Sprintf("kill %d, %s", i+1, what)
		if err := c.recoverStack(ctx); err != nil {
			c.report.Broken = append(c.report.Broken, name+": "+err.Error())
			continue
		}
		have, err := c.state(ctx)
		if err != nil {
			return err
		}
		for _, difference := range want.differs(have) {
			c.report.Broken = append(c.report.Broken, name+": "+difference)
		}
	}
	return nil
}

func (c *change) restore(b base) error {
	backend := filepath.Join(c.StateDir, "backend")
	return errors.Join(c.azure.Restore(b.azure), os.RemoveAll(backend), os.CopyFS(backend, os.DirFS(b.backend)))
}

// killAt kills the change at a write, counted from 0. In other weather the change may make fewer writes; then it may
// end before that write, and is not killed.
func (c *change) killAt(ctx context.Context, at int, done bool) (what string, err error) {
	cmd := exec.CommandContext(ctx, c.Pulumi, "up", "--yes", "--skip-preview", "--stack", c.Stack, "--non-interactive")
	cmd.Env = c.new.engine.Env()
	var once sync.Once
	count := 0
	strike := func(w azure.Write, when string) {
		once.Do(func() {
			what = when + " " + c.label(w)
			_ = cmd.Process.Kill()
		})
	}
	started := make(chan struct{})
	c.azure.Watch(&azure.Watcher{
		Before: func(w azure.Write) {
			<-started
			if count == at && !done {
				strike(w, "before")
			}
		},
		After: func(w azure.Write) {
			if count == at && done {
				strike(w, "before the answer to")
			}
			count++
		},
	})
	defer c.azure.Watch(nil)
	if err := cmd.Start(); err != nil {
		return "", fmt.Errorf("starting pulumi: %w", err)
	}
	close(started)
	_ = cmd.Wait() // the error of the kill itself
	if what == "" {
		what = "which came after the end"
	}
	return what, ctx.Err()
}

// recoverStack does what a person does after a kill.
func (c *change) recoverStack(ctx context.Context) error {
	env := c.new.engine.Env()
	run := func(program string, args ...string) error {
		cmd := exec.CommandContext(ctx, program, args...)
		cmd.Env, cmd.Dir = env, c.new.ProjectDir
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("%s %s: %w\n%s", filepath.Base(program), args[0], err, bytes.TrimSpace(out))
		}
		return nil
	}
	_ = run(c.Pulumi, "cancel", "--yes", c.Stack) // fails if no lock was left
	// Exit code 1 leaves something to a person: the next deployment shows what.
	var exit *exec.ExitError
	if err := run(c.Command, "adopt", "--stack", c.Stack, "--yes"); err != nil &&
		(!errors.As(err, &exit) || exit.ExitCode() != 1) {
		return err
	}
	return c.new.upOnly(ctx)
}

// endState is what exists after a change.
type endState struct {
	azure     map[string]int // the number of each kind of object, whatever their IDs
	resources []string
	works     []string
}

var anyGUID = regexp.MustCompile(`[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}`)

func (c *change) state(ctx context.Context) (s endState, err error) {
	s.azure = map[string]int{}
	for _, id := range c.azure.Inventory() {
		s.azure[anyGUID.ReplaceAllString(id, "*")]++
	}
	deployed, err := c.new.engine.State(c.Stack)
	if err != nil {
		return s, err
	}
	for _, r := range deployed.Resources {
		// There is a provider for reading the stack's own state if there was a state to read.
		if r.Type != "pulumi:providers:pulumi" {
			s.resources = append(s.resources, string(r.URN))
		}
	}
	slices.Sort(s.resources)
	d, err := c.new.outputs(ctx)
	if err != nil {
		return s, err
	}
	if err := c.new.byHand(d); err != nil {
		return s, err
	}
	if err := c.azure.Settle(); err != nil {
		return s, err
	}
	for _, p := range c.startsOf(c.new, d, c.deployments) {
		token, err := c.calm.SignIn(ctx, p.principal, c.calm.Cloud().MachineLearning)
		if err != nil {
			continue // their jobs never work
		}
		got, err := p.try(ctx, token)
		if err != nil {
			return s, err
		}
		if got.Hop == "" {
			s.works = append(s.works, p.invoker+": "+p.what)
		}
	}
	slices.Sort(s.works)
	return s, nil
}

// differs lists the differences of another end state.
func (s endState) differs(have endState) (all []string) {
	for what, n := range s.azure {
		if have.azure[what] != n {
			all = append(all, fmt.Sprintf("%d of %s, and %d without the kill", have.azure[what], what, n))
		}
	}
	for what, n := range have.azure {
		if _, wanted := s.azure[what]; !wanted {
			all = append(all, fmt.Sprintf("%d of %s, and none without the kill", n, what))
		}
	}
	for _, part := range []struct {
		what       string
		want, have []string
	}{{"resources of the stack", s.resources, have.resources}, {"jobs that work", s.works, have.works}} {
		if !slices.Equal(part.want, part.have) {
			all = append(all, fmt.Sprintf("%s are other ones: missing %s; too many %s", part.what,
				strings.Join(without(part.want, part.have), ", "), strings.Join(without(part.have, part.want), ", ")))
		}
	}
	slices.Sort(all)
	return all
}

func without(all, others []string) (rest []string) {
	for _, one := range all {
		if !slices.Contains(others, one) {
			rest = append(rest, one)
		}
	}
	return rest
}
