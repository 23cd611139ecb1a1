package explain_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/internal/explain"
)

// The table has the ways that end at no data: one line for those of every invoker, and names for those of some.
func TestTheTableListsWaysThatEndAtNoData(t *testing.T) {
	t.Parallel()
	some := peopled()
	const id = inML + "Microsoft.ManagedIdentity/userAssignedIdentities/robot"
	some.Invokers["robot"] = access.Invoker{Kind: access.ManagedIdentity, ResourceID: id,
		PrincipalID: access.Known("44444444-4444-4444-8444-444444444444")}
	some.Clusters["own"] = access.Cluster{Identity: access.UserAssigned, UserAssignedIdentityID: access.Known(id)}
	byEndpoint := model()
	byEndpoint.Role.Scope = access.AtEndpoint
	one := peopled()
	one.Invokers = map[string]access.Invoker{"ann": one.Invokers["ann"]}
	one.Endpoints = map[string]access.Endpoint{"heart": {Cluster: "cpu", Inputs: []string{"patients"}}}
	one.Assertions = nil
	alone := made("dev", one)
	for name, c := range map[string]struct {
		x     explain.Explanation
		once  []string
		never []string
	}{
		"every invoker": {made("dev", model()), []string{
			"  every invoker can reach cluster:cpu, by changing the deployment of heart",
			"  every invoker can reach the keys of the workspace's storage account, by listStorageAccountKeys/action of",
			"  every invoker may reach secrets, by computes/listKeys/action"},
			[]string{"ann, pipeline can reach", "by another way"}},
		"some": {made("dev", some), []string{
			"  every invoker, cluster:own can reach cluster:gpu, by", "  partner can reach robot, by"},
			[]string{"every invoker can reach robot"}},
		"one of them, asked for by name": {made("dev", some).Only("ann", ""),
			[]string{"  ann can reach cluster:gpu, by"}, []string{"every invoker", "partner can reach robot"}},
		"each by an endpoint": {made("dev", byEndpoint), []string{
			"  every invoker can reach the keys of the workspace's storage account, by listStorageAccountKeys/action of " +
				"Batch Endpoint Invoker (workspace) on workspace\n",
			"  every invoker can reach cluster:gpu, by environments/write of Batch Endpoint Invoker (workspace) on workspace " +
				"(some of them by another way)"}, nil},
		"two components": {explain.Together("dev", []string{"a", "b"}, []explain.Explanation{made("dev", model()), alone}),
			[]string{"  a:every invoker can reach a:cluster:cpu, by", "  b:ann can reach b:cluster:cpu, by"},
			[]string{"  every invoker"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			table := write(t, "txt", c.x)
			_, part, _ := strings.Cut(table, "\nINDIRECT WAYS TO IDENTITIES, SECRETS AND GRANTS\n")
			part, _, _ = strings.Cut(part, "\n\n")
			t.Log(part)
			for _, line := range c.once {
				assert.Equal(t, 1, strings.Count("\n"+part, "\n"+line), "%s", line)
			}
			for _, line := range c.never {
				assert.NotContains(t, part, line)
			}
			for _, w := range c.x.Ways {
				if w.Ends != "" {
					assert.Contains(t, part, "reach "+strings.ReplaceAll(w.Ends, "Microsoft.MachineLearningServices/workspaces/", ""))
				}
			}
		})
	}
}

// Of one invoker its own ways are shown, and those of whom it may become; each alone.
func TestOnlyShowsTheWaysOfOneAndOfWhomItMayBecome(t *testing.T) {
	t.Parallel()
	m := model()
	m.Invokers["eve"] = access.Invoker{Kind: access.User,
		PrincipalID: access.Known("e1111111-1111-4111-8111-111111111111")}
	all := made("dev", m)
	only := all.Only("eve", "")
	require.NotEmpty(t, only.Ways)
	names := map[string]bool{}
	for _, w := range only.Ways {
		for _, who := range w.Who {
			names[who] = true
		}
	}
	assert.True(t, names["eve"])
	for name := range m.Invokers {
		assert.Equal(t, name == "eve", names[name], "ways of %s", name)
	}
	shared := func(x explain.Explanation) (found int) {
		for _, f := range x.Findings {
			if strings.HasPrefix(f.What, "indirectly, ") {
				found++
				assert.NotContains(t, f.What, "ann", "%s", f.What)
			}
		}
		return found
	}
	assert.NotZero(t, shared(only))
	assert.NotEmpty(t, all.Ways[0].Who[1:], "the whole is as it was")
}
