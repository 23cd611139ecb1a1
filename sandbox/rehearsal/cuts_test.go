package rehearsal

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/internal/explain"
	"github.com/batchaccess/batchaccess/internal/plans"
	"github.com/batchaccess/batchaccess/sandbox/azure"
)

// crossing is a model in which partner has no job on the sales, but has a way to them.
func crossing() access.Model {
	const group = "/subscriptions/11111111-1111-4111-8111-111111111111/resourceGroups/ml/providers/"
	user := func(n string) access.Invoker {
		return access.Invoker{Kind: access.User, PrincipalID: access.Known("0000000" + n + "-0000-4000-8000-000000000000")}
	}
	return access.Model{
		WorkspaceID:     access.Known(group + "Microsoft.MachineLearningServices/workspaces/scoring"),
		Invokers:        map[string]access.Invoker{"ann": user("1"), "partner": user("2")},
		Clusters:        map[string]access.Cluster{"cpu": {Existing: true}, "gpu": {Existing: true}},
		StorageAccounts: map[string]access.ID{"lake": access.Known(group + "Microsoft.Storage/storageAccounts/lake")},
		DataInputs: map[string]access.DataInput{
			"sales": {Kind: access.Blob, StorageAccount: "lake", Container: "sales"},
			"ads":   {Kind: access.Blob, StorageAccount: "lake", Container: "ads"},
		},
		Endpoints: map[string]access.Endpoint{
			"score": {Cluster: "cpu", Inputs: []string{"sales"}, Invokers: []string{"ann"}},
			"place": {Cluster: "gpu", Inputs: []string{"ads"}, Invokers: []string{"partner"}},
		},
	}
}

// byHand is a sandbox in which the model is deployed, and everything exists that another model refers to.
func byHand(t *testing.T, exists, m access.Model) *azure.Azure {
	t.Helper()
	a, err := azure.Start(t.Context(), azure.Options{})
	require.NoError(t, err)
	t.Cleanup(func() { _ = a.Close() })
	seed, err := Seed(exists, DefaultLocation)
	require.NoError(t, err)
	require.NoError(t, a.Seed(seed))
	deployByHand(t, a, m, plans.Of(m).Grants)
	return a
}

// goes walks a way of the model in a sandbox, as one principal who has it.
func goes(t *testing.T, a *azure.Azure, m access.Model, way access.Way) (walk Walk) {
	t.Helper()
	w := walkerOf(t, a, m)
	require.Empty(t, w.unable(way))
	require.NoError(t, w.walk(t.Context(), way, &walk))
	return walk
}

// walkerOf is a walker in a sandbox where the model is deployed by hand.
func walkerOf(t *testing.T, a *azure.Azure, m access.Model) *walker {
	t.Helper()
	ids := deployed{PrincipalIDs: principalIDs(m), ClusterPrincipalIDs: map[string]string{}}
	for name, c := range m.Clusters {
		ids.ClusterPrincipalIDs[name] = made("cluster", m.WorkspaceID.Text(), c.NameOr(name))
	}
	w := &walker{d: ids, places: map[datum]located{}, r: &rehearsal{Options: Options{Model: m}, plan: plans.Of(m),
		azure: a}}
	w.j = newJobs(a, m)
	var err error
	w.before, err = a.Snapshot()
	require.NoError(t, err)
	return w
}

// A principal who may not start a job waits for somebody who does, and then acts as the same code.
func TestTheJobOnAChangedDeploymentIsStartedByWhoeverMay(t *testing.T) {
	t.Parallel()
	m := crossing()
	a := byHand(t, m, m)
	w := walkerOf(t, a, m)
	for _, id := range []string{w.d.PrincipalIDs["partner"], w.d.ClusterPrincipalIDs["gpu"]} {
		w.waits = false
		_, err := w.startOn(t.Context(), position{actor: w.signedIn(id)}, "score", deployment, "", access.Way{Input: "sales"})
		require.NoError(t, err)
		assert.Equal(t, id == w.d.ClusterPrincipalIDs["gpu"], w.waits)
	}
}

