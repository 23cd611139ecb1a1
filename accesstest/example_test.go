package accesstest_test

import (
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/accesstest"
	"github.com/batchaccess/batchaccess/components"
)

// deployPayroll is a program that makes the account with the payroll itself.
func deployPayroll(ctx *pulumi.Context) error {
	lake := &pulumi.CustomResourceState{}
	if err := ctx.RegisterResource("azure-native:storage:StorageAccount", "lake", nil, lake); err != nil {
		return err
	}
	_, err := components.NewBatchEndpointAccess(ctx, "access", &components.BatchEndpointAccessArgs{
		WorkspaceID: pulumi.String(workspaceID),
		Location:    pulumi.String("westeurope"),
		Invokers: map[string]components.InvokerArgs{
			"analysts": {Kind: access.Group, ObjectID: pulumi.String("22222222-2222-4222-8222-222222222222")},
			"clerk":    {Kind: access.User, ObjectID: pulumi.String("33333333-3333-4333-8333-333333333333")},
		},
		Clusters:        map[string]components.ClusterArgs{"cpu": {}},
		StorageAccounts: map[string]pulumi.StringInput{"lake": lake.ID()},
		DataInputs: map[string]access.DataInput{
			"payroll": {Kind: access.ADLSGen2, StorageAccount: "lake", Container: "payroll"},
		},
		Endpoints: map[string]access.Endpoint{
			"wages": {Cluster: "cpu", Inputs: []string{"payroll"}, Invokers: []string{"clerk"}},
		},
	})
	return err
}

func TestWhoReadsPayroll(t *testing.T) {
	t.Parallel()
	stack := accesstest.Run(t, deployPayroll) // your program
	stack.Require(t, access.Assertion{Can: []string{"clerk"}, Read: "payroll"})
	stack.Require(t, access.Assertion{Cannot: []string{"analysts"}, Read: "payroll"})
}
