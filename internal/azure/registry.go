package azure

import "strings"

// A ContainerRegistry is what Resource Manager says of one.
type ContainerRegistry struct {
	ID         string `json:"id"`
	Properties struct {
		AdminUser *bool  `json:"adminUserEnabled"`
		Anonymous *bool  `json:"anonymousPullEnabled"`
		Mode      string `json:"roleAssignmentMode"`
	} `json:"properties"`
}

// ABAC reports whether the registry honours the roles of repositories in place of AcrPull. It is not known where the
// mode is none of the two (facts/compute-clusters.md, Image pull).
func (r ContainerRegistry) ABAC() (is, known bool) {
	is = strings.EqualFold(r.Properties.Mode, "AbacRepositoryPermissions")
	return is, is || strings.EqualFold(r.Properties.Mode, "LegacyRegistryPermissions")
}
