package components_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/batchaccess/batchaccess/access/signin"
	"github.com/batchaccess/batchaccess/accesstest"
	"github.com/batchaccess/batchaccess/components"
)

const (
	subscription = "/subscriptions/11111111-1111-4111-8111-111111111111"
	workspaceID  = subscription + "/resourceGroups/ml/providers/Microsoft.MachineLearningServices/workspaces/scoring"
	lakeID       = subscription + "/resourceGroups/data/providers/Microsoft.Storage/storageAccounts/lake"
	analysts     = "22222222-2222-4222-8222-222222222222"
	clusterID    = "33333333-3333-4333-8333-333333333333"
	roleID       = subscription + "/providers/Microsoft.Authorization/roleDefinitions/77777777-7777-4777-8777-777777777777"
)

// registers prints the resources that a program makes. A stack runs the program with pulumi.Run.
func registers(program pulumi.RunFunc, options ...pulumi.RunOption) {
	stack, err := accesstest.Try(program, options...)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(strings.Join(stack.Resources(), "\n"))
}

// Only the role, if you assign it elsewhere.
func ExampleNewInvokerRole() {
	registers(func(ctx *pulumi.Context) error {
		role, err := components.NewInvokerRole(ctx, "invoker",
			&components.InvokerRoleArgs{Scope: pulumi.String(workspaceID), Additions: []string{"pollJobs"}})
		if err != nil {
			return err
		}
		ctx.Export("roleDefinitionId", role.RoleDefinitionID)
		return nil
	})
	// Output:
	// InvokerRole invoker
	// RoleDefinition invoker
}

// The role from another stack, which made it as above and exports its ID, and a cluster here. This stack makes only the
// cluster and the assignment.
func ExampleNewInvokerRole_stackReference() {
	registers(func(ctx *pulumi.Context) error {
		platform, err := pulumi.NewStackReference(ctx, "contoso/platform/prod", nil)
		if err != nil {
			return err
		}
		cluster, err := components.NewComputeCluster(ctx, "cpu", &components.ComputeClusterArgs{
			WorkspaceID: pulumi.String(workspaceID),
			Cluster:     components.ClusterArgs{VMSize: pulumi.String("Standard_D4s_v5"), Location: pulumi.String("westeurope")},
		})
		if err != nil {
			return err
		}
		_, err = components.NewInvokerRole(ctx, "invoker", &components.InvokerRoleArgs{
			Scope:            pulumi.String(workspaceID),
			RoleDefinitionID: platform.GetStringOutput(pulumi.String("roleDefinitionId")),
			Invokers: map[string]components.AssigneeArgs{"analysts": {PrincipalID: pulumi.String(analysts),
				PrincipalType: "Group"}},
		})
		ctx.Export("clusterPrincipalId", cluster.PrincipalID)
		return err
	}, accesstest.StackOutputs("contoso/platform/prod", map[string]any{"roleDefinitionId": roleID}))
	// Output:
	// Compute cpu
	// ComputeCluster cpu
	// InvokerRole invoker
	// RoleAssignment invoker.analysts
}

// Only a service principal that invokes: GitHub Actions signs in as it, without a secret.
func ExampleNewServicePrincipal() {
	registers(func(ctx *pulumi.Context) error {
		sp, err := components.NewServicePrincipal(ctx, "pipeline", &components.ServicePrincipalArgs{
			FederatedCredentials: map[string]signin.FederatedCredential{
				"main": {GitHub: &signin.GitHubSubject{Repository: "contoso/scoring", Branch: "main"}}},
		})
		if err != nil {
			return err
		}
		_, err = components.NewInvokerRole(ctx, "invoker", &components.InvokerRoleArgs{
			Scope:    pulumi.String(workspaceID),
			Invokers: map[string]components.AssigneeArgs{"pipeline": sp.Assignee()},
		})
		return err
	})
	// Output:
	// Application pipeline
	// ApplicationFederatedIdentityCredential pipeline.main
	// InvokerRole invoker
	// RoleAssignment invoker.pipeline
	// RoleDefinition invoker
	// ServicePrincipal pipeline
	// ServicePrincipal pipeline
}

// Only storage readers, for a cluster that someone else made and for whoever starts jobs on it: both identities read.
func ExampleNewStorageReader() {
	registers(func(ctx *pulumi.Context) error {
		_, err := components.NewStorageReader(ctx, "scores", &components.StorageReaderArgs{
			StorageAccountID: pulumi.String(lakeID),
			Container:        "scores",
			Principals: map[string]components.AssigneeArgs{
				"cluster":  {PrincipalID: pulumi.String(clusterID), PrincipalType: "ServicePrincipal"},
				"analysts": {PrincipalID: pulumi.String(analysts), PrincipalType: "Group"},
			},
		})
		return err
	})
	// Output:
	// RoleAssignment scores.analysts
	// RoleAssignment scores.cluster
	// StorageReader scores
}

// readScores lets a cluster read a container of an account that the same program makes, so both are given as outputs.
func readScores(ctx *pulumi.Context, account pulumi.CustomResource, cluster *components.ComputeCluster) error {
	_, err := components.NewStorageReader(ctx, "scores", &components.StorageReaderArgs{
		StorageAccountID: account.ID(),
		Container:        "scores",
		Principals:       map[string]components.AssigneeArgs{"cluster": cluster.Assignee()},
	})
	return err
}

// A program whose account and cluster get their IDs from Azure only when they are made.
func TestReadScores(t *testing.T) {
	t.Parallel()
	stack := accesstest.Run(t, func(ctx *pulumi.Context) error {
		account := &pulumi.CustomResourceState{}
		if err := ctx.RegisterResource("azure-native:storage:StorageAccount", "lake", nil, account); err != nil {
			return err
		}
		cluster, err := components.NewComputeCluster(ctx, "cpu", &components.ComputeClusterArgs{
			WorkspaceID: pulumi.String(workspaceID),
			Cluster:     components.ClusterArgs{Location: pulumi.String("westeurope")},
		})
		if err != nil {
			return err
		}
		return readScores(ctx, account, cluster)
	})
	assigned := stack.Assignments()
	require.Len(t, assigned, 1)
	assert.Equal(t, stack.ID(t, "StorageAccount lake")+"/blobServices/default/containers/scores", assigned[0].Scope)
}

// Only a cluster. Another stack grants its identity the data that it reads.
func ExampleNewComputeCluster() {
	registers(func(ctx *pulumi.Context) error {
		cluster, err := components.NewComputeCluster(ctx, "cpu", &components.ComputeClusterArgs{
			WorkspaceID: pulumi.String(workspaceID),
			Cluster:     components.ClusterArgs{VMSize: pulumi.String("Standard_D4s_v5"), Location: pulumi.String("westeurope")},
		})
		if err != nil {
			return err
		}
		ctx.Export("clusterPrincipalId", cluster.PrincipalID)
		return nil
	})
	// Output:
	// Compute cpu
	// ComputeCluster cpu
}
