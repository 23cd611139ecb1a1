package invoke_test

import (
	"github.com/batchaccess/batchaccess/internal/cloud"

	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"math/big"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/batchaccess/batchaccess/access"
	azureclient "github.com/batchaccess/batchaccess/internal/azure"
	"github.com/batchaccess/batchaccess/internal/invoke"
	"github.com/batchaccess/batchaccess/sandbox/azure"
)

// createdBy is the object ID of the invoker as the endpoint knows it.
func (w *world) createdBy(job invoke.Job) string {
	w.t.Helper()
	got := w.call(http.MethodGet, "/inference/westeurope/heart/jobs/"+job.Name, access.Model{}.Audience(), nil)
	return got["systemData"].(object)["createdBy"].(string)
}

// federated makes an application that trusts another issuer, and returns its client ID and object ID.
func (w *world) federated(issuer, subject string) (clientID, objectID string) {
	w.t.Helper()
	const graph = "https://graph.microsoft.com"
	app := w.call(http.MethodPost, "/graph/v1.0/applications", graph, object{"displayName": "pipeline"})
	clientID = app["appId"].(string)
	sp := w.call(http.MethodPost, "/graph/v1.0/servicePrincipals", graph, object{"appId": clientID})
	w.call(http.MethodPost, "/graph/v1.0/applications/"+app["id"].(string)+"/federatedIdentityCredentials", graph,
		object{"name": "main", "issuer": issuer, "subject": subject, "audiences": []string{cloud.Public().ExchangeAudience}})
	return clientID, sp["id"].(string)
}

// rewrite sends requests for a virtual machine's metadata service to the sandbox, and no others.
type rewrite struct {
	*azure.Azure
	client *http.Client
}

func (r rewrite) RoundTrip(req *http.Request) (*http.Response, error) {
	here, err := url.Parse(r.URL())
	if err != nil {
		return nil, err
	}
	if req.URL.Host == "169.254.169.254" {
		req = req.Clone(req.Context())
		req.URL.Scheme, req.URL.Host, req.Host = "https", here.Host, here.Host
	}
	if req.URL.Host != here.Host {
		return nil, fmt.Errorf("a test sends to %s", req.URL.Host)
	}
	return r.client.Transport.RoundTrip(req)
}

// certificate writes a self-signed certificate and its key.
func certificate(t *testing.T) string {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	require.NoError(t, err)
	private, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	file := filepath.Join(t.TempDir(), "certificate.pem")
	text := append(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
		pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})...)
	require.NoError(t, os.WriteFile(file, text, 0o600))
	return file
}

// azureCLI puts an `az` on PATH that is signed in as somebody, and answers only azidentity's question.
func azureCLI(t *testing.T, token string) {
	t.Helper()
	dir := t.TempDir()
	script := `#!/bin/sh
case "$*" in
"account get-access-token -o json --resource ` + access.Model{}.Audience() + ` --tenant ` + tenant + `") cat <<EOF
{"accessToken": "` + token + `", "expires_on": ` + fmt.Sprint(time.Now().Add(time.Hour).Unix()) + `}

EOF
;;
*) echo "az: unexpected: $*" >&2; exit 2;;
esac
`
	require.NoError(t, os.WriteFile(filepath.Join(dir, "az"), []byte(script), 0o700))
	t.Setenv("PATH", dir+string(os.PathListSeparator)+os.Getenv("PATH"))
}

// noAzure unsets the variables with which azidentity would sign in at a real Azure.
func noAzure(t *testing.T) {
	t.Helper()
	for _, name := range []string{
		"AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET", "AZURE_TENANT_ID", "AZURE_AUTHORITY_HOST", "AZURE_FEDERATED_TOKEN_FILE",
		"AZURE_CLIENT_CERTIFICATE_PATH",
		"AZURE_TOKEN_CREDENTIALS", "IDENTITY_ENDPOINT", "IDENTITY_HEADER", "IMDS_ENDPOINT", "IDENTITY_SERVER_THUMBPRINT",
		"MSI_ENDPOINT", "MSI_SECRET",
	} {
		t.Setenv(name, "")
		require.NoError(t, os.Unsetenv(name))
	}
}

