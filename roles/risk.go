package roles

import "slices"

// A Risk is a kind of harm that an action can do which its name does not tell a reader at once.
type Risk string

// The kinds of risk, the gravest first.
const (
	GrantsAccess Risk = "grantsAccess" // gives itself or others more access
	ReadsSecrets Risk = "readsSecrets" // hands out keys, tokens or passwords, with which the reader is somebody else
	ChangesCode  Risk = "changesCode"  // changes what jobs, endpoints or clusters run, so that it runs as another identity
	DestroysData Risk = "destroysData" // deletes data, models, or what holds them
)

// Risks returns the kinds, the gravest first.
func Risks() []Risk { return []Risk{GrantsAccess, ReadsSecrets, ChangesCode, DestroysData} }

// RiskyAction is an action of Azure and what makes it risky.
type RiskyAction struct {
	Action string
	Data   bool // an action of the data plane
	Risk   Risk
}

const (
	storageAccounts = "Microsoft.Storage/storageAccounts/"
	identities      = "Microsoft.ManagedIdentity/userAssignedIdentities/"
)

// risky are the actions that count, of the services which batch scoring touches. The names are those that Azure publishes
// for its resource providers; what each is filed under is this project's judgement.
var risky = []RiskyAction{
	{"Microsoft.Authorization/roleAssignments/write", false, GrantsAccess},
	{"Microsoft.Authorization/roleAssignments/delete", false, GrantsAccess},
	{"Microsoft.Authorization/roleDefinitions/write", false, GrantsAccess},
	{"Microsoft.Authorization/elevateAccess/action", false, GrantsAccess},
	{identities + "assign/action", false, GrantsAccess},
	{identities + "federatedIdentityCredentials/write", false, GrantsAccess},
	{storageAccounts + "blobServices/containers/blobs/manageOwnership/action", true, GrantsAccess},
	{storageAccounts + "blobServices/containers/blobs/modifyPermissions/action", true, GrantsAccess},

	{workspaces + "listKeys/action", false, ReadsSecrets},
	{workspaces + "listStorageAccountKeys/action", false, ReadsSecrets},
	{workspaces + "datastores/listsecrets/action", false, ReadsSecrets},
	{workspaces + "connections/listsecrets/action", false, ReadsSecrets},
	{workspaces + "computes/listKeys/action", false, ReadsSecrets},
	{workspaces + "metadata/secrets/read", false, ReadsSecrets},
	{workspaces + "environments/readSecrets/action", false, ReadsSecrets},
	{workspaces + "batchEndpoints/listkeys/action", false, ReadsSecrets},
	{workspaces + "onlineEndpoints/listkeys/action", false, ReadsSecrets},
	{workspaces + "onlineEndpoints/token/action", false, ReadsSecrets},
	{storageAccounts + "listkeys/action", false, ReadsSecrets},
	{storageAccounts + "listAccountSas/action", false, ReadsSecrets},
	{storageAccounts + "listServiceSas/action", false, ReadsSecrets},
	{"Microsoft.KeyVault/vaults/secrets/getSecret/action", true, ReadsSecrets},

	{workspaces + "batchEndpoints/write", false, ChangesCode},
	{workspaces + "batchEndpoints/deployments/write", false, ChangesCode},
	{workspaces + "onlineEndpoints/deployments/write", false, ChangesCode},
	{workspaces + "codes/versions/write", false, ChangesCode},
	{workspaces + "components/versions/write", false, ChangesCode},
	{workspaces + "computes/write", false, ChangesCode},
	{workspaces + "endpoints/pipelines/write", false, ChangesCode},
	{workspaces + "environments/write", false, ChangesCode},
	{workspaces + "environments/versions/write", false, ChangesCode},
	{workspaces + "environments/build/action", false, ChangesCode},
	{workspaces + "jobs/write", false, ChangesCode},
	{workspaces + "models/versions/write", false, ChangesCode},

	{workspaces + "delete", false, DestroysData},
	{workspaces + "data/delete", false, DestroysData},
	{workspaces + "datastores/delete", false, DestroysData},
	{workspaces + "models/delete", false, DestroysData},
	{storageAccounts + "delete", false, DestroysData},
	{storageAccounts + "blobServices/containers/delete", false, DestroysData},
	{storageAccounts + "blobServices/containers/blobs/delete", true, DestroysData},
}

// RiskyActions returns the actions known to be of the risk, in a fixed order.
func RiskyActions(r Risk) (found []RiskyAction) {
	for _, a := range risky {
		if a.Risk == r {
			found = append(found, a)
		}
	}
	return found
}

// Risky returns the risky actions that the permissions allow, in a fixed order. It is decided by what a pattern covers, not
// by how it is written; what the list lacks it can't tell.
func (ps Permissions) Risky() []RiskyAction {
	return slices.DeleteFunc(slices.Clone(risky), func(a RiskyAction) bool { return !ps.Allows(a) })
}

// Allows reports whether the permissions allow the action, on its own plane.
func (ps Permissions) Allows(a RiskyAction) bool {
	if a.Data {
		return ps.DataAction(a.Action).Allowed
	}
	return ps.Action(a.Action).Allowed
}
