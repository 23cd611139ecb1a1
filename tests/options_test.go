package tests

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	azurenative "github.com/pulumi/pulumi-azure-native-sdk/v2"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/access/signin"
	"github.com/batchaccess/batchaccess/components"
	"github.com/batchaccess/batchaccess/sdks/azuread"
)

// customs are the resources that a provider makes, without the providers.
func (r *recorder) customs() (all []registration) {
	for _, reg := range r.registered {
		if reg.RPC.GetCustom() && !strings.HasPrefix(reg.Type, "pulumi:providers:") {
			all = append(all, reg)
		}
	}
	require.NotEmpty(r.t, all)
	return all
}

// eachComponent makes one of each component, with children of every kind, and with the caller's options.
func eachComponent() map[string]func(opts ...pulumi.ResourceOption) program {
	credentials := map[string]signin.FederatedCredential{
		"main": {GitHub: &signin.GitHubSubject{Repository: "contoso/scoring", Branch: "main"}},
	}
	assignees := map[string]components.AssigneeArgs{"alice": {PrincipalID: pulumi.String(alice), PrincipalType: "User"}}
	made := func(make func(*pulumi.Context, ...pulumi.ResourceOption) error) func(...pulumi.ResourceOption) program {
		return func(opts ...pulumi.ResourceOption) program {
			return func(ctx *pulumi.Context) (pulumi.Map, error) { return nil, make(ctx, opts...) }
		}
	}
	return map[string]func(opts ...pulumi.ResourceOption) program{
		components.BatchEndpointAccessToken: made(func(ctx *pulumi.Context, opts ...pulumi.ResourceOption) error {
			args := environment()
			args.Invokers["scorers"] = components.InvokerArgs{Kind: access.Group, Members: []string{"alice", "partner"}}
			_, err := components.NewBatchEndpointAccess(ctx, "it", &args, opts...)
			return err
		}),
		components.InvokerRoleToken: made(func(ctx *pulumi.Context, opts ...pulumi.ResourceOption) error {
			_, err := components.NewInvokerRole(ctx, "it", &components.InvokerRoleArgs{
				Scope: pulumi.String(workspaceID), Invokers: assignees}, opts...)
			return err
		}),
		components.ServicePrincipalToken: made(func(ctx *pulumi.Context, opts ...pulumi.ResourceOption) error {
			_, err := components.NewServicePrincipal(ctx, "it", &components.ServicePrincipalArgs{
				FederatedCredentials: credentials,
				ClientSecrets:        map[string]signin.ClientSecret{"2026": {StartDate: "2026-11-01", EndDate: "2027-05-01"}},
			}, opts...)
			return err
		}),
		components.ManagedIdentityToken: made(func(ctx *pulumi.Context, opts ...pulumi.ResourceOption) error {
			_, err := components.NewManagedIdentity(ctx, "ident", &components.ManagedIdentityArgs{
				ResourceGroupName: pulumi.String("rg"), FederatedCredentials: credentials}, opts...)
			return err
		}),
		components.ComputeClusterToken: made(func(ctx *pulumi.Context, opts ...pulumi.ResourceOption) error {
			_, err := components.NewComputeCluster(ctx, "cpu", &components.ComputeClusterArgs{
				WorkspaceID: pulumi.String(workspaceID), Cluster: components.ClusterArgs{Identity: access.UserAssigned}}, opts...)
			return err
		}),
		components.StorageReaderToken: made(func(ctx *pulumi.Context, opts ...pulumi.ResourceOption) error {
			_, err := components.NewStorageReader(ctx, "it", &components.StorageReaderArgs{
				StorageAccountID: pulumi.String(lakeID), Principals: assignees}, opts...)
			return err
		}),
		components.StorageContributorToken: made(func(ctx *pulumi.Context, opts ...pulumi.ResourceOption) error {
			_, err := components.NewStorageContributor(ctx, "it", &components.StorageContributorArgs{
				StorageAccountID: pulumi.String(lakeID), Principals: assignees}, opts...)
			return err
		}),
	}
}

