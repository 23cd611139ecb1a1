package components

import (
	"fmt"
	"slices"

	"github.com/pulumi/pulumi-azure-native-sdk/authorization/v2"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/internal/arm"
	"github.com/batchaccess/batchaccess/internal/problem"
	"github.com/batchaccess/batchaccess/roles"
)

// StorageReaderArgs are the arguments of a StorageReader.
type StorageReaderArgs struct {
	// StorageAccountID is the ARM ID of the storage account. Required.
	StorageAccountID pulumi.StringInput `pulumi:"storageAccountId"`
	// Container in the account to which the role is limited. Default: none, the whole account.
	Container string `pulumi:"container,optional"`
	// AccountKind is flat, or hierarchical for an account with a hierarchical namespace. Required if a principal has
	// paths, because conditions depend on it.
	AccountKind roles.AccountKind `pulumi:"accountKind,optional"`
	// Principals that get the role, by name. At least one: a job's data is read by the cluster identity and by the
	// invoker.
	Principals map[string]AssigneeArgs `pulumi:"principals"`
}

// StorageReader assigns Storage Blob Data Reader on an account or a container to a set of principals.
type StorageReader struct {
	pulumi.ResourceState

	// Scope is the ARM ID at which the role is assigned.
	Scope pulumi.StringOutput `pulumi:"scope"`

	// Assignments of the role, by the names of the principals.
	Assignments map[string]*authorization.RoleAssignment
}

// NewStorageReader makes the assignments. Errors name each wrong argument and its remedy, all at once, before any
// resource is registered.
func NewStorageReader(
	ctx *pulumi.Context, name string, args *StorageReaderArgs, opts ...pulumi.ResourceOption,
) (reader *StorageReader, err error) {
	if args == nil {
		args = &StorageReaderArgs{}
	}
	reader = &StorageReader{}
	reader.Scope, reader.Assignments, _, err = assignInStorage(
		ctx, reader, StorageReaderToken, name, *args, inputsOf(args, "principals"), roles.StorageBlobDataReader, opts)
	if err != nil {
		return nil, err
	}
	return reader, nil
}

// StorageContributorArgs are the arguments of a StorageContributor.
type StorageContributorArgs struct {
	// StorageAccountID is the ARM ID of the storage account. Required.
	StorageAccountID pulumi.StringInput `pulumi:"storageAccountId"`
	// Container in the account to which the role is limited. Default: none, the whole account.
	Container string `pulumi:"container,optional"`
	// AccountKind is the same as for a StorageReader.
	AccountKind roles.AccountKind `pulumi:"accountKind,optional"`
	// Principals that get the role, by name. At least one: a job's outputs are written by the cluster identity and by
	// the invoker.
	Principals map[string]AssigneeArgs `pulumi:"principals"`
}

// StorageContributor assigns Storage Blob Data Contributor on an account or a container to a set of principals, for
// what jobs write. They may read, write and delete there. Principals that are limited to paths get a custom role of
// data actions, because Storage Blob Data Contributor may also delete the container, which no condition prevents.
type StorageContributor struct {
	pulumi.ResourceState

	// Scope is the ARM ID at which the role is assigned.
	Scope pulumi.StringOutput `pulumi:"scope"`

	// PathWriter is the custom role for principals that are limited to paths; nil if there are none.
	PathWriter *authorization.RoleDefinition
	// Assignments of the role, by the names of the principals.
	Assignments map[string]*authorization.RoleAssignment
}

// NewStorageContributor makes the assignments. Its errors are like NewStorageReader's.
//
// Earlier it was a StorageReader with the argument write. Components of that time keep their names, get their old type
// as an alias, and keep that argument in the state.
func NewStorageContributor(
	ctx *pulumi.Context, name string, args *StorageContributorArgs, opts ...pulumi.ResourceOption,
) (contributor *StorageContributor, err error) {
	if args == nil {
		args = &StorageContributorArgs{}
	}
	inputs := inputsOf(args, "principals")
	if inputs != nil {
		inputs["write"] = pulumi.Bool(true)
	}
	opts = append(slices.Clone(opts), pulumi.Aliases([]pulumi.Alias{{Type: pulumi.String(StorageReaderToken)}}))
	contributor = &StorageContributor{}
	contributor.Scope, contributor.Assignments, contributor.PathWriter, err = assignInStorage(
		ctx, contributor, StorageContributorToken, name, StorageReaderArgs(*args), inputs,
		roles.StorageBlobDataContributor, opts)
	if err != nil {
		return nil, err
	}
	return contributor, nil
}

