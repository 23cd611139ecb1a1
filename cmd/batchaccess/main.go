// The command batchaccess: rehearse a stack on the embedded Azure, or run any command against it.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/batchaccess/batchaccess/cmd/batchaccess/internal/quiet"
	"github.com/batchaccess/batchaccess/internal/invoke"
	"github.com/batchaccess/batchaccess/internal/visible"
)

// Exit codes, for CI: the answer is no, or there is no answer.
const (
	exitFailed = 1 // the answer is no
	exitUsage  = 2 // the question could not be asked, or is undecided
)

// errUndecided ends the command with exitUsage, without a message.
var errUndecided = errors.New("undecided")

// errFailed ends the command with exitFailed, without a message: the report has said everything.
var errFailed = errors.New("failed")

func main() {
	quiet.Restore()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(runAs(ctx, os.Args[0], os.Args[1:], os.Stdout, os.Stderr))
}

// runAs runs the command with the given name: in the sandbox, this executable is the Azure CLI too.
func runAs(ctx context.Context, name string, args []string, stdout, stderr io.Writer) int {
	if strings.TrimSuffix(filepath.Base(name), ".exe") == azName {
		return runAz(ctx, args, stdout, stderr)
	}
	return runWith(ctx, args, stdout, stderr)
}

func runWith(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	root := newRoot()
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	err := root.ExecuteContext(ctx)
	var exit passedOn // only sandbox's: if a program fails that another command runs, that is an error
	switch {
	case err == nil:
		return 0
	case errors.Is(err, errFailed):
		return exitFailed
	case errors.Is(err, errUndecided):
		return exitUsage
	case errors.As(err, &exit):
		return exit.ExitCode()
	}
	fmt.Fprintln(root.ErrOrStderr(), visible.Lines("batchaccess: "+err.Error()))
	var failure *invoke.Failure
	if errors.As(err, &failure) {
		return failure.ExitCode()
	}
	return exitUsage
}

func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:   "batchaccess",
		Short: "Decides who may start Azure Machine Learning batch jobs, and proves it before it is deployed",
		Long: `batchaccess deploys who may start Azure Machine Learning batch jobs, and which identity reads the data.
This command proves a stack on an Azure that is embedded in it: no account, no credentials, no network.

Exit codes, of every command:
  0  yes: what was asked for holds, or is done
  1  no: what was asked for does not hold, or there is still something to do
  2  the question could not be asked, or is undecided
invoke has more of them, and sandbox returns the code of the command that it runs. The reason is on standard error.`,
		Example: `  batchaccess explain --stack dev
  batchaccess can analysts start heart-classifier --stack dev
  batchaccess rehearse -C examples/go
  batchaccess verify --stack dev --wait 15m`,
		Version:      version(),
		SilenceUsage: true, SilenceErrors: true,
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error {
			return errors.Join(emptyFlags(cmd.Flags()), followProject(cmd), mayWrite(cmd))
		},
	}
	root.PersistentFlags().Bool("debug", false, "log every request on standard error (never a secret)")
	root.AddCommand(
		newRehearse(), newExplain(), newCan(), newReview(), newInvoke(), newPin(), newVerify(),
		newInit(), newExport(), newAdopt(), newSandbox(), newPulumi(), newWeather(),
	)
	narrowHelp(root)
	for _, cmd := range root.Commands() {
		cmd.Version = root.Version
		narrowHelp(cmd)
	}
	return root
}

// version is the module's version, and Go's if the command was built from a folder.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	return info.Main.Version + " " + info.GoVersion
}

// mayBeEmpty is the annotation of a flag for which an empty value has a meaning.
const mayBeEmpty = "mayBeEmpty"

// emptyFlags refuses a flag with an empty value, which is mostly an unset variable: the default would apply, and with
// it another stack, or no condition to fail on.
func emptyFlags(flags *pflag.FlagSet) (err error) {
	flags.Visit(func(f *pflag.Flag) {
		empty := f.Value.String() == ""
		if list, is := f.Value.(pflag.SliceValue); is {
			empty = len(list.GetSlice()) == 0 || slices.Contains(list.GetSlice(), "")
		}
		if _, may := f.Annotations[mayBeEmpty]; empty && !may {
			err = errors.Join(err, fmt.Errorf("--%s is empty; give it a value, or leave it out", f.Name))
		}
	})
	return err
}

// logger writes the log for --debug.
func logger(cmd *cobra.Command) *slog.Logger {
	if on, err := cmd.Flags().GetBool("debug"); err != nil || !on {
		return slog.New(slog.NewTextHandler(cmd.ErrOrStderr(), &slog.HandlerOptions{Level: slog.LevelWarn}))
	}
	return slog.New(slog.NewTextHandler(cmd.ErrOrStderr(), &slog.HandlerOptions{Level: slog.LevelDebug}))
}
