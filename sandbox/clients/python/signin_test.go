package python_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// token is the claims of the token that the CLI prints for an audience.
func (a az) token(args ...string) jwt.MapClaims {
	a.t.Helper()
	text, _ := at(a.run(append([]string{"account", "get-access-token"}, args...)...), "accessToken").(string)
	claims := jwt.MapClaims{}
	_, _, err := jwt.NewParser().ParseUnverified(text, claims)
	require.NoError(a.t, err)
	return claims
}

// application is made with the CLI: its client ID, and the object ID of its service principal.
func application(a az, name string) (clientID, objectID string) {
	a.t.Helper()
	clientID, _ = at(a.run("ad", "app", "create", "--display-name", name), "appId").(string)
	require.NotEmpty(a.t, clientID)
	objectID, _ = at(a.run("ad", "sp", "create", "--id", clientID), "id").(string)
	require.NotEmpty(a.t, objectID)
	return clientID, objectID
}

// certificate is a file with a certificate, and another with its key too.
func certificate(t *testing.T) (public, both string) {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "nightly"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(48 * time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	require.NoError(t, err)
	private, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	public, both = filepath.Join(t.TempDir(), "public.pem"), filepath.Join(t.TempDir(), "both.pem")
	require.NoError(t, os.WriteFile(public, text, 0o600))
	text = append(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}), text...)
	require.NoError(t, os.WriteFile(both, text, 0o600))
	return public, both
}

// Each way to sign in works with the right proof. A wrong proof is refused with Entra's code, which the CLI shows.
func TestTheCLISignsIn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	deployer := w.deployer(t)
	clientID, objectID := application(deployer, "nightly")
	secret, _ := at(deployer.run("ad", "app", "credential", "reset", "--id", clientID), "password").(string)
	public, both := certificate(t)
	_, unregistered := certificate(t)
	deployer.run("ad", "app", "credential", "reset", "--id", clientID, "--cert", "@"+public, "--append")
	credential, err := json.Marshal(map[string]any{"name": "main", "issuer": github, "subject": branch,
		"audiences": []string{exchange}})
	require.NoError(t, err)
	deployer.run("ad", "app", "federated-credential", "create", "--id", clientID, "--parameters", string(credential))
	assertion := func(subject, audience string) string {
		token, err := w.FederatedAssertion(github, subject, audience)
		require.NoError(t, err)
		return token
	}
	host := []string{"IDENTITY_ENDPOINT=" + w.URL() + "/msi/token", "IDENTITY_HEADER=" + w.IdentityHeader()}
	as := []string{"--service-principal", "--username", clientID, "--tenant", tenantID}
	for name, way := range map[string]struct {
		args    []string
		env     []string
		who     string   // object ID
		refused []string // text of the error, if it fails
	}{
		"secret":                   {args: append(as, "--password="+secret), who: objectID},
		"certificate":              {args: append(as, "--certificate", both), who: objectID},
		"federated token":          {args: append(as, "--federated-token", assertion(branch, exchange)), who: objectID},
		"managed identity":         {args: []string{"--identity", "--client-id", robotApp}, env: host, who: robot},
		"managed identity's ID":    {args: []string{"--identity", "--resource-id", identity}, env: host, who: robot},
		"wrong secret":             {args: append(as, "--password=-guess"), refused: []string{"AADSTS7000215"}},
		"unregistered certificate": {args: append(as, "--certificate", unregistered), refused: []string{"AADSTS700027"}},
		"another subject": {args: append(as, "--federated-token", assertion(branch+"x", exchange)),
			refused: []string{"AADSTS700213"}},
		"another audience": {args: append(as, "--federated-token", assertion(branch, "sts")),
			refused: []string{"AADSTS700212"}},
		"no such managed identity": {args: []string{"--identity", "--client-id", alice}, env: host,
			refused: []string{"Identity not found"}},
		"an application that isn't": {args: []string{"--service-principal", "--username", alice, "--tenant", tenantID,
			"--password=" + secret}, refused: []string{"AADSTS700016"}},
		"another tenant": {args: []string{"--service-principal", "--username", clientID, "--tenant", alice,
			"--password=" + secret}, refused: []string{"AADSTS90002"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := w.az(t, way.env...)
			login := append([]string{"login", "--allow-no-subscriptions"}, way.args...)
			if way.refused != nil {
				a.refused(way.refused, login...)
				a.refused([]string{"az login"}, "account", "get-access-token", "--resource", ml)
				return
			}
			a.run(login...)
			claims := a.token("--resource", ml)
			assert.Equal(t, way.who, claims["oid"])
			assert.Equal(t, ml, claims["aud"])
			a.refused([]string{"AADSTS500011"}, "account", "get-access-token", "--resource", "https://example.com")
		})
	}
}

// The CLI also finds the sandbox by a registered cloud.
func TestTheCLIUsesARegisteredCloud(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	d, a := w.Deployer(), az{w, t, w.env(t.TempDir())}
	a.run("cloud", "register", "--name", "Sandbox", "--endpoint-resource-manager", w.URL(),
		"--endpoint-active-directory", w.URL(), "--endpoint-active-directory-resource-id", "https://management.azure.com/",
		"--endpoint-management", w.URL(), "--endpoint-microsoft-graph-resource-id", w.URL()+"/graph/",
		"--endpoint-active-directory-graph-resource-id", w.URL()+"/graph/")
	a.run("cloud", "set", "--name", "Sandbox")
	a.run("login", "--service-principal", "--username", d.ClientID, "--password="+d.ClientSecret, "--tenant", d.TenantID)
	assert.Equal(t, "Sandbox", at(a.run("account", "show"), "environmentName"))
	assert.Equal(t, d.ObjectID, a.token("--resource", ml)["oid"])
	assert.Equal(t, ml, a.token("--scope", ml+"/.default")["aud"])
	assert.Equal(t, "nightly", at(a.run("identity", "show", "--name", "nightly", "--resource-group", "rg-ml"), "name"))
	assert.Equal(t, alice, at(a.run("ad", "user", "show", "--id", "alice@example.com"), "id"))
}
