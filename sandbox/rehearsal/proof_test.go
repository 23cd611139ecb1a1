package rehearsal

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/internal/plans"
	"github.com/batchaccess/batchaccess/roles"
)

// The proof that role and grants are enough, and none of them is too much, as far as the sandbox is like Azure. The
// sample is deployed once for each scope. Then each of the 35 actions, and each grant of the stack, is taken away in
// turn and put back.
func TestTheProof(t *testing.T) {
	t.Parallel()
	for scope, role := range map[string]string{
		"workspace": "additions: []", "endpoint": "scope: endpoint", "paths": "additions: []",
	} {
		t.Run(scope, func(t *testing.T) {
			t.Parallel()
			text := strings.Replace(sample(t), "additions: [pollJobs]", role, 1)
			if scope == "paths" {
				text = strings.NewReplacer("  batchaccess:dataInputs:",
					"  batchaccess:storageAccountKinds: { shared: flat }\n  batchaccess:dataInputs:", "container: patients, path",
					"container: patients, scope: path, path", "path: heart-disease, credentialInStore",
					"path: heart-disease, scope: path, credentialInStore", "container: labels }",
					"container: labels, scope: path }", "path: baseline }", "path: baseline, scope: path }").Replace(text)
			}
			o := options(t, text)
			limited := slices.ContainsFunc(plans.Of(o.Model).Grants, func(g access.Grant) bool { return g.Condition != "" })
			require.Equal(t, scope == "paths", limited)
			require.Equal(t, scope == "endpoint", o.Model.Role.ByEndpoint())
			o.afterUp = func(ctx context.Context, r *rehearsal, d deployed) error {
				j, tokens, err := r.signIn(ctx, &Report{}, d)
				require.NoError(t, err)
				p := proof{t, r, j, tokens, d}
				p.agrees(ctx, plans.Of(o.Model).Grants, "nothing taken away")
				p.everyAction(ctx)
				p.everyGrant(ctx)
				return nil
			}
			report, err := Run(t.Context(), o)
			require.NoError(t, err)
			assert.True(t, report.Passed(), "what was taken away was put back: %v", report.Failures())
		})
	}
}

type proof struct {
	t      *testing.T
	r      *rehearsal
	j      *jobs
	tokens map[string]string
	d      deployed
}

// agrees tries every path and compares it with the model's answer for these grants.
func (p proof) agrees(ctx context.Context, grants []access.Grant, what string) (failed int) {
	p.t.Helper()
	for _, path := range plans.Of(p.r.Model).PathsWith(grants) {
		want := shownAt(path)
		if want != "" {
			failed++
		}
		got := p.start(ctx, path.Invoker, path.Endpoint, path.Input)
		assert.Equal(p.t, failsAt(want), failsAt(got.Hop), "%s: %s on %s with %q: %s", what, path.Invoker, path.Endpoint,
			path.Input, got.Message)
	}
	return failed
}

func (p proof) start(ctx context.Context, invoker, endpoint, input string) failure {
	p.t.Helper()
	got, err := p.j.run(ctx, p.tokens[invoker], endpoint, p.r.Model.EffectiveEndpoints()[endpoint].Deployment, input)
	require.NoError(p.t, err)
	return got
}

// everyAction takes each action out of the role that has it, and expects the refusal to name it.
func (p proof) everyAction(ctx context.Context) {
	p.t.Helper()
	at := workspace + "/providers/Microsoft.Authorization/roleDefinitions"
	var taken []string
	for _, one := range get(ctx, p.t, p.r.azure, at+authorization+"&$filter=type+eq+'CustomRole'")["value"].([]any) {
		role := one.(map[string]any)
		permission := role["properties"].(map[string]any)["permissions"].([]any)[0].(map[string]any)
		all := slices.Clone(permission["actions"].([]any))
		put := func(actions []any) {
			permission["actions"] = actions
			call(ctx, p.t, p.r.azure, http.MethodPut, at+"/"+role["name"].(string)+authorization, role, nil)
		}
		for i, action := range all {
			put(slices.Delete(slices.Clone(all), i, i+1))
			got := p.start(ctx, "pipeline", "image-tagger", "images")
			assert.Equal(p.t, access.InvokeHop, got.Hop, action)
			assert.Contains(p.t, got.Message, "'"+action.(string)+"'")
			taken = append(taken, action.(string))
		}
		put(all)
	}
	assert.ElementsMatch(p.t, roles.InvokerActions(), taken)
}

// everyGrant deletes each role assignment of the stack, and expects exactly those paths to fail that fail in the model.
func (p proof) everyGrant(ctx context.Context) {
	p.t.Helper()
	grants := plans.Of(p.r.Model).Grants
	usual := p.agrees(ctx, grants, "before")
	for i, g := range grants {
		scope, err := p.r.Model.ScopeID(g.Scope)
		require.NoError(p.t, err)
		principal := p.d.PrincipalIDs[g.Principal.Name]
		if g.Principal.IsCluster() {
			principal = p.d.ClusterPrincipalIDs[g.Principal.Name]
		}
		assignment := p.assignment(ctx, scope, principal)
		call(ctx, p.t, p.r.azure, http.MethodDelete, assignment["id"].(string)+authorization, nil, nil)
		failed := p.agrees(ctx, slices.Delete(slices.Clone(grants), i, i+1), "without "+g.Principal.String()+": "+g.String())
		assert.Greater(p.t, failed, usual, "%s: %s is needed by no path", g.Principal, g)
		call(ctx, p.t, p.r.azure, http.MethodPut, assignment["id"].(string)+authorization,
			map[string]any{"properties": assignment["properties"]}, nil)
	}
}

// assignment finds the only role assignment of a principal at a scope.
func (p proof) assignment(ctx context.Context, scope, principal string) map[string]any {
	p.t.Helper()
	list := get(ctx, p.t, p.r.azure,
		scope+"/providers/Microsoft.Authorization/roleAssignments"+authorization+"&$filter=atScope()")["value"].([]any)
	var found []map[string]any
	for _, item := range list {
		assignment := item.(map[string]any)
		properties := assignment["properties"].(map[string]any)
		if properties["principalId"] == principal && strings.EqualFold(properties["scope"].(string), scope) {
			found = append(found, assignment)
		}
	}
	require.Len(p.t, found, 1, "%s at %s", principal, scope)
	return found[0]
}
