package role

import (
	"slices"
	"strings"
)

// DeployerID is the role of the sandbox's deployer. No list of roles shows it, because no tenant has it.
const DeployerID = "de910763-0000-4000-8000-0000ba7c4acc"

// A DeployerPermission is one action of Resource Manager, or one permission on Microsoft Graph, with who needs it and
// what for.
type DeployerPermission struct {
	For    string // the part of a program that needs it
	Name   string // an action, or a permission on Graph, which has no "/"
	Lookup bool   // it only reads, so whoever previews or verifies needs it too
	Verify bool   // only `verify` and `adopt` need it
	Start  bool   // only `invoke` needs it; others than the deployer may start jobs
}

// Graph reports whether it is a permission on Microsoft Graph.
func (p DeployerPermission) Graph() bool { return !strings.Contains(p.Name, "/") }

const (
	authorization = "Microsoft.Authorization/"
	learning      = "Microsoft.MachineLearningServices/workspaces/"
	identities    = "Microsoft.ManagedIdentity/userAssignedIdentities/"
	storage       = "Microsoft.Storage/storageAccounts/"
	containers    = storage + "blobServices/containers/"
	images        = "Microsoft.ContainerRegistry/registries/"
	groups        = "Microsoft.Resources/subscriptions/resourceGroups/"

	forRole       = "the role that the stack makes (`role`)"
	forGrants     = "every grant"
	forClusters   = "compute clusters (`clusters`)"
	forAttaching  = "user-assigned identities attached to a cluster (`clusters.<name>.identity`)"
	forIdentities = "managed identities that the stack makes (`invokers`, kind `managedIdentity`)"
	forPrincipals = "service principals that the stack makes (`invokers`, kind `servicePrincipal`)"
	forGroups     = "groups that the stack makes (`invokers`, kind `group` with `members`)"
	forLookups    = "names in place of IDs, and values that are left out (`pin`)"
	forHosts      = "the identity of another resource (`invokers.<name>.resourceId`)"
	forVerify     = "`verify`, `adopt`, `can --live`"
	forInvoke     = "`invoke` as the deployer; nothing else needs this"
	forOwn        = "resources that a program makes besides the components"
)

// DeployerPermissions are all permissions that deploying a stack needs. Those on Resource Manager are operations that
// Azure publishes for each resource type; those on Graph are the least that Graph's reference names for each call. User
// Access Administrator has those of the first two purposes, and all reads.
var DeployerPermissions = withStarting([]DeployerPermission{
	{For: forRole, Name: authorization + "roleDefinitions/read", Lookup: true},
	{For: forRole, Name: authorization + "roleDefinitions/write"},
	{For: forRole, Name: authorization + "roleDefinitions/delete"},
	{For: forGrants, Name: authorization + "roleAssignments/read", Lookup: true},
	{For: forGrants, Name: authorization + "roleAssignments/write"},
	{For: forGrants, Name: authorization + "roleAssignments/delete"},
	{For: forClusters, Name: learning + "read", Lookup: true},
	{For: forClusters, Name: learning + "computes/read", Lookup: true},
	{For: forClusters, Name: learning + "computes/write"},
	{For: forClusters, Name: learning + "computes/delete"},
	{For: forAttaching, Name: identities + "read", Lookup: true},
	{For: forAttaching, Name: identities + "assign/action"},
	{For: forIdentities, Name: identities + "write"},
	{For: forIdentities, Name: identities + "delete"},
	{For: forIdentities, Name: identities + "federatedIdentityCredentials/read", Lookup: true},
	{For: forIdentities, Name: identities + "federatedIdentityCredentials/write"},
	{For: forIdentities, Name: identities + "federatedIdentityCredentials/delete"},
	{For: forPrincipals, Name: "Application.ReadWrite.OwnedBy"},
	{For: forGroups, Name: "Group.ReadWrite.All"},
	{For: forLookups, Name: learning + "batchEndpoints/read", Lookup: true},
	{For: forLookups, Name: learning + "batchEndpoints/deployments/read", Lookup: true},
	{For: forLookups, Name: learning + "datastores/read", Lookup: true},
	{For: forLookups, Name: learning + "data/read", Lookup: true},
	{For: forLookups, Name: learning + "data/versions/read", Lookup: true},
	{For: forLookups, Name: storage + "read", Lookup: true},
	{For: forLookups, Name: images + "read", Lookup: true},
	{For: forLookups, Name: "Microsoft.Resources/subscriptions/read", Lookup: true},
	{For: forLookups, Name: groups + "read", Lookup: true},
	{For: forHosts, Name: "Microsoft.DataFactory/factories/read", Lookup: true},
	{For: forHosts, Name: "Microsoft.Web/sites/read", Lookup: true},
	{For: forHosts, Name: "Microsoft.Compute/virtualMachines/read", Lookup: true},
	{For: forLookups, Name: "Application.Read.All", Lookup: true},
	{For: forLookups, Name: "Group.Read.All", Lookup: true},
	{For: forLookups, Name: "User.Read.All", Lookup: true},
	{For: forVerify, Name: authorization + "denyAssignments/read", Lookup: true, Verify: true},
	{For: forVerify, Name: authorization + "roleEligibilityScheduleInstances/read", Lookup: true, Verify: true},
	{For: forVerify, Name: "Microsoft.KeyVault/vaults/read", Lookup: true, Verify: true},
	{For: forVerify, Name: storage + "blobServices/read", Lookup: true, Verify: true},
	{For: forVerify, Name: containers + "read", Lookup: true, Verify: true},
	{For: forVerify, Name: "Directory.Read.All", Lookup: true, Verify: true},
	{For: forVerify, Name: "RoleManagement.Read.Directory", Lookup: true, Verify: true},
	{For: forVerify, Name: "PrivilegedEligibilitySchedule.Read.AzureADGroup", Lookup: true, Verify: true},
	{For: forOwn, Name: groups + "write"},
	{For: forOwn, Name: groups + "delete"},
	{For: forOwn, Name: learning + "write"},
	{For: forOwn, Name: learning + "delete"},
	{For: forOwn, Name: storage + "write"},
	{For: forOwn, Name: storage + "delete"},
	{For: forOwn, Name: containers + "write"},
	{For: forOwn, Name: containers + "delete"},
	{For: forOwn, Name: images + "write"},
	{For: forOwn, Name: images + "delete"},
})

// withStarting adds the actions for starting and following a job: the article's, and polling.
func withStarting(permissions []DeployerPermission) []DeployerPermission {
	for _, action := range append(SeedActions(), learning+"batchEndpoints/jobs/read", learning+"jobs/read") {
		if !slices.ContainsFunc(permissions, func(p DeployerPermission) bool { return p.Name == action }) {
			permissions = append(permissions, DeployerPermission{For: forInvoke, Name: action, Start: true})
		}
	}
	return permissions
}

// Deployer is the deployer's role in Resource Manager, without the permissions that were taken from it.
func Deployer(lacks []string) Definition {
	p := Permission{NotActions: lacks}
	for _, permission := range DeployerPermissions {
		if !permission.Graph() {
			p.Actions = append(p.Actions, permission.Name)
		}
	}
	return Definition{
		ID: DeployerID, RoleName: "batchaccess sandbox deployer", AssignableScopes: []string{"/"},
		BuiltIn: true, Permissions: []Permission{p},
	}
}
