package rehearsal

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/internal/plans"
	"github.com/batchaccess/batchaccess/internal/randommodel"
	"github.com/batchaccess/batchaccess/roles"
	"github.com/batchaccess/batchaccess/sandbox/azure"
)

// Explain and the sandbox, which know nothing of each other, always agree: over random models without some random
// grants, every path ends at the hop that Explain names.
func TestExplainAndTheSandboxNeverDisagree(t *testing.T) {
	t.Parallel()
	a, err := azure.Start(t.Context(), azure.Options{})
	require.NoError(t, err)
	t.Cleanup(func() { _ = a.Close() })
	var drawn atomic.Int64
	rapid.Check(t, func(rt *rapid.T) {
		m := existing(randommodel.Models.Draw(rt, "model"), int(drawn.Add(1)))
		var grants []access.Grant
		for _, g := range plans.Of(m).Grants {
			if rapid.IntRange(0, 4).Draw(rt, "keep") > 0 {
				grants = append(grants, g)
			}
		}
		deployByHand(t, a, m, grants)
		j := newJobs(a, m)
		for _, path := range plans.Of(m).PathsWith(grants) {
			want := shownAt(path)
			tokens, err := signIns(t.Context(), a, path.Invoker, m.Invokers[path.Invoker],
				deployed{PrincipalIDs: principalIDs(m)}, a.Cloud().MachineLearning)
			require.NoError(t, err)
			got, err := j.run(t.Context(), slices.Collect(maps.Values(tokens))[0], path.Endpoint, "", path.Input)
			require.NoError(t, err)
			if got.Hop != want {
				rt.Fatalf("%s on %s with %q: Explain says %q, the sandbox %q: %s", path.Invoker, path.Endpoint, path.Input,
					failsAt(want), failsAt(got.Hop), got.Message)
			}
		}
	})
}

// existing makes everything in a model exist, in its own workspace and accounts, so that no engine is needed.
func existing(m access.Model, n int) access.Model {
	own := func(id access.ID) string {
		return strings.ReplaceAll(id.Text(), "/providers/", fmt.Sprintf("%d/providers/", n))
	}
	m.WorkspaceID = access.Known(own(m.WorkspaceID))
	accounts := map[string]access.ID{}
	for name, id := range m.StorageAccounts {
		accounts[name] = access.Known(fmt.Sprintf("%s%d", own(id), n))
	}
	m.StorageAccounts = accounts
	invokers := map[string]access.Invoker{}
	for name, i := range m.Invokers {
		invokers[name] = access.Invoker{Kind: i.Kind, PrincipalID: access.Known(made("random", name, fmt.Sprint(n))),
			Until: i.Until}
	}
	m.Invokers = invokers
	clusters := map[string]access.Cluster{}
	for name := range m.Clusters {
		clusters[name] = access.Cluster{Existing: true}
	}
	m.Clusters = clusters
	return m
}

func principalIDs(m access.Model) map[string]string {
	ids := map[string]string{}
	for name, i := range m.Invokers {
		ids[name] = i.PrincipalID.Text()
	}
	return ids
}

// deployByHand makes role, assignments and ACLs as a stack would, without one.
func deployByHand(t *testing.T, a *azure.Azure, m access.Model, grants []access.Grant) {
	t.Helper()
	ctx := context.WithoutCancel(t.Context())
	seed, err := Seed(m, "")
	require.NoError(t, err)
	for i := range seed.Endpoints { // the sandbox finds endpoints by name and region
		seed.Endpoints[i].Location = region(m)
	}
	require.NoError(t, a.Seed(seed))
	plan := plans.Of(m)
	defined := map[string]string{}
	define := func(g access.Grant, at string) string {
		if defined[g.Role] == "" {
			scope, _ := m.RoleScopeID()
			if g.Scope.InStorage() {
				scope = strings.Join(strings.Split(at, "/")[:3], "/") // the workspace's subscription
			}
			permissions, known := plan.Permissions(g)
			require.True(t, known)
			role := made("role", m.WorkspaceID.Text(), g.Role)
			call(ctx, t, a, http.MethodPut, scope+"/providers/Microsoft.Authorization/roleDefinitions/"+role+authorization,
				map[string]any{
					"properties": map[string]any{"roleName": role, "type": "CustomRole", "assignableScopes": []string{scope},
						"permissions": permissions},
				}, nil)
			defined[g.Role] = role
		}
		return defined[g.Role]
	}
	principal := func(p access.Principal) (id, kind string) {
		if p.IsCluster() {
			return made("cluster", m.WorkspaceID.Text(), p.Name), "ServicePrincipal"
		}
		return m.Invokers[p.Name].PrincipalID.Text(), m.Invokers[p.Name].Kind.PrincipalType()
	}
	for _, g := range grants {
		at, err := m.ScopeID(g.Scope)
		require.NoError(t, err)
		var roleID string
		if builtIn, ok := roles.BuiltIn(g.Role); ok {
			roleID = builtIn.ID
		} else {
			roleID = define(g, at)
		}
		id, kind := principal(g.Principal)
		properties := map[string]any{"principalId": id, "principalType": kind,
			"roleDefinitionId": roles.DefinitionID(roleID)}
		if g.Condition != "" {
			properties["condition"], properties["conditionVersion"] = g.Condition, "2.0"
		}
		call(ctx, t, a, http.MethodPut, at+"/providers/Microsoft.Authorization/roleAssignments/"+made(at, id,
			roleID)+authorization, map[string]any{"properties": properties}, nil)
	}
	for _, acl := range plan.ACLs {
		id, _ := principal(acl.Principal)
		require.NoError(t,
			a.SetACL(m.StorageAccounts[acl.StorageAccount].Text()+"/blobServices/default/containers/"+acl.Container, acl.Path,
				id, acl.Permissions))
	}
}

func region(m access.Model) string { return "region" + made(m.WorkspaceID.Text())[:8] }
