package standin

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
)

const (
	attempts     = 6                // for one call that Azure throttles or fails
	firstWait    = time.Second      // before the second attempt; doubled each time, unless Azure says how long
	pollWait     = time.Second      // between looks at a running operation, unless Azure says how long
	callTimeout  = 2 * time.Minute  // for one attempt
	renewal      = 5 * time.Minute  // a token is renewed that long before it expires
	maxRetryWait = 61 * time.Second // the longest wait that Azure can ask for
)

// client calls the Azure of a Config. It is for one provider instance, and safe for concurrent use.
type client struct {
	cfg  Config
	http *http.Client

	mu        sync.Mutex
	endpoints *endpoints
	tokens    map[string]token // by scope
}

// endpoints are the parts of the metadata host's answer that a client needs.
type endpoints struct {
	ResourceManager string `json:"resourceManager"`
	Graph           string `json:"microsoftGraphResourceId"`
	Authentication  struct {
		LoginEndpoint string   `json:"loginEndpoint"`
		Audiences     []string `json:"audiences"`
	} `json:"authentication"`
}

type token struct {
	value  string
	expiry time.Time
}

func newClient(cfg Config) *client {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.TLSClientConfig = &tls.Config{RootCAs: cfg.RootCAs, MinVersion: tls.VersionTLS12}
	return &client{
		cfg:    cfg,
		http:   &http.Client{Transport: transport, Timeout: callTimeout},
		tokens: map[string]token{},
	}
}

// azureError is an error in Azure's answer.
type azureError struct {
	Status  int
	Code    string
	Message string
	Call    string // method and path
}

func (e *azureError) Error() string {
	return fmt.Sprintf("%s: Azure answered %d %s: %s", e.Call, e.Status, e.Code, e.Message)
}

func isStatus(err error, status int) bool {
	var azure *azureError
	return errors.As(err, &azure) && azure.Status == status
}

// answer is Azure's answer to a call that succeeded.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// object is the body, which must be a JSON object; an empty body is an empty object.
func (a answer) object() (map[string]any, error) {
	o := map[string]any{}
	if len(bytes.TrimSpace(a.body)) == 0 {
		return o, nil
	}
	if err := json.Unmarshal(a.body, &o); err != nil {
		return nil, fmt.Errorf("reading Azure's answer: %w", err)
	}
	return o, nil
}

// discover asks the metadata host for Azure's addresses, once.
func (c *client) discover(ctx context.Context) (*endpoints, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.endpoints != nil {
		return c.endpoints, nil
	}
	if c.cfg.MetadataHost == "" {
		return nil, errors.New("no Azure is configured: set the provider's metadataHost to host:port")
	}
	found, err := c.send(ctx, http.MethodGet, "https://"+c.cfg.MetadataHost+"/metadata/endpoints?api-version=2022-09-01",
		"", nil)
	if err != nil {
		return nil, fmt.Errorf("looking up Azure's addresses: %w", err)
	}
	var e endpoints
	if err := json.Unmarshal(found.body, &e); err != nil {
		return nil, fmt.Errorf("reading Azure's addresses from %s: %w", c.cfg.MetadataHost, err)
	}
	if e.ResourceManager == "" || e.Graph == "" || e.Authentication.LoginEndpoint == "" {
		return nil, fmt.Errorf("metadata host %s does not give resourceManager, microsoftGraphResourceId and "+
			"authentication.loginEndpoint",
			c.cfg.MetadataHost)
	}
	e.ResourceManager = strings.TrimSuffix(e.ResourceManager, "/")
	e.Graph = strings.TrimSuffix(e.Graph, "/")
	c.endpoints = &e
	return &e, nil
}

// managementScope is the scope of a token for Resource Manager.
func (e *endpoints) managementScope() string {
	audience := e.ResourceManager
	if len(e.Authentication.Audiences) > 0 {
		audience = strings.TrimSuffix(e.Authentication.Audiences[0], "/")
	}
	return audience + "/.default"
}

func (e *endpoints) graphScope() string { return e.Graph + "/.default" }

