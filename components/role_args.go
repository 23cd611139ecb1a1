package components

import (
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/batchaccess/batchaccess/access"
)

// RoleArgs are the role that invokers get: by default a custom role of the article's 35 actions, at the workspace; with
// scope endpoint two, which have the 35 actions together.
type RoleArgs struct {
	// Scope is endpoint, workspace, resourceGroup or subscription. With endpoint an invoker starts jobs on the endpoints
	// that name it and on no other: the actions about batch endpoints, deployments and their jobs are assigned at each
	// of them, the others at the workspace. That Azure takes an assignment at a batch endpoint is inferred. Default:
	// workspace.
	Scope access.Level `pulumi:"scope,optional"`
	// Name of the custom role, unique in the tenant, at most 512 characters. Default: one made from the scope.
	Name string `pulumi:"name,optional"`
	// AssignableScope of a role that is made and assigned at the workspace: resourceGroup (default), as Azure advises,
	// whose custom roles are limited in number; or workspace, for those who may write roles at the workspace alone.
	AssignableScope access.Level `pulumi:"assignableScope,optional"`
	// Additions to the 35 actions, by name: pollJobs, cancelJobs, readRegistryAssets.
	Additions []string `pulumi:"additions,optional"`
	// BuiltIn is the name of a built-in role to assign in place of a custom one: AzureML Data Scientist, Azure AI
	// Developer, Azure AI Administrator, Contributor or Owner. All of them allow more than starting jobs needs; AzureML
	// Data Scientist lacks one of the 35 actions, and of one more it is undecided whether it and Azure AI Developer allow
	// it.
	BuiltIn string `pulumi:"builtIn,optional"`
	// RoleDefinitionID is the ARM ID of a role that exists, made by hand or by another stack. It is only assigned. The ID
	// does not say what it allows: give Definition too to have it judged and rehearsed.
	RoleDefinitionID pulumi.StringInput `pulumi:"roleDefinitionId,optional"`
	// Definition is a role of the user's own in place of the 35 actions, as JSON in the form that the portal exports.
	// Without assignableScopes it is made assignable at Scope. Beside RoleDefinitionID it makes nothing: it says what that
	// role allows.
	Definition string `pulumi:"definition,optional"`
}

// model is the role as package access sees it.
func (r RoleArgs) model() access.Role {
	return access.Role{
		Scope: r.Scope, Name: r.Name, Additions: r.Additions, BuiltIn: r.BuiltIn,
		Definition: r.Definition, RoleDefinitionID: idOf(r.RoleDefinitionID),
	}
}
