package provider

import (
	"reflect"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	sdk "github.com/pulumi/pulumi/sdk/v3/go/pulumi/provider"

	"github.com/batchaccess/batchaccess/components"
)

// A Component is one component of the package: its Go types, and how it is made for the other languages.
type Component struct {
	Token string
	// Args and Result are struct types, whose `pulumi` tags name the arguments and the outputs.
	Args, Result reflect.Type
	construct    sdk.ConstructFunc
}

// Components are the components of the package.
var Components = []Component{
	component(components.BatchEndpointAccessToken, components.NewBatchEndpointAccess),
	component(components.ComputeClusterToken, components.NewComputeCluster),
	component(components.InvokerRoleToken, components.NewInvokerRole),
	component(components.ManagedIdentityToken, components.NewManagedIdentity),
	component(components.ServicePrincipalToken, components.NewServicePrincipal),
	component(components.StorageReaderToken, components.NewStorageReader),
	component(components.StorageContributorToken, components.NewStorageContributor),
}

func component[A, R any, P interface {
	*R
	pulumi.ComponentResource
}](token string, make func(*pulumi.Context, string, *A, ...pulumi.ResourceOption) (P, error)) Component {
	return Component{token, reflect.TypeFor[A](), reflect.TypeFor[R](), func(
		ctx *pulumi.Context, _, name string, inputs sdk.ConstructInputs, options pulumi.ResourceOption,
	) (*sdk.ConstructResult, error) {
		args := new(A)
		if err := inputs.CopyTo(args); err != nil {
			return nil, err
		}
		made, err := make(ctx, name, args, options)
		if err != nil {
			return nil, err
		}
		return sdk.NewConstructResult(made)
	}}
}

// isSecret reports whether the schema marks the output as secret. Languages that go by the schema then ask the
// component to keep it secret, by AdditionalSecretOutputs. The component keeps it secret anyway, and would pass that
// option on to children that have no such output.
func (c Component) isSecret(output string) bool {
	for i := range c.Result.NumField() {
		f := c.Result.Field(i)
		if f.Tag.Get("pulumi") == output && f.Tag.Get("provider") == "secret" {
			return true
		}
	}
	return false
}
