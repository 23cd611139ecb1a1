package explain_test

import (
	"maps"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/internal/explain"
	"github.com/batchaccess/batchaccess/roles"
)

const inML = "/subscriptions/11111111-1111-4111-8111-111111111111/resourceGroups/ml/providers/"

func user(n string) access.Invoker {
	return access.Invoker{Kind: access.User, PrincipalID: access.Known("0000000" + n + "-0000-4000-8000-000000000000")}
}

// sales is a model in which ann, and not partner, may start jobs that read sales; more are endpoints for both.
func sales(more map[string]access.Endpoint) access.Model {
	m := access.Model{
		WorkspaceID:     access.Known(inML + "Microsoft.MachineLearningServices/workspaces/scoring"),
		Invokers:        map[string]access.Invoker{"ann": user("1"), "partner": user("2")},
		Clusters:        map[string]access.Cluster{"cpu": {}},
		StorageAccounts: map[string]access.ID{"lake": access.Known(inML + "Microsoft.Storage/storageAccounts/lake")},
		DataInputs: map[string]access.DataInput{"sales": {Kind: access.Blob, StorageAccount: "lake",
			Container: "sales"}},
		Endpoints: map[string]access.Endpoint{
			"score": {Cluster: "cpu", Inputs: []string{"sales"}, Invokers: []string{"ann"}},
		},
	}
	maps.Copy(m.Endpoints, more)
	return m
}

// Each cut was tried and says what it costs. The cheapest comes first.
func TestCuts(t *testing.T) {
	t.Parallel()
	plan, ps := access.Compile(sales(map[string]access.Endpoint{"ping": {Cluster: "cpu"}}))
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
		withoutCode + stops,
	}, cuts)
}

// What another role than the article's costs: no job starts.
const stops = "; then 3 declared jobs stop, among them ann on ping with (no input)"

const withoutCode = "give a role of your own without listStorageAccountKeys/action, " +
	"batchEndpoints/deployments/write, metadata/artifacts/write, experiments/runs/submit/action, " +
	"endpoints/pipelines/write, environments/write, environments/build/action"

// A way to an output is cut too: jobs that are declared to write it have to write elsewhere. Ways that the role gives
// to every invoker are cut by another role alone.
func TestWhatCutsAWayToNoInput(t *testing.T) {
	t.Parallel()
	plan, ps := access.Compile(access.Model{
		WorkspaceID:     access.Known(inML + "Microsoft.MachineLearningServices/workspaces/scoring"),
		Invokers:        map[string]access.Invoker{"ann": user("1"), "partner": user("2")},
		Clusters:        map[string]access.Cluster{"cpu": {}},
		StorageAccounts: map[string]access.ID{"lake": access.Known(inML + "Microsoft.Storage/storageAccounts/lake")},
		DataOutputs: map[string]access.DataOutput{"scores": {DataStore: "scores", Path: "x", CredentialInStore: new(bool),
			StorageAccount: "lake", Container: "scores"}},
		Endpoints: map[string]access.Endpoint{
			"score": {Cluster: "cpu", Outputs: []string{"scores"}, Invokers: []string{"ann"}},
			"ping":  {Cluster: "cpu"}},
	})
	require.NotNil(t, plan, "%v", ps.Err())
	cuts := map[string][]string{}
	for _, w := range plan.Ways() {
		for _, c := range explain.Cuts(plan, w) {
			cuts[w.Output+w.Ends] = append(cuts[w.Output+w.Ends], c.String())
		}
	}
	assert.Equal(t, map[string][]string{"scores": {
		"let the endpoints of another workspace write scores; then ann on score with (no input) stops",
		"take partner out of the invokers; then partner on ping with (no input) stops",
		withoutCode + stops},
		"cluster:cpu": {withoutCode + stops},
		"secrets": {"give a role of your own without computes/listKeys/action, metadata/secrets/read, " +
			"environments/readSecrets/action" + stops},
		"the keys of the workspace's storage account": {"give a role of your own without " +
			"listStorageAccountKeys/action" + stops},
		"what data stores and assets stand for": {"give a role of your own without data/versions/write, " +
			"datasets/registered/write, datasets/unregistered/write, datastores/write" + stops},
	}, cuts)
}

