package rehearsal

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/sandbox/azure"
)

// deployed is what the stack's outputs say of its principals.
type deployed struct {
	PrincipalIDs  map[string]string            `json:"principalIds"`
	ClientIDs     map[string]string            `json:"clientIds"`
	ClientSecrets map[string]map[string]string `json:"clientSecrets"`

	ClusterPrincipalIDs map[string]string `json:"clusterPrincipalIds"`
}

// Person is the object ID of the user who signs in as the invoker: a user is itself, a group has a member in the sandbox.
// It is "" for an invoker that is no person, for one whose ID is not known, and for a group that the stack makes: its
// members sign in.
func Person(i access.Invoker) string {
	switch {
	case i.PrincipalID == access.Unknown, len(i.Members) > 0:
		return ""
	case i.Kind == access.User:
		return i.PrincipalID
	case i.Kind == access.Group:
		return memberOf(i.PrincipalID)
	}
	return ""
}

// signIns gets a token for the invoker in each of the ways that the stack gives it, by the name of the way. All but the
// ways that are people's own go over HTTP to the sandbox's Entra or its managed-identity endpoint.
func signIns(ctx context.Context, a *azure.Azure, name string, i access.Invoker, d deployed) (map[string]string, error) {
	token := func(how string, get func() (string, error)) (map[string]string, error) {
		t, err := get()
		if err != nil {
			return nil, fmt.Errorf("%s: %w", how, err)
		}
		return map[string]string{how: t}, nil
	}
	switch {
	case i.Kind == access.Group:
		return token("a member's sign-in", func() (string, error) { return a.SignIn(ctx, memberOf(i.PrincipalID), access.Audience) })
	case i.Kind == access.ManagedIdentity && !i.Exists():
		return token("managed-identity endpoint", func() (string, error) { return identityToken(ctx, a, d.ClientIDs[name]) })
	case len(i.FederatedCredentials)+len(i.ClientSecrets) == 0:
		return token("sign-in", func() (string, error) { return a.SignIn(ctx, d.PrincipalIDs[name], access.Audience) })
	}
	tokens := map[string]string{}
	for _, key := range slices.Sorted(maps.Keys(i.FederatedCredentials)) {
		issuer, subject, audience := i.FederatedCredentials[key].Claims()
		assertion, err := a.FederatedAssertion(issuer, subject, audience)
		if err != nil {
			return nil, fmt.Errorf("federated credential %s: %w", key, err)
		}
		tokens["federated credential "+key], err = entraToken(ctx, a, d.ClientIDs[name], url.Values{
			"client_assertion_type": {"urn:ietf:params:oauth:client-assertion-type:jwt-bearer"}, "client_assertion": {assertion},
		})
		if err != nil {
			return nil, fmt.Errorf("federated credential %s: %w", key, err)
		}
	}
	for _, key := range slices.Sorted(maps.Keys(i.ClientSecrets)) {
		var err error
		tokens["client secret "+key], err = entraToken(ctx, a, d.ClientIDs[name], url.Values{"client_secret": {d.ClientSecrets[name][key]}})
		if err != nil {
			return nil, fmt.Errorf("client secret %s: %w", key, err)
		}
	}
	return tokens, nil
}

func entraToken(ctx context.Context, a *azure.Azure, clientID string, credential url.Values) (string, error) {
	form := url.Values{"grant_type": {"client_credentials"}, "client_id": {clientID}, "scope": {access.Audience + "/.default"}}
	maps.Copy(form, credential)
	at := a.URL() + "/" + a.Deployer().TenantID + "/oauth2/v2.0/token"
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, at, strings.NewReader(form.Encode()))
	if err != nil {
		return "", err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return readToken(a, req)
}

func identityToken(ctx context.Context, a *azure.Azure, clientID string) (string, error) {
	at := a.URL() + "/metadata/identity/oauth2/token?" + url.Values{
		"api-version": {"2018-02-01"}, "resource": {access.Audience}, "client_id": {clientID},
	}.Encode()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, at, nil)
	if err != nil {
		return "", err
	}
	req.Header.Set("Metadata", "true")
	return readToken(a, req)
}

func readToken(a *azure.Azure, req *http.Request) (string, error) {
	resp, err := send(a, req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	var answer struct {
		AccessToken string `json:"access_token"`
		Error       string `json:"error"`
		Description string `json:"error_description"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil {
		return "", fmt.Errorf("reading the answer of the token endpoint: %w", err)
	}
	if resp.StatusCode != http.StatusOK {
		return "", fmt.Errorf("HTTP %d %s: %s", resp.StatusCode, answer.Error, answer.Description)
	}
	return answer.AccessToken, nil
}

// send sends a request as Azure's clients do: again, where the weather makes the answer a 429 or a 5xx.
func send(a *azure.Azure, req *http.Request) (*http.Response, error) {
	again, err := runtime.NewRequestFromRequest(req)
	if err != nil {
		return nil, err
	}
	return runtime.NewPipeline("rehearsal", "v0", runtime.PipelineOptions{}, &policy.ClientOptions{Transport: a.Client()}).Do(again)
}
