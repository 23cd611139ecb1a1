package access_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/access/signin"
	"github.com/batchaccess/batchaccess/internal/arm"
	"github.com/batchaccess/batchaccess/internal/cloud"
)

func TestAVersionOfADataAssetIsNoLabel(t *testing.T) {
	t.Parallel()
	for version, says := range map[string]string{
		"3": "", "2026.1": "", "latest-1": "", "v1_2": "",
		"latest": "label", "LATEST": "label", "1@latest": "label", "@latest": "label", "1@stable": "label",
		"": "not the version", " 3": "not the version", "1/2": "not the version", "heart:3": "not the version",
		"azureml://registries/r/data/d/versions/1": "not the version",
		"/subscriptions/s/models/m/versions/1":     "not the version",
	} {
		p, wrong := arm.CheckAssetVersion(version)
		assert.Equal(t, says != "", wrong, version)
		assert.Contains(t, p.What, says, version)
		assert.Equal(t, wrong, p.Fix != "", version)
	}
}

func TestTheUsualAudienceIsTheCloudsOrTheIssuersOwn(t *testing.T) {
	t.Parallel()
	gitHub := &signin.GitHubSubject{Repository: "o/r", Environment: "e"}
	esc := &signin.PulumiESCSubject{Organization: "acme", Project: "p", Environment: "dev"}
	for _, environment := range []string{"", "usgovernment", "china", "usnat", "ussec"} {
		exchange := access.Model{Environment: environment}.ExchangeAudience()
		assert.Contains(t, exchange, cloud.Public().ExchangeAudience)
		assert.Equal(t, environment == "", exchange == cloud.Public().ExchangeAudience, environment)
		assert.Equal(t, exchange, signin.FederatedCredential{GitHub: gitHub}.UsualAudience(exchange))
		assert.Equal(t, exchange, signin.FederatedCredential{GitHub: gitHub, Audience: "own"}.UsualAudience(exchange))
		assert.Equal(t, "azure:acme", signin.FederatedCredential{PulumiESC: esc}.UsualAudience(exchange))
	}
}
