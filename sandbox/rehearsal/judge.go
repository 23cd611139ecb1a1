package rehearsal

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/sandbox/azure"
)

// Judge looks at a stack that is deployed to a sandbox already, in whatever way. outputs are the stack's, as `pulumi
// stack output --json --show-secrets` prints them. It uses these options: Stack, Model, World, Weather and Progress.
func Judge(ctx context.Context, a *azure.Azure, o Options, outputs []byte) (*Report, error) {
	if o.Progress == nil {
		o.Progress = silent{}
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.NewTextHandler(io.Discard, nil))
	}
	o.Model = identifiedIn(o.World, o.Model)
	plan, err := planOf(o.Model)
	if err != nil {
		return nil, err
	}
	all := o.Model
	o.Model = plan.Model // without access that has ended
	r := &rehearsal{Options: o, plan: plan, azure: a, all: all.Invokers, ended: all.Ended}
	var d deployed
	if err := json.Unmarshal(outputs, &d); err != nil {
		return nil, fmt.Errorf("reading the outputs of the stack: %w", err)
	}
	report := &Report{Stack: o.Stack, Weather: o.Weather.String(), NotChecked: notChecked(o.Model, o.World, o.Weather),
		Guesses: guesses(o.Model)}
	if err := r.byHandFor(report, d); err != nil {
		return nil, err
	}
	return report, r.invoke(ctx, report, d)
}

// planOf is the plan of a model, or an error with all its problems.
func planOf(m access.Model) (*access.Plan, error) {
	plan, problems := access.Compile(m)
	if plan == nil {
		return nil, fmt.Errorf("the access of the stack:\n%w", problems.Err())
	}
	return plan, nil
}
