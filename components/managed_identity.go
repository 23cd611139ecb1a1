package components

import (
	"fmt"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/access/signin"
	"github.com/batchaccess/batchaccess/internal/arm"
	"github.com/batchaccess/batchaccess/internal/problem"
	"github.com/batchaccess/batchaccess/sdks/managedidentity"
)

// ManagedIdentityArgs are the arguments of a ManagedIdentity: a new one in a resource group, or one that exists, given
// by ExistingID or PrincipalID.
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
	// PrincipalID is the object ID of any managed identity that exists, also a system-assigned one; nothing is looked
	// up.
	PrincipalID pulumi.StringInput `pulumi:"principalId,optional"`
	// FederatedCredentials of a new identity, by name; at most 20. Azure writes them one after another, a few seconds
	// each.
	FederatedCredentials map[string]signin.FederatedCredential `pulumi:"federatedCredentials,optional"`
	// Protect prevents the deletion of a new identity: its IDs would not come back.
	Protect bool `pulumi:"protect,optional"`
}

// ManagedIdentity is a managed identity that starts jobs, or that mounts data for a cluster.
type ManagedIdentity struct {
	pulumi.ResourceState

	// ResourceID is the ARM ID of the identity; empty if only PrincipalID was given.
	ResourceID pulumi.StringOutput `pulumi:"resourceId"`
	// PrincipalID is the object ID, to which roles are assigned.
	PrincipalID pulumi.StringOutput `pulumi:"principalId"`
	// ClientID selects the identity on a host that has several; empty if only PrincipalID was given.
	ClientID pulumi.StringOutput `pulumi:"clientId"`
	// TenantID is the tenant in which it signs in; empty if only PrincipalID was given.
	TenantID pulumi.StringOutput `pulumi:"tenantId"`

	// Identity is the resource that was made; nil if the identity exists.
	Identity *managedidentity.UserAssignedIdentity
	// Federated are its federated credentials, by their names in the arguments.
	Federated map[string]*managedidentity.FederatedIdentityCredential
}

// NewManagedIdentity makes or looks up the identity. Errors name each wrong argument and its remedy, before any
// resource is registered.
func NewManagedIdentity(
	ctx *pulumi.Context, name string, args *ManagedIdentityArgs, opts ...pulumi.ResourceOption,
) (*ManagedIdentity, error) {
	if args == nil {
		args = &ManagedIdentityArgs{}
	}
	ps := append(args.check(name), checkFederatedRegion("location", args.Location, nativeLocation(ctx),
		args.FederatedCredentials)...)
	if err := fail("ManagedIdentity", name, ps); err != nil {
		return nil, err
	}
	identity := &ManagedIdentity{}
	if err := register(ctx, ManagedIdentityToken, name, inputsOf(args), identity, opts); err != nil {
		return nil, err
	}
	if err := warn(ctx, identity, ps); err != nil {
		return nil, err
	}
	c, err := childrenOf(identity, opts)
	if err != nil {
		return nil, err
	}
	none := pulumi.String("").ToStringOutput()
	switch {
	case args.PrincipalID != nil:
		identity.ResourceID, identity.PrincipalID, identity.ClientID = none, args.PrincipalID.ToStringOutput(), none
		identity.TenantID = none
	case args.ExistingID != nil:
		found := lookupIdentity(ctx, c, args.ExistingID)
		identity.ResourceID = args.ExistingID.ToStringOutput()
		identity.PrincipalID, identity.ClientID = found.PrincipalId(), found.ClientId()
		identity.TenantID = found.TenantId()
	default:
		resourceName := args.ResourceName
		if resourceName == nil {
			resourceName = pulumi.String(defaultIdentityName(name))
		}
		taken, err := refuseTaken(ctx, ManagedIdentityToken, name, aliased(opts), idEnd("/resourcegroups/",
			"resourceGroupName", "/providers/microsoft.managedidentity/userassignedidentities/", "resourceName"))
		if err != nil {
			return nil, err
		}
		made, err := managedidentity.NewUserAssignedIdentity(ctx, name, &managedidentity.UserAssignedIdentityArgs{
			ResourceGroupName: args.ResourceGroupName, ResourceName: resourceName, Tags: args.Tags,
			Location: federatedLocation(args.Location, args.FederatedCredentials),
		}, c.azureNative(managedidentity.UserAssignedIdentity{}, managedidentity.UserAssignedIdentityArgs{},
			append(protectIf(args.Protect), taken)...)...)
		if err != nil {
			return nil, fmt.Errorf("making managed identity %q: %w", name, err)
		}
		identity.Identity = made
		identity.ResourceID = made.ID().ToStringOutput()
		identity.PrincipalID, identity.ClientID, identity.TenantID = made.PrincipalId, made.ClientId, made.TenantId
		programOf(ctx).makes(identity.PrincipalID)
		if err := identity.federate(ctx, c, name, args.ResourceGroupName,
			inCloud(environmentOf(ctx), args.FederatedCredentials)); err != nil {
			return nil, err
		}
	}
	return identity, ctx.RegisterResourceOutputs(identity, pulumi.Map{
		"resourceId": identity.ResourceID, "principalId": identity.PrincipalID, "clientId": identity.ClientID,
		"tenantId": identity.TenantID,
	})
}

