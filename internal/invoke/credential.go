package invoke

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/internal/jobrequest"
)

// The ways to sign in.
const (
	AsUser             = "user"             // whoever is signed in to the Azure CLI
	AsServicePrincipal = "servicePrincipal" // with a secret, a certificate or a federated token
	AsManagedIdentity  = "managedIdentity"  // of the VM, App Service or Functions that this runs on
	AsDefault          = "default"          // the first that works of azidentity's default chain
)

// SignIns lists the ways to sign in.
func SignIns() []string {
	return []string{AsUser, AsServicePrincipal, AsManagedIdentity, AsDefault}
}

// A SignIn says who invokes, and with what proof.
type SignIn struct {
	// As is one of SignIns; "" means AsDefault.
	As string
	// TenantID of the principal: a GUID or a domain. Required for a service principal; default: the cloud's only tenant.
	TenantID string
	// ClientID of the service principal (required) or of a user-assigned identity; "" for a system-assigned one.
	ClientID string
	// ObjectID names a user-assigned identity where ClientID is not known; "" where it is, or for a system-assigned one.
	ObjectID string
	// A service principal has exactly one of these: a secret; the path of a certificate with its private key, PEM or
	// PKCS #12, and its password if it has one; the path of a file with a token of another issuer.
	ClientSecret        string
	CertificateFile     string
	CertificatePassword string
	FederatedTokenFile  string
	// Assertion gives the token of another issuer, each time that one is needed; nil for none.
	Assertion func(context.Context) (string, error)
}

// Credential is the azidentity credential that the sign-in describes. Its tokens are asked of the cloud's Entra through
// the client.
func (s SignIn) Credential(c Cloud, client *http.Client) (azcore.TokenCredential, error) {
	if s.TenantID == "" {
		s.TenantID = c.TenantID
	}
	options := azcore.ClientOptions{Cloud: c.Configuration(), Transport: client}
	private := !c.ofMicrosoft()
	credential, err := s.credential(options, private)
	if err != nil {
		var f *Failure
		if errors.As(err, &f) {
			return nil, err
		}
		return nil, &Failure{Kind: Token, Hop: access.TokenHop, What: "preparing to sign in: " + err.Error(), cause: err}
	}
	return credential, nil
}

func (s SignIn) credential(options azcore.ClientOptions, private bool) (azcore.TokenCredential, error) {
	switch s.As {
	case AsUser:
		return azidentity.NewAzureCLICredential(&azidentity.AzureCLICredentialOptions{TenantID: s.TenantID})
	case AsServicePrincipal:
		return s.servicePrincipal(options, private)
	case AsManagedIdentity:
		o := &azidentity.ManagedIdentityCredentialOptions{ClientOptions: options}
		switch {
		case s.ClientID != "":
			o.ID = azidentity.ClientID(s.ClientID)
		case s.ObjectID != "":
			o.ID = azidentity.ObjectID(s.ObjectID)
		}
		return azidentity.NewManagedIdentityCredential(o)
	case AsDefault, "":
		return azidentity.NewDefaultAzureCredential(&azidentity.DefaultAzureCredentialOptions{
			ClientOptions: options, DisableInstanceDiscovery: private, TenantID: s.TenantID,
		})
	}
	return nil, usage("there is no way to sign in as %q; use %s", s.As, strings.Join(SignIns(), ", "))
}

