package azure

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestATokenFollowsALinkOnlyWhereItIsFor(t *testing.T) {
	t.Parallel()
	const arm, graph = "https://management.azure.com", "https://graph.microsoft.com/v1.0"
	for link, base := range map[string]string{
		"https://management.azure.com/subscriptions/s?$skipToken=x":     arm,
		"https://management.azure.com:443/subscriptions/s?$skipToken=x": arm,
		"HTTPS://Management.Azure.Com/x":                                arm,
		"https://graph.microsoft.com/v1.0/users?$skiptoken=x":           graph,
		"https://graph.microsoft.com:443/V1.0/users":                    graph,
		"https://127.0.0.1:8443/x":                                      "https://127.0.0.1:8443",
	} {
		assert.True(t, below(base, link), link)
	}
	for link, base := range map[string]string{
		"http://management.azure.com/x":                    arm,
		"https://management.azure.com.elsewhere.example/x": arm,
		"https://management.azure.com:8443/x":              arm,
		"https://management.azure.com@elsewhere.example/x": arm,
		"https://someone@management.azure.com/x":           arm,
		"https://management.azure.com":                     arm,
		"//management.azure.com/x":                         arm,
		"/subscriptions/s":                                 arm,
		"https://%zz/":                                     arm,
		"https://graph.microsoft.com/beta/users":           graph,
		"https://graph.microsoft.com/v1.0elsewhere/users":  graph,
		"https://127.0.0.1:8444/x":                         "https://127.0.0.1:8443",
	} {
		assert.False(t, below(base, link), link)
	}
	assert.False(t, below("https://%zz/", "https://%zz/"))
}

type anyone struct{}

func (anyone) GetToken(context.Context, policy.TokenRequestOptions) (azcore.AccessToken, error) {
	return azcore.AccessToken{Token: "the token"}, nil
}

// failing answers the first request with a status, or an error if that is 0, and every other with 200.
type failing struct {
	status int
	err    error
	asked  int
}

func (f *failing) Do(req *http.Request) (*http.Response, error) {
	f.asked++
	status := f.status
	if f.asked > 1 {
		status = http.StatusOK
	} else if status == 0 {
		return nil, f.err
	}
	return &http.Response{StatusCode: status, Request: req, Header: http.Header{"Retry-After-Ms": {"1"}},
		Body: io.NopCloser(strings.NewReader(`{}`))}, nil
}

// A request that must not happen twice is sent again only if the first can't have had any effect.
func TestARequestIsSentAgainWhereThatIsSafe(t *testing.T) {
	t.Parallel()
	unknown := &net.DNSError{IsNotFound: true}
	for name, test := range map[string]struct {
		method   string
		repeated bool
		status   int
		err      error
		again    bool
	}{
		"a question, throttled":           {http.MethodGet, false, 429, nil, true},
		"a question, of a broken server":  {http.MethodGet, false, 500, nil, true},
		"a question, of a host unknown":   {http.MethodGet, false, 0, unknown, false},
		"a question that is refused":      {http.MethodGet, false, 403, nil, false},
		"a question that is wrong":        {http.MethodGet, false, 400, nil, false},
		"an order, throttled":             {http.MethodPost, false, 429, nil, true},
		"an order, of a broken server":    {http.MethodPost, false, 500, nil, false},
		"an order, of one that is down":   {http.MethodPost, false, 503, nil, false},
		"an order, broken off":            {http.MethodPost, false, 0, io.ErrUnexpectedEOF, false},
		"a posted question":               {http.MethodPost, true, 500, nil, true},
		"a deletion, of a broken server":  {http.MethodDelete, false, 502, nil, true},
		"a partial change, broken server": {http.MethodPatch, false, 504, nil, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := &failing{status: test.status, err: test.err}
			resp, err := newWire(anyone{}, "https://x.example", f, nil).send(t.Context(), Request{
				Method: test.method, URI: "https://x.example/y", Body: map[string]int{"a": 1}, Repeated: test.repeated})
			assert.Equal(t, test.again, f.asked == 2, "asked %d times", f.asked)
			switch {
			case test.again:
				require.NoError(t, err)
				assert.Equal(t, http.StatusOK, resp.StatusCode)
			case test.status == 0:
				assert.ErrorIs(t, err, test.err)
			default:
				require.NoError(t, err)
				assert.Equal(t, test.status, resp.StatusCode)
			}
		})
	}
}

func TestTheLogHasEachTryAndNoSecret(t *testing.T) {
	t.Parallel()
	var log strings.Builder
	logger := slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	_, err := newWire(anyone{}, "https://x.example", &failing{status: 429}, logger).send(t.Context(), Request{
		Method: http.MethodGet, URI: "https://x.example/y?sig=hidden", Body: "hidden",
		Header: map[string]string{"x": "hidden"}})
	require.NoError(t, err)
	assert.Contains(t, log.String(), "method=GET host=x.example path=/y")
	assert.Contains(t, log.String(), "status=429")
	assert.Contains(t, log.String(), "status=200")
	assert.NotContains(t, log.String(), "hidden")
	assert.NotContains(t, log.String(), "the token")
}

func TestWhatCanNotBeSentSaysSo(t *testing.T) {
	t.Parallel()
	for name, r := range map[string]Request{
		"a body": {Method: http.MethodPost, URI: "https://x.example", Body: func() {}},
		"a URI":  {Method: http.MethodGet, URI: "https://%zz"},
	} {
		f := &failing{status: http.StatusOK}
		_, err := newWire(anyone{}, "https://x.example", f, nil).send(t.Context(), r)
		var malformed *Malformed
		assert.True(t, errors.As(err, &malformed), name)
		assert.Zero(t, f.asked, name)
	}
}
