package components

import (
	"maps"

	"github.com/batchaccess/batchaccess/access/signin"
	"github.com/batchaccess/batchaccess/internal/cloud"
)

// inCloud returns the credentials with the audience of the cloud, of that name, where they give none of their own.
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
