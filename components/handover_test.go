package components

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
)

// A resource that a component made must not be deleted because the program now refers to it as existing.
func TestWhatThisStackMadeIsNotHandedOverByADeletion(t *testing.T) {
	t.Parallel()
	type m = map[string]any
	const id = "66666666-6666-4666-8666-666666666666"
	outputs := mapOf(m{"principalIds": m{"bot": id, "people": "7"}, "clientIds": m{"bot": "8"},
		"clusterPrincipalIds": m{"gpu": "9", "cpu": "11"}, "resourceId": "/ids/mine", "principalId": "12"})
	bot, gpu := m{"invokers": m{"bot": m{"kind": "managedIdentity"}}}, m{"gpu": m{"identity": "userAssigned"}}
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
		"an identity, by its ARM ID": {bot, m{"invokers": m{"robot": m{"kind": "managedIdentity",
			"resourceId": "/IDS/bot/"}}},
			[]string{":UserAssignedIdentity::access.bot"}, []string{"invokers.robot.resourceId"}},
		"an identity, by its client ID": {bot, m{"invokers": m{"bot": m{"kind": "managedIdentity", "clientId": "8"}}},
			[]string{":UserAssignedIdentity::access.bot"}, []string{"invokers.bot.clientId"}},
		"an identity, as that of a cluster": {bot, m{"invokers": m{}, "clusters": m{"gpu": m{"identity": "userAssigned",
			"userAssignedIdentityId": "/ids/bot"}}}, []string{":UserAssignedIdentity::access.bot"},
			[]string{"clusters.gpu.userAssignedIdentityId"}},
		"an identity, as another one of a cluster": {bot, m{"clusters": m{"gpu": m{"moreIdentityIds": []any{"/ids/x",
			"/ids/bot"}}}}, []string{":UserAssignedIdentity::access.bot"}, []string{"clusters.gpu.moreIdentityIds[1]"}},
		"an identity, as that of a cluster that exists": {bot, m{"clusters": m{"gpu": m{"existing": true,
			"principalId": id}}}, []string{":UserAssignedIdentity::access.bot"}, []string{"clusters.gpu.principalId"}},
		"an identity, in all ways": {bot, m{"invokers": m{"a": m{"kind": "managedIdentity", "principalId": id,
			"clientId":   "8",
			"resourceId": "/ids/bot"}}, "clusters": m{"gpu": m{"existing": true, "principalId": id,
			"userAssignedIdentityId": "/ids/bot", "moreIdentityIds": []any{"/ids/bot"}}}},
			[]string{":UserAssignedIdentity::access.bot"}, []string{"clusters.gpu.userAssignedIdentityId",
				"clusters.gpu.moreIdentityIds[0]", "clusters.gpu.principalId", "invokers.a.principalId", "invokers.a.clientId",
				"invokers.a.resourceId"}},
		"an identity that stays": {bot, m{"invokers": m{"bot": m{"kind": "managedIdentity"}},
			"clusters": m{"gpu": m{"userAssignedIdentityId": "/ids/bot"}}},
			[]string{":UserAssignedIdentity::access.bot"}, nil},
		"an identity that stays under another name": {bot, m{"invokers": m{"robot": m{"kind": "managedIdentity",
			"was": "bot"}},
			"clusters": m{"gpu": m{"userAssignedIdentityId": "/ids/bot"}}},
			[]string{":UserAssignedIdentity::access.bot"}, nil},
		"one of another kind has its name": {bot, m{"invokers": m{"bot": m{"kind": "servicePrincipal"}},
			"clusters": m{"gpu": m{"userAssignedIdentityId": "/ids/bot"}}},
			[]string{":UserAssignedIdentity::access.bot"}, []string{"clusters.gpu.userAssignedIdentityId"}},
		"an identity out of the state": {bot, m{"invokers": m{"bot": m{"kind": "managedIdentity", "resourceId": "/ids/bot"}}},
			nil, nil},
		"another identity": {bot, m{"invokers": m{"bot": m{"kind": "managedIdentity", "resourceId": "/ids/other"}}},
			[]string{":UserAssignedIdentity::access.bot"}, nil},
		"a cluster's identity": {clusters(gpu), m{"workspaceId": "/w", "clusters": m{"gpu": m{"identity": "userAssigned",
			"userAssignedIdentityId": "/ids/gpu"}}}, []string{":UserAssignedIdentity::access.gpu.identity"},
			[]string{"clusters.gpu.userAssignedIdentityId"}},
		"a cluster's identity, as an invoker": {clusters(gpu), m{"workspaceId": "/w", "invokers": m{
			"a": m{"kind": "managedIdentity", "resourceId": "/ids/gpu"}, "b": m{"kind": "managedIdentity", "principalId": "9"},
			"c": m{"kind": "managedIdentity", "clientId": "10"}}}, []string{":UserAssignedIdentity::access.gpu.identity"},
			[]string{"invokers.a.resourceId", "invokers.b.principalId", "invokers.c.clientId"}},
		"a cluster's identity, which stays": {clusters(gpu), m{"workspaceId": "/w", "clusters": gpu, "invokers": m{
			"a": m{"kind": "managedIdentity", "resourceId": "/ids/gpu"}}},
			[]string{":UserAssignedIdentity::access.gpu.identity"}, nil},
		"a cluster's identity, of another workspace": {clusters(gpu), m{"workspaceId": "/v", "clusters": gpu, "invokers": m{
			"a": m{"kind": "managedIdentity", "resourceId": "/ids/gpu"}}},
			[]string{":UserAssignedIdentity::access.gpu.identity"}, []string{"invokers.a.resourceId"}},
		"a cluster's own identity, as an invoker": {clusters(m{"cpu": m{}}), m{"workspaceId": "/w", "invokers": m{
			"a": m{"kind": "managedIdentity", "principalId": "11"}}}, []string{":Compute::access.cpu"},
			[]string{"invokers.a.principalId"}},
		"the identity of a ComputeCluster": {m{"workspaceId": "/w", "cluster": m{"identity": "userAssigned"}},
			m{"workspaceId": "/w", "cluster": m{"identity": "userAssigned", "userAssignedIdentityId": "/ids/own"}},
			[]string{":UserAssignedIdentity::access.identity"}, []string{"cluster.userAssignedIdentityId"}},
		"a ManagedIdentity, by its ARM ID": {m{"resourceGroupName": "g"}, m{"existingId": "/ids/mine"},
			[]string{":UserAssignedIdentity::access"}, []string{"existingId"}},
		"a ManagedIdentity, by its object ID": {m{"resourceGroupName": "g"}, m{"principalId": "12"},
			[]string{":UserAssignedIdentity::access"}, []string{"principalId"}},
		"a ManagedIdentity of another ID": {m{"resourceGroupName": "g"}, m{"existingId": "/ids/bot"},
			[]string{":UserAssignedIdentity::access"}, nil},
		"a group, by its name": {m{"invokers": m{"people": m{"kind": "group", "members": []any{"ann"}}}},
			m{"invokers": m{"everybody": m{"kind": "group", "displayName": "people"}}},
			[]string{":Group::access.people"}, []string{"invokers.everybody.displayName"}},
		"a group of its name that is made": {m{"invokers": m{"people": m{"kind": "group", "members": []any{"ann"}}}},
			m{"invokers": m{"everybody": m{"kind": "group", "displayName": "people", "members": []any{"ann"}}}},
			[]string{":Group::access.people"}, nil},
		"a group that is named by its ID, and called so": {m{"invokers": m{"people": m{"kind": "group",
			"members": []any{"ann"}}}}, m{"invokers": m{"others": m{"kind": "group", "displayName": "people",
			"objectId": "13"}}}, []string{":Group::access.people"}, nil},
		"all at once": {m{"workspaceId": "/w", "clusters": m{"gpu": m{}}, "invokers": m{"people": m{}}},
			m{"workspaceId": "/w", "clusters": m{"gpu": m{"existing": true}}, "invokers": m{"people": m{"objectId": "7"}}},
			[]string{":Compute::access.gpu", ":Group::access.people"}, []string{"clusters.gpu.existing",
				"invokers.people.objectId"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var paths []string
			for _, p := range (handover{
				name: "access", before: mapOf(c.before), outputs: outputs, now: mapOf(c.now),
				made: func(typ, name string) bool { return slices.Contains(c.state, typ+"::"+name) },
				output: func(typ, name, key string) string {
					return map[string]string{ManagedIdentityToken + " access.bot resourceId": "/ids/bot",
						ManagedIdentityToken + " access.gpu.identity resourceId":  "/ids/gpu",
						ManagedIdentityToken + " access.gpu.identity principalId": "9",
						ManagedIdentityToken + " access.gpu.identity clientId":    "10",
						ManagedIdentityToken + " access.identity resourceId":      "/ids/own",
						groupToken + " access.people displayName":                 "People"}[typ+" "+name+" "+key]
				},
			}).problems() {
				paths = append(paths, p.Path)
			}
			assert.Equal(t, c.want, paths)
		})
	}
}

