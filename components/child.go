package components

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/batchaccess/batchaccess/internal/lookup"
)

// The type tokens of the components.
const (
	InvokerRoleToken         = "batchaccess:index:InvokerRole"
	ServicePrincipalToken    = "batchaccess:index:ServicePrincipal"
	ManagedIdentityToken     = "batchaccess:index:ManagedIdentity"
	ComputeClusterToken      = "batchaccess:index:ComputeCluster"
	StorageReaderToken       = "batchaccess:index:StorageReader"
	StorageContributorToken  = "batchaccess:index:StorageContributor"
	BatchEndpointAccessToken = "batchaccess:index:BatchEndpointAccess"
)

// A children makes the options that the children of a component are registered with.
type children struct {
	parent    pulumi.Resource
	inherited []pulumi.ResourceOption
	// ofProperties are the caller's options that name properties, which only some children have.
	ofProperties []propertyOption
	deleteFirst  bool
	creations    *creations
	native       []pulumi.ResourceOrInvokeOption // which version of azure-native makes a resource or answers
}

// A propertyOption is an option that names properties of a resource.
type propertyOption struct {
	names []string
	make  func(names []string) pulumi.ResourceOption
}

// childrenOf keeps the options of the component that Pulumi does not pass on to its children. Providers, protect,
// aliases and transforms are inherited through the parent; the rest is passed on here. A version and a download URL are
// those of azure-native, and have priority over the provider's own version. Import names one resource, and stays with
// it.
func childrenOf(parent pulumi.Resource, opts []pulumi.ResourceOption) (children, error) {
	given, err := pulumi.NewResourceOptions(opts...)
	if err != nil {
		return children{}, fmt.Errorf("reading resource options: %w", err)
	}
	c := children{parent: parent, native: lookup.NativeOptions(given), deleteFirst: given.DeleteBeforeReplace,
		creations: &creations{}}
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
	for _, o := range []propertyOption{
		{given.IgnoreChanges, pulumi.IgnoreChanges},
		{given.HideDiffs, pulumi.HideDiffs},
		{given.ReplaceOnChanges, pulumi.ReplaceOnChanges},
		{given.AdditionalSecretOutputs, pulumi.AdditionalSecretOutputs},
	} {
		if len(o.names) > 0 {
			c.ofProperties = append(c.ofProperties, o)
		}
	}
	return c, nil
}

// options returns the options of a child that is a component itself; it passes them on to its own children.
func (c children) options(own ...pulumi.ResourceOption) []pulumi.ResourceOption {
	for _, o := range c.native {
		own = append(own, o)
	}
	return c.with(func(string) bool { return true }, own)
}

// azureNative returns the options of a child that the azure-native provider makes.
func (c children) azureNative(resource any, args pulumi.Input, own ...pulumi.ResourceOption) []pulumi.ResourceOption {
	for _, o := range c.native {
		own = append(own, o)
	}
	return c.azuread(resource, args, own...)
}

// azuread returns the options of a child that the azuread provider makes.
func (c children) azuread(resource any, args pulumi.Input, own ...pulumi.ResourceOption) []pulumi.ResourceOption {
	return c.with(func(path string) bool {
		name := path[:strings.IndexAny(path+".", ".[")]
		has := func(t reflect.Type) bool {
			return slices.ContainsFunc(reflect.VisibleFields(t), func(f reflect.StructField) bool {
				return f.Tag.Get("pulumi") == name
			})
		}
		return name == "*" || has(reflect.TypeOf(resource)) || has(args.ElementType())
	}, own)
}

// with adds the caller's options to a child's own. Of the options that name properties it takes those whose properties
// the child has.
func (c children) with(has func(path string) bool, own []pulumi.ResourceOption) []pulumi.ResourceOption {
	all := append(append([]pulumi.ResourceOption{pulumi.Parent(c.parent)}, c.inherited...), own...)
	for _, o := range c.ofProperties {
		if names := slices.DeleteFunc(slices.Clone(o.names), func(name string) bool { return !has(name) }); len(names) > 0 {
			all = append(all, o.make(names))
		}
	}
	if c.deleteFirst {
		all = append(all, pulumi.DeleteBeforeReplace(true))
	}
	return all
}

// lookup returns the options of a look-up through the azure-native provider.
func (c children) lookup() []pulumi.InvokeOption {
	all := []pulumi.InvokeOption{pulumi.Parent(c.parent)}
	for _, o := range c.native {
		all = append(all, o)
	}
	return all
}

// formerly returns the aliases for a resource's earlier names, under which it may be in the stack's state.
func formerly(names ...string) []pulumi.ResourceOption {
	var aliases []pulumi.Alias
	for _, name := range names {
		aliases = append(aliases, pulumi.Alias{Name: pulumi.String(name)})
	}
	if aliases == nil {
		return nil
	}
	return []pulumi.ResourceOption{pulumi.Aliases(aliases)}
}

// namesBefore returns the earlier names of a component, by its aliases, as far as they are known now.
func namesBefore(opts []pulumi.ResourceOption) (names []string) {
	given, err := pulumi.NewResourceOptions(opts...)
	if err != nil {
		return nil // childrenOf has said so
	}
	for _, alias := range given.Aliases {
		if alias.Name == nil {
			continue
		}
		if name, known := plain(alias.Name); known {
			names = append(names, name)
		}
	}
	return names
}

// was returns the earlier name of a child, made of its earlier last part; none if it had no other.
func was(prefix, last string) []string {
	if last == "" {
		return nil
	}
	return []string{prefix + "." + last}
}

func protectIf(protect bool) []pulumi.ResourceOption {
	if protect {
		return []pulumi.ResourceOption{pulumi.Protect(true)}
	}
	return nil
}
