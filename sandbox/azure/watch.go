package azure

import (
	"bytes"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/batchaccess/batchaccess/sandbox/azure/internal/state"
)

// A Write is a request that changed something in Resource Manager or Microsoft Graph, or is about to.
type Write struct {
	Method, Path string
	// Done is the sandbox's time after it; zero before it.
	Done time.Time
}

// A Watcher is called for each write. While it runs, and until the write is answered, no other write is done: what it
// sees of this Azure lies exactly between two writes. The weather's lost answers are writes; what it refuses is none.
type Watcher struct {
	// Before is called before a request that may change something. What it refuses changes nothing.
	Before func(Write)
	// After is called once a change is done, and before it is answered.
	After func(Write)
}

// Watch has the watcher see every write from now on; nil ends it.
func (a *Azure) Watch(w *Watcher) { a.watched.watcher.Store(w) }

// watched lets one write be done at a time while somebody watches.
type watched struct {
	watcher atomic.Pointer[Watcher]
	mu      sync.Mutex
}

func (a *Azure) withWatch(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		watcher := a.watched.watcher.Load()
		service := serviceOf(r.URL.Path)
		if watcher == nil || r.Method == http.MethodGet || r.Method == http.MethodHead ||
			service != resourceManager && service != directory {
			h.ServeHTTP(w, r)
			return
		}
		a.watched.mu.Lock()
		defer a.watched.mu.Unlock()
		write := Write{Method: r.Method, Path: r.URL.Path}
		watcher.Before(write)
		seen := &statusWatcher{ResponseWriter: w, status: http.StatusOK}
		h.ServeHTTP(seen, r)
		if seen.status < http.StatusBadRequest {
			write.Done = a.store.Now()
			watcher.After(write)
		}
	})
}

// Calm is the same Azure, reached in this process: neither the weather nor a watcher has a part in what its Client
// sends.
func (a *Azure) Calm() *Azure {
	calm := *a
	client := &http.Client{Transport: inProcess{a.front}}
	calm.client = func() *http.Client { return client }
	return &calm
}

// inProcess hands requests to a handler without a connection.
type inProcess struct{ handler http.Handler }

func (p inProcess) RoundTrip(r *http.Request) (*http.Response, error) {
	in := r.Clone(r.Context())
	if in.Body == nil {
		in.Body = http.NoBody
	}
	out := &answer{header: http.Header{}, status: http.StatusOK}
	p.handler.ServeHTTP(out, in)
	return &http.Response{
		StatusCode: out.status, Status: http.StatusText(out.status), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: out.header, Body: io.NopCloser(&out.body), ContentLength: int64(out.body.Len()), Request: r,
	}, nil
}

type answer struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (a *answer) Header() http.Header         { return a.header }
func (a *answer) Write(p []byte) (int, error) { return a.body.Write(p) }
func (a *answer) WriteHeader(status int)      { a.status = status }

// SeenAt runs fn while role assignments, roles and memberships of groups act as they do at that time, by the weather:
// those made and removed until then, whatever the time is. All else is as it is.
func (a *Azure) SeenAt(at time.Time, fn func()) {
	a.store.SeeAt(&at)
	defer a.store.SeeAt(nil)
	fn()
}

// Settle has every change of assignments, roles and groups act, and every new directory object known, as when
// propagation and replication are over.
func (a *Azure) Settle() error {
	return a.store.Update(func(st *state.State) error {
		st.Settle()
		return nil
	})
}

// A Snapshot is what this Azure holds at one time.
type Snapshot []byte

// Snapshot takes one.
func (a *Azure) Snapshot() (Snapshot, error) { return a.store.Snapshot() }

// Restore puts back what a snapshot of this Azure holds. Tokens and assertions of before stay valid.
func (a *Azure) Restore(s Snapshot) error { return a.store.Restore(s) }
