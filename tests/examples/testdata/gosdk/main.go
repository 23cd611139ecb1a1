// The stack of examples/go, with the SDK that `pulumi package add` generates for Go.
package main

import (
	"github.com/batchaccess/batchaccess/sdk/go/batchaccess"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi/config"
)

func main() { pulumi.Run(deploy) }

func deploy(ctx *pulumi.Context) error {
	settings := config.New(ctx, "")
	scheduler, err := batchaccess.NewManagedIdentity(ctx, "scheduler", &batchaccess.ManagedIdentityArgs{
		ResourceGroupName: pulumi.String("scoring-dev"),
		ResourceName:      pulumi.String("scoring-scheduler"),
		Location:          pulumi.String("westeurope"),
	})
	if err != nil {
		return err
	}
	text := pulumi.StringRef
	scoring, err := batchaccess.NewBatchEndpointAccess(ctx, "scoring", &batchaccess.BatchEndpointAccessArgs{
		WorkspaceId: pulumi.String(settings.Require("workspaceId")),
		Location:    pulumi.String("westeurope"),
		Role:        &batchaccess.RoleArgs{Additions: []string{"pollJobs"}},
		Invokers: map[string]batchaccess.InvokerArgs{
			"analysts": {Kind: "group", ObjectId: pulumi.String("22222222-2222-4222-8222-222222222222")},
			"pipeline": {Kind: "servicePrincipal", FederatedCredentials: map[string]batchaccess.FederatedCredentialArgs{
				"main": {Github: &batchaccess.GitHubSubjectArgs{Repository: "contoso/scoring", Branch: text("main")}},
			}},
			"scheduler": {Kind: "managedIdentity", PrincipalId: scheduler.PrincipalId, ClientId: scheduler.ClientId},
		},
		Clusters: map[string]batchaccess.ClusterArgs{
			"cpu": {VmSize: pulumi.String("Standard_DS3_v2"), MaxNodeCount: pulumi.Int(4)},
		},
		StorageAccounts: map[string]pulumi.StringInput{"lake": pulumi.String(settings.Require("storageAccountId"))},
		DataInputs: map[string]batchaccess.DataInputArgs{
			"patients": {Kind: "adlsGen2", StorageAccount: text("lake"), Container: text("patients")},
			"images":   {Kind: "blob", StorageAccount: text("lake"), Container: text("images")},
		},
		Endpoints: map[string]batchaccess.EndpointArgs{
			"heart-classifier": {
				Cluster: text("cpu"), Inputs: []string{"patients"}, Invokers: []string{"analysts", "pipeline"},
			},
			"image-tagger": {Cluster: text("cpu"), Inputs: []string{"images"}},
		},
		Assertions: map[string]batchaccess.AssertionArgs{
			"patients-private": {Cannot: []string{"scheduler"}, Read: text("patients")},
		},
		Tags: pulumi.StringMap{"team": pulumi.String("scoring")},
	})
	if err != nil {
		return err
	}
	ctx.Export("principalIds", scoring.PrincipalIds)
	ctx.Export("clientIds", scoring.ClientIds)
	ctx.Export("clientSecrets", scoring.ClientSecrets)
	ctx.Export("clusterPrincipalIds", scoring.ClusterPrincipalIds)
	ctx.Export("howToInvoke", scoring.HowToInvoke)
	return nil
}
