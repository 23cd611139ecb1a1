package main

import (
	"cmp"
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/batchaccess/batchaccess/internal/engine"
	"github.com/batchaccess/batchaccess/sandbox/pulumicli"
)

func newPulumi() *cobra.Command {
	return &cobra.Command{
		Use:    "pulumi",
		Hidden: true, // for developers of batchaccess
		Short:  "Print the path of the Pulumi CLI that is used, and build it first if there is none",
		Example: `  batchaccess pulumi
  "$(batchaccess pulumi)" version`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			path, err := pulumicli.Find(cmd.Context(), cmd.ErrOrStderr())
			if err != nil {
				return err
			}
			_, err = fmt.Fprintln(cmd.OutOrStdout(), path)
			return err
		},
	}
}

// A pulumiOf runs Pulumi's CLI on a stack.
type pulumiOf struct{ engine.Pulumi }

// findPulumi finds Pulumi's CLI; if there is none, it builds it and says so.
func findPulumi(ctx context.Context, p project, stack string, stderr io.Writer) (pulumiOf, error) {
	cli, err := pulumicli.Find(ctx, stderr)
	return pulumiOf{engine.Pulumi{CLI: cli, Dir: p.dir, Stack: cmp.Or(p.asked, stack), Stderr: stderr}}, err
}

// findPreviewer is findPulumi for a command that runs the program.
func findPreviewer(ctx context.Context, p project, stack string, stderr io.Writer) (pulumiOf, error) {
	pulumi, err := findPulumi(ctx, p, stack, stderr)
	if err == nil {
		err = p.canRun(pulumi.CLI)
	}
	return pulumi, err
}
