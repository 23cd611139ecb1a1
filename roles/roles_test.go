package roles_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/batchaccess/batchaccess/roles"
)

// The article's list, copied from it action by action, without the common beginning: this list does not come from the
// file under test.
const documented = `read
data/versions/write
datasets/registered/read
datasets/registered/write
datasets/unregistered/read
datasets/unregistered/write
datastores/read
datastores/write
datastores/listsecrets/action
listStorageAccountKeys/action
batchEndpoints/read
batchEndpoints/write
batchEndpoints/deployments/read
batchEndpoints/deployments/write
batchEndpoints/deployments/jobs/write
batchEndpoints/jobs/write
computes/read
computes/listKeys/action
metadata/secrets/read
metadata/snapshots/read
metadata/artifacts/read
metadata/artifacts/write
experiments/read
experiments/runs/submit/action
experiments/runs/read
experiments/runs/write
metrics/resource/write
modules/read
models/read
endpoints/pipelines/read
endpoints/pipelines/write
environments/read
environments/write
environments/build/action
environments/readSecrets/action`

const ml = "Microsoft.MachineLearningServices/workspaces/"

func documentedActions() (actions []string) {
	for _, line := range strings.Split(documented, "\n") {
		actions = append(actions, ml+line)
	}
	return actions
}

func TestInvokerHasTheDocumentedActionsInTheirOrder(t *testing.T) {
	t.Parallel()
	require.Len(t, documentedActions(), 35)
	assert.Equal(t, documentedActions(), roles.InvokerActions())

	role := roles.Invoker()
	require.Len(t, role.Permissions, 1)
	assert.Equal(t, documentedActions(), role.Permissions[0].Actions)
	assert.Empty(t, role.Permissions[0].NotActions)
	assert.Empty(t, role.Permissions[0].DataActions)
	assert.Empty(t, role.Permissions[0].NotDataActions)
	assert.Empty(t, role.AssignableScopes, "the deployment says where")
	assert.False(t, role.BuiltIn)
	assert.Empty(t, role.Validate())
}

func TestWhatIsHandedOutCanBeChangedWithoutHarm(t *testing.T) {
	t.Parallel()
	roles.Invoker().Permissions[0].Actions[0] = "*"
	roles.InvokerActions()[0] = "*"
	roles.BuiltIns()[0].Permissions[0].DataActions[0] = "*"
	roles.Additions()[0].Actions[0] = "*"
	assert.Equal(t, documentedActions(), roles.InvokerActions())
	assert.NotEqual(t, "*", roles.BuiltIns()[0].Permissions[0].DataActions[0])
	assert.NotEqual(t, "*", roles.Additions()[0].Actions[0])
}

func TestBuiltInsAreFoundByNameAndGUID(t *testing.T) {
	t.Parallel()
	for name, guid := range map[string]string{
		"Storage Blob Data Reader":      "2a2b9908-6ea1-4ae2-8e65-a410df84e7d1",
		"Storage Blob Data Contributor": "ba92f5b4-2d11-453d-a403-e96b0029c9fe",
		"AzureML Data Scientist":        "f6c7c914-8db3-469d-8ca1-694a8f32e121",
		"AzureML Compute Operator":      "e503ece1-11d0-4e8e-8e2c-7a6c3bf38815",
		"Reader":                        "acdd72a7-3385-48ef-bd42-f606fba81ae7",
		"Contributor":                   "b24988ac-6180-42a0-ab88-20f7382dd24c",
		"Owner":                         "8e3af657-a8ff-443c-a75c-2fe8c4bcb635",
	} {
		for _, by := range []string{name, strings.ToUpper(name), guid, strings.ToUpper(guid)} {
			d, ok := roles.BuiltIn(by)
			require.True(t, ok, by)
			assert.Equal(t, name, d.RoleName)
			assert.Equal(t, guid, d.ID)
			assert.True(t, d.BuiltIn)
		}
	}
	for _, none := range []string{"Storage Blob Data Writer", "", "77777777-7777-4777-8777-777777777777", "2a2b9908"} {
		_, ok := roles.BuiltIn(none)
		assert.False(t, ok, none)
	}
	assert.Equal(t, "/providers/Microsoft.Authorization/roleDefinitions/g", roles.DefinitionID("g"))
}

