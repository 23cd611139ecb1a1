package adopt_test

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/batchaccess/batchaccess/internal/adopt"
	"github.com/batchaccess/batchaccess/internal/engine"
)

const (
	roleType       = "azure-native:authorization:RoleDefinition"
	computeType    = "azure-native:machinelearningservices:Compute"
	passwordType   = "azuread:index/applicationPassword:ApplicationPassword"
	credentialType = "azuread:index/applicationFederatedIdentityCredential:ApplicationFederatedIdentityCredential"

	reader      = "2a2b9908-6ea1-4ae2-8e65-a410df84e7d1"
	contributor = "ba92f5b4-2d11-453d-a403-e96b0029c9fe"
	notKnown    = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
)

func read(t *testing.T, preview string) engine.Preview {
	t.Helper()
	p, err := engine.Read(strings.NewReader(preview))
	require.NoError(t, err)
	return p
}

// previewOf is a preview that creates resources of a type, by name, with their inputs, and the file that --import-file
// writes with it.
func previewOf(t *testing.T, kind string, resources map[string]map[string]any) (engine.Preview, []byte) {
	t.Helper()
	var steps, specs []map[string]any
	for _, name := range slices.Sorted(maps.Keys(resources)) {
		steps = append(steps, map[string]any{"op": "create", "urn": urnOf + kind + "::" + name, "newState": map[string]any{
			"type": kind, "custom": true, "inputs": resources[name], "provider": urnOf +
				"pulumi:providers:azure-native::default::" + notKnown,
		}})
		specs = append(specs, map[string]any{"type": kind, "name": name, "id": "<PLACEHOLDER>"})
	}
	text, err := json.Marshal(map[string]any{"config": map[string]any{"azure-native:subscriptionId": subscription},
		"steps": steps})
	require.NoError(t, err)
	p := read(t, string(text))
	file, err := json.Marshal(map[string]any{"resources": specs})
	require.NoError(t, err)
	return p, file
}

// adopt returns what happens to each resource, by name.
func adoptAll(t *testing.T, f *adopt.Finder, kind string,
	resources map[string]map[string]any) map[string]adopt.Adoptee {
	t.Helper()
	p, file := previewOf(t, kind, resources)
	a, err := f.Adopt(t.Context(), p, adopt.State{}, file, "")
	require.NoError(t, err)
	assert.Equal(t, a.Count(adopt.Exists) > 0, a.File != nil, "a file exactly where there is something to import")
	found := map[string]adopt.Adoptee{}
	for _, r := range a.Resources {
		assert.Equal(t, kind, r.Type)
		found[strings.TrimPrefix(r.URN, urnOf+kind+"::")] = r
	}
	require.Len(t, found, len(resources))
	return found
}

const subscriptionScope = scope

func TestWhatAPreviewDoesNotShowIsNotLookedFor(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	inputs := func(scope, name any) map[string]any {
		return map[string]any{"scope": scope, "roleAssignmentName": name, "principalId": "p", "roleDefinitionId": "r"}
	}
	hidden := map[string]any{"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270", "ciphertext": "x"}
	found := adoptAll(t, w.finder, assignmentType, map[string]map[string]any{
		"later": inputs(scope, notKnown), "secret": inputs("[secret]", assignment), "encrypted": inputs(hidden, assignment),
		"both": inputs("[secret]", notKnown),
	})
	assert.Equal(t, adopt.Later, found["later"].Outcome)
	for _, name := range []string{"secret", "encrypted", "both"} {
		assert.Equal(t, adopt.Unknown, found[name].Outcome, name)
		assert.Contains(t, found[name].Why, "it is found by scope, which is a secret", name)
	}
}

func TestOnlyWhatIsCreatedInAzureIsLookedFor(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p, file := previewOf(t, "aws:s3/bucket:Bucket", map[string]map[string]any{"b": {}, "c": {}, "d": {}, "e": {}})
	p.Steps[1].Op, p.Steps[2].New.Component, p.Steps[3].Op = "update", true, "replace"
	p.Steps = append(p.Steps, p.Steps[2])
	p.Steps[4].Op = "update"
	a, err := w.finder.Adopt(t.Context(), p, adopt.State{}, file, "")
	require.NoError(t, err)
	require.Len(t, a.Resources, 1)
	assert.Equal(t, adopt.Unknown, a.Resources[0].Outcome)
	assert.Contains(t, a.Resources[0].Why, "aws:s3/bucket:Bucket")
	assert.Nil(t, a.File)
	assert.Equal(t, []string{p.Steps[1].URN, p.Steps[3].URN}, a.Changing, "nothing depends on components")
}