func TestCallersOptionsReachEveryChild(t *testing.T) {
	t.Parallel()
	native := []string{roleAssignment, roleDefinition, compute, userAssigned, ofIdentity}
	for name, c := range map[string]struct {
		option pulumi.ResourceOption
		holds  func(registration) bool
		of     []string // the types with the property that the option names; if empty, all types
	}{
		"protect":        {pulumi.Protect(true), func(r registration) bool { return r.RPC.GetProtect() }, nil},
		"retainOnDelete": {pulumi.RetainOnDelete(true), func(r registration) bool { return r.RPC.GetRetainOnDelete() }, nil},
		"customTimeouts": {pulumi.Timeouts(&pulumi.CustomTimeouts{Create: "30m"}),
			func(r registration) bool { return r.RPC.GetCustomTimeouts().GetCreate() == "30m" }, nil},
		"ignoreChanges": {pulumi.IgnoreChanges([]string{"tags"}), func(r registration) bool {
			return slices.Contains(r.RPC.GetIgnoreChanges(), "tags")
		}, []string{compute, userAssigned, application, servicePrincipal}},
		"ignoreChanges, deeper": {pulumi.IgnoreChanges([]string{"properties.properties.vmSize", "no.such"}),
			func(r registration) bool {
				return fmt.Sprint(r.RPC.GetIgnoreChanges()) == "[properties.properties.vmSize]"
			}, []string{compute}},
		"hideDiffs": {pulumi.HideDiffs([]string{"tags"}), func(r registration) bool {
			return fmt.Sprint(r.RPC.GetHideDiffs()) == "[tags]"
		}, []string{compute, userAssigned, application, servicePrincipal}},
		"replaceOnChanges": {pulumi.ReplaceOnChanges([]string{"displayName"}), func(r registration) bool {
			return strings.Contains(fmt.Sprint(r.RPC.GetReplaceOnChanges()), "displayName")
		}, []string{application, servicePrincipal, password, federated, securityGroup}},
		"deleteBeforeReplace": {pulumi.DeleteBeforeReplace(true),
			func(r registration) bool { return r.RPC.GetDeleteBeforeReplace() && r.Type != compute }, // which always is
			[]string{roleAssignment, roleDefinition, userAssigned, ofIdentity, application, servicePrincipal, password,
				federated,
				securityGroup, groupMember}},
		"version": {pulumi.Version("2.99.0"), func(r registration) bool { return r.RPC.GetVersion() == "2.99.0" },
			native},
		"pluginDownloadURL": {pulumi.PluginDownloadURL("https://plugins.contoso.com"), func(r registration) bool {
			return r.RPC.GetPluginDownloadURL() == "https://plugins.contoso.com"
		}, native},
		"additionalSecretOutputs": {pulumi.AdditionalSecretOutputs([]string{"name"}), func(r registration) bool {
			return strings.Contains(fmt.Sprint(r.RPC.GetAdditionalSecretOutputs()), "name")
		}, native},
	} {
		for component, with := range eachComponent() {
			t.Run(component+" "+name, func(t *testing.T) {
				t.Parallel()
				for _, reg := range run(t, with()).customs() {
					require.False(t, c.holds(reg), "%s %s has it without being asked", reg.Type, reg.Name)
				}
				for _, reg := range run(t, with(c.option)).customs() {
					assert.Equal(t, c.of == nil || slices.Contains(c.of, reg.Type), c.holds(reg), "%s %s", reg.Type, reg.Name)
				}
			})
		}
	}
}

func TestWhatTheProviderWouldNotPutBackIsSaid(t *testing.T) {
	t.Parallel()
	r := run(t, batchEndpointAccess(environment()))
	assert.Equal(t, "AzureADMyOrg", r.one(application, "access.pipeline").at("signInAudience"))
	assert.Equal(t, true, r.one(servicePrincipal, "access.pipeline").at("accountEnabled"))
}

func TestWhatCallersTieTheComponentToTiesEveryChild(t *testing.T) {
	t.Parallel()
	for name, option := range map[string]func(pulumi.Resource) pulumi.ResourceOption{
		"dependsOn": func(r pulumi.Resource) pulumi.ResourceOption { return pulumi.DependsOn([]pulumi.Resource{r}) },
		"dependsOnInputs": func(r pulumi.Resource) pulumi.ResourceOption {
			return pulumi.DependsOnInputs(pulumi.NewResourceArrayOutput(pulumi.NewResourceOutput(r)))
		},
		"deletedWith": pulumi.DeletedWith,
		"replaceWith": func(r pulumi.Resource) pulumi.ResourceOption { return pulumi.ReplaceWith([]pulumi.Resource{r}) },
	} {
		for component, with := range eachComponent() {
			t.Run(component+" "+name, func(t *testing.T) {
				t.Parallel()
				r := run(t, func(ctx *pulumi.Context) (pulumi.Map, error) {
					first, err := azuread.NewApplication(ctx, "first", &azuread.ApplicationArgs{DisplayName: pulumi.String("first")})
					if err != nil {
						return nil, err
					}
					return with(option(first))(ctx)
				})
				first := r.one(application, "first").URN()
				for _, reg := range r.customs() {
					if reg.Name == "first" {
						continue
					}
					switch name {
					case "deletedWith":
						assert.Equal(t, first, reg.RPC.GetDeletedWith(), reg.Name)
					case "replaceWith":
						assert.Equal(t, []string{first}, reg.RPC.GetReplaceWith(), reg.Name)
					default:
						assert.Contains(t, reg.RPC.GetDependencies(), first, "%s %s", reg.Type, reg.Name)
					}
				}
			})
		}
	}
}

