package tests

import (
	"errors"
	"strings"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/components"
)

const (
	factoryID = "/subscriptions/" + subscription + "/resourceGroups/etl/providers/Microsoft.DataFactory/factories/nightly"
	siteID    = "/subscriptions/" + subscription + "/resourceGroups/etl/providers/Microsoft.Web/sites/caller"
	machineID = "/subscriptions/" + subscription + "/resourceGroups/etl/providers/Microsoft.Compute/virtualMachines/box"
	appID     = "abababab-abab-4bab-8bab-abababababab"
	wrongID   = "99999999-9999-4999-8999-999999999999"
)

func identity(principal string) map[string]any {
	return map[string]any{"identity": map[string]any{"type": "SystemAssigned", "principalId": principal}}
}

func store(kind, account, container, credentials string) map[string]any {
	properties := map[string]any{"datastoreType": kind, "accountName": account,
		"credentials": map[string]any{"credentialsType": credentials}}
	if kind == "AzureDataLakeGen2" {
		properties["filesystem"] = container
	} else {
		properties["containerName"] = container
	}
	return map[string]any{"datastoreProperties": properties}
}

func asset(uri string) map[string]any {
	return map[string]any{"dataVersionBaseProperties": map[string]any{"dataType": "uri_folder", "dataUri": uri}}
}

func deploymentOn(compute string) map[string]any {
	return map[string]any{"batchDeploymentProperties": map[string]any{"compute": compute}}
}

