package arm

import (
	"net/http"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/batchaccess/batchaccess/sandbox/azure/internal/state"
	"github.com/batchaccess/batchaccess/sandbox/azure/internal/wire"
)

const (
	// operationTime is how long an operation takes: a client that asks at once is told to wait, and one that waits as
	// long as Retry-After says finds it finished.
	operationTime = 100 * time.Millisecond
	// operationsKept is how long a client can ask about an operation.
	operationsKept = time.Hour
)

// startOperation records a long-running operation on a resource, which shows the provisioning state until it ends,
// and returns the headers that point to the operation.
func (c *call) startOperation(resource *state.Resource, provisioning string) map[string]string {
	for id, started := range c.st.Operations {
		if c.now.Sub(started) > operationsKept {
			delete(c.st.Operations, id)
			c.st.Touch(state.Operations, id)
		}
	}
	for key, gone := range c.st.Deleting {
		if !c.busy(gone) {
			delete(c.st.Deleting, key)
			c.st.Touch(state.Deleting, key)
		}
	}
	id := uuid.NewString()
	c.st.Operations[id] = c.now
	c.st.Touch(state.Operations, id)
	resource.Busy, resource.BusyUntil = provisioning, c.now.Add(operationTime)
	return c.operationHeader(resource.Location, id)
}

// operationHeader is a header that points to an operation: to its status or to its result.
func (c *call) operationHeader(location, id string) map[string]string {
	at := c.url + "/subscriptions/" + c.id.Subscription() + "/providers/Microsoft.MachineLearningServices/locations/" +
		strings.ToLower(strings.ReplaceAll(location, " ", ""))
	tail := "/" + id + "?api-version=" + c.r.URL.Query().Get("api-version")
	return map[string]string{
		"Azure-AsyncOperation": at + "/computeOperationsStatus" + tail,
		"Location":             at + "/computeOperationsResults" + tail,
		"Retry-After":          "1",
	}
}

// busy reports whether an operation on the resource is running.
func (c *call) busy(resource *state.Resource) bool { return c.now.Before(resource.BusyUntil) }

// deleting is the resource in the path while it is being deleted; otherwise nil.
func (c *call) deleting(key string) *state.Resource {
	if gone := c.st.Deleting[key]; gone != nil && c.busy(gone) {
		return gone
	}
	return nil
}

func (c *call) operation() (started time.Time, done bool, err error) {
	started, ok := c.st.Operations[strings.ToLower(c.id.Name())]
	if !ok {
		return started, false, wire.Errorf(http.StatusNotFound, "OperationNotFound", "operation %q was not found",
			c.id.Name())
	}
	return started, !c.now.Before(started.Add(operationTime)), nil
}

func getOperationStatus(c *call) (wire.Reply, error) {
	started, done, err := c.operation()
	if err != nil {
		return wire.Reply{}, err
	}
	body := map[string]any{"id": c.id.String(), "name": c.id.Name(), "status": "InProgress", "startTime": stamp(started),
		"percentComplete": 0}
	if !done {
		return wire.Reply{Status: http.StatusOK, Header: map[string]string{"Retry-After": "1"}, Body: body}, nil
	}
	body["status"], body["endTime"], body["percentComplete"] = "Succeeded", stamp(started.Add(operationTime)), 100
	return wire.OK(body), nil
}

// getOperationResult answers 202 until the operation has ended. The resource shows what the operation made or
// changed.
func getOperationResult(c *call) (wire.Reply, error) {
	_, done, err := c.operation()
	switch {
	case err != nil:
		return wire.Reply{}, err
	case done:
		return wire.NoContent(), nil
	}
	return wire.Reply{Status: http.StatusAccepted, Header: map[string]string{
		"Location": c.url + c.r.URL.RequestURI(), "Retry-After": "1",
	}}, nil
}
