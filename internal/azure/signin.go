package azure

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
)

// The ways to sign in.
const (
	AsUser             = "user"             // the account that is signed in to the Azure CLI
	AsServicePrincipal = "servicePrincipal" // with a secret, a certificate or a federated token
	AsManagedIdentity  = "managedIdentity"  // of the VM, App Service or Functions host
	AsDefault          = "default"          // the first that works of azidentity's default chain
)

// SignIns lists the ways to sign in.
func SignIns() []string {
	return []string{AsUser, AsServicePrincipal, AsManagedIdentity, AsDefault}
}

// A SignIn says who signs in, and with which proof.
type SignIn struct {
	// As is one of SignIns; "" means AsDefault.
	As string
	// TenantID of the principal: a GUID or a domain. Required for a service principal; default: the cloud's only tenant.
	TenantID string
	// ClientID of the service principal (required) or of a user-assigned identity; "" for a system-assigned one.
	ClientID string
	// ObjectID names a user-assigned identity if ClientID is not known; else "".
	ObjectID string
	// A service principal has exactly one of these: a secret; the path of a certificate with its private key, PEM or
	// PKCS #12, and its password if it has one; the path of a file with a token of another issuer.
	ClientSecret        string
	CertificateFile     string
	CertificatePassword string
	FederatedTokenFile  string
	// Assertion returns a new token of another issuer; nil for none.
	Assertion func(context.Context) (string, error)
}

// Credential returns the azidentity credential for the sign-in. It asks the cloud's Entra for tokens through the
// client. The error is an Unprepared if nothing is wrong with the sign-in itself.
func (s SignIn) Credential(c Cloud, client *http.Client) (azcore.TokenCredential, error) {
	if s.TenantID == "" {
		s.TenantID = c.TenantID
	}
	options := azcore.ClientOptions{Cloud: c.Configuration(), Transport: client}
	credential, err := s.credential(options, !c.ofMicrosoft())
	var given wrong
	switch {
	case errors.As(err, &given):
		return nil, given.error
	case err != nil:
		return nil, &Unprepared{fmt.Errorf("preparing to sign in: %w", err)}
	}
	return credential, nil
}

// wrong is an error in the sign-in itself.
type wrong struct{ error }

func usage(format string, args ...any) error { return wrong{fmt.Errorf(format, args...)} }

// Unprepared is the error of a complete sign-in that azidentity refuses.
type Unprepared struct{ error }

// Unwrap returns the reason.
func (u *Unprepared) Unwrap() error { return u.error }

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
