package roles_test

import (
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
