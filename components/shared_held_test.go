package components

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/roles"
)

// An assignment of another stack with a condition counts if the condition allows everything that the grant needs.
func TestASharedGrantIsHeldByACondition(t *testing.T) {
	t.Parallel()
	of := func(paths ...string) string {
		if len(paths) == 0 {
			return ""
		}
		text, ps := roles.PathCondition(paths, roles.Flat, roles.StorageBlobDataReader)
		require.NoError(t, ps.Err())
		return text
	}
	for name, c := range map[string]struct{ needs, held, says string }{
		"the same":             {of("in/"), of("in/"), ""},
		"a folder above":       {of("in/2026/"), of("in/"), ""},
		"one of several":       {of("in/"), of("in/", "ref/"), ""},
		"a folder below":       {of("in/"), of("in/2026/"), "does not let through"},
		"a sibling":            {of("in/"), of("in2/"), "does not let through"},
		"one of two":           {of("in/", "ref/"), of("in/"), "does not let through"},
		"all of the container": {"", of("in/"), "does not let through"},
		"that can't be read":   {of("in/"), "@Resource[", "undecided: "},
	} {
		g := access.Grant{Role: roles.StorageBlobDataReader, Condition: c.needs}
		if got := heldBack(g, c.held); c.says == "" {
			assert.Empty(t, got, name)
		} else {
			assert.Contains(t, got, c.says, name)
		}
	}
}