// stops are the declared jobs of the model that do not work in a sandbox, by their names in explain.
func stops(t *testing.T, a *azure.Azure, m access.Model) []string {
	t.Helper()
	all, j := map[string]bool{}, newJobs(a, m)
	for _, p := range plans.Of(m).Paths() {
		if !p.Declared {
			continue
		}
		tokens, err := signIns(t.Context(), a, p.Invoker, m.Invokers[p.Invoker], deployed{PrincipalIDs: principalIDs(m)},
			a.Cloud().MachineLearning)
		require.NoError(t, err)
		got, err := j.run(t.Context(), slices.Collect(maps.Values(tokens))[0], p.Endpoint, p.Deployment, p.Input)
		require.NoError(t, err)
		if got.Hop != "" {
			all[fmt.Sprintf("%s on %s with %s", p.Invoker, p.Target(), p.InputName())] = true
		}
	}
	return slices.AppendSeq([]string{}, slices.Values(slices.Sorted(maps.Keys(all))))
}

// Each cut that is offered for a way is made in the sandbox. Afterwards none of those who could walk the way there can,
// and exactly the jobs that the cut names stop.
func TestEachCutIsTriedByRequests(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*access.Model){
		"by the deployment of another's endpoint": func(*access.Model) {},
		"by the credential of a data store": func(m *access.Model) {
			yes := true
			m.DataInputs["ads"] = access.DataInput{Kind: access.DataStore, DataStore: "ads", Path: "x", StorageAccount: "lake",
				Container: "ads", CredentialInStore: &yes}
		},
		"by the role at the resource group": func(m *access.Model) { m.Role.Scope = access.AtResourceGroup },
		"by a role of one's own": func(m *access.Model) {
			m.Role.Additions = []string{"pollJobs"}
		},
		"by several deployments": func(m *access.Model) {
			m.Endpoints["score"] = access.Endpoint{Inputs: []string{"sales"}, Invokers: []string{"ann"},
				Deployments: map[string]access.Deployment{"blue": {Cluster: "cpu"}, "green": {Cluster: "gpu"}}}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := crossing()
			change(&m)
			plan, before := plans.Of(m), byHand(t, m, m)
			assert.Empty(t, stops(t, before, m))
			tried, walked := 0, map[string]bool{}
			for _, way := range plan.Ways() {
				one := way
				one.Who = way.Who[:1]
				if walkerOf(t, before, m).unable(one) != "" {
					continue
				}
				walk := goes(t, before, m, one)
				if !walk.Walked {
					require.Empty(t, way.Input, "%s: %s", one, walk.Why)
					require.Contains(t, walk.Why, "no endpoint reads a data store", "%s", one)
					continue
				}
				walked[way.Ends] = true
				if way.Input != "" {
					assert.False(t, walk.Waits, "%s: whoever holds the article's actions starts the job too", one)
				}
				for _, cut := range explain.Cuts(plan, way) {
					tried++
					after := byHand(t, m, cut.To)
					assert.Equal(t, cut.AllStops(), stops(t, after, m), "%s: %s", way, cut.Does)
					for _, who := range way.Who {
						one.Who = []string{who}
						walk := goes(t, after, m, one)
						assert.False(t, walk.Walked, "%s, after: %s", one, cut.Does)
						// No document says what Azure answers where a data store has no credential.
						without := strings.Contains(walk.Why, "credentials of the kind None")
						assert.True(t, walk.Refused || without, "%s, after: %s: %s", one, cut.Does, walk.Why)
					}
				}
			}
			assert.NotZero(t, tried)
			for _, end := range []string{"", "cluster:cpu", "the keys of the workspace's storage account"} {
				assert.True(t, walked[end], "no way to it was walked, so none was cut: %q", end)
			}
		})
	}
}
