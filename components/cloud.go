package components

import (
	"maps"

	"github.com/batchaccess/batchaccess/access/signin"
	"github.com/batchaccess/batchaccess/internal/cloud"
)

// inCloud sets the named cloud's audience in the credentials that give none.
func inCloud(
	environment string, credentials map[string]signin.FederatedCredential,
) map[string]signin.FederatedCredential {
	c, ok := cloud.ByEnvironment(environment)
	if !ok || c.ExchangeAudience == cloud.Public().ExchangeAudience {
		return credentials
	}
	credentials = maps.Clone(credentials)
	for name, f := range credentials {
		credentials[name] = f.InCloud(c.ExchangeAudience)
	}
	return credentials
}
