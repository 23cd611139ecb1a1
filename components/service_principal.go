package components

import (
	"cmp"
	"fmt"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/access/signin"
	"github.com/batchaccess/batchaccess/sdks/azuread"
)

// ServicePrincipalArgs are the arguments of a ServicePrincipal. It signs in with federated credentials (preferred:
// there is no secret to leak or to rotate), with client secrets, or, if SignIn is none, not at all.
type ServicePrincipalArgs struct {
	// DisplayName of the application, as people see it in Entra. Default: the component's name.
	DisplayName pulumi.StringInput `pulumi:"displayName,optional"`
	// Description of the application.
	Description pulumi.StringPtrInput `pulumi:"description,optional"`
	// FederatedCredentials by name; at most 20.
	FederatedCredentials map[string]signin.FederatedCredential `pulumi:"federatedCredentials,optional"`
	// ClientSecrets by name; at most two, so that one can overlap the other in a rotation.
	ClientSecrets map[string]signin.ClientSecret `pulumi:"clientSecrets,optional"`
	// SignIn is "none" for a service principal that gets its credentials elsewhere. Default: the credentials above.
	SignIn string `pulumi:"signIn,optional"`
	// Protect prevents the deletion of the application and its service principal: their IDs would not come back.
	Protect bool `pulumi:"protect,optional"`
}

// ServicePrincipal is an Entra application with its service principal and its way to sign in.
type ServicePrincipal struct {
	pulumi.ResourceState

	// ObjectID is the object ID of the service principal, to which roles are assigned.
	ObjectID pulumi.StringOutput `pulumi:"objectId"`
	// ClientID is the application (client) ID, with which it signs in.
	ClientID pulumi.StringOutput `pulumi:"clientId"`
	// TenantID is the tenant in which it signs in.
	TenantID pulumi.StringOutput `pulumi:"tenantId"`
	// ClientSecrets are its secrets, by name. The whole map is a Pulumi secret.
	ClientSecrets pulumi.StringMapOutput `pulumi:"clientSecrets" provider:"secret"`

	// Application and Principal are its resources in Entra.
	Application *azuread.Application
	Principal   *azuread.ServicePrincipal
	// Federated and Passwords are its credentials, by their names in the arguments.
	Federated map[string]*azuread.ApplicationFederatedIdentityCredential
	Passwords map[string]*azuread.ApplicationPassword
}

// NewServicePrincipal makes the application, the service principal and its credentials. Errors name each wrong argument
// and its remedy, all at once, before any resource is registered.
func NewServicePrincipal(
	ctx *pulumi.Context, name string, args *ServicePrincipalArgs, opts ...pulumi.ResourceOption,
) (*ServicePrincipal, error) {
	if args == nil {
		args = &ServicePrincipalArgs{}
	}
	invoker := access.Invoker{
		Kind:                 access.ServicePrincipal,
		FederatedCredentials: args.FederatedCredentials,
		ClientSecrets:        args.ClientSecrets,
		SignIn:               args.SignIn,
	}
	ps := append(invoker.Problems(), invoker.SecretsAt("", time.Now())...)
	ps = append(ps, warnOfIssuers(args.FederatedCredentials)...)
	ps = append(ps, checkDirectoryNames(ctx, "displayName", name, cmp.Or(idOf(args.DisplayName).Text(), name))...)
	if err := fail("ServicePrincipal", name, withTexts(ps, args)); err != nil {
		return nil, err
	}
	sp := &ServicePrincipal{}
	if err := register(ctx, ServicePrincipalToken, name, inputsOf(args), sp, opts); err != nil {
		return nil, err
	}
	if err := warn(ctx, sp, ps); err != nil {
		return nil, err
	}
	c, err := childrenOf(sp, opts)
	if err != nil {
		return nil, err
	}
	keep := protectIf(args.Protect)
	displayName := args.DisplayName
	if displayName == nil {
		displayName = pulumi.String(name)
	}
	app, err := azuread.NewApplication(ctx, name, &azuread.ApplicationArgs{
		DisplayName: displayName, Description: args.Description,
		Tags:           pulumi.StringArray{pulumi.String(madeBy(ctx.Project(), ctx.Stack(), name))},
		SignInAudience: pulumi.String("AzureADMyOrg"), // set, since the provider does not restore a changed default
	}, c.azuread(azuread.Application{}, azuread.ApplicationArgs{}, keep...)...)
	if err != nil {
		return nil, fmt.Errorf("making application %q: %w", name, err)
	}
	principal, err := azuread.NewServicePrincipal(ctx, name, &azuread.ServicePrincipalArgs{
		ClientId: app.ClientId, AccountEnabled: pulumi.Bool(true),
	}, c.azuread(azuread.ServicePrincipal{}, azuread.ServicePrincipalArgs{}, keep...)...)
	if err != nil {
		return nil, fmt.Errorf("making service principal %q: %w", name, err)
	}
	sp.Application, sp.Principal = app, principal
	if err := sp.federate(ctx, c, name, inCloud(environmentOf(ctx), args.FederatedCredentials)); err != nil {
		return nil, err
	}
	secrets, err := sp.makeSecrets(ctx, c, name, args.ClientSecrets)
	if err != nil {
		return nil, err
	}
	sp.ObjectID, sp.ClientID, sp.TenantID = principal.ObjectId, app.ClientId, principal.ApplicationTenantId
	programOf(ctx).makes(sp.ObjectID)
	sp.ClientSecrets = pulumi.ToSecret(secrets.ToStringMapOutput()).(pulumi.StringMapOutput)
	return sp, ctx.RegisterResourceOutputs(sp, pulumi.Map{
		"objectId": sp.ObjectID, "clientId": sp.ClientID, "tenantId": sp.TenantID, "clientSecrets": sp.ClientSecrets,
	})
}

