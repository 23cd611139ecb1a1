package azure

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/streaming"

	"github.com/batchaccess/batchaccess/internal/invoke"
)

// A Client asks Resource Manager and Microsoft Graph. It retries as Azure's SDK does, and only reads.
type Client struct {
	arm, graph       runtime.Pipeline
	armURL, graphURL string
}

// NewClient makes a client that signs in with the credential. The transport may be nil.
func NewClient(credential azcore.TokenCredential, c invoke.Cloud, transport policy.Transporter) *Client {
	pipeline := func(audience string) runtime.Pipeline {
		return runtime.NewPipeline("batchaccess", "v0", runtime.PipelineOptions{
			PerRetry: []policy.Policy{runtime.NewBearerTokenPolicy(credential, []string{audience + "/.default"}, nil)},
		}, &policy.ClientOptions{
			Transport: transport, Telemetry: policy.TelemetryOptions{ApplicationID: "batchaccess"},
		})
	}
	return &Client{pipeline(c.ManagementAudience), pipeline(c.Graph), c.ResourceManager, c.Graph + "/v1.0"}
}

// Get reads what Resource Manager has at an ID. there is false for a 404.
func (c *Client) Get(ctx context.Context, id, apiVersion string, into any) (there bool, err error) {
	return c.send(ctx, c.arm, http.MethodGet, c.armURL+id+"?api-version="+apiVersion, nil, into)
}

// List reads all pages of a collection of Resource Manager. A collection that is not there is an error.
func List[T any](ctx context.Context, c *Client, path, apiVersion, filter string) (all []T, err error) {
	query := url.Values{"api-version": {apiVersion}}
	if filter != "" {
		query.Set("$filter", filter)
	}
	for next := c.armURL + path + "?" + query.Encode(); next != ""; {
		var page struct {
			Value []T    `json:"value"`
			Next  string `json:"nextLink"`
		}
		there, err := c.send(ctx, c.arm, http.MethodGet, next, nil, &page)
		switch {
		case err != nil:
			return nil, err
		case !there:
			return nil, fmt.Errorf("asking for %s: Azure has nothing there (404)", path)
		case page.Next != "" && !invoke.Below(c.armURL, page.Next):
			return nil, fmt.Errorf("asking for %s: the next page is on another host: %s", path, page.Next)
		}
		all, next = append(all, page.Value...), page.Next
	}
	return all, nil
}

// maxIDs is how many IDs one call of getByIds takes (Graph's documentation, "directoryObject: getByIds").
const maxIDs = 1000

// An Object is one of the directory.
type Object struct {
	Type                 string `json:"@odata.type"` // #microsoft.graph.user, group or servicePrincipal
	ID                   string `json:"id"`
	DisplayName          string `json:"displayName"`
	UserPrincipalName    string `json:"userPrincipalName"`
	ServicePrincipalType string `json:"servicePrincipalType"` // Application, ManagedIdentity
	AppID                string `json:"appId"`                // the client ID of a service principal
}

// Objects reads those of the directory that have the object IDs. Those that are gone are left out.
func (c *Client) Objects(ctx context.Context, ids []string) (all []Object, err error) {
	for len(ids) > 0 {
		n := min(len(ids), maxIDs)
		var page struct {
			Value []Object `json:"value"`
		}
		body := map[string]any{"ids": ids[:n]}
		there, err := c.send(ctx, c.graph, http.MethodPost, c.graphURL+"/directoryObjects/getByIds", body, &page)
		if err != nil {
			return nil, err
		}
		if !there {
			return nil, errors.New("asking the directory for principals: it has no such collection (404)")
		}
		all, ids = append(all, page.Value...), ids[n:]
	}
	return all, nil
}

func (c *Client) send(
	ctx context.Context, via runtime.Pipeline, method, uri string, body, into any,
) (there bool, err error) {
	where, _, _ := bytes.Cut([]byte(uri), []byte("?"))
	fail := func(err error) (bool, error) { return false, fmt.Errorf("asking for %s: %w", where, err) }
	req, err := runtime.NewRequest(ctx, method, uri)
	if err != nil {
		return fail(err)
	}
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			return fail(err)
		}
		if err := req.SetBody(streaming.NopCloser(bytes.NewReader(text)), "application/json"); err != nil {
			return fail(err)
		}
	}
	resp, err := via.Do(req)
	if err != nil {
		return fail(err)
	}
	defer func() { _ = resp.Body.Close() }()
	switch resp.StatusCode {
	case http.StatusNotFound:
		_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 1<<20))
		return false, nil
	case http.StatusOK:
		if err := runtime.UnmarshalAsJSON(resp, into); err != nil {
			return fail(err)
		}
		return true, nil
	case http.StatusForbidden, http.StatusUnauthorized:
		needs := "Reader at that place"
		if invoke.Below(c.graphURL, uri) {
			needs = "Directory.Read.All of Microsoft Graph, or for a user the role Directory Readers"
		}
		var refusal *azcore.ResponseError
		code := ""
		if errors.As(runtime.NewResponseError(resp), &refusal) {
			code = refusal.ErrorCode
		}
		return false, fmt.Errorf("whoever is signed in may not read %s (%d %s); it takes %s", where, resp.StatusCode,
			code, needs)
	}
	return fail(runtime.NewResponseError(resp))
}
