package adopt

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/streaming"

	"github.com/batchaccess/batchaccess/internal/invoke"
)

// Finder asks Azure. It may be used by several goroutines at once.
type Finder struct {
	arm, graph       runtime.Pipeline
	armURL, graphURL string
	// caller gives the object ID of whoever this is signed in as.
	caller func(context.Context) (string, error)
}

// New makes a finder. Whoever it signs in as needs to read what the stack's deployer may write. The transport may be
// nil.
func New(credential azcore.TokenCredential, c invoke.Cloud, transport policy.Transporter) *Finder {
	pipeline := func(scope string) runtime.Pipeline {
		return runtime.NewPipeline("batchaccess", "v0", runtime.PipelineOptions{
			PerRetry: []policy.Policy{runtime.NewBearerTokenPolicy(signIn{credential}, []string{scope}, nil)},
		}, &policy.ClientOptions{Transport: transport, Telemetry: policy.TelemetryOptions{ApplicationID: "batchaccess"}})
	}
	return &Finder{
		arm: pipeline(c.ManagementAudience + "/.default"), armURL: c.ResourceManager,
		graph: pipeline(c.Graph + "/.default"), graphURL: c.Graph + "/v1.0",
		caller: func(ctx context.Context) (string, error) {
			token, err := credential.GetToken(ctx, policy.TokenRequestOptions{Scopes: []string{c.Graph + "/.default"}})
			if err != nil {
				return "", err
			}
			return invoke.ObjectID(token.Token)
		},
	}
}

// signIn says what to do where there is no token.
type signIn struct{ azcore.TokenCredential }

func (s signIn) GetToken(ctx context.Context, options policy.TokenRequestOptions) (azcore.AccessToken, error) {
	token, err := s.TokenCredential.GetToken(ctx, options)
	if err != nil {
		err = fmt.Errorf("not signed in to Azure: set ARM_CLIENT_ID, ARM_CLIENT_SECRET and ARM_TENANT_ID, or run az login: "+
			"%w", err)
	}
	return token, err
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
	return false, f.refused(uri, runtime.NewResponseError(resp))
}

// refused says, of a refusal, what whoever looks needs.
func (f *Finder) refused(uri string, err error) error {
	var refusal *azcore.ResponseError
	if !errors.As(err, &refusal) || refusal.StatusCode != http.StatusForbidden &&
		refusal.StatusCode != http.StatusUnauthorized {
		return err
	}
	needs := "Reader at that scope"
	if below, graph := strings.CutPrefix(uri, f.graphURL); graph {
		permission := "Application.Read.All"
		if strings.HasPrefix(below, "/groups") {
			permission = "Group.Read.All"
		}
		needs = "the application permission " + permission + " of Microsoft Graph, or for a user the role Directory Readers"
	}
	where, _, _ := strings.Cut(uri, "?")
	return &Refusal{fmt.Sprintf("whoever is signed in may not read %s (%d %s); it takes %s. Sign in as whoever deploys",
		where, refusal.StatusCode, refusal.ErrorCode, needs)}
}

// A Refusal is the error of a question that Azure does not answer to whoever is signed in.
type Refusal struct{ why string }

func (r *Refusal) Error() string { return r.why }

// list reads all pages of a collection of the directory. A collection that is not there is empty.
func (f *Finder) list(ctx context.Context, path, filter string) ([]graphObject, error) {
	uri := f.graphURL + path
	if filter != "" {
		uri += "?" + url.Values{"$filter": {filter}}.Encode()
	}
	return pages[graphObject](ctx, f, f.graph, f.graphURL, uri)
}

// listARM reads all pages of a collection of Resource Manager.
func (f *Finder) listARM(ctx context.Context, path, apiVersion, filter string) ([]armObject, error) {
	query := url.Values{"api-version": {apiVersion}}
	if filter != "" {
		query.Set("$filter", filter)
	}
	uri := f.armURL + path + "?" + query.Encode()
	return pages[armObject](ctx, f, f.arm, f.armURL, uri)
}

// pages follows the links of a collection as long as they stay at the host: the token is for no other.
func pages[T any](ctx context.Context, f *Finder, via runtime.Pipeline, host, next string) (all []T, err error) {
	for next != "" {
		var page struct {
			Value []T    `json:"value"`
			Graph string `json:"@odata.nextLink"`
			ARM   string `json:"nextLink"`
		}
		if _, err := f.get(ctx, via, next, &page); err != nil {
			return nil, err
		}
		all, next = append(all, page.Value...), cmp.Or(page.Graph, page.ARM)
		if next != "" && !invoke.Below(host, next) {
			return nil, fmt.Errorf("listing: the next page is on another host than %s: %s", host, next)
		}
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
