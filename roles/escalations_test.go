package roles_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/batchaccess/batchaccess/roles"
)

func TestEachActionOfTheSeedIsThereOnce(t *testing.T) {
	t.Parallel()
	asked := map[string]int{}
	for _, l := range roles.Escalations() {
		asked[strings.ToLower(l.Action.Name)]++
		assert.NotEmpty(t, l.Source, l.Action.Name)
	}
	for _, action := range roles.InvokerActions() {
		assert.Equal(t, 1, asked[strings.ToLower(action)], action)
	}
	for action, times := range asked {
		assert.Equal(t, 1, times, action)
	}
}

// For each action that is listed as a risk (more access, secrets, code), it is listed where it leads; and each action
// that certainly leads further is a risk, except those that reach what a name stands for.
func TestRisksAndEscalationsAgree(t *testing.T) {
	t.Parallel()
	targets := map[string]roles.Target{}
	for _, l := range roles.Escalations() {
		targets[strings.ToLower(l.Action.Name)] = l.To
	}
	for _, risk := range []roles.Risk{roles.GrantsAccess, roles.ReadsSecrets, roles.ChangesCode} {
		for _, action := range roles.RiskyActions(risk) {
			_, asked := targets[strings.ToLower(action.Name)]
			assert.True(t, asked, "it was not asked where %s leads", action.Name)
		}
	}
	for _, l := range roles.Escalations() {
		if l.To != roles.Nowhere && l.To != roles.ToData && !l.Inferred {
			assert.NotEmpty(t, l.Action.Risk(), l.Action.Name)
		}
	}
}

// named are the actions that the fact sheets name, by sheet, without reads that only show what they read. A word that
// several services have stands for each service that the sheet is about.
var named = map[string][]string{
	"grants-access.md": {
		"Microsoft.Authorization/roleAssignments/write", "Microsoft.Authorization/roleAssignments/delete",
		"Microsoft.Authorization/roleDefinitions/write", "Microsoft.Authorization/roleEligibilityScheduleRequests/write",
		"Microsoft.Authorization/roleAssignmentScheduleRequests/write",
		"Microsoft.Authorization/roleManagementPolicies/write",
		"Microsoft.Authorization/roleManagementPolicyAssignments/write", "Microsoft.Authorization/denyAssignments/write",
		"Microsoft.Authorization/locks/write", "Microsoft.Authorization/locks/delete",
		"Microsoft.Authorization/elevateAccess/action", "Microsoft.ManagedServices/registrationDefinitions/write",
		"Microsoft.ManagedServices/registrationAssignments/write", "Microsoft.Authorization/policyAssignments/write",
		"Microsoft.Authorization/policyDefinitions/write", "Microsoft.Authorization/policySetDefinitions/write",
		"Microsoft.Authorization/policyExemptions/write", "Microsoft.Management/managementGroups/subscriptions/write",
		"Microsoft.ManagedIdentity/userAssignedIdentities/assign/action",
		"Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials/write",
		"Microsoft.Storage/storageAccounts/write", "Microsoft.Storage/storageAccounts/listkeys/action",
		"Microsoft.Storage/storageAccounts/regeneratekey/action", "Microsoft.Storage/storageAccounts/listAccountSas/action",
		"Microsoft.Storage/storageAccounts/listServiceSas/action", "Microsoft.Storage/storageAccounts/localusers/write",
		"Microsoft.Storage/storageAccounts/blobServices/containers/write",
		"Microsoft.Storage/storageAccounts/blobServices/containers/blobs/manageOwnership/action",
		"Microsoft.Storage/storageAccounts/blobServices/containers/blobs/modifyPermissions/action",
		"Microsoft.Storage/storageAccounts/objectReplicationPolicies/write",
		"Microsoft.Storage/storageAccounts/storageTaskAssignments/write", ml + "write", ml + "datastores/write",
		ml + "datastores/listsecrets/action", ml + "connections/write", ml + "connections/listsecrets/action",
		ml + "computes/write", ml + "batchEndpoints/deployments/write", ml + "batchEndpoints/jobs/write",
		ml + "environments/versions/write", ml + "components/versions/write", ml + "jobs/write", ml + "schedules/write",
		ml + "models/versions/write", ml + "codes/versions/write", "Microsoft.ContainerRegistry/registries/write",
		"Microsoft.ContainerRegistry/registries/tokens/write", "Microsoft.ContainerRegistry/registries/scopeMaps/write",
		"Microsoft.KeyVault/vaults/write", "Microsoft.KeyVault/vaults/accessPolicies/write",
		"Microsoft.KeyVault/vaults/secrets/getSecret/action", "Microsoft.Resources/deployments/write",
		"Microsoft.Resources/deploymentScripts/write",
	},
	"azure-facts.md": {
		ml + "batchEndpoints/jobs/read", ml + "jobs/cancel/action", ml + "listStorageAccountKeys/action",
		ml + "computes/listKeys/action", ml + "metadata/secrets/read", ml + "environments/readSecrets/action",
		ml + "batchEndpoints/write", ml + "environments/write",
		"Microsoft.Storage/storageAccounts/blobServices/generateUserDelegationKey/action",
	},
	"conditions.md": {
		"Microsoft.Storage/storageAccounts/blobServices/containers/blobs/add/action",
		"Microsoft.Storage/storageAccounts/blobServices/containers/blobs/move/action",
		"Microsoft.Storage/storageAccounts/blobServices/containers/blobs/tags/write",
		"Microsoft.Storage/storageAccounts/blobServices/containers/blobs/runAsSuperUser/action",
		"Microsoft.Storage/storageAccounts/blobServices/containers/blobs/deleteBlobVersion/action",
		"Microsoft.Storage/storageAccounts/blobServices/containers/blobs/permanentDelete/action",
		"Microsoft.Storage/storageAccounts/blobServices/containers/delete",
	},
	"compute-clusters.md": {"Microsoft.Network/virtualNetworks/subnets/join/action"},
	"built-in-roles.md":   {ml + "delete"},
}

func TestEachActionThatASheetNamesIsThere(t *testing.T) {
	t.Parallel()
	asked := map[string]bool{}
	for _, l := range roles.Escalations() {
		asked[strings.ToLower(l.Action.Name)] = true
	}
	for sheet, actions := range named {
		for _, action := range actions {
			assert.True(t, asked[strings.ToLower(action)], "%s names %s", sheet, action)
		}
	}
}
