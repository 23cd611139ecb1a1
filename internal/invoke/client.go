package invoke

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"

	"github.com/batchaccess/batchaccess/internal/azure"
	"github.com/batchaccess/batchaccess/internal/cloud"
)

// Options say as which principal to invoke, and where.
type Options struct {
	// Credential gives the invoker's tokens. Required.
	Credential azcore.TokenCredential
	// TenantID is the workspace's, if it is known: a token of another tenant is then not sent. Default: the cloud's
	// only tenant.
	TenantID string
	// Cloud has the address of Resource Manager. Default: public Azure.
	Cloud azure.Cloud
	// Transport carries the requests. Default: azcore's own.
	Transport policy.Transporter
	// Poll is the first pause between two looks at a job; it doubles up to 15 seconds. Default: one second.
	Poll time.Duration
	// Logger gets every request at level Debug: method, address and status, never a header or a body.
	Logger *slog.Logger
}

// A Client starts jobs and follows them. Several goroutines may use it at once.
type Client struct {
	azure *azure.Client
	token *checked
	cloud azure.Cloud
	poll  time.Duration
}

// New makes a client.
func New(o Options) (*Client, error) {
	if o.Credential == nil {
		return nil, errors.New("a client of batch endpoints needs a credential")
	}
	if o.Cloud == (azure.Cloud{}) {
		o.Cloud = azure.PublicCloud()
	}
	c := &Client{cloud: o.Cloud, poll: cmp.Or(o.Poll, time.Second)}
	if o.Cloud.MLAudience == "" {
		return nil, usage("what a token for batch endpoints is for in the cloud of %s is not known here: name a cloud "+
			"that is (%s) in ARM_ENVIRONMENT",
			o.Cloud.ResourceManager, strings.Join(cloud.Environments(), ", "))
	}
	c.token = &checked{TokenCredential: o.Credential, audience: o.Cloud.MLAudience,
		tenantID: cmp.Or(o.TenantID, o.Cloud.TenantID)}
	c.azure = azure.NewInvoker(c.token, o.Cloud, o.Transport, o.Logger)
	return c, nil
}

type call struct {
	doing       string // completes "could not …"
	method, uri string
	header      map[string]string
	body        any // nil for none
}

// send makes the call and decodes its answer. The error is a Failure, or the context's if the call can have had no
// effect.
func (c *Client) send(ctx context.Context, of azure.Service, k call, into any) (http.Header, error) {
	resp, err := c.azure.Send(ctx, of, azure.Request{Method: k.method, URI: k.uri, Header: k.header, Body: k.body})
	var malformed *azure.Malformed
	var f *Failure
	switch {
	case err == nil:
	case errors.As(err, &malformed):
		return nil, usage("could not %s: %w", k.doing, err)
	case errors.As(err, &f):
		return nil, f
	case ctx.Err() != nil && k.method == http.MethodGet:
		return nil, ctx.Err()
	default:
		return nil, unreachable(ctx, k, err)
	}
	text, err := runtime.Payload(resp)
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
		return nil, &Failure{Kind: Service, Status: resp.StatusCode, Said: clipped(string(text)), cause: err,
			What:   fmt.Sprintf("could not %s: the answer is not JSON that can be read", k.doing),
			Remedy: []string{"a proxy may have answered: " + compareAddress}}
	}
	return resp.Header, nil
}

// ScoringURI asks Resource Manager for the address at which a workspace's batch endpoint is invoked; workspaceID is an
// ARM ID. The 35 actions allow it.
func (c *Client) ScoringURI(ctx context.Context, workspaceID, endpoint string) (string, error) {
	var found struct {
		Properties struct {
			ScoringURI string `json:"scoringUri"`
		} `json:"properties"`
	}
	_, err := c.send(ctx, azure.ResourceManager, call{
		doing:  "find endpoint " + endpoint,
		method: http.MethodGet,
		uri: c.cloud.ResourceManager + azure.Version(workspaceID+"/batchEndpoints/"+url.PathEscape(endpoint),
			azure.WorkspaceVersion, ""),
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
