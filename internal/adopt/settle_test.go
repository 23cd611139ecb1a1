package adopt_test

import (
	"encoding/json"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/batchaccess/batchaccess/internal/adopt"
	"github.com/batchaccess/batchaccess/internal/engine"
)

// settled returns a resource of the state with the program's inputs in it, and whether that changed it.
func settled(t *testing.T, kind, has, says string) (inputs, outputs map[string]any, changed bool) {
	t.Helper()
	urn := urnOf + kind + "::r"
	s := state(t, `{"urn": "`+urn+`", "type": "`+kind+`", "custom": true, "id": "x", "future": 1, "inputs": `+has+`,
		"outputs": {"a": "b", "__inputs": {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270", `+
		`"ciphertext": "old"}}}`, "")
	p := read(t, `{"steps": [{"op": "delete-replaced", "urn": "`+urn+
		`"}, {"op": "replace", "urn": "`+urn+`", "oldState": {}, "newState": {"type": "`+kind+`", "custom": true, "inputs": `+
		says+`}}]}`)
	file := `{"resources": [{"type": "` + kind + `", "name": "r", "id": "x"}]}`
	imported, err := adopt.Imported(p, []byte(file))
	require.NoError(t, err)
	assert.Equal(t, []string{urn}, imported)
	text, n, err := s.Settled(p, imported)
	require.NoError(t, err)
	var after struct {
		Version    int
		Deployment struct {
			Manifest  map[string]string
			Resources []struct {
				Inputs, Outputs map[string]any
				Future          int
			}
		}
	}
	require.NoError(t, json.Unmarshal(text, &after))
	assert.Equal(t, 3, after.Version)
	assert.Equal(t, "as it is", after.Deployment.Manifest["kept"])
	require.Len(t, after.Deployment.Resources, 1)
	r := after.Deployment.Resources[0]
	assert.Equal(t, 1, r.Future, "what this program does not know is kept")
	return r.Inputs, r.Outputs, n == 1
}