// estate is an Azure in which everything has its name.
func estate() map[string]any {
	sp := map[string]any{"objectId": existingSP, "clientId": appID, "displayName": "robot", "type": "Application"}
	mi := map[string]any{"objectId": existingMI, "clientId": bob, "displayName": "worker", "type": "ManagedIdentity"}
	return map[string]any{
		"getUser userPrincipalName=alice@contoso.com": map[string]any{"objectId": alice},
		"getUser mail=alice.b@contoso.com":            map[string]any{"objectId": alice},
		"getUser objectId=" + alice: map[string]any{"objectId": alice,
			"userPrincipalName": "Alice@contoso.com", "mail": "alice.b@contoso.com"},
		"getUser userPrincipalName=hidden@contoso.com": errors.New("unexpected status 403 (403 Forbidden) with error: " +
			"Authorization_RequestDenied: Insufficient privileges"),
		"getGroup displayName=Analysts":    map[string]any{"objectId": staff, "securityEnabled": true},
		"getGroup displayName=Ada''s team": map[string]any{"objectId": staff, "securityEnabled": true},
		"getGroup objectId=" + staff: map[string]any{"objectId": staff,
			"securityEnabled": true, "displayName": "Analysts"},
		"getGroup displayName=Twins":                 errors.New("more than one group has the name"),
		"getGroup displayName=News":                  map[string]any{"objectId": staff, "securityEnabled": false},
		"getServicePrincipal clientId=" + appID:      sp,
		"getServicePrincipal objectId=" + existingSP: sp,
		"getServicePrincipal clientId=" + bob:        mi,
		"getServicePrincipal objectId=" + guidOf("principal",
			identityID): map[string]any{"objectId": guidOf("principal", identityID), "clientId": guidOf("client",
			identityID), "type": "ManagedIdentity"},
		"getServicePrincipal objectId=" + existingMI: mi,
		"getFactory factoryName=nightly":             identity(existingMI),
		"getWebApp name=caller":                      identity(existingMI),
		"getWebApp name=twin": map[string]any{"id": "/subscriptions/" + wrongID +
			"/resourceGroups/etl/providers/Microsoft.Web/sites/twin", "identity": map[string]any{"principalId": existingMI}},
		"getVirtualMachine vmName=box": map[string]any{"location": "westeurope"},
		"getDatastore name=labels":     store("AzureBlob", "shared", "labels", "None"),
		"getDatastore name=lakestore":  store("AzureDataLakeGen2", "lake", "patients", "None"),
		"getDatastore name=keyed":      store("AzureBlob", "elsewhere", "x", "AccountKey"),
		"getDatastore name=signed":     store("AzureBlob", "elsewhere", "x", "Sas"),
		"getDatastore name=certified":  store("AzureDataLakeGen2", "elsewhere", "x", "Certificate"),
		"getDatastore name=silent":     map[string]any{"datastoreProperties": map[string]any{"datastoreType": "AzureBlob"}},
		"getDatastore name=stranger":   store("AzureBlob", "elsewhere", "x", "None"),
		"getDatastore name=files":      store("AzureFile", "shared", "x", "None"),
		"getDatastore name=twin": map[string]any{"id": "/subscriptions/" + wrongID +
			"/resourceGroups/ml/providers/x/workspaces/scoring/datastores/twin", "datastoreProperties": store("AzureBlob",
			"shared", "labels", "None")["datastoreProperties"]},
		"getDatastore name=share":  store("AzureFile", "shared", "x", "AccountKey"),
		"getDatastore name=denied": errors.New("Status=403 Code=\"AuthorizationFailed\""),
		"getDataVersion name=baseline version=3": asset("azureml://subscriptions/" + subscription +
			"/resourcegroups/ml/workspaces/scoring/datastores/labels/paths/base/line"),
		"getDataVersion name=file version=1": map[string]any{
			"dataVersionBaseProperties": map[string]any{"dataType": "uri_file",
				"dataUri": "azureml://datastores/labels/paths/a.csv"}},
		"getDataVersion name=table version=1": map[string]any{
			"dataVersionBaseProperties": map[string]any{"dataType": "mltable",
				"dataUri": "azureml://datastores/labels/paths/a"}},
		"getDataVersion name=web version=1": asset("https://shared.blob.core.windows.net/labels/web"),
		"getDataVersion name=all version=1": asset("azureml://datastores/labels/paths/"),
		"getDataVersion name=far version=1": asset("azureml://subscriptions/" + subscription +
			"/resourcegroups/ml/workspaces/another/datastores/labels/paths/x"),
		"getDataVersion name=far version=2": asset("azureml://subscriptions/" + subscription +
			"/resourcegroups/elsewhere/workspaces/scoring/datastores/labels/paths/x"),
		"getBatchEndpoint endpointName=classifier": map[string]any{
			"batchEndpointProperties": map[string]any{"defaults": map[string]any{"deploymentName": "blue"}}},
		"getBatchEndpoint endpointName=tagger": map[string]any{
			"batchEndpointProperties": map[string]any{"defaults": map[string]any{}}},
		"getBatchDeployment deploymentName=blue endpointName=classifier": deploymentOn(workspaceID + "/computes/OLD"),
		"getBatchDeployment deploymentName=blue endpointName=again": deploymentOn(strings.ToLower(workspaceID) +
			"/computes/old"),
		"getBatchDeployment deploymentName=green endpointName=tagger": deploymentOn(workspaceID + "/computes/GPU-Scoring"),
	}
}

