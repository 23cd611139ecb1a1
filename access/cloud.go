package access

import (
	"maps"

	"github.com/batchaccess/batchaccess/internal/cloud"
)

// Environments lists the words for Azure's clouds, as azure-native:environment has them.
func Environments() []string { return cloud.Environments() }

// IsEnvironment reports whether the word names a cloud that is known here; "" is public Azure.
func IsEnvironment(word string) bool {
	_, ok := cloud.ByEnvironment(word)
	return ok
}

// cloud is the one that the model lies in. A word that is not known is a problem of its own, and then public Azure
// counts.
func (m Model) cloud() cloud.Cloud {
	if c, ok := cloud.ByEnvironment(m.Environment); ok {
		return c
	}
	return cloud.Public()
}

// Audience is the resource that a token for the model's batch endpoints must be issued to.
func (m Model) Audience() string { return m.cloud().MLAudience }

// MaxRoleAssignments is how many role assignments the model's cloud allows in one subscription, those of everybody
// together.
func (m Model) MaxRoleAssignments() int { return m.cloud().MaxRoleAssignments }

// MaxCustomRoles is how many custom roles the model's cloud allows in one tenant, those of everybody together.
func (m Model) MaxCustomRoles() int { return m.cloud().MaxCustomRoles }

// InCloud returns the credentials with the audience of the cloud, of that name, where they give none of their own.
func InCloud(environment string, credentials map[string]FederatedCredential) map[string]FederatedCredential {
	c, ok := cloud.ByEnvironment(environment)
	if !ok || c.ExchangeAudience == FederatedAudience {
		return credentials
	}
	credentials = maps.Clone(credentials)
	for name, f := range credentials {
		if f.Audience == "" {
			f.Audience = c.ExchangeAudience
			credentials[name] = f
		}
	}
	return credentials
}
