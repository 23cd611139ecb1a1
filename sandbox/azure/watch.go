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
	// Done is the sandbox's time after the write; zero before it.
	Done time.Time
}

// A Watcher is called for each write. From then until the write is answered, no other write runs, so the watcher sees
// the state between two writes. A write whose answer the weather loses is a write; a request that the weather refuses
// is not.
type Watcher struct {
	// Before is called before a request that may change something. If the request is then refused, it changes nothing.
	Before func(Write)
	// After is called when a change is done, before it is answered.
	After func(Write)
}

// Watch sets the watcher for every write from now on; nil ends it.
func (a *Azure) Watch(w *Watcher) { a.watched.watcher.Store(w) }

// watched runs one write at a time while there is a watcher.
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

// Calm is the same Azure, reached within this process: requests of its Client meet neither the weather nor a watcher.
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

// SeenAt runs fn with the role assignments, roles and group members that have effect at that time, by the weather's
// propagation. Everything else is as it is.
func (a *Azure) SeenAt(at time.Time, fn func()) {
	a.store.SeeAt(&at)
	defer a.store.SeeAt(nil)
	fn()
}

// Settle gives every change its effect, and makes every directory object known, as if propagation and replication were
// over.
func (a *Azure) Settle() error {
	return a.store.Update(func(st *state.State) error {
		st.Settle()
		return nil
	})
}

// A Snapshot is the content of this Azure at one time.
type Snapshot []byte

func (a *Azure) Snapshot() (Snapshot, error) { return a.store.Snapshot() }

// Restore puts back a snapshot of this Azure. Earlier tokens and assertions stay valid.
func (a *Azure) Restore(s Snapshot) error { return a.store.Restore(s) }
