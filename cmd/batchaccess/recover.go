package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"text/tabwriter"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/spf13/cobra"

	"github.com/batchaccess/batchaccess/internal/adopt"
	"github.com/batchaccess/batchaccess/internal/config"
	"github.com/batchaccess/batchaccess/internal/jsonform"
)

// newRecover makes the hidden command recover: adopt's first part, which completes an interrupted deployment, under its
// old name.
func newRecover() *cobra.Command {
	var stack, dir string
	var form form
	var yes bool
	var forget []string
	cmd := &cobra.Command{
		Use:    "recover",
		Short:  "Complete an interrupted deployment, which batchaccess adopt does first",
		Hidden: true,
		Args:   cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx := cmd.Context()
			if err := form.check(); err != nil {
				return err
			}
			p, stack, err := openStack(dir, stack)
			if err != nil {
				return err
			}
			pulumi, err := findPulumi(ctx, p, stack, cmd.ErrOrStderr())
			if err != nil {
				return err
			}
			finder, err := newFinder(cmd, p.dir, stack)
			if err != nil {
				return err
			}
			ready, err := pulumi.takeUp(cmd, finder, forget, yes, form.format == "json")
			if err != nil {
				return fmt.Errorf("stack %s: %w", stack, err)
			}
			if !ready {
				return errFailed
			}
			return nil
		},
	}
	cmd.Flags().StringVarP(&stack, "stack", "s", "", "stack to recover (default: the only one)")
	cmd.Flags().StringVarP(&dir, "dir", "C", ".", "folder of the Pulumi project, or one below it")
	cmd.Flags().BoolVarP(&yes, "yes", "y", false, "do it")
	cmd.Flags().StringSliceVar(&forget, "forget", nil, "URN of an interrupted creation of a type that recover can't "+
		"look for, if the resource was not made or has been deleted")
	form.flags(cmd, "table", "json")
	return cmd
}

// takeUp completes an interrupted deployment, or says what it would do. ready is set if nothing is left to do.
func (p pulumiOf) takeUp(
	cmd *cobra.Command, finder *adopt.Finder, forget []string, yes, asJSON bool,
) (ready bool, err error) {
	ctx := cmd.Context()
	state, err := p.state(ctx)
	if err != nil {
		return false, err
	}
	if len(state.Pending) == 0 && cmd.Name() == "adopt" {
		return true, nil // adopt reports the rest
	}
	plan, err := finder.Plan(ctx, state)
	if err != nil {
		return false, err
	}
	unsure := 0
	for i, r := range plan {
		if r.Remedy == adopt.Ask && slices.Contains(forget, r.URN) {
			plan[i].Remedy, plan[i].Why = adopt.Clear, ""
		} else if r.Remedy == adopt.Ask {
			unsure++
		}
	}
	out := cmd.OutOrStdout()
	if yes && cmd.Name() == "adopt" {
		out = cmd.ErrOrStderr() // standard output is for adopt's report, perhaps as JSON
	}
	if err := tellRecovery(out, plan, len(state.Pending), asJSON); err != nil {
		return false, err
	}
	switch {
	case len(state.Pending) == 0:
		return true, nil
	case unsure > 0:
		fmt.Fprintln(cmd.ErrOrStderr(),
			"nothing is done: look in Azure whether the resources marked ask were made; delete those that were, and name all "+
				"of them with --forget")
		return false, nil
	case !yes:
		fmt.Fprintln(cmd.ErrOrStderr(), "nothing is done yet; say --yes to do it")
		return false, nil
	}
	return true, p.recover(ctx, finder, state, plan)
}

// newFinder makes a finder with the deployer's sign-in.
func newFinder(cmd *cobra.Command, dir, stack string) (*adopt.Finder, error) {
	environment, err := config.Environment(dir, stack)
	if err != nil {
		return nil, err
	}
	client, err := asDeployer(cmd, environment)
	if err != nil {
		return nil, err
	}
	return adopt.New(client), nil
}

// recoveryForm is recover's JSON.
type recoveryForm struct {
	Version   int              `json:"version"`
	Creations []adopt.Recovery `json:"creations"`
	Pending   int              `json:"pendingOperations"`
}

func tellRecovery(w io.Writer, plan []adopt.Recovery, pending int, asJSON bool) error {
	if asJSON {
		return jsonform.Write(w, recoveryForm{jsonVersion, plan, pending})
	}
	if pending == 0 {
		_, err := fmt.Fprintln(w, "nothing was broken off: pulumi up can go on")
		return err
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, r := range plan {
		what := resource.URN(r.URN).Name()
		if r.Remedy == adopt.Ask {
			what = r.URN
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\n", r.Remedy, what, r.Type,
			cmp.Or(r.ID, map[adopt.Remedy]string{adopt.Clear: "was not made"}[r.Remedy], r.Why))
		for _, left := range r.LeftAlone {
			fmt.Fprintf(t, "leave\t%s\t%s\t%s\n", resource.URN(r.URN).Name(), r.Type, left)
		}
		for _, found := range r.Remove {
			fmt.Fprintf(t, "remove\t%s\t%s\t%s: %s\n", resource.URN(r.URN).Name(), r.Type, found.ID, r.Why)
		}
	}
	if other := pending - len(plan); other > 0 {
		fmt.Fprintf(t, "refresh\t\t\t%d other operations that were broken off\n", other)
	}
	return t.Flush()
}

// recover removes what nobody can use, adds the rest to the state, and refreshes everything. If it is interrupted, it
// can be run again.
func (p pulumiOf) recover(ctx context.Context, finder *adopt.Finder, state adopt.State, plan []adopt.Recovery) error {
	for _, r := range plan {
		for _, found := range r.Remove {
			if err := finder.Remove(ctx, r.Type, found); err != nil {
				return err
			}
		}
	}
	after, err := state.After(plan)
	if err != nil {
		return err
	}
	if _, err := p.Run(ctx, after, "stack", "import"); err != nil {
		return err
	}
	if _, err := p.Run(ctx, nil, "refresh", "--yes", "--skip-preview"); err != nil {
		return fmt.Errorf("what was found is in the state, but could not be read; run pulumi refresh again: %w", err)
	}
	var imported []string
	for _, r := range plan {
		if r.Remedy == adopt.Import {
			imported = append(imported, r.URN)
		}
	}
	if len(imported) == 0 {
		return nil
	}
	// A refresh reads the provider's values, like an import; they are replaced by the program's.
	for range adoptionRounds {
		preview, _, err := p.preview(ctx)
		if err != nil {
			return fmt.Errorf("what was found is in the state, but it could not be said in the program's words, so see that "+
				"the next preview replaces nothing: %w", err)
		}
		now, err := p.state(ctx)
		if err != nil {
			return err
		}
		if changed, err := p.settle(ctx, now, preview, imported, true); err != nil || changed == 0 {
			return err
		}
	}
	return nil
}
