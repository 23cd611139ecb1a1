package components

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/pulumi/pulumi-azure-native-sdk/authorization/v2"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/internal/arm"
	"github.com/batchaccess/batchaccess/internal/problem"
	"github.com/batchaccess/batchaccess/roles"
)

// InvokerRoleArgs are the arguments of an InvokerRole.
type InvokerRoleArgs struct {
	// Scope is the ARM ID of the workspace, resource group or subscription at which the role is assigned. Required.
	Scope pulumi.StringInput `pulumi:"scope"`
	// AssignableScope of a role that is made: resourceGroup, so that it can be assigned in the resource group of Scope;
	// or workspace, for those who may write roles only at the workspace. If Scope is wider than a workspace, the role
	// is assignable at Scope. Default: resourceGroup.
	AssignableScope access.Level `pulumi:"assignableScope,optional"`
	// Name of the role, unique in the tenant, at most 512 characters. Default: "Batch Endpoint Invoker", with the scope's
	// name and a few digits that keep it unique.
	Name string `pulumi:"name,optional"`
	// Additions to the article's 35 actions, by name: pollJobs, cancelJobs, readRegistryAssets. Default: none.
	Additions []string `pulumi:"additions,optional"`
	// BuiltIn is a built-in role to assign instead of a custom one: AzureML Data Scientist, Azure AI Developer, Azure
	// AI Administrator, Contributor or Owner.
	BuiltIn string `pulumi:"builtIn,optional"`
	// RoleDefinitionID is the ARM ID of a role that exists, such as an output of a StackReference. Then no role is
	// made, only assigned. It does not go with Name, Additions and BuiltIn.
	RoleDefinitionID pulumi.StringInput `pulumi:"roleDefinitionId,optional"`
	// Definition is a role of your own instead of the 35 actions, as JSON in the form that the portal exports. With
	// RoleDefinitionID no role is made: Definition says what that role allows.
	Definition string `pulumi:"definition,optional"`
	// Part is endpoint, for the actions about batch endpoints, their deployments and jobs, or workspace, for all
	// others: two components, one of each, limit invokers to endpoints. The role is made of the article's actions.
	// Default: the whole role.
	Part access.Level `pulumi:"part,optional"`
	// Invokers are the principals that get the role, by name. Default: none, the role is only made.
	Invokers map[string]AssigneeArgs `pulumi:"invokers,optional"`
	// Endpoints are the principals that get the role at batch endpoints, by the names of endpoint and principal. Scope
	// is the endpoints' workspace. Use it with part endpoint, instead of Invokers. That Azure takes such an assignment
	// is inferred (facts/batch-endpoints.md).
	Endpoints map[string]map[string]AssigneeArgs `pulumi:"endpoints,optional"`
}

// InvokerRole is the custom role for invoking a batch endpoint: exactly the article's 35 actions, unless you add more
// by name; or a role that exists. Its assignments are its children.
type InvokerRole struct {
	pulumi.ResourceState

	// RoleDefinitionID is the ARM ID of the role.
	RoleDefinitionID pulumi.StringOutput `pulumi:"roleDefinitionId"`
	// RoleName is the name of the role; "" if it exists and only its ID is known.
	RoleName pulumi.StringOutput `pulumi:"roleName"`

	// Definition is the role that was made; nil if it exists or is built in.
	Definition *authorization.RoleDefinition
	// Assignments of the role, by invoker; at endpoints, by <endpoint>.<invoker>.
	Assignments map[string]*authorization.RoleAssignment
}

