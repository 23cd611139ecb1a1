package main

import (
	"bytes"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/batchaccess/batchaccess/internal/config"
	"github.com/batchaccess/batchaccess/internal/engine"
)

func TestPinsAreWhatTheInputsHaveAndTheConfigurationHasNot(t *testing.T) {
	t.Parallel()
	inputs := map[string]any{
		"invokers": map[string]any{"ada": map[string]any{"kind": "user", "objectId": "1"},
			"data-factory": map[string]any{"principalId": "2"},
			"made":         map[string]any{"principalId": config.Unknown, "clientId": config.Unknown}},
		"clusters":   map[string]any{"old": map[string]any{"existing": true, "principalId": "3"}},
		"endpoints":  map[string]any{"e": map[string]any{"cluster": "old", "inputs": []any{"x"}}},
		"dataInputs": map[string]any{"x": map[string]any{"credentialInStore": false}},
	}
	values := map[string]any{
		"invokers":  map[string]any{"ada": map[string]any{"kind": "user"}, "data-factory": map[string]any{}},
		"endpoints": map[string]any{"e": nil}, "dataInputs": map[string]any{"x": map[string]any{"credentialInStore": false}},
	}
	assert.Equal(t, []foundPin{
		{"clusters.old.existing", true}, {"clusters.old.principalId", "3"}, {"endpoints.e.cluster", "old"},
		{"invokers.ada.objectId", "1"}, {`invokers["data-factory"].principalId`, "2"},
	}, pins("", inputs, values, []string{"clusters", "dataInputs", "endpoints", "invokers"}))
}

func TestPinsAreThoseOfOneComponent(t *testing.T) {
	t.Parallel()
	component := func(name string) string {
		urn := "urn:pulumi:dev::p::batchaccess:index:BatchEndpointAccess::" + name
		return `{"op": "create", "urn": "` + urn + `", "newState": {"inputs": {"clusters": {"cpu": {}}, "workspaceId": ` +
			`"/subscriptions/11111111-1111-4111-8111-111111111111/resourceGroups/rg/providers/` +
			`Microsoft.MachineLearningServices/workspaces/ws", "invokers": {"a": {"kind": "user", ` +
			`"objectId": "33333333-3333-4333-8333-333333333333"}}, "location": "westeurope"}}}`
	}
	other := `{"op": "create", "urn": "urn:pulumi:dev::p::x:y:Z::z", "newState": {}}`
	both := component("a") + ", " + component("b")
	for name, c := range map[string]struct{ steps, component, refusal string }{
		"none":    {other, "", "the program of project p has no component of batchaccess"},
		"one":     {component("a"), "", ""},
		"several": {both, "", "has 2 BatchEndpointAccess; name one with --component: a, b"},
		"named":   {both, "b", ""},
		"unknown": {both, "c", `has no BatchEndpointAccess "c"; `},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			preview, err := engine.Read(strings.NewReader(`{"steps": [` + c.steps + `], "changeSummary": {}}`))
			require.NoError(t, err)
			program, err := preview.Program()
			var inputs map[string]any
			if err == nil {
				inputs, err = componentInputs(program, c.component)
			}
			if c.refusal != "" {
				require.ErrorContains(t, err, c.refusal)
				return
			}
			require.NoError(t, err)
			assert.Equal(t, map[string]any{"cpu": map[string]any{}}, inputs["clusters"])
			assert.NotContains(t, inputs, "location", "it is not looked up")
		})
	}
}

func TestATextThatPulumiWouldNotKeepIsNotWritten(t *testing.T) {
	t.Parallel()
	err := pulumiOf{engine.Pulumi{CLI: "/nonexistent"}}.pin(t.Context(), "batchaccess",
		[]foundPin{{"dataInputs.x.container", "2025"}})
	require.ErrorContains(t, err, "dataInputs.x.container: write it by hand, in quotes")
}

func TestNothingToPinIsSaid(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	require.NoError(t, reportPins(&out, nil, false))
	assert.Equal(t, "everything is written already: nothing was looked up\n", out.String())
	out.Reset()
	require.NoError(t, reportPins(&out, nil, true))
	assert.JSONEq(t, `{"version": 1, "pins": []}`, out.String())
}