func TestEveryWayOfSigningInStartsAJobAsThatPrincipal(t *testing.T) {
	w := newWorld(t)
	deployer := w.Deployer()
	const issuer, subject = "https://issuer.example", "repo:contoso/scoring:ref:refs/heads/main"
	pipeline, pipelineID := w.federated(issuer, subject)
	w.allow(alice)
	for _, principal := range []string{pipelineID, machineID} {
		w.assign(principal, invokerRole, workspace)
	}
	assertion, err := w.FederatedAssertion(issuer, subject, cloud.Public().ExchangeAudience)
	require.NoError(t, err)
	file := filepath.Join(t.TempDir(), "token")
	require.NoError(t, os.WriteFile(file, []byte(assertion), 0o600))

	for name, c := range map[string]struct {
		signIn  azureclient.SignIn
		prepare func(*testing.T)
		client  *http.Client
		want    string
	}{
		"a user": {azureclient.SignIn{As: azureclient.AsUser}, func(t *testing.T) {
			azureCLI(t,
				w.token(alice, access.Model{}.Audience()))
		}, w.Client(), alice},
		"a service principal by secret": {
			azureclient.SignIn{As: azureclient.AsServicePrincipal, ClientID: deployer.ClientID,
				ClientSecret: deployer.ClientSecret}, nil, w.Client(), deployer.ObjectID,
		},
		"a service principal by federated token": {
			azureclient.SignIn{As: azureclient.AsServicePrincipal, TenantID: tenant, ClientID: pipeline,
				FederatedTokenFile: file}, nil, w.Client(), pipelineID,
		},
		"a managed identity of App Service": {
			azureclient.SignIn{As: azureclient.AsManagedIdentity, ClientID: machineClient},
			func(t *testing.T) {
				t.Setenv("IDENTITY_ENDPOINT", w.URL()+"/msi/token")
				t.Setenv("IDENTITY_HEADER", w.IdentityHeader())
			}, w.Client(), machineID,
		},
		"a managed identity of a virtual machine": {
			azureclient.SignIn{As: azureclient.AsManagedIdentity,
				ClientID: machineClient}, nil, &http.Client{Transport: rewrite{w.Azure,
				w.Client()}}, machineID,
		},
		"the default chain": {
			azureclient.SignIn{As: azureclient.AsDefault},
			func(t *testing.T) {
				t.Setenv("AZURE_TENANT_ID", tenant)
				t.Setenv("AZURE_CLIENT_ID", deployer.ClientID)
				t.Setenv("AZURE_CLIENT_SECRET", deployer.ClientSecret)
			}, w.Client(), deployer.ObjectID,
		},
	} {
		t.Run(name, func(t *testing.T) {
			noAzure(t)
			if c.prepare != nil {
				c.prepare(t)
			}
			credential, err := c.signIn.Credential(w.cloud(), c.client)
			require.NoError(t, err)
			client := w.with(invoke.Options{Credential: credential, Transport: c.client})
			uri := w.jobsURI()
			if c.signIn.As != azureclient.AsUser { // this `az` knows only one resource
				uri, err = client.ScoringURI(t.Context(), workspace, "heart")
				require.NoError(t, err)
				assert.Equal(t, w.jobsURI(), uri)
			}
			job, err := client.Start(t.Context(), uri, "", keyed())
			require.NoError(t, err)
			assert.Equal(t, c.want, w.createdBy(job))
		})
	}
}

func TestARefusedSignInSaysWhatToDo(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	deployer := w.Deployer()
	pipeline, _ := w.federated("https://issuer.example", "main")
	assertion, err := w.FederatedAssertion("https://issuer.example", "other", cloud.Public().ExchangeAudience)
	require.NoError(t, err)
	file := filepath.Join(t.TempDir(), "token")
	require.NoError(t, os.WriteFile(file, []byte(assertion), 0o600))
	for name, c := range map[string]struct {
		signIn azureclient.SignIn
		says   []string
	}{
		"a wrong secret": {azureclient.SignIn{ClientID: deployer.ClientID, ClientSecret: "a-wrong-secret"},
			[]string{"AADSTS7000215", "give its value"}},
		"an unknown client": {azureclient.SignIn{ClientID: alice, ClientSecret: "a-wrong-secret"},
			[]string{"AADSTS700016", "--client-id"}},
		"a wrong subject": {azureclient.SignIn{ClientID: pipeline, FederatedTokenFile: file},
			[]string{"AADSTS700213", "letter by letter"}},
		"an unknown tenant": {azureclient.SignIn{ClientID: deployer.ClientID, ClientSecret: "a-wrong-secret",
			TenantID: alice},
			[]string{"--tenant-id"}},
		"a certificate unknown": {azureclient.SignIn{ClientID: deployer.ClientID, CertificateFile: certificate(t)},
			[]string{"AADSTS700027", "certificate"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c.signIn.As = azureclient.AsServicePrincipal
			credential, err := c.signIn.Credential(w.cloud(), w.Client())
			require.NoError(t, err)
			_, err = w.with(invoke.Options{Credential: credential}).Start(t.Context(), w.jobsURI(), "", keyed())
			f := failure(t, err, invoke.Token)
			assert.Equal(t, 3, f.ExitCode())
			for _, text := range c.says {
				assert.Contains(t, f.Error(), text)
			}
			assert.NotContains(t, f.Error(), "a-wrong-secret")
			assert.NotContains(t, f.Error(), assertion)
		})
	}
}

func TestASignInThatIsNotCompleteIsRefused(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		signIn azureclient.SignIn
		says   string
	}{
		"an unknown way": {azureclient.SignIn{As: "root"}, "use user, servicePrincipal"},
		"no client ID": {azureclient.SignIn{As: azureclient.AsServicePrincipal, TenantID: tenant, ClientSecret: "s"},
			"--client-id"},
		"no tenant": {azureclient.SignIn{As: azureclient.AsServicePrincipal, ClientID: alice, ClientSecret: "s"},
			"--tenant-id"},
		"no proof": {azureclient.SignIn{As: azureclient.AsServicePrincipal, TenantID: tenant, ClientID: alice},
			"0 are given"},
		"two proofs": {azureclient.SignIn{As: azureclient.AsServicePrincipal, TenantID: tenant, ClientID: alice,
			ClientSecret:       "s",
			FederatedTokenFile: "f"}, "2 are given"},
		"no such cert. file": {azureclient.SignIn{As: azureclient.AsServicePrincipal, TenantID: tenant, ClientID: alice,
			CertificateFile: "nowhere.pem"}, "nowhere.pem"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := c.signIn.Credential(azureclient.PublicCloud(), http.DefaultClient)
			require.ErrorContains(t, err, c.says)
			assert.Equal(t, err, invoke.Failed(err), "it is of what was given")
		})
	}
}
