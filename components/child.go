package components

import (
	"fmt"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// The tokens under which the components are registered.
const (
	InvokerRoleToken         = "batchaccess:index:InvokerRole"
	ServicePrincipalToken    = "batchaccess:index:ServicePrincipal"
	ManagedIdentityToken     = "batchaccess:index:ManagedIdentity"
	ComputeClusterToken      = "batchaccess:index:ComputeCluster"
	StorageReaderToken       = "batchaccess:index:StorageReader"
	BatchEndpointAccessToken = "batchaccess:index:BatchEndpointAccess"
)

// azureNativeVersion makes one version of the provider serve all its resources: the modules of its SDK that the
// proxy carries are of different ages.
const azureNativeVersion = "2.92.3"

// children gives the options that the children of a component are registered with.
type children struct {
	parent    pulumi.Resource
	inherited []pulumi.ResourceOption
}

// childrenOf keeps what the caller asked for on the component and Pulumi does not hand to its children by itself:
// providers, protect, aliases and transforms are inherited through the parent, the rest is passed on here.
// Version, PluginDownloadURL and Import name one resource, and stay with it.
func childrenOf(parent pulumi.Resource, opts []pulumi.ResourceOption) (children, error) {
	given, err := pulumi.NewResourceOptions(opts...)
	if err != nil {
		return children{}, fmt.Errorf("reading resource options: %w", err)
	}
	c := children{parent: parent}
	keep := func(is bool, o pulumi.ResourceOption) {
		if is {
			c.inherited = append(c.inherited, o)
		}
	}
	keep(given.RetainOnDelete, pulumi.RetainOnDelete(true))
	keep(given.CustomTimeouts != nil, pulumi.Timeouts(given.CustomTimeouts))
	keep(given.DeletedWith != nil, pulumi.DeletedWith(given.DeletedWith))
	keep(len(given.ReplaceWith) > 0, pulumi.ReplaceWith(given.ReplaceWith))
	keep(len(given.DependsOn) > 0, pulumi.DependsOn(given.DependsOn))
	for _, in := range given.DependsOnInputs {
		keep(true, pulumi.DependsOnInputs(in))
	}
	keep(len(given.IgnoreChanges) > 0, pulumi.IgnoreChanges(given.IgnoreChanges))
	keep(len(given.HideDiffs) > 0, pulumi.HideDiffs(given.HideDiffs))
	keep(len(given.AdditionalSecretOutputs) > 0, pulumi.AdditionalSecretOutputs(given.AdditionalSecretOutputs))
	return c, nil
}

func (c children) options(own ...pulumi.ResourceOption) []pulumi.ResourceOption {
	all := append([]pulumi.ResourceOption{pulumi.Parent(c.parent)}, c.inherited...)
	return append(all, own...)
}

// azureNative gives the options of a child that the azure-native provider makes.
func (c children) azureNative(own ...pulumi.ResourceOption) []pulumi.ResourceOption {
	return c.options(append(own, pulumi.Version(azureNativeVersion))...)
}

// lookup gives the options of a look-up through the azure-native provider.
func (c children) lookup() []pulumi.InvokeOption {
	return []pulumi.InvokeOption{pulumi.Parent(c.parent), pulumi.Version(azureNativeVersion)}
}

func protectIf(protect bool) []pulumi.ResourceOption {
	if protect {
		return []pulumi.ResourceOption{pulumi.Protect(true)}
	}
	return nil
}
