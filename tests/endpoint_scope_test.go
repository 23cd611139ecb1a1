package tests

import (
	"slices"
	"strings"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/components"
	"github.com/batchaccess/batchaccess/roles"
)

func limited() components.BatchEndpointAccessArgs {
	args := environment()
	args.Role.Scope = access.AtEndpoint
	return args
}

func TestEndpointScopeMakesTwoRolesWithNamesOfTheirOwn(t *testing.T) {
	t.Parallel()
	whole, r := run(t, batchEndpointAccess(environment())), run(t, batchEndpointAccess(limited()))
	var want []string
	for _, invoker := range []string{"alice", "staff", "pipeline", "factory"} {
		want = append(want, "RoleAssignment access.endpoint.classifier."+invoker)
	}
	for _, invoker := range []string{"alice", "partner", "scheduler", "robot"} {
		want = append(want, "RoleAssignment access.endpoint.tagger."+invoker)
	}
	for _, invoker := range []string{"alice", "staff", "pipeline", "partner", "robot", "scheduler", "factory"} {
		want = append(want, "RoleAssignment access.workspace."+invoker)
	}
	want = append(want, "InvokerRole access.endpoint", "RoleDefinition access.endpoint", "InvokerRole access.workspace",
		"RoleDefinition access.workspace")
	others := func(names []string) []string {
		return slices.DeleteFunc(names, func(name string) bool { return slices.Contains(whole.names(), name) })
	}
	assert.ElementsMatch(t, want, others(r.names()),
		"nothing of the role at the workspace has one of these names, so what is new is made before the old goes")

	endpoint, workspace := r.one(roleDefinition, "access.endpoint"), r.one(roleDefinition, "access.workspace")
	assert.ElementsMatch(t, roles.InvokerActions(),
		slices.Concat(permissionsOf(t, endpoint)[0].Actions, permissionsOf(t, workspace)[0].Actions))
	assert.Len(t, permissionsOf(t, endpoint)[0].Actions, 6)
	for _, d := range []registration{endpoint, workspace} {
		assert.Equal(t, []any{group("ml")}, d.at("assignableScopes"))
	}
	assert.NotEqual(t, endpoint.at("roleName"), workspace.at("roleName"))
	assert.NotEqual(t, endpoint.at("roleDefinitionId"), workspace.at("roleDefinitionId"))
	at := r.one(roleAssignment, "access.endpoint.tagger.alice")
	assert.Equal(t, workspaceID+"/batchEndpoints/tagger", at.at("scope"))
	assert.Contains(t, at.at("roleDefinitionId"), endpoint.at("roleDefinitionId"))
	assert.Equal(t, workspaceID, r.one(roleAssignment, "access.workspace.alice").at("scope"))
	assert.Contains(t, r.output("endpointRoleDefinitionId"), endpoint.at("roleDefinitionId"))
	assert.Contains(t, r.output("roleDefinitionId"), workspace.at("roleDefinitionId"))
}

func TestTheNamesOfTheTwoRolesFollowTheOneThatIsGiven(t *testing.T) {
	t.Parallel()
	args := limited()
	args.Role.Name, args.Role.AssignableScope, args.Role.Additions = "Scorers", access.AtWorkspace, []string{"pollJobs"}
	r := run(t, batchEndpointAccess(args))
	endpoint, workspace := r.one(roleDefinition, "access.endpoint"), r.one(roleDefinition, "access.workspace")
	assert.Equal(t, "Scorers (endpoint)", endpoint.at("roleName"))
	assert.Equal(t, "Scorers (workspace)", workspace.at("roleName"))
	assert.Equal(t, []any{workspaceID}, endpoint.at("assignableScopes"))
	assert.Contains(t, permissionsOf(t, endpoint)[0].Actions,
		"Microsoft.MachineLearningServices/workspaces/batchEndpoints/jobs/read")
	assert.Contains(t, permissionsOf(t, workspace)[0].Actions, "Microsoft.MachineLearningServices/workspaces/jobs/read")
}