func TestWhatWasImportedIsSaidInTheProgramsWords(t *testing.T) {
	t.Parallel()
	const same = "as it is"
	for name, test := range map[string]struct{ kind, has, says, want string }{
		"a scope without its first slash": {assignmentType, `{"scope": "Subscriptions/x"}`, `{"scope": "/subscriptions/x"}`,
			`{"scope": "/subscriptions/x"}`},
		"another scope": {assignmentType, `{"scope": "subscriptions/y"}`, `{"scope": "/subscriptions/x"}`, same},
		"a region with a space": {computeType, `{"location": "West Europe"}`, `{"location": "westeurope"}`,
			`{"location": "westeurope"}`},
		"a region within": {computeType, `{"properties": {"computeLocation": "West Europe"}}`,
			`{"properties": {"computeLocation": "westeurope"}}`, `{"properties": {"computeLocation": "westeurope"}}`},
		"a provider's own key": {assignmentType, `{}`, `{"__defaults": ["a"]}`, `{"__defaults": ["a"]}`},
		"a provider's own key, secret or not known yet": {assignmentType, `{}`,
			`{"__one": "[secret]", "__two": ["04da6b54-80e4-46f7-96ec-b56ff0331ba9"]}`, same},
		"another region": {computeType, `{"location": "northeurope"}`, `{"location": "westeurope"}`, same},
		"a size in capitals": {
			computeType, `{"properties": {"properties": {"vmSize": "STANDARD_D2"}}}`,
			`{"properties": {"properties": {"vmSize": "Standard_D2"}}}`,
			`{"properties": {"properties": {"vmSize": "Standard_D2"}}}`,
		},
		"a subject in capitals is another": {credentialType, `{"subject": "repo:O/r"}`, `{"subject": "repo:o/r"}`, same},
		"what Azure fills in": {computeType, `{"properties": {"osType": "Linux", "max": 4}}`, `{"properties": {"max": 4}}`,
			`{"properties": {"max": 4}}`},
		"what differs there": {computeType, `{"properties": {"osType": "Linux", "max": 8}}`,
			`{"properties": {"max": 4, "osType": "Linux"}}`, same},
		"what the program says and Azure lacks": {computeType, `{"tags": {"a": "1"}}`, `{"tags": {"a": "1", "b": "2"}}`,
			same},
		"an empty value that a provider leaves": {
			roleType, `{"a": "1"}`, `{"a": "1", "b": "", "c": false, "d": [], "e": {"f": 0}}`,
			`{"a": "1", "b": "", "c": false, "d": [], "e": {"f": 0}}`,
		},
		"an empty value that a provider makes": {roleType,
			`{"a": "1", "b": "", "c": false, "d": [], "e": {"f": 0}, "g": null}`, `{"a": "1"}`, `{"a": "1"}`},
		"a role that allows more": {
			roleType, `{"permissions": [{"actions": ["x"], "notActions": [], "dataActions": ["y"]}]}`, `{"permissions": ` +
				`[{"actions": ["x"]}]}`,
			`{"permissions": [{"actions": ["x"], "dataActions": ["y"]}]}`,
		},
		"a list of another length": {roleType, `{"actions": ["x", "y"]}`, `{"actions": ["x"]}`, same},
		"a condition":              {assignmentType, `{"condition": "c"}`, `{}`, same},
		"permissions of an application": {
			applicationType, `{"requiredResourceAccesses": [{"a": "b"}], "signInAudience": "AzureADMyOrg"}`, `{}`,
			`{"requiredResourceAccesses": [{"a": "b"}]}`,
		},
		"what is not known yet": {assignmentType, `{"principalId": "p"}`,
			`{"principalId": "` + notKnown + `", "roleDefinitionId": "` + notKnown + `"}`, same},
		"a secret": {
			roleType, `{"s": {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270", "ciphertext": ` +
				`"c"}}`, `{"s": "[secret]", "t": "[secret]"}`, same,
		},
		"a secret that the program has in the plain": {
			roleType, `{"s": {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270", "ciphertext": ` +
				`"c"}}`, `{"s": {"a": ""}}`, same,
		},
		"the providers' own": {applicationType, `{"__old": ["x"]}`, `{"__defaults": ["y"]}`, `{"__defaults": ["y"]}`},
		"another type of value": {roleType, `{"a": "1", "b": ["x"], "c": {"d": "x"}}`, `{"a": 1, "b": "x", "c": ["x"]}`,
			same},
		"what is the same already": {roleType, `{"a": {"b": [1, {"c": "d"}]}}`, `{"a": {"b": [1, {"c": "d"}]}}`, same},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inputs, outputs, changed := settled(t, test.kind, test.has, test.says)
			if test.want == same {
				test.want = test.has
			}
			got, err := json.Marshal(inputs)
			require.NoError(t, err)
			assert.JSONEq(t, test.want, string(got))
			assert.Equal(t, test.want != test.has, changed)
			assert.Equal(t, "b", outputs["a"])
			copied := outputs["__inputs"].(map[string]any)
			if changed { // azure-native compares with its own copy, which is a secret
				assert.Equal(t, "1b47061264138c4ac30d75fd1eb44270", copied["4dabf18193072939515e22adb298388d"])
				assert.JSONEq(t, string(got), copied["plaintext"].(string))
			} else {
				assert.Equal(t, "old", copied["ciphertext"])
			}
		})
	}
}

