// Package composed deploys the workload through the components, as a stack that imports them does. It must know nothing
// of the flat program that it is compared with.
package composed

import (
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/components"
	"github.com/batchaccess/batchaccess/tests/bench/workload"
)

// Deploy registers the workload's resources, and has the same exports as this repository's program.
func Deploy(ctx *pulumi.Context, w workload.Workload) error {
	a, err := components.NewBatchEndpointAccess(ctx, "access", Args(w))
	if err != nil {
		return err
	}
	for name, output := range a.Outputs() {
		ctx.Export(name, output)
	}
	return nil
}

// Args are the workload as arguments of the component.
func Args(w workload.Workload) *components.BatchEndpointAccessArgs {
	args := &components.BatchEndpointAccessArgs{
		WorkspaceID:     pulumi.String(workload.WorkspaceID),
		Location:        pulumi.String(workload.Location),
		Invokers:        map[string]components.InvokerArgs{},
		Clusters:        map[string]components.ClusterArgs{},
		StorageAccounts: map[string]pulumi.StringInput{},
		DataInputs:      map[string]access.DataInput{},
	}
	for _, i := range w.Invokers {
		invoker := components.InvokerArgs{Kind: access.PrincipalKind(i.Kind)}
		if invoker.Kind == access.ManagedIdentity {
			invoker.PrincipalID = pulumi.String(i.PrincipalID)
		} else {
			invoker.ObjectID = pulumi.String(i.PrincipalID)
		}
		args.Invokers[i.Name] = invoker
	}
	for _, name := range workload.Clusters {
		args.Clusters[name] = components.ClusterArgs{}
	}
	for _, a := range workload.Accounts() {
		args.StorageAccounts[a.Name] = pulumi.String(a.ID)
	}
	for _, i := range w.Inputs {
		args.DataInputs[i.Name] = access.DataInput{Kind: access.Blob, StorageAccount: i.Account.Name, Container: i.Container}
	}
	return args
}
