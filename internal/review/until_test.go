package review_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/batchaccess/batchaccess/internal/engine"
	"github.com/batchaccess/batchaccess/internal/guardrails"
	"github.com/batchaccess/batchaccess/internal/review"
)

// The inputs that a component records before and after an end differ only in ended, and the review says who loses what.
func TestAReviewSaysWhoLosesWhatWhenAccessEnds(t *testing.T) {
	t.Parallel()
	inputs := func(ended string) map[string]any {
		values := map[string]any{
			"workspaceId": "/subscriptions/11111111-1111-4111-8111-111111111111/resourceGroups/rg/providers/" +
				"Microsoft.MachineLearningServices/workspaces/ws", "location": "westeurope",
			"clusters": map[string]any{"cpu": map[string]any{}},
			"storageAccounts": map[string]any{"lake": "/subscriptions/11111111-1111-4111-8111-111111111111/resourceGroups/rg/" +
				"providers/Microsoft.Storage/storageAccounts/lake"},
			"dataInputs": map[string]any{"rows": map[string]any{"kind": "blob", "storageAccount": "lake",
				"container": "rows"}},
			"invokers": map[string]any{
				"ann": map[string]any{"kind": "user", "objectId": "22222222-2222-4222-8222-222222222222"},
				"guest": map[string]any{"kind": "user", "objectId": "33333333-3333-4333-8333-333333333333",
					"until": "2027-03-31"},
			},
		}
		if ended != "" {
			values["ended"] = ended
		}
		return values
	}
	side := func(ended string) review.Configured {
		_, plan, _, err := engine.Plan(inputs(ended))
		require.NoError(t, err)
		return review.Configured{Plan: plan, Values: inputs(ended)}
	}
	r := review.Compare("dev", side(""), side("2027-03-31"), review.Options{
		Now: time.Date(2027, 4, 1, 0, 0, 0, 0, time.UTC), Guardrails: guardrails.DefaultConfig()})
	assert.Empty(t, r.Unread)
	assert.False(t, r.NewAccess)
	require.NotEmpty(t, r.Access)
	for _, a := range r.Access {
		assert.Equal(t, "invoker guest", a.Principal.Name)
		assert.Equal(t, "lost", a.Change)
		assert.Empty(t, a.New)
	}
	stops := false
	for _, j := range r.Jobs {
		assert.Equal(t, "guest", j.Invoker)
		stops = true
	}
	assert.True(t, stops, "a job that it started works no more")
	again := review.Compare("dev", side("2027-03-31"), side("2027-03-31"), review.Options{
		Now: time.Date(2027, 5, 1, 0, 0, 0, 0, time.UTC), Guardrails: guardrails.DefaultConfig()})
	assert.Empty(t, again.Access, "on the days after, nothing changes")
}
