package role

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestEveryBuiltInRoleIsFoundByItsGUIDAndItsName(t *testing.T) {
	t.Parallel()
	require.Len(t, BuiltIns(), 928) // facts/built-in-roles.md
	conditions := 0
	for _, d := range BuiltIns() {
		byID, ok := BuiltIn(strings.ToUpper(d.ID))
		require.True(t, ok, d.RoleName)
		assert.Equal(t, d, byID)
		byName, ok := BuiltInNamed(strings.ToUpper(d.RoleName))
		require.True(t, ok, d.RoleName)
		assert.Equal(t, d, byName)
		for _, p := range d.Permissions {
			if p.Condition != "" {
				conditions++
			}
		}
	}
	assert.Equal(t, 31, conditions)
	for _, id := range []string{
		"", "x", "00000000-0000-0000-0000-000000000000", "{2a2b9908-6ea1-4ae2-8e65-a410df84e7d1}",
	} {
		_, ok := BuiltIn(id)
		assert.False(t, ok, id)
	}
}

func TestWhatIsNotSettledIsUndecided(t *testing.T) {
	t.Parallel()
	allow := func(actions, not string) Permission {
		return Permission{Actions: strings.Fields(actions), NotActions: strings.Fields(not)}
	}
	conditional := allow("*", "")
	conditional.Condition = "true"
	for name, test := range map[string]struct {
		granted, denied []Permission
		action          string
		want            Answer
	}{
		"the action itself":       {[]Permission{allow("a/B/read", "")}, nil, "A/b/READ", Yes},
		"another":                 {[]Permission{allow("a/b/read", "")}, nil, "a/b/write", No},
		"a wildcard over slashes": {[]Permission{allow("a/*/read", "")}, nil, "a/b/c/read", Yes},
		"an empty wildcard":       {[]Permission{allow("a/*/read", "")}, nil, "a/read", Undecided},
		"a wildcard at the end":   {[]Permission{allow("a/b*", "")}, nil, "a/b", Yes},
		"given, taken away alike": {[]Permission{allow("a/*/read", "a/*/read")}, nil, "a/read", No},
		"perhaps taken away":      {[]Permission{allow("*", "a/*/read")}, nil, "a/read", Undecided},
		"perhaps given":           {[]Permission{allow("a/*/read", "a/read")}, nil, "a/read", No},
		"taken away, and given":   {[]Permission{allow("*", "a/read"), allow("a/read", "")}, nil, "a/read", Yes},
		"under a condition":       {[]Permission{conditional}, nil, "a/read", Undecided},
		"and without a condition": {[]Permission{conditional, allow("a/read", "")}, nil, "a/read", Yes},
		"denied":                  {[]Permission{allow("*", "")}, []Permission{allow("a/*", "")}, "a/read", Denied},
		"denied but for it":       {[]Permission{allow("*", "")}, []Permission{allow("a/*", "a/read")}, "a/read", Yes},
		"perhaps denied":          {[]Permission{allow("*", "")}, []Permission{allow("a/*/read", "")}, "a/read", Undecided},
		"nothing at all":          {nil, nil, "a/read", No},
		"an action on data":       {[]Permission{{DataActions: []string{"*"}}}, nil, "a/read", No},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			assert.Equal(t, test.want, Decide(test.granted, test.denied, test.action, false))
		})
	}
}