// NewInvokerRole makes the role and assigns it to the invokers. Errors name each wrong argument and its remedy, all at
// once, before any resource is registered.
func NewInvokerRole(
	ctx *pulumi.Context, name string, args *InvokerRoleArgs, opts ...pulumi.ResourceOption,
) (*InvokerRole, error) {
	if args == nil {
		args = &InvokerRoleArgs{}
	}
	definition, problems := args.check()
	if err := fail("InvokerRole", name, problems); err != nil {
		return nil, err
	}
	role := &InvokerRole{}
	inputs := marked(inputsOf(args, "invokers", "endpoints"), append(slices.Collect(maps.Values(args.Endpoints)),
		args.Invokers)...)
	if err := register(ctx, InvokerRoleToken, name, inputs, role, opts); err != nil {
		return nil, err
	}
	if err := warn(ctx, role, problems); err != nil {
		return nil, err
	}
	c, err := childrenOf(role, opts)
	if err != nil {
		return nil, err
	}
	scope := derive(func(v []string) (string, error) { return v[0], checkScope(v[0]).Err() }, args.Scope)
	var id pulumi.StringInput // plain text if it is known now
	switch {
	case args.RoleDefinitionID != nil:
		id = derive(existingRoleID, scope, args.RoleDefinitionID)
	case definition.BuiltIn:
		id = derive(func(v []string) (string, error) { return roleDefinitionID(v[0], definition.ID), nil }, scope)
	default:
		if err := role.define(ctx, c, name, args, scope, definition); err != nil {
			return nil, err
		}
		id = role.RoleDefinitionID
		programOf(ctx).makes(role.RoleDefinitionID)
	}
	if role.Definition == nil {
		role.RoleName, role.RoleDefinitionID = pulumi.String(definition.RoleName).ToStringOutput(), id.ToStringOutput()
	}

	role.Assignments = map[string]*authorization.RoleAssignment{}
	program := programOf(ctx)
	program.claim(name, sortedKeys(args.Invokers))
	for _, endpoint := range sortedKeys(args.Endpoints) {
		program.claim(name+"."+endpoint, sortedKeys(args.Endpoints[endpoint]))
	}
	for _, invoker := range sortedKeys(args.Invokers) {
		role.Assignments[invoker], err = c.assign(
			ctx, name, invoker, place{StringInput: scope}, id, args.Invokers[invoker], "Starts batch jobs: "+invoker, "")
		if err != nil {
			return nil, err
		}
	}
	for _, endpoint := range sortedKeys(args.Endpoints) {
		at := derive(func(v []string) (string, error) { return arm.BatchEndpoint(v[0], endpoint), nil }, scope)
		for _, invoker := range sortedKeys(args.Endpoints[endpoint]) {
			role.Assignments[endpoint+"."+invoker], err = c.assign(ctx, name+"."+endpoint, invoker, place{StringInput: at}, id,
				args.Endpoints[endpoint][invoker], "Starts batch jobs on "+endpoint+": "+invoker, "")
			if err != nil {
				return nil, err
			}
		}
	}
	return role, ctx.RegisterResourceOutputs(role, pulumi.Map{"roleDefinitionId": role.RoleDefinitionID,
		"roleName": role.RoleName})
}

// define makes the custom role. Its GUID is derived from its place, its scope and its name in the program, not from its
// name in Azure or its actions, which change in place. Azure keeps role names unique in the tenant. So a role whose
// name the user fixed is deleted before its replacement is made; otherwise the new role has another name, and is made
// first.
func (role *InvokerRole) define(
	ctx *pulumi.Context, c children, name string, args *InvokerRoleArgs, scope pulumi.StringInput, d roles.Definition,
) error {
	at := scope
	if args.AssignableScope != access.AtWorkspace && len(d.AssignableScopes) == 0 {
		at = derive(func(v []string) (string, error) { return groupOf(v[0]), nil }, scope)
	}
	id := derive(func(v []string) (string, error) {
		from := []string{v[0], ctx.Project(), ctx.Stack(), name}
		if v[1] != v[0] {
			from = append(from, v[1])
		}
		return arm.GUID(from...), nil
	}, at, scope)
	fixed := args.Name != "" || args.Definition != ""
	if text, known := plain(scope); known && fixed { // in another subscription there may be another tenant
		if other := programOf(ctx).once("role "+d.RoleName+" of "+subscriptionForm.FindString(text), name); other != "" {
			return fmt.Errorf("defining role %q: %s makes a role with the name %q too, and Azure allows one in a tenant; give "+
				"them two names, or one of them the other's roleDefinitionId", name, other, d.RoleName)
		}
	}
	role.RoleName = derive(func(v []string) (string, error) {
		if fixed {
			return d.RoleName, nil
		}
		return fmt.Sprintf("%s (%s %s)", d.RoleName, lastSegment(v[0]), v[1][:8]), nil
	}, scope, id).ToStringOutput()
	var scopes pulumi.StringArrayInput = pulumi.StringArray{at}
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
		Scope:            at,
		RoleDefinitionId: pointer(id),
		RoleName:         role.RoleName,
		RoleType:         pulumi.String("CustomRole"),
		Description:      pulumi.String(cmp.Or(d.Description, "Made by batchaccess.")),
		AssignableScopes: scopes,
		Permissions:      permissions,
	}, c.azureNative(authorization.RoleDefinition{}, authorization.RoleDefinitionArgs{},
		pulumi.DeleteBeforeReplace(fixed))...)
	if err != nil {
		return fmt.Errorf("defining role %q: %w", name, err)
	}
	role.Definition, role.RoleDefinitionID = made, made.ID().ToStringOutput()
	return nil
}

