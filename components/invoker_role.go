package components

import (
	"cmp"
	"errors"
	"fmt"

	"github.com/pulumi/pulumi-azure-native-sdk/authorization/v2"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/roles"
)

// InvokerRoleArgs are the arguments of an InvokerRole.
type InvokerRoleArgs struct {
	// Scope is the ARM ID of the workspace, resource group or subscription at which the role is defined and assigned. Required.
	Scope pulumi.StringInput `pulumi:"scope"`
	// Name of the role, unique in the tenant, at most 512 characters. Default: "Batch Endpoint Invoker", with the scope's
	// name and a few digits that keep it unique.
	Name string `pulumi:"name,optional"`
	// Additions to the article's 35 actions, by name: pollJobs, cancelJobs, readRegistryAssets. Default: none.
	Additions []string `pulumi:"additions,optional"`
	// BuiltIn is a built-in role to assign in place of a custom one: AzureML Data Scientist, Azure AI Developer, Azure AI
	// Administrator, Contributor or Owner.
	BuiltIn string `pulumi:"builtIn,optional"`
	// RoleDefinitionID is the ARM ID of a role that exists, such as an output of a StackReference. No role is made then: it
	// is only assigned. It goes without Name, Additions and BuiltIn.
	RoleDefinitionID pulumi.StringInput `pulumi:"roleDefinitionId,optional"`
	// Definition is a role of one's own in place of the seed's, as JSON in the form that the portal exports. Beside
	// RoleDefinitionID it makes nothing: it tells what that role allows.
	Definition string `pulumi:"definition,optional"`
	// Invokers are the principals that are assigned the role, by name. Default: none, only the role is made.
	Invokers map[string]AssigneeArgs `pulumi:"invokers,optional"`
}

// InvokerRole is the custom role that invoking a batch endpoint takes: the article's 35 actions, exactly, unless more is
// asked for by name; or a role that exists. Its assignments are its children.
type InvokerRole struct {
	pulumi.ResourceState

	// RoleDefinitionID is the ARM ID of the role.
	RoleDefinitionID pulumi.StringOutput `pulumi:"roleDefinitionId"`
	// RoleName is the name of the role; "" of one that exists and is only known by its ID.
	RoleName pulumi.StringOutput `pulumi:"roleName"`
}

// NewInvokerRole makes the role and assigns it to the invokers. The errors name the argument and the remedy, all at
// once, before any resource is registered.
func NewInvokerRole(ctx *pulumi.Context, name string, args *InvokerRoleArgs, opts ...pulumi.ResourceOption) (*InvokerRole, error) {
	if args == nil {
		args = &InvokerRoleArgs{}
	}
	definition, problems, err := args.check()
	if err != nil {
		return nil, fail("InvokerRole", name, err)
	}
	role := &InvokerRole{}
	if err := ctx.RegisterComponentResourceV2(InvokerRoleToken, name, inputsOf(args, "invokers"), role, opts...); err != nil {
		return nil, fmt.Errorf("registering InvokerRole %q: %w", name, err)
	}
	if err := warn(ctx, role, problems); err != nil {
		return nil, err
	}
	c, err := childrenOf(role, opts)
	if err != nil {
		return nil, err
	}
	switch {
	case args.RoleDefinitionID != nil:
		role.RoleName = pulumi.String(definition.RoleName).ToStringOutput()
		role.RoleDefinitionID = derive(existingRoleID, args.Scope, args.RoleDefinitionID).ToStringOutput()
	case definition.BuiltIn:
		role.RoleName = pulumi.String(definition.RoleName).ToStringOutput()
		role.RoleDefinitionID = derive(func(v []string) (string, error) { return roleDefinitionID(v[0], definition.ID), nil }, args.Scope).ToStringOutput()
	default:
		if err := role.define(ctx, c, name, args, definition); err != nil {
			return nil, err
		}
	}

	for _, invoker := range sortedKeys(args.Invokers) {
		if err := c.assign(ctx, name+"."+invoker, args.Scope, role.RoleDefinitionID, args.Invokers[invoker], "Starts batch jobs: "+invoker); err != nil {
			return nil, err
		}
	}
	return role, ctx.RegisterResourceOutputs(role, pulumi.Map{"roleDefinitionId": role.RoleDefinitionID, "roleName": role.RoleName})
}

