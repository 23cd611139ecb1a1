package invoke_test

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/internal/azure"
	"github.com/batchaccess/batchaccess/internal/invoke"
	"github.com/batchaccess/batchaccess/internal/jobrequest"
)

func TestWhatPeopleWriteBecomesWhatEndpointsTake(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ text, want string }{
		"a URL":                   {folder, folder},
		"a data asset":            {"azureml:heart:3", workspace + "/data/heart/versions/3"},
		"a data asset's ARM ID":   {workspace + "/data/heart/versions/3", workspace + "/data/heart/versions/3"},
		"an ARM ID with a scheme": {"azureml:" + workspace + "/data/heart/versions/3", workspace + "/data/heart/versions/3"},
		"a data store's path":     {"azureml://datastores/lake/paths/a/b", workspace + "/datastores/lake/paths/a/b"},
		"a data store's ARM ID":   {workspace + "/datastores/lake/paths/a/b", workspace + "/datastores/lake/paths/a/b"},
		"a data store's long form": {
			"azureml://subscriptions/11111111-1111-1111-1111-111111111111/resourcegroups/rg-ml/workspaces/ws/datastores/" +
				"lake/paths/a/b",
			workspace + "/datastores/lake/paths/a/b",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := jobrequest.ExpandURI(c.text, workspace)
			require.NoError(t, err)
			assert.Equal(t, c.want, got)
		})
	}
}

func TestWhatCannotBeReadIsRefusedWithTheWayOut(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ text, workspace, says string }{
		"http":             {"http://mydata.blob.core.windows.net/raw", workspace, "write an https URL"},
		"a URL with a SAS": {folder + "?sv=2024-01-01&sig=secret", workspace, "a SAS would be a secret"},
		"a URL with a user": {"https://me:secret@mydata.blob.core.windows.net/raw", workspace,
			"a SAS would be a secret"},
		"a label":                   {"azureml:heart@latest", workspace, "name the version"},
		"another scheme":            {"abfss://raw@mydata.dfs.core.windows.net/", workspace, "https URLs"},
		"an asset of no workspace":  {"azureml:heart:3", "", "--workspace"},
		"a data store without path": {workspace + "/datastores/lake", workspace, "/paths/"},
		"an ARM ID of another type": {account, workspace, "can't be read"},
		"nothing":                   {"", workspace, "can't be read"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := jobrequest.ExpandURI(c.text, c.workspace)
			require.ErrorContains(t, err, c.says)
			assert.NotContains(t, err.Error(), "secret@")
			assert.NotContains(t, err.Error(), "sig=")
		})
	}
}

func TestARequestIsReadWhole(t *testing.T) {
	t.Parallel()
	const body = `{"properties": {
		"InputData": {"a": {"JobInputType": "UriFile", "Uri": "azureml:heart:3"}, "b": {"JobInputType": "Literal", ` +
		`"Value": 0.5}},
		"OutputData": {"o": {"JobOutputType": "UriFile", "Uri": "azureml://datastores/results/paths/o.csv"}},
		"properties": {"experimentName": "e"}}}`
	got, err := jobrequest.Read(strings.NewReader(body))
	require.NoError(t, err)
	require.NoError(t, got.Complete(workspace))
	assert.Equal(t, jobrequest.Request{Properties: jobrequest.Properties{
		InputData: map[string]jobrequest.Input{"a": {JobInputType: "UriFile", URI: workspace + "/data/heart/versions/3"},
			"b": {JobInputType: "Literal", Value: 0.5}},
		OutputData: map[string]jobrequest.Output{"o": {JobOutputType: "UriFile",
			URI: workspace + "/datastores/results/paths/o.csv"}},
		Properties: map[string]string{"experimentName": "e"},
	}}, got)
	for name, text := range map[string]string{
		"an unknown key": `{"properties": {"inputData": {}, "Inputs": {}}}`, "two values": `{} {}`, "no JSON": `properties:`,
	} {
		_, err := jobrequest.Read(strings.NewReader(text))
		require.Error(t, err, name)
	}
	for name, r := range map[string]jobrequest.Properties{
		"MLTable":                 {InputData: map[string]jobrequest.Input{"a": {JobInputType: "MLTable", URI: folder}}},
		"a literal without value": {InputData: map[string]jobrequest.Input{"a": {JobInputType: "Literal"}}},
		"an output by URL":        {OutputData: map[string]jobrequest.Output{"a": {JobOutputType: "UriFile", URI: folder}}},
		"an output of no type": {OutputData: map[string]jobrequest.Output{"a": {URI: workspace +
			"/datastores/lake/paths/a"}}},
	} {
		require.Error(t, jobrequest.Request{Properties: r}.Complete(workspace), name)
	}
}

