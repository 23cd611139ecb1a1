package invoke_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/internal/arm"
	"github.com/batchaccess/batchaccess/internal/jobrequest"
)

func TestAModelsInputsAndOutputsAreNamedAsEndpointsTakeThem(t *testing.T) {
	t.Parallel()
	m := access.Model{
		WorkspaceID: access.Known(workspace), StorageAccounts: map[string]access.ID{"lake": access.Known(account)},
		DataInputs: map[string]access.DataInput{
			"store": {Kind: access.DataStore, DataStore: "keyed", Path: "/heart"},
			"asset": {Kind: access.DataAsset, DataAsset: "heart", Version: "3", Type: "file"},
			"blob":  {Kind: access.Blob, StorageAccount: "lake", Container: "raw", Path: "heart/1.csv", Type: "file"},
			"gen2":  {Kind: access.ADLSGen2, StorageAccount: "lake", Container: "raw"},
			"lost":  {Kind: access.Blob, StorageAccount: "pond", Container: "raw"},
		},
		DataOutputs: map[string]access.DataOutput{"scores": {DataStore: "results", Path: "scores.csv"}},
		Endpoints:   map[string]access.Endpoint{"heart": {Outputs: []string{"scores"}}},
	}
	parsed, err := arm.Parse(account, arm.StorageAccount)
	require.NoError(t, err)
	for name, want := range map[string]jobrequest.Input{
		"store": {JobInputType: jobrequest.URIFolder, URI: workspace + "/datastores/keyed/paths/heart"},
		"asset": {JobInputType: jobrequest.URIFile, URI: workspace + "/data/heart/versions/3"},
		"blob":  {JobInputType: jobrequest.URIFile, URI: "https://" + parsed.Name + ".blob.core.windows.net/raw/heart/1.csv"},
		"gen2":  {JobInputType: jobrequest.URIFolder, URI: "https://" + parsed.Name + ".dfs.core.windows.net/raw/"},
	} {
		request, err := jobrequest.Of(m, "heart", name)
		require.NoError(t, err, name)
		assert.Equal(t, jobrequest.Request{Properties: jobrequest.Properties{
			InputData: map[string]jobrequest.Input{name: want},
			OutputData: map[string]jobrequest.Output{"scores": {JobOutputType: jobrequest.URIFile,
				URI: workspace + "/datastores/results/paths/scores.csv"}},
		}}, request)
		require.NoError(t, request.Complete(workspace), name)
	}
	_, err = jobrequest.Of(m, "heart", "lost")
	require.ErrorContains(t, err, "storageAccounts.pond")
	none, err := jobrequest.Of(m, "other", "")
	require.NoError(t, err)
	assert.Empty(t, none.Properties.InputData)
	assert.Empty(t, none.Properties.OutputData)
}
