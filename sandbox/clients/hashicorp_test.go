package clients_test

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/hashicorp/go-azure-sdk/sdk/auth"
	"github.com/hashicorp/go-azure-sdk/sdk/claims"
	"github.com/hashicorp/go-azure-sdk/sdk/client"
	"github.com/hashicorp/go-azure-sdk/sdk/client/msgraph"
	"github.com/hashicorp/go-azure-sdk/sdk/environments"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"software.sslmate.com/src/go-pkcs12"

	"github.com/batchaccess/batchaccess/sandbox/azure"
)

// The azuread plugin uses HashiCorp's SDK to find Azure, to sign in and to call Graph.

func (w *world) environment() environments.Environment {
	w.t.Helper()
	environment, err := environments.FromEndpoint(w.t.Context(), w.URL())
	require.NoError(w.t, err)
	return *environment
}

// authorizer is the SDK's authorizer for Microsoft Graph, made from credentials.
func (w *world) authorizer(c auth.Credentials) auth.Authorizer {
	w.t.Helper()
	c.Environment, c.TenantID = w.environment(), tenantID
	authorizer, err := auth.NewAuthorizerFromCredentials(w.t.Context(), c, c.Environment.MicrosoftGraph)
	require.NoError(w.t, err)
	return authorizer
}

func (w *world) secret() auth.Credentials {
	d := w.Deployer()
	return auth.Credentials{ClientID: d.ClientID, ClientSecret: d.ClientSecret,
		EnableAuthenticatingUsingClientSecret: true}
}

// signInHashiCorp returns the claims that the SDK reads from its token.
func (w *world) signInHashiCorp(c auth.Credentials) *claims.Claims {
	w.t.Helper()
	before := time.Now().Add(time.Hour - time.Minute) // the SDK may count some seconds less
	token, err := w.authorizer(c).Token(w.t.Context(), &http.Request{})
	require.NoError(w.t, err)
	assert.WithinRange(w.t, token.Expiry, before, time.Now().Add(time.Hour))
	read, err := claims.ParseClaims(token)
	require.NoError(w.t, err)
	return read
}

func TestHashiCorpsSDKFindsTheSandbox(t *testing.T) {
	t.Parallel()
	w := newTrustedWorld(t, azure.Weather{})
	environment := w.environment()
	assert.NotEmpty(t, environment.Name)
	for api, want := range map[environments.Api]string{
		environment.MicrosoftGraph: w.URL() + "/graph", environment.ResourceManager: w.URL(),
	} {
		endpoint, ok := api.Endpoint()
		require.True(t, ok, api.Name())
		assert.Equal(t, want, *endpoint)
	}
	require.NotNil(t, environment.Authorization)
	assert.Equal(t, w.URL(), environment.Authorization.LoginEndpoint)
	assert.Equal(t, tenantID, environment.Authorization.Tenant)
}

func TestHashiCorpsSDKSignsIn(t *testing.T) {
	t.Parallel()
	w := newTrustedWorld(t, azure.Weather{})
	clientID, objectID, app := w.trusted()
	certificate, key := newCertificate(t)
	archive, err := pkcs12.Modern.Encode(key, certificate, nil, "password")
	require.NoError(t, err)
	w.graph().send(http.MethodPatch, "/v1.0/applications/"+app,
		object{"keyCredentials": []any{keyCredential(certificate)}}, http.StatusNoContent)
	secret := w.graph().send(http.MethodPost, "/v1.0/applications/"+app+"/addPassword",
		object{"passwordCredential": object{}}, http.StatusOK).text("secretText")
	assertion := func(subject string) string {
		signed, err := w.FederatedAssertion(github, subject, exchange)
		require.NoError(t, err)
		return signed
	}
	robotClient := w.arm().send(http.MethodGet, identity+"?api-version=2023-01-31", nil, http.StatusOK).at("properties",
		"clientId").(string)
	imds := w.URL() + "/metadata/identity/oauth2/token"
	for name, test := range map[string]struct {
		credentials auth.Credentials
		object      string // the principal that the token is for
		refusal     string
	}{
		"client secret": {auth.Credentials{
			EnableAuthenticatingUsingClientSecret: true, ClientID: clientID, ClientSecret: secret,
		}, objectID, ""},
		"wrong client secret": {auth.Credentials{
			EnableAuthenticatingUsingClientSecret: true, ClientID: clientID, ClientSecret: "guess",
		}, "", "AADSTS7000215"},
		"client certificate": {auth.Credentials{
			EnableAuthenticatingUsingClientCertificate: true, ClientID: clientID, ClientCertificateData: archive,
			ClientCertificatePassword: "password",
		}, objectID, ""},
		"certificate of another": {auth.Credentials{
			EnableAuthenticatingUsingClientCertificate: true, ClientID: w.Deployer().ClientID,
			ClientCertificateData: archive, ClientCertificatePassword: "password",
		}, "", "AADSTS700027"},
		"OIDC assertion": {auth.Credentials{
			EnableAuthenticationUsingOIDC: true, ClientID: clientID, OIDCAssertionToken: assertion(branch),
		}, objectID, ""},
		"OIDC assertion of another branch": {auth.Credentials{
			EnableAuthenticationUsingOIDC: true, ClientID: clientID, OIDCAssertionToken: assertion(
				"repo:acme/scores:ref:refs/heads/dev"),
		}, "", "AADSTS700213"},
		"managed identity": {auth.Credentials{
			EnableAuthenticatingUsingManagedIdentity: true, ClientID: robotClient, CustomManagedIdentityEndpoint: imds,
		}, robot, ""},
		"managed identity that is none": {auth.Credentials{
			EnableAuthenticatingUsingManagedIdentity: true, ClientID: clientID, CustomManagedIdentityEndpoint: imds,
		}, "", "Identity not found"},
	} {
		t.Run(name, func(t *testing.T) {
			if test.refusal != "" {
				_, err := w.authorizer(test.credentials).Token(t.Context(), &http.Request{})
				require.ErrorContains(t, err, test.refusal)
				return
			}
			got := w.signInHashiCorp(test.credentials)
			assert.Equal(t, test.object, got.ObjectId)
			assert.Equal(t, tenantID, got.TenantId)
			assert.Equal(t, w.URL()+"/graph", got.Audience)
			assert.Equal(t, test.credentials.ClientID, got.AppId)
		})
	}
}

