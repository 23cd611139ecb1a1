package azure

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"
)

// A Service is one that a client can ask.
type Service int

// The services.
const (
	ResourceManager Service = iota
	Graph
	BatchEndpoints // each at its own address
)

// A Client asks the services. Several goroutines may use it at once.
type Client struct {
	wires      map[Service]wire
	urls       map[Service]string
	credential azcore.TokenCredential
	graph      string // the audience of its tokens
}

// NewClient makes a client of Resource Manager and Microsoft Graph for the deployer, who signs in with the credential.
// Transport and logger may be nil. The logger gets every try at level Debug: method, address and status, never a header
// or a body.
func NewClient(
	credential azcore.TokenCredential, c Cloud, transport policy.Transporter, logger *slog.Logger,
) *Client {
	credential = signIn{credential}
	return &Client{
		wires: map[Service]wire{
			ResourceManager: newWire(credential, c.ManagementAudience, transport, logger),
			Graph:           newWire(credential, c.Graph, transport, logger),
		},
		urls:       map[Service]string{ResourceManager: c.ResourceManager, Graph: c.Graph + "/v1.0"},
		credential: credential, graph: c.Graph,
	}
}

// NewInvoker makes a client of batch endpoints and Resource Manager for a principal that starts jobs; see NewClient.
func NewInvoker(
	credential azcore.TokenCredential, c Cloud, transport policy.Transporter, logger *slog.Logger,
) *Client {
	return &Client{wires: map[Service]wire{
		BatchEndpoints:  newWire(credential, c.MLAudience, transport, logger),
		ResourceManager: newWire(credential, c.ManagementAudience, transport, logger),
	}, urls: map[Service]string{ResourceManager: c.ResourceManager}}
}

// signIn adds to an error of sign-in what to do about it.
type signIn struct{ azcore.TokenCredential }

func (s signIn) GetToken(ctx context.Context, options policy.TokenRequestOptions) (azcore.AccessToken, error) {
	token, err := s.TokenCredential.GetToken(ctx, options)
	if err != nil {
		err = fmt.Errorf("not signed in to Azure: set ARM_CLIENT_ID, ARM_CLIENT_SECRET and ARM_TENANT_ID, or run az login: "+
			"%w", err)
	}
	return token, err
}

// Path adds a query to a path: names and values in turn. A name without a value is left out.
func Path(path string, query ...string) string {
	values := url.Values{}
	for i := 0; i+1 < len(query); i += 2 {
		if query[i+1] != "" {
			values.Set(query[i], query[i+1])
		}
	}
	if len(values) == 0 {
		return path
	}
	return path + "?" + values.Encode()
}

// Version returns the query for a version of Resource Manager's API, and a filter ("" for none).
func Version(path, apiVersion, filter string) string {
	return Path(path, "api-version", apiVersion, "$filter", filter)
}

// Get reads the resource at a path; there is false for a 404.
func (c *Client) Get(ctx context.Context, s Service, path string, into any) (there bool, err error) {
	return c.ask(ctx, s, Request{Method: http.MethodGet, URI: c.urls[s] + path}, into)
}

// List reads all pages of a collection; there is false if it does not exist. A link to a next page at another host is
// an error: the token must not be sent there.
func List[T any](ctx context.Context, c *Client, s Service, path string) (all []T, there bool, err error) {
	for next := c.urls[s] + path; next != ""; {
		var page struct {
			Value []T    `json:"value"`
			ARM   string `json:"nextLink"`
			Graph string `json:"@odata.nextLink"`
		}
		there, err := c.ask(ctx, s, Request{Method: http.MethodGet, URI: next}, &page)
		if err != nil || !there {
			return nil, false, err
		}
		all, next = append(all, page.Value...), cmp.Or(page.ARM, page.Graph)
		if next != "" && !below(c.urls[s], next) {
			return nil, false, fmt.Errorf("asking for %s: the next page is on another host than %s: %s", place(path), c.urls[s],
				next)
		}
	}
	return all, true, nil
}

// Change changes or deletes something. Deleting what does not exist is no error.
func (c *Client) Change(ctx context.Context, s Service, method, path string, body any) error {
	_, err := c.ask(ctx, s, Request{Method: method, URI: c.urls[s] + path, Body: body}, nil)
	return err
}

