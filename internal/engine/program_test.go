package engine_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/batchaccess/batchaccess/internal/config"
	"github.com/batchaccess/batchaccess/internal/engine"
)

const (
	unknown   = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
	workspace = "/subscriptions/11111111-1111-4111-8111-111111111111/resourceGroups/rg/providers/" +
		"Microsoft.MachineLearningServices/workspaces/"
	lake = "/subscriptions/11111111-1111-4111-8111-111111111111/resourceGroups/rg/providers/" +
		"Microsoft.Storage/storageAccounts/lake"
	person         = "33333333-3333-4333-8333-333333333333"
	workspaceOwner = "44444444-4444-4444-8444-444444444444"
)

// inputs are those of a BatchEndpointAccess.
func inputs(of string) map[string]any {
	return map[string]any{
		"workspaceId": workspace + of, "location": "westeurope",
		"invokers": map[string]any{"ann": map[string]any{"kind": "user", "objectId": person}},
		"clusters": map[string]any{"cpu": map[string]any{}},
	}
}

func component(name string, in map[string]any) map[string]any {
	return map[string]any{
		"op": "create", "urn": "urn:pulumi:dev::scoring::batchaccess:index:BatchEndpointAccess::" + name,
		"newState": map[string]any{"inputs": in},
	}
}

func assignment(types, name string, in map[string]any) map[string]any {
	return map[string]any{
		"op": "create", "urn": "urn:pulumi:dev::scoring::" + types + "azure-native:authorization:RoleAssignment::" + name,
		"newState": map[string]any{
			"inputs": in, "parent": "urn:pulumi:dev::scoring::" + strings.TrimSuffix(types, "$") + "::lake",
		},
	}
}

func preview(t testing.TB, steps ...map[string]any) engine.Preview {
	t.Helper()
	return previewOf(t, map[string]any{"steps": steps, "changeSummary": map[string]int{}})
}

func previewOf(t testing.TB, digest map[string]any) engine.Preview {
	t.Helper()
	text, err := json.Marshal(digest)
	require.NoError(t, err)
	p, err := engine.Read(strings.NewReader(string(text)))
	require.NoError(t, err)
	return p
}

func with(in map[string]any, key string, value any) map[string]any {
	in = maps.Clone(in)
	in[key] = value
	return in
}

func TestAProgramHasAPartForEachBatchEndpointAccess(t *testing.T) {
	t.Parallel()
	p, err := preview(t, component("b", inputs("two")), component("a", inputs("one"))).Program()
	require.NoError(t, err)
	assert.Equal(t, "scoring", p.Project)
	assert.Equal(t, "dev", p.Stack)
	require.Equal(t, []string{"a", "b"}, p.Names())
	assert.Equal(t, workspace+"one", p.Parts[0].Plan.Model.WorkspaceID.Text())
	assert.Equal(t, workspace+"two", p.Parts[1].Plan.Model.WorkspaceID.Text())
	assert.Equal(t, person, p.Parts[0].Plan.Model.Invokers["ann"].PrincipalID.Text())
}

// What is declared is whole: whose access has ended can be found out again from it, by other means.
func TestAPartIsDeclaredWithWhatHasEnded(t *testing.T) {
	t.Parallel()
	in := with(inputs("one"), "invokers", map[string]any{"ann": map[string]any{"kind": "user", "objectId": person},
		"former": map[string]any{"kind": "user", "objectId": workspaceOwner, "until": "2020-01-31"}})
	p, err := preview(t, component("a", with(in, "ended", "2020-01-31"))).Program()
	require.NoError(t, err)
	require.Len(t, p.Parts, 1)
	assert.NotContains(t, p.Parts[0].Plan.Model.Invokers, "former")
	assert.Equal(t, "2020-01-31", p.Parts[0].Declared.Invokers["former"].Until)
	assert.Contains(t, p.Parts[0].Declared.Invokers, "ann")
}

