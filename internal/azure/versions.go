package azure

// The versions of Resource Manager's API, by what they are used for.
const (
	// WorkspaceVersion describes a workspace and what is in it.
	WorkspaceVersion = "2023-10-01"
	// ServicesVersion describes a workspace with systemDatastoresAuthMode, and deployments.
	ServicesVersion      = "2024-10-01"
	RegistryVersion      = "2024-04-01" // of shared registries
	StorageVersion       = "2023-01-01"
	AuthorizationVersion = "2022-04-01" // role assignments and definitions
	IdentityVersion      = "2023-01-31" // user-assigned identities and their federated credentials
	// ContainerRegistryVersion is the first that has roleAssignmentMode (Azure/azure-rest-api-specs,
	// Microsoft.ContainerRegistry/Registry/Registry.models.tsp; the one before it, 2025-04-01, has none).
	ContainerRegistryVersion = "2025-11-01"
)