func (sp *ServicePrincipal) federate(
	ctx *pulumi.Context, c children, name string, credentials map[string]signin.FederatedCredential,
) error {
	sp.Federated = map[string]*azuread.ApplicationFederatedIdentityCredential{}
	for _, key := range sortedKeys(credentials) {
		f := credentials[key]
		hook, err := federatedRenamed(ofApplication, name, credentials).refuseRenamed(ctx, key)
		if err != nil {
			return err
		}
		issuer, subject, audience := f.Claims()
		made, err := azuread.NewApplicationFederatedIdentityCredential(ctx, name+"."+key,
			&azuread.ApplicationFederatedIdentityCredentialArgs{
				ApplicationId: sp.Application.ID(),
				DisplayName:   pulumi.String(key),
				Description:   optional(f.Description),
				Issuer:        pulumi.String(issuer),
				Subject:       pulumi.String(subject),
				Audiences:     pulumi.StringArray{pulumi.String(audience)},
			}, c.azuread(azuread.ApplicationFederatedIdentityCredential{},
				azuread.ApplicationFederatedIdentityCredentialArgs{}, append(keepsDisplayName(name, f.Was), hook)...)...)
		if err != nil {
			return fmt.Errorf("making federated credential %s.%s: %w", name, key, err)
		}
		sp.Federated[key] = made
	}
	return nil
}

// keepsDisplayName returns the options of a credential that Entra can't rename: it stays in the state under its new
// name here, and keeps its first name in Entra.
func keepsDisplayName(name, before string) []pulumi.ResourceOption {
	return append(formerly(was(name, before)...), pulumi.IgnoreChanges([]string{"displayName"}))
}

// makeSecrets makes the client secrets. Their ends are sent as absolute dates: the provider accepts endDateRelative and
// never sends it, so that Entra's own default would apply.
func (sp *ServicePrincipal) makeSecrets(
	ctx *pulumi.Context, c children, name string, secrets map[string]signin.ClientSecret,
) (pulumi.StringMap, error) {
	values := pulumi.StringMap{}
	sp.Passwords = map[string]*azuread.ApplicationPassword{}
	for _, key := range sortedKeys(secrets) {
		start, end, _ := secrets[key].Period() // checked
		own := keepsDisplayName(name, secrets[key].Was)
		rotated := secretsRotated(name, secrets, time.Now())
		hook, err := rotated.refuseRenamed(ctx, key)
		if err != nil {
			return nil, err
		}
		own = append(own, hook)
		if rotated.never[key] != "" {
			refuse, err := rotated.refuseNever(ctx, "ended secret", key)
			if err != nil {
				return nil, err
			}
			own = append(own, refuse)
		}
		password, err := azuread.NewApplicationPassword(ctx, name+"."+key, &azuread.ApplicationPasswordArgs{
			ApplicationId: sp.Application.ID(),
			DisplayName:   pulumi.String(key),
			StartDate:     pulumi.String(start.Format(time.RFC3339)),
			EndDate:       pulumi.String(end.Format(time.RFC3339)),
		}, c.azuread(azuread.ApplicationPassword{}, azuread.ApplicationPasswordArgs{},
			append(own, pulumi.AdditionalSecretOutputs([]string{"value"}))...)...)
		if err != nil {
			return nil, fmt.Errorf("making client secret %s.%s: %w", name, key, err)
		}
		sp.Passwords[key], values[key] = password, password.Value
	}
	return values, nil
}

// madeBy is the text that says which stack made something: the tag of an application, or the description of a group.
// Display names are not unique, and a deployment that is interrupted can leave an application or group that is in no
// state.
func madeBy(project, stack, name string) string {
	return "batchaccess:" + project + "/" + stack + "/" + name
}
