package tests

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/components"
	"github.com/batchaccess/batchaccess/roles"
)

const (
	workspaceID = "/subscriptions/" + subscription +
		"/resourceGroups/ml/providers/Microsoft.MachineLearningServices/workspaces/scoring"
	alice = "aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa"
	bob   = "bbbbbbbb-bbbb-4bbb-8bbb-bbbbbbbbbbbb"
)

func invokerRole(args components.InvokerRoleArgs, opts ...pulumi.ResourceOption) program {
	return func(ctx *pulumi.Context) (pulumi.Map, error) {
		role, err := components.NewInvokerRole(ctx, "role", &args, opts...)
		if err != nil {
			return nil, err
		}
		return pulumi.Map{"roleDefinitionId": role.RoleDefinitionID, "roleName": role.RoleName}, nil
	}
}

// permissionsOf reads the permissions of a registered role back.
func permissionsOf(t *testing.T, r registration) roles.Permissions {
	t.Helper()
	text, err := json.Marshal(r.at("permissions"))
	require.NoError(t, err)
	var ps roles.Permissions
	require.NoError(t, json.Unmarshal(text, &ps))
	return ps
}

func TestInvokerRoleIsTheDocumentedActionsAndNothingElse(t *testing.T) {
	t.Parallel()
	r := run(t, invokerRole(components.InvokerRoleArgs{Scope: pulumi.String(workspaceID)}))
	assert.Equal(t, []string{"InvokerRole role", "RoleDefinition role"}, r.names())

	role := r.one(roleDefinition, "role")
	ps := permissionsOf(t, role)
	require.Len(t, ps, 1)
	assert.Equal(t, roles.InvokerActions(), ps[0].Actions)
	assert.Len(t, ps[0].Actions, 35)
	assert.Empty(t, ps[0].NotActions)
	assert.Empty(t, ps[0].DataActions)
	assert.Empty(t, ps[0].NotDataActions)
	assert.Equal(t, group("ml"), role.at("scope"))
	assert.Equal(t, []any{group("ml")}, role.at("assignableScopes"),
		"Azure advises against a single resource: custom roles are limited by tenant")
	assert.Equal(t, "CustomRole", role.at("roleType"))
	assert.Regexp(t, `^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`, role.at("roleDefinitionId"))
	assert.False(t, role.RPC.GetDeleteBeforeReplace(), "another role has another name, and is made before this one goes")
	assert.True(t, role.RPC.GetDeleteBeforeReplaceDefined())
	assert.Empty(t, role.RPC.GetReplaceOnChanges(), "a role's actions change in place")
	assert.Equal(t, group("ml")+"/providers/Microsoft.Authorization/roleDefinitions/"+role.at("roleDefinitionId").(string),
		r.output("roleDefinitionId"))
	assert.Equal(t, role.at("roleName"), r.output("roleName"))
}

func TestTheRoleIsAssignableAtTheWorkspaceAloneWhereThatIsAskedFor(t *testing.T) {
	t.Parallel()
	r := run(t, invokerRole(components.InvokerRoleArgs{Scope: pulumi.String(workspaceID),
		AssignableScope: access.AtWorkspace}))
	assert.Equal(t, workspaceID, r.one(roleDefinition, "role").at("scope"))
	assert.Equal(t, []any{workspaceID}, r.one(roleDefinition, "role").at("assignableScopes"))

	args := environment()
	args.Role.AssignableScope = access.AtWorkspace
	r = run(t, batchEndpointAccess(args))
	assert.Equal(t, []any{workspaceID}, r.one(roleDefinition, "access").at("assignableScopes"))

	for name, c := range map[string]struct {
		role components.RoleArgs
		says string
	}{
		"an unknown word": {components.RoleArgs{AssignableScope: "subscription"},
			`unknown value "subscription"; use resourceGroup or workspace`},
		"a wider assignment": {components.RoleArgs{AssignableScope: access.AtWorkspace, Scope: access.AtResourceGroup},
			"the role is assigned at " + group("ml")},
		"a role that exists": {components.RoleArgs{AssignableScope: access.AtWorkspace, BuiltIn: roles.Contributor},
			"only goes with a role that is made"},
	} {
		args := environment()
		args.Role = c.role
		assert.Contains(t, refused(t, batchEndpointAccess(args)), "role.assignableScope: "+c.says, name)
	}
}

