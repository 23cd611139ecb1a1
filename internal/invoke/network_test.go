package invoke_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/internal/azure"
	"github.com/batchaccess/batchaccess/internal/invoke"
)

// everyScope signs a principal in for any scope.
type everyScope struct {
	w        *world
	objectID string
}

func (e everyScope) GetToken(ctx context.Context, o policy.TokenRequestOptions) (azcore.AccessToken, error) {
	token, err := e.w.SignIn(ctx, e.objectID, o.Scopes[0][:len(o.Scopes[0])-len("/.default")])
	return azcore.AccessToken{Token: token, ExpiresOn: time.Now().Add(time.Hour)}, err
}

// proxy is a proxy of the sandbox that answers some requests itself.
type proxy struct {
	*httptest.Server
	count atomic.Int64
}

func (p *proxy) calls() int64 { return p.count.Load() }

func (p *proxy) jobsURI() string { return p.URL + "/inference/westeurope/heart/jobs" }

// trouble answers the n-th request (from 1) in the sandbox's place, or returns false.
type trouble func(w http.ResponseWriter, r *http.Request, n int64) bool

func pass(http.ResponseWriter, *http.Request, int64) bool { return false }

// answer is the answer to every GET; the sandbox starts the jobs.
func answer(status int, header map[string]string, body string) trouble {
	return func(w http.ResponseWriter, r *http.Request, _ int64) bool {
		if r.Method != http.MethodGet {
			return false
		}
		write(w, status, header, body)
		return true
	}
}

func write(w http.ResponseWriter, status int, header map[string]string, body string) {
	for name, value := range header {
		w.Header().Set(name, value)
	}
	w.WriteHeader(status)
	_, _ = w.Write([]byte(body))
}

func (w *world) proxy(t trouble) *proxy {
	w.t.Helper()
	target, err := url.Parse(w.URL())
	require.NoError(w.t, err)
	behind := &httputil.ReverseProxy{Transport: w.Client().Transport,
		Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(target) }}
	p := &proxy{}
	p.Server = httptest.NewTLSServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if n := p.count.Add(1); !t(rw, r, n) {
			behind.ServeHTTP(rw, r)
		}
	}))
	w.t.Cleanup(p.Close)
	return p
}

// through is a client of the proxy for a user who may start and poll jobs.
func (w *world) through(p *proxy, logger *slog.Logger) *invoke.Client {
	w.t.Helper()
	w.allow(alice, "pollJobs")
	return w.with(invoke.Options{Credential: invoke.StaticToken(w.token(alice, access.Model{}.Audience())),
		Transport: p.Client(), Logger: logger})
}

func TestThrottlingIsTriedAgainWhenTheServerSaysSo(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := w.proxy(func(rw http.ResponseWriter, _ *http.Request, n int64) bool {
		if n == 1 {
			write(rw, http.StatusTooManyRequests, map[string]string{"Retry-After": "1"},
				`{"error": {"code": "TooManyRequests", "message": "slow down"}}`)
		}
		return n == 1
	})
	_, err := run(t.Context(), w.through(p, nil), p.jobsURI(), "", keyed())
	require.NoError(t, err)
	assert.EqualValues(t, 3, p.calls(), "refused, started, followed")
}

// A server says when to ask again; the client does not ask earlier.
func TestNobodyAsksAgainBeforeTheServerSaid(t *testing.T) {
	t.Parallel()
	const later = "30"
	for name, test := range map[string]struct {
		refuse trouble
		waits  int64 // the call after which it waits
	}{
		"to start": {func(rw http.ResponseWriter, _ *http.Request, _ int64) bool {
			write(rw, http.StatusTooManyRequests, map[string]string{"Retry-After": later}, `{}`)
			return true
		}, 1},
		"to follow": {func(rw http.ResponseWriter, r *http.Request, n int64) bool {
			name := r.URL.Path[strings.LastIndex(r.URL.Path, "/")+1:]
			if n == 2 {
				write(rw, http.StatusOK, map[string]string{"Retry-After": later},
					`{"name": "`+name+`", "properties": {"status": "Queued"}}`)
			}
			return n == 2
		}, 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			asked := make(chan int64, 10)
			p := w.proxy(func(rw http.ResponseWriter, r *http.Request, n int64) bool {
				defer func() { asked <- n }()
				return test.refuse(rw, r, n)
			})
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			ended := make(chan error, 1)
			client := w.through(p, nil)
			go func() {
				_, err := run(ctx, client, p.jobsURI(), "", keyed())
				ended <- err
			}()
			for n := int64(0); n < test.waits; n = <-asked {
			}
			select {
			case <-asked:
				t.Error("it came again")
			case <-time.After(200 * time.Millisecond):
			}
			cancel()
			require.Error(t, <-ended)
			assert.Equal(t, test.waits, p.calls())
		})
	}
}

