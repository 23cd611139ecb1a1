package azure

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/streaming"
)

// A wire sends requests to one service: it signs in, logs, and repeats a request if that is safe.
type wire struct{ pipeline runtime.Pipeline }

func newWire(credential azcore.TokenCredential, audience string, transport policy.Transporter,
	logger *slog.Logger) wire {
	if logger == nil {
		logger = slog.New(slog.DiscardHandler)
	}
	token := runtime.NewBearerTokenPolicy(credential, []string{audience + "/.default"}, nil)
	return wire{runtime.NewPipeline("batchaccess", "v0", runtime.PipelineOptions{
		PerRetry: []policy.Policy{token, logged{logger}},
	}, &policy.ClientOptions{
		Transport: staying(transport), Telemetry: policy.TelemetryOptions{ApplicationID: "batchaccess"},
	})}
}

// staying returns the transport without redirects for requests that change something: otherwise a job would be started
// wherever an answer points, or, if net/http makes the POST a GET, would only seem to be started.
func staying(transport policy.Transporter) policy.Transporter {
	client, is := transport.(*http.Client)
	if !is || client == nil {
		return transport
	}
	staying := *client
	staying.CheckRedirect = func(req *http.Request, via []*http.Request) error {
		switch {
		case via[0].Method != http.MethodGet:
			return http.ErrUseLastResponse
		case client.CheckRedirect != nil:
			return client.CheckRedirect(req, via)
		case len(via) >= maxRedirects:
			return fmt.Errorf("it was sent elsewhere %d times", maxRedirects)
		}
		return nil
	}
	return &staying
}

const maxRedirects = 10

// A Request is repeated as long as it can have had no effect; if it is Repeated, also after that.
type Request struct {
	Method, URI string
	Header      map[string]string
	Body        any // nil for none
	// Repeated is set if sending it twice has the same effect as once; needed for methods other than GET, PUT and
	// DELETE.
	Repeated bool
}

func (r Request) repeatable() bool {
	return r.Repeated || slices.Contains([]string{http.MethodGet, http.MethodPut, http.MethodDelete}, r.Method)
}

func (w wire) send(ctx context.Context, r Request) (*http.Response, error) {
	req, err := runtime.NewRequest(policy.WithRetryOptions(ctx, r.retries()), r.Method, r.URI)
	if err != nil {
		return nil, &Malformed{err}
	}
	req.Raw().Header.Set("Accept", "application/json")
	for name, value := range r.Header {
		req.Raw().Header.Set(name, value)
	}
	if r.Body != nil {
		text, err := json.Marshal(r.Body)
		if err == nil {
			err = req.SetBody(streaming.NopCloser(bytes.NewReader(text)), "application/json")
		}
		if err != nil {
			return nil, &Malformed{fmt.Errorf("writing the request: %w", err)}
		}
	}
	return w.pipeline.Do(req)
}

// Malformed is the error of a request that could not be made, so nothing was sent.
type Malformed struct{ error }

// Unwrap returns the reason.
func (m *Malformed) Unwrap() error { return m.error }

// retryStatuses are throttling, and failures of the server or on the way to it: those of azcore.
var retryStatuses = []int{
	http.StatusRequestTimeout, http.StatusTooManyRequests, http.StatusInternalServerError, http.StatusBadGateway,
	http.StatusServiceUnavailable, http.StatusGatewayTimeout,
}

// IsRetried reports whether a request may be sent again after an answer with this status.
func IsRetried(status int) bool { return slices.Contains(retryStatuses, status) }

// Throttled reports whether the status says that the server has not accepted the request.
func Throttled(status int) bool { return status == http.StatusTooManyRequests }

// UnknownHost reports whether a name does not exist. It is false for a name that can't be resolved at the moment.
func UnknownHost(err error) bool {
	var dns *net.DNSError
	return errors.As(err, &dns) && dns.IsNotFound
}

const maxRetries = 4

// retries waits for the time in Retry-After, or else for 1, 3, 7 and 15 seconds. A request that must not happen twice,
// such as the start of a job, is sent again only if the server says that it has not accepted it.
func (r Request) retries() policy.RetryOptions {
	return policy.RetryOptions{
		MaxRetries: maxRetries, RetryDelay: time.Second, MaxRetryDelay: time.Minute,
		ShouldRetry: func(resp *http.Response, err error) bool {
			if err != nil {
				return r.repeatable() && !UnknownHost(err)
			}
			return IsRetried(resp.StatusCode) && (r.repeatable() || Throttled(resp.StatusCode))
		},
	}
}

// logged logs each try.
type logged struct{ *slog.Logger }

func (l logged) Do(req *policy.Request) (*http.Response, error) {
	began, raw := time.Now(), req.Raw()
	resp, err := req.Next()
	attributes := []any{"method", raw.Method, "host", raw.URL.Host, "path", raw.URL.Path, "took",
		time.Since(began).Round(time.Millisecond)}
	if err != nil {
		l.DebugContext(raw.Context(), "request failed", append(attributes, "error", err)...)
		return resp, err
	}
	l.DebugContext(raw.Context(), "request", append(attributes, "status", resp.StatusCode,
		"id", resp.Header.Get("x-ms-request-id"), "retry-after", resp.Header.Get("Retry-After"))...)
	return resp, err
}

// below reports whether a link lies below an address of the cloud, so that a request with its token may follow the
// link. Hosts are equal in any letter case, and with or without the default port: Resource Manager writes it in some
// links to next pages.
func below(address, link string) bool {
	from, err := url.Parse(address)
	if err != nil {
		return false
	}
	to, err := url.Parse(link)
	if err != nil || to.User != nil {
		return false
	}
	path := strings.TrimSuffix(strings.ToLower(from.Path), "/") + "/"
	return strings.EqualFold(from.Scheme, to.Scheme) && strings.EqualFold(from.Hostname(), to.Hostname()) &&
		port(from) == port(to) &&
		strings.HasPrefix(strings.ToLower(to.Path), path)
}

func port(u *url.URL) string {
	if u.Port() == "" && strings.EqualFold(u.Scheme, "https") {
		return "443"
	}
	return u.Port()
}
