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

// patience is how long a command may run after its context ended, because Pulumi then saves its work.
const patience = 30 * time.Second

// Run runs a command in the sandbox, in the user's working directory, with stdin, stdout and stderr. Signals are passed
// on to it. If the command fails, the error is an *exec.ExitError with its exit code.
func (e *Engine) Run(ctx context.Context, name string, args ...string) error {
	// The command is looked up on this process's PATH, which is the user's.
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

// passOn passes signals to the process until it has ended. A terminal sends an interrupt to all its processes, so this
// one has it already; a second one would make Pulumi leave without saving.
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

// Pulumi runs the pulumi CLI in the sandbox. Its output goes to stdout, its errors to the engine's Stderr.
func (e *Engine) Pulumi(ctx context.Context, stdout io.Writer, args ...string) error {
	return e.command(ctx, stdout, e.options.Stderr, e.options.Pulumi, args...).Run()
}

// PulumiSavingOnce is Pulumi for a command that shows no preview. It saves the state only at the end, which takes a
// fifth less time. If it is killed, the state stays as it was before.
func (e *Engine) PulumiSavingOnce(ctx context.Context, stdout io.Writer, args ...string) error {
	cmd := e.command(ctx, stdout, e.options.Stderr, e.options.Pulumi, args...)
	// Pulumi calls this an experiment. With experiments, an up is also held to the plan of its preview, so it must show
	// none.
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
