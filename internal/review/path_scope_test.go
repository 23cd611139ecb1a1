package review_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/batchaccess/batchaccess/internal/engine"
	"github.com/batchaccess/batchaccess/internal/guardrails"
	"github.com/batchaccess/batchaccess/internal/review"
)

// A reader or writer that is limited to a path gains access if the path is widened, moved or dropped, and loses some if
// it is narrowed.
func TestAReviewOfGrantsThatAreLimitedToPaths(t *testing.T) {
	t.Parallel()
	side := func(write bool, path, scope string) review.Configured {
		values := limitedTo(write, path, scope)
		_, plan, _, err := engine.Plan(values)
		require.NoError(t, err)
		return review.Configured{Plan: plan, Values: values}
	}
	for name, c := range map[string]struct {
		oldPath, oldScope, path, scope string
		gains                          bool
		change                         bool // whether the review says anything about ann in storage
	}{
		"as it was":              {"in/2026", "path", "in/2026", "path", false, false},
		"a slash more":           {"in/2026", "path", "in/2026/", "path", false, false},
		"narrowed":               {"in", "path", "in/2026", "path", false, true},
		"widened":                {"in/2026", "path", "in", "path", true, true},
		"moved to a sibling":     {"in/2026", "path", "in/2025", "path", true, true},
		"to a longer name":       {"in/2026", "path", "in/20261", "path", true, true},
		"the condition goes":     {"in/2026", "path", "in/2026", "container", true, true},
		"a condition comes":      {"in/2026", "container", "in/2026", "path", false, true},
		"from the account":       {"in/2026", "account", "in/2026", "path", false, true},
		"widened to the account": {"in/2026", "path", "in/2026", "account", true, true},
	} {
		for as, write := range map[string]bool{"reader": false, "writer": true} {
			t.Run(as+" "+name, func(t *testing.T) {
				t.Parallel()
				r := review.Compare("dev", side(write, c.oldPath, c.oldScope), side(write, c.path, c.scope),
					review.Options{Guardrails: guardrails.DefaultConfig()})
				assert.Empty(t, r.Unread)
				assert.Equal(t, c.gains, r.NewAccess, "%+v", r.Access)
				assert.Equal(t, c.change, len(r.Access) > 0, "%+v", r.Access)
				for _, a := range r.Access {
					assert.Empty(t, a.Undecided)
				}
				assert.Empty(t, r.Jobs, "the job works as before")
			})
		}
	}
}

// limitedTo is a stack in which ann reads an input, or writes an output.
func limitedTo(write bool, path, scope string) map[string]any {
	place := map[string]any{"storageAccount": "lake", "container": "rows", "scope": scope}
	if path != "" {
		place["path"] = path
	}
	endpoint := map[string]any{"cluster": "cpu"}
	values := map[string]any{
		"workspaceId": "/subscriptions/11111111-1111-4111-8111-111111111111/resourceGroups/rg/providers/" +
			"Microsoft.MachineLearningServices/workspaces/ws", "location": "westeurope",
		"clusters": map[string]any{"cpu": map[string]any{}},
		"storageAccounts": map[string]any{"lake": "/subscriptions/11111111-1111-4111-8111-111111111111/resourceGroups/rg/" +
			"providers/Microsoft.Storage/storageAccounts/lake"},
		"storageAccountKinds": map[string]any{"lake": "flat"},
		"invokers": map[string]any{
			"ann": map[string]any{"kind": "user", "objectId": "22222222-2222-4222-8222-222222222222"},
		},
		"endpoints": map[string]any{"scorer": endpoint},
	}
	if write {
		maps.Copy(place, map[string]any{"dataStore": "out", "credentialInStore": false})
		values["dataOutputs"] = map[string]any{"out": place}
		endpoint["outputs"] = []any{"out"}
		endpoint["inputs"] = []any{}
	} else {
		place["kind"] = "blob"
		values["dataInputs"] = map[string]any{"rows": place}
		endpoint["inputs"] = []any{"rows"}
	}
	return values
}

// The path writers' role is the stack's own. If a preview shows another role, its holders gain what that role allows in
// addition, although their assignments are not shown.
func TestAWidenedRoleOfPathWritersCountsThoughTheyAreNotShown(t *testing.T) {
	t.Parallel()
	inputs, err := json.Marshal(limitedTo(true, "in", "path"))
	require.NoError(t, err)
	const role = `{"type": %q, "inputs": {"roleName": "r", "permissions": [{"dataActions": ["A.b/read"%s]}]}}`
	const component = "urn:pulumi:dev::p::" + guardrails.AccessComponent
	old, now := fmt.Sprintf(role, guardrails.RoleDefinition, ""),
		fmt.Sprintf(role, guardrails.RoleDefinition, `, "A.b/write"`)
	for name, c := range map[string]struct {
		old, now string
		gains    bool
	}{"widened": {old, now, true}, "narrowed": {now, old, false}} {
		r := reviewOf(t, fmt.Sprintf(`{"steps": [
			{"op": "update", "urn": %q, "oldState": {"type": %q, "inputs": %s}, "newState": {"type": %q, "inputs": %s}},
			{"op": "update", "urn": %q, "oldState": %s, "newState": %s}], "changeSummary": {"update": 2, "same": 5}}`,
			component+"::access", guardrails.AccessComponent, inputs, guardrails.AccessComponent, inputs,
			component+"$"+guardrails.StorageContributor+"$"+guardrails.RoleDefinition+"::access.lake.rows.contributor",
			c.old, c.now))
		assert.Equal(t, c.gains, r.NewAccess, name)
		if assert.NotEmpty(t, r.Access, name) {
			assert.Equal(t, "invoker ann", r.Access[len(r.Access)-1].Principal.Name, name)
		}
	}
}
