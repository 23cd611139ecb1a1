// The Pulumi program that deploys the workload without components.
package main

import (
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/batchaccess/batchaccess/tests/bench/flat"
)

func main() { pulumi.Run(flat.Deploy) }
