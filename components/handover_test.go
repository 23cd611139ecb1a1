package components

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
)

// What a component made is not to be deleted because it is to exist from now on.
func TestWhatThisStackMadeIsNotHandedOverByADeletion(t *testing.T) {
	t.Parallel()
	type m = map[string]any
	const id = "66666666-6666-4666-8666-666666666666"
	outputs := mapOf(m{"principalIds": m{"bot": id, "people": "7"}, "clientIds": m{"bot": "8"}})
	clusters := func(all m) m { return m{"workspaceId": "/w", "clusters": all} }
	for name, c := range map[string]struct {
		before, now m
		state, want []string
	}{
		"a cluster": {clusters(m{"gpu": m{"computeName": "gpu-1"}}), clusters(m{"gpu": m{"computeName": "gpu-1",
			"existing": true}}), []string{":Compute::access.gpu"}, []string{"clusters.gpu.existing"}},
		"under another key": {clusters(m{"gpu": m{}}), clusters(m{"fast": m{"computeName": "GPU", "existing": true}}),
			[]string{":Compute::access.gpu"}, []string{"clusters.fast.existing"}},
		"renamed before": {clusters(m{"gpu": m{"was": "old"}}), clusters(m{"gpu": m{"computeName": "old",
			"existing": true}}), []string{":Compute::access.gpu"}, []string{"clusters.gpu.existing"}},
		"another cluster":  {clusters(m{"gpu": m{}}), clusters(m{"gpu": m{"computeName": "x", "existing": true}}), nil, nil},
		"out of the state": {clusters(m{"gpu": m{}}), clusters(m{"gpu": m{"existing": true}}), nil, nil},
		"it did exist":     {clusters(m{"gpu": m{"existing": true}}), clusters(m{"gpu": m{"existing": true}}), nil, nil},
		"another workspace": {m{"workspaceId": "/v", "clusters": m{"gpu": m{}}}, clusters(m{"gpu": m{"existing": true}}),
			[]string{":Compute::access.gpu"}, nil},
		"a ComputeCluster": {m{"workspaceId": "/w", "cluster": m{"computeName": "gpu-1"}}, m{"workspaceId": "/W",
			"cluster": m{"computeName": "gpu-1", "existing": true}}, []string{":Compute::access"},
			[]string{"cluster.existing"}},
		"an identity": {m{"invokers": m{"bot": m{"kind": "managedIdentity"}}}, m{"invokers": m{"bot": m{"principalId": id}}},
			[]string{":UserAssignedIdentity::access.bot"}, []string{"invokers.bot.principalId"}},
		"an application, by its client ID": {m{"invokers": m{"bot": m{}}}, m{"invokers": m{"robot": m{"clientId": "8"}}},
			[]string{":Application::access.bot"}, []string{"invokers.robot.clientId"}},
		"a group": {m{"invokers": m{"people": m{}}}, m{"invokers": m{"people": m{"objectId": "7"}}},
			[]string{":Group::access.people"}, []string{"invokers.people.objectId"}},
		"an identity that did exist": {m{"invokers": m{"bot": m{"principalId": id}}},
			m{"invokers": m{"bot": m{"principalId": id}}}, []string{":UserAssignedIdentity::access.bot"}, nil},
		"all at once": {m{"workspaceId": "/w", "clusters": m{"gpu": m{}}, "invokers": m{"people": m{}}},
			m{"workspaceId": "/w", "clusters": m{"gpu": m{"existing": true}}, "invokers": m{"people": m{"objectId": "7"}}},
			[]string{":Compute::access.gpu", ":Group::access.people"}, []string{"clusters.gpu.existing",
				"invokers.people.objectId"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var paths []string
			for _, p := range handedOver("access", mapOf(c.before), outputs, mapOf(c.now), func(typ, name string) bool {
				return slices.Contains(c.state, typ+"::"+name)
			}) {
				paths = append(paths, p.Path)
			}
			assert.Equal(t, c.want, paths)
		})
	}
}