func TestWhatBuiltInRolesLackOfInvoking(t *testing.T) {
	t.Parallel()
	var notReads []string
	for _, action := range documentedActions() {
		if !strings.HasSuffix(action, "/read") {
			notReads = append(notReads, action)
		}
	}
	for name, lacks := range map[string]struct{ missing, undecided []string }{
		"Owner":                  {nil, nil},
		"Contributor":            {nil, nil},
		"Azure AI Administrator": {nil, nil},
		"Azure AI Developer":     {nil, []string{ml + "read"}},
		"AzureML Data Scientist": {[]string{ml + "computes/listKeys/action"}, []string{ml + "read"}},
		"Reader":                 {notReads, nil},

		"Storage Blob Data Reader": {documentedActions(), nil},
	} {
		d, ok := roles.BuiltIn(name)
		require.True(t, ok, name)
		assert.Equal(t, lacks.missing, d.Permissions.Missing(), name)
		assert.Equal(t, lacks.undecided, d.Permissions.Undecided(), name)
	}
	assert.Nil(t, roles.Invoker().Permissions.Missing())
	assert.Equal(t, documentedActions(), roles.Permissions(nil).Missing())
}

func TestWithAddsOnlyWhatIsNamed(t *testing.T) {
	t.Parallel()
	poll := []string{ml + "batchEndpoints/jobs/read", ml + "batchEndpoints/deployments/jobs/read", ml + "jobs/read"}
	cancel := []string{ml + "jobs/cancel/action"}
	registry := []string{"Microsoft.MachineLearningServices/registries/assets/read"}
	for name, c := range map[string]struct {
		names []string
		added []string
	}{
		"nothing":         {nil, nil},
		"poll":            {[]string{"pollJobs"}, poll},
		"cancel":          {[]string{"cancelJobs"}, cancel},
		"registry":        {[]string{"readRegistryAssets"}, registry},
		"in any order":    {[]string{"cancelJobs", "pollJobs"}, append(append([]string{}, poll...), cancel...)},
		"twice counts as": {[]string{"cancelJobs", "cancelJobs"}, cancel},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d, ps := roles.Invoker().With(c.names...)
			require.NoError(t, ps.Err())
			assert.Equal(t, append(documentedActions(), c.added...), d.Permissions[0].Actions)
		})
	}
	_, ps := roles.Invoker().With("pollJobs", "poll")
	require.ErrorContains(t, ps.Err(), `additions[1]: unknown value "poll"`)
	assert.ErrorContains(t, ps.Err(), strings.Join(roles.AdditionNames(), ", "))
}

func TestAssignableAt(t *testing.T) {
	t.Parallel()
	const sub = "/subscriptions/11111111-1111-4111-8111-111111111111"
	custom := roles.Definition{AssignableScopes: []string{sub + "/resourceGroups/a", sub + "/resourceGroups/b/"}}
	for scope, want := range map[string]bool{
		sub:                         false,
		sub + "/resourceGroups/a":   true,
		sub + "/resourceGroups/a/":  true,
		sub + "/resourceGroups/a/x": true,
		strings.ToUpper(sub + "/resourceGroups/b/x"): true,
		sub + "/resourceGroups/ab":                   false,
		sub + "/resourceGroups/c":                    false,
		"/":                                          false,
		"":                                           false,
	} {
		assert.Equal(t, want, custom.AssignableAt(scope), scope)
		assert.True(t, roles.Definition{BuiltIn: true}.AssignableAt(scope), scope)
	}
	assert.False(t, roles.Definition{}.AssignableAt(sub))
}

