// Twostacks is the program of two projects: platform makes the invokers' role and exports its ID; scoring, by another
// team, has a cluster and assigns that role, which it knows by a StackReference. A third, readers, has parts that
// refer to nothing but what exists.
package main

import (
	"fmt"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/batchaccess/batchaccess/access/signin"
	"github.com/batchaccess/batchaccess/components"
)

const (
	group       = "/subscriptions/11111111-1111-4111-8111-111111111111/resourceGroups/scoring-dev"
	workspaceID = group + "/providers/Microsoft.MachineLearningServices/workspaces/scoring-dev"
	lakeID      = "/subscriptions/11111111-1111-4111-8111-111111111111/resourceGroups/data-dev/providers/" +
		"Microsoft.Storage/storageAccounts/contosolakedev"
	ann  = "33333333-3333-4333-8333-333333333333"
	team = "22222222-2222-4222-8222-222222222222"
)

func main() {
	pulumi.Run(func(ctx *pulumi.Context) error {
		switch ctx.Project() {
		case "platform":
			return platform(ctx)
		case "scoring":
			return scoring(ctx)
		case "readers":
			return readers(ctx)
		default:
			return fmt.Errorf("no part is called %s", ctx.Project())
		}
	})
}

func platform(ctx *pulumi.Context) error {
	// At the resource group, so that it is assignable in all of it.
	role, err := components.NewInvokerRole(ctx, "invoker",
		&components.InvokerRoleArgs{Scope: pulumi.String(group), Name: "Starts batch jobs"})
	if err != nil {
		return err
	}
	ctx.Export("roleDefinitionId", role.RoleDefinitionID)
	return nil
}

// scoring exports nothing. How its application's credential is called is configuration.
func scoring(ctx *pulumi.Context) error {
	credential := "main"
	if name, is := ctx.GetConfig("scoring:credential"); is {
		credential = name
	}
	if _, err := components.NewServicePrincipal(ctx, "scorer", &components.ServicePrincipalArgs{
		FederatedCredentials: map[string]signin.FederatedCredential{credential: {
			Issuer: "https://token.example.com", Subject: "scorer"}},
	}); err != nil {
		return err
	}
	other, err := pulumi.NewStackReference(ctx, "organization/platform/dev", nil)
	if err != nil {
		return err
	}
	if _, err := components.NewComputeCluster(ctx, "cpu", &components.ComputeClusterArgs{
		WorkspaceID: pulumi.String(workspaceID), Cluster: components.ClusterArgs{VMSize: pulumi.String("Standard_DS3_v2"),
			Location: pulumi.String("westeurope")},
	}); err != nil {
		return err
	}
	_, err = components.NewInvokerRole(ctx, "invoker", &components.InvokerRoleArgs{
		Scope:            pulumi.String(workspaceID),
		RoleDefinitionID: other.GetStringOutput(pulumi.String("roleDefinitionId")),
		Invokers:         map[string]components.AssigneeArgs{"ann": {PrincipalID: pulumi.String(ann), PrincipalType: "User"}},
	})
	return err
}

func readers(ctx *pulumi.Context) error {
	cluster, err := components.NewComputeCluster(ctx, "cpu", &components.ComputeClusterArgs{
		WorkspaceID: pulumi.String(workspaceID), Cluster: components.ClusterArgs{VMSize: pulumi.String("Standard_DS3_v2"),
			Location: pulumi.String("westeurope")},
	})
	if err != nil {
		return err
	}
	_, err = components.NewStorageReader(ctx, "scores", &components.StorageReaderArgs{
		StorageAccountID: pulumi.String(lakeID), Container: "scores",
		Principals: map[string]components.AssigneeArgs{
			"cluster": {PrincipalID: cluster.PrincipalID, PrincipalType: "ServicePrincipal"},
			"ann":     {PrincipalID: pulumi.String(ann), PrincipalType: "User"},
			"team":    {PrincipalID: pulumi.String(team), PrincipalType: "Group"},
		},
	})
	return err
}