func TestAServerThatGoesOnFailingHasAKindOfItsOwn(t *testing.T) {
	t.Parallel()
	for _, status := range []int{http.StatusRequestTimeout, http.StatusTooManyRequests, http.StatusInternalServerError,
		http.StatusBadGateway,
		http.StatusServiceUnavailable, http.StatusGatewayTimeout} {
		t.Run(http.StatusText(status), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			p := w.proxy(func(rw http.ResponseWriter, _ *http.Request, _ int64) bool {
				write(rw, status, map[string]string{"retry-after-ms": "1"}, `no JSON`)
				return true
			})
			_, err := w.through(p, nil).Start(t.Context(), p.jobsURI(), "", keyed())
			f := failure(t, err, invoke.Service)
			assert.Equal(t, status, f.Status)
			assert.Equal(t, 8, f.ExitCode())
			tries := int64(1) // else the job might run several times
			if status == http.StatusTooManyRequests {
				tries = 5
			}
			assert.Equal(t, tries, p.calls())
		})
	}
}

func TestAJobIsNotStartedTwiceWhenTheConnectionBreaks(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := w.proxy(func(http.ResponseWriter, *http.Request, int64) bool { panic(http.ErrAbortHandler) })
	_, err := w.through(p, nil).Start(t.Context(), p.jobsURI(), "", keyed())
	assert.Contains(t, failure(t, err, invoke.Network).Error(), "may have been started all the same")
	assert.EqualValues(t, 1, p.calls())
}

func TestFollowingOutlivesABrokenConnection(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := w.proxy(func(_ http.ResponseWriter, r *http.Request, n int64) bool {
		if r.Method == http.MethodGet && n == 2 {
			panic(http.ErrAbortHandler)
		}
		return false
	})
	// On a connection that was used before, net/http would send the request again on its own.
	p.Client().Transport.(*http.Transport).DisableKeepAlives = true
	_, err := run(t.Context(), w.through(p, nil), p.jobsURI(), "", keyed())
	require.NoError(t, err)
	assert.EqualValues(t, 3, p.calls())
}

func TestWaitingThatEndsFirstLeavesTheJob(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx, cancel := context.WithCancel(t.Context())
	p := w.proxy(answer(http.StatusOK, map[string]string{"Retry-After": "60"},
		`{"name": "j", "properties": {"status": "Running"}}`))
	client := w.through(p, nil)
	job, err := client.Start(ctx, p.jobsURI(), "", keyed())
	require.NoError(t, err)
	_, err = client.Follow(ctx, p.jobsURI(), job, func(invoke.Job) { cancel() })
	require.ErrorIs(t, err, context.Canceled)
	assert.Contains(t, failure(t, err, invoke.Follow).Error(), "the job goes on")
}

func TestAWorkspaceThatIsClosedToPublicNetworks(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := w.proxy(func(rw http.ResponseWriter, _ *http.Request, _ int64) bool {
		write(rw, http.StatusForbidden, nil,
			`{"error": {"code": "Forbidden", "message": "Public network access is disabled for this workspace"}}`)
		return true
	})
	_, err := w.through(p, nil).Start(t.Context(), p.jobsURI(), "", keyed())
	f := failure(t, err, invoke.Network)
	assert.Contains(t, f.Error(), "from inside its network")
	assert.Equal(t, 7, f.ExitCode())
}

