package azure_test

import (
	"net/http"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Requests of the Azure CLI and azure-ai-ml that other clients do not send: sandbox/clients/python runs both clients.

func TestGraphFindsObjectsByTheirIDs(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ids := []string{alice, scientists, uuid.NewString(), w.Deployer().ObjectID}
	ask := func(who string, body any) answer {
		return w.send(http.MethodPost, "/graph/v1.0/directoryObjects/getByIds", w.token(who, "https://graph.microsoft.com"),
			body)
	}
	for name, test := range map[string]struct {
		body  any
		found []string
	}{
		"whatever they are": {object("ids", ids), []string{alice, scientists, w.Deployer().ObjectID}},
		"no type is all":    {object("ids", ids, "types", []string{}), []string{alice, scientists, w.Deployer().ObjectID}},
		"of one type":       {object("ids", ids, "types", []string{"User"}), []string{alice}},
		"of several types": {object("ids", ids, "types", []string{"group", "servicePrincipal"}),
			[]string{scientists, w.Deployer().ObjectID}},
		"of any type": {object("ids", ids, "types", []string{"directoryObject"}),
			[]string{alice, scientists, w.Deployer().ObjectID}},
		"of a type none has": {object("ids", ids, "types", []string{"device"}), nil},
		"of no IDs":          {object("ids", []string{}), nil},
	} {
		t.Run(name, func(t *testing.T) {
			got := ask(alice, test.body) // people may read
			require.Equal(t, http.StatusOK, got.status, got.body)
			var found []string
			for _, item := range got.body["value"].([]any) {
				found = append(found, item.(map[string]any)["id"].(string))
			}
			assert.ElementsMatch(t, test.found, found)
		})
	}
	for name, body := range map[string]any{
		"no list": object("ids", alice), "nothing": object(), "no GUID": object("ids", []string{"alice@example.com"}),
		"an unknown type": object("ids", ids, "types", []string{"robot"}), "too many": object("ids", make([]string, 1001)),
	} {
		assert.Equal(t, http.StatusBadRequest, ask(alice, body).status, name)
	}
	assert.Equal(t, http.StatusForbidden, ask(machine, object("ids", ids)).status,
		"a service principal without permission")
}

func TestGraphKnowsWhoIsSignedIn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	me := func(who string) answer {
		return w.send(http.MethodGet, "/graph/v1.0/me", w.token(who, "https://graph.microsoft.com"), nil)
	}
	assert.Equal(t, alice, me(alice).body["id"])
	assert.Equal(t, http.StatusBadRequest, me(w.Deployer().ObjectID).status, "an application is nobody")
}

// A query that would change the answer, and that the sandbox does not serve, is refused for every resource.
func TestWhatChoosesIsServedOrRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, list := range []string{
		workspace + "/datastores", workspace + "/computes", workspace + "/data", workspace + "/batchEndpoints",
		group + "/providers/Microsoft.ManagedIdentity/userAssignedIdentities", workspace, account,
	} {
		for _, choice := range []string{"$filter=name eq 'x'", "$top=1", "$EXPAND=all", "searchText=x", "listViewType=All",
			"surprise=1"} {
			got := w.arm(http.MethodGet, list+"?"+choice, nil)
			assert.Equal(t, http.StatusNotImplemented, got.status, "%s?%s", list, choice)
			assert.Equal(t, "NotModelledBySandbox", got.code())
		}
		assert.Equal(t, http.StatusOK, w.arm(http.MethodGet, list+"?count=30&orderByAsc=false", nil).status, list)
	}
	stores := workspace + "/datastores?isDefault="
	assert.Equal(t, http.StatusNotImplemented, w.arm(http.MethodGet, stores+"true", nil).status,
		"none is known to be the default")
	others := w.arm(http.MethodGet, stores+"false", nil)
	assert.NotEmpty(t, others.body["value"])
	assert.Equal(t, http.StatusNotImplemented, w.arm(http.MethodGet, workspace+"/computes?isDefault=true", nil).status)
}

func TestAJobIsAResourceOfItsWorkspace(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.invoker(alice)
	name := w.invoke(alice, "azureml://datastores/keyed/paths/heart").body["name"].(string)
	got := w.arm(http.MethodGet, workspace+"/jobs/"+name, nil)
	require.Equal(t, http.StatusOK, got.status, got.body)
	assert.Equal(t, "Pipeline", got.at("properties", "jobType"))
	assert.Equal(t, "Completed", got.at("properties", "status"), "a key opens its store")
	assert.Equal(t, "uri_folder", got.at("properties", "inputs", "in", "jobInputType"))
	assert.Equal(t, "azureml://datastores/keyed/paths/heart", got.at("properties", "inputs", "in", "uri"))

	assert.Equal(t, http.StatusNotFound, w.arm(http.MethodGet, workspace+"/jobs/none", nil).status)
	assert.Equal(t, http.StatusNotFound, w.arm(http.MethodGet, workspace+"2/jobs/"+name, nil).status,
		"another workspace's")
	assert.Equal(t, http.StatusNotFound, w.arm(http.MethodGet, workspace+"/jobs", nil).status, "the list is not served")
	job := workspace + "/jobs/" + name + "?api-version=2024-04-01"
	refused := w.send(http.MethodGet, job, w.token(alice, management), nil)
	assert.Equal(t, http.StatusForbidden, refused.status)
	assert.Contains(t, refused.message(), "Microsoft.MachineLearningServices/workspaces/jobs/read",
		"none of the article's actions")
}

func TestAPathInADataStoreHasAShortForm(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.invoker(alice)
	const store = "azureml://datastores/"
	for uri, status := range map[string]int{
		store + "keyed/paths/heart": http.StatusCreated, store + "none/paths/heart": http.StatusCreated,
		store + "keyed": http.StatusBadRequest, store + "keyed/paths/": http.StatusBadRequest, store: http.StatusBadRequest,
		store + "a/b/paths/heart": http.StatusBadRequest, "azureml://registries/r/data/d": http.StatusBadRequest,
		"azureml:heart:1": http.StatusBadRequest, "azureml:" + workspace + "/data/heart/versions/1": http.StatusBadRequest,
		"azureml://subscriptions/s/resourcegroups/g/workspaces/w/datastores/d/paths/p": http.StatusNotImplemented,
	} {
		assert.Equal(t, status, w.invoke(alice, uri).status, uri)
	}
	failed := w.outcome(w.invoke(alice, store+"none/paths/heart"))
	assert.Equal(t, "DataAccessError(NotFound)", failed.at("properties", "error", "code"))
	failed = w.outcome(w.invoke(alice, store+"keyless/paths/heart"))
	assert.Contains(t, failed.at("properties", "error", "message"), "StreamAccessException", "the cluster has no role")
}
