package invoke

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/streaming"

	"github.com/batchaccess/batchaccess/internal/cloud"
)

// Options say as whom to invoke, and where.
type Options struct {
	// Credential gives the invoker's tokens. Required.
	Credential azcore.TokenCredential
	// TenantID is that of the workspace, where it is known: a token of another is then not sent. Default: the cloud's
	// only one.
	TenantID string
	// Cloud is where Resource Manager is. Default: PublicCloud.
	Cloud Cloud
	// Transport carries the requests. Default: azcore's own.
	Transport policy.Transporter
	// Poll is the first pause between two looks at a job; it doubles up to 15 seconds. Default: a second.
	Poll time.Duration
	// Logger is told of every request at level Debug: method, address and status, never a header or a body.
	Logger *slog.Logger
}

// Client starts jobs and follows them. It may be used by several goroutines at once.
type Client struct {
	jobs, manager runtime.Pipeline
	token         *checked
	cloud         Cloud
	poll          time.Duration
}

const (
	// deploymentHeader picks a deployment; without it the endpoint's default runs (Azure).
	deploymentHeader = "azureml-model-deployment"
	// maxAnswer bounds what is read of an answer.
	maxAnswer = 4 << 20
	// endpointVersion is the version of Resource Manager's API that describes batch endpoints.
	endpointVersion = "2024-04-01"
)

// New makes a client.
func New(o Options) (*Client, error) {
	if o.Credential == nil {
		return nil, errors.New("a client of batch endpoints needs a credential")
	}
	if o.Cloud == (Cloud{}) {
		o.Cloud = PublicCloud()
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	c := &Client{cloud: o.Cloud, poll: cmp.Or(o.Poll, time.Second)}
	if o.Cloud.MLAudience == "" {
		return nil, usage("what a token for batch endpoints is for in the cloud of %s is not known here: name a cloud "+
			"that is (%s) in ARM_ENVIRONMENT",
			o.Cloud.ResourceManager, strings.Join(cloud.Environments(), ", "))
	}
	c.token = &checked{TokenCredential: o.Credential, audience: o.Cloud.MLAudience,
		tenantID: cmp.Or(o.TenantID, o.Cloud.TenantID)}
	pipeline := func(scope string) runtime.Pipeline {
		return runtime.NewPipeline("batchaccess", "v0", runtime.PipelineOptions{
			PerRetry: []policy.Policy{runtime.NewBearerTokenPolicy(c.token, []string{scope}, nil), logged{o.Logger}},
		}, &policy.ClientOptions{Transport: o.Transport, Telemetry: policy.TelemetryOptions{ApplicationID: "batchaccess"}})
	}
	c.jobs, c.manager = pipeline(o.Cloud.MLAudience+"/.default"), pipeline(o.Cloud.ManagementAudience+"/.default")
	return c, nil
}

// retryStatuses are throttling and the server's own failures.
var retryStatuses = []int{
	http.StatusTooManyRequests, http.StatusInternalServerError, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout,
}

const maxRetries = 4

// retries are tried after what the server asks for in Retry-After, else after 1, 3, 7 and 15 seconds. A request that
// starts a job is sent again only where the server says that it has not taken it: else the job may have begun, and
// would run twice.
func retries(method string) policy.RetryOptions {
	return policy.RetryOptions{
		MaxRetries: maxRetries, RetryDelay: time.Second, MaxRetryDelay: time.Minute,
		ShouldRetry: func(resp *http.Response, err error) bool {
			if err != nil {
				return method == http.MethodGet && !unknownHost(err)
			}
			return slices.Contains(retryStatuses, resp.StatusCode) && (method == http.MethodGet || throttled(resp.StatusCode))
		},
	}
}

// logged notes each try.
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

// call is one request.
type call struct {
	doing       string // completes "could not …"
	method, uri string
	header      map[string]string
	body        any // nil for none
}

// send does the call and decodes its answer. The error is a Failure, or the context's where nothing can have come of
// it.
func (c *Client) send(ctx context.Context, pipeline runtime.Pipeline, k call, into any) (http.Header, error) {
	req, err := runtime.NewRequest(policy.WithRetryOptions(ctx, retries(k.method)), k.method, k.uri)
	if err != nil {
		return nil, usage("could not %s: %w", k.doing, err)
	}
	req.Raw().Header.Set("Accept", "application/json")
	for name, value := range k.header {
		req.Raw().Header.Set(name, value)
	}
	if k.body != nil {
		text, err := json.Marshal(k.body)
		if err != nil {
			return nil, usage("could not %s: writing the request: %w", k.doing, err)
		}
		if err := req.SetBody(streaming.NopCloser(bytes.NewReader(text)), "application/json"); err != nil {
			return nil, usage("could not %s: %w", k.doing, err)
		}
	}
	resp, err := pipeline.Do(req)
	if err != nil {
		var f *Failure
		if errors.As(err, &f) {
			return nil, f
		}
		if ctx.Err() != nil && k.method == http.MethodGet {
			return nil, ctx.Err()
		}
		return nil, unreachable(ctx, k, err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return nil, unreachable(ctx, k, err)
	}
	if resp.StatusCode >= http.StatusMultipleChoices {
		return nil, refused(k, resp, text, c.token.invoker())
	}
	if err := json.Unmarshal(text, into); err != nil && k.method == http.MethodPost {
		return nil, &Failure{
			Kind: Service, Status: resp.StatusCode, Said: clipped(string(text)), cause: err,
			What:   "the job was started, but the answer is not one that can be read, so its name is not known here",
			Remedy: []string{lookForIt(k.uri)},
		}
	} else if err != nil {
		return nil, &Failure{Kind: Service, Status: resp.StatusCode,
			What: fmt.Sprintf("could not %s: the answer is not JSON", k.doing), Said: clipped(string(text)), cause: err}
	}
	return resp.Header, nil
}

// ScoringURI asks Resource Manager where the batch endpoint of a workspace, by ARM ID, is invoked. The 35 actions
// allow it.
func (c *Client) ScoringURI(ctx context.Context, workspaceID, endpoint string) (string, error) {
	var found struct {
		Properties struct {
			ScoringURI string `json:"scoringUri"`
		} `json:"properties"`
	}
	_, err := c.send(ctx, c.manager, call{
		doing:  "find endpoint " + endpoint,
		method: http.MethodGet,
		uri: c.cloud.ResourceManager + workspaceID + "/batchEndpoints/" + url.PathEscape(endpoint) + "?api-version=" +
			endpointVersion,
	}, &found)
	if err != nil {
		return "", err
	}
	if found.Properties.ScoringURI == "" {
		return "", usage("endpoint %s has no scoring URI yet: wait until it is provisioned", endpoint)
	}
	return JobsURI(found.Properties.ScoringURI)
}

// JobsURI checks the address of an endpoint and completes it: https://<endpoint>.<region>.inference.ml.azure.com/jobs.
func JobsURI(uri string) (string, error) {
	u, err := url.Parse(uri)
	if err != nil || u.Scheme != "https" || u.Host == "" || u.User != nil || u.RawQuery != "" {
		return "", usage("%q is not the address of a batch endpoint; write "+
			"https://<endpoint>.<region>.inference.ml.azure.com/jobs", uri)
	}
	uri = strings.TrimRight(uri, "/")
	if !strings.HasSuffix(u.Path, "/jobs") && !strings.HasSuffix(u.Path, "/jobs/") {
		uri += "/jobs"
	}
	return uri, nil
}
