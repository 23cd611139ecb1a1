package verify_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/batchaccess/batchaccess/internal/verify"
)

// What stands in Azure beside the stack's grants opens ways, and each is told where the plan has it not.
func TestWaysOfWhatStandsInAzure(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		role, scope, who, kind string
		found                  []string // parts of the ways beyond the plan
		none                   string   // part of no such way
	}{
		"the keys of the account": {"Storage Account Key Operator Service Role", lake, robot, "ServicePrincipal",
			[]string{"robot can reach the keys of storage account lake, by"}, "ann can reach"},
		"a role of a group that ann is in": {"Storage Account Key Operator Service Role", lake, team, "Group",
			[]string{"ann, robot can reach the keys of storage account lake", "through group Team",
				"owners of Team may reach Team"}, ""},
		"of a group in a group": {"User Access Administrator", lake, company, "Group",
			[]string{"can reach role assignments at storageAccount lake", "through group Company"}, ""},
		"a cluster that may change deployments": {"Contributor", mlGroup, "cpu", "ServicePrincipal",
			[]string{"cluster:cpu can reach"}, "cluster:cpu can read patients"},
		"who reads only": {"Reader", lake, robot, "ServicePrincipal", nil, "robot can read images as"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, model())
			w.grantAll()
			who := c.who
			if who == "cpu" {
				who = w.clusterID()
			}
			w.assign(who, c.kind, c.role, c.scope)
			var beyond []string
			for _, way := range w.report().Ways {
				if !way.Planned {
					beyond = append(beyond, way.String())
				}
			}
			all := strings.Join(beyond, "\n")
			for _, part := range c.found {
				assert.Contains(t, all, part)
			}
			if c.none != "" {
				assert.NotContains(t, all, c.none)
			}
		})
	}
}

// What the plan grants opens the plan's own ways, and no other.
func TestWaysOfThePlanAreNoNews(t *testing.T) {
	t.Parallel()
	w := newWorld(t, model())
	w.grantAll()
	r := w.report()
	require.NotEmpty(t, r.Ways)
	for _, way := range r.Ways {
		assert.True(t, way.Planned, "%s", way)
	}
	var out strings.Builder
	require.NoError(t, verify.WriteTable(&out, r))
	assert.NotContains(t, out.String(), "INDIRECT WAYS")
	assert.Contains(t, out.String(), "indirect ways are the plan's own")
}