// role writes a role definition with these properties.
func role(t *testing.T, change func(properties map[string]any)) []byte {
	t.Helper()
	properties := map[string]any{
		"roleName": "R", "description": "d", "assignableScopes": []string{"/subscriptions/s"},
		"permissions": []any{map[string]any{"actions": []string{"A/b/read"}}},
	}
	change(properties)
	text, err := json.Marshal(map[string]any{"properties": properties})
	require.NoError(t, err)
	return text
}

func TestParseReadsWhatThePortalExports(t *testing.T) {
	t.Parallel()
	d, ps := roles.Parse([]byte(`{"name": "g", "properties": {"roleName": "R", "description": "d", ` +
		`"assignableScopes": ["/subscriptions/s"],
		"permissions": [{"actions": ["*"], "notActions": ["A/b"], "dataActions": ["C/d"], "notDataActions": ["E/*"]}]}}`))
	require.NoError(t, ps.Err())
	assert.Equal(t, roles.Definition{
		ID: "g", RoleName: "R", Description: "d", AssignableScopes: []string{"/subscriptions/s"},
		Permissions: roles.Permissions{{
			Actions: []string{"*"}, NotActions: []string{"A/b"}, DataActions: []string{"C/d"}, NotDataActions: []string{"E/*"},
		}},
	}, d)
}