func TestANameThatNothingHadIsRefusedForWhatExistsToo(t *testing.T) {
	t.Parallel()
	type m = map[string]any
	user := func(was string) m { return m{"kind": "user", "was": was} }
	for name, c := range map[string]struct {
		before, now m
		want        []string
	}{
		"an invoker": {m{"invokers": m{"ann": m{"kind": "user"}}}, m{"invokers": m{"bea": user("nobody")}},
			[]string{"invokers.bea.was: take it out, or write what it was called: ann"}},
		"it was": {m{"invokers": m{"ann": m{"kind": "user"}}}, m{"invokers": m{"bea": user("ann")}}, nil},
		"its mark is still there": {m{"invokers": m{"bea": user("ann")}}, m{"invokers": m{"bea": user("ann"),
			"cid": m{"kind": "user"}}}, nil},
		"one that is made": {m{"invokers": m{}}, m{"invokers": m{"bot": m{"kind": "servicePrincipal", "was": "x"}}}, nil},
		"a cluster": {m{"clusters": m{"cpu": m{"existing": true}}}, m{"clusters": m{"cpu": m{"existing": true},
			"gpu": m{"existing": true, "was": "x"}}}, []string{"clusters.gpu.was: take it out"}},
		"an account": {m{"storageAccounts": m{"lake": "/a"}}, m{"storageAccounts": m{"pond": "/a"},
			"storageAccountsWere": m{"pond": "sea"}},
			[]string{"storageAccountsWere.pond: take it out, or write what it was called: lake"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got []string
			for _, p := range neverWas(mapOf(c.before), mapOf(c.now)) {
				got = append(got, p.Path+": "+p.Fix)
			}
			assert.Equal(t, c.want, got)
		})
	}
}
