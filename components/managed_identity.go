package components

import (
	"fmt"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/internal/arm"
	"github.com/batchaccess/batchaccess/sdks/managedidentity"
)

// ManagedIdentityArgs are the arguments of a ManagedIdentity: a new one in a resource group, or one that exists, given
// by ExistingID or by PrincipalID.
type ManagedIdentityArgs struct {
	// ResourceGroupName in which to make the identity. Required for a new one.
	ResourceGroupName pulumi.StringInput `pulumi:"resourceGroupName,optional"`
	// ResourceName of the new identity: 3 to 128 letters, digits, hyphens and underscores. Default: the component's name,
	// with hyphens for dots.
	ResourceName pulumi.StringPtrInput `pulumi:"resourceName,optional"`
	// Location of the new identity, such as westeurope. Default: the provider's.
	Location pulumi.StringPtrInput `pulumi:"location,optional"`
	// Tags of the new identity.
	Tags pulumi.StringMapInput `pulumi:"tags,optional"`
	// ExistingID is the ARM ID of a user-assigned identity that exists; it is looked up.
	ExistingID pulumi.StringInput `pulumi:"existingId,optional"`
	// PrincipalID is the object ID of any managed identity that exists, system-assigned ones included; nothing is looked
	// up.
	PrincipalID pulumi.StringInput `pulumi:"principalId,optional"`
	// Protect keeps a new identity from being deleted: its IDs would not come back.
	Protect bool `pulumi:"protect,optional"`
}

// ManagedIdentity is a managed identity that invokes, or with which a cluster mounts data.
type ManagedIdentity struct {
	pulumi.ResourceState

	// ResourceID is the ARM ID of the identity; empty where only PrincipalID was given.
	ResourceID pulumi.StringOutput `pulumi:"resourceId"`
	// PrincipalID is the object ID: what roles are assigned to.
	PrincipalID pulumi.StringOutput `pulumi:"principalId"`
	// ClientID chooses the identity on a host that has several; empty where only PrincipalID was given.
	ClientID pulumi.StringOutput `pulumi:"clientId"`

	// Identity is the one that was made; nil where it exists.
	Identity *managedidentity.UserAssignedIdentity
}

// NewManagedIdentity makes or looks up the identity. The errors name the argument and the remedy, before any resource
// is registered.
func NewManagedIdentity(
	ctx *pulumi.Context, name string, args *ManagedIdentityArgs, opts ...pulumi.ResourceOption,
) (*ManagedIdentity, error) {
	if args == nil {
		args = &ManagedIdentityArgs{}
	}
	if err := fail("ManagedIdentity", name, args.check(name)); err != nil {
		return nil, err
	}
	identity := &ManagedIdentity{}
	if err := ctx.RegisterComponentResourceV2(ManagedIdentityToken, name, inputsOf(args), identity, opts...); err != nil {
		return nil, fmt.Errorf("registering ManagedIdentity %q: %w", name, err)
	}
	c, err := childrenOf(identity, opts)
	if err != nil {
		return nil, err
	}
	none := pulumi.String("").ToStringOutput()
	switch {
	case args.PrincipalID != nil:
		identity.ResourceID, identity.PrincipalID, identity.ClientID = none, args.PrincipalID.ToStringOutput(), none
	case args.ExistingID != nil:
		found := lookupIdentity(ctx, c, args.ExistingID)
		identity.ResourceID = args.ExistingID.ToStringOutput()
		identity.PrincipalID, identity.ClientID = found.PrincipalId(), found.ClientId()
	default:
		resourceName := args.ResourceName
		if resourceName == nil {
			resourceName = pulumi.String(defaultIdentityName(name))
		}
		made, err := managedidentity.NewUserAssignedIdentity(ctx, name, &managedidentity.UserAssignedIdentityArgs{
			ResourceGroupName: args.ResourceGroupName, ResourceName: resourceName, Location: args.Location, Tags: args.Tags,
		}, c.azureNative(managedidentity.UserAssignedIdentity{}, managedidentity.UserAssignedIdentityArgs{},
			protectIf(args.Protect)...)...)
		if err != nil {
			return nil, fmt.Errorf("making managed identity %q: %w", name, err)
		}
		identity.Identity = made
		identity.ResourceID = made.ID().ToStringOutput()
		identity.PrincipalID, identity.ClientID = made.PrincipalId, made.ClientId
	}
	return identity, ctx.RegisterResourceOutputs(identity, pulumi.Map{
		"resourceId": identity.ResourceID, "principalId": identity.PrincipalID, "clientId": identity.ClientID,
	})
}

func defaultIdentityName(component string) string { return strings.ReplaceAll(component, ".", "-") }

func (args *ManagedIdentityArgs) check(name string) (ps access.Problems) {
	const form = "use 3 to 128 letters, digits, hyphens and underscores"
	given := 0
	for _, is := range []bool{args.PrincipalID != nil, args.ExistingID != nil, args.ResourceGroupName != nil} {
		if is {
			given++
		}
	}
	if given != 1 {
		ps.Add("", "give resourceGroupName to make an identity, or existingId or principalId for one that exists",
			"name %d identities", given)
	}
	byDefault := defaultIdentityName(name)
	if n, ok := plain(args.ResourceName); ok && !arm.IsIdentityName(n) {
		ps.Add("resourceName", form, "%q can't name a managed identity", n)
	} else if made := args.ResourceGroupName != nil && args.ResourceName == nil; made && !arm.IsIdentityName(byDefault) {
		ps.Add("resourceName", form, "is not given, and the default, %q, can't name a managed identity", byDefault)
	}
	if args.PrincipalID != nil {
		ps = append(ps, checkGUID("principalId", args.PrincipalID)...)
	}
	if args.ExistingID != nil {
		ps = append(ps, checkARMID("existingId", args.ExistingID, arm.UserAssignedIdentity)...)
	}
	return withEmpty(ps, args)
}

// lookupIdentity asks Resource Manager for a user-assigned identity by its ARM ID.
func lookupIdentity(
	ctx *pulumi.Context, c children, id pulumi.StringInput,
) managedidentity.LookupUserAssignedIdentityResultOutput {
	group, name := armParts(id, arm.UserAssignedIdentity)
	return managedidentity.LookupUserAssignedIdentityOutput(ctx, managedidentity.LookupUserAssignedIdentityOutputArgs{
		ResourceGroupName: group, ResourceName: name,
	}, c.lookup()...)
}
