package tests

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/batchaccess/batchaccess/components"
	"github.com/batchaccess/batchaccess/roles"
)

func TestAssignmentGUIDs(t *testing.T) {
	t.Parallel()
	const reader = "2a2b9908-6ea1-4ae2-8e65-a410df84e7d1"
	// Pinned: another GUID for the same three would replace every assignment of every stack.
	const pinned = "e6bc0a5e-146a-5eec-aa6d-cfaee9348544"
	assert.Equal(t, pinned, components.AssignmentGUID(workspaceID, alice, reader))

	for name, same := range map[string]string{
		"role by ARM ID": components.AssignmentGUID(workspaceID, alice,
			"/providers/Microsoft.Authorization/roleDefinitions/"+reader),
		"role by ARM ID with subscription": components.AssignmentGUID(workspaceID, alice,
			"/subscriptions/"+subscription+"/providers/Microsoft.Authorization/roleDefinitions/"+reader),
		"scope in other letter case":     components.AssignmentGUID(strings.ToUpper(workspaceID), alice, reader),
		"principal in other letter case": components.AssignmentGUID(workspaceID, strings.ToUpper(alice), reader),
		"role in other letter case":      components.AssignmentGUID(workspaceID, alice, strings.ToUpper(reader)),
		"scope with a slash behind it":   components.AssignmentGUID(workspaceID+"/", alice, reader),
	} {
		assert.Equal(t, pinned, same, name)
	}
	other := map[string]string{"": pinned}
	for name, different := range map[string]string{
		"scope":     components.AssignmentGUID(workspaceID+"2", alice, reader),
		"principal": components.AssignmentGUID(workspaceID, bob, reader),
		"role":      components.AssignmentGUID(workspaceID, alice, bob),
		"swapped":   components.AssignmentGUID(workspaceID, reader, alice),
	} {
		for with, guid := range other {
			assert.NotEqual(t, guid, different, "%s, %s", name, with)
		}
		other[name] = different
	}
}

// everyAssignment is a program with assignments of every origin.
func everyAssignment(t *testing.T) []registration {
	t.Helper()
	all := run(t, batchEndpointAccess(environment())).ofType(roleAssignment)
	require.NotEmpty(t, all)
	return all
}

func TestAssignmentsAreNamedTheSameInEveryRun(t *testing.T) {
	t.Parallel()
	first, second := everyAssignment(t), everyAssignment(t)
	seen := map[any]string{}
	for i, a := range first {
		name := a.at("roleAssignmentName")
		assert.Equal(t, name, second[i].at("roleAssignmentName"), a.Name)
		assert.Equal(t, components.AssignmentGUID(a.at("scope").(string), a.at("principalId").(string),
			a.at("roleDefinitionId").(string)), name)
		assert.Empty(t, seen[name], "%s and %s share a name", a.Name, seen[name])
		seen[name] = a.Name
	}
}

func TestAssignmentsAreReplacedAndNeverUpdated(t *testing.T) {
	t.Parallel()
	for _, a := range everyAssignment(t) {
		assert.Equal(t, []string{"roleDefinitionId"}, a.RPC.GetReplaceOnChanges(),
			"%s: azure-native would update it, and Azure refuse", a.Name)
		assert.True(t, !a.RPC.GetDeleteBeforeReplace() && a.RPC.GetDeleteBeforeReplaceDefined(),
			"%s: what replaces it is another assignment, made before it goes; azure-native would delete first", a.Name)
	}
}

func TestAssignmentsAlwaysTellThePrincipalType(t *testing.T) {
	t.Parallel()
	want := map[string]string{"alice": "User", "staff": "Group"}
	seen := map[any]bool{}
	for _, a := range everyAssignment(t) {
		kind := "ServicePrincipal"
		if to := want[a.Name[strings.LastIndex(a.Name, ".")+1:]]; to != "" {
			kind = to
		}
		assert.Equal(t, kind, a.at("principalType"), a.Name)
		seen[a.at("principalType")] = true
	}
	assert.Len(t, seen, 3)
}

func TestAssignmentsNameTheRoleAsAzureAnswersIt(t *testing.T) {
	t.Parallel()
	for _, a := range everyAssignment(t) {
		assert.Regexp(t, `^/subscriptions/`+subscription+`/providers/Microsoft.Authorization/roleDefinitions/[0-9a-f-]{36}$`,
			a.at("roleDefinitionId"),
			"%s: the other form would show a change at every refresh", a.Name)
	}
}

func TestAssignmentDescriptionsFitThePortal(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("é", 600)
	r := run(t, invokerRole(components.InvokerRoleArgs{
		Scope: pulumi.String(workspaceID), BuiltIn: roles.Contributor,
		Invokers: map[string]components.AssigneeArgs{
			"long": {PrincipalID: pulumi.String(alice), PrincipalType: "User", Description: long},
			"fits": {PrincipalID: pulumi.String(bob), PrincipalType: "User", Description: long[:2*400]},
		},
	}))
	got := r.one(roleAssignment, "role.long").at("description").(string)
	assert.Equal(t, 512, utf8.RuneCountInString(got))
	assert.True(t, strings.HasSuffix(got, "é… [batchaccess:batchaccess/test/role.long]"), "whose it is is never cut off")
	assert.Equal(t, long[:2*400]+" [batchaccess:batchaccess/test/role.fits]",
		r.one(roleAssignment, "role.fits").at("description"))
}