func (s SignIn) servicePrincipal(options azcore.ClientOptions, private bool) (azcore.TokenCredential, error) {
	given := 0
	for _, proof := range []string{s.ClientSecret, s.CertificateFile, s.FederatedTokenFile} {
		if proof != "" {
			given++
		}
	}
	if s.Assertion != nil {
		given++
	}
	switch {
	case s.ClientID == "" || s.TenantID == "":
		return nil, usage("a service principal is named by client ID and tenant ID; give --client-id and --tenant-id, or " +
			"AZURE_CLIENT_ID and AZURE_TENANT_ID")
	case given != 1:
		return nil, usage("a service principal has one proof of who it is, and %d are given: use AZURE_CLIENT_SECRET, "+
			"--certificate or --federated-token-file", given)
	case s.ClientSecret != "":
		return azidentity.NewClientSecretCredential(s.TenantID, s.ClientID, s.ClientSecret,
			&azidentity.ClientSecretCredentialOptions{ClientOptions: options, DisableInstanceDiscovery: private})
	case s.Assertion != nil:
		return azidentity.NewClientAssertionCredential(s.TenantID, s.ClientID, s.Assertion,
			&azidentity.ClientAssertionCredentialOptions{ClientOptions: options, DisableInstanceDiscovery: private})
	case s.FederatedTokenFile != "":
		return azidentity.NewWorkloadIdentityCredential(&azidentity.WorkloadIdentityCredentialOptions{
			ClientOptions: options, DisableInstanceDiscovery: private, TenantID: s.TenantID, ClientID: s.ClientID,
			TokenFilePath: s.FederatedTokenFile,
		})
	}
	text, err := os.ReadFile(s.CertificateFile)
	if err != nil {
		return nil, usage("reading the certificate: %v", err)
	}
	certificates, key, err := azidentity.ParseCertificates(text, []byte(s.CertificatePassword))
	if err != nil {
		return nil, usage("reading the certificate %s: %v; it must hold the certificate and its private key, and "+
			"AZURE_CLIENT_CERTIFICATE_PASSWORD its password if it has one", s.CertificateFile, err)
	}
	return azidentity.NewClientCertificateCredential(s.TenantID, s.ClientID, certificates, key,
		&azidentity.ClientCertificateCredentialOptions{ClientOptions: options, DisableInstanceDiscovery: private})
}

func usage(format string, args ...any) error {
	err := fmt.Errorf(format, args...)
	return &Failure{Kind: Request, What: err.Error(), cause: err}
}

// StaticToken is a credential that has one token, obtained elsewhere for a batch endpoint. It has none for Resource
// Manager.
type StaticToken string

// String keeps the token out of whatever prints the credential.
func (StaticToken) String() string { return "(token)" }

// GoString does the same for %#v.
func (StaticToken) GoString() string { return "(token)" }

// GetToken gives the token.
func (t StaticToken) GetToken(_ context.Context, o policy.TokenRequestOptions) (azcore.AccessToken, error) {
	if len(o.Scopes) != 1 || !strings.HasPrefix(o.Scopes[0], "https://ml.azure.") {
		return azcore.AccessToken{}, usage("the token that was given is for a batch endpoint alone, and Resource Manager " +
			"has to be asked where the endpoint is; give its address with --uri")
	}
	c, err := readClaims(string(t))
	if err != nil {
		return azcore.AccessToken{}, &Failure{Kind: Token, Hop: access.TokenHop,
			What: "the token can't be read: " + err.Error(), Remedy: []string{"get one with: " +
				"" + jobrequest.GetToken(strings.TrimSuffix(o.Scopes[0], "/.default"))}, cause: err}
	}
	return azcore.AccessToken{Token: string(t), ExpiresOn: time.Unix(c.Expires, 0)}, nil
}

// checked looks at each token for batch endpoints before it is sent, and remembers whose it is.
type checked struct {
	azcore.TokenCredential
	audience string // of batch endpoints
	tenantID string // of the workspace, "" where it is not known

	mu   sync.Mutex
	last claims
}

func (c *checked) GetToken(ctx context.Context, o policy.TokenRequestOptions) (azcore.AccessToken, error) {
	token, err := c.TokenCredential.GetToken(ctx, o)
	var f *Failure
	if err != nil {
		if errors.As(err, &f) || ctx.Err() != nil {
			return token, err
		}
		return token, noToken(c.audience, err)
	}
	found, err := readClaims(token.Token)
	if err != nil {
		return azcore.AccessToken{}, &Failure{Kind: Token, Hop: access.TokenHop,
			What: "the token can't be read: " + err.Error(), cause: err}
	}
	c.mu.Lock()
	c.last = found
	c.mu.Unlock()
	if len(o.Scopes) != 1 || o.Scopes[0] != c.audience+"/.default" {
		return token, nil
	}
	if err := found.check(c.audience, c.tenantID, time.Now()); err != nil {
		return azcore.AccessToken{}, err
	}
	return token, nil
}

func (c *checked) invoker() claims {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.last
}
