package azure_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"math/big"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// certificate is a certificate to sign in with, and its key.
type certificate struct {
	*x509.Certificate
	key *rsa.PrivateKey
}

// issue makes a certificate that is valid from an hour ago until the given time.
func issue(t *testing.T, until time.Duration) certificate {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "nightly"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(until),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	require.NoError(t, err)
	parsed, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	return certificate{parsed, key}
}

// credential is the certificate as a key credential of Graph.
func (c certificate) credential(pairs ...any) map[string]any {
	credential := object("type", "AsymmetricX509Cert", "usage", "Verify", "key", base64.StdEncoding.EncodeToString(c.Raw))
	for key, value := range object(pairs...) {
		credential[key] = value
	}
	return credential
}

// by names the certificate in a header of an assertion.
func (c certificate) by(header string) map[string]any {
	sha1Sum, sha256Sum := sha1.Sum(c.Raw), sha256.Sum256(c.Raw)
	switch header {
	case "x5t#S256":
		return object(header, base64.RawURLEncoding.EncodeToString(sha256Sum[:]))
	case "kid in hexadecimal":
		return object("kid", hex.EncodeToString(sha1Sum[:]))
	}
	return object(header, base64.URLEncoding.EncodeToString(sha1Sum[:]))
}

// assertion signs a client's assertion with the certificate, after changes to its claims and header.
func (w *world) assertion(c certificate, clientID string, method jwt.SigningMethod, header,
	changes map[string]any) string {
	w.t.Helper()
	claims := jwt.MapClaims{
		"iss": clientID, "sub": clientID, "aud": w.URL() + "/" + tenantID + "/oauth2/v2.0/token", "jti": uuid.NewString(),
		"nbf": time.Now().Add(-time.Minute).Unix(), "exp": time.Now().Add(10 * time.Minute).Unix(),
	}
	for key, value := range changes {
		claims[key] = value
		if value == nil {
			delete(claims, key)
		}
	}
	token := jwt.NewWithClaims(method, claims)
	for key, value := range header {
		token.Header[key] = value
	}
	signed, err := token.SignedString(c.key)
	require.NoError(w.t, err)
	return signed
}

func (w *world) present(clientID, assertion string) answer {
	w.t.Helper()
	return w.signIn(map[string]string{
		"client_id": clientID, "client_assertion": assertion,
		"client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
	})
}

