package existing

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/streaming"

	"github.com/batchaccess/batchaccess/invoke"
)

// Finder asks Azure. It may be used by several goroutines at once.
type Finder struct {
	arm, graph       runtime.Pipeline
	armURL, graphURL string
}

// New makes a finder. Whoever it signs in as needs to read what the stack's deployer may write. The transport may be nil.
func New(credential azcore.TokenCredential, c invoke.Cloud, transport policy.Transporter) *Finder {
	pipeline := func(scope string) runtime.Pipeline {
		return runtime.NewPipeline("batchaccess", "v0", runtime.PipelineOptions{
			PerRetry: []policy.Policy{runtime.NewBearerTokenPolicy(credential, []string{scope}, nil)},
		}, &policy.ClientOptions{Transport: transport, Telemetry: policy.TelemetryOptions{ApplicationID: "batchaccess"}})
	}
	return &Finder{
		arm: pipeline(c.ManagementAudience + "/.default"), armURL: c.ResourceManager,
		graph: pipeline(c.Graph + "/.default"), graphURL: c.Graph + "/v1.0",
	}
}

// get decodes an answer. there is false for a 404.
func (f *Finder) get(ctx context.Context, via runtime.Pipeline, uri string, into any) (there bool, err error) {
	req, err := runtime.NewRequest(ctx, http.MethodGet, uri)
	if err != nil {
		return false, fmt.Errorf("asking for %s: %w", uri, err)
	}
	resp, err := via.Do(req)
	if err != nil {
		return false, fmt.Errorf("asking for %s: %w", uri, err)
	}
	defer func() { _ = resp.Body.Close() }()
	switch resp.StatusCode {
	case http.StatusNotFound:
		return false, nil
	case http.StatusOK:
		if err := runtime.UnmarshalAsJSON(resp, into); err != nil {
			return false, fmt.Errorf("reading %s: %w", uri, err)
		}
		return true, nil
	}
	return false, runtime.NewResponseError(resp)
}

// list reads all pages of a collection of the directory. A collection that is not there is empty.
func (f *Finder) list(ctx context.Context, path, filter string) (all []graphObject, err error) {
	next := f.graphURL + path
	if filter != "" {
		next += "?" + url.Values{"$filter": {filter}}.Encode()
	}
	for next != "" {
		var page struct {
			Value []graphObject `json:"value"`
			Next  string        `json:"@odata.nextLink"`
		}
		if _, err := f.get(ctx, f.graph, next, &page); err != nil {
			return nil, err
		}
		if page.Next != "" && !strings.HasPrefix(page.Next, f.graphURL+"/") {
			return nil, fmt.Errorf("listing %s: the next page is on another host: %s", path, page.Next)
		}
		all, next = append(all, page.Value...), page.Next
	}
	return all, nil
}

// send changes something in the directory. What is gone already is no error.
func (f *Finder) send(ctx context.Context, method, path string, body any) error {
	req, err := runtime.NewRequest(ctx, method, f.graphURL+path)
	if err != nil {
		return err
	}
	if body != nil {
		content, err := json.Marshal(body)
		if err != nil {
			return err
		}
		if err := req.SetBody(streaming.NopCloser(bytes.NewReader(content)), "application/json"); err != nil {
			return err
		}
	}
	resp, err := f.graph.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	if !runtime.HasStatusCode(resp, http.StatusOK, http.StatusNoContent, http.StatusNotFound) {
		return runtime.NewResponseError(resp)
	}
	return nil
}
