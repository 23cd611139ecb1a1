package explain_test

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/internal/explain"
	"github.com/batchaccess/batchaccess/roles"
)

func ofUnknownRole() explain.Explanation {
	m := model()
	m.Assertions = nil
	m.Role = access.Role{RoleDefinitionID: access.Known(roles.DefinitionID("77777777-7777-4777-8777-777777777777"))}
	return made("dev", m)
}

func TestARoleThatIsNotKnownIsNotSaidToAllowAnything(t *testing.T) {
	t.Parallel()
	x := ofUnknownRole()
	assert.False(t, x.Failed(), "nothing is known to be wrong")
	assert.True(t, x.Role.Unknown)
	assert.Equal(t, "existing role", x.Role.Name)
	assert.Empty(t, x.Role.Entries)
	for _, p := range x.Paths {
		assert.False(t, p.Works, p)
		assert.True(t, p.Undecided || !p.Declared, p)
	}
	warned := false
	for _, f := range x.Findings {
		warned = warned || f.Where == "role.roleDefinitionId"
	}
	assert.True(t, warned, "a finding tells that nobody has said what the role allows")
	for format, write := range formats {
		var out bytes.Buffer
		require.NoError(t, write(&out, x), format)
		assert.Contains(t, out.String(), "existing role", format)
		assert.NotContains(t, out.String(), "BROKEN</summary>", format)
		if format != "json" {
			assert.Contains(t, out.String(), "undecided", format)
			assert.Regexp(t, ", 5 are undecided", out.String(), format)
		}
	}
}

func TestTheStoryOfARoleThatIsNotKnown(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	require.NoError(t, explain.WriteWhy(&out, ofUnknownRole(), "ann", "patients"))
	assert.Contains(t, out.String(), "ann starts a job on heart with patients: it may work.")
	assert.Contains(t, out.String(), "Undecided: this depends on what the existing role allows")
	assert.Contains(t, out.String(), "6. To write the data, invoker ann needs", "the hops behind it are told too")
	assert.Contains(t, out.String(), "This should work")

	out.Reset()
	require.NoError(t, explain.WriteWhy(&out, ofUnknownRole(), "pipeline", "patients"))
	assert.Contains(t, out.String(), "it does not work", "the data is closed, whatever the role allows")
	out.Reset()
	require.NoError(t, explain.WriteWhy(&out, ofUnknownRole(), "ann", "archive"))
	assert.Contains(t, out.String(), "Nobody declared this")
}
