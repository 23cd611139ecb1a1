package review_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/internal/guardrails"
	"github.com/batchaccess/batchaccess/internal/review"
)

// A new indirect way is new access; one that was there, or was a direct one of the same people, is no news.
func TestIndirectWaysOpenAndClose(t *testing.T) {
	t.Parallel()
	const group = "/subscriptions/11111111-1111-4111-8111-111111111111/resourceGroups/ml/providers/"
	plan := func(change func(*access.Model)) review.Configured {
		m := access.Model{
			WorkspaceID:     access.Known(group + "Microsoft.MachineLearningServices/workspaces/scoring"),
			Clusters:        map[string]access.Cluster{"cpu": {}},
			StorageAccounts: map[string]access.ID{"lake": access.Known(group + "Microsoft.Storage/storageAccounts/lake")},
			DataInputs: map[string]access.DataInput{
				"sales": {Kind: access.Blob, StorageAccount: "lake", Container: "sales"}},
			Invokers: map[string]access.Invoker{
				"ann":     {Kind: access.User, PrincipalID: access.Known("00000001-0000-4000-8000-000000000000")},
				"partner": {Kind: access.User, PrincipalID: access.Known("00000002-0000-4000-8000-000000000000")}},
			Endpoints: map[string]access.Endpoint{
				"score": {Cluster: "cpu", Inputs: []string{"sales"}, Invokers: []string{"ann"}}},
		}
		change(&m)
		p, ps := access.Compile(m)
		require.NotNil(t, p, "%v", ps.Err())
		return review.Configured{Plan: p}
	}
	as := func(*access.Model) {}
	noPartner := func(m *access.Model) { delete(m.Invokers, "partner") }
	harmless := func(m *access.Model) {
		m.Role.Definition = `{"roleName": "r", "permissions": [{"actions": ` +
			`["Microsoft.MachineLearningServices/workspaces/batchEndpoints/jobs/write"]}], "assignableScopes": ["` +
			m.WorkspaceID.Text() + `"]}`
	}
	const way = "partner can read sales as cluster cpu, by changing the deployment of score " +
		"(batchEndpoints/deployments/write of Batch Endpoint Invoker on workspace)"
	for name, test := range map[string]struct {
		old, now func(*access.Model)
		want     []review.WayChange
	}{
		"nothing changes": {as, as, nil},
		"an invoker more": {noPartner, as, []review.WayChange{{Who: []string{"partner"}, Input: "sales", Change: "opens",
			Way: way, Risk: review.High}}},
		"who read it directly": {func(m *access.Model) {
			m.Endpoints["score"] = access.Endpoint{Cluster: "cpu", Inputs: []string{"sales"}}
		}, as, nil},
		"one less": {as, noPartner, []review.WayChange{{Who: []string{"partner"}, Input: "sales", Change: "closes", Way: way,
			Risk: review.Low}}},
		"a role that changes code": {harmless, as, []review.WayChange{{Who: []string{"partner"}, Input: "sales",
			Change: "opens", Way: way, Risk: review.High}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := review.Compare("dev", plan(test.old), plan(test.now),
				review.Options{Now: time.Unix(0, 0), Guardrails: guardrails.DefaultConfig()})
			assert.Equal(t, test.want, r.Ways)
			opens := len(test.want) > 0 && test.want[0].Change == "opens"
			assert.Equal(t, opens, r.NewAccess && r.Risk == review.High)
		})
	}
}