// define makes the custom role. Its GUID comes from where it is and what the program calls it, not from its name or its
// actions: those change in place. Azure keeps role names unique in the tenant, so a replacement deletes first.
func (role *InvokerRole) define(ctx *pulumi.Context, c children, name string, args *InvokerRoleArgs, d roles.Definition) error {
	id := derive(func(v []string) (string, error) { return guid(v[0], ctx.Project(), ctx.Stack(), name), nil }, args.Scope)
	role.RoleName = derive(func(v []string) (string, error) {
		if args.Name != "" || args.Definition != "" {
			return d.RoleName, nil
		}
		return fmt.Sprintf("%s (%s %s)", d.RoleName, lastSegment(v[0]), v[1][:8]), nil
	}, args.Scope, id).ToStringOutput()
	var scopes pulumi.StringArrayInput = pulumi.StringArray{args.Scope}
	if len(d.AssignableScopes) > 0 {
		scopes = pulumi.ToStringArray(d.AssignableScopes)
	}
	permissions := authorization.PermissionArray{}
	for _, p := range d.Permissions {
		permissions = append(permissions, authorization.PermissionArgs{
			Actions: pulumi.ToStringArray(p.Actions), NotActions: pulumi.ToStringArray(p.NotActions),
			DataActions: pulumi.ToStringArray(p.DataActions), NotDataActions: pulumi.ToStringArray(p.NotDataActions),
		})
	}
	made, err := authorization.NewRoleDefinition(ctx, name, &authorization.RoleDefinitionArgs{
		Scope:            args.Scope,
		RoleDefinitionId: pointer(id),
		RoleName:         role.RoleName,
		RoleType:         pulumi.String("CustomRole"),
		Description:      pulumi.String(cmp.Or(d.Description, "Made by batchaccess.")),
		AssignableScopes: scopes,
		Permissions:      permissions,
	}, c.azureNative(pulumi.DeleteBeforeReplace(true))...)
	if err != nil {
		return fmt.Errorf("defining role %q: %w", name, err)
	}
	role.RoleDefinitionID = made.ID().ToStringOutput()
	return nil
}

// check returns the definition to make or to assign, the warnings that choosing it deserves, and all that is wrong.
func (args *InvokerRoleArgs) check() (roles.Definition, access.Problems, error) {
	model := RoleArgs{Name: args.Name, Additions: args.Additions, BuiltIn: args.BuiltIn, RoleDefinitionID: args.RoleDefinitionID, Definition: args.Definition}.model()
	ps := under(model.Problems(idOf(args.Scope)), "role")
	problems := []error{ps.Err()}
	if args.Scope == nil {
		problems = append(problems, errors.New("scope: is missing; give the ARM ID of a workspace, a resource group or a subscription"))
	}
	problems = append(problems, checkAssignees("invokers", args.Invokers)...)
	if err := errors.Join(problems...); err != nil {
		return roles.Definition{}, nil, err
	}
	if !model.Told() {
		return roles.Definition{}, ps, nil
	}
	d, err := model.Resolve()
	return d, ps, err
}

// existingRoleID is the ID of a role that exists as Azure answers it for an assignment at the scope. An ID that was not
// known when the arguments were checked is checked here, before anything is assigned.
func existingRoleID(v []string) (string, error) {
	scope, id := v[0], v[1]
	if id == "" {
		return "", errors.New("roleDefinitionId: is empty; see that the stack that it comes from exports it")
	}
	if err := under(access.Role{RoleDefinitionID: access.Known(id)}.Problems(access.ID{}), "role").Err(); err != nil {
		return "", err
	}
	return roleDefinitionID(scope, id), nil
}