func TestAComputeOfAnotherKindIsInTheWay(t *testing.T) {
	t.Parallel()
	at := scope + "/resourceGroups/rg/providers/Microsoft.MachineLearningServices/workspaces/ws/computes/"
	f := answers{
		at + "cpu": always(200, `{"properties": {"computeType": "AmlCompute"}}`), at +
			"ann": always(200, `{"properties": {"computeType": "ComputeInstance"}}`), at + "new": always(404, `{}`),
	}.finder()
	of := func(name string) map[string]any {
		return map[string]any{"resourceGroupName": "rg", "workspaceName": "ws", "computeName": name}
	}
	found := adoptAll(t, f, computeType, map[string]map[string]any{"cpu": of("cpu"), "ann": of("ann"), "new": of("new")})
	assert.Equal(t, adopt.Exists, found["cpu"].Outcome)
	assert.Equal(t, adopt.Taken, found["ann"].Outcome)
	assert.Contains(t, found["ann"].Why, "ComputeInstance")
	assert.Equal(t, adopt.ToMake, found["new"].Outcome)
}

func TestTheFileHoldsWhatExistsAndTheComponentsAroundIt(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.assign(assignment, scope, reader)
	inputs := `{"scope": "` + scope + `", "roleAssignmentName": "` + assignment +
		`", "principalId": "p", "roleDefinitionId": "r"}`
	step := func(urn string) string {
		return `{"op": "create", "urn": "` + urn + `", "newState": {"type": "` + assignmentType +
			`", "custom": true, "inputs": ` + inputs + `}}`
	}
	// Resources with the same name in two components. The outer component of the first one is in the state already.
	p := read(t, `{"steps": [`+step("urn:pulumi:dev::p::x:y:Outer$x:y:Inner$"+assignmentType+"::reader")+`]}`)
	a, err := w.finder.Adopt(t.Context(), p, adopt.State{},
		[]byte(`{"nameTable": {"outer": "urn:pulumi:dev::p::x:y:Outer::o"}, "future": "kept", "resources": [
		{"type": "x:y:Inner", "name": "inner", "parent": "outer", "component": true},
		{"type": "x:y:Inner", "name": "innerTwo", "component": true},
		{"type": "`+assignmentType+`", "name": "readerOne", "logicalName": "reader", "parent": "inner", "provider": `+
			`"mine", "id": "<PLACEHOLDER>"},
		{"type": "`+assignmentType+`", "name": "reader", "parent": "innerTwo", "id": "<PLACEHOLDER>"},
		{"type": "pulumi:providers:azure-native", "name": "mine"}, {"type": "pulumi:providers:azure-native", "name": "yours"}
	]}`), "")
	require.NoError(t, err)
	assert.JSONEq(t, `{"nameTable": {"outer": "urn:pulumi:dev::p::x:y:Outer::o"}, "future": "kept", "resources": [
		{"type": "x:y:Inner", "name": "inner", "parent": "outer", "component": true},
		{"type": "`+assignmentType+`", "name": "readerOne", "logicalName": "reader", "parent": "inner", "provider": `+
		`"mine", "id": "`+id+`"},
		{"type": "pulumi:providers:azure-native", "name": "mine"}
	]}`, string(a.File))

	_, err = w.finder.Adopt(t.Context(), p, adopt.State{}, []byte(`{"resources": []}`), "")
	assert.ErrorContains(t, err, "of 1 resources, the one that `pulumi preview --import-file` wrote has 0")
	_, err = w.finder.Adopt(t.Context(), p, adopt.State{}, []byte(`[]`), "")
	assert.ErrorContains(t, err, "reading the file for `pulumi import`")
}