func TestARoleWhoseNameIsFixedIsDeletedBeforeItsSuccessorIsMade(t *testing.T) {
	t.Parallel()
	const own = `{"properties": {"roleName": "Ours", "permissions": [{"actions": ["*"]}]}}`
	for name, args := range map[string]components.InvokerRoleArgs{"by name": {Name: "Ours"},
		"by definition": {Definition: own}} {
		args.Scope = pulumi.String(workspaceID)
		assert.True(t, run(t, invokerRole(args)).one(roleDefinition, "role").RPC.GetDeleteBeforeReplace(),
			"%s: Azure refuses two roles of one name", name)
	}
}

func TestTheScopeOfTheRoleIsLookedAtBeforeAnythingIsMade(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ scope, says string }{
		"empty":               {"", "is not a scope of jobs; give the ARM ID of a workspace"},
		"a storage account":   {lakeID, "is not a scope of jobs"},
		"a slash at the end":  {workspaceID + "/", "ends in a slash; take it off"},
		"a group's slash":     {group("ml") + "/", "ends in a slash"},
		"a root":              {"/", "is not a scope of jobs"},
		"a management group":  {"/providers/Microsoft.Management/managementGroups/all", "is not a scope of jobs"},
		"a subscription's ID": {subscription, "is not a scope of jobs"},
		"no GUID":             {"/subscriptions/prod", "is not a scope of jobs"},
		"a name":              {"scoring", "is not a scope of jobs"},
	} {
		assert.Contains(t, refused(t, invokerRole(components.InvokerRoleArgs{Scope: pulumi.String(c.scope)})), c.says, name)
		err := newRecorder(t).try(func(ctx *pulumi.Context) (pulumi.Map, error) { // an output
			_, err := components.NewInvokerRole(ctx, "role",
				&components.InvokerRoleArgs{Scope: pulumi.String(c.scope).ToStringOutput()})
			return nil, err
		})
		assert.ErrorContains(t, err, c.says, name)
	}
	for _, scope := range []string{workspaceID, strings.ToUpper(workspaceID), group("ml"), "/subscriptions/" +
		subscription} {
		run(t, invokerRole(components.InvokerRoleArgs{Scope: pulumi.String(scope)}))
	}
}

func TestInvokerRoleNamesAreUniqueByScopeUnlessGiven(t *testing.T) {
	t.Parallel()
	name := func(args components.InvokerRoleArgs) string {
		return run(t, invokerRole(args)).one(roleDefinition, "role").at("roleName").(string)
	}
	byDefault := name(components.InvokerRoleArgs{Scope: pulumi.String(workspaceID)})
	assert.Regexp(t, `^Batch Endpoint Invoker \(scoring [0-9a-f]{8}\)$`, byDefault)
	assert.NotEqual(t, byDefault, name(components.InvokerRoleArgs{Scope: pulumi.String(group("other") +
		strings.TrimPrefix(workspaceID, group("ml")))}),
		"a workspace of the same name in another group")
	assert.Equal(t, "Starters", name(components.InvokerRoleArgs{Scope: pulumi.String(workspaceID), Name: "Starters"}))
}

func TestInvokerRoleAdditionsAreAddedOnlyWhenNamed(t *testing.T) {
	t.Parallel()
	for _, addition := range roles.Additions() {
		t.Run(addition.Name, func(t *testing.T) {
			t.Parallel()
			r := run(t, invokerRole(components.InvokerRoleArgs{Scope: pulumi.String(workspaceID),
				Additions: []string{addition.Name}}))
			got := permissionsOf(t, r.one(roleDefinition, "role"))[0].Actions
			assert.Equal(t, append(roles.InvokerActions(), addition.Actions...), got)
		})
	}
}

func TestInvokerRoleTakesARoleOfOnesOwn(t *testing.T) {
	t.Parallel()
	const own = `{"properties": {"roleName": "Ours", "description": "d", "assignableScopes": ["/subscriptions/` +
		subscription + `"],
		"permissions": [{"actions": ["Microsoft.MachineLearningServices/workspaces/*"], "notActions": ` +
		`["Microsoft.MachineLearningServices/workspaces/delete"], "dataActions": ["A/b"], "notDataActions": ["A/c"]}]}}`
	r := run(t, invokerRole(components.InvokerRoleArgs{Scope: pulumi.String(workspaceID), Definition: own}))
	role := r.one(roleDefinition, "role")
	assert.Equal(t, "Ours", role.at("roleName"))
	assert.Equal(t, "d", role.at("description"))
	assert.Equal(t, []any{"/subscriptions/" + subscription}, role.at("assignableScopes"))
	assert.Equal(t, roles.Permissions{{
		Actions: []string{"Microsoft.MachineLearningServices/workspaces/" +
			"*"}, NotActions: []string{"Microsoft.MachineLearningServices/workspaces/delete"},
		DataActions: []string{"A/b"}, NotDataActions: []string{"A/c"},
	}}, permissionsOf(t, role))
	assert.Empty(t, r.logs)
}