// federate makes the federated credentials. Azure refuses two writes to one identity at a time (facts/federation.md),
// also deletions (terraform-provider-azurerm issue 29242). So each credential depends on all that come before it, not
// only on the last one: then any two that are deleted wait for each other, whichever others stay.
func (identity *ManagedIdentity) federate(
	ctx *pulumi.Context, c children, name string, group pulumi.StringInput,
	credentials map[string]signin.FederatedCredential,
) error {
	identity.Federated = map[string]*managedidentity.FederatedIdentityCredential{}
	var before []pulumi.Resource
	for _, key := range sortedKeys(credentials) {
		f := credentials[key]
		hook, err := federatedRenamed(ofIdentity, name, credentials).refuseRenamed(ctx, key)
		if err != nil {
			return err
		}
		issuer, subject, audience := f.Claims()
		// Azure can't rename a credential: it stays in the state under its new name here, and keeps its old name in
		// Azure.
		own := append(formerly(was(name, f.Was)...), hook, pulumi.DependsOn(before), pulumi.DeleteBeforeReplace(false),
			pulumi.IgnoreChanges([]string{"federatedIdentityCredentialResourceName"}))
		made, err := managedidentity.NewFederatedIdentityCredential(ctx, name+"."+key,
			&managedidentity.FederatedIdentityCredentialArgs{
				ResourceGroupName: group, ResourceName: identity.Identity.Name,
				FederatedIdentityCredentialResourceName: pulumi.String(key),
				Issuer:                                  pulumi.String(issuer),
				Subject:                                 pulumi.String(subject),
				Audiences:                               pulumi.StringArray{pulumi.String(audience)},
			}, c.azureNative(managedidentity.FederatedIdentityCredential{},
				managedidentity.FederatedIdentityCredentialArgs{}, own...)...)
		if err != nil {
			return fmt.Errorf("making federated credential %s.%s: %w", name, key, err)
		}
		identity.Federated[key] = made
		before = append(before, made)
	}
	return nil
}

// nativeLocation returns azure-native's location for resources that have none; "" if it is not configured.
func nativeLocation(ctx *pulumi.Context) string {
	location, _ := ctx.GetConfig("azure-native:location")
	return location
}

// checkFederatedRegion refuses federated credentials in a region where Azure allows none for managed identities.
// byDefault is the location if the arguments have none.
func checkFederatedRegion(
	path string, location pulumi.StringPtrInput, byDefault string, credentials map[string]signin.FederatedCredential,
) (ps access.Problems) {
	text, known := plain(location)
	if location == nil {
		text, known = byDefault, true
	}
	if known && len(credentials) > 0 && !signin.FederatesIdentities(text) {
		ps = append(ps, noFederation(path, text))
	}
	return ps
}

func noFederation(path, region string) problem.Problem {
	return problem.Problem{Path: path, Code: problem.SignIn,
		What: "managed identities in " + region + " take no federated credentials",
		Fix:  "make the identity in another region, or a service principal (kind: servicePrincipal)"}
}

// federatedLocation returns the location of an identity with federated credentials. A location that is known only later
// is checked before the identity is made.
func federatedLocation(
	location pulumi.StringPtrInput, credentials map[string]signin.FederatedCredential,
) pulumi.StringPtrInput {
	if _, known := plain(location); location == nil || known || len(credentials) == 0 {
		return location
	}
	return location.ToStringPtrOutput().ApplyT(func(region *string) (*string, error) {
		if region != nil && !signin.FederatesIdentities(*region) {
			return nil, noFederation("location", *region)
		}
		return region, nil
	}).(pulumi.StringPtrOutput)
}

func defaultIdentityName(component string) string { return strings.ReplaceAll(component, ".", "-") }

func (args *ManagedIdentityArgs) check(name string) (ps access.Problems) {
	invoker := access.Invoker{Kind: access.ManagedIdentity, FederatedCredentials: args.FederatedCredentials}
	if args.ResourceGroupName == nil {
		invoker.PrincipalID = access.Known("existing") // so that credentials for an existing identity are refused
	}
	ps = append(ps, append(invoker.Problems(), warnOfIssuers(args.FederatedCredentials)...)...)
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
	return withTexts(ps, args)
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
