// The Pulumi program that deploys the workload through the components.
package main

import (
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/batchaccess/batchaccess/tests/bench/composed"
)

func main() { pulumi.Run(composed.Deploy) }
