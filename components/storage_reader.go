package components

import (
	"fmt"

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
	// Write gives Storage Blob Data Contributor in place of Storage Blob Data Reader, for what jobs write. Default: false.
	Write bool `pulumi:"write,optional"`
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
) (*StorageReader, error) {
	if args == nil {
		args = &StorageReaderArgs{}
	}
	if err := fail("StorageReader", name, args.check()); err != nil {
		return nil, err
	}
	reader := &StorageReader{Assignments: map[string]*authorization.RoleAssignment{}}
	if err := ctx.RegisterComponentResourceV2(StorageReaderToken, name, inputsOf(args, "principals"), reader,
		opts...); err != nil {
		return nil, fmt.Errorf("registering StorageReader %q: %w", name, err)
	}
	c, err := childrenOf(reader, opts)
	if err != nil {
		return nil, err
	}
	scope := derive(func(v []string) (string, error) {
		if _, err := arm.Parse(v[0], arm.StorageAccount); err != nil {
			return "", fmt.Errorf("storageAccountId: %w", err)
		}
		return arm.Container(v[0], args.Container), nil
	}, args.StorageAccountID)
	roleName := roles.StorageBlobDataReader
	if args.Write {
		roleName = roles.StorageBlobDataContributor
	}
	role, _ := roles.BuiltIn(roleName)
	for _, principal := range sortedKeys(args.Principals) {
		reader.Assignments[principal], err = c.assign(
			ctx, name+"."+principal, scope, pulumi.String(role.ID), args.Principals[principal], roleName+": "+principal)
		if err != nil {
			return nil, err
		}
	}
	reader.Scope = scope.ToStringOutput()
	return reader, ctx.RegisterResourceOutputs(reader, pulumi.Map{"scope": reader.Scope})
}

func (args *StorageReaderArgs) check() access.Problems {
	ps := checkARMID("storageAccountId", args.StorageAccountID, arm.StorageAccount)
	if args.Container != "" && !arm.IsContainerName(args.Container) {
		ps.Add("container", "use 3 to 63 lower-case letters, digits and single hyphens",
			"%q is not the name of a container", args.Container)
	}
	if len(args.Principals) == 0 {
		ps.Add("principals", "give the principals that read, by name", "is empty")
	}
	return withEmpty(append(ps, checkAssignees("principals", args.Principals)...), args)
}
