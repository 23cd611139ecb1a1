package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os/exec"
	"strings"

	"github.com/spf13/cobra"

	"github.com/batchaccess/batchaccess/sandbox/pulumicli"
)

func newPulumi() *cobra.Command {
	return &cobra.Command{
		Use:   "pulumi",
		Short: "Print the path of the Pulumi CLI that is used, and build it first if there is none",
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

// pulumiOf runs Pulumi's CLI on a stack.
type pulumiOf struct {
	cli, dir, stack string
	stderr          io.Writer
}

// run gives what it prints, also where it fails.
func (p pulumiOf) run(ctx context.Context, stdin []byte, args ...string) ([]byte, error) {
	var out bytes.Buffer
	cmd := exec.CommandContext(ctx, p.cli, append(args, "--stack", p.stack, "--non-interactive")...)
	cmd.Dir, cmd.Stdin, cmd.Stdout, cmd.Stderr = p.dir, bytes.NewReader(stdin), &out, p.stderr
	if err := cmd.Run(); err != nil {
		return out.Bytes(), fmt.Errorf("pulumi %s: %w\n%s", strings.Join(args, " "), err, bytes.TrimSpace(out.Bytes()))
	}
	return out.Bytes(), nil
}

// findPulumi builds Pulumi's CLI first if there is none, and says so.
func findPulumi(ctx context.Context, dir, stack string, stderr io.Writer) (pulumiOf, error) {
	cli, err := pulumicli.Find(ctx, stderr)
	return pulumiOf{cli, dir, stack, stderr}, err
}
