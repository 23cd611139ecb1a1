package azure

import "strings"

// A ContainerRegistry is Resource Manager's answer about a container registry.
type ContainerRegistry struct {
	ID         string `json:"id"`
	Properties struct {
		AdminUser *bool  `json:"adminUserEnabled"`
		Anonymous *bool  `json:"anonymousPullEnabled"`
		Mode      string `json:"roleAssignmentMode"`
	} `json:"properties"`
}

// ABAC reports whether the registry uses the roles of repositories instead of AcrPull. known is false if its mode is
// neither of the two (facts/compute-clusters.md, Image pull).
func (r ContainerRegistry) ABAC() (is, known bool) {
	is = strings.EqualFold(r.Properties.Mode, "AbacRepositoryPermissions")
	return is, is || strings.EqualFold(r.Properties.Mode, "LegacyRegistryPermissions")
}
