package access

import (
	"github.com/batchaccess/batchaccess/internal/cloud"
)

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

// ExchangeAudience is what federated tokens are issued to in the model's cloud.
func (m Model) ExchangeAudience() string { return m.cloud().ExchangeAudience }

// MaxRoleAssignments is how many role assignments the model's cloud allows in one subscription, those of everybody
// together.
func (m Model) MaxRoleAssignments() int { return m.cloud().MaxRoleAssignments }

// MaxCustomRoles is how many custom roles the model's cloud allows in one tenant, those of everybody together.
func (m Model) MaxCustomRoles() int { return m.cloud().MaxCustomRoles }
