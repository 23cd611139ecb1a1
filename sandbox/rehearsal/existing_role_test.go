package rehearsal

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/roles"
)

const roleOfOthers = "/subscriptions/22222222-2222-4222-8222-222222222222/providers/Microsoft.Authorization/" +
	"roleDefinitions/77777777-7777-4777-8777-777777777777"

// allowing is a configuration whose role was made elsewhere and allows these actions.
func allowing(t *testing.T, actions ...string) string {
	t.Helper()
	text, err := json.Marshal(map[string]any{"properties": map[string]any{
		"roleName": "Scorers", "assignableScopes": []string{"/subscriptions/11111111-1111-4111-8111-111111111111"},
		"permissions": []any{map[string]any{"actions": actions}},
	}})
	require.NoError(t, err)
	return small + "  batchaccess:role: { roleDefinitionId: " + roleOfOthers + ", definition: '" + string(text) + "' }\n"
}

func TestAnExistingRoleIsRehearsedWithWhatIsSaidOfIt(t *testing.T) {
	t.Parallel()
	actions := roles.InvokerActions()
	for name, c := range map[string]struct {
		actions []string
		got     string
		says    string
	}{
		"the 35 actions":       {actions, works, ""},
		"all but the last one": {actions[:34], "fails at invoke", actions[34]},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			report, err := Run(t.Context(), options(t, allowing(t, c.actions...)))
			require.NoError(t, err)
			assert.Equal(t, c.got, report.Outcomes[0].Got)
			assert.Contains(t, report.Outcomes[0].Detail, c.says)
			assert.Equal(t, c.got == works, report.Passed(), report.Failures())
			assert.Empty(t, report.Left, "the role was there before the stack, and stays")
		})
	}
}

func TestARoleOfWhichNothingIsKnownIsNotRehearsed(t *testing.T) {
	t.Parallel()
	for id, says := range map[access.ID]string{
		access.Known(roleOfOthers): "what the role allows is not known here, so it can't be tried; give its JSON",
		access.Later(nil):          "write it in plain text",
	} {
		_, err := Run(t.Context(), Options{Model: access.Model{WorkspaceID: access.Known(workspace),
			Role: access.Role{RoleDefinitionID: id}}, StateDir: t.TempDir()})
		require.ErrorContains(t, err, says)
	}
}

// A built-in role is in every Azure, with the permissions that Microsoft publishes.
func TestABuiltInRoleByItsIDNeedsNoDefinition(t *testing.T) {
	t.Parallel()
	owner, _ := roles.BuiltIn(roles.Owner)
	s, err := Seed(access.Model{WorkspaceID: access.Known(workspace),
		Role: access.Role{RoleDefinitionID: access.Known(roles.DefinitionID(owner.ID))}}, "")
	require.NoError(t, err)
	assert.Empty(t, s.RoleDefinitions)

	s, err = Seed(access.Model{WorkspaceID: access.Known(workspace),
		Role: access.Role{RoleDefinitionID: access.Known(roleOfOthers),
			Definition: `{"properties": {"roleName": "x", "permissions": [{"actions": ` +
				`["a/b"]}]}}`, Scope: access.AtResourceGroup}}, "")
	require.NoError(t, err)
	require.Len(t, s.RoleDefinitions, 1)
	assert.Equal(t, []string{strings.Split(workspace, "/providers/")[0]}, s.RoleDefinitions[0].AssignableScopes)
}
