package access_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/batchaccess/batchaccess/access"
)

// Azure AI Developer allows workspaces/read only if the * of workspaces/*/read may match nothing, which no document
// says (facts/built-in-roles.md).
const aiDeveloperID = "/providers/Microsoft.Authorization/roleDefinitions/64702f94-c441-49e6-a78b-ef80e0188fee"

func TestARoleThatMayLackAnActionIsUndecided(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		role access.Role
		path string // part of the warning
	}{
		"by name": {access.Role{BuiltIn: "Azure AI Developer"}, "role.builtIn"},
		"by ID":   {access.Role{RoleDefinitionID: access.Known(aiDeveloperID)}, "role.roleDefinitionId"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := withRole(blobModel(), c.role)
			ps := validate(m)
			require.NoError(t, ps.Err())
			require.Len(t, ps, 1)
			assert.Equal(t, c.path, ps[0].Path)
			assert.Contains(t, ps[0].What, "it is undecided whether Azure AI Developer allows "+
				"Microsoft.MachineLearningServices/workspaces/read (no document says")
			path := compile(m).Paths()[0]
			assert.False(t, path.Works())
			assert.True(t, path.Undecided(), path.Outcome())
			m.Assertions = map[string]access.Assertion{
				"can":    {Can: []string{"alice"}, Do: "Microsoft.MachineLearningServices/workspaces/read"},
				"cannot": {Cannot: []string{"alice"}, Do: "Microsoft.MachineLearningServices/workspaces/read"},
			}
			for _, v := range compile(m).Verdicts {
				assert.False(t, v.Holds, "neither is known")
			}
		})
	}
	ps := validate(withRole(blobModel(), access.Role{BuiltIn: "Azure AI Administrator"}))
	assert.Empty(t, ps, "it allows all 35")
}
