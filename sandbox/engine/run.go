package engine

import (
	"context"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"slices"
	"syscall"
	"time"

	"github.com/mattn/go-isatty"
)

// patience is how long a command may take to end after its context did: Pulumi saves what it has done.
const patience = 30 * time.Second

// Run runs a command in the sandbox, in the user's own working directory, with stdin, stdout and stderr. Signals are
// passed on to it. The error of a command that fails is an *exec.ExitError with its exit code.
func (e *Engine) Run(ctx context.Context, name string, args ...string) error {
	// A name is looked up on the PATH of this process, which is the user's.
	if _, ours := e.options.Commands[name]; ours {
		name = e.commandPath(name)
	} else if name == "pulumi" {
		name = e.options.Pulumi
	}
	cmd := e.command(ctx, e.options.Stdout, e.options.Stderr, name, args...)
	cmd.Stdin = os.Stdin

	signals := make(chan os.Signal, 4)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	defer signal.Stop(signals)
	if err := cmd.Start(); err != nil {
		return err
	}
	ended := make(chan struct{})
	defer close(ended)
	go passOn(signals, cmd.Process, isatty.IsTerminal(os.Stdin.Fd()), ended)
	return cmd.Wait()
}

// passOn gives signals to the process until it has ended. An interrupt from a terminal has reached it already, as it
// reaches all of a terminal's processes; a second one would make Pulumi leave without saving.
func passOn(signals <-chan os.Signal, process *os.Process, terminal bool, ended <-chan struct{}) {
	for {
		select {
		case <-ended:
			return
		case s := <-signals:
			if s != os.Interrupt || !terminal {
				_ = process.Signal(s)
			}
		}
	}
}

// Pulumi runs the pulumi CLI in the sandbox with its output going to stdout, and its errors to where the engine's go.
func (e *Engine) Pulumi(ctx context.Context, stdout io.Writer, args ...string) error {
	return e.command(ctx, stdout, e.options.Stderr, e.options.Pulumi, args...).Run()
}

// PulumiSavingOnce does what Pulumi does for a command that shows no preview, and has it save the state at its end
// alone, which takes a fifth of the time away. The state of one that is killed is that of before.
func (e *Engine) PulumiSavingOnce(ctx context.Context, stdout io.Writer, args ...string) error {
	cmd := e.command(ctx, stdout, e.options.Stderr, e.options.Pulumi, args...)
	// To Pulumi this is an experiment, and with experiments an up is held to its preview: hence without one.
	cmd.Env = append(slices.Clone(cmd.Env), "PULUMI_EXPERIMENTAL=true", "PULUMI_SKIP_CHECKPOINTS=true")
	return cmd.Run()
}

// command makes a command that is interrupted, not killed, when the context ends.
func (e *Engine) command(ctx context.Context, stdout, stderr io.Writer, name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Env, cmd.Stdout, cmd.Stderr = e.env, stdout, stderr
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = patience
	return cmd
}
