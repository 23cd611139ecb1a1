package verify_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/internal/verify"
	"github.com/batchaccess/batchaccess/roles"
)

// Azure knows what an existing role allows: it is compared with the 35 actions, or with the permissions in the
// configuration.
func TestAnExistingRoleIsAskedOfAzure(t *testing.T) {
	t.Parallel()
	actions, more := roles.InvokerActions(), "Microsoft.MachineLearningServices/workspaces/computes/write"
	saying := func(actions ...string) string {
		text, err := json.Marshal(map[string]any{"properties": map[string]any{"roleName": "starters",
			"permissions": []any{map[string]any{"actions": actions}}}})
		require.NoError(t, err)
		return string(text)
	}
	for name, c := range map[string]struct {
		definition      string
		inAzure         []string
		status          verify.Status
		lacking, beyond []string // of each invoker
	}{
		"nothing is said, and it is right":    {"", actions, verify.Works, nil, nil},
		"nothing is said, and it lacks one":   {"", actions[1:], verify.Missing, actions[:1], nil},
		"nothing is said, and it allows more": {"", append(actions, more), verify.Works, nil, []string{more}},
		"it is what is said": {saying(append(actions, more)...), append(actions, more), verify.Works, nil,
			nil},
		"it allows less than is said": {saying(append(actions, more)...), actions, verify.Works, []string{more},
			nil},
		"it allows more than is said, needed":   {saying(actions[1:]...), actions, verify.Works, nil, actions[:1]},
		"it lacks one, and that is what's said": {saying(actions[1:]...), actions[1:], verify.Missing, nil, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, model())
			w.grantAll()
			w.define(c.inAzure...)
			w.m.Role = access.Role{RoleDefinitionID: access.Known(w.role), Definition: c.definition}
			r := w.report()
			assert.Equal(t, c.status, path(t, r, "ann", "heart").Status)
			for _, l := range r.Lacking {
				assert.Equal(t, "existing role", l.Grant.Role)
				assert.Equal(t, c.lacking, l.Actions)
			}
			for _, e := range r.Excess {
				assert.Equal(t, c.beyond, e.Actions)
			}
			assert.Equal(t, c.lacking != nil, len(r.Lacking) == 2, "%v", r.Lacking)
			assert.Equal(t, c.beyond != nil, len(r.Excess) == 2, "%v", r.Excess)
		})
	}
}

// No document says whether workspaces/*/read allows workspaces/read: so neither "works" nor "missing" is reported.
func TestARoleThatPerhapsAllowsAnActionIsUndecided(t *testing.T) {
	t.Parallel()
	w := newWorld(t, model())
	w.grantAll()
	w.define(append(roles.InvokerActions()[1:], "Microsoft.MachineLearningServices/workspaces/*/read")...)
	w.m.Role = access.Role{RoleDefinitionID: access.Known(w.role)}
	r := w.report()
	p := path(t, r, "ann", "heart")
	assert.Equal(t, verify.Undecided, p.Status)
	assert.Contains(t, p.Why, "for Microsoft.MachineLearningServices/workspaces/read (no document says")
	require.NotEmpty(t, r.Lacking)
	for _, l := range r.Lacking {
		assert.Equal(t, roles.InvokerActions()[:1], l.Actions)
		assert.True(t, l.Conditional)
	}
}
