package rehearsal

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"

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
	r := &rehearsal{Options: o, azure: a, all: o.Model, since: a.Started()}
	var err error
	if r.plan, r.Model, err = planAt(r.all, r.since); err != nil {
		return nil, err
	}
	var d deployed
	if err := json.Unmarshal(outputs, &d); err != nil {
		return nil, fmt.Errorf("reading the outputs of the stack: %w", err)
	}
	report := &Report{Stack: o.Stack, Weather: o.Weather.String(), NotChecked: notChecked(r.Model, o.World, o.Weather),
		Guesses: guesses(r.Model)}
	if err := r.byHandFor(report, d); err != nil {
		return nil, err
	}
	return report, r.invoke(ctx, report, d)
}