func TestParseKeepsToAzuresLimits(t *testing.T) {
	t.Parallel()
	scopes := func(n int) (list []string) {
		for i := range n {
			list = append(list, fmt.Sprintf("/subscriptions/%d", i))
		}
		return list
	}
	set := func(key string, value any) func(map[string]any) { return func(p map[string]any) { p[key] = value } }
	actions := func(list, entry string) func(map[string]any) {
		return set("permissions", []any{map[string]any{"actions": []string{"A/b"}, list: []string{"A/b", entry}}})
	}
	const group = "/providers/Microsoft.Management/managementGroups/"
	for name, c := range map[string]struct {
		change func(map[string]any)
		want   []string // nil: no error
	}{
		"a name of 512": {set("roleName", strings.Repeat("é", 512)), nil},
		"a name of 513": {set("roleName", strings.Repeat("é", 513)),
			[]string{"roleName: has 513 characters; Azure allows 512"}},
		"a name of blanks":      {set("roleName", "  "), []string{"roleName: is empty"}},
		"a description of 2048": {set("description", strings.Repeat("é", 2048)), nil},
		"a description of 2049": {set("description", strings.Repeat("é", 2049)),
			[]string{"description: has 2049 characters; Azure allows 2048"}},
		"2000 scopes": {set("assignableScopes", scopes(2000)), nil},
		"2001 scopes": {set("assignableScopes", scopes(2001)),
			[]string{"assignableScopes: has 2001 entries; Azure allows 2000"}},
		"no scope yet": {set("assignableScopes", nil), nil},
		"the root": {set("assignableScopes", []string{"/"}),
			[]string{`assignableScopes[0]: "/": a custom role cannot be assignable at the root`}},
		"a wildcard in a scope": {set("assignableScopes", []string{"/subscriptions/*"}),
			[]string{`assignableScopes[0]: "/subscriptions/*": no wildcards`}},
		"a scope that is none": {set("assignableScopes", []string{"dev"}),
			[]string{`assignableScopes[0]: "dev" is not an ARM ID`}},
		"a scope of no subscription": {set("assignableScopes", []string{"/subscriptions/"}),
			[]string{`assignableScopes[0]: "/subscriptions/" is not an ARM ID`}},
		"a scope with a part of no name": {set("assignableScopes", []string{"/subscriptions/s/resourceGroups//"}),
			[]string{"assignableScopes[0]: "}},
		"a management group of no name": {set("assignableScopes", []string{group}), []string{"assignableScopes[0]: "}},
		"what lies below one": {set("assignableScopes", []string{group + "a/subscriptions/s"}),
			[]string{"assignableScopes[0]: "}},
		"a management group": {set("assignableScopes", []string{group + "a", "/subscriptions/s"}), nil},
		"two management groups": {set("assignableScopes", []string{group + "a", "/subscriptions/s",
			strings.ToUpper(group) + "b"}), []string{"assignableScopes[2]: ", "only one management group"}},
		"no permissions": {set("permissions", []any{}), []string{"permissions: is empty"}},
		"a permission of nothing": {set("permissions", []any{map[string]any{"notActions": []string{"A/b"}}}),
			[]string{"permissions[0]: allows nothing"}},
		"data actions alone": {set("permissions", []any{map[string]any{"dataActions": []string{"A/b"}}}), nil},
		"two wildcards": {actions("actions", "A/*/b/*"),
			[]string{`permissions[0].actions[1]: "A/*/b/*" has more than one wildcard`}},
		"two in notActions":     {actions("notActions", "*/*"), []string{"permissions[0].notActions[1]: "}},
		"two in dataActions":    {actions("dataActions", "*/*"), []string{"permissions[0].dataActions[1]: "}},
		"two in notDataActions": {actions("notDataActions", "*/*"), []string{"permissions[0].notDataActions[1]: "}},
		"one wildcard":          {actions("actions", "A/*/b"), nil},
		"everything":            {actions("actions", "*"), nil},
		"a word":                {actions("actions", "read"), []string{`"read" is not an action; write one as`}},
		"blanks":                {actions("actions", "A/ b"), []string{"is not an action"}},
		"an empty action":       {actions("actions", ""), []string{"is not an action"}},
		"a key that there is not": {set("actions", []string{"A/b"}),
			[]string{`unknown field "actions"`, "as the portal exports it"}},
		"several at once": {func(p map[string]any) {
			p["roleName"], p["assignableScopes"], p["permissions"] = "", []string{"/"}, nil
		}, []string{"roleName: ", "assignableScopes[0]:", "permissions: "}},
		"a permission that is none": {set("permissions", "all"), []string{"reading role definition"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, ps := roles.Parse(role(t, c.change))
			if c.want == nil {
				require.NoError(t, ps.Err())
				return
			}
			require.Error(t, ps.Err())
			for _, want := range c.want {
				assert.ErrorContains(t, ps.Err(), want)
			}
		})
	}
	for text, want := range map[string]string{
		"": "reading role definition", "{": "reading role definition", "{}": `no "properties"`, "null": `no "properties"`,
		string(role(t, func(map[string]any) {})) + "{}": "more than one JSON value",
	} {
		_, ps := roles.Parse([]byte(text))
		assert.ErrorContains(t, ps.Err(), want, text)
	}
}

// A role that is read is valid and takes additions.
func FuzzParse(f *testing.F) {
	f.Add([]byte(`{"properties": {"roleName": "R", "permissions": [{"actions": ["*"]}]}}`))
	f.Add([]byte(`{"properties": null}`))
	f.Add([]byte(`[1]`))
	f.Fuzz(func(t *testing.T, data []byte) {
		d, ps := roles.Parse(data)
		if len(ps) == 0 {
			require.Empty(t, d.Validate(), "what is read is valid")
			require.NotEmpty(t, d.Permissions)
			_, ps = d.With("pollJobs")
			require.NoError(t, ps.Err())
		}
	})
}