func TestOnlyWhatWasImportedIsSettled(t *testing.T) {
	t.Parallel()
	resource := func(name, more string) string {
		return `{"urn": "` + urnOf + roleType + `::` + name + `", "type": "` + roleType + `", "custom": true, "id": "` +
			name + `", "inputs": {"scope": "x"}` + more + `}`
	}
	step := func(kind, name, custom, inputs string) string {
		return `{"op": "update", "urn": "` + urnOf + kind + `::` + name + `", "oldState": {}, "newState": {"type": "` + kind +
			`", "custom": ` + custom + `, "inputs": ` + inputs + `}}`
	}
	s := state(t, resource("old", `, "delete": true`)+","+resource("imported", "")+","+resource("made", "")+
		`, {"urn": "`+urnOf+`x:y:C::c", "type": "x:y:C"}, {"urn": "`+urnOf+`pulumi:pulumi:Stack::s", "type": `+
		`"pulumi:pulumi:Stack"}`, "")
	p := read(t, `{"steps": [`+step(roleType, "imported", "true", `{"scope": "/x"}`)+","+
		step(roleType, "made", "true", `{"scope": "/x"}`)+","+
		step(roleType, "old", "true", `{"scope": "/x"}`)+","+step("pulumi:pulumi:Stack", "s", "false", `{"a": 1}`)+","+
		step("x:y:C", "c", "false", `{"known": {"a": [1]}, "later": {"a": ["`+notKnown+`"]}, "secret": "[secret]"}`)+`]}`)
	imported, err := adopt.Imported(p,
		[]byte(`{"resources": [{"type": "`+roleType+`", "name": "imported"}]}`), []byte(
			`{"resources": [{"type": "`+roleType+`", "name": "old"}]}`))
	require.NoError(t, err)
	text, changed, err := s.Settled(p, imported)
	require.NoError(t, err)
	assert.Equal(t, 2, changed)
	after, err := adopt.ReadState(text)
	require.NoError(t, err)
	var inputs []map[string]any
	for _, r := range after.Resources {
		inputs = append(inputs, r.Inputs)
	}
	assert.Equal(t, []map[string]any{
		{"scope": "x"}, {"scope": "/x"}, {"scope": "x"}, {"known": map[string]any{"a": []any{1.0}}}, nil,
	}, inputs, "of a component all that is known, as nothing in Azure tells it")

	_, _, err = state(t, "", creating(roleType, "r", "{}")).Settled(p, nil)
	assert.ErrorContains(t, err, "1 operations were broken off; run batchaccess adopt --yes first")
	_, err = adopt.Imported(p, []byte("{"))
	assert.ErrorContains(t, err, "reading the file for `pulumi import`")
}

// An import does not record dependencies, and Pulumi deletes in their order.
func TestWhatWasImportedStandsBehindWhatItDependsOn(t *testing.T) {
	t.Parallel()
	const role, assignment, elsewhere = urnOf + roleType + "::r", urnOf + assignmentType + "::a", urnOf + roleType +
		"::elsewhere"
	const cluster = urnOf + computeType + "::c"
	const old = `{"urn": "` + role + `", "type": "` + roleType + `", "custom": true, "id": "old", "delete": true}`
	s := state(t, provider+`, `+old+`,
		{"urn": "`+assignment+`", "type": "`+assignmentType+`", "custom": true, "id": "a", "future": 1, "inputs": {"b": "c"}},
		{"urn": "`+role+`", "type": "`+roleType+`", "custom": true, "id": "r"}, {"urn": "`+cluster+`", "type": `+
		`"`+computeType+`", "custom": true, "id": "c"}`, "")
	previewed := func(dependencies string) engine.Preview {
		return read(t, `{"steps": [
			{"op": "same", "urn": "`+role+`", "newState": {"type": "`+roleType+`", "custom": true, "inputs": {}}},
			{"op": "same", "urn": "`+assignment+`",
				"newState": {"type": "`+assignmentType+`", "custom": true, "inputs": {"b": "c"},
				"dependencies": [`+dependencies+`], "propertyDependencies": {"role": [`+dependencies+`], "scope": []}}}]}`)
	}
	p := previewed(`"` + role + `", "` + elsewhere + `", "` + cluster + `"`)

	text, changed, err := s.Settled(p, []string{role, assignment})
	require.NoError(t, err)
	assert.Equal(t, 1, changed)
	after, err := adopt.ReadState(text)
	require.NoError(t, err)
	require.Len(t, after.Resources, 5)
	assert.Equal(t, "old", string(after.Resources[1].ID), "what is to be deleted is not what the new one depends on")
	assert.Equal(t, "r", string(after.Resources[2].ID))
	assert.Equal(t, "c", string(after.Resources[3].ID))
	moved := after.Resources[4]
	assert.Equal(t, []resource.URN{role, cluster}, moved.Dependencies, "what is not in the state is not named there")
	assert.Equal(t, map[resource.PropertyKey][]resource.URN{"role": {role, cluster}, "scope": {}},
		moved.PropertyDependencies)
	assert.Equal(t, map[string]any{"b": "c"}, moved.Inputs)
	assert.Contains(t, string(text), `"future":1`, "what this program does not know is kept")

	// The next run of the program names them in another order.
	_, changed, err = after.Settled(previewed(`"`+cluster+`", "`+role+`"`), []string{role, assignment})
	require.NoError(t, err)
	assert.Zero(t, changed)
}
