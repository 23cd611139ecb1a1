// A stack that uses the components from Go: the same resources as the one in ../yaml, which uses them from YAML.
package main

import (
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi/config"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/access/signin"
	"github.com/batchaccess/batchaccess/components"
)

func main() { pulumi.Run(deploy) }

func deploy(ctx *pulumi.Context) error {
	settings := config.New(ctx, "")

	// An identity that the stack makes, for a function app to run as.
	scheduler, err := components.NewManagedIdentity(ctx, "scheduler", &components.ManagedIdentityArgs{
		ResourceGroupName: pulumi.String("scoring-dev"),
		ResourceName:      pulumi.String("scoring-scheduler"),
		Location:          pulumi.String("westeurope"),
	})
	if err != nil {
		return err
	}

	scoring, err := components.NewBatchEndpointAccess(ctx, "scoring", &components.BatchEndpointAccessArgs{
		WorkspaceID: pulumi.String(settings.Require("workspaceId")),
		Location:    pulumi.String("westeurope"),
		Role:        components.RoleArgs{Additions: []string{"pollJobs"}},
		Invokers: map[string]components.InvokerArgs{
			"analysts": {Kind: access.Group, ObjectID: pulumi.String("22222222-2222-4222-8222-222222222222")},
			"pipeline": {Kind: access.ServicePrincipal, FederatedCredentials: map[string]signin.FederatedCredential{
				"main": {GitHub: &signin.GitHubSubject{Repository: "contoso/scoring", Branch: "main"}},
			}},
			"scheduler": {Kind: access.ManagedIdentity, PrincipalID: scheduler.PrincipalID, ClientID: scheduler.ClientID},
		},
		Clusters: map[string]components.ClusterArgs{
			"cpu": {VMSize: pulumi.String("Standard_DS3_v2"), MaxNodeCount: pulumi.Int(4)},
		},
		StorageAccounts: map[string]pulumi.StringInput{
			"lake": pulumi.String(settings.Require("storageAccountId")),
		},
		DataInputs: map[string]access.DataInput{
			"patients": {Kind: access.ADLSGen2, StorageAccount: "lake", Container: "patients"},
			"images":   {Kind: access.Blob, StorageAccount: "lake", Container: "images"},
		},
		Endpoints: map[string]access.Endpoint{
			"heart-classifier": {Cluster: "cpu", Inputs: []string{"patients"}, Invokers: []string{"analysts", "pipeline"}},
			"image-tagger":     {Cluster: "cpu", Inputs: []string{"images"}},
		},
		Assertions: map[string]access.Assertion{
			"patients-private": {Cannot: []string{"scheduler"}, Read: "patients"},
		},
		Tags: pulumi.StringMap{"team": pulumi.String("scoring")},
	})
	if err != nil {
		return err
	}
	ctx.Export("principalIds", scoring.PrincipalIDs)
	ctx.Export("clientIds", scoring.ClientIDs)
	ctx.Export("clientSecrets", scoring.ClientSecrets)
	ctx.Export("clusterPrincipalIds", scoring.ClusterPrincipalIDs)
	ctx.Export("howToInvoke", scoring.HowToInvoke)
	return nil
}