func TestParseReadsWhatAzureAnswers(t *testing.T) {
	t.Parallel()
	const id = "/subscriptions/s/providers/Microsoft.Authorization/roleDefinitions/g"
	for name, text := range map[string]string{
		"Resource Manager": `{"id": "` + id + `", "name": "g", "type": "Microsoft.Authorization/roleDefinitions",
			"properties": {"roleName": "R",
			"type": "CustomRole", "description": "d", "assignableScopes": ["/subscriptions/s"],
			"createdOn": "2026-01-01T00:00:00Z",
			"updatedOn": null, "createdBy": "u", "updatedBy": null, "permissions": [{"actions": ["A/b"], "notActions": [],
			"dataActions": ["A/c"], "notDataActions": [], "condition": null, "conditionVersion": null}]}}`,
		"the portal": `{"id": "` + id + `", "properties": {"roleName": "R", "description": "d",
			"assignableScopes": ["/subscriptions/s"],
			"permissions": [{"actions": ["A/b"], "notActions": [], "dataActions": ["A/c"], "notDataActions": []}]}}`,
		"az role definition list": `{"assignableScopes": ["/subscriptions/s"], "createdBy": null,
			"createdOn": "2026-01-01", "description": "d", "id": "` + id + `",
			"name": "g", "permissions": [{"actions": ["A/b"], "condition": null, "conditionVersion": null,
				"dataActions": ["A/c"],
			"notActions": [], "notDataActions": []}], "roleName": "R", "roleType": "CustomRole",
			"type": "Microsoft.Authorization/roleDefinitions", "updatedBy": null, "updatedOn": null}`,
		"az role definition create": `{"Name": "R", "IsCustom": true, "Description": "d",
			"Actions": ["A/b"], "NotActions": [], "DataActions": ["A/c"],
			"NotDataActions": [], "AssignableScopes": ["/subscriptions/s"]}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d, ps := roles.Parse([]byte(text))
			require.NoError(t, ps.Err())
			assert.Equal(t, []string{"R", "d"}, []string{d.RoleName, d.Description})
			assert.Equal(t, []string{"/subscriptions/s"}, d.AssignableScopes)
			require.Len(t, d.Permissions, 1)
			assert.True(t, d.Permissions.Action("A/b").Allowed)
			assert.True(t, d.Permissions.DataAction("A/c").Allowed)
		})
	}
	for name, c := range map[string]struct{ text, says string }{
		"a condition": {`{"properties": {"roleName": "R", "permissions": [{"actions": ["A/b"], "condition": "x"}]}}`,
			"permissions[0].condition: only Microsoft's own roles"},
		"two forms": {`{"roleName": "R", "properties": {"roleName": "R", "permissions": [{"actions": ["A/b"]}]}}`,
			"at once"},
		"a list": {`[{"roleName": "R"}]`, "--query [0]"},
	} {
		_, ps := roles.Parse([]byte(c.text))
		assert.ErrorContains(t, ps.Err(), c.says, name)
	}
}

func TestARoleOfAManagementGroupMayBeAssignedAnywhere(t *testing.T) {
	t.Parallel()
	d := roles.Definition{AssignableScopes: []string{"/providers/Microsoft.Management/managementGroups/all"}}
	assert.True(t, d.AssignableAt("/subscriptions/s"), "IDs do not say what lies below it: Azure decides")
	d.AssignableScopes[0] = "/subscriptions/other"
	assert.False(t, d.AssignableAt("/subscriptions/s"))
}

func TestAnAdditionThatNotActionsCancelIsAProblem(t *testing.T) {
	t.Parallel()
	d := roles.Definition{RoleName: "R", Permissions: roles.Permissions{{Actions: []string{"A/b"},
		NotActions: []string{"microsoft.machinelearningservices/workspaces/JOBS/*"}}}}
	_, ps := d.With("pollJobs")
	require.ErrorContains(t, ps.Err(), "pollJobs adds Microsoft.MachineLearningServices/workspaces/jobs/read, which "+
		"notActions (microsoft.machinelearningservices/workspaces/JOBS/*) take away again")
	d.Permissions[0].NotActions = []string{"Microsoft.MachineLearningServices/workspaces/delete"}
	_, ps = d.With("pollJobs")
	require.NoError(t, ps.Err())
}
