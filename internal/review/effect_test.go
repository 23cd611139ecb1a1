package review_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/batchaccess/batchaccess/internal/guardrails"
	"github.com/batchaccess/batchaccess/roles"
)

// A grant is one role of a stack that one principal has at one scope.
type grant struct {
	name, principal, scope string
	actions                []string
}

const testScope = "/subscriptions/s/resourceGroups/rg"

// previewOf writes the preview that goes from some grants to others, each with its own role and assignment.
func previewOf(t require.TestingT, old, now []grant) string {
	type object = map[string]any
	states := func(grants []grant) map[string]object {
		all := map[string]object{}
		for _, g := range grants {
			id := "/subscriptions/s/providers/Microsoft.Authorization/roleDefinitions/" + g.name
			all["urn:pulumi:dev::p::"+guardrails.RoleDefinition+"::"+g.name] = object{"type": guardrails.RoleDefinition,
				"id": id, "inputs": object{
					"roleName": g.name, "scope": g.scope, "assignableScopes": []string{g.scope},
					"permissions": []object{{"actions": g.actions}},
				}}
			all["urn:pulumi:dev::p::"+guardrails.RoleAssignment+"::"+g.name] = object{"type": guardrails.RoleAssignment,
				"inputs": object{
					"principalId": g.principal, "principalType": "User", "scope": g.scope, "roleDefinitionId": id,
				}}
		}
		return all
	}
	was, is := states(old), states(now)
	steps, summary := []object{}, map[string]int{}
	add := func(op, urn string, old, now object) {
		summary[op]++
		steps = append(steps, object{"op": op, "urn": urn, "oldState": old, "newState": now})
	}
	for urn, state := range is {
		if before, ok := was[urn]; ok {
			add("update", urn, before, state)
		} else {
			add("create", urn, nil, state)
		}
	}
	for urn, state := range was {
		if _, stays := is[urn]; !stays {
			add("delete", urn, state, nil)
		}
	}
	text, err := json.Marshal(object{"steps": steps, "changeSummary": summary})
	require.NoError(t, err)
	return string(text)
}

var actionPool = append(roles.InvokerActions()[:8],
	"Microsoft.Insights/alertRules/read", "Microsoft.Insights/alertRules/write", "Microsoft.MachineLearningServices/"+
		"workspaces/batchEndpoints/*",
	"Microsoft.MachineLearningServices/workspaces/*/read", "Microsoft.Foo/*", "Microsoft.Foo/bars/*")

func drawGrants(t *rapid.T) []grant {
	actions := rapid.SliceOfNDistinct(rapid.SampledFrom(actionPool), 1, 5, rapid.ID[string])
	all := make([]grant, rapid.IntRange(1, 4).Draw(t, "grants"))
	for i := range all {
		all[i] = grant{
			fmt.Sprintf("role%d", i), rapid.SampledFrom([]string{"ann", "ben"}).Draw(t, "principal"),
			testScope + rapid.SampledFrom([]string{"", "/providers/Microsoft.Storage/storageAccounts/a"}).Draw(t,
				"scope"), actions.Draw(t, "actions"),
		}
	}
	return all
}

func anyCase(t *rapid.T, s string) string {
	if rapid.Bool().Draw(t, "upper") {
		return strings.ToUpper(s)
	}
	return strings.ToLower(s)
}

func TestAnotherTextOfTheSameAccessIsNoNewAccess(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		old := drawGrants(t)
		var now []grant
		for i, g := range old {
			actions := rapid.Permutation(g.actions).Draw(t, "order")
			for j := range actions {
				actions[j] = anyCase(t, actions[j])
			}
			g.scope, g.principal = anyCase(t, g.scope), anyCase(t, g.principal)
			at := rapid.IntRange(0, len(actions)).Draw(t, "cut")
			switch rapid.SampledFrom([]string{"keep", "split", "merge", "rename"}).Draw(t, "how") {
			case "split":
				for part, half := range [][]string{actions[:at], actions[at:]} {
					if len(half) > 0 {
						now = append(now, grant{fmt.Sprintf("split%d-%d", i, part), g.principal, g.scope, half})
					}
				}
				continue
			case "merge": // with another grant of the same principal and scope
				for j := range now {
					if strings.EqualFold(now[j].principal, g.principal) && strings.EqualFold(now[j].scope, g.scope) {
						now[j].actions = append(append([]string{}, now[j].actions...), actions...)
						actions = nil
						break
					}
				}
				if actions == nil {
					continue
				}
			case "rename":
				g.name = "renamed" + g.name
			}
			g.actions = actions
			now = append(now, g)
		}
		r := reviewOf(t, previewOf(t, old, now))
		if r.NewAccess || r.Partial() {
			t.Fatalf("from %v to %v: %s %+v", old, now, r.Verdict, r.Access)
		}
	})
}

func TestAnActionMoreIsNewAccess(t *testing.T) {
	t.Parallel()
	outside := []string{"Microsoft.KeyVault/vaults/write", "Microsoft.Unheard/of/*", "*", "Microsoft.KeyVault/*"}
	rapid.Check(t, func(t *rapid.T) {
		old := drawGrants(t)
		now := append([]grant{}, old...)
		i := rapid.IntRange(0, len(old)-1).Draw(t, "which")
		switch rapid.SampledFrom([]string{"action", "principal", "scope"}).Draw(t, "what") {
		case "action":
			now[i].actions = append(append([]string{}, old[i].actions...), rapid.SampledFrom(outside).Draw(t, "more"))
		case "principal":
			now = append(now, grant{"another", "eve", testScope, old[i].actions})
		case "scope":
			now[i].scope = "/subscriptions/s"
		}
		r := reviewOf(t, previewOf(t, old, now))
		if !r.NewAccess {
			t.Fatalf("from %v to %v: %s", old, now, r.Verdict)
		}
	})
}
