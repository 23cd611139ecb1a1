package explain_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/internal/explain"
)

// Each cut was tried, says what it costs, and the cheapest one comes first.
func TestCuts(t *testing.T) {
	t.Parallel()
	const subscription = "/subscriptions/11111111-1111-4111-8111-111111111111/resourceGroups/ml/providers/"
	user := func(n string) access.Invoker {
		return access.Invoker{Kind: access.User, PrincipalID: access.Known("0000000" + n + "-0000-4000-8000-000000000000")}
	}
	plan, ps := access.Compile(access.Model{
		WorkspaceID:     access.Known(subscription + "Microsoft.MachineLearningServices/workspaces/scoring"),
		Invokers:        map[string]access.Invoker{"ann": user("1"), "partner": user("2")},
		Clusters:        map[string]access.Cluster{"cpu": {}},
		StorageAccounts: map[string]access.ID{"lake": access.Known(subscription + "Microsoft.Storage/storageAccounts/lake")},
		DataInputs: map[string]access.DataInput{"sales": {Kind: access.Blob, StorageAccount: "lake",
			Container: "sales"}},
		Endpoints: map[string]access.Endpoint{
			"score": {Cluster: "cpu", Inputs: []string{"sales"}, Invokers: []string{"ann"}},
			"ping":  {Cluster: "cpu"}},
	})
	require.NotNil(t, plan, "%v", ps.Err())
	var cuts []string
	for _, w := range plan.Ways() {
		if w.Input != "" {
			for _, c := range explain.Cuts(plan, w) {
				cuts = append(cuts, c.String())
			}
		}
	}
	assert.Equal(t, []string{
		"let the endpoints of another workspace read sales; then ann on score with sales stops",
		"take partner out of the invokers; then partner on ping with (no input) stops",
	}, cuts)
}
