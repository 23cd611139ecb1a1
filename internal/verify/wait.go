package verify

import (
	"context"
	"time"
)

// Wait looks again and again until the report has settled or the time is up, and returns the last report. Pauses begin
// at one second and grow to at most half a minute. Before each pause, waiting gets the report and the length of the
// pause.
func Wait(ctx context.Context, limit time.Duration, look func(context.Context) (Report, error),
	waiting func(Report, time.Duration)) (Report, error) {
	end := time.Now().Add(limit)
	for pause := time.Second; ; pause = min(2*pause, 30*time.Second) {
		r, err := look(ctx)
		left := time.Until(end)
		if err != nil || r.Settled() || left <= 0 {
			return r, err
		}
		pause = min(pause, left)
		if waiting != nil {
			waiting(r, pause)
		}
		select {
		case <-ctx.Done():
			return r, context.Cause(ctx)
		case <-time.After(pause):
		}
	}
}