func TestACertificateSignsIn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	app, client, principal := w.application("nightly")
	mine, other := issue(t, 48*time.Hour), issue(t, 48*time.Hour)
	assert.Equal(t, 700027.0, errorCode(w.present(client,
		w.assertion(mine, client, jwt.SigningMethodPS256, mine.by("x5t"), nil))), "no certificate yet")
	require.Equal(t, http.StatusNoContent, w.graph(http.MethodPatch, "/v1.0/applications/"+app,
		object("keyCredentials", []any{mine.credential()})).status)

	rs, ps := jwt.SigningMethodRS256, jwt.SigningMethodPS256
	v2 := w.URL() + "/" + tenantID + "/oauth2/v2.0/token"
	past, future := time.Now().Add(-time.Minute).Unix(), time.Now().Add(time.Minute).Unix()
	for name, test := range map[string]struct {
		signer  certificate
		method  jwt.SigningMethod
		header  map[string]any
		changes map[string]any
		code    float64
	}{
		"PS256, by SHA-256":        {mine, ps, mine.by("x5t#S256"), nil, 0},
		"RS256, by SHA-1":          {mine, rs, mine.by("x5t"), nil, 0},
		"by key ID":                {mine, rs, mine.by("kid"), nil, 0},
		"by key ID in hexadecimal": {mine, rs, mine.by("kid in hexadecimal"), nil, 0},
		"for the v1 endpoint":      {mine, ps, mine.by("x5t"), object("aud", w.URL()+"/"+tenantID+"/oauth2/token"), 0},
		"for several":              {mine, ps, mine.by("x5t"), object("aud", []string{"https://example.com", v2}), 0},
		"without nbf and jti":      {mine, ps, mine.by("x5t"), object("nbf", nil, "jti", nil), 0},
		"another certificate":      {other, ps, other.by("x5t"), nil, 700027},
		"another's key":            {other, ps, mine.by("x5t"), nil, 700027},
		"no certificate named":     {mine, ps, nil, nil, 5002723},
		"another algorithm":        {mine, jwt.SigningMethodRS512, mine.by("x5t"), nil, 700027},
		"expired":                  {mine, ps, mine.by("x5t"), object("exp", past), 700024},
		"not valid yet":            {mine, ps, mine.by("x5t"), object("nbf", future), 700024},
		"without end":              {mine, ps, mine.by("x5t"), object("exp", nil), 50027},
		"for another tenant": {mine, ps, mine.by("x5t"), object("aud", strings.Replace(v2, tenantID, alice, 1)),
			700023},
		"for the service":               {mine, ps, mine.by("x5t"), object("aud", ml), 700023},
		"for nobody":                    {mine, ps, mine.by("x5t"), object("aud", nil), 700023},
		"of another subject":            {mine, ps, mine.by("x5t"), object("sub", alice), 700021},
		"of an issuer that isn't trust": {mine, ps, mine.by("x5t"), object("iss", alice), 700027},
	} {
		t.Run(name, func(t *testing.T) {
			assertion := w.assertion(test.signer, client, test.method, test.header, test.changes)
			got := w.present(client, assertion)
			assert.Equal(t, test.code, errorCode(got), got.body)
			if test.code != 0 {
				assert.NotContains(t, got.body["error_description"], assertion)
				return
			}
			claims := jwt.MapClaims{}
			_, _, err := jwt.NewParser().ParseUnverified(got.body["access_token"].(string), claims)
			require.NoError(t, err)
			assert.Equal(t, principal, claims["oid"])
		})
	}
	good := w.assertion(mine, client, ps, mine.by("x5t"), nil)
	_, stranger, _ := w.application("stranger")
	assert.Equal(t, 700027.0, errorCode(w.present(stranger, good)), "another client's assertion")
	assert.Equal(t, 50027.0, errorCode(w.present(client, "not.a.token")))
	unsigned := w.assertion(mine, client, ps, mine.by("x5t"), nil)
	none := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none","x5t":"` + mine.by("x5t")["x5t"].(string) + `"}`))
	assert.Equal(t, 700027.0, errorCode(w.present(client, none+"."+strings.Split(unsigned, ".")[1]+".")))
}

func TestACertificateSignsInOnlyInItsTime(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	app, client, _ := w.application("nightly")
	long, short := issue(t, 240*time.Hour), issue(t, 48*time.Hour)
	end := time.Now().Add(96 * time.Hour).UTC().Format(time.RFC3339)
	require.Equal(t, http.StatusNoContent, w.graph(http.MethodPatch, "/v1.0/applications/"+app,
		object("keyCredentials", []any{long.credential("endDateTime", end), short.credential()})).status)
	at := func(c certificate, ahead time.Duration) float64 {
		w.pass(ahead - w.ahead)
		now := time.Now().Add(ahead)
		return errorCode(w.present(client, w.assertion(c, client, jwt.SigningMethodPS256, c.by("x5t"),
			map[string]any{"nbf": nil, "exp": now.Add(time.Minute).Unix()})))
	}
	assert.Zero(t, at(long, 0))
	assert.Zero(t, at(short, 0))
	assert.Zero(t, at(short, 47*time.Hour))
	assert.Equal(t, 700027.0, at(short, 49*time.Hour), "the certificate itself has expired")
	assert.Zero(t, at(long, 95*time.Hour))
	assert.Equal(t, 700027.0, at(long, 97*time.Hour), "the credential ends before its certificate")
}

