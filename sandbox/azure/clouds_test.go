package azure_test

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/batchaccess/batchaccess/sandbox/azure"
	"github.com/batchaccess/batchaccess/sandbox/azure/internal/state"
)

// inCloud has the rows of facts/clouds.md that matter to a client of a sandbox.
var inCloud = map[string]struct {
	word, management, graph, ml, storage, discovery, portal, exchange string
	assignments                                                       int
}{
	"AzureCloud": {
		"public", "https://management.azure.com", "https://graph.microsoft.com", "https://ml.azure.com", "core.windows.net",
		"https://westeurope.api.azureml.ms/discovery", "https://portal.azure.com", "api://AzureADTokenExchange", 4000,
	},
	"AzureUSGovernment": {
		"usgovernment", "https://management.usgovcloudapi.net", "https://graph.microsoft.us", "https://ml.azure.us",
		"core.usgovcloudapi.net", "https://westeurope.api.ml.azure.us/discovery", "https://portal.azure.us",
		"api://AzureADTokenExchangeUSGov", 2000,
	},
	"AzureChinaCloud": {
		"china", "https://management.chinacloudapi.cn", "https://microsoftgraph.chinacloudapi.cn", "https://ml.azure.cn",
		"core.chinacloudapi.cn", "https://westeurope.api.ml.azure.cn/discovery", "https://portal.azure.cn",
		"api://AzureADTokenExchangeChina", 2000,
	},
}

// The Department of Defense has its own Graph; everything else is the same as in US Government (facts/clouds.md).
func TestTheDepartmentOfDefenseHasItsOwnGraph(t *testing.T) {
	t.Parallel()
	a, err := azure.Start(t.Context(), azure.Options{})
	require.NoError(t, err)
	t.Cleanup(func() { _ = a.Close() })
	s := seed()
	s.Cloud = "dod"
	require.NoError(t, a.Seed(s))
	assert.Equal(t, "AzureUSGovernment", a.Cloud().Name)
	for audience, taken := range map[string]bool{"https://dod-graph.microsoft.us": true,
		"https://graph.microsoft.us": false,
		"https://ml.azure.us":        true, "https://management.usgovcloudapi.net": true} {
		_, err := a.SignIn(t.Context(), a.Deployer().ObjectID, audience)
		assert.Equal(t, taken, err == nil, audience)
	}
}

func TestASandboxIsInOneCloud(t *testing.T) {
	t.Parallel()
	for name, here := range inCloud {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a, err := azure.Start(t.Context(), azure.Options{})
			require.NoError(t, err)
			t.Cleanup(func() { _ = a.Close() })
			w := &world{Azure: a, t: t, client: a.Client()}
			s := seed()
			s.Cloud = here.word
			require.NoError(t, a.Seed(s))
			assert.Equal(t, name, a.Cloud().Name)
			assert.Equal(t, here.exchange, a.Cloud().Exchange)

			for other, there := range inCloud {
				for _, audience := range []string{there.management, there.graph, there.ml} {
					_, err := a.SignIn(t.Context(), a.Deployer().ObjectID, audience)
					if other == name {
						assert.NoError(t, err, audience)
					} else {
						assert.Error(t, err, "%s is of another cloud", audience)
					}
				}
			}

			bearer := w.token(a.Deployer().ObjectID, here.management)
			got := w.send(http.MethodGet, workspace+"?api-version=2024-04-01", bearer, nil)
			assert.Equal(t, here.discovery, got.at("properties", "discoveryUrl"))
			got = w.send(http.MethodGet, account+"?api-version=2023-05-01", bearer, nil)
			assert.Equal(t, "https://mydata.blob."+here.storage+"/", got.at("properties", "primaryEndpoints", "blob"))
			metadata := w.send(http.MethodGet, "/metadata/endpoints?api-version=2022-09-01", "", nil)
			assert.Equal(t, here.portal, metadata.at("portal"))
			assert.Equal(t, here.storage, metadata.at("suffixes", "storage"))

			for other, there := range inCloud { // the deployer may start jobs
				uri := "https://mydata.blob." + there.storage + "/raw/x"
				started := w.send(http.MethodPost, "/inference/westeurope/heart/jobs", w.token(a.Deployer().ObjectID, here.ml),
					object("properties", object("InputData", object("in", object("JobInputType", "UriFolder", "Uri", uri)))))
				require.Equal(t, http.StatusCreated, started.status, started.body)
				job := w.send(http.MethodGet, "/inference/westeurope/heart/jobs/"+started.body["name"].(string),
					w.token(a.Deployer().ObjectID, here.ml), nil)
				if other != name {
					assert.Contains(t, fmt.Sprint(job.body), "lies in "+other, "%s is storage of another cloud", uri)
				} else {
					assert.NotContains(t, fmt.Sprint(job.body), "lies in")
				}
			}

			require.NoError(t, w.Change(func(st *state.State) { crowd(st, account, here.assignments-2) }))
			put := func() answer {
				return w.send(http.MethodPut, assignmentPath(group)+"?api-version=2022-04-01", bearer,
					assignment(alice, readerRole))
			}
			require.Equal(t, http.StatusCreated, put().status)
			got = w.send(http.MethodPut, assignmentPath(group)+"?api-version=2022-04-01", bearer, assignment(bob, readerRole))
			assert.Equal(t, "RoleAssignmentLimitExceeded", got.code())
		})
	}
}

func TestAnUnknownCloudIsNotSeeded(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, name := range []string{"germany", "usgov", " public", "AzureCloud2"} {
		s := seed()
		s.Cloud = name
		assert.ErrorContains(t, w.Seed(s), "it knows AzureCloud, AzureUSGovernment, AzureChinaCloud", name)
		assert.Equal(t, "AzureCloud", w.Cloud().Name)
	}
}
