package rehearsal

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/roles"
)

// Every row of the table by which a way may be open has a walk, or a reason for having none. A way by an inferred row
// is undecided, and is not walked.
func TestEachRowIsWalkedOrSaysWhyNot(t *testing.T) {
	t.Parallel()
	rows := map[string]bool{}
	for _, row := range roles.Escalations() {
		rows[key(row.Action.Name)] = true
		if row.To == roles.Nowhere || row.To == roles.ToAttach || row.Inferred {
			continue
		}
		step, why := stepOf(access.Hop{Needs: row.Action.Name, Takes: []string{row.Action.Name}})
		assert.Equal(t, step == nil, why != "", row.Action.Name)
		assert.NotContains(t, why, row.Action.Name, "no walk and no reason")
	}
	for actions := range steps {
		for action := range strings.FieldsSeq(actions) {
			assert.True(t, rows[action], "the walk of %s is of no row", action)
		}
	}
	for actions := range notWalked {
		assert.Nil(t, steps[actions], actions)
		for action := range strings.FieldsSeq(actions) {
			assert.True(t, rows[action], "what is said of %s is of no row", action)
		}
	}
}