func TestInvokerRoleWarnsOfARoleThatLacksActions(t *testing.T) {
	t.Parallel()
	const own = `{"properties": {"roleName": "Narrow", "permissions": [{"actions": ` +
		`["Microsoft.MachineLearningServices/workspaces/read"]}]}}`
	r := run(t, invokerRole(components.InvokerRoleArgs{Scope: pulumi.String(workspaceID), Definition: own}))
	require.Len(t, r.logs, 1)
	assert.Contains(t, r.logs[0], "warning: definition: lacks 34 of the 35 actions")
	assert.Equal(t, []any{group("ml")}, r.one(roleDefinition, "role").at("assignableScopes"))
}

func TestInvokerRoleAssignsABuiltInRoleInItsPlace(t *testing.T) {
	t.Parallel()
	for _, name := range roles.InvokerBuiltIns() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := run(t, invokerRole(components.InvokerRoleArgs{
				Scope: pulumi.String(workspaceID), BuiltIn: name,
				Invokers: map[string]components.AssigneeArgs{"alice": {PrincipalID: pulumi.String(alice), PrincipalType: "User"}},
			}))
			assert.Equal(t, []string{"InvokerRole role", "RoleAssignment role.alice"}, r.names(), "no custom role beside it")
			builtIn, _ := roles.BuiltIn(name)
			want := "/subscriptions/" + subscription + "/providers/Microsoft.Authorization/roleDefinitions/" + builtIn.ID
			assert.Equal(t, want, r.one(roleAssignment, "role.alice").at("roleDefinitionId"))
			assert.Equal(t, want, r.output("roleDefinitionId"))
			assert.Equal(t, name, r.output("roleName"))
			switch name {
			case roles.AzureMLDataScientist:
				require.Len(t, r.logs, 1, "the article and the list of built-in roles disagree: say so")
				assert.Contains(t, r.logs[0], "workspaces/computes/listKeys/action")
			case roles.AzureAIDeveloper:
				require.Len(t, r.logs, 1, "no document decides it: say so")
				assert.Contains(t, r.logs[0], "it is undecided whether Azure AI Developer allows")
			default:
				assert.Empty(t, r.logs)
			}
		})
	}
}

func TestInvokerRoleAssignsEveryInvoker(t *testing.T) {
	t.Parallel()
	r := run(t, invokerRole(components.InvokerRoleArgs{
		Scope: pulumi.String(workspaceID),
		Invokers: map[string]components.AssigneeArgs{
			"alice": {PrincipalID: pulumi.String(alice), PrincipalType: "User"},
			"staff": {PrincipalID: pulumi.String(bob), PrincipalType: "Group", Description: "the night shift"},
		},
	}))
	assert.Equal(t, []string{"InvokerRole role", "RoleAssignment role.alice", "RoleAssignment role.staff",
		"RoleDefinition role"}, r.names())
	role := r.one(roleDefinition, "role")
	for name, want := range map[string]struct{ principal, kind, description string }{
		"alice": {alice, "User", "Starts batch jobs: alice [batchaccess:batchaccess/test/role.alice]"},
		"staff": {bob, "Group", "the night shift [batchaccess:batchaccess/test/role.staff]"},
	} {
		a := r.one(roleAssignment, "role."+name)
		assert.Equal(t, want.principal, a.at("principalId"))
		assert.Equal(t, want.kind, a.at("principalType"))
		assert.Equal(t, want.description, a.at("description"))
		assert.Equal(t, workspaceID, a.at("scope"))
		assert.Equal(t,
			"/subscriptions/"+subscription+"/providers/Microsoft.Authorization/roleDefinitions/"+role.at(
				"roleDefinitionId").(string), a.at("roleDefinitionId"))
		assert.Contains(t, a.dependsOn("roleDefinitionId"), role.URN())
		assert.Equal(t, r.one(components.InvokerRoleToken, "role").URN(), a.RPC.GetParent())
	}
}
