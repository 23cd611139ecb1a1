// The Pulumi program: who may start batch jobs in a workspace, and which identities read the data.
package main

import (
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/batchaccess/batchaccess/stack"
)

func main() { pulumi.Run(stack.Deploy) }