func TestALongAnswerIsCutBetweenLetters(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := w.proxy(func(rw http.ResponseWriter, _ *http.Request, _ int64) bool {
		write(rw, http.StatusBadRequest, nil, "x"+strings.Repeat("é", 1000))
		return true
	})
	_, err := w.through(p, nil).Start(t.Context(), p.jobsURI(), "", keyed())
	f := failure(t, err, invoke.Request)
	assert.True(t, utf8.ValidString(f.Said), f.Said)
	assert.Less(t, len(f.Said), 700)
	assert.True(t, strings.HasSuffix(f.Said, "é …"), f.Said)
}

type noNetwork struct{ err error }

func (n noNetwork) RoundTrip(*http.Request) (*http.Response, error) { return nil, n.err }

func TestAnEndpointThatCannotBeReached(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	dial := &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}
	for name, c := range map[string]struct {
		host string
		err  error
		says string
	}{
		"its name is unknown": {"heart.westeurope.inference.ml.azure.com",
			&net.DNSError{Err: "no such host", Name: "heart", IsNotFound: true}, "known in that network alone"},
		"its address is private":     {"10.0.0.4", dial, "resolves to the private address 10.0.0.4"},
		"its address is public":      {"203.0.113.4", dial, "does not accept a connection"},
		"it ends what it has begun":  {"203.0.113.4", errors.New("unexpected EOF"), "broke"},
		"its address is private, v6": {"[fd00::4]", dial, "resolves to the private address fd00::4"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client := w.with(invoke.Options{
				Credential: invoke.StaticToken(w.token(alice,
					access.Model{}.Audience())), Cloud: azure.PublicCloud(), Transport: &http.Client{Transport: noNetwork{c.err}},
			})
			_, err := client.Start(t.Context(), "https://"+c.host+"/jobs", "", keyed())
			assert.Contains(t, failure(t, err, invoke.Network).Error(), c.says)
			require.ErrorIs(t, err, c.err)
		})
	}
}

func TestACertificateThatIsNotTrustedIsNamed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	client := w.with(invoke.Options{Credential: invoke.StaticToken(w.token(alice, access.Model{}.Audience())),
		Cloud: w.cloud(), Transport: &http.Client{Transport: &http.Transport{}}})
	_, err := client.Start(t.Context(), w.jobsURI(), "", keyed())
	assert.Contains(t, failure(t, err, invoke.Network).Error(), "SSL_CERT_FILE")
}

func TestTheLogHasRequestsAndNoSecret(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var text bytes.Buffer
	logger := slog.New(slog.NewTextHandler(&text, &slog.HandlerOptions{Level: slog.LevelDebug}))
	p := w.proxy(pass)
	token := w.token(alice, access.Model{}.Audience())
	w.allow(alice, "pollJobs")
	client := w.with(invoke.Options{Credential: invoke.StaticToken(token), Transport: p.Client(), Logger: logger})
	_, err := run(t.Context(), client, p.jobsURI(), "", keyed())
	require.NoError(t, err)
	assert.Contains(t, text.String(), "method=POST")
	assert.Contains(t, text.String(), "status=201")
	assert.NotContains(t, text.String(), token)
	assert.NotContains(t, text.String(), "Bearer")
}

func TestFollowingWaitsAsLongAsTheServerSays(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := w.proxy(func(rw http.ResponseWriter, r *http.Request, n int64) bool {
		if r.Method == http.MethodGet && n == 2 {
			write(rw, http.StatusOK, map[string]string{"Retry-After": "1"},
				`{"name": "`+r.URL.Path[len("/inference/westeurope/heart/jobs/"):]+`", "properties": {"status": "Queued"}}`)
			return true
		}
		return false
	})
	client := w.through(p, nil)
	job, err := client.Start(t.Context(), p.jobsURI(), "", keyed())
	require.NoError(t, err)
	var states []string
	_, err = client.Follow(t.Context(), p.jobsURI(), job, func(j invoke.Job) { states = append(states, j.Status) })
	require.NoError(t, err)
	assert.Equal(t, []string{"Queued", "Completed"}, states)
}
