package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"text/tabwriter"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/spf13/cobra"

	"github.com/batchaccess/batchaccess/existing"
	"github.com/batchaccess/batchaccess/invoke"
	"github.com/batchaccess/batchaccess/sandbox/pulumicli"
)

func newRecover() *cobra.Command {
	var stack, dir string
	var yes, asJSON bool
	cmd := &cobra.Command{
		Use:   "recover",
		Short: "Take up a deployment that was broken off in the middle",
		Long: `Recover looks in Azure for everything that a deployment had begun to make when it was killed, so that the next pulumi up
neither makes it twice nor stops at "cannot create already existing resource". What was made goes into the stack's state;
a client secret that nobody knows any more, and an application that was made again since, are removed.

Without --yes it only says what it would do. Where the stack is still locked, run pulumi cancel first. It exits with 0
when the stack is ready for pulumi up, with 1 when something has to be decided by hand, or is yet to be done.`,
		Example: `  pulumi cancel --stack dev
  batchaccess recover --stack dev         # what would be done
  batchaccess recover --stack dev --yes
  pulumi up --stack dev`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx := cmd.Context()
			p, err := openProject(dir)
			if err != nil {
				return err
			}
			if stack, err = p.choose(stack); err != nil {
				return err
			}
			cli, err := pulumicli.Find(ctx, cmd.ErrOrStderr())
			if err != nil {
				return err
			}
			pulumi := pulumiOf{cli, p.dir, stack, cmd.ErrOrStderr()}
			export, err := pulumi.run(ctx, "stack", "export")
			if err != nil {
				return err
			}
			state, err := existing.ReadState(export)
			if err != nil {
				return fmt.Errorf("stack %s: %w", stack, err)
			}
			finder, err := newFinder(ctx)
			if err != nil {
				return err
			}
			plan, err := finder.Plan(ctx, state)
			if err != nil {
				return fmt.Errorf("stack %s: %w", stack, err)
			}
			if err := tellRecovery(cmd.OutOrStdout(), plan, len(state.Pending), asJSON); err != nil {
				return err
			}
			if len(state.Pending) == 0 {
				return nil
			}
			if !yes {
				fmt.Fprintln(cmd.ErrOrStderr(), "nothing is done yet; say --yes to do it")
				return errFailed
			}
			return pulumi.recover(ctx, finder, plan)
		},
	}
	cmd.Flags().StringVarP(&stack, "stack", "s", "", "stack to recover (default: the only one)")
	cmd.Flags().StringVarP(&dir, "dir", "C", ".", "folder of the Pulumi project, or one below it")
	cmd.Flags().BoolVarP(&yes, "yes", "y", false, "do it")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the plan as JSON")
	return cmd
}

// newFinder signs in as whoever deploys: the azure-native provider's service principal if its variables are set, else in
// any way that Azure's tools know.
func newFinder(ctx context.Context) (*existing.Finder, error) {
	client, err := clientOfCloud()
	if err != nil {
		return nil, err
	}
	c, err := invoke.Discover(ctx, client, cmp.Or(os.Getenv("ARM_METADATA_HOSTNAME"), os.Getenv("ARM_METADATA_HOST")))
	if err != nil {
		return nil, err
	}
	signIn := invoke.SignIn{As: invoke.AsDefault}
	if secret := os.Getenv("ARM_CLIENT_SECRET"); secret != "" {
		signIn = invoke.SignIn{As: invoke.AsServicePrincipal, TenantID: os.Getenv("ARM_TENANT_ID"), ClientID: os.Getenv("ARM_CLIENT_ID"), ClientSecret: secret}
	}
	credential, err := signIn.Credential(c, client)
	if err != nil {
		return nil, err
	}
	return existing.New(credential, c, client), nil
}

func tellRecovery(w io.Writer, plan []existing.Recovery, pending int, asJSON bool) error {
	if asJSON {
		e := json.NewEncoder(w)
		e.SetIndent("", "  ")
		return e.Encode(struct {
			Creations []existing.Recovery `json:"creations"`
			Pending   int                 `json:"pendingOperations"`
		}{append([]existing.Recovery{}, plan...), pending})
	}
	if pending == 0 {
		_, err := fmt.Fprintln(w, "nothing was broken off: pulumi up can go on")
		return err
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, r := range plan {
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\n", r.Remedy, resource.URN(r.URN).Name(), r.Type, cmp.Or(r.ID, map[existing.Remedy]string{existing.Clear: "was not made"}[r.Remedy], r.Why))
		for _, found := range r.Remove {
			fmt.Fprintf(t, "remove\t%s\t%s\t%s: %s\n", resource.URN(r.URN).Name(), r.Type, found.ID, r.Why)
		}
	}
	if other := pending - len(plan); other > 0 {
		fmt.Fprintf(t, "refresh\t\t\t%d changes or deletions that were broken off\n", other)
	}
	return t.Flush()
}

// pulumiOf runs Pulumi's CLI on a stack.
type pulumiOf struct {
	cli, dir, stack string
	stderr          io.Writer
}

func (p pulumiOf) run(ctx context.Context, args ...string) ([]byte, error) {
	var out bytes.Buffer
	cmd := exec.CommandContext(ctx, p.cli, append(args, "--stack", p.stack, "--non-interactive")...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = p.dir, &out, p.stderr
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("pulumi %s: %w\n%s", args[0], err, out.Bytes())
	}
	return out.Bytes(), nil
}

// recover removes what is of no use, and has Pulumi take in the rest and look at everything as it is now.
func (p pulumiOf) recover(ctx context.Context, finder *existing.Finder, plan []existing.Recovery) error {
	args := []string{"refresh", "--yes", "--skip-preview"}
	left := 0
	for _, r := range plan {
		for _, found := range r.Remove {
			if err := finder.Remove(ctx, r.Type, found); err != nil {
				return err
			}
		}
		switch r.Remedy {
		case existing.Import:
			args = append(args, "--import-pending-creates", r.URN, "--import-pending-creates", r.ID)
		case existing.Leave:
			left++
		}
	}
	if left == 0 {
		args = append(args, "--clear-pending-creates")
	}
	if _, err := p.run(ctx, args...); err != nil {
		return fmt.Errorf("%w\nwhat was found is as it was; recover can be run again", err)
	}
	if left > 0 {
		fmt.Fprintf(p.stderr, "%d creations are left: run `pulumi refresh --stack %s` on a terminal, which asks about each\n", left, p.stack)
		return errFailed
	}
	return nil
}
