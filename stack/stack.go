// Package stack is the Pulumi program: from a stack's configuration to the component to the stack's outputs, and
// nothing else. It is separate from main, so that main, which every build links again, compiles at once.
package stack

import (
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/batchaccess/batchaccess/components"
	"github.com/batchaccess/batchaccess/internal/config"
)

// Deploy declares the resources of the running stack. If its configuration is wrong, the error says everything that is
// wrong, before any resource is registered.
func Deploy(ctx *pulumi.Context) error {
	args, err := config.Load(ctx)
	if err != nil {
		return err
	}
	a, err := components.NewBatchEndpointAccess(ctx, "access", args)
	if err != nil {
		return err
	}
	for name, output := range a.Outputs() {
		ctx.Export(name, output)
	}
	return nil
}
