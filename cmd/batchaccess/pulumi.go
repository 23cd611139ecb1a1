package main

import (
	"fmt"

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
