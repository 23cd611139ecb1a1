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

// A complete is a stack of which no deployment is left to complete.
type complete struct {
	state *adopt.State // nil if it has changed since it was read
	// added are the resources, by URN, that completing a deployment has just put into the state. Their inputs there are
	// the provider's, as after an import.
	added []string
}

// takeUp completes an interrupted deployment, or says what it would do. ready is set if nothing is left to do.
func (p pulumiOf) takeUp(
	cmd *cobra.Command, finder *adopt.Finder, forget []string, yes, asJSON bool,
) (c complete, ready bool, err error) {
	ctx := cmd.Context()
	state, err := p.state(ctx)
	if err != nil {
		return c, false, err
	}
	if len(state.Pending) == 0 {
		return complete{state: state}, true, nil
	}
	plan, err := finder.Plan(ctx, *state)
	if err != nil {
		return c, false, err
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
		return c, false, err
	}
	switch {
	case unsure > 0:
		fmt.Fprintln(cmd.ErrOrStderr(),
			"nothing is done: look in Azure whether the resources marked ask were made; delete those that were, and name all "+
				"of them with --forget")
		return c, false, nil
	case !yes:
		fmt.Fprintln(cmd.ErrOrStderr(), "nothing is done yet; add --yes to do it")
		return c, false, nil
	}
	c.added, err = p.recover(ctx, finder, *state, plan)
	return c, true, err
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
func (p pulumiOf) recover(
	ctx context.Context, finder *adopt.Finder, state adopt.State, plan []adopt.Recovery,
) (added []string, err error) {
	for _, r := range plan {
		for _, found := range r.Remove {
			if err := finder.Remove(ctx, r.Type, found); err != nil {
				return nil, err
			}
		}
	}
	after, err := state.After(plan)
	if err != nil {
		return nil, err
	}
	if _, err := p.Run(ctx, after, "stack", "import"); err != nil {
		return nil, err
	}
	if _, err := p.Run(ctx, nil, "refresh", "--yes", "--skip-preview"); err != nil {
		return nil, fmt.Errorf("what was found is in the state, but could not be read; run pulumi refresh again: %w", err)
	}
	for _, r := range plan {
		if r.Remedy == adopt.Import {
			added = append(added, r.URN)
		}
	}
	return added, nil
}
