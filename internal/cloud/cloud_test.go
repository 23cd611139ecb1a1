package cloud_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/batchaccess/batchaccess/internal/cloud"
)

// The table of facts/clouds.md, copied cell by cell.
func TestEachCloudIsWhatTheSheetSays(t *testing.T) {
	t.Parallel()
	for word, want := range map[string]struct {
		name, authority, manager, graph, ml, scoring, blob, exchange string
		assignments, roles                                           int
	}{
		"public": {
			"AzureCloud", "login.microsoftonline.com", "management.azure.com", "graph.microsoft.com", "https://ml.azure.com",
			"heart.westeurope.inference.ml.azure.com", "lake.blob.core.windows.net", "api://AzureADTokenExchange", 4000, 5000,
		},
		"usgovernment": {
			"AzureUSGovernment", "login.microsoftonline.us", "management.usgovcloudapi.net", "graph.microsoft.us",
			"https://ml.azure.us",
			"heart.usgovvirginia.inference.ml.azure.us", "lake.dfs.core.usgovcloudapi.net", "api://AzureADTokenExchangeUSGov",
			2000, 5000,
		},
		"china": {
			"AzureChinaCloud", "login.chinacloudapi.cn", "management.chinacloudapi.cn", "microsoftgraph.chinacloudapi.cn",
			"https://ml.azure.cn", "heart.chinaeast2.inference.ml.azure.cn", "lake.blob.core.chinacloudapi.cn",
			"api://AzureADTokenExchangeChina", 2000, 2000,
		},
	} {
		c, ok := cloud.ByEnvironment(word)
		assert.True(t, ok, word)
		assert.Equal(t, want.name, c.Name)
		assert.Equal(t, []string{want.authority, want.manager, want.graph, want.ml, want.exchange},
			[]string{c.Authority, c.ResourceManager, c.Graph, c.MLAudience, c.ExchangeAudience})
		assert.Equal(t, []int{want.assignments, want.roles}, []int{c.MaxRoleAssignments, c.MaxCustomRoles})
		for by, find := range map[string]func(string) (cloud.Cloud, bool){
			"https://" + want.scoring + "/jobs": cloud.ByScoringURI, "https://" + want.blob + "/x": cloud.ByStorageURL,
			"https://" + want.manager + "/": cloud.ByResourceManager, "https://" + want.authority: cloud.ByAuthority,
			want.name: cloud.ByEnvironment,
		} {
			found, ok := find(by)
			assert.True(t, ok, by)
			assert.Equal(t, c.Name, found.Name, by)
		}
	}
}

func TestWordsAndHostsOfNoCloudAreUnknown(t *testing.T) {
	t.Parallel()
	for word, want := range map[string]string{
		"": "AzureCloud", "PUBLIC": "AzureCloud", "global": "AzureCloud", "usgovernmentl4": "AzureUSGovernment",
		"usgovernmentl5": "AzureUSGovernment", "dod": "AzureUSGovernment", "AzureUSGovernment": "AzureUSGovernment",
		"germany": "", "public ": "",
	} {
		c, ok := cloud.ByEnvironment(word)
		assert.Equal(t, want != "", ok, word)
		assert.Equal(t, want, c.Name, word)
	}
	for _, uri := range []string{
		"https://heart.inference.ml.azure.com.example/jobs", "https://inference.ml.azure.com/jobs",
		"https://evil-inference.ml.azure.com/",
		"heart.westeurope.inference.ml.azure.com", "https://127.0.0.1:1/jobs", "://",
	} {
		_, ok := cloud.ByScoringURI(uri)
		assert.False(t, ok, uri)
	}
	c, ok := cloud.ByScoringURI("https://HEART.WestEurope.Inference.ML.Azure.US.:443/jobs")
	assert.True(t, ok)
	assert.Equal(t, "usgovernment", c.Environment)
}

func TestTheAudienceOfACloudInNoTableComesFromItsPortal(t *testing.T) {
	t.Parallel()
	for portal, want := range map[string]string{
		"https://portal.azure.eaglex.ic.gov": "https://ml.azure.eaglex.ic.gov",
		"https://portal.azure.us/":           "https://ml.azure.us",
		"https://127.0.0.1:1":                "", "https://portal.azure.": "",
		"": "", "://": "", "https://portal.sovcloud.fr": "",
	} {
		assert.Equal(t, want, cloud.MLAudienceOf(portal), portal)
	}
}
