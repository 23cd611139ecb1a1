package main

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestPinsAreWhatTheInputsHaveAndTheConfigurationHasNot(t *testing.T) {
	t.Parallel()
	inputs := map[string]any{
		"invokers": map[string]any{"ada": map[string]any{"kind": "user", "objectId": "1"}, "data-factory": map[string]any{"principalId": "2"},
			"made": map[string]any{"principalId": "04da6b54-80e4-46f7-96ec-b56ff0331ba9", "clientId": "[secret]"}},
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
	const component = `{"newState": {"type": "batchaccess:index:BatchEndpointAccess", "inputs": {"tags": {"a": "b"}, "clusters": {"c": {}}}}}`
	for name, c := range map[string]struct{ preview, refusal string }{
		"none":     {`{"steps": [{"newState": {"type": "other"}}, {"op": "delete"}]}`, "its program has 0 BatchEndpointAccess"},
		"one":      {`{"steps": [` + component + `]}`, ""},
		"several":  {`{"steps": [` + component + `, ` + component + `]}`, "its program has 2 BatchEndpointAccess"},
		"not JSON": {`error: no`, "reading the preview"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inputs, err := componentInputs([]byte(c.preview))
			if c.refusal != "" {
				require.ErrorContains(t, err, c.refusal)
				return
			}
			require.NoError(t, err)
			assert.Equal(t, map[string]any{"clusters": map[string]any{"c": map[string]any{}}}, inputs)
		})
	}
}

func TestATextThatPulumiWouldNotKeepIsNotWritten(t *testing.T) {
	t.Parallel()
	err := pulumiOf{cli: "/nonexistent"}.pin(t.Context(), "batchaccess", []foundPin{{"dataInputs.x.container", "2025"}})
	require.ErrorContains(t, err, "dataInputs.x.container: write it by hand, in quotes")
}

func TestNothingToPinIsSaid(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	require.NoError(t, tellPins(&out, nil, false))
	assert.Equal(t, "everything is written down: nothing was looked up\n", out.String())
	out.Reset()
	require.NoError(t, tellPins(&out, nil, true))
	assert.JSONEq(t, `{"pins": []}`, out.String())
}