func TestEndpointScopeIsSaidToBeInferredInThePreview(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		args components.BatchEndpointAccessArgs
		want int
	}{"at endpoints": {limited(), 1}, "at the workspace": {environment(), 0}} {
		_, ps := c.args.Compile()
		said := 0
		for _, p := range ps.Warnings() {
			if strings.Contains(p.What, "inferred for batch ones (facts/batch-endpoints.md)") {
				said++
			}
		}
		assert.Equal(t, c.want, said, name)
	}
}

func TestAPartOfTheRoleByItself(t *testing.T) {
	t.Parallel()
	someone := components.AssigneeArgs{PrincipalID: pulumi.String(alice), PrincipalType: "User"}
	r := run(t, invokerRole(components.InvokerRoleArgs{Scope: pulumi.String(workspaceID), Part: access.AtEndpoint,
		Endpoints: map[string]map[string]components.AssigneeArgs{"tagger": {"alice": someone},
			"scorer": {"alice": someone}}}))
	assert.Equal(t, []string{"InvokerRole role", "RoleAssignment role.scorer.alice", "RoleAssignment role.tagger.alice",
		"RoleDefinition role"}, r.names())
	assert.Len(t, permissionsOf(t, r.one(roleDefinition, "role"))[0].Actions, 6)
	r = run(t, invokerRole(components.InvokerRoleArgs{Scope: pulumi.String(workspaceID), Part: access.AtWorkspace}))
	assert.Len(t, permissionsOf(t, r.one(roleDefinition, "role"))[0].Actions, 29)
}

func TestWhatDoesNotGoWithAPartOfTheRole(t *testing.T) {
	t.Parallel()
	someone := map[string]components.AssigneeArgs{"alice": {PrincipalID: pulumi.String(alice), PrincipalType: "User"}}
	at := map[string]map[string]components.AssigneeArgs{"tagger": someone}
	for name, c := range map[string]struct {
		args components.InvokerRoleArgs
		says []string
	}{
		"an unknown word": {components.InvokerRoleArgs{Part: "endpoints"},
			[]string{`part: unknown value "endpoints"; did you mean "endpoint"`}},
		"a built-in role": {components.InvokerRoleArgs{Part: access.AtWorkspace, BuiltIn: roles.Contributor},
			[]string{"builtIn: does not go with role.scope endpoint"}},
		"endpoints without it": {components.InvokerRoleArgs{Endpoints: at},
			[]string{"endpoints: only goes with part endpoint"}},
		"endpoints with the other part": {components.InvokerRoleArgs{Part: access.AtWorkspace, Endpoints: at},
			[]string{"endpoints: only goes with part endpoint"}},
		"invokers at the workspace": {components.InvokerRoleArgs{Part: access.AtEndpoint, Invokers: someone},
			[]string{"invokers: does not go with part endpoint"}},
		"a group's endpoints": {components.InvokerRoleArgs{Part: access.AtEndpoint, Scope: pulumi.String(group("ml"))},
			[]string{"scope: is not that of a workspace"}},
		"several at once": {components.InvokerRoleArgs{Part: access.AtEndpoint,
			Endpoints: map[string]map[string]components.AssigneeArgs{"": someone, "a/b": {"bob": {}}}},
			[]string{`endpoints.: "" is not the name of a batch endpoint`, `endpoints.a/b: "a/b" is not the name`,
				"endpoints.a/b.bob.principalId: is missing", "endpoints.a/b.bob.principalType: unknown value"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if c.args.Scope == nil {
				c.args.Scope = pulumi.String(workspaceID)
			}
			said := refused(t, invokerRole(c.args))
			for _, says := range c.says {
				assert.Contains(t, said, says)
			}
		})
	}
}

// A rename keeps the assignments of a stack at this scope too: each has an alias with its former name.
func TestARenamedInvokerKeepsItsAssignmentsAtEndpoints(t *testing.T) {
	t.Parallel()
	args := limited()
	i := args.Invokers["alice"]
	i.Was = "al"
	args.Invokers["alice"] = i
	r := run(t, batchEndpointAccess(args))
	for _, name := range []string{"access.endpoint.tagger.", "access.endpoint.classifier.", "access.workspace."} {
		aliases := r.one(roleAssignment, name+"alice").RPC.GetAliases()
		require.NotEmpty(t, aliases)
		assert.Equal(t, name+"al", aliases[0].GetSpec().GetName())
	}
}
