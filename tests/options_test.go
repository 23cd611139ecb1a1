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

	"github.com/batchaccess/batchaccess/components"
	"github.com/batchaccess/batchaccess/sdks/azuread"
)

// withOptions makes the environment with options of the caller.
func withOptions(t *testing.T, opts ...pulumi.ResourceOption) *recorder {
	t.Helper()
	return run(t, batchEndpointAccess(environment(), opts...))
}

// customs are the resources that a provider makes, providers aside.
func (r *recorder) customs() (all []registration) {
	for _, reg := range r.registered {
		if reg.RPC.GetCustom() && !strings.HasPrefix(reg.Type, "pulumi:providers:") {
			all = append(all, reg)
		}
	}
	require.NotEmpty(r.t, all)
	return all
}

func TestCallersOptionsReachEveryChild(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		option pulumi.ResourceOption
		holds  func(registration) bool
		of     []string // the types that have the property which the option names; all, where it names none
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
		}, []string{application, servicePrincipal, password, federated}},
		"deleteBeforeReplace": {pulumi.DeleteBeforeReplace(true),
			func(r registration) bool { return r.RPC.GetDeleteBeforeReplace() && r.Type != compute }, // which always is
			[]string{roleAssignment, roleDefinition, userAssigned, application, servicePrincipal, password, federated}},
		"version": {pulumi.Version("2.99.0"), func(r registration) bool { return r.RPC.GetVersion() == "2.99.0" },
			[]string{roleAssignment, roleDefinition, compute, userAssigned}},
		"pluginDownloadURL": {pulumi.PluginDownloadURL("https://plugins.contoso.com"), func(r registration) bool {
			return r.RPC.GetPluginDownloadURL() == "https://plugins.contoso.com"
		}, []string{roleAssignment, roleDefinition, compute, userAssigned}},
		"additionalSecretOutputs": {pulumi.AdditionalSecretOutputs([]string{"name"}), func(r registration) bool {
			return strings.Contains(fmt.Sprint(r.RPC.GetAdditionalSecretOutputs()), "name")
		}, []string{roleAssignment, roleDefinition, compute, userAssigned}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, reg := range withOptions(t).customs() {
				require.False(t, c.holds(reg), "%s %s has it without being asked", reg.Type, reg.Name)
			}
			for _, reg := range withOptions(t, c.option).customs() {
				assert.Equal(t, c.of == nil || slices.Contains(c.of, reg.Type), c.holds(reg), "%s %s", reg.Type, reg.Name)
			}
		})
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
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := run(t, func(ctx *pulumi.Context) (pulumi.Map, error) {
				first, err := azuread.NewApplication(ctx, "first", &azuread.ApplicationArgs{DisplayName: pulumi.String("first")})
				if err != nil {
					return nil, err
				}
				return batchEndpointAccess(environment(), option(first))(ctx)
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
	r := withOptions(t, pulumi.Aliases([]pulumi.Alias{{Name: pulumi.String("before")}}))
	aliases := r.one(components.BatchEndpointAccessToken, "access").RPC.GetAliases()
	require.Len(t, aliases, 1)
	assert.Equal(t, "before", aliases[0].GetSpec().GetName())
	for _, reg := range r.registered {
		if reg.Type == components.BatchEndpointAccessToken {
			continue
		}
		assert.NotContains(t, fmt.Sprint(reg.RPC.GetAliases()), "before", "%s was never called like its component", reg.Name)
	}
}

func TestTransformationsSeeEveryChild(t *testing.T) {
	t.Parallel()
	r := withOptions(t,
		pulumi.Transformations([]pulumi.ResourceTransformation{func(
			args *pulumi.ResourceTransformationArgs) *pulumi.ResourceTransformationResult {
			return &pulumi.ResourceTransformationResult{Props: args.Props, Opts: append(args.Opts, pulumi.RetainOnDelete(true))}
		}}))
	for _, reg := range r.customs() {
		assert.True(t, reg.RPC.GetRetainOnDelete(), "%s %s", reg.Type, reg.Name)
	}
}

func TestTheComponentStandsWhereTheCallerPutsIt(t *testing.T) {
	t.Parallel()
	r := run(t, func(ctx *pulumi.Context) (pulumi.Map, error) {
		outer, err := components.NewServicePrincipal(ctx, "outer", &components.ServicePrincipalArgs{SignIn: "none"})
		if err != nil {
			return nil, err
		}
		return batchEndpointAccess(environment(), pulumi.Parent(outer))(ctx)
	})
	parent := resource.URN(r.one(components.BatchEndpointAccessToken, "access").RPC.GetParent())
	assert.Equal(t, "outer", parent.Name())
}
