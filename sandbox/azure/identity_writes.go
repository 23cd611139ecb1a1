package azure

import (
	"math"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/batchaccess/batchaccess/sandbox/azure/internal/wire"
)

// federatedOf finds the managed identity whose federated credential a path names, and its subscription.
var federatedOf = regexp.MustCompile(
	`(?i)^((/subscriptions/[^/]+)/.*/userAssignedIdentities/[^/]+)/federatedIdentityCredentials/[^/]+$`)

// withOneWrite refuses a write to the federated credentials of a managed identity while another request writes to
// them: 409 (facts/federation.md). Deletions count too (terraform-provider-azurerm issue 29242); code and message are
// those in pulumi-azure-native issue 4343. A write lasts until its answer is sent, so a delay by the weather makes it
// longer.
func withOneWrite(h http.Handler) http.Handler {
	var writing sync.Map // by identity, in lower case
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		of := federatedOf.FindStringSubmatch(r.URL.Path)
		if of == nil || r.Method == http.MethodGet || r.Method == http.MethodHead {
			h.ServeHTTP(w, r)
			return
		}
		identity := strings.ToLower(of[1])
		if _, busy := writing.LoadOrStore(identity, true); busy {
			wire.Fail(w, wire.Errorf(http.StatusConflict, "ConcurrentFederatedIdentityCredentialsWritesForSingleManagedIdentity",
				"too many federated identity credentials of the managed identity %s are written at a time: it takes one write "+
					"after another", of[1]))
			return
		}
		defer writing.Delete(identity)
		h.ServeHTTP(w, r)
	})
}

// The number of writes of federated credentials that Azure accepts in the time of Weather.IdentityWrites, by what
// they write to: 0.25, 2 and 10 a second in four seconds (facts/federation.md). Deletions do not count, because the
// sheet names only creations and updates.
const (
	writesToIdentity     = 1
	writesInSubscription = 8
	writesInTenant       = 40
)

// rate has the times at which federated credentials were written: of an identity, in a subscription, and in the
// tenant, whose key is "".
type rate struct {
	window time.Duration
	mu     sync.Mutex
	wrote  map[string][]time.Time
}

// withRate answers 429 if federated credentials of managed identities are written too often.
func withRate(h http.Handler, window time.Duration, now func() time.Time) http.Handler {
	if window == 0 {
		return h
	}
	rates := &rate{window: window, wrote: map[string][]time.Time{}}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		of := federatedOf.FindStringSubmatch(r.URL.Path)
		if of == nil || r.Method != http.MethodPut {
			h.ServeHTTP(w, r)
			return
		}
		if wait := rates.take(now(), strings.ToLower(of[1]), strings.ToLower(of[2])); wait > 0 {
			w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(wait.Seconds()))))
			wire.Fail(w, wire.Errorf(http.StatusTooManyRequests, "TooManyRequests",
				"too many writes of federated identity credentials: of %s, its subscription or the tenant", of[1]))
			return
		}
		h.ServeHTTP(w, r)
	})
}

// take records a write, or returns how long to wait before the next one.
func (rates *rate) take(now time.Time, identity, subscription string) (wait time.Duration) {
	rates.mu.Lock()
	defer rates.mu.Unlock()
	limits := map[string]int{identity: writesToIdentity, subscription: writesInSubscription, "": writesInTenant}
	for of, most := range limits {
		rates.wrote[of] = slices.DeleteFunc(rates.wrote[of], func(at time.Time) bool { return now.Sub(at) >= rates.window })
		if n := len(rates.wrote[of]); n >= most {
			wait = max(wait, rates.window-now.Sub(rates.wrote[of][n-most]))
		}
	}
	if wait == 0 {
		for of := range limits {
			rates.wrote[of] = append(rates.wrote[of], now)
		}
	}
	return wait
}