// A component of existing resources has no children, and is not in Azure. It is imported with the rest, because the
// first preview would make it otherwise; but not if the stack still has something to make.
func TestComponentsComeAlongOnceNothingIsLeftToMake(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.assign(assignment, scope, reader)
	const at = "urn:pulumi:dev::p::"
	component := func(op, kind, name string) string {
		return `{"op": "` + op + `", "urn": "` + at + kind + "::" + name + `", "newState": {"type": "` + kind +
			`", "custom": false}}`
	}
	of := func(name, guid string) string {
		return `{"op": "create", "urn": "` + at + "x:y:Outer$" + assignmentType + "::" + name + `", "newState": {"type": "` +
			assignmentType + `", "custom": true, "inputs": {"scope": "` + scope + `", "roleAssignmentName": "` + guid +
			`", "principalId": "99999999-1111-4111-8111-111111111111", "roleDefinitionId": "r"}}}`
	}
	stack := component("create", "pulumi:pulumi:Stack", "p-dev")
	outer, empty := component("create", "x:y:Outer", "o"), component("create", "x:y:Cluster", "cpu")
	there, lacks := of("there", assignment), of("lacks", "99999999-0000-4000-8000-000000000009")
	for name, c := range map[string]struct {
		steps string
		want  []string // resources that the file imports
	}{
		"all is there":            {stack + "," + outer + "," + there + "," + empty, []string{"o", "there", "cpu"}},
		"components alone":        {stack + "," + empty, []string{"cpu"}},
		"components in the state": {stack + "," + component("same", "x:y:Cluster", "cpu"), nil},
		"something is to be made": {stack + "," + outer + "," + there + "," + empty + "," + lacks, []string{"o", "there"}},
		"all is to be made":       {stack + "," + outer + "," + empty + "," + lacks, nil},
		"nothing at all":          {stack, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a, err := w.finder.Adopt(t.Context(), read(t, `{"steps": [`+c.steps+`]}`), adopt.State{}, []byte(`{"resources": [
				{"type": "x:y:Outer", "name": "o", "component": true},
				{"type": "`+assignmentType+`", "name": "there", "parent": "o"},
				{"type": "x:y:Cluster", "name": "cpu", "component": true},
				{"type": "`+assignmentType+`", "name": "lacks", "parent": "o"}]}`), "")
			require.NoError(t, err)
			if c.want == nil {
				assert.Nil(t, a.File)
				return
			}
			var file struct{ Resources []struct{ Name, ID string } }
			require.NoError(t, json.Unmarshal(a.File, &file))
			var names []string
			for _, r := range file.Resources {
				names = append(names, r.Name)
				assert.Equal(t, r.Name == "there", r.ID == id, r.Name)
			}
			assert.Equal(t, c.want, names)
		})
	}
	_, err := w.finder.Adopt(t.Context(), read(t, `{"steps": [`+empty+`]}`), adopt.State{}, []byte(`{"resources": []}`),
		"")
	require.ErrorContains(t, err, "of 1 resources, the one that `pulumi preview --import-file` wrote has 0")
}

func TestWhatTheStateHasUnderAnotherNameIsNotAdopted(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ours := w.assign(assignment, scope, contributor)
	inputs := map[string]any{"roleAssignmentName": assignment, "scope": scope, "principalId": w.azure.Deployer().ObjectID,
		"roleDefinitionId": "/providers/Microsoft.Authorization/roleDefinitions/" + contributor}
	for name, c := range map[string]struct {
		owned   string
		outcome adopt.Outcome
	}{
		"under another name": {
			`"urn": "` + urnOf + assignmentType + `::old", "type": "` + assignmentType + `", "id": "` + strings.ToUpper(ours) +
				`"`, adopt.Taken},
		"without a slash": {
			`"urn": "` + urnOf + assignmentType + `::old", "type": "` + assignmentType + `", "id": "` + ours[1:] +
				`"`, adopt.Taken},
		"to be deleted": {
			`"urn": "` + urnOf + assignmentType + `::old", "type": "` + assignmentType + `", "id": "` + ours +
				`", "delete": true`, adopt.Taken},
		"to be deleted, of the same name": {
			`"urn": "` + urnOf + assignmentType + `::new", "type": "` + assignmentType + `", "id": "` + ours +
				`", "delete": true`, adopt.Taken},
		"read and not made": {
			`"urn": "` + urnOf + assignmentType + `::old", "type": "` + assignmentType + `", "id": "` + ours +
				`", "external": true`, adopt.Exists},
		"deleted, to be replaced": {
			`"urn": "` + urnOf + assignmentType + `::old", "type": "` + assignmentType + `", "id": "` + ours +
				`", "pendingReplacement": true`, adopt.Exists},
		"as another version of the type": {
			`"urn": "` + urnOf + `azure-native:authorization/v20220401:RoleAssignment::old", "type": "` +
				`azure-native:authorization/v20220401:RoleAssignment", "id": "` + ours + `"`, adopt.Taken},
		"as the classic provider has it": {
			`"urn": "` + urnOf + `azure:authorization/assignment:Assignment::old", "type": "` +
				`azure:authorization/assignment:Assignment", "id": "` + ours + `|` + scope + `"`, adopt.Taken},
		"something of that type": {
			`"urn": "` + urnOf + assignmentType + `::old", "type": "` + assignmentType + `", "id": "` + ours +
				`x"`, adopt.Exists},
		"something of that ID": {
			`"urn": "` + urnOf + `x:y:Z::old", "type": "x:y:Z", "id": "` + ours + `"`, adopt.Taken},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, err := adopt.ReadState([]byte(`{"version": 4, "deployment": {"resources": [{"custom": true, ` + c.owned + `}]}}`))
			require.NoError(t, err)
			p, file := previewOf(t, assignmentType, map[string]map[string]any{"new": inputs})
			a, err := w.finder.Adopt(t.Context(), p, s, file, "")
			require.NoError(t, err)
			require.Len(t, a.Resources, 1)
			assert.Equal(t, c.outcome, a.Resources[0].Outcome)
			if c.outcome == adopt.Taken {
				assert.Regexp(t, "^the state has it as (old|new) already", a.Resources[0].Why)
				assert.Regexp(t, "^this stack, as (old|new)$", a.Resources[0].Owner)
				assert.Nil(t, a.File)
			}
		})
	}
}
