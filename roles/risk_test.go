package roles_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/batchaccess/batchaccess/roles"
)

func TestTheRisksOfARoleAreWhatItsPatternsCover(t *testing.T) {
	t.Parallel()
	const workspace = "Microsoft.MachineLearningServices/workspaces/"
	builtIn := func(name string) roles.Permissions {
		d, ok := roles.BuiltIn(name)
		require.True(t, ok)
		return d.Permissions
	}
	for name, test := range map[string]struct {
		permissions roles.Permissions
		has, hasNot []string
	}{
		"the 35 actions read secrets and change environments": {
			roles.Invoker().Permissions,
			[]string{workspace + "datastores/listsecrets/action", workspace + "metadata/secrets/read",
				workspace + "environments/write"},
			[]string{"Microsoft.Authorization/roleAssignments/write", workspace + "jobs/write", workspace + "delete"},
		},
		"a reader of blobs does none of it": {
			builtIn(roles.StorageBlobDataReader), nil,
			[]string{"Microsoft.Storage/storageAccounts/blobServices/containers/blobs/delete"},
		},
		"a contributor deletes, on both planes": {
			builtIn(roles.StorageBlobDataContributor),
			[]string{"Microsoft.Storage/storageAccounts/blobServices/containers/delete",
				"Microsoft.Storage/storageAccounts/blobServices/containers/blobs/delete"},
			[]string{"Microsoft.Storage/storageAccounts/listkeys/action"},
		},
		"Owner grants, Contributor does not": {
			builtIn(roles.Contributor), []string{"Microsoft.Storage/storageAccounts/listkeys/" +
				"action"}, []string{"Microsoft.Authorization/roleAssignments/write"},
		},
		"a wildcard in actions is of the control plane alone": {
			roles.Permissions{{Actions: []string{"*"}}}, []string{"Microsoft.Authorization/elevateAccess/action"},
			[]string{"Microsoft.KeyVault/vaults/secrets/getSecret/action"},
		},
		"what notActions takes away is no risk": {
			roles.Permissions{{Actions: []string{workspace + "*"}, NotActions: []string{workspace + "*/listSecrets/action"}}},
			[]string{workspace + "listKeys/action"}, []string{workspace + "datastores/listsecrets/action"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var found []string
			for _, a := range test.permissions.Risky() {
				found = append(found, a.Name)
			}
			assert.Subset(t, found, test.has)
			for _, action := range test.hasNot {
				assert.NotContains(t, found, action)
			}
		})
	}
}

func TestEveryRiskHasActionsAndNoneIsThereTwice(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, risk := range roles.Risks() {
		actions := roles.RiskyActions(risk)
		assert.NotEmpty(t, actions, risk)
		for _, a := range actions {
			assert.False(t, seen[a.Name], a.Name)
			seen[a.Name] = true
		}
	}
}

// Each row of the table of risks: an action that went from it would be no risk any more in review, guardrails and
// assertions.
func TestEachRiskyActionHasItsRisk(t *testing.T) {
	t.Parallel()
	for risk, actions := range map[roles.Risk]string{
		roles.GrantsAccess: `
Microsoft.Authorization/roleAssignments/write
Microsoft.Authorization/roleAssignments/delete
Microsoft.Authorization/roleDefinitions/write
Microsoft.Authorization/elevateAccess/action
Microsoft.Authorization/roleAssignmentScheduleRequests/write
Microsoft.Authorization/roleEligibilityScheduleRequests/write
Microsoft.Authorization/roleManagementPolicies/write
Microsoft.Authorization/denyAssignments/write
Microsoft.Authorization/denyAssignments/delete
Microsoft.Resources/deploymentStacks/manageDenySetting/action
Microsoft.Authorization/policyAssignments/write
Microsoft.ManagedServices/registrationAssignments/write
Microsoft.Resources/deploymentScripts/write
Microsoft.ManagedIdentity/userAssignedIdentities/assign/action
Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials/write
Microsoft.Storage/storageAccounts/blobServices/containers/blobs/manageOwnership/action (data)
Microsoft.Storage/storageAccounts/blobServices/containers/blobs/modifyPermissions/action (data)
`,
		roles.ReadsSecrets: `
Microsoft.MachineLearningServices/workspaces/listKeys/action
Microsoft.MachineLearningServices/workspaces/listStorageAccountKeys/action
Microsoft.MachineLearningServices/workspaces/datastores/listsecrets/action
Microsoft.MachineLearningServices/workspaces/connections/listsecrets/action
Microsoft.MachineLearningServices/workspaces/computes/listKeys/action
Microsoft.MachineLearningServices/workspaces/metadata/secrets/read
Microsoft.MachineLearningServices/workspaces/environments/readSecrets/action
Microsoft.MachineLearningServices/workspaces/batchEndpoints/listkeys/action
Microsoft.MachineLearningServices/workspaces/onlineEndpoints/listkeys/action
Microsoft.MachineLearningServices/workspaces/onlineEndpoints/token/action
Microsoft.Storage/storageAccounts/listkeys/action
Microsoft.Storage/storageAccounts/regeneratekey/action
Microsoft.Storage/storageAccounts/listAccountSas/action
Microsoft.Storage/storageAccounts/listServiceSas/action
Microsoft.KeyVault/vaults/secrets/getSecret/action (data)
`,
		roles.ChangesCode: `
Microsoft.MachineLearningServices/workspaces/batchEndpoints/write
Microsoft.MachineLearningServices/workspaces/batchEndpoints/deployments/write
Microsoft.MachineLearningServices/workspaces/onlineEndpoints/deployments/write
Microsoft.MachineLearningServices/workspaces/codes/versions/write
Microsoft.MachineLearningServices/workspaces/components/versions/write
Microsoft.MachineLearningServices/workspaces/computes/write
Microsoft.MachineLearningServices/workspaces/endpoints/pipelines/write
Microsoft.MachineLearningServices/workspaces/environments/write
Microsoft.MachineLearningServices/workspaces/environments/versions/write
Microsoft.MachineLearningServices/workspaces/environments/build/action
Microsoft.MachineLearningServices/workspaces/jobs/write
Microsoft.MachineLearningServices/workspaces/models/versions/write
`,
		roles.DestroysData: `
Microsoft.MachineLearningServices/workspaces/delete
Microsoft.MachineLearningServices/workspaces/data/delete
Microsoft.MachineLearningServices/workspaces/datastores/delete
Microsoft.MachineLearningServices/workspaces/models/delete
Microsoft.Storage/storageAccounts/delete
Microsoft.Storage/storageAccounts/blobServices/containers/delete
Microsoft.Storage/storageAccounts/blobServices/containers/blobs/delete (data)
`,
	} {
		var found []string
		for _, action := range roles.RiskyActions(risk) {
			found = append(found, action.String())
			action.Name = strings.ToUpper(action.Name)
			assert.Equal(t, risk, action.Risk(), "Azure compares without regard to case")
		}
		assert.Equal(t, strings.Split(strings.TrimSpace(actions), "\n"), found, risk)
	}
	assert.Empty(t, roles.Action{Name: "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/delete"}.Risk(),
		"of the other plane")
}
