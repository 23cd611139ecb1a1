package tests

import (
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/access/signin"
	"github.com/batchaccess/batchaccess/components"
)

// ARM IDs of resources that exist before the stack.
const (
	lakeID   = "/subscriptions/" + subscription + "/resourceGroups/data/providers/Microsoft.Storage/storageAccounts/lake"
	sharedID = "/subscriptions/" + subscription +
		"/resourceGroups/data/providers/Microsoft.Storage/storageAccounts/shared"
	identityID = "/subscriptions/" + subscription +
		"/resourceGroups/ids/providers/Microsoft.ManagedIdentity/userAssignedIdentities/mounter"
	existingSP = "cccccccc-cccc-4ccc-8ccc-cccccccccccc"
	existingMI = "dddddddd-dddd-4ddd-8ddd-dddddddddddd"
	staff      = "eeeeeeee-eeee-4eee-8eee-eeeeeeeeeeee"
)

func yes() *bool { b := true; return &b }
func no() *bool  { b := false; return &b }

// environment has invokers, clusters and inputs of every kind.
func environment() components.BatchEndpointAccessArgs {
	return components.BatchEndpointAccessArgs{
		WorkspaceID: pulumi.String(workspaceID),
		Location:    pulumi.String("westeurope"),
		Invokers: map[string]components.InvokerArgs{
			"alice": {Kind: access.User, ObjectID: pulumi.String(alice)},
			"staff": {Kind: access.Group, ObjectID: pulumi.String(staff)},
			"pipeline": {Kind: access.ServicePrincipal, FederatedCredentials: map[string]signin.FederatedCredential{
				"main": {GitHub: &signin.GitHubSubject{Repository: "contoso/scoring", Branch: "main"}},
			}},
			"partner": {Kind: access.ServicePrincipal, ClientSecrets: map[string]signin.ClientSecret{
				"2026": {StartDate: "2026-11-01", EndDate: "2027-05-01"},
			}},
			"robot":     {Kind: access.ServicePrincipal, ObjectID: pulumi.String(existingSP), ClientID: pulumi.String(bob)},
			"scheduler": {Kind: access.ManagedIdentity},
			"factory":   {Kind: access.ManagedIdentity, PrincipalID: pulumi.String(existingMI)},
		},
		Clusters: map[string]components.ClusterArgs{
			"cpu": {},
			"gpu": {Identity: access.UserAssigned, ComputeName: "gpu-scoring"},
		},
		StorageAccounts: map[string]pulumi.StringInput{"lake": pulumi.String(lakeID), "shared": pulumi.String(sharedID)},
		DataInputs: map[string]access.DataInput{
			"patients": {Kind: access.ADLSGen2, StorageAccount: "lake", Container: "patients"},
			"images":   {Kind: access.Blob, StorageAccount: "shared", Container: "images"},
			"labels": {Kind: access.DataStore, DataStore: "labels", CredentialInStore: no(), StorageAccount: "shared",
				Container: "labels", Path: "current"},
			"baseline": {Kind: access.DataAsset, DataStore: "labels", DataAsset: "baseline", Version: "3",
				CredentialInStore: no(), StorageAccount: "shared", Container: "labels"},
			"archive": {Kind: access.DataStore, DataStore: "archive", CredentialInStore: yes(), Path: "2025"},
		},
		DataOutputs: map[string]access.DataOutput{
			"scores": {DataStore: "scores", CredentialInStore: no(), StorageAccount: "shared", Container: "scores", Path: "out"},
		},
		Endpoints: map[string]access.Endpoint{
			"classifier": {Cluster: "cpu", Inputs: []string{"patients", "baseline", "archive"}, Outputs: []string{"scores"},
				Invokers: []string{"alice", "staff", "pipeline", "factory"}},
			"tagger": {Cluster: "gpu", Inputs: []string{"images", "labels"},
				Invokers: []string{"alice", "partner", "scheduler", "robot"}},
		},
		Assertions: map[string]access.Assertion{
			"factory-apart": {Cannot: []string{"factory"}, Read: "images"},
			"nobody-shares": {Only: []string{}, Do: "grantsAccess"},
		},
		Tags: pulumi.StringMap{"team": pulumi.String("scoring")},
	}
}

func batchEndpointAccess(args components.BatchEndpointAccessArgs, opts ...pulumi.ResourceOption) program {
	return func(ctx *pulumi.Context) (pulumi.Map, error) {
		a, err := components.NewBatchEndpointAccess(ctx, "access", &args, opts...)
		if err != nil {
			return nil, err
		}
		return a.Outputs(), nil
	}
}
