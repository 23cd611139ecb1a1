package access

import (
	"github.com/batchaccess/batchaccess/internal/cloud"
)

// cloud returns the model's cloud. An unknown name is reported elsewhere, and then counts as public Azure.
func (m Model) cloud() cloud.Cloud {
	if c, ok := cloud.ByEnvironment(m.Environment); ok {
		return c
	}
	return cloud.Public()
}

// Audience is the resource that a token for the model's batch endpoints must be issued to.
func (m Model) Audience() string { return m.cloud().MLAudience }

// ExchangeAudience is the audience of federated tokens in the model's cloud.
func (m Model) ExchangeAudience() string { return m.cloud().ExchangeAudience }

// MaxRoleAssignments is Azure's limit of role assignments in one subscription of the model's cloud. All assignments
// count, not only the stack's.
func (m Model) MaxRoleAssignments() int { return m.cloud().MaxRoleAssignments }

// MaxCustomRoles is Azure's limit of custom roles in one tenant of the model's cloud. All roles count, not only the
// stack's.
func (m Model) MaxCustomRoles() int { return m.cloud().MaxCustomRoles }