func TestTheCallersProvidersMakeTheChildren(t *testing.T) {
	t.Parallel()
	r := newRecorder(t)
	r.computes = existingCompute("old")
	r.run(func(ctx *pulumi.Context) (pulumi.Map, error) {
		native, err := azurenative.NewProvider(ctx, "native",
			&azurenative.ProviderArgs{SubscriptionId: pulumi.String(subscription)})
		if err != nil {
			return nil, err
		}
		entra := &struct{ pulumi.ProviderResourceState }{}
		if err := ctx.RegisterResource(azureadProvider, "entra", nil, entra); err != nil {
			return nil, err
		}
		args := environment()
		args.Clusters["old"] = components.ClusterArgs{Existing: true}
		return batchEndpointAccess(args, pulumi.Providers(native, entra))(ctx)
	})
	for _, reg := range r.customs() {
		want := "::native::"
		if strings.HasPrefix(reg.Type, "azuread:") {
			want = "::entra::"
		}
		assert.Contains(t, reg.RPC.GetProvider(), want, "%s %s", reg.Type, reg.Name)
	}
	require.Len(t, r.calls, 2, "of the workspace, and of the cluster that exists")
	for _, call := range r.calls {
		assert.Contains(t, call.Provider, "::native::", "the look-up goes where the resources do")
	}
}

func TestOneProviderIsTakenForItsOwnPackage(t *testing.T) {
	t.Parallel()
	r := run(t, func(ctx *pulumi.Context) (pulumi.Map, error) {
		native, err := azurenative.NewProvider(ctx, "native", nil)
		if err != nil {
			return nil, err
		}
		return batchEndpointAccess(environment(), pulumi.Provider(native))(ctx)
	})
	for _, reg := range r.customs() {
		assert.Equal(t, strings.HasPrefix(reg.Type, "azure-native:"), strings.Contains(reg.RPC.GetProvider(), "::native::"),
			"%s %s", reg.Type, reg.Name)
	}
}

func TestAliasesStandOnTheComponentAndTheEngineHandsThemDown(t *testing.T) {
	t.Parallel()
	for component, with := range eachComponent() {
		r := run(t, with(pulumi.Aliases([]pulumi.Alias{{Name: pulumi.String("before")}})))
		require.Equal(t, component, r.registered[0].Type)
		assert.Contains(t, fmt.Sprint(r.registered[0].RPC.GetAliases()), "before", component)
		for _, reg := range r.registered[1:] {
			assert.NotContains(t, fmt.Sprint(reg.RPC.GetAliases()), "before", "%s was never called like its component", reg.Name)
		}
	}
}

func TestTransformationsSeeEveryChild(t *testing.T) {
	t.Parallel()
	keep := pulumi.Transformations([]pulumi.ResourceTransformation{func(
		args *pulumi.ResourceTransformationArgs) *pulumi.ResourceTransformationResult {
		return &pulumi.ResourceTransformationResult{Props: args.Props, Opts: append(args.Opts, pulumi.RetainOnDelete(true))}
	}})
	for component, with := range eachComponent() {
		for _, reg := range run(t, with(keep)).customs() {
			assert.True(t, reg.RPC.GetRetainOnDelete(), "%s: %s %s", component, reg.Type, reg.Name)
		}
	}
}

func TestTheComponentStandsWhereTheCallerPutsIt(t *testing.T) {
	t.Parallel()
	for component, with := range eachComponent() {
		r := run(t, func(ctx *pulumi.Context) (pulumi.Map, error) {
			outer, err := components.NewServicePrincipal(ctx, "outer", &components.ServicePrincipalArgs{SignIn: "none"})
			if err != nil {
				return nil, err
			}
			return with(pulumi.Parent(outer))(ctx)
		})
		inside := slices.IndexFunc(r.registered, func(reg registration) bool {
			return reg.Type == component && reg.Name != "outer"
		})
		require.GreaterOrEqual(t, inside, 0, component)
		assert.Equal(t, "outer", resource.URN(r.registered[inside].RPC.GetParent()).Name(), component)
	}
}
