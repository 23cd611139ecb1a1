package review_test

import (
	"bytes"
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gopkg.in/yaml.v3"

	"github.com/batchaccess/batchaccess/internal/engine"
	"github.com/batchaccess/batchaccess/internal/review"
)

// A program may give its own components our names, take a value from one resource and name another, and use a plugin
// from anywhere: testdata/claims.yaml.
func TestWhatAProgramSaysOfItselfIsNotTakenForTrue(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("testdata/claims.yaml")
	require.NoError(t, err)
	var file struct {
		Cases []struct {
			Case, Want string
			Steps      []claim
		}
	}
	require.NoError(t, yaml.Unmarshal(text, &file))
	require.Greater(t, len(file.Cases), 25)
	for _, c := range file.Cases {
		t.Run(c.Case, func(t *testing.T) {
			t.Parallel()
			steps, summary := []any{}, map[string]int{}
			for _, s := range c.Steps {
				steps = append(steps, s.step())
				summary[s.Op]++
			}
			preview, err := json.Marshal(map[string]any{"steps": steps, "changeSummary": summary})
			require.NoError(t, err)
			p, err := engine.Read(bytes.NewReader(preview))
			require.NoError(t, err)
			r := review.Make(p, options)
			met, err := r.Met(pipeline)
			require.NoError(t, err)
			got := "pass"
			if len(met) > 0 || r.Partial() {
				got = "stop"
			} else if r.NewAccess {
				got = "report"
			}
			assert.Equal(t, c.Want, got, "%s %v %v", r.Verdict, met, r.Unread)
		})
	}
}

type claim struct {
	Op, Type, Name, ID string
	Component          bool
	Old, New           map[string]any
	Deps               map[string][]string
}

// step is the claim as the engine writes it.
func (c claim) step() map[string]any {
	if c.Name == "" {
		c.Name = "self"
	}
	const prefix = "urn:pulumi:dev::p::"
	types := strings.Split(c.Type, "$")
	step := map[string]any{"op": c.Op, "urn": prefix + c.Type + "::" + c.Name}
	for key, inputs := range map[string]map[string]any{"oldState": c.Old, "newState": c.New} {
		if inputs == nil {
			continue
		}
		state := map[string]any{"urn": step["urn"], "type": types[len(types)-1], "inputs": inputs, "custom": !c.Component,
			"id": c.ID, "propertyDependencies": c.Deps}
		if n := len(types) - 1; n > 0 {
			name, _, _ := strings.Cut(c.Name, ".")
			state["parent"] = prefix + strings.Join(types[:n], "$") + "::" + name
		}
		step[key] = state
	}
	return step
}
