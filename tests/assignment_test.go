package tests

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/components"
	"github.com/batchaccess/batchaccess/internal/arm"
	"github.com/batchaccess/batchaccess/roles"
)

func TestAssignmentGUIDs(t *testing.T) {
	t.Parallel()
	const reader = "2a2b9908-6ea1-4ae2-8e65-a410df84e7d1"
	// Fixed: another GUID for the same three would replace every assignment of every stack.
	const pinned = "e6bc0a5e-146a-5eec-aa6d-cfaee9348544"
	assert.Equal(t, pinned, arm.AssignmentGUID(workspaceID, alice, reader))

	for name, same := range map[string]string{
		"role by ARM ID": arm.AssignmentGUID(workspaceID, alice,
			"/providers/Microsoft.Authorization/roleDefinitions/"+reader),
		"role by ARM ID with subscription": arm.AssignmentGUID(workspaceID, alice,
			"/subscriptions/"+subscription+"/providers/Microsoft.Authorization/roleDefinitions/"+reader),
		"scope in other letter case":     arm.AssignmentGUID(strings.ToUpper(workspaceID), alice, reader),
		"principal in other letter case": arm.AssignmentGUID(workspaceID, strings.ToUpper(alice), reader),
		"role in other letter case":      arm.AssignmentGUID(workspaceID, alice, strings.ToUpper(reader)),
		"scope with a slash behind it":   arm.AssignmentGUID(workspaceID+"/", alice, reader),
	} {
		assert.Equal(t, pinned, same, name)
	}
	other := map[string]string{"": pinned}
	for name, different := range map[string]string{
		"scope":     arm.AssignmentGUID(workspaceID+"2", alice, reader),
		"principal": arm.AssignmentGUID(workspaceID, bob, reader),
		"role":      arm.AssignmentGUID(workspaceID, alice, bob),
		"swapped":   arm.AssignmentGUID(workspaceID, reader, alice),
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
		assert.Equal(t, arm.AssignmentGUID(a.at("scope").(string), a.at("principalId").(string),
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

func TestAssignmentsAlwaysNameThePrincipalType(t *testing.T) {
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
	assert.True(t, strings.HasSuffix(got, "é… [batchaccess:batchaccess/test/role.long]"), "the mark is never cut off")
	assert.Equal(t, long[:2*400]+" [batchaccess:batchaccess/test/role.fits]",
		r.one(roleAssignment, "role.fits").at("description"))
}

// An assignment that somebody made by hand has its own description. A stack that adopts it keeps that, wherever the
// assignment comes from in the model: otherwise the first preview after an adoption would show an update.
func TestAssignmentsThatWereThereKeepTheirDescription(t *testing.T) {
	t.Parallel()
	definition := `{"properties": {"roleName": "starters", "assignableScopes": ["` + workspaceID +
		`"], "permissions": [{"actions": ["Microsoft.MachineLearningServices/workspaces/*"]}]}}`
	for name, role := range map[string]components.RoleArgs{
		"a role that exists": {RoleDefinitionID: pulumi.String("/subscriptions/" + subscription +
			"/providers/Microsoft.Authorization/roleDefinitions/" + alice), Definition: definition},
		"a built-in role":                 {BuiltIn: roles.Contributor},
		"a built-in role, and the folder": {BuiltIn: roles.Contributor, Scope: "resourceGroup"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			args := components.BatchEndpointAccessArgs{
				WorkspaceID: pulumi.String(workspaceID), Location: pulumi.String("westeurope"), Role: role,
				Invokers: map[string]components.InvokerArgs{
					"bob":   {Kind: "user", ObjectID: pulumi.String(bob)},
					"staff": {Kind: "group", ObjectID: pulumi.String(strings.ToUpper(alice))},
				},
				Clusters: map[string]components.ClusterArgs{"cpu": {Existing: true,
					PrincipalID: pulumi.String("77777777-7777-4777-8777-777777777777")}},
				StorageAccounts: map[string]pulumi.StringInput{"lake": pulumi.String("/subscriptions/" + subscription +
					"/resourceGroups/data/providers/Microsoft.Storage/storageAccounts/lake")},
				DataInputs: map[string]access.DataInput{
					"all":      {Kind: "blob", StorageAccount: "lake", Container: "all", Scope: "account"},
					"patients": {Kind: "adlsGen2", StorageAccount: "lake", Container: "patients"},
				},
				Endpoints: map[string]access.Endpoint{"heart": {Cluster: "cpu",
					Inputs: []string{"all", "patients"}, Invokers: []string{"bob", "staff"}}},
			}
			before := run(t, batchEndpointAccess(args)).ofType(roleAssignment)
			require.Greater(t, len(before), 4)
			args.AssignmentNames = map[string]string{}
			for _, a := range before {
				assert.Empty(t, a.RPC.GetIgnoreChanges(), a.Name)
				derived := a.at("roleAssignmentName").(string)
				args.AssignmentNames[derived] = arm.AssignmentGUID(derived, derived, derived)
			}
			after := run(t, batchEndpointAccess(args)).ofType(roleAssignment)
			require.Len(t, after, len(before))
			for i, a := range after {
				assert.Equal(t, []string{"description"}, a.RPC.GetIgnoreChanges(), a.Name)
				assert.Equal(t, args.AssignmentNames[before[i].at("roleAssignmentName").(string)], a.at("roleAssignmentName"))
			}
		})
	}
}