func TestOneComponentIsNamedWhereThereAreSeveral(t *testing.T) {
	t.Parallel()
	nested := func(parent string) map[string]any {
		s := component("a", inputs("one"))
		s["urn"] = "urn:pulumi:dev::scoring::x:y:" + parent + "$batchaccess:index:BatchEndpointAccess::a"
		return s
	}
	one := []map[string]any{component("a", inputs("one"))}
	two := []map[string]any{component("a", inputs("one")), component("b", inputs("two"))}
	twins := []map[string]any{nested("Left"), nested("Right")}
	alone := []map[string]any{assignment("batchaccess:index:StorageReader$", "lake.ann", map[string]any{})}
	for name, test := range map[string]struct {
		steps     []map[string]any
		component string
		urn, says string
	}{
		"the only one":        {one, "", one[0]["urn"].(string), ""},
		"the only one, named": {one, "a", one[0]["urn"].(string), ""},
		"by name":             {two, "b", two[1]["urn"].(string), ""},
		"by URN":              {twins, twins[1]["urn"].(string), twins[1]["urn"].(string), ""},
		"not named":           {two, "", "", "stack dev has 2 BatchEndpointAccess; name one with --component: a, b"},
		"unknown":             {two, "aa", "", `stack dev has no BatchEndpointAccess "aa"; did you mean "a"`},
		"another, of one":     {one, "b", "", `stack dev has no BatchEndpointAccess "b"`},
		"of one name": {twins, "a", "", "give the URN of one with --component: " + twins[0]["urn"].(string) + ", " +
			twins[1]["urn"].(string)},
		"of one name, not named": {twins, "", "", "give the URN of one with --component: "},
		"none":                   {alone, "", "", "has no BatchEndpointAccess, only components used alone"},
		"none, named":            {alone, "a", "", "has no BatchEndpointAccess, only components used alone"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, err := preview(t, test.steps...).Program()
			require.NoError(t, err)
			part, err := p.One(test.component)
			assert.Equal(t, test.urn, part.URN)
			if test.says == "" {
				require.NoError(t, err)
				return
			}
			assert.ErrorContains(t, err, test.says)
		})
	}
}

func TestAPreviewThatIsNotReadWholeIsAnError(t *testing.T) {
	t.Parallel()
	whole := map[string]int{"create": 1}
	step := func(urn string) map[string]any { s := component("a", inputs("one")); s["urn"] = urn; return s }
	for name, test := range map[string]struct {
		step    map[string]any
		summary map[string]int
		says    string
	}{
		"whole":             {component("a", inputs("one")), whole, ""},
		"no URN":            {step("x"), whole, "is not a URN"},
		"a step of nothing": {map[string]any{"op": "create"}, whole, "is not a URN"},
		"an operation":      {map[string]any{"op": "new"}, whole, "is not known here"},
		"left out": {component("a", inputs("one")), map[string]int{"create": 1, "same": 2},
			"leaves out 2 resources"},
		"not all is shown": {component("a", inputs("one")), map[string]int{"create": 2},
			"2 resources to create, and 1 are shown"},
		"it was not finished": {component("a", inputs("one")), nil, "it has no summary of changes"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			digest := map[string]any{"steps": []any{test.step}, "duration": 1}
			if test.summary != nil {
				digest["changeSummary"] = test.summary
			}
			err := previewOf(t, digest).Whole()
			if test.says == "" {
				require.NoError(t, err)
				return
			}
			assert.ErrorContains(t, err, test.says)
		})
	}
}

// A value that a preview does not know is neither empty nor a text: it is known later.
func TestWhatAPreviewDoesNotKnowIsKnownLater(t *testing.T) {
	t.Parallel()
	secret := map[string]any{"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270", "ciphertext": "x"}
	for name, value := range map[string]any{"unknown": unknown, "secret": secret, "hidden": "[secret]"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			in := with(inputs("ws"), "invokers", map[string]any{"ann": map[string]any{"kind": "user", "objectId": value}})
			p, err := preview(t, component("a", with(in, "workspaceId", value))).Program()
			require.NoError(t, err)
			m := p.Parts[0].Plan.Model
			assert.True(t, m.Invokers["ann"].PrincipalID.Later())
			assert.True(t, m.WorkspaceID.Later())
			assert.Empty(t, m.WorkspaceID.Text())
		})
	}
}

func TestAnAssertionThatDoesNotHoldIsNoError(t *testing.T) {
	t.Parallel()
	closed := map[string]any{"closed": map[string]any{"only": []any{}, "start": "cpu"}}
	p, err := preview(t, component("a", with(inputs("ws"), "assertions", closed))).Program()
	require.NoError(t, err)
	require.Len(t, p.Parts[0].Plan.Verdicts, 1)
	assert.False(t, p.Parts[0].Plan.Verdicts[0].Holds)
	assert.Error(t, p.Parts[0].Problems.Err())
}