// assignInStorage registers the component and assigns a role in storage to its principals.
func assignInStorage(
	ctx *pulumi.Context, component pulumi.ComponentResource, token, name string, args StorageReaderArgs, inputs pulumi.Map,
	roleName string, opts []pulumi.ResourceOption,
) (
	scope pulumi.StringOutput, assignments map[string]*authorization.RoleAssignment,
	writer *authorization.RoleDefinition, err error,
) {
	kind := kindOf(token)
	pathRole := roleName
	if roleName == roles.StorageBlobDataContributor {
		pathRole = roles.StorageBlobPathWriter
	}
	if err := fail(kind, name, args.check(pathRole)); err != nil {
		return scope, nil, nil, err
	}
	if err := register(ctx, token, name, marked(inputs, args.Principals), component, opts); err != nil {
		return scope, nil, nil, err
	}
	c, err := childrenOf(component, opts)
	if err != nil {
		return scope, nil, nil, err
	}
	at := derive(func(v []string) (string, error) {
		if _, err := arm.Parse(v[0], arm.StorageAccount); err != nil {
			return "", fmt.Errorf("storageAccountId: %w", err)
		}
		return arm.Container(v[0], args.Container), nil
	}, args.StorageAccountID)
	in := place{at, idOf(args.StorageAccountID), args.Container}
	role, _ := roles.BuiltIn(roleName)
	assignments = map[string]*authorization.RoleAssignment{}
	programOf(ctx).claim(name, sortedKeys(args.Principals))
	for _, principal := range sortedKeys(args.Principals) {
		to := args.Principals[principal]
		id, called, condition := pulumi.StringInput(pulumi.String(role.ID)), roleName, ""
		if len(to.Paths) > 0 {
			condition, _ = roles.PathCondition(to.Paths, args.AccountKind, pathRole) // check reports its problems
		}
		if condition != "" && pathRole == roles.StorageBlobPathWriter {
			if writer == nil {
				if writer, err = c.pathWriter(ctx, name, namesBefore(opts), args.StorageAccountID, at); err != nil {
					return scope, nil, nil, err
				}
			}
			made := writer.ID().ToStringOutput()
			programOf(ctx).makes(made)
			id, called = made, pathRole
		}
		assignments[principal], err = c.assign(ctx, name, principal, in, id, to, called+": "+principal, condition)
		if err != nil {
			return scope, nil, nil, err
		}
	}
	scope = at.ToStringOutput()
	return scope, assignments, writer, ctx.RegisterResourceOutputs(component, pulumi.Map{"scope": scope})
}

// pathWriter makes the role for writers that are limited to paths of a container. It can be assigned in the account's
// resource group. Its name, which must be unique in the tenant, is derived like its GUID, so another role has another
// name. The GUID is derived from the component's name, and stays if that changes.
func (c children) pathWriter(
	ctx *pulumi.Context, name string, before []string, account, scope pulumi.StringInput,
) (*authorization.RoleDefinition, error) {
	group := derive(func(v []string) (string, error) {
		id, err := arm.Parse(v[0], arm.StorageAccount)
		return id.Group(), err
	}, account)
	state := programOf(ctx).before.known(ctx)
	id := derive(func(v []string) (string, error) {
		return state.writerGUID(v[1], name, before, func(from string) string {
			return arm.GUID(v[0], ctx.Project(), ctx.Stack(), from, roles.StorageBlobPathWriter)
		}), nil
	}, scope, group)
	d := roles.PathWriter()
	called := derive(func(v []string) (string, error) {
		return fmt.Sprintf("%s (%s %s)", d.RoleName, lastSegment(v[0]), v[1][:8]), nil
	}, scope, id)
	made, err := authorization.NewRoleDefinition(ctx, name, &authorization.RoleDefinitionArgs{
		Scope: group, RoleDefinitionId: pointer(id), RoleName: called, RoleType: pulumi.String("CustomRole"),
		Description: pulumi.String(d.Description), AssignableScopes: pulumi.StringArray{group},
		Permissions: authorization.PermissionArray{authorization.PermissionArgs{
			DataActions: pulumi.ToStringArray(d.Permissions[0].DataActions),
		}},
	}, c.azureNative(authorization.RoleDefinition{}, authorization.RoleDefinitionArgs{},
		pulumi.DeleteBeforeReplace(false))...)
	if err != nil {
		return nil, fmt.Errorf("defining the role of writers %q: %w", name, err)
	}
	return made, nil
}

// check returns everything that is wrong. Principals with paths are assigned pathRole.
func (args *StorageReaderArgs) check(pathRole string) access.Problems {
	ps := checkARMID("storageAccountId", args.StorageAccountID, arm.StorageAccount)
	if args.Container != "" && !arm.IsContainerName(args.Container) {
		ps.Add("container", "use 3 to 63 lower-case letters, digits and single hyphens",
			"%q is not the name of a container", args.Container)
	}
	if len(args.Principals) == 0 {
		ps.Add("principals", "give the principals that get the role, by name", "is empty")
	}
	kinds := []string{string(roles.Flat), string(roles.Hierarchical)}
	if kind := string(args.AccountKind); kind != "" && !slices.Contains(kinds, kind) {
		ps.Add("accountKind", problem.DidYouMean(kind, kinds), "unknown value %q", kind)
	}
	for _, name := range sortedKeys(args.Principals) {
		at, paths := "principals."+name+".paths", args.Principals[name].Paths
		switch {
		case len(paths) == 0:
			continue
		case args.Container == "":
			ps.Add(at, "name the container", "is given without container")
		case args.AccountKind == "":
			ps.Add(at, "say accountKind: flat, or hierarchical where the account has a hierarchical namespace (az storage "+
				"account show --query isHnsEnabled)", "is given without accountKind, on which the condition depends")
		default:
			_, wrong := roles.PathCondition(paths, args.AccountKind, pathRole)
			for _, p := range wrong {
				ps = append(ps, p.At(at))
			}
		}
	}
	return withTexts(append(ps, checkAssignees("principals", args.Principals)...), args)
}
