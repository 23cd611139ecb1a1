package azure_test

import (
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const (
	github     = "https://token.actions.githubusercontent.com"
	repository = "repo:acme/scores:ref:refs/heads/main"
	exchange   = "api://AzureADTokenExchange"
)

// application makes an application with its service principal.
func (w *world) application(name string) (objectID, clientID, principalID string) {
	w.t.Helper()
	app := w.graph(http.MethodPost, "/v1.0/applications", object("displayName", name))
	require.Equal(w.t, http.StatusCreated, app.status, app.body)
	sp := w.graph(http.MethodPost, "/v1.0/servicePrincipals", object("appId", app.body["appId"]))
	require.Equal(w.t, http.StatusCreated, sp.status, sp.body)
	return app.body["id"].(string), app.body["appId"].(string), sp.body["id"].(string)
}

func errorCode(a answer) float64 {
	codes, _ := a.body["error_codes"].([]any)
	if len(codes) == 0 {
		return 0
	}
	return codes[0].(float64)
}

func TestClientSecrets(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	app, client, principal := w.application("nightly")
	end := time.Now().Add(48 * time.Hour).UTC().Format("2006-01-02T15:04:05Z")
	added := w.graph(http.MethodPost, "/v1.0/applications/"+app+"/addPassword",
		object("passwordCredential", object("displayName", "a", "endDateTime", end)))
	require.Equal(t, http.StatusOK, added.status, added.body)
	secret := added.body["secretText"].(string)
	assert.Equal(t, end, added.body["endDateTime"], "dates are compared as text")
	read := w.graph(http.MethodGet, "/v1.0/applications/"+app, nil)
	assert.Nil(t, read.at("passwordCredentials").([]any)[0].(map[string]any)["secretText"], "a secret is told once")

	got := w.signIn(map[string]string{"client_id": client, "client_secret": secret})
	require.Equal(t, http.StatusOK, got.status, got.body)
	claims := jwt.MapClaims{}
	_, _, err := jwt.NewParser().ParseUnverified(got.body["access_token"].(string), claims)
	require.NoError(t, err)
	for key, want := range map[string]any{"aud": ml, "oid": principal, "sub": principal, "appid": client, "tid": tenantID,
		"idtyp": "app", "ver": "1.0"} {
		assert.Equal(t, want, claims[key], key)
	}

	for name, test := range map[string]struct {
		form map[string]string
		code float64
	}{
		"wrong secret": {map[string]string{"client_id": client, "client_secret": secret + "x"}, 7000215},
		"the secret's ID": {map[string]string{"client_id": client, "client_secret": added.body["keyId"].(string)},
			7000215},
		"no credential":       {map[string]string{"client_id": client}, 7000218},
		"unknown application": {map[string]string{"client_id": uuid.NewString(), "client_secret": secret}, 700016},
		"unknown resource": {map[string]string{"client_id": client, "client_secret": secret,
			"scope": "https://example.com/.default"}, 500011},
		"no /.default": {map[string]string{"client_id": client, "client_secret": secret, "scope": ml}, 1002012},
		"another grant": {map[string]string{"client_id": client, "client_secret": secret, "grant_type": "authorization_code"},
			70003},
	} {
		t.Run(name, func(t *testing.T) {
			got := w.signIn(test.form)
			assert.GreaterOrEqual(t, got.status, 400)
			assert.Equal(t, test.code, errorCode(got), got.body)
			assert.NotContains(t, got.body["error_description"], secret)
		})
	}
	t.Run("scopes of OpenID Connect beside the resource", func(t *testing.T) {
		form := map[string]string{"client_id": client, "client_secret": secret,
			"scope": ml + "/.default openid offline_access profile"}
		assert.Equal(t, http.StatusOK, w.signIn(form).status)
		form["scope"] = ml + "/.default " + management + "/.default"
		assert.Equal(t, 1002012.0, errorCode(w.signIn(form)))
	})
	t.Run("version 1 takes a resource and answers text", func(t *testing.T) {
		form := url.Values{"grant_type": {"client_credentials"}, "client_id": {client}, "client_secret": {secret},
			"resource": {ml}}
		got := w.send(http.MethodPost, "/"+tenantID+"/oauth2/token", "", form.Encode(), "Content-Type",
			"application/x-www-form-urlencoded")
		require.Equal(t, http.StatusOK, got.status, got.body)
		assert.Equal(t, "3599", got.body["expires_in"])
		got = w.send(http.MethodPost, "/"+uuid.NewString()+"/oauth2/token", "", form.Encode(), "Content-Type",
			"application/x-www-form-urlencoded")
		assert.Equal(t, 90002.0, errorCode(got))
	})
	t.Run("disabled, expired, removed", func(t *testing.T) {
		form := map[string]string{"client_id": client, "client_secret": secret}
		before := w.token(principal, ml)
		assert.Equal(t, before, w.token(principal, ml), "who signs in again at once has the token still")
		assert.NotEqual(t, before, w.token(principal, "https://management.azure.com"))
		w.SetClock(func() time.Time { return time.Now().Add(2 * time.Minute) })
		assert.NotEqual(t, before, w.token(principal, ml), "and later another")
		w.SetClock(time.Now)
		require.Equal(t, http.StatusNoContent, w.graph(http.MethodPatch, "/v1.0/servicePrincipals/"+principal,
			object("accountEnabled", false)).status)
		assert.Equal(t, 7000112.0, errorCode(w.signIn(form)))
		_, err := w.SignIn(t.Context(), principal, ml)
		require.ErrorContains(t, err, "disabled")
		require.Equal(t, http.StatusNoContent, w.graph(http.MethodPatch, "/v1.0/servicePrincipals/"+principal,
			object("accountEnabled", true)).status)

		w.SetClock(func() time.Time { return time.Now().Add(49 * time.Hour) })
		assert.Equal(t, 7000222.0, errorCode(w.signIn(form)))
		w.SetClock(time.Now)
		require.Equal(t, http.StatusOK, w.signIn(form).status)

		require.Equal(t, http.StatusNoContent, w.graph(http.MethodPost, "/v1.0/applications/"+app+"/removePassword",
			object("keyId", added.body["keyId"])).status)
		assert.Equal(t, 7000215.0, errorCode(w.signIn(form)))
		require.Equal(t, http.StatusNoContent, w.graph(http.MethodDelete, "/v1.0/applications/"+app, nil).status)
		assert.Equal(t, 700016.0, errorCode(w.signIn(form)), "the service principal goes with its application")
	})
}

func TestFederatedCredentials(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	app, client, principal := w.application("ci")
	assertion := func(issuer, subject, audience string) map[string]string {
		return map[string]string{
			"client_id": client, "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
			"client_assertion": must(w.FederatedAssertion(issuer, subject, audience)),
		}
	}
	assert.Equal(t, 70025.0, errorCode(w.signIn(assertion(github, repository, exchange))))
	credential := object("name", "main", "issuer", github, "subject", repository, "audiences", []string{exchange},
		"description", "")
	path := "/v1.0/applications/" + app + "/federatedIdentityCredentials"
	require.Equal(t, http.StatusCreated, w.graph(http.MethodPost, path, credential).status)
	got := w.signIn(assertion(github, repository, exchange))
	require.Equal(t, http.StatusOK, got.status, got.body)
	claims := jwt.MapClaims{}
	_, _, err := jwt.NewParser().ParseUnverified(got.body["access_token"].(string), claims)
	require.NoError(t, err)
	assert.Equal(t, principal, claims["oid"])

	for name, test := range map[string]struct {
		form map[string]string
		code float64
	}{
		"another issuer":   {assertion("https://example.com", repository, exchange), 700211},
		"another audience": {assertion(github, repository, "https://example.com"), 700212},
		"another branch":   {assertion(github, "repo:acme/scores:ref:refs/heads/dev", exchange), 700213},
		"another case":     {assertion(github, "repo:Acme/scores:ref:refs/heads/main", exchange), 7002138},
		"immutable form":   {assertion(github, "repo:acme@1/scores@2:ref:refs/heads/main", exchange), 700213},
		"an access token": {map[string]string{"client_id": client,
			"client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer", "client_assertion": w.token(
				principal, ml)}, 700027},
	} {
		t.Run(name, func(t *testing.T) {
			got := w.signIn(test.form)
			assert.Equal(t, test.code, errorCode(got), got.body)
		})
	}
	t.Run("rules", func(t *testing.T) {
		assert.Equal(t, http.StatusConflict, w.graph(http.MethodPost, path, credential).status)
		same := object("name", "other", "issuer", github, "subject", repository, "audiences", []string{exchange})
		assert.Equal(t, http.StatusConflict, w.graph(http.MethodPost, path, same).status)
		for i := range 19 {
			more := object("name", "more-"+string(rune('a'+i)), "issuer", github, "subject", repository+string(rune('a'+i)),
				"audiences", []string{exchange})
			require.Equal(t, http.StatusCreated, w.graph(http.MethodPost, path, more).status)
		}
		got := w.graph(http.MethodPost, path, object("name", "too-many", "issuer", github, "subject", "x", "audiences",
			[]string{exchange}))
		assert.Equal(t, http.StatusBadRequest, got.status)
		assert.Contains(t, got.message(), "20")
	})
}

func TestManagedIdentitiesGetTokens(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const prefix = group + "/providers/Microsoft.ManagedIdentity/userAssignedIdentities/"
	made := w.arm(http.MethodPut, prefix+"one", object("location", "westeurope"))
	require.Equal(t, http.StatusCreated, made.status, made.body)
	imds := func(query string, header ...string) answer {
		return w.send(http.MethodGet,
			"/metadata/identity/oauth2/token?api-version=2018-02-01&resource="+url.QueryEscape(ml)+query, "", nil, header...)
	}
	for _, header := range []string{"", "True", "yes"} {
		got := imds("", "Metadata", header)
		assert.Equal(t, http.StatusBadRequest, got.status, "with the header Metadata %q", header)
		assert.Equal(t, "bad_request_102", got.at("error"), header)
	}
	byID := "&client_id=" + made.at("properties", "clientId").(string)
	assert.Equal(t, "Identity not found", imds(byID, "Metadata", "true").body["error_description"],
		"it is attached to no host")
	require.NoError(t, w.AttachIdentity(prefix+"one"))
	got := imds("", "Metadata", "true")
	require.Equal(t, http.StatusOK, got.status, "the only identity needs no name")
	assert.Equal(t, made.at("properties", "clientId"), got.body["client_id"])

	require.Equal(t, http.StatusCreated, w.arm(http.MethodPut, prefix+"two", object("location", "westeurope")).status)
	assert.Equal(t, http.StatusOK, imds("", "Metadata", "true").status, "the other one is not attached")
	require.NoError(t, w.AttachIdentity(prefix+"TWO"))
	require.NoError(t, w.AttachIdentity(prefix+"two"), "once is enough")
	assert.Equal(t, "invalid_request", imds("", "Metadata", "true").body["error"], "two identities, none named")
	for _, query := range []string{
		byID,
		"&object_id=" + made.at("properties", "principalId").(string),
		"&mi_res_id=" + url.QueryEscape(prefix+"ONE"),
	} {
		got := imds(query, "Metadata", "true")
		require.Equal(t, http.StatusOK, got.status, query)
		started := w.send(http.MethodPost, "/inference/westeurope/heart/jobs", got.body["access_token"].(string),
			object("properties", object()))
		assert.Contains(t, started.message(), made.at("properties", "principalId"))
	}
	assert.Equal(t, "Identity not found", imds("&client_id="+uuid.NewString(), "Metadata",
		"true").body["error_description"])

	service := func(header string) answer {
		return w.send(http.MethodGet,
			"/msi/token?api-version=2019-08-01&resource="+url.QueryEscape(ml)+"&client_id="+made.at("properties",
				"clientId").(string), "", nil, "X-IDENTITY-HEADER", header)
	}
	assert.Equal(t, http.StatusOK, service(w.IdentityHeader()).status)
	assert.Equal(t, http.StatusUnauthorized, service("guess").status)
}

func TestDiscoveryLetsOthersCheckTokens(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, path := range []string{"/.well-known/openid-configuration", "/v2.0/.well-known/openid-configuration"} {
		document := w.send(http.MethodGet, "/"+tenantID+path, "", nil)
		require.Equal(t, http.StatusOK, document.status)
		keys := w.send(http.MethodGet, document.body["jwks_uri"].(string), "", nil)
		key := keys.at("keys").([]any)[0].(map[string]any)
		token, _, err := jwt.NewParser().ParseUnverified(w.token(alice, ml), jwt.MapClaims{})
		require.NoError(t, err)
		assert.Equal(t, token.Header["kid"], key["kid"])
	}
	metadata := w.send(http.MethodGet, "/metadata/endpoints?api-version=2022-09-01", "", nil)
	assert.Equal(t, w.URL()+"/graph/", metadata.body["microsoftGraphResourceId"])
	assert.Equal(t, w.URL(), metadata.at("authentication", "loginEndpoint"))
	assert.Equal(t, w.URL(), metadata.body["resourceManager"])
	assert.NotEmpty(t, metadata.body["name"])
}
