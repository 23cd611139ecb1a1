package components

import (
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/batchaccess/batchaccess/access"
)

// RoleArgs are the role that invokers get: by default a custom role of the article's 35 actions, at the workspace; with
// scope endpoint, two roles that have the 35 actions together.
type RoleArgs struct {
	// Scope is endpoint, workspace, resourceGroup or subscription. With endpoint, an invoker can start jobs only on the
	// endpoints that name it: the actions about batch endpoints, deployments and their jobs are assigned at each of
	// them, the others at the workspace. That Azure takes an assignment at a batch endpoint is inferred. Default:
	// workspace.
	Scope access.Level `pulumi:"scope,optional"`
	// Name of the custom role, unique in the tenant, at most 512 characters. Default: a name made from the scope.
	Name string `pulumi:"name,optional"`
	// AssignableScope of a role that is made and assigned at the workspace: resourceGroup, as Azure advises, because
	// the number of custom roles is limited; or workspace, for those who may write roles only at the workspace.
	// Default: resourceGroup.
	AssignableScope access.Level `pulumi:"assignableScope,optional"`
	// Additions to the 35 actions, by name: pollJobs, cancelJobs, readRegistryAssets.
	Additions []string `pulumi:"additions,optional"`
	// BuiltIn is the name of a built-in role to assign instead of a custom one: AzureML Data Scientist, Azure AI
	// Developer, Azure AI Administrator, Contributor or Owner. All of them allow more than starting jobs needs. AzureML
	// Data Scientist lacks one of the 35 actions; for one more action it is undecided whether it and Azure AI Developer
	// allow it.
	BuiltIn string `pulumi:"builtIn,optional"`
	// RoleDefinitionID is the ARM ID of a role that exists, made by hand or by another stack. The stack only assigns
	// it. The ID does not say what the role allows: give Definition too, so that it can be judged and rehearsed.
	RoleDefinitionID pulumi.StringInput `pulumi:"roleDefinitionId,optional"`
	// Definition is a role of your own instead of the 35 actions, as JSON in the form that the portal exports. Without
	// assignableScopes it becomes assignable at Scope. With RoleDefinitionID no role is made: Definition says what that
	// role allows.
	Definition string `pulumi:"definition,optional"`
}

// model returns the role as package access has it.
func (r RoleArgs) model() access.Role {
	return access.Role{
		Scope: r.Scope, Name: r.Name, Additions: r.Additions, BuiltIn: r.BuiltIn,
		Definition: r.Definition, RoleDefinitionID: idOf(r.RoleDefinitionID),
	}
}