// maxIDs is how many IDs one call of getByIds takes (Graph's documentation, "directoryObject: getByIds").
const maxIDs = 1000

// An Object is an object of the directory.
type Object struct {
	Type                 string `json:"@odata.type"` // #microsoft.graph.user, group or servicePrincipal
	ID                   string `json:"id"`
	DisplayName          string `json:"displayName"`
	UserPrincipalName    string `json:"userPrincipalName"`
	ServicePrincipalType string `json:"servicePrincipalType"` // Application, ManagedIdentity
	AppID                string `json:"appId"`                // the client ID of a service principal
}

// Objects reads the objects of the directory with these object IDs. IDs that do not exist are left out.
func (c *Client) Objects(ctx context.Context, ids []string) (all []Object, err error) {
	for len(ids) > 0 {
		n := min(len(ids), maxIDs)
		var page struct {
			Value []Object `json:"value"`
		}
		there, err := c.ask(ctx, Graph, Request{
			Method: http.MethodPost, URI: c.urls[Graph] + "/directoryObjects/getByIds", Body: map[string]any{"ids": ids[:n]},
			Repeated: true,
		}, &page)
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

// Me returns the object ID of the account that is signed in.
func (c *Client) Me(ctx context.Context) (string, error) {
	token, err := c.credential.GetToken(ctx, policy.TokenRequestOptions{Scopes: []string{c.graph + "/.default"}})
	if err != nil {
		return "", err
	}
	return ObjectID(token.Token)
}

// Send sends a request to a service. The whole answer is read, whatever its status.
func (c *Client) Send(ctx context.Context, s Service, r Request) (*http.Response, error) {
	return c.wires[s].send(ctx, r)
}

// ask sends a request and decodes its answer, if into is not nil.
func (c *Client) ask(ctx context.Context, s Service, r Request, into any) (there bool, err error) {
	resp, err := c.Send(ctx, s, r)
	if err != nil {
		return false, fmt.Errorf("asking for %s: %w", place(r.URI), err)
	}
	switch {
	case resp.StatusCode == http.StatusNotFound:
		return false, nil
	case resp.StatusCode == http.StatusOK && into != nil:
		if err := runtime.UnmarshalAsJSON(resp, into); err != nil {
			return false, fmt.Errorf("reading %s: %w", place(r.URI), err)
		}
		return true, nil
	case resp.StatusCode == http.StatusOK, resp.StatusCode == http.StatusNoContent && into == nil:
		return true, nil
	}
	err = runtime.NewResponseError(resp)
	var answer *azcore.ResponseError
	if errors.As(err, &answer) && (answer.StatusCode == http.StatusForbidden ||
		answer.StatusCode == http.StatusUnauthorized) {
		return false, &Refusal{r, answer, c.takes(s, r.URI)}
	}
	return false, fmt.Errorf("asking for %s: %w", place(r.URI), err)
}

func place(uri string) string {
	where, _, _ := strings.Cut(uri, "?")
	return where
}

// takes says which permission a read needs.
func (c *Client) takes(s Service, uri string) string {
	if s == ResourceManager {
		return "Reader at that scope"
	}
	permission := "Directory.Read.All"
	for _, row := range [][2]string{
		{"/applications", "Application.Read.All"}, {"/servicePrincipals", "Application.Read.All"}, {"/groups",
			"Group.Read.All"},
	} {
		if strings.HasPrefix(uri, c.urls[s]+row[0]) {
			permission = row[1]
		}
	}
	return "the application permission " + permission + " of Microsoft Graph, or for a user the role Directory Readers"
}

// A Refusal is the error of a request for which the account has no permission.
type Refusal struct {
	request Request
	Answer  *azcore.ResponseError
	takes   string
}

func (r *Refusal) Error() string {
	if r.request.Method != http.MethodGet && !r.request.Repeated {
		return fmt.Sprintf("whoever is signed in may not change %s (%d %s). Sign in as whoever deploys",
			place(r.request.URI), r.Answer.StatusCode, r.Answer.ErrorCode)
	}
	return fmt.Sprintf("whoever is signed in may not read %s (%d %s); it takes %s. Sign in as whoever deploys",
		place(r.request.URI), r.Answer.StatusCode, r.Answer.ErrorCode, r.takes)
}

// Unwrap returns Azure's answer.
func (r *Refusal) Unwrap() error { return r.Answer }
