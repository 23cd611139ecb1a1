package main

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/batchaccess/batchaccess/sandbox/standin"
)

func TestFiguresAreComparedWithinEachRound(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		of, against []float64
		want        comparison
	}{
		"one round": {
			[]float64{3}, []float64{2},
			comparison{Of: 3, Against: 2, Ratio: 1.5, Min: 1.5, Max: 1.5, Excess: 1},
		},
		"a round in which everything took longer changes nothing": {
			[]float64{3, 30, 3}, []float64{2, 20, 2},
			comparison{Of: 3, Against: 2, Ratio: 1.5, Min: 1.5, Max: 1.5, Excess: 1},
		},
		"one bad round is not the median": {
			[]float64{2, 2, 20}, []float64{2, 1, 2},
			comparison{Of: 2, Against: 2, Ratio: 2, Min: 1, Max: 10, Excess: 1},
		},
		"an even number of rounds, in no order": {
			[]float64{4, 1, 3, 2}, []float64{1, 1, 1, 1},
			comparison{Of: 2.5, Against: 1, Ratio: 2.5, Min: 1, Max: 4, Excess: 1.5},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			of := append([]float64{}, test.of...)
			got, err := compare(test.of, test.against)
			require.NoError(t, err)
			assert.Equal(t, test.want, got)
			assert.Equal(t, of, test.of, "the measurements are left in their order")
		})
	}
}

func TestWhatWasNotMeasuredIsNotCompared(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ of, against []float64 }{
		"no rounds":         {nil, nil},
		"a round less":      {[]float64{1}, []float64{1, 2}},
		"nothing measured":  {[]float64{1, 0}, []float64{1, 1}},
		"nothing to divide": {[]float64{1, 1}, []float64{1, 0}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := compare(test.of, test.against)
			assert.Error(t, err)
		})
	}
}

const twoAssignments = `{"deployment": {"resources": [
	{"type": "pulumi:pulumi:Stack", "custom": false},
	{"type": "pulumi:providers:azure-native", "custom": true, "id": "p"},
	{"type": "azure-native:authorization:RoleAssignment", "custom": true, "id": "/a"},
	{"type": "azure-native:authorization:RoleAssignment", "custom": true, "id": "/b"}
]}}`

func TestStacksThatDifferAreNotCompared(t *testing.T) {
	t.Parallel()
	read := func(state string) inventory {
		i, err := readInventory(strings.NewReader(state))
		require.NoError(t, err)
		return i
	}
	two := read(twoAssignments)
	assert.Equal(t, 2, two.resources(), "components and providers are not what is compared")
	require.NoError(t, two.sameAs(read(twoAssignments)))
	for name, other := range map[string]string{
		"one resource is missing":   strings.Replace(twoAssignments, `"custom": true, "id": "/b"`, `"custom": false`, 1),
		"two resources share an ID": strings.Replace(twoAssignments, `"/b"`, `"/A"`, 1),
		"a resource has no ID":      strings.Replace(twoAssignments, `"/b"`, `""`, 1),
		"a resource has another type": strings.Replace(twoAssignments, `RoleAssignment", "custom": true, "id": "/b"`,
			`Other", "custom": true, "id": "/b"`, 1),
		"there is nothing": `{}`,
	} {
		assert.Error(t, two.sameAs(read(other)), name)
		assert.Error(t, read(other).sameAs(two), name)
	}
	assert.Error(t, inventory{}.sameAs(inventory{}), "two empty stacks tell nothing")
}

func TestTheReportSaysWhichTargetsAreMissed(t *testing.T) {
	t.Parallel()
	figures := func(ratio, excess, size float64) report {
		f := figure{Group: "g", Name: "CPU", Unit: "s", comparison: comparison{Of: 2, Against: 1, Ratio: ratio,
			Excess: excess}}
		return report{
			Stack:  []figure{f.withTarget("<= 1.10 x", ratio <= mostRatio)},
			Builds: []figure{f.withTarget("<= +3 s", excess <= mostExcessCPU), f.withTarget("<= 50 MB", size <= mostSizeMB)},
		}
	}
	show := func(r report) string {
		var b strings.Builder
		require.NoError(t, r.write(&b))
		return b.String()
	}
	met := show(figures(1.1, 3, 50))
	assert.Equal(t, 3, strings.Count(met, "  met"))
	assert.NotContains(t, met, "missed")
	assert.Equal(t, 3, strings.Count(show(figures(1.11, 3.01, 50.1)), "  missed"))
	assert.Contains(t, met, "Cold builds were left out")
}

func TestTheLongestChainIsTheOneWithTheMostCalls(t *testing.T) {
	t.Parallel()
	urn := func(name string) string { return "urn:pulumi:dev::p::a:b:Component$c:d:Thing::" + name }
	calls := &callLog{counts: map[string]int{}}
	for name, n := range map[string]int{"a": 2, "b": 5, "c": 1, "d": 3, "alone": 7} {
		calls.counts[standin.ClientRequestID(urn(name))] = n
	}
	resource := func(name string, dependencies ...string) map[string]any {
		of := []string{}
		for _, d := range dependencies {
			of = append(of, urn(d))
		}
		return map[string]any{"urn": urn(name), "custom": true, "dependencies": of}
	}
	state, err := json.Marshal(map[string]any{"deployment": map[string]any{"resources": []any{
		map[string]any{"urn": "urn:pulumi:dev::p::a:b:Component::x", "custom": false},
		resource("alone"), resource("a"), resource("b"), resource("c", "a", "b"), resource("d", "c", "a"),
	}}})
	require.NoError(t, err)
	c := critical{Latency: 2, Up: 20}
	require.NoError(t, c.longest(bytes.NewReader(state), calls))
	assert.Equal(t, []link{{"Thing b", 5}, {"Thing c", 1}, {"Thing d", 3}}, c.Chain)
	assert.InDelta(t, 18, c.Seconds, 1e-9)
	assert.InDelta(t, 20.0/18, c.Ratio, 1e-9)
	assert.True(t, c.Met)

	assert.ErrorContains(t, c.longest(strings.NewReader(`{"deployment":{"resources":[]}}`), calls),
		"no call to Azure was made")
}
