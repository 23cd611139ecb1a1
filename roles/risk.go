package roles

import "strings"

// A Risk is a kind of harm that an action can do and that its name does not show at once.
type Risk string

// The kinds of risk, the gravest first.
const (
	GrantsAccess Risk = "grantsAccess" // gives the holder or others more access
	ReadsSecrets Risk = "readsSecrets" // reads keys, tokens or passwords, by which the holder acts as somebody else
	ChangesCode  Risk = "changesCode"  // changes what jobs, endpoints or clusters run, so that it runs as another identity
	DestroysData Risk = "destroysData" // deletes data, models, or what holds them
)

// Risks returns the kinds, the gravest first.
func Risks() []Risk { return []Risk{GrantsAccess, ReadsSecrets, ChangesCode, DestroysData} }

const (
	storageAccounts = "Microsoft.Storage/storageAccounts/"
	identities      = "Microsoft.ManagedIdentity/userAssignedIdentities/"
)

// risky are the risky actions of the services that batch scoring uses. The names are those that Azure publishes for its
// resource providers; the risk of each is this project's judgement.
var risky = []struct {
	action Action
	risk   Risk
}{
	{Action{"Microsoft.Authorization/roleAssignments/write", false}, GrantsAccess},
	{Action{"Microsoft.Authorization/roleAssignments/delete", false}, GrantsAccess},
	{Action{"Microsoft.Authorization/roleDefinitions/write", false}, GrantsAccess},
	{Action{"Microsoft.Authorization/elevateAccess/action", false}, GrantsAccess},
	// facts/grants-access.md, "Azure RBAC" and "Built-in roles that can grant".
	{Action{"Microsoft.Authorization/roleAssignmentScheduleRequests/write", false}, GrantsAccess},
	{Action{"Microsoft.Authorization/roleEligibilityScheduleRequests/write", false}, GrantsAccess},
	{Action{"Microsoft.Authorization/roleManagementPolicies/write", false}, GrantsAccess},
	{Action{"Microsoft.Authorization/denyAssignments/write", false}, GrantsAccess},
	{Action{"Microsoft.Authorization/denyAssignments/delete", false}, GrantsAccess},
	{Action{"Microsoft.Resources/deploymentStacks/manageDenySetting/action", false}, GrantsAccess},
	{Action{"Microsoft.Authorization/policyAssignments/write", false}, GrantsAccess},
	{Action{"Microsoft.ManagedServices/registrationAssignments/write", false}, GrantsAccess},
	{Action{"Microsoft.Resources/deploymentScripts/write", false}, GrantsAccess},
	{Action{identities + "assign/action", false}, GrantsAccess},
	{Action{identities + "federatedIdentityCredentials/write", false}, GrantsAccess},
	{Action{storageAccounts + "blobServices/containers/blobs/manageOwnership/action", true}, GrantsAccess},
	{Action{storageAccounts + "blobServices/containers/blobs/modifyPermissions/action", true}, GrantsAccess},

	{Action{workspaces + "listKeys/action", false}, ReadsSecrets},
	{Action{workspaces + "listStorageAccountKeys/action", false}, ReadsSecrets},
	{Action{workspaces + "datastores/listsecrets/action", false}, ReadsSecrets},
	{Action{workspaces + "connections/listsecrets/action", false}, ReadsSecrets},
	{Action{workspaces + "computes/listKeys/action", false}, ReadsSecrets},
	{Action{workspaces + "metadata/secrets/read", false}, ReadsSecrets},
	{Action{workspaces + "environments/readSecrets/action", false}, ReadsSecrets},
	{Action{workspaces + "batchEndpoints/listkeys/action", false}, ReadsSecrets},
	{Action{workspaces + "onlineEndpoints/listkeys/action", false}, ReadsSecrets},
	{Action{workspaces + "onlineEndpoints/token/action", false}, ReadsSecrets},
	{Action{storageAccounts + "listkeys/action", false}, ReadsSecrets},
	{Action{storageAccounts + "regeneratekey/action", false}, ReadsSecrets},
	{Action{storageAccounts + "listAccountSas/action", false}, ReadsSecrets},
	{Action{storageAccounts + "listServiceSas/action", false}, ReadsSecrets},
	{Action{"Microsoft.KeyVault/vaults/secrets/getSecret/action", true}, ReadsSecrets},

	{Action{workspaces + "batchEndpoints/write", false}, ChangesCode},
	{Action{workspaces + "batchEndpoints/deployments/write", false}, ChangesCode},
	{Action{workspaces + "onlineEndpoints/deployments/write", false}, ChangesCode},
	{Action{workspaces + "codes/versions/write", false}, ChangesCode},
	{Action{workspaces + "components/versions/write", false}, ChangesCode},
	{Action{workspaces + "computes/write", false}, ChangesCode},
	{Action{workspaces + "endpoints/pipelines/write", false}, ChangesCode},
	{Action{workspaces + "environments/write", false}, ChangesCode},
	{Action{workspaces + "environments/versions/write", false}, ChangesCode},
	{Action{workspaces + "environments/build/action", false}, ChangesCode},
	{Action{workspaces + "jobs/write", false}, ChangesCode},
	{Action{workspaces + "models/versions/write", false}, ChangesCode},

	{Action{workspaces + "delete", false}, DestroysData},
	{Action{workspaces + "data/delete", false}, DestroysData},
	{Action{workspaces + "datastores/delete", false}, DestroysData},
	{Action{workspaces + "models/delete", false}, DestroysData},
	{Action{storageAccounts + "delete", false}, DestroysData},
	{Action{storageAccounts + "blobServices/containers/delete", false}, DestroysData},
	{Action{storageAccounts + "blobServices/containers/blobs/delete", true}, DestroysData},
}

// Risk returns the risk of the action; "" for most.
func (a Action) Risk() Risk { return risks[Action{strings.ToLower(a.Name), a.Data}] }

var risks = func() map[Action]Risk {
	all := map[Action]Risk{}
	for _, a := range risky {
		all[Action{strings.ToLower(a.action.Name), a.action.Data}] = a.risk
	}
	return all
}()

// RiskyActions returns the actions known to be of the risk, in a fixed order.
func RiskyActions(r Risk) (found []Action) {
	for _, a := range risky {
		if a.risk == r {
			found = append(found, a.action)
		}
	}
	return found
}

// Risky returns the risky actions that the permissions allow or may allow (see MayAllow), in a fixed order. It depends
// on what a pattern covers, not on how it is written. Actions that are not in the list are not found.
func (ps Permissions) Risky() (found []Action) {
	for _, a := range risky {
		if ps.MayAllow(a.action) {
			found = append(found, a.action)
		}
	}
	return found
}
