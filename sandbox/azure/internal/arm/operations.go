package arm

import (
	"net/http"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/batchaccess/batchaccess/sandbox/azure/internal/wire"
)

// operationsKept is for how long a long-running operation can be asked about.
const operationsKept = time.Hour

// startOperation notes a long-running operation and returns the headers that point to it.
func (c *call) startOperation(location string) map[string]string {
	for id, started := range c.st.Operations {
		if c.now.Sub(started) > operationsKept {
			delete(c.st.Operations, id)
		}
	}
	id := uuid.NewString()
	c.st.Operations[id] = c.now
	return map[string]string{
		"Azure-AsyncOperation": c.url + "/subscriptions/" + c.id.Subscription() + "/providers/Microsoft.MachineLearningServices/locations/" +
			strings.ToLower(strings.ReplaceAll(location, " ", "")) + "/computeOperationsStatus/" + id + "?api-version=" + c.r.URL.Query().Get("api-version"),
		"Retry-After": "1",
	}
}

func getOperation(c *call) (wire.Reply, error) {
	started, ok := c.st.Operations[strings.ToLower(c.id.Name())]
	if !ok {
		return wire.Reply{}, wire.Errorf(http.StatusNotFound, "OperationNotFound", "operation %q was not found", c.id.Name())
	}
	return wire.OK(map[string]any{
		"id": c.id.String(), "name": c.id.Name(), "status": "Succeeded", "startTime": stamp(started), "endTime": stamp(c.now), "percentComplete": 100,
	}), nil
}
