package azure

import (
	"fmt"
	"hash/fnv"
	"io"
	"math/rand/v2"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/batchaccess/batchaccess/sandbox/azure/internal/wire"
)

// mishap is what goes wrong with a request.
type mishap int

const (
	none mishap = iota
	throttled
	failed
	lost
)

// forecast decides what goes wrong with each request.
type forecast struct {
	Weather
	mu sync.Mutex
	// sent counts the requests of each kind; hit counts how often in a row something went wrong with them.
	sent map[string]uint64
	hit  map[string]int
}

// withWeather makes requests go wrong. In calm weather it adds nothing.
func withWeather(h http.Handler, w Weather) http.Handler {
	if w.Latency == 0 && w.LeastLatency == 0 && w.Throttling == 0 && w.Faults == 0 && w.LostAnswers == 0 {
		return h
	}
	f := &forecast{Weather: w, sent: map[string]uint64{}, hit: map[string]int{}}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { f.serve(w, r, h) })
}

func (f *forecast) serve(w http.ResponseWriter, r *http.Request, h http.Handler) {
	m := f.next(r)
	select {
	case <-r.Context().Done():
		return
	case <-time.After(m.latency):
	}
	switch m.mishap {
	case throttled:
		w.Header().Set("Retry-After", strconv.Itoa(f.wait()))
		fail(w, r, http.StatusTooManyRequests, "TooManyRequests", "too many requests: wait for as long as Retry-After says")
	case failed:
		w.Header().Set("Retry-After", strconv.Itoa(f.wait()))
		fail(w, r, m.status, codes[m.status], "the sandbox's weather: the request was not done")
	case lost:
		h.ServeHTTP(&lostAnswer{header: http.Header{}}, r)
		fail(w, r, m.status, codes[m.status], "the sandbox's weather: whether the request was done is not known")
	default:
		h.ServeHTTP(w, r)
	}
}

var codes = map[int]string{
	http.StatusInternalServerError: "InternalServerError", http.StatusServiceUnavailable: "ServiceUnavailable",
}

// fate is what the weather does to one request.
type fate struct {
	mishap  mishap
	status  int // status of a request that fails or whose answer is lost
	latency time.Duration
}

// next draws the weather of a request. The draws for one kind of request do not depend on those for others.
func (f *forecast) next(r *http.Request) fate {
	request := r.Method + " " + strings.ToLower(r.URL.Path)
	kind := kindOf(request)
	f.mu.Lock()
	defer f.mu.Unlock()
	n := f.sent[kind]
	f.sent[kind]++
	hash := fnv.New64a()
	_, _ = fmt.Fprintf(hash, "%s %d", kind, n) // it never fails
	draw := rand.New(rand.NewPCG(f.Seed, hash.Sum64()))

	m := fate{latency: f.latency(draw.Float64()), status: http.StatusInternalServerError}
	share := draw.Float64()
	switch {
	case share < f.Throttling:
		m.mishap = throttled
	case share < f.Throttling+f.Faults:
		m.mishap = failed
		if draw.IntN(2) == 0 {
			m.status = http.StatusServiceUnavailable
		}
	case share < f.Throttling+f.Faults+f.LostAnswers && mayLose(r):
		m.mishap = lost
	}
	// Clients read the document with Azure's addresses once, and do not try again.
	if serviceOf(r.URL.Path) == metadata || f.hit[request] >= maxMishaps {
		m.mishap = none
	}
	if m.mishap == none {
		delete(f.hit, request)
	} else {
		f.hit[request]++
	}
	return m
}

var guid = regexp.MustCompile(`[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}`)

// kindOf is the request without the IDs that the sandbox makes up and that differ from run to run. IDs of role
// definitions and assignments stay: the client chooses them.
func kindOf(request string) string {
	if strings.Contains(request, "/microsoft.authorization/") {
		return request
	}
	return guid.ReplaceAllString(request, "*")
}

func mayLose(r *http.Request) bool {
	return r.Method != http.MethodGet && r.Method != http.MethodHead && serviceOf(r.URL.Path) == resourceManager
}

// fail answers in the form of the service that was asked.
func fail(w http.ResponseWriter, r *http.Request, status int, code, message string) {
	switch serviceOf(r.URL.Path) {
	case login:
		wire.JSON(w, status, map[string]any{"error": "temporarily_unavailable",
			"error_description": "AADSTS90033: " + message, "error_codes": []int{90033}})
	case machineIdentity:
		wire.JSON(w, status, map[string]any{"error": "unknown_error", "error_description": message})
	case appIdentity:
		wire.JSON(w, status, map[string]any{"statusCode": status, "message": message})
	default:
		wire.Fail(w, wire.Errorf(status, code, "%s", message))
	}
}

// lostAnswer receives an answer that is never sent.
type lostAnswer struct{ header http.Header }

func (u *lostAnswer) Header() http.Header         { return u.header }
func (u *lostAnswer) Write(b []byte) (int, error) { return io.Discard.Write(b) }
func (u *lostAnswer) WriteHeader(int)             {}
