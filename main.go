// The Pulumi program: who may start batch jobs in a workspace, and which identities read the data.
package main

import (
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/batchaccess/batchaccess/components"
	"github.com/batchaccess/batchaccess/config"
)

func main() { pulumi.Run(deploy) }

func deploy(ctx *pulumi.Context) error {
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
