package tests

import (
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/batchaccess/batchaccess/components"
	"github.com/batchaccess/batchaccess/internal/arm"
)

const (
	someRole    = "77777777-7777-4777-8777-777777777777"
	otherRoleID = "/subscriptions/22222222-2222-4222-8222-222222222222/providers/Microsoft.Authorization/" +
		"roleDefinitions/" + someRole
	scorers = `{"properties": {"roleName": "Scorers", "permissions": [{"actions": ` +
		`["Microsoft.MachineLearningServices/*"]}]}}`
	unknownRole = "what the role allows is not known here"
)

// fromElsewhere gives the role's ID to InvokerRole as an output that a preview does not know.
func fromElsewhere(roleID string, args components.InvokerRoleArgs) program {
	return func(ctx *pulumi.Context) (pulumi.Map, error) {
		id, err := later(ctx)
		if err != nil {
			return nil, err
		}
		args.RoleDefinitionID = id.ApplyT(func(string) string { return roleID }).(pulumi.StringOutput)
		return invokerRole(args)(ctx)
	}
}

func TestAnExistingRoleIsOnlyAssigned(t *testing.T) {
	t.Parallel()
	args := components.InvokerRoleArgs{
		Scope: pulumi.String(workspaceID), Invokers: map[string]components.AssigneeArgs{
			"alice": {PrincipalID: pulumi.String(alice), PrincipalType: "User"}},
	}
	plainly := args
	plainly.RoleDefinitionID = pulumi.String(otherRoleID)
	for name, r := range map[string]*recorder{
		"a text": run(t, invokerRole(plainly)), "an output": run(t, fromElsewhere(otherRoleID, args)),
		"a text, at a preview": preview(t, invokerRole(plainly)),
	} {
		assert.Empty(t, r.ofType(roleDefinition), name)
		a := r.one(roleAssignment, "role.alice")
		assert.Equal(t, roleIDs+someRole, a.at("roleDefinitionId"),
			"%s: as Azure answers it, in the subscription of the scope", name)
		assert.Equal(t, arm.AssignmentGUID(workspaceID, alice, someRole), a.at("roleAssignmentName"), name)
		assert.Equal(t, roleIDs+someRole, r.output("roleDefinitionId"), name)
		assert.Empty(t, r.output("roleName"), name)
		require.Len(t, r.logs, 1, name)
		assert.Contains(t, r.logs[0], "warning: roleDefinitionId: "+unknownRole, name)
	}
	unknown := preview(t, fromElsewhere(otherRoleID, args)).one(roleAssignment, "role.alice")
	assert.True(t, unknown.isUnknown("roleDefinitionId"))
	assert.True(t, unknown.isUnknown("roleAssignmentName"), "a name made of an ID that is not known would be wrong")
	assert.Equal(t, alice, unknown.at("principalId"))
}

func TestTheDefinitionOfAnExistingRoleMakesNone(t *testing.T) {
	t.Parallel()
	r := run(t, invokerRole(components.InvokerRoleArgs{Scope: pulumi.String(workspaceID),
		RoleDefinitionID: pulumi.String(otherRoleID), Definition: scorers}))
	assert.Equal(t, []string{"InvokerRole role"}, r.names())
	assert.Equal(t, "Scorers", r.output("roleName"))
	assert.Empty(t, r.logs, "what it allows is told")
}

func TestAnExistingRoleThatIsNoneIsRefusedBeforeItIsAssigned(t *testing.T) {
	t.Parallel()
	for id, says := range map[string]string{"": "roleDefinitionId: is empty; check that the stack that it comes from " +
		"exports it", "Scorers": `roleDefinitionId: "Scorers" is not the ARM ID of a role definition`} {
		r := newRecorder(t)
		err := r.try(fromElsewhere(id, components.InvokerRoleArgs{
			Scope: pulumi.String(workspaceID), Invokers: map[string]components.AssigneeArgs{
				"alice": {PrincipalID: pulumi.String(alice), PrincipalType: "User"}},
		}))
		require.ErrorContains(t, err, says)
		assert.Empty(t, r.ofType(roleAssignment))
	}
	assert.Contains(t, refused(t, invokerRole(components.InvokerRoleArgs{Scope: pulumi.String(workspaceID),
		RoleDefinitionID: pulumi.String("Scorers")})),
		`roleDefinitionId: "Scorers" is not the ARM ID`)
	assert.Contains(t, refused(t, invokerRole(components.InvokerRoleArgs{Scope: pulumi.String(workspaceID),
		RoleDefinitionID: pulumi.String(otherRoleID), Name: "x"})),
		"roleDefinitionId: a role that exists can't be renamed")
}

func TestAnExistingRoleReachesEveryInvokerOfTheModel(t *testing.T) {
	t.Parallel()
	args := environment()
	args.Role = components.RoleArgs{RoleDefinitionID: pulumi.String(otherRoleID), Scope: "resourceGroup"}
	assert.Contains(t, refused(t, batchEndpointAccess(args)), "give role.definition beside role.roleDefinitionId",
		"its assertions can't be judged")
	args.Assertions = nil
	r := run(t, batchEndpointAccess(args))
	assert.Empty(t, r.ofType(roleDefinition))
	for name := range args.Invokers {
		a := r.one(roleAssignment, "access."+name)
		assert.Equal(t, roleIDs+someRole, a.at("roleDefinitionId"), name)
		assert.Equal(t, group("ml"), a.at("scope"), name)
	}
	require.Len(t, r.logs, 1, "it is told once")
	assert.Contains(t, r.logs[0], unknownRole)
}
