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

// takeUp completes an interrupted deployment, or says what it would do. ready is set if nothing is left to do.
func (p pulumiOf) takeUp(
	cmd *cobra.Command, finder *adopt.Finder, forget []string, yes, asJSON bool,
) (ready bool, err error) {
	ctx := cmd.Context()
	state, err := p.state(ctx)
	if err != nil {
		return false, err
	}
	if len(state.Pending) == 0 {
		return true, nil
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
	if yes {
		out = cmd.ErrOrStderr() // standard output is for adopt's report, perhaps as JSON
	}
	if err := reportRecovery(out, plan, len(state.Pending), asJSON); err != nil {
		return false, err
	}
	switch {
	case unsure > 0:
		fmt.Fprintln(cmd.ErrOrStderr(),
			"nothing is done: look in Azure whether the resources marked ask were made; delete those that were, and name all "+
				"of them with --forget")
		return false, nil
	case !yes:
		fmt.Fprintln(cmd.ErrOrStderr(), "nothing is done yet; add --yes to do it")
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

// recoveryForm is the JSON of adopt about an interrupted deployment.
type recoveryForm struct {
	Version   int              `json:"version"`
	Creations []adopt.Recovery `json:"creations"`
	Pending   int              `json:"pendingOperations"`
}

func reportRecovery(w io.Writer, plan []adopt.Recovery, pending int, asJSON bool) error {
	if asJSON {
		return jsonform.Write(w, recoveryForm{jsonVersion, plan, pending})
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
			return fmt.Errorf("what was found is in the state, but the program's values could not be written for it: check "+
				"that the next preview replaces nothing: %w", err)
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