// asked is a workspace whose configuration has names only, and no IDs.
func asked() components.BatchEndpointAccessArgs {
	return components.BatchEndpointAccessArgs{
		WorkspaceID: pulumi.String(workspaceID),
		Invokers: map[string]components.InvokerArgs{
			"alice":   {Kind: access.User, UserPrincipalName: "alice@contoso.com"},
			"staff":   {Kind: access.Group, DisplayName: "Analysts"},
			"robot":   {Kind: access.ServicePrincipal, ClientID: pulumi.String(appID)},
			"factory": {Kind: access.ManagedIdentity, ResourceID: factoryID},
			"mounter": {Kind: access.ManagedIdentity, ResourceID: identityID},
		},
		Clusters:        map[string]components.ClusterArgs{"gpu": {ComputeName: "gpu-scoring"}},
		StorageAccounts: map[string]pulumi.StringInput{"lake": pulumi.String(lakeID), "shared": pulumi.String(sharedID)},
		DataInputs: map[string]access.DataInput{
			"labels":    {Kind: access.DataStore, DataStore: "labels", Path: "current"},
			"patients":  {Kind: access.DataStore, DataStore: "lakestore", Path: "x"},
			"archive":   {Kind: access.DataStore, DataStore: "keyed", Path: "2025"},
			"signed":    {Kind: access.DataStore, DataStore: "signed", Path: "2025"},
			"certified": {Kind: access.DataStore, DataStore: "certified", Path: "2025"},
			"baseline":  {Kind: access.DataAsset, DataAsset: "baseline", Version: "3"},
		},
		DataOutputs: map[string]access.DataOutput{"scores": {DataStore: "labels", Path: "out"}},
		Endpoints: map[string]access.Endpoint{
			"classifier": {Inputs: []string{"labels", "patients", "archive", "baseline"}, Outputs: []string{"scores"}},
			"tagger":     {Deployment: "green", Inputs: []string{"labels"}, Invokers: []string{"alice"}},
		},
		// It is known only when the look-ups are made.
		Assertions: map[string]access.Assertion{"lake": {Can: []string{"staff", "cluster:OLD"}, Read: "patients"}},
	}
}

// answered is the same with every ID and place written down: the expected result of the look-ups.
func answered() components.BatchEndpointAccessArgs {
	args := asked()
	for name, id := range map[string]string{"alice": alice, "staff": staff, "robot": existingSP} {
		i := args.Invokers[name]
		i.ObjectID = pulumi.String(id)
		args.Invokers[name] = i
	}
	for name, ids := range map[string][2]string{"factory": {existingMI},
		"mounter": {guidOf("principal", identityID), guidOf("client", identityID)}} {
		i := args.Invokers[name]
		i.PrincipalID = pulumi.String(ids[0])
		if ids[1] != "" {
			i.ClientID = pulumi.String(ids[1])
		}
		args.Invokers[name] = i
	}
	args.Clusters["OLD"] = components.ClusterArgs{Existing: true, PrincipalID: pulumi.String(existingMI)}
	args.DataInputs = map[string]access.DataInput{
		"labels": {Kind: access.DataStore, DataStore: "labels", Path: "current", CredentialInStore: no(),
			StorageAccount: "shared", Container: "labels"},
		"patients": {Kind: access.DataStore, DataStore: "lakestore", Path: "x", CredentialInStore: no(),
			StorageAccount: "lake", Container: "patients"},
		"archive":   {Kind: access.DataStore, DataStore: "keyed", Path: "2025", CredentialInStore: yes()},
		"signed":    {Kind: access.DataStore, DataStore: "signed", Path: "2025", CredentialInStore: yes()},
		"certified": {Kind: access.DataStore, DataStore: "certified", Path: "2025", CredentialInStore: yes()},
		"baseline": {Kind: access.DataAsset, DataAsset: "baseline", Version: "3", DataStore: "labels", Path: "base/line",
			CredentialInStore: no(), StorageAccount: "shared", Container: "labels"},
	}
	args.DataOutputs = map[string]access.DataOutput{"scores": {DataStore: "labels", Path: "out", CredentialInStore: no(),
		StorageAccount: "shared", Container: "labels"}}
	args.Endpoints = map[string]access.Endpoint{
		"classifier": {Cluster: "OLD", Inputs: []string{"labels", "patients", "archive", "baseline"},
			Outputs: []string{"scores"}},
		"tagger": {Cluster: "gpu", Deployment: "green", Inputs: []string{"labels"}, Invokers: []string{"alice"}},
	}
	return args
}

func inEstate(t *testing.T) *recorder {
	t.Helper()
	r := newRecorder(t)
	r.world = estate()
	r.computes = existingCompute("OLD")
	return r
}