func TestGraphKeepsCertificates(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	first, second := issue(t, 48*time.Hour), issue(t, 48*time.Hour)
	made := w.graph(http.MethodPost, "/v1.0/applications",
		object("displayName", "nightly", "keyCredentials", []any{first.credential()}))
	require.Equal(t, http.StatusCreated, made.status, made.body)
	path := "/v1.0/applications/" + made.body["id"].(string)
	read := func(query string) []any {
		t.Helper()
		return w.graph(http.MethodGet, path+query, nil).at("keyCredentials").([]any)
	}
	got := read("")[0].(map[string]any)
	sum := sha1.Sum(first.Raw)
	for key, want := range map[string]any{
		"type": "AsymmetricX509Cert", "usage": "Verify", "displayName": "CN=nightly", "key": nil,
		"customKeyIdentifier": strings.ToUpper(hex.EncodeToString(sum[:])),
		"startDateTime":       first.NotBefore.UTC().Format(time.RFC3339), "endDateTime": first.NotAfter.UTC().Format(
			time.RFC3339),
	} {
		assert.Equal(t, want, got[key], key)
	}
	require.NoError(t, uuid.Validate(got["keyId"].(string)))
	selected := read("?$select=keyCredentials")[0].(map[string]any)
	assert.Equal(t, base64.StdEncoding.EncodeToString(first.Raw), selected["key"])
	listed := w.graph(http.MethodGet, "/v1.0/applications?$select=keyCredentials&$filter=displayName+eq+'nightly'",
		nil).body["value"].([]any)
	assert.Nil(t, listed[0].(map[string]any)["keyCredentials"].([]any)[0].(map[string]any)["key"],
		"of one application only")

	// Clients add a certificate by sending back the list that they read, with one more. The new one is in PEM, as the
	// azuread plugin sends it.
	inPEM := base64.StdEncoding.EncodeToString(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: second.Raw}))
	require.Equal(t, http.StatusNoContent, w.graph(http.MethodPatch, path,
		object("keyCredentials", []any{got, second.credential("key", inPEM)})).status)
	both := read("?$select=keyCredentials")
	require.Len(t, both, 2)
	assert.Equal(t, selected, both[0])
	assert.Equal(t, base64.StdEncoding.EncodeToString(second.Raw), both[1].(map[string]any)["key"])
	require.Equal(t, http.StatusNoContent, w.graph(http.MethodPatch, path, object("displayName", "weekly")).status)
	assert.Len(t, read(""), 2, "what a PATCH does not name stays")

	for name, credential := range map[string]any{
		"not an object":           "x",
		"a symmetric key":         first.credential("type", "Symmetric"),
		"to sign with":            first.credential("usage", "Sign"),
		"no key":                  first.credential("key", nil),
		"not base64":              first.credential("key", "?"),
		"not a certificate":       first.credential("key", "AAAA"),
		"not a GUID":              first.credential("keyId", "1"),
		"the same ID twice":       second.credential("keyId", got["keyId"]),
		"beyond its certificate":  first.credential("endDateTime", "2999-01-01T00:00:00Z"),
		"before its certificate":  first.credential("startDateTime", "1999-01-01T00:00:00Z"),
		"end that isn't a date":   first.credential("endDateTime", "soon"),
		"start that isn't a date": first.credential("startDateTime", "now"),
	} {
		t.Run(name, func(t *testing.T) {
			refused := w.graph(http.MethodPatch, path, object("keyCredentials", []any{got, credential}))
			assert.Equal(t, http.StatusBadRequest, refused.status, refused.body)
		})
	}
	assert.Len(t, read(""), 2, "nothing of what was refused was kept")
	require.Equal(t, http.StatusNoContent, w.graph(http.MethodPatch, path, object("keyCredentials", []any{})).status)
	assert.Empty(t, read(""))
}
