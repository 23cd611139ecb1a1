// Package services holds what a job uses through the workspace, beside the data that it reads and writes: the
// workspace's own stores, the registry of images, shared registries. By default none of it is looked at.
package services

import (
	"regexp"

	"github.com/batchaccess/batchaccess/roles"
)

// An AuthMode says how the workspace's own stores are opened, in the words of the workspace's API
// (facts/batch-endpoints.md, "Workspace with identity-based system stores").
type AuthMode string

const (
	ByAccessKey AuthMode = "accesskey" // with the storage account's key: nothing to grant
	ByIdentity  AuthMode = "identity"  // by the identities of the job: both need roles on the storage account
)

// AuthModes lists every AuthMode.
var AuthModes = []string{string(ByAccessKey), string(ByIdentity)}

// RegistryPermissions says what allows an identity to pull images from a container registry (facts/compute-clusters.md,
// "Image pull").
type RegistryPermissions string

const (
	ByAdminUser RegistryPermissions = "adminUser" // its admin user is on: nothing to grant
	ByPullRole  RegistryPermissions = "rbac"      // its admin user is off: AcrPull
	ByABAC      RegistryPermissions = "abac"      // its mode is RBAC with ABAC, which does not honour AcrPull
)

// PermissionsOfRegistries lists every RegistryPermissions.
var PermissionsOfRegistries = []string{string(ByAdminUser), string(ByPullRole), string(ByABAC)}

// An ImagePull says who assigns the role by which a cluster identity pulls images.
type ImagePull string

// The values of ImagePull.
const (
	Assign   ImagePull = "assign"   // the stack
	Assigned ImagePull = "assigned" // somebody else has, or Azure
)

// WorkspaceServices are what a job uses through the workspace, beside its data.
type WorkspaceServices struct {
	// LookUp makes the preview ask the workspace for what is left out here. What can't be looked up is undecided, and
	// nothing is granted for it. Default: false; what is left out is not looked at.
	LookUp bool `pulumi:"lookUp,optional"`
	// SystemDatastoresAuthMode says how the workspace's own stores are opened: accesskey, for which nothing is granted,
	// or identity. With identity each invoker is granted Storage Blob Data Contributor and Storage File Data Privileged
	// Contributor on StorageAccount, and each cluster identity Storage Blob, Table and Queue Data Contributor, the
	// latter two unless parallelRuns of the endpoint or deployment is false. Default: not looked at.
	SystemDatastoresAuthMode AuthMode `pulumi:"systemDatastoresAuthMode,optional"`
	// StorageAccount is the name, in storageAccounts, of the workspace's own account. Required with
	// systemDatastoresAuthMode identity, unless it is looked up.
	StorageAccount string `pulumi:"storageAccount,optional"`
	// RegistryPermissions says what allows cluster identities to pull images from the container registry: adminUser,
	// where its admin user is on and nothing is granted; rbac, with AcrPull; or abac, with Container Registry
	// Repository Reader, where its permissions mode is RBAC with ABAC. Default: not looked at.
	RegistryPermissions RegistryPermissions `pulumi:"registryPermissions,optional"`
	// ContainerRegistry is the ARM ID of the registry that job images are pulled from. Required with
	// registryPermissions rbac and abac, unless it is looked up.
	ContainerRegistry string `pulumi:"containerRegistry,optional"`
	// ImagePull says, by cluster, who assigns the role by which its identity pulls images: assign (the stack does) or
	// assigned (it is there already). Default with rbac: Azure assigns AcrPull to the system-assigned identity of a
	// cluster that the stack makes, and the stack assigns it to user-assigned ones; for a cluster that exists it is
	// undecided. Default with abac: the stack does.
	ImagePull map[string]ImagePull `pulumi:"imagePull,optional"`
}

// PullRole returns the role by which images are pulled; "" where none is needed or it is not known.
func (w WorkspaceServices) PullRole() string {
	switch w.RegistryPermissions {
	case ByPullRole:
		return roles.AcrPull
	case ByABAC:
		return roles.RepositoryReader
	}
	return ""
}

// Open returns the keys that are left out and looked up in the workspace.
func (w WorkspaceServices) Open() (all []string) {
	for _, one := range []struct {
		key  string
		open bool
	}{
		{"systemDatastoresAuthMode", w.SystemDatastoresAuthMode == ""},
		{"storageAccount", w.SystemDatastoresAuthMode == ByIdentity && w.StorageAccount == ""},
		{"containerRegistry", w.RegistryPermissions != ByAdminUser && w.ContainerRegistry == ""},
		{"registryPermissions", w.RegistryPermissions == ""},
	} {
		if w.LookUp && one.open {
			all = append(all, one.key)
		}
	}
	return all
}

// What each identity needs on the storage account of a workspace whose own stores are opened by identities
// (facts/batch-endpoints.md). That the cluster needs to write blobs, for outputs and logs, is inferred there. That
// other principals need what a user needs is inferred here.
var (
	StoresOfInvoker = []string{roles.StorageBlobDataContributor, roles.StorageFileDataPrivilegedContributor}
	StoresOfCluster = []string{roles.StorageBlobDataContributor}
	// Parallel runs, which the jobs of models are, keep their state in tables and queues.
	StoresOfParallelRuns = []string{roles.StorageTableDataContributor, roles.StorageQueueDataContributor}
)

// RegistryOf returns the name of the shared registry in the ID of a model or an environment; is reports whether it has
// one.
func RegistryOf(asset string) (name string, is bool) {
	parts := ofRegistry.FindStringSubmatch(asset)
	if parts == nil {
		return "", false
	}
	return parts[1], true
}

// ofRegistry matches the ID of an asset in a shared registry.
var ofRegistry = regexp.MustCompile(`(?i)^azureml://registries/([^/]+)/`)

// registryActions are the actions that using models and environments of a registry needs (facts/batch-endpoints.md,
// Inputs and outputs).
var registryActions = []roles.Action{
	{Name: "Microsoft.MachineLearningServices/registries/read"},
	{Name: "Microsoft.MachineLearningServices/registries/assets/read"},
}

// Actions returns the actions that must be allowed for a role of a service to count as held. For storage and images a
// sheet names the role that an identity needs, and no document says which of its data actions are used: all of them
// count.
func Actions(role string) (all []roles.Action) {
	if role == roles.AzureMLRegistryUser {
		return registryActions
	}
	of, _ := roles.BuiltIn(role)
	for _, p := range of.Permissions {
		for _, action := range p.DataActions {
			all = append(all, roles.Action{Name: action, Data: true})
		}
		if len(p.DataActions) == 0 {
			for _, action := range p.Actions {
				all = append(all, roles.Action{Name: action})
			}
		}
	}
	return all
}
