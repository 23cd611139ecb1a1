package config_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/batchaccess/batchaccess/internal/config"
)

// A last day may be quoted or not: as YAML reads it, or as Pulumi gives it to a program. A time of day is refused.
func TestLastDaysAreReadAsTheyWereWritten(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		value any
		want  string // "" where it is refused
	}{
		"in quotes":       {"2027-03-31", "2027-03-31"},
		"as YAML reads":   {time.Date(2027, 3, 31, 0, 0, 0, 0, time.UTC), "2027-03-31"},
		"as Pulumi hands": {"2027-03-31 00:00:00 +0000 UTC", "2027-03-31"},
		"a time of day":   {time.Date(2027, 3, 31, 12, 0, 0, 0, time.UTC), ""},
		"another zone":    {"2027-03-31 00:00:00 +0200 CEST", ""},
		"a number":        {2027, ""},
		"no date":         {"in spring", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			args, problems := config.Decode(map[string]any{
				"workspaceId": "/subscriptions/11111111-1111-4111-8111-111111111111/resourceGroups/rg/providers/" +
					"Microsoft.MachineLearningServices/workspaces/ws", "location": "westeurope",
				"clusters": map[string]any{"cpu": map[string]any{}},
				"invokers": map[string]any{
					"ann": map[string]any{"kind": "user", "objectId": "22222222-2222-4222-8222-222222222222", "until": c.value},
					"team": map[string]any{"kind": "group", "members": []any{"ann"},
						"membersUntil": map[string]any{"ann": c.value}},
				},
				"endpoints": map[string]any{"score": map[string]any{"cluster": "cpu", "invokersUntil": map[string]any{
					"ann": c.value}}},
			})
			_, more := args.Compile()
			problems = append(problems, more...)
			if c.want == "" {
				for _, path := range []string{"invokers.ann.until: ", "invokers.team.membersUntil.ann: ",
					"endpoints.score.invokersUntil.ann: "} {
					assert.ErrorContains(t, problems.Err(), path)
				}
				return
			}
			require.NoError(t, problems.Err())
			assert.Equal(t, c.want, args.Invokers["ann"].Until)
			assert.Equal(t, c.want, args.Invokers["team"].MembersUntil["ann"])
			assert.Equal(t, c.want, args.Endpoints["score"].InvokersUntil["ann"])
		})
	}
}

// A component fills it in: it is read from a state, and is no key of a configuration.
func TestWhatHasEndedIsNoKeyOfAConfiguration(t *testing.T) {
	t.Parallel()
	assert.NotContains(t, config.Keys(), "ended")
	args, _ := config.Decode(map[string]any{"ended": "2027-03-31"})
	assert.Equal(t, "2027-03-31", args.Ended)
}