func TestComponentsUsedAloneAreTheirAssignments(t *testing.T) {
	t.Parallel()
	const reader = "/providers/Microsoft.Authorization/roleDefinitions/2a2b9908-6ea1-4ae2-8e65-a410df84e7d1"
	const other = "/providers/Microsoft.Authorization/roleDefinitions/99999999-0000-4000-8000-000000000000"
	p, err := preview(t,
		assignment("batchaccess:index:StorageReader$", "lake.invoker.ann",
			map[string]any{"principalId": person, "scope": lake, "roleDefinitionId": reader}),
		assignment("batchaccess:index:InvokerRole$", "lake.later",
			map[string]any{"principalId": unknown, "scope": unknown, "roleDefinitionId": other}),
		assignment("batchaccess:index:BatchEndpointAccess$batchaccess:index:StorageReader$", "lake.of.a.model", nil),
		assignment("", "beside", nil),
		assignment("other:index:Thing$", "beside.too", nil),
	).Program()
	require.NoError(t, err)
	assert.Empty(t, p.Parts)
	assert.Equal(t, []string{lake}, p.Refers)
	assert.Equal(t, []engine.Assignment{
		{Component: "InvokerRole lake", Name: "later", Role: other},
		{Component: "StorageReader lake", Name: "invoker.ann", PrincipalID: person, Role: "Storage Blob Data Reader",
			Scope: lake},
	}, p.Alone)
}

func TestWhatIsNoWholeProgramIsRefused(t *testing.T) {
	t.Parallel()
	bucket := map[string]any{"op": "create", "urn": "urn:pulumi:dev::shop::aws:s3:Bucket::b", "newState": map[string]any{}}
	wrong := with(inputs("ws"), "invokers", map[string]any{"ann": map[string]any{"kind": "usr"}})
	for name, c := range map[string]struct {
		digest map[string]any
		says   []string
	}{
		"no component": {
			map[string]any{"steps": []any{bucket}, "changeSummary": map[string]int{}},
			[]string{"project shop has no component of batchaccess", "add a BatchEndpointAccess"},
		},
		"a failed preview": {
			map[string]any{
				"steps": []any{component("a", inputs("ws"))}, "changeSummary": map[string]int{},
				"diagnostics": []any{map[string]any{"severity": "error", "message": "boom"}},
			},
			[]string{"can't be relied on", "failed with errors"},
		},
		"one that leaves out what stays": {
			map[string]any{"steps": []any{component("a", inputs("ws"))}, "changeSummary": map[string]int{"same": 3}},
			[]string{"leaves out 3 resources", "--show-sames"},
		},
		"all that is wrong in two components": {
			map[string]any{"steps": []any{component("a", wrong), component("b", wrong)}, "changeSummary": map[string]int{}},
			[]string{"BatchEndpointAccess a:\ninvokers.ann.kind", "BatchEndpointAccess b:\ninvokers.ann.kind"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := previewOf(t, c.digest).Program()
			for _, says := range c.says {
				require.ErrorContains(t, err, says)
			}
		})
	}
}

// A component that is deleted needs nothing.
func TestWhatGoesAwayIsNoPart(t *testing.T) {
	t.Parallel()
	gone := component("a", nil)
	gone["op"], gone["oldState"] = "delete", map[string]any{"inputs": inputs("ws")}
	p, err := preview(t, gone, component("b", inputs("ws"))).Program()
	require.NoError(t, err)
	assert.Equal(t, []string{"b"}, p.Names())
}

func TestAStateFillsWhatAPreviewDoesNotKnow(t *testing.T) {
	t.Parallel()
	in := map[string]any{
		"a": config.Unknown, "b": "said", "c": map[string]any{"d": config.Unknown, "e": config.Unknown}, "f": config.Unknown,
	}
	known := map[string]any{"a": "1", "b": "other", "c": map[string]any{"d": "2", "new": "3"}, "f": 4}
	assert.Equal(t, map[string]any{
		"a": "1", "b": "said", "c": map[string]any{"d": "2", "e": config.Unknown}, "f": config.Unknown,
	}, engine.Fill(in, known))
	assert.Equal(t, config.Unknown, in["a"], "what is given is not changed")
}

// A preview in which no component is found is an error, and each component found has a plan.
func FuzzProgram(f *testing.F) {
	for _, in := range []map[string]any{inputs("ws"), {"workspaceId": unknown}, nil} {
		text, err := json.Marshal(map[string]any{"steps": []any{component("a", in)}, "changeSummary": map[string]int{}})
		require.NoError(f, err)
		f.Add(string(text))
	}
	f.Fuzz(func(t *testing.T, text string) {
		p, err := engine.Read(strings.NewReader(text))
		if err != nil {
			return
		}
		program, err := p.Program()
		if err != nil {
			assert.NotEmpty(t, err.Error())
			return
		}
		if len(program.Parts)+len(program.Alone) == 0 {
			t.Error("nothing was found, and that is no error")
		}
		for _, part := range program.Parts {
			assert.NotNil(t, part.Plan, fmt.Sprint(part.Name))
		}
	})
}
