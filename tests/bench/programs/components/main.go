// The Pulumi program that deploys the workload through the components.
package main

import (
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/batchaccess/batchaccess/tests/bench/composed"
	"github.com/batchaccess/batchaccess/tests/bench/workload"
)

func main() {
	pulumi.Run(func(ctx *pulumi.Context) error {
		w, err := workload.Asked(ctx.GetConfig)
		if err != nil {
			return err
		}
		return composed.Deploy(ctx, w)
	})
}