// check returns the definition to make or to assign, and everything that is wrong, with the warnings about that role.
func (args *InvokerRoleArgs) check() (d roles.Definition, ps access.Problems) {
	model := RoleArgs{
		Name: args.Name, Additions: args.Additions, BuiltIn: args.BuiltIn,
		RoleDefinitionID: args.RoleDefinitionID, Definition: args.Definition,
	}.model()
	if args.Part != "" { // so name and make it as for BatchEndpointAccess
		model.Scope = access.AtEndpoint
	}
	ps = model.Problems(idOf(args.Scope))
	if args.Scope == nil {
		ps.Add("scope", "give the ARM ID of a workspace, a resource group or a subscription", "is missing")
	} else if scope, known := plain(args.Scope); known {
		ps = append(ps, checkScope(scope)...)
	}
	ps = append(ps, checkAssignableScope("assignableScope", args.AssignableScope, model, idOf(args.Scope).Text())...)
	assignees := map[string]map[string]AssigneeArgs{"invokers": args.Invokers}
	for endpoint, assigned := range args.Endpoints {
		assignees["endpoints."+endpoint] = assigned
	}
	ps = append(ps, args.checkPart()...)
	for _, path := range sortedKeys(assignees) {
		ps = append(ps, checkAssignees(path, assignees[path])...)
		for _, invoker := range sortedKeys(assignees[path]) {
			if len(assignees[path][invoker].Paths) > 0 {
				ps.Add(path+"."+invoker+".paths", "leave it out", "only goes with storage")
			}
		}
	}
	ps = withTexts(ps, args)
	if model.Known() && ps.Err() == nil {
		d, _ = model.Resolve()
		switch endpoint, workspace := d.Parts(); args.Part {
		case access.AtEndpoint:
			d = endpoint
		case access.AtWorkspace:
			d = workspace
		}
	}
	return d, ps
}

// checkPart checks one of the two parts of the role, and where it is assigned.
func (args *InvokerRoleArgs) checkPart() (ps access.Problems) {
	parts := []string{string(access.AtEndpoint), string(access.AtWorkspace)}
	if args.Part != "" && !slices.Contains(parts, string(args.Part)) {
		ps.Add("part", problem.DidYouMean(string(args.Part), parts), "unknown value %q", args.Part)
	}
	if args.Part == access.AtEndpoint && len(args.Invokers) > 0 {
		ps.Add("invokers", "name them at endpoints, or leave part out", "does not go with part endpoint")
	}
	if args.Part != access.AtEndpoint && len(args.Endpoints) > 0 {
		ps.Add("endpoints", "set part to endpoint, or name them in invokers", "only goes with part endpoint")
	}
	if scope, known := plain(args.Scope); known && args.Part == access.AtEndpoint {
		if _, err := arm.Parse(scope, arm.Workspace); err != nil && len(checkScope(scope)) == 0 {
			ps.Add("scope", "give the ARM ID of the workspace that the endpoints are in", "is not that of a workspace")
		}
	}
	for _, endpoint := range sortedKeys(args.Endpoints) {
		if !arm.IsEndpointName(endpoint) {
			ps.Add("endpoints."+endpoint, "write the endpoint's name in the workspace: 3 to 32 letters, digits and single "+
				"hyphens, beginning with a letter", "%q is not the name of a batch endpoint", endpoint)
		}
	}
	return ps
}

// existingRoleID returns the ID of an existing role as Azure answers it for an assignment at the scope. An ID that
// became known only now is checked here, before anything is assigned.
func existingRoleID(v []string) (string, error) {
	scope, id := v[0], v[1]
	if id == "" {
		return "", errors.New("roleDefinitionId: is empty; check that the stack that it comes from exports it")
	}
	if err := (access.Role{RoleDefinitionID: access.Known(id)}).Problems(access.ID{}).Err(); err != nil {
		return "", err
	}
	return roleDefinitionID(scope, id), nil
}

// groupOf returns the resource group of a workspace; a wider scope is returned as it is.
func groupOf(scope string) string {
	if workspace, err := arm.Parse(scope, arm.Workspace); err == nil {
		return workspace.Group()
	}
	return scope
}

// checkAssignableScope refuses an assignable scope that a role can't have. The scope is the ARM ID at which the role is
// assigned.
func checkAssignableScope(path string, at access.Level, r access.Role, scope string) (ps access.Problems) {
	switch _, err := arm.Parse(scope, arm.Workspace); {
	case at == "":
	case at != access.AtWorkspace && at != access.AtResourceGroup:
		ps.Add(path, "use "+string(access.AtResourceGroup)+" or "+string(access.AtWorkspace), "unknown value %q", at)
	case r.BuiltIn != "" || r.RoleDefinitionID.Given():
		ps.Add(path, "leave it out, or builtIn and roleDefinitionId", "only goes with a role that is made")
	case err != nil && len(checkScope(scope)) == 0:
		ps.Add(path, "leave it out", "the role is assigned at %s, and assignable there", scope)
	}
	return ps
}