// token returns an access token for the scope. It keeps tokens as long as they are valid.
func (c *client) token(ctx context.Context, scope string) (string, error) {
	e, err := c.discover(ctx)
	if err != nil {
		return "", err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if t, ok := c.tokens[scope]; ok && time.Until(t.expiry) > renewal {
		return t.value, nil
	}
	for setting, value := range map[string]string{
		"tenantId": c.cfg.TenantID, "clientId": c.cfg.ClientID, "clientSecret": c.cfg.ClientSecret,
	} {
		if value == "" {
			return "", fmt.Errorf("signing in to Azure: the provider's %s is not set", setting)
		}
	}
	form := url.Values{
		"grant_type": {"client_credentials"}, "scope": {scope},
		"client_id": {c.cfg.ClientID}, "client_secret": {c.cfg.ClientSecret},
	}
	address := strings.TrimSuffix(e.Authentication.LoginEndpoint, "/") + "/" + url.PathEscape(c.cfg.TenantID) +
		"/oauth2/v2.0/token"
	got, err := c.send(ctx, http.MethodPost, address, "", form)
	if err != nil {
		return "", fmt.Errorf("signing in to Azure as client %s: %w", c.cfg.ClientID, err)
	}
	var t struct {
		AccessToken string      `json:"access_token"`
		ExpiresIn   json.Number `json:"expires_in"`
	}
	if err := json.Unmarshal(got.body, &t); err != nil || t.AccessToken == "" {
		return "", fmt.Errorf("signing in to Azure as client %s: the answer holds no access token", c.cfg.ClientID)
	}
	seconds, _ := t.ExpiresIn.Int64() // missing: use the token once
	c.tokens[scope] = token{t.AccessToken, time.Now().Add(time.Duration(seconds) * time.Second)}
	return t.AccessToken, nil
}

// call sends a JSON body (nil for none) with a token for the scope.
func (c *client) call(ctx context.Context, method, address, scope string, body any) (answer, error) {
	bearer, err := c.token(ctx, scope)
	if err != nil {
		return answer{}, err
	}
	return c.send(ctx, method, address, bearer, body)
}

// send makes one call, and repeats it if Azure throttles it or fails.
func (c *client) send(ctx context.Context, method, address, bearer string, body any) (answer, error) {
	payload, contentType, err := encode(body)
	if err != nil {
		return answer{}, err
	}
	wait := firstWait
	for attempt := 1; ; attempt++ {
		got, err := c.sendOnce(ctx, method, address, bearer, payload, contentType)
		if attempt == attempts || !retried(err) {
			return got, err
		}
		pause := wait
		if asked, ok := retryAfter(got.header); ok {
			pause = asked
		}
		wait *= 2
		c.cfg.Logger.Debug("waiting to call Azure again", "call", method, "attempt", attempt, "wait", pause, "error", err)
		if err := sleep(ctx, pause); err != nil {
			return got, err
		}
	}
}

func retried(err error) bool {
	var azure *azureError
	if !errors.As(err, &azure) {
		return false
	}
	switch azure.Status {
	case http.StatusRequestTimeout, http.StatusTooManyRequests, http.StatusInternalServerError,
		http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	}
	return false
}

func (c *client) sendOnce(
	ctx context.Context, method, address, bearer string, payload []byte, contentType string,
) (answer, error) {
	req, err := http.NewRequestWithContext(ctx, method, address, bytes.NewReader(payload))
	if err != nil {
		return answer{}, fmt.Errorf("calling Azure: %w", err)
	}
	req.Header.Set("Accept", "application/json")
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	if bearer != "" {
		req.Header.Set("Authorization", "Bearer "+bearer)
	}
	if id, ok := ctx.Value(requestIDKey{}).(string); ok {
		req.Header.Set("x-ms-client-request-id", id)
	}
	res, err := c.http.Do(req)
	if err != nil {
		return answer{}, fmt.Errorf("calling Azure: %w", err)
	}
	defer func() { _ = res.Body.Close() }()
	data, err := io.ReadAll(res.Body)
	if err != nil {
		return answer{}, fmt.Errorf("reading Azure's answer: %w", err)
	}
	got := answer{status: res.StatusCode, header: res.Header, body: data}
	if res.StatusCode >= 200 && res.StatusCode < 300 {
		return got, nil
	}
	code, message := errorOf(data)
	return got, &azureError{Status: res.StatusCode, Code: code, Message: message, Call: method + " " + req.URL.Path}
}

type requestIDKey struct{}

// about marks the calls made with the context as calls for a resource, so that Azure's log shows which resource made
// which call.
func about(ctx context.Context, urn resource.URN) context.Context {
	return context.WithValue(ctx, requestIDKey{}, ClientRequestID(string(urn)))
}

// ClientRequestID is the client request ID of every call for a resource, given by its URN.
func ClientRequestID(urn string) string { return uuid.NewSHA1(uuid.NameSpaceURL, []byte(urn)).String() }

func encode(body any) (payload []byte, contentType string, err error) {
	switch body := body.(type) {
	case nil:
		return nil, "", nil
	case url.Values:
		return []byte(body.Encode()), "application/x-www-form-urlencoded", nil
	}
	payload, err = json.Marshal(body)
	if err != nil {
		return nil, "", fmt.Errorf("encoding a call to Azure: %w", err)
	}
	return payload, "application/json; charset=utf-8", nil
}

// errorOf reads the error of Resource Manager and Graph, {"error": {code, message}}, and that of Entra, {"error": code,
// "error_description": message}. Any other body becomes the message.
func errorOf(body []byte) (code, message string) {
	var nested struct {
		Error struct{ Code, Message string } `json:"error"`
	}
	if json.Unmarshal(body, &nested) == nil && nested.Error.Code != "" {
		return nested.Error.Code, nested.Error.Message
	}
	var flat struct {
		Error       string `json:"error"`
		Description string `json:"error_description"`
	}
	if json.Unmarshal(body, &flat) == nil && flat.Error != "" {
		return flat.Error, flat.Description
	}
	return "", strings.TrimSpace(string(body))
}

// retryAfter is how long Azure asks to wait, in whole seconds.
func retryAfter(h http.Header) (time.Duration, bool) {
	seconds, err := strconv.Atoi(h.Get("Retry-After"))
	if err != nil || seconds < 0 {
		return 0, false
	}
	return min(time.Duration(seconds)*time.Second, maxRetryWait), true
}

func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}
