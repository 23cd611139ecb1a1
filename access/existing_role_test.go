package access_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/batchaccess/batchaccess/access"
)

const (
	definitionOfMore = `{"properties": {"roleName": "Scorers", "permissions": [{"actions": ` +
		`["Microsoft.MachineLearningServices/*"]}]}}`
	definitionOfLess = `{"properties": {"roleName": "Readers", "permissions": [{"actions": ` +
		`["Microsoft.MachineLearningServices/workspaces/read"]}]}}`
)

var (
	someRoleID = access.Known("/subscriptions/" + subscription +
		"/providers/Microsoft.Authorization/roleDefinitions/77777777-7777-4777-8777-777777777777")
	dataScientistID = access.Known("/providers/Microsoft.Authorization/roleDefinitions/" +
		"f6c7c914-8db3-469d-8ca1-694a8f32e121")
)

func withRole(m access.Model, r access.Role) access.Model {
	m.Role = r
	return m
}

func TestAnExistingRoleIsJudgedByWhatIsSaidOfIt(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		role    access.Role
		outcome string // at the declared path
		warning string // "" for none
	}{
		"only its ID": {access.Role{RoleDefinitionID: someRoleID},
			"undecided at invoke: invoker alice needs what the existing role allows", "what the role allows is not known " +
				"here"},
		"an ID that is not known yet": {access.Role{RoleDefinitionID: access.Later(nil)}, "undecided at invoke",
			"what the role allows is not known here"},
		"with a definition that is enough": {access.Role{RoleDefinitionID: someRoleID, Definition: definitionOfMore}, "works",
			""},
		"with one, and the ID not known yet": {access.Role{RoleDefinitionID: access.Later(nil), Definition: definitionOfMore},
			"works", ""},
		"with one that is not enough": {access.Role{RoleDefinitionID: someRoleID, Definition: definitionOfLess},
			"fails at invoke: invoker alice needs Microsoft.MachineLearningServices", "lacks 34 of the 35"},
		"the ID of a built-in role": {access.Role{RoleDefinitionID: dataScientistID}, "fails at invoke",
			"lacks 1 of the 35"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := withRole(blobModel(), c.role)
			ps := validate(m)
			require.NoError(t, ps.Err())
			assert.Equal(t, c.warning != "", len(ps) == 1, "%v", ps)
			for _, p := range ps {
				assert.Contains(t, p.String(), c.warning)
			}
			paths := compile(m).Paths()
			require.NotEmpty(t, paths)
			assert.Contains(t, paths[0].Outcome(), c.outcome)
			assert.Equal(t, c.outcome == "works", paths[0].Works())
			assert.Contains(t, compile(m).Report().Paths["alice"]["scorer"]["in"], c.outcome)
			assert.Equal(t, "existing role", compile(m).Report().Grants["invoker alice"]["workspace"])
		})
	}
}

// A hop that certainly fails wins over an undecided one.
func TestWhatFailsForSureIsNotUndecided(t *testing.T) {
	t.Parallel()
	m := withRole(scoring(), access.Role{RoleDefinitionID: someRoleID})
	for _, p := range compile(m).Paths() {
		assert.Equal(t, p.Declared || p.Input == "public", p.Undecided(), "%s on %s with %s: %s", p.Invoker, p.Endpoint,
			p.Input, p.Outcome())
	}
}

func TestAnExistingRoleIsGivenAlone(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		role access.Role
		says string
	}{
		"with a name": {access.Role{RoleDefinitionID: someRoleID, Name: "x"},
			"role.roleDefinitionId: a role that exists can't be renamed, added to or chosen twice; leave out name, builtIn " +
				"and additions"},
		"with additions": {access.Role{RoleDefinitionID: someRoleID, Additions: []string{"pollJobs"}},
			"role.roleDefinitionId: a role that exists"},
		"with a built-in": {access.Role{RoleDefinitionID: access.Later(nil), BuiltIn: "Owner"},
			"role.roleDefinitionId: a role that exists"},
		"a name for an ID": {access.Role{RoleDefinitionID: access.Known("Scorers")},
			`role.roleDefinitionId: "Scorers" is not the ARM ID of a role definition; write …/providers`},
		"an assignment's": {
			access.Role{RoleDefinitionID: access.Known(
				"/providers/Microsoft.Authorization/roleAssignments/77777777-7777-4777-8777-777777777777")},
			"is not the ARM ID",
		},
		"a GUID alone": {access.Role{RoleDefinitionID: access.Known("77777777-7777-4777-8777-777777777777")},
			"is not the ARM ID"},
		"a bad definition": {access.Role{RoleDefinitionID: someRoleID, Definition: "{}"}, "role.definition: "},
		"out of its scopes": {access.Role{RoleDefinitionID: someRoleID,
			Definition: `{"properties": {"roleName": "x", "assignableScopes": ["/subscriptions/other"], ` +
				`"permissions": [{"actions": ["a/b"]}]}}`}, "outside its assignable scopes"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.ErrorContains(t, validate(withRole(blobModel(), c.role)).Err(), c.says)
		})
	}
}

// An assertion holds only if it is known that the role allows an action, and only if it is known that it does not.
func TestAssertionsTakeARoleThatIsNotKnownForTheWorse(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		a       access.Assertion
		scope   access.Level
		because string // "" if it holds
	}{
		"can start": {access.Assertion{Can: []string{"ann"}, Start: "pay"}, "",
			"undecided at invoke: invoker ann needs what the existing role allows"},
		"cannot start": {access.Assertion{Cannot: []string{"bob"}, Start: "pay"}, "",
			"may start jobs by what the existing role allows"},
		"can do": {access.Assertion{Can: []string{"ann"}, Do: "changesCode"}, "",
			"no role that is known here covers changesCode"},
		"cannot do": {access.Assertion{Cannot: []string{"ann"}, Do: "changesCode"}, "",
			"may have Microsoft.MachineLearningServices"},
		"cannot do what a workspace does not": {access.Assertion{Cannot: []string{"ann"},
			Do: "Microsoft.Storage/storageAccounts/delete"}, "", ""},
		"cannot do what the scope has": {access.Assertion{Cannot: []string{"ann"},
			Do: "Microsoft.Storage/storageAccounts/delete"}, access.AtSubscription, "may have"},
		"a cluster cannot do": {access.Assertion{Cannot: []string{"cluster:cpu"}, Do: "changesCode"}, "", ""},
		"cannot read":         {access.Assertion{Cannot: []string{"bob"}, Read: "payroll"}, "", ""},
		"cannot read what lies in the scope": {access.Assertion{Cannot: []string{"bob"}, Read: "payroll"},
			access.AtSubscription, "may read storage by existing role on subscription"},
		"cannot read what opens itself": {access.Assertion{Cannot: []string{"bob"}, Read: "public"}, "",
			"may start jobs by what the existing role allows"},
		"can read: the data is open, the role no": {access.Assertion{Can: []string{"ann"}, Read: "payroll"}, "",
			"undecided at invoke"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := withRole(scoring(), access.Role{RoleDefinitionID: someRoleID, Scope: c.scope})
			m.Assertions = map[string]access.Assertion{"a": c.a}
			v := compile(m).Verdicts[0]
			assert.Equal(t, c.because == "", v.Holds, v.Because)
			assert.Contains(t, v.Because, c.because)
		})
	}
}
