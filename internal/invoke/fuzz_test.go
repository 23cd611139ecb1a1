package invoke_test

import (
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/batchaccess/batchaccess/internal/azure"
	"github.com/batchaccess/batchaccess/internal/jobrequest"
)

const fuzzWorkspace = "/subscriptions/s/resourceGroups/g/providers/Microsoft.MachineLearningServices/workspaces/w"

// Expanding an expanded URI changes nothing.
func FuzzExpandURI(f *testing.F) {
	for _, seed := range []string{
		"https://x.blob.core.windows.net/c/p", "azureml:a:1", "azureml://datastores/d/paths/p", "azureml:" + fuzzWorkspace +
			"/data/a/versions/1",
		"azureml://subscriptions/s/resourcegroups/g/workspaces/w/datastores/d/paths/p", fuzzWorkspace +
			"/datastores/d/paths/p", " ", "azureml:", "https://",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		long, err := jobrequest.ExpandURI(text, fuzzWorkspace)
		if err != nil {
			require.NotEmpty(t, err.Error())
			return
		}
		require.True(t, strings.HasPrefix(long, "https://") || strings.HasPrefix(strings.ToLower(long), "/subscriptions/"),
			long)
		again, err := jobrequest.ExpandURI(long, "")
		require.NoError(t, err, "it names its workspace now")
		require.Equal(t, long, again)
	})
}

// A complete request stays as it is, also after it was written and read.
func FuzzReadRequest(f *testing.F) {
	for _, seed := range []string{
		`{"properties": {"InputData": {"a": {"JobInputType": "UriFolder", "Uri": "azureml://datastores/d/paths/p"}}, ` +
			`"OutputData": {"o": {"JobOutputType": "UriFile", "Uri": "azureml://datastores/d/paths/o"}}}}`,
		`{"properties": {"InputData": {"a": {"JobInputType": "Literal", "Value": [null, 1e9, "x"]}}}}`, `{} ` +
			`{}`, `{"properties": {"inputdata": null}}`, `[]`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		request, err := jobrequest.Read(strings.NewReader(text))
		if err != nil || request.Complete(fuzzWorkspace) != nil {
			return
		}
		written, err := json.Marshal(request)
		require.NoError(t, err)
		again, err := jobrequest.Read(strings.NewReader(string(written)))
		require.NoError(t, err)
		require.NoError(t, again.Complete(""), "every short form is gone")
		rewritten, err := json.Marshal(again)
		require.NoError(t, err)
		require.JSONEq(t, string(written), string(rewritten))
	})
}

// A token has an object ID, or an error that does not repeat the token.
func FuzzObjectID(f *testing.F) {
	part := base64.RawURLEncoding.EncodeToString
	for _, seed := range []string{
		"e30." + part([]byte(`{"oid": "55555555-5555-4555-8555-555555555555", "exp": 1}`)) + ".c2ln", "e30." +
			part([]byte(`{"oid": 1}`)) + ".x", "e30.bnVsbA==.", "..", "secret-of-somebody",
		"e30." + part([]byte(`{"OID": "a", "oid": ""}`)) + ".x",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, token string) {
		id, err := azure.ObjectID(token)
		require.Equal(t, err == nil, id != "")
		if err != nil && len(token) > 8 {
			require.NotContains(t, err.Error(), token)
		}
	})
}
