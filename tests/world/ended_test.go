package world_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gopkg.in/yaml.v3"

	"github.com/batchaccess/batchaccess/tests/internal/inprocess"
)

// ending is a stack in which the access of one person ends: of Ann, of Ben as a member of a group that is made, or of
// Cem at one endpoint. Dora's goes on.
const ending = `
workspaceId: /subscriptions/11111111-1111-4111-8111-111111111111/resourceGroups/ml/providers/` +
	`Microsoft.MachineLearningServices/workspaces/ws
location: westeurope
role: { scope: endpoint }
invokers:
  ann: { kind: user, objectId: 33333333-3333-4333-8333-333333333331{ann} }
  ben: { kind: user, objectId: 33333333-3333-4333-8333-333333333332 }
  cem: { kind: user, objectId: 33333333-3333-4333-8333-333333333333 }
  dora: { kind: user, objectId: 33333333-3333-4333-8333-333333333334 }
  team: { kind: group, members: [ben, dora]{ben} }
clusters:
  cpu: { existing: true }
storageAccounts:
  lake: /subscriptions/11111111-1111-4111-8111-111111111111/resourceGroups/data/providers/` +
	`Microsoft.Storage/storageAccounts/contosolake
dataInputs:
  rows: { kind: adlsGen2, storageAccount: lake, container: rows }
endpoints:
  heart: { cluster: cpu, inputs: [rows], invokers: [ann, cem, team]{cem} }
`

// until writes a last day into the stack; "" for none.
func until(t *testing.T, who, day string) map[string]any {
	t.Helper()
	ends := map[string]string{"ann": "", "ben": "", "cem": ""}
	if day != "" {
		ends[who] = map[string]string{"ann": ", until: %q", "ben": ", membersUntil: { ben: %q }",
			"cem": ", invokersUntil: { cem: %q }"}[who]
		ends[who] = fmt.Sprintf(ends[who], day)
	}
	text := ending
	for name, end := range ends {
		text = strings.ReplaceAll(text, "{"+name+"}", end)
	}
	values := map[string]any{}
	require.NoError(t, yaml.Unmarshal([]byte(text), &values))
	return values
}

// A rehearsal finds out by itself, from the date in the configuration, whose access is over: a program that takes it
// away a day early, or a day late, does not pass, whatever it says that has ended.
func TestARehearsalKnowsWhoseAccessIsOver(t *testing.T) {
	t.Parallel()
	today := time.Now().UTC()
	day := func(n int) string { return today.AddDate(0, 0, n).Format(time.DateOnly) }
	for _, who := range []string{"ann", "ben", "cem"} {
		for name, c := range map[string]struct{ declared, deployed string }{
			"over, and taken away":       {day(-1), day(-1)},
			"over, and still there":      {day(-1), day(1)},
			"long over, and still there": {"2020-01-31", ""},
			"not over, and there":        {day(1), day(1)},
			"not over, and taken away":   {day(1), day(-1)},
			"never over, and taken away": {"", day(-2)},
		} {
			t.Run(who+": "+name, func(t *testing.T) {
				t.Parallel()
				report, err := inprocess.RehearseAsked(t.Context(), until(t, who, c.declared), until(t, who, c.deployed), nil)
				require.NoError(t, err)
				assert.Equal(t, c.declared == c.deployed, report.Passed(), "%v", report.Failures())
			})
		}
	}
}
