package standin

import (
	"context"
	_ "embed" // for the schemas
	"regexp"

	"github.com/batchaccess/batchaccess/sdks/schemas"
)

// Modules whose SDK is on the Go module proxy have no schema in sdks/schemas, but the stand-in needs one.
var (
	//go:embed schemas/authorization.json
	authorizationSchema []byte
	//go:embed schemas/managedidentity.json
	managedIdentitySchema []byte
	//go:embed schemas/hosts.json
	hostsSchema []byte
	//go:embed schemas/beside.json
	besideSchema []byte
)

// Resource Manager's API versions, as azure-native 2.92.3 uses them. That of machine learning is inferred from the
// properties that the package has.
const (
	roleDefinitions   = "2022-05-01-preview"
	roleAssignments   = "2022-04-01"
	managedIdentities = "2023-01-31"
	machineLearning   = "2023-10-01"
	dataFactories     = "2018-06-01"
	sites             = "2022-09-01"
	virtualMachines   = "2023-03-01"
	resourceGroups    = "2022-09-01"
	storageAccounts   = "2022-09-01"
	imageRegistries   = "2022-12-01"
)

const (
	groupID          = "/subscriptions/{subscriptionId}/resourceGroups/{resourceGroupName}"
	inGroup          = groupID + "/providers"
	roleDefinitionID = "/{scope}/providers/Microsoft.Authorization/roleDefinitions/{roleDefinitionId}"
	roleAssignmentID = "/{scope}/providers/Microsoft.Authorization/roleAssignments/{roleAssignmentName}"
	identityID       = inGroup + "/Microsoft.ManagedIdentity/userAssignedIdentities/{resourceName}"
	workspaceID      = inGroup + "/Microsoft.MachineLearningServices/workspaces/{workspaceName}"
	computeID        = workspaceID + "/computes/{computeName}"
	endpointID       = workspaceID + "/batchEndpoints/{endpointName}"
	accountID        = inGroup + "/Microsoft.Storage/storageAccounts/{accountName}"
	imagesID         = inGroup + "/Microsoft.ContainerRegistry/registries/{registryName}"
)

// azure-native calls a role definition's type ("CustomRole") roleType: its `type` is the type of the resource.
var roleTypeRenamed = map[string]string{"roleType": "type"}

// In the same way the SDK of storage has other names for three properties of an account (Azure/azure-rest-api-specs,
// storage 2022-09-01, x-ms-client-name).
var accountRenamed = map[string]string{
	"networkRuleSet": "networkAcls", "enableHttpsTrafficOnly": "supportsHttpsTrafficOnly", "enableNfsV3": "isNfsV3Enabled",
}

// partLimits are the limits of the parts of paths in Azure's specifications of the versions above, which the plugin
// checks: Azure/azure-rest-api-specs, msi 2023-01-31 ManagedIdentity.json and common-types v3; the others are from
// Azure/bicep-types-az. Clusters, identities, roles and assignments have none there, so that only Azure refuses their
// names. Later versions have a pattern for a cluster's name that Go can't read, and the plugin then ignores it.
var partLimits = map[string]limit{
	"resourceGroupName": {min: 1, max: 90, form: regexp.MustCompile(`^[-\w\._\(\)]+$`)},
	"workspaceName":     {form: regexp.MustCompile(`^[a-zA-Z0-9][a-zA-Z0-9_-]{2,32}$`)},
	"accountName":       {min: 3, max: 24},
	"containerName":     {min: 3, max: 63},
	"registryName":      {min: 5, max: 50, form: regexp.MustCompile(`^[a-zA-Z0-9]*$`)},

	"federatedIdentityCredentialResourceName": {form: regexp.MustCompile(`^[a-zA-Z0-9]{1}[a-zA-Z0-9-_]{2,119}$`)},
}

var identities = []string{"identity.userAssignedIdentities"}