func TestEveryKindOfInputRuns(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.allow(w.Deployer().ObjectID)
	client := w.as(w.Deployer().ObjectID)
	for name, input := range map[string]jobrequest.Input{
		"a data store's folder": {JobInputType: jobrequest.URIFolder, URI: "azureml://datastores/keyed/paths/heart"},
		"a data store's file":   {JobInputType: jobrequest.URIFile, URI: "azureml://datastores/keyed/paths/heart/1.csv"},
		"a data asset":          {JobInputType: jobrequest.URIFolder, URI: "azureml:heart:1"},
		"a literal":             {JobInputType: jobrequest.Literal, Value: "append"},
	} {
		t.Run(name, func(t *testing.T) {
			request := jobrequest.Request{Properties: jobrequest.Properties{InputData: map[string]jobrequest.Input{"in": input}}}
			require.NoError(t, request.Complete(workspace))
			job, err := run(t.Context(), client, w.jobsURI(), "blue", request)
			require.NoError(t, err)
			assert.Equal(t, "Completed", job.Status)
		})
	}
}

func TestTheCurlCommandStartsTheJobAndHasNoToken(t *testing.T) {
	t.Parallel()
	shell, err := exec.LookPath("sh")
	if err != nil {
		t.Skip("needs a POSIX shell")
	}
	request := keyed()
	request.Properties.InputData["in's"] = jobrequest.Input{JobInputType: jobrequest.Literal,
		Value: "a 'quoted' $HOME & <b>"}
	text, err := invoke.Curl(azure.PublicCloud(), "https://heart.westeurope.inference.ml.azure.com/jobs", "blue", request)
	require.NoError(t, err)
	assert.Contains(t, text, "az account get-access-token --resource "+access.Model{}.Audience())
	assert.Contains(t, text, `"Authorization: Bearer $TOKEN"`)
	// The shell's own reading of it, with stubs in place of az and curl.
	out, err := exec.CommandContext(t.Context(), shell, "-c",
		`az() { echo from-az; }; curl() { for a in "$@"; do printf '%s\n' "$a"; done; }; `+text).Output()
	require.NoError(t, err)
	words := string(out)
	assert.Contains(t, words, "Authorization: Bearer from-az\n")
	assert.Contains(t, words, "azureml-model-deployment: blue\n")
	_, body, _ := strings.Cut(words, "--data\n")
	got, err := jobrequest.Read(strings.NewReader(body))
	require.NoError(t, err)
	assert.Equal(t, request, got)
}

func TestAnEndpointsAddressIsCompleted(t *testing.T) {
	t.Parallel()
	for uri, want := range map[string]string{
		"https://h.westeurope.inference.ml.azure.com/jobs":  "https://h.westeurope.inference.ml.azure.com/jobs",
		"https://h.westeurope.inference.ml.azure.com":       "https://h.westeurope.inference.ml.azure.com/jobs",
		"https://h.westeurope.inference.ml.azure.com/jobs/": "https://h.westeurope.inference.ml.azure.com/jobs",
		"http://h.westeurope.inference.ml.azure.com/jobs":   "",
		"h.westeurope.inference.ml.azure.com":               "",
	} {
		got, err := invoke.JobsURI(uri)
		assert.Equal(t, want, got, uri)
		assert.Equal(t, want == "", err != nil, uri)
	}
}
