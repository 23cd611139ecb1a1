package components

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pulumi/pulumi-azure-native-sdk/authorization/v2"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/internal/arm"
	"github.com/batchaccess/batchaccess/roles"
)

// StorageReaderArgs are the arguments of a StorageReader.
type StorageReaderArgs struct {
	// StorageAccountID is the ARM ID of the storage account. Required.
	StorageAccountID pulumi.StringInput `pulumi:"storageAccountId"`
	// Container in the account to which the role is limited. Default: none, the whole account.
	Container string `pulumi:"container,optional"`
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

// NewStorageReader makes the assignments. The errors name the argument and the remedy, all at once, before any resource
// is registered.
func NewStorageReader(
	ctx *pulumi.Context, name string, args *StorageReaderArgs, opts ...pulumi.ResourceOption,
) (reader *StorageReader, err error) {
	if args == nil {
		args = &StorageReaderArgs{}
	}
	reader = &StorageReader{}
	reader.Scope, reader.Assignments, err = assignInStorage(
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
	// Principals that get the role, by name. At least one: the outputs of a job are written by the cluster identity and by
	// the invoker.
	Principals map[string]AssigneeArgs `pulumi:"principals"`
}

// StorageContributor assigns Storage Blob Data Contributor on an account or a container to a set of principals: for
// what jobs write. They may read, write and delete there.
type StorageContributor struct {
	pulumi.ResourceState

	// Scope is the ARM ID at which the role is assigned.
	Scope pulumi.StringOutput `pulumi:"scope"`

	// Assignments of the role, by the names of the principals.
	Assignments map[string]*authorization.RoleAssignment
}

// NewStorageContributor makes the assignments. The errors are those of NewStorageReader.
//
// It was a StorageReader with write once. Those of then are taken over as they are: with their names, their type as an
// alias, and that argument in the state.
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
	contributor.Scope, contributor.Assignments, err = assignInStorage(
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
) (scope pulumi.StringOutput, assignments map[string]*authorization.RoleAssignment, err error) {
	kind := token[strings.LastIndex(token, ":")+1:]
	if err := fail(kind, name, args.check()); err != nil {
		return scope, nil, err
	}
	if err := ctx.RegisterComponentResourceV2(token, name, inputs, component, opts...); err != nil {
		return scope, nil, fmt.Errorf("registering %s %q: %w", kind, name, err)
	}
	c, err := childrenOf(component, opts)
	if err != nil {
		return scope, nil, err
	}
	at := derive(func(v []string) (string, error) {
		if _, err := arm.Parse(v[0], arm.StorageAccount); err != nil {
			return "", fmt.Errorf("storageAccountId: %w", err)
		}
		return arm.Container(v[0], args.Container), nil
	}, args.StorageAccountID)
	role, _ := roles.BuiltIn(roleName)
	assignments = map[string]*authorization.RoleAssignment{}
	for _, principal := range sortedKeys(args.Principals) {
		assignments[principal], err = c.assign(
			ctx, name, principal, at, pulumi.String(role.ID), args.Principals[principal], roleName+": "+principal)
		if err != nil {
			return scope, nil, err
		}
	}
	scope = at.ToStringOutput()
	return scope, assignments, ctx.RegisterResourceOutputs(component, pulumi.Map{"scope": scope})
}

func (args *StorageReaderArgs) check() access.Problems {
	ps := checkARMID("storageAccountId", args.StorageAccountID, arm.StorageAccount)
	if args.Container != "" && !arm.IsContainerName(args.Container) {
		ps.Add("container", "use 3 to 63 lower-case letters, digits and single hyphens",
			"%q is not the name of a container", args.Container)
	}
	if len(args.Principals) == 0 {
		ps.Add("principals", "give the principals that get the role, by name", "is empty")
	}
	return withEmpty(append(ps, checkAssignees("principals", args.Principals)...), args)
}