var azureNative = packageSource{
	schemas: [][]byte{authorizationSchema, managedIdentitySchema, hostsSchema, besideSchema,
		schemas.MachineLearningServices},
	packageRules: packageRules{openIsUnknown: true, resources: map[string]resourceType{
		"azure-native:authorization:RoleDefinition": armType{
			id: roleDefinitionID, apiVersion: roleDefinitions, name: "roleDefinitionId", renamed: roleTypeRenamed,
		},
		// The real plugin does not replace on roleDefinitionId either: it previews an update, which Azure refuses.
		"azure-native:authorization:RoleAssignment": armType{
			id: roleAssignmentID, apiVersion: roleAssignments, name: "roleAssignmentName",
		},
		"azure-native:managedidentity:UserAssignedIdentity": armType{
			id: identityID, apiVersion: managedIdentities, name: "resourceName", top: []string{"location", "tags"},
		},
		"azure-native:managedidentity:FederatedIdentityCredential": armType{
			id:         identityID + "/federatedIdentityCredentials/{federatedIdentityCredentialResourceName}",
			apiVersion: managedIdentities, name: "federatedIdentityCredentialResourceName",
		},
		"azure-native:machinelearningservices:Compute": armType{
			id: computeID, apiVersion: machineLearning, name: "computeName",
			top: []string{"location", "tags", "sku"}, properties: "properties",
			sets:        identities,
			deleteQuery: "underlyingResourceAction=Delete",
		},
		// Resources that programs make besides the components.
		"azure-native:resources:ResourceGroup": armType{
			id: groupID, apiVersion: resourceGroups, name: "resourceGroupName", top: []string{"location", "tags", "managedBy"},
		},
		"azure-native:storage:StorageAccount": armType{
			id: accountID, apiVersion: storageAccounts, name: "accountName",
			top: []string{"location", "tags", "sku", "kind", "extendedLocation"}, renamed: accountRenamed, sets: identities,
		},
		"azure-native:storage:BlobContainer": armType{
			id: accountID + "/blobServices/default/containers/{containerName}", apiVersion: storageAccounts,
			name: "containerName",
		},
		"azure-native:machinelearningservices:Workspace": armType{
			id: workspaceID, apiVersion: machineLearning, name: "workspaceName",
			top: []string{"location", "tags", "sku", "kind"}, sets: identities,
		},
		"azure-native:containerregistry:Registry": armType{
			id: imagesID, apiVersion: imageRegistries, name: "registryName", top: []string{"location", "tags", "sku"},
			sets: identities,
		},
	},
		functions: map[string]function{
			"azure-native:authorization:getClientConfig":   armClientConfig,
			"azure-native:authorization:getRoleDefinition": armFunction(roleDefinitionID, roleDefinitions, "", roleTypeRenamed),
			"azure-native:authorization:getRoleAssignment": armFunction(roleAssignmentID, roleAssignments, "", nil),

			"azure-native:managedidentity:getUserAssignedIdentity": armFunction(identityID, managedIdentities, "", nil),

			"azure-native:datafactory:getFactory": armFunction(inGroup+"/Microsoft.DataFactory/factories/{factoryName}",
				dataFactories, "", nil),
			"azure-native:containerregistry:getRegistry": armFunction(imagesID, imageRegistries, "", nil),
			"azure-native:web:getWebApp":                 armFunction(inGroup+"/Microsoft.Web/sites/{name}", sites, "", nil),
			"azure-native:compute:getVirtualMachine": armFunction(inGroup+"/Microsoft.Compute/virtualMachines/{vmName}",
				virtualMachines, "", nil),

			"azure-native:machinelearningservices:getWorkspace":           armFunction(workspaceID, machineLearning, "", nil),
			"azure-native:machinelearningservices/v20241001:getWorkspace": armFunction(workspaceID, "2024-10-01", "", nil),
			"azure-native:machinelearningservices:getCompute": armFunction(computeID, machineLearning, "properties",
				nil),
			"azure-native:machinelearningservices:getDatastore": armFunction(
				workspaceID+"/datastores/{name}", machineLearning, "datastoreProperties", nil),
			"azure-native:machinelearningservices:getDataVersion": armFunction(
				workspaceID+"/data/{name}/versions/{version}", machineLearning, "dataVersionBaseProperties", nil),
			"azure-native:machinelearningservices:getBatchEndpoint": armFunction(
				endpointID, machineLearning, "batchEndpointProperties", nil),
			"azure-native:machinelearningservices:getBatchDeployment": armFunction(
				endpointID+"/deployments/{deploymentName}", machineLearning, "batchDeploymentProperties", nil),
		}},
}

// armClientConfig answers who deploys, and in which subscription and tenant.
func armClientConfig(ctx context.Context, c *client, _ map[string]any) (map[string]any, error) {
	e, err := c.discover(ctx)
	if err != nil {
		return nil, err
	}
	objectID, err := c.caller(ctx, e.managementScope())
	if err != nil {
		return nil, err
	}
	return map[string]any{
		"clientId": c.cfg.ClientID, "objectId": objectID,
		"subscriptionId": c.cfg.SubscriptionID, "tenantId": c.cfg.TenantID,
	}, nil
}

// packages are the providers that have a stand-in.
var packages = map[string]packageSource{"azure-native": azureNative, "azuread": azureAD}
