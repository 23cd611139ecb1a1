package azure_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// still stops the sandbox's clock; pass moves it forward and starts it again.
func (w *world) still() {
	now := time.Now().Add(w.ahead)
	w.SetClock(func() time.Time { return now })
}

func (w *world) follow(url string) answer {
	w.t.Helper()
	return w.send(http.MethodGet, url, w.token(w.Deployer().ObjectID, management), nil)
}

func TestALongRunningOperationIsInProgressAndThenSucceeds(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := workspace + "/computes/gpu"
	provisioning := func() any { return w.arm(http.MethodGet, id, nil).at("properties", "provisioningState") }
	for _, step := range []struct {
		method, query string
		body          any
		status        int
		doing         string
	}{
		{http.MethodPut, "", clusterBody(nil), http.StatusCreated, "Creating"},
		{http.MethodPut, "", clusterBody(nil), http.StatusOK, "Updating"},
		{http.MethodPatch, "", scaledTo(3), http.StatusOK, "Updating"},
		{http.MethodDelete, "?underlyingResourceAction=Delete", nil, http.StatusAccepted, "Deleting"},
	} {
		w.still()
		started := w.arm(step.method, id+step.query, step.body)
		require.Equal(t, step.status, started.status, started.body)
		assert.Equal(t, "1", started.header.Get("Retry-After"))
		assert.Equal(t, step.doing, provisioning())
		status, result := started.header.Get("Azure-AsyncOperation"), started.header.Get("Location")
		first := w.follow(status)
		assert.Equal(t, "InProgress", first.body["status"], step.doing)
		assert.Equal(t, "1", first.header.Get("Retry-After"))
		waiting := w.follow(result)
		assert.Equal(t, http.StatusAccepted, waiting.status)
		assert.Equal(t, result, waiting.header.Get("Location"))
		w.wait()
		assert.Equal(t, "Succeeded", w.follow(status).body["status"])
		assert.Equal(t, http.StatusNoContent, w.follow(result).status)
		if step.method != http.MethodDelete {
			assert.Equal(t, "Succeeded", provisioning())
		}
	}
	assert.Equal(t, http.StatusNotFound, w.arm(http.MethodGet, id, nil).status)
	none := w.follow(w.URL() + subscription +
		"/providers/Microsoft.MachineLearningServices/locations/x/computeOperationsStatus/" + alice +
		"?api-version=2024-04-01")
	assert.Equal(t, "OperationNotFound", none.code())
}

func TestAClusterThatIsBeingDeletedIsShownAndCannotBeMade(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.still()
	const deleting = cluster + "?underlyingResourceAction=Delete"
	require.Equal(t, http.StatusAccepted, w.arm(http.MethodDelete, deleting, nil).status)
	listed := w.arm(http.MethodGet, workspace+"/computes", nil).body["value"].([]any)
	require.Len(t, listed, 1)
	assert.Equal(t, http.StatusConflict, w.arm(http.MethodPut, cluster, clusterBody(nil)).status)
	assert.Equal(t, http.StatusAccepted, w.arm(http.MethodDelete, deleting, nil).status, "asked for again, it goes on")
	w.wait()
	assert.Empty(t, w.arm(http.MethodGet, workspace+"/computes", nil).body["value"])
	assert.Equal(t, http.StatusNoContent, w.arm(http.MethodDelete, deleting, nil).status)
	assert.Equal(t, http.StatusCreated, w.arm(http.MethodPut, cluster, clusterBody(nil)).status)
}

func TestAPatchOfAClusterChangesWhatItNames(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := workspace + "/computes/gpu"
	made := w.arm(http.MethodPut, id, clusterBody(object("type", "SystemAssigned")))
	require.Equal(t, http.StatusCreated, made.status, made.body)
	principal := made.at("identity", "principalId")
	changed := w.arm(http.MethodPatch, id, scaledTo(7))
	require.Equal(t, http.StatusOK, changed.status, changed.body)
	assert.Equal(t, 7.0, changed.at("properties", "properties", "scaleSettings", "maxNodeCount"))
	assert.Equal(t, made.at("properties", "properties", "vmSize"), changed.at("properties", "properties", "vmSize"))
	assert.Equal(t, principal, changed.at("identity", "principalId"))
	for _, more := range []map[string]any{object("tags", object("team", "ml")),
		object("identity", object("type", "None"))} {
		assert.Equal(t, "InvalidRequestContent", w.arm(http.MethodPatch, id, more).code(), "tags and identity change by PUT")
	}
	stripped := w.arm(http.MethodPut, id, clusterBody(object("type", "None")))
	assert.Nil(t, stripped.at("identity"))
	assert.Equal(t, http.StatusNotFound, w.graph(http.MethodGet, "/v1.0/servicePrincipals/"+principal.(string),
		nil).status)
	assert.Equal(t, "InvalidRequest", w.arm(http.MethodPatch, id, scaledTo(0)).code())
	assert.Equal(t, http.StatusNotFound, w.arm(http.MethodPatch, workspace+"/computes/none", scaledTo(1)).status)
}

// scaledTo is the body of a PATCH: the largest number of nodes.
func scaledTo(most int) any {
	return object("properties", object("properties", object("scaleSettings", object("maxNodeCount", most))))
}
