package inference

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/batchaccess/batchaccess/sandbox/azure/internal/state"
	"github.com/batchaccess/batchaccess/sandbox/azure/internal/wire"
)

const workspace = "/subscriptions/s/resourceGroups/g/providers/Microsoft.MachineLearningServices/workspaces/w"

// Any request is refused as Azure refuses, or it is a job with data that can be looked for.
func FuzzNewJob(f *testing.F) {
	for _, body := range []string{
		``, `null`, `{}`, `{"properties": {}}`, `{"properties": {"InputData": {"a": {"JobInputType": "UriFolder", ` +
			`"Uri": "https://x.blob.core.windows.net/c/p"}}}}`,
		`{"properties": {"InputData": {"a": {"JobInputType": "Literal", "Value": {"b": [1]}}}}}`,
		`{"properties": {"OutputData": {"o": {"JobOutputType": "UriFile", "Uri": "` + workspace +
			`/datastores/d/paths/p"}}}}`,
		`{"properties": {"InputData": {"a": {"JobInputType": "UriFile", "Uri": "` + workspace + `/data/d/versions/1"}}}}`,
		`{"properties": {"InputData": {"a": {"JobInputType": "UriFile", "Uri": "azureml://"}}}}`,
	} {
		f.Add(body, "")
	}
	f.Add(`{"properties": {"InputData": {"a": {"JobInputType": "UriFile", "Uri": "azureml://datastores/d/paths/p"}}}}`, "")
	f.Add(`{"properties": {}}`, "blue")
	f.Fuzz(func(t *testing.T, body, deployment string) {
		st := state.New("t")
		endpoint := &state.Resource{ID: workspace + "/batchEndpoints/e",
			Properties: map[string]any{"defaults": map[string]any{"deploymentName": "blue"}}}
		for _, r := range []*state.Resource{endpoint, {ID: endpoint.ID + "/deployments/blue",
			Properties: map[string]any{"compute": workspace + "/computes/c"}}} {
			st.Resources[strings.ToLower(r.ID)] = r
		}
		job, err := newJob(st, endpoint, deployment, []byte(body))
		if err != nil {
			var refusal *wire.Error
			require.ErrorAs(t, err, &refusal)
			require.True(t, refusal.Status >= 400 && refusal.Status < 500 || refusal.Code == wire.NotModelledCode, err)
			return
		}
		require.Equal(t, endpoint.ID, job.Endpoint)
		for _, input := range job.Inputs {
			if uri, _ := input.(map[string]any)["Uri"].(string); uri != "" {
				_, err := locate(st, workspace, uri)
				require.Error(t, err, "nothing of it exists here")
			}
		}
		_, err = json.Marshal(job)
		require.NoError(t, err)
	})
}