// Where there are many ways, each still comes with what the role can change about it.
func TestManyWaysComeWithOtherRoles(t *testing.T) {
	t.Parallel()
	m := access.Model{
		WorkspaceID:     access.Known(inML + "Microsoft.MachineLearningServices/workspaces/scoring"),
		Invokers:        map[string]access.Invoker{},
		Clusters:        map[string]access.Cluster{"cpu": {}},
		StorageAccounts: map[string]access.ID{"lake": access.Known(inML + "Microsoft.Storage/storageAccounts/lake")},
		DataInputs:      map[string]access.DataInput{},
		Endpoints:       map[string]access.Endpoint{},
	}
	for _, n := range "123456789abcdefghijklm" {
		name := "name" + string(n)
		m.Invokers[name] = access.Invoker{Kind: access.User, PrincipalID: access.Known("0000000" +
			string("0123456789abcdef"[len(m.Invokers)%16]) + "-0000-4000-800" + string("01"[len(m.Invokers)/16]) +
			"-000000000000")}
		m.DataInputs[name] = access.DataInput{Kind: access.Blob, StorageAccount: "lake", Container: name}
		m.Endpoints[name] = access.Endpoint{Cluster: "cpu", Inputs: []string{name}, Invokers: []string{name}}
	}
	plan, ps := access.Compile(m)
	require.NotNil(t, plan, "%v", ps.Err())
	x := explain.Make("dev", plan, ps)
	require.GreaterOrEqual(t, len(x.Ways), 20)
	for _, w := range x.Ways {
		assert.False(t, w.Untried, "%s", w)
		if assert.NotEmpty(t, w.Cuts, "%s", w) {
			assert.Contains(t, w.Cuts[0].String(), "give a role of your own without ", "%s", w)
			assert.Contains(t, w.Cuts[0].String(), "; then 22 declared jobs stop", "%s", w)
		}
	}
}

// Live, "indirectly: no" is said only where nothing is in doubt: not where somebody, who may be anybody, may go a way.
func TestADoubtIsNoNo(t *testing.T) {
	t.Parallel()
	plan, ps := access.Compile(sales(nil))
	require.NotNil(t, plan, "%v", ps.Err())
	doubt := func(who, input string) []access.Way {
		return []access.Way{{Who: []string{who}, Input: input, Hops: []access.Hop{{Kind: access.IdentityHop, Identity: who,
			GivenBy: "what could not be listed", Undecided: true, Missing: "its groups"}}}}
	}
	for name, test := range map[string]struct {
		live explain.Live
		want string
	}{
		"nothing is in doubt":    {explain.Live{}, "no"},
		"their own groups":       {explain.Live{Doubts: doubt("partner", "sales")}, "undecided"},
		"who may be anybody":     {explain.Live{Doubts: doubt("members of group team", "sales")}, "undecided"},
		"another invoker":        {explain.Live{Doubts: doubt("ann", "sales")}, "no"},
		"code of a cluster":      {explain.Live{Doubts: doubt("cluster:cpu", "sales")}, "no"},
		"other data":             {explain.Live{Doubts: doubt("partner", "wages")}, "no"},
		"a way that is open too": {explain.Live{Doubts: doubt("partner", "sales"), Ways: plan.Ways()}, "yes"},
	} {
		test.live.Does = func(access.Principal, roles.Action, string) ([]access.Hop, error) { return nil, nil }
		a, err := explain.Ask("dev", plan, explain.Question{Who: "partner", Verb: "read", What: "sales"}, &test.live)
		require.NoError(t, err, name)
		assert.EqualValues(t, test.want, a.ByWay, name)
	}
}