// directory is the SDK's client of Graph, which the plugin uses for every call.
func (w *world) directory(version msgraph.ApiVersion) *msgraph.Client {
	w.t.Helper()
	directory, err := msgraph.NewClient(w.environment().MicrosoftGraph, "Applications", version)
	require.NoError(w.t, err)
	directory.SetAuthorizer(w.authorizer(w.secret()))
	return directory
}

// request is one call of the SDK. The error is the SDK's.
func request(ctx context.Context, c *msgraph.Client, method, path string, body, answer any, statuses ...int) error {
	req, err := c.NewRequest(ctx, client.RequestOptions{
		ContentType: "application/json; charset=utf-8", ExpectedStatusCodes: statuses, HttpMethod: method, Path: path,
	})
	if err != nil {
		return err
	}
	if body != nil {
		if err := req.Marshal(body); err != nil {
			return err
		}
	}
	res, err := req.Execute(ctx)
	if err != nil || answer == nil {
		return err
	}
	return res.Unmarshal(answer)
}

func TestHashiCorpsSDKCallsGraph(t *testing.T) {
	t.Parallel()
	for _, version := range []msgraph.ApiVersion{msgraph.VersionOnePointZero, msgraph.VersionBeta} {
		t.Run(string(version), func(t *testing.T) {
			t.Parallel()
			w := newTrustedWorld(t, azure.Weather{})
			c := w.directory(version)
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute) // the SDK wants a deadline
			defer cancel()
			var made, got struct{ ID, DisplayName string }
			require.NoError(t, request(ctx, c, http.MethodPost, "/applications", object{"displayName": "nightly"}, &made,
				http.StatusCreated))
			path := "/applications/" + made.ID
			require.NoError(t, request(ctx, c, http.MethodPatch, path, object{"displayName": "weekly"}, nil,
				http.StatusNoContent))
			require.NoError(t, request(ctx, c, http.MethodGet, path, nil, &got, http.StatusOK))
			assert.Equal(t, "weekly", got.DisplayName)
			require.NoError(t, request(ctx, c, http.MethodDelete, path, nil, nil, http.StatusNoContent))
			require.ErrorContains(t, request(ctx, c, http.MethodGet, path, nil, nil, http.StatusOK), "404")
			err := request(ctx, c, http.MethodPost, "/servicePrincipals", object{"appId": alice}, nil, http.StatusCreated)
			require.ErrorContains(t, err, "does not reference a valid application object", "the plugin reads the message")
		})
	}
}

func TestHashiCorpsSDKComesAgainWhenTheSandboxAsks(t *testing.T) {
	t.Parallel()
	for name, weather := range map[string]azure.Weather{
		"throttled": {Throttling: 1, RetryAfter: time.Second}, "faults": {Faults: 1, RetryAfter: time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newTrustedWorld(t, weather) // each request goes wrong twice, then succeeds
			c := w.directory(msgraph.VersionOnePointZero)
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			var made struct{ ID string }
			require.NoError(t, request(ctx, c, http.MethodPost, "/applications", object{"displayName": "nightly"}, &made,
				http.StatusCreated))
			assert.Equal(t, []string{"/applications/" + made.ID}, w.Inventory(), "made once")
		})
	}
}
