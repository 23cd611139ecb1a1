package verify_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/internal/verify"
)

// Whoever has the 35 actions may point things elsewhere: all grants are as before, and jobs fail.
func TestWhatIsPointedElsewhereDoesNotWork(t *testing.T) {
	t.Parallel()
	m := model()
	m.DataInputs["archive"] = access.DataInput{Kind: access.DataStore, DataStore: "archive", Path: "x",
		CredentialInStore: yes()}
	heart := m.Endpoints["heart"]
	heart.Inputs = append(heart.Inputs, "archive")
	m.Endpoints["heart"] = heart
	w := newWorld(t, m)
	w.grantAll()
	store := func(account, container, credential string) map[string]any {
		return map[string]any{"properties": map[string]any{"accountName": account, "containerName": container,
			"credentials": map[string]any{"credentialsType": credential}}}
	}
	deployment := func(compute string) map[string]any {
		return map[string]any{"properties": map[string]any{"compute": compute,
			"defaults": map[string]any{"deploymentName": "blue"}}}
	}
	gone := func(*http.Request) (int, any) { return http.StatusNotFound, nil }
	for name, c := range map[string]struct {
		asked  string
		answer func(*http.Request) (int, any)
		path   [3]string // invoker, endpoint, input
		why    string    // "" where it works
		note   string
	}{
		"as it is": {"/nothing", gone, [3]string{"robot", "tagger", "images"}, "", ""},
		"in other letters": {"/datastores/images", always(store("LAKE", "images", "None")),
			[3]string{"robot", "tagger", "images"}, "", ""},
		"another account": {"/datastores/images", always(store("other", "images", "None")),
			[3]string{"robot", "tagger", "images"},
			"read: data store images points to the storage account other now, and the stack grants on lake; correct " +
				"dataInputs.images.storageAccount and run pulumi up", ""},
		"another container": {"/datastores/images", always(store("lake", "x", "None")), [3]string{"robot",
			"tagger", "images"},
			"points to the container x now, and the stack grants on images; correct dataInputs.images.container", ""},
		"a data store that is gone": {"/datastores/images", gone, [3]string{"robot", "tagger", "images"},
			"read: data store images is gone; correct dataInputs.images.dataStore", ""},
		"an output": {"/datastores/scores", always(store("other", "scores", "None")),
			[3]string{"ann", "heart", "patients"}, "write: data store scores points to the storage account other", ""},
		"no credential any more": {"/datastores/archive", always(store("lake", "archive", "None")),
			[3]string{"ann", "heart", "archive"},
			"holds no credential any more, so identities read and write, and the stack grants them nothing; correct " +
				"dataInputs.archive.credentialInStore", ""},
		"a credential, wherever": {"/datastores/archive", always(store("other", "x", "Sas")),
			[3]string{"ann", "heart", "archive"},
			"storage account other is not in the workspace's subscription, so its policies are not known", ""},
		"a credential of late": {"/datastores/images", always(store("lake", "images", "AccountKey")),
			[3]string{"robot", "tagger", "images"}, "", "data store images holds a credential now"},
		"another cluster": {"/batchEndpoints/tagger/deployments/blue", always(deployment(workspace + "/computes/gpu")),
			[3]string{"robot", "tagger", "images"}, "mount: its jobs run on compute cluster gpu now, and the stack grants to " +
				"cpu; correct endpoints.tagger.cluster", ""},
		"the cluster in other letters": {"/batchEndpoints/tagger/deployments/blue",
			always(deployment(strings.ToLower(workspace) + "/computes/CPU")), [3]string{"robot", "tagger", "images"}, "", ""},
		"no cluster of its own": {"/batchEndpoints/tagger/deployments/blue", always(deployment("")),
			[3]string{"robot", "tagger", "images"}, "", ""},
		"an endpoint to come": {"/batchEndpoints/tagger", gone, [3]string{"robot", "tagger", "images"},
			"the workspace has no batch endpoint tagger", ""},
		"a deployment to come": {"/batchEndpoints/tagger/deployments/blue", gone, [3]string{"robot",
			"tagger", "images"}, "has no deployment blue", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var transport = answering{w.azure.Client(), c.asked, c.answer}
			if strings.Contains(c.asked, "/deployments/") { // the sandbox's workspace has another one
				transport = answering{&http.Client{Transport: trip{transport}}, "/batchEndpoints/tagger", always(deployment(""))}
			}
			r := w.judged(transport, 0)
			for _, p := range r.Paths {
				if [3]string{p.Invoker, p.Endpoint, p.Input} == c.path {
					assert.Equal(t, c.why == "", p.Status == verify.Works, p.Why)
					assert.Contains(t, p.Why, c.why)
				} else if p.Endpoint != c.path[1] && p.Declared {
					assert.Equal(t, verify.Works, p.Status, "another path: %s", p.Why)
				}
			}
			assert.Equal(t, c.why != "", r.Failed(false))
			assert.Equal(t, c.note != "", len(r.Notes) == 1, "%v", r.Notes)
			assert.Contains(t, strings.Join(r.Notes, ""), c.note)
		})
	}
}

func TestAnEndpointsOwnDeploymentIsAsked(t *testing.T) {
	t.Parallel()
	m := model()
	tagger := m.Endpoints["tagger"]
	tagger.Deployment = "green"
	m.Endpoints["tagger"] = tagger
	w := newWorld(t, m)
	w.grantAll()
	r := w.judged(answering{w.azure.Client(), "/deployments/green",
		always(map[string]any{"properties": map[string]any{"compute": "/x/computes/gpu"}})}, 0)
	assert.Equal(t, verify.Missing, path(t, r, "robot", "tagger").Status)
	assert.Equal(t, verify.Works, path(t, r, "ann", "heart").Status)
}

func TestARefusalOfTheWorkspaceNamesTheAction(t *testing.T) {
	t.Parallel()
	w := newWorld(t, model())
	for ends, needs := range map[string]string{
		"/batchEndpoints/heart": "Microsoft.MachineLearningServices/workspaces/batchEndpoints/read",
		"/datastores/images":    "Microsoft.MachineLearningServices/workspaces/datastores/read",
	} {
		facts, err := w.observer(answering{w.azure.Client(), ends, refused}).Look(t.Context(), w.m, w.subjects)
		require.NoError(t, err, "it costs one answer")
		require.Len(t, facts.Unasked, 1)
		assert.Contains(t, facts.Unasked[0],
			"whoever verifies may not look (AuthorizationFailed); it takes the action "+needs)
	}
}
