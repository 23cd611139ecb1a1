package azure_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/batchaccess/batchaccess/sandbox/azure"
)

func TestAWatcherSeesEveryWriteAndNothingElse(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var before, after []string
	w.Watch(&azure.Watcher{
		Before: func(write azure.Write) {
			before = append(before, write.Method+" "+write.Path)
			assert.Zero(t, write.Done)
		},
		After: func(write azure.Write) {
			after = append(after, write.Method+" "+write.Path)
			assert.NotZero(t, write.Done)
			// A request that is sent from here does not wait for this write.
			w.Calm()
			req, err := http.NewRequestWithContext(t.Context(), http.MethodGet,
				w.URL()+"/metadata/endpoints?api-version=2022-09-01", nil)
			require.NoError(t, err)
			resp, err := w.Calm().Client().Do(req)
			require.NoError(t, err)
			require.NoError(t, resp.Body.Close())
			assert.Equal(t, http.StatusOK, resp.StatusCode)
		},
	})
	id := w.assign(alice, controlReader, group)
	w.arm(http.MethodGet, id, nil)
	assert.GreaterOrEqual(t, w.arm(http.MethodPut, id, object("properties", "x")).status, 400)
	require.Equal(t, http.StatusOK, w.arm(http.MethodDelete, id, nil).status)
	w.Watch(nil)
	w.assign(bob, controlReader, group)
	put, remove := "PUT "+id, "DELETE "+id
	assert.Equal(t, []string{put, put, remove}, before)
	assert.Equal(t, []string{put, remove}, after, "what is refused changes nothing")
}

func TestWhatIsSeenAtAnotherTime(t *testing.T) {
	t.Parallel()
	w := start(t, azure.Options{Weather: azure.Weather{Propagation: 10 * time.Minute}})
	reads := func() string {
		return w.Allows(bob, workspace, "Microsoft.MachineLearningServices/workspaces/read", false)
	}
	at := func(in time.Duration) (answer string) {
		w.SeenAt(time.Now().Add(in), func() { answer = reads() })
		return answer
	}
	id := w.assign(everyone, controlReader, group)
	assert.Equal(t, "no", reads())
	assert.Equal(t, "no", at(9*time.Minute))
	assert.Equal(t, "yes", at(11*time.Minute))
	assert.Equal(t, "no", reads(), "now is as before")
	require.NoError(t, w.Settle())
	assert.Equal(t, "yes", reads())

	require.Equal(t, http.StatusOK, w.arm(http.MethodDelete, id, nil).status)
	assert.Equal(t, "yes", at(9*time.Minute))
	assert.Equal(t, "no", at(11*time.Minute))
	require.NoError(t, w.Settle())
	assert.Equal(t, "no", reads())
}

func TestASandboxIsPutBack(t *testing.T) {
	t.Parallel()
	w := start(t, azure.Options{})
	id := w.assign(everyone, controlReader, group)
	then := w.Inventory()
	snapshot, err := w.Snapshot()
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, w.arm(http.MethodDelete, id, nil).status)
	w.assign(alice, controlReader, group)
	require.NoError(t, w.Restore(snapshot))
	assert.Equal(t, then, w.Inventory())
	assert.Equal(t, "yes", w.Allows(bob, workspace, "Microsoft.MachineLearningServices/workspaces/read", false))
	assert.Equal(t, "no", w.Allows(alice, workspace, "Microsoft.MachineLearningServices/workspaces/read", false))
	kept := start(t, azure.Options{StateFile: t.TempDir() + "/state.json"})
	assert.ErrorContains(t, kept.Restore(snapshot), "state file")
}
