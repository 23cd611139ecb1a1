// Package azure is the one way to ask Azure: it finds the cloud, signs in as the deployer or as who starts jobs, sends
// requests, and repeats them if that is safe. It must not know why something is asked.
package azure

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
)

// audience is the audience of a token that an outside issuer makes for Entra (facts/federation.md).
const audience = "api://AzureADTokenExchange"

// Deployer returns the deployer's sign-in, from the environment; outside issuers are asked through the client. The ways
// are those of the azure-native provider, in its order (github.com/pulumi/pulumi-azure-native,
// provider/pkg/provider/auth_azidentity.go): certificate, secret, OpenID Connect, managed identity. If none is set, it
// is Azure's default chain, which ends with the Azure CLI. A way that is set incompletely is an error that names each
// variable.
func Deployer(getenv func(string) string, client *http.Client) (SignIn, error) {
	r := reader{get: getenv}
	use := map[string]bool{}
	for _, name := range []string{"ARM_USE_OIDC", "ARM_USE_MSI"} {
		switch value := getenv(name); value {
		case "true":
			use[name] = true
		case "", "false":
		default: // the provider reads it as false
			r.wrong(fmt.Sprintf("%s is %q; write true, or unset it", name, value))
		}
	}
	in := SignIn{
		As: AsServicePrincipal, TenantID: getenv("ARM_TENANT_ID"), ClientID: getenv("ARM_CLIENT_ID"),
	}
	if getenv("ARM_CLIENT_CERTIFICATE_PASSWORD") != "" && getenv("ARM_CLIENT_CERTIFICATE_PATH") == "" {
		r.wrong("ARM_CLIENT_CERTIFICATE_PASSWORD is set without ARM_CLIENT_CERTIFICATE_PATH; set both, or neither")
	}
	for _, name := range []string{"ARM_OIDC_TOKEN", "ARM_OIDC_TOKEN_FILE_PATH"} {
		if getenv(name) != "" && !use["ARM_USE_OIDC"] {
			r.wrong(name + " is set, and is not used without ARM_USE_OIDC=true; set it, or unset " + name)
		}
	}
	switch {
	case getenv("ARM_CLIENT_CERTIFICATE_PATH") != "":
		in.CertificateFile = getenv("ARM_CLIENT_CERTIFICATE_PATH")
		in.CertificatePassword = getenv("ARM_CLIENT_CERTIFICATE_PASSWORD")
		r.needs("a certificate (ARM_CLIENT_CERTIFICATE_PATH)", "ARM_CLIENT_ID", "ARM_TENANT_ID")
	case getenv("ARM_CLIENT_SECRET") != "":
		in.ClientSecret = getenv("ARM_CLIENT_SECRET")
		r.needs("a secret (ARM_CLIENT_SECRET)", "ARM_CLIENT_ID", "ARM_TENANT_ID")
	case use["ARM_USE_OIDC"]:
		r.needs("OpenID Connect (ARM_USE_OIDC)", "ARM_CLIENT_ID", "ARM_TENANT_ID")
		r.issuer(&in, client)
	case use["ARM_USE_MSI"]:
		in.As = AsManagedIdentity
	case in.ClientID != "":
		r.wrong("ARM_CLIENT_ID is set, and nothing proves who it is: set ARM_CLIENT_SECRET, ARM_CLIENT_CERTIFICATE_PATH, " +
			"ARM_USE_OIDC=true or ARM_USE_MSI=true, or unset it to use the Azure CLI")
	default:
		in.As = AsDefault
	}
	return in, errors.Join(r.problems...)
}

// A reader collects what is wrong with the variables.
type reader struct {
	get      func(string) string
	problems []error
}

func (r *reader) wrong(text string) { r.problems = append(r.problems, errors.New(text)) }

func (r *reader) needs(way string, names ...string) {
	for _, name := range names {
		if r.get(name) == "" {
			r.wrong("to sign in with " + way + ", set " + name)
		}
	}
}

// issuer decides where the token of the outside issuer comes from.
func (r *reader) issuer(in *SignIn, client *http.Client) {
	pair := func(address, token string) bool {
		a, t := r.get(address), r.get(token)
		if (a == "") != (t == "") {
			missing, has := address, token
			if a != "" {
				missing, has = token, address
			}
			r.wrong("ARM_USE_OIDC: " + has + " is set and " + missing + " is not; set both")
		}
		return a != "" || t != ""
	}
	switch {
	case r.get("ARM_OIDC_TOKEN") != "":
		token := r.get("ARM_OIDC_TOKEN")
		in.Assertion = func(context.Context) (string, error) { return token, nil }
	case r.get("ARM_OIDC_TOKEN_FILE_PATH") != "":
		in.FederatedTokenFile = r.get("ARM_OIDC_TOKEN_FILE_PATH")
	case pair("ARM_OIDC_REQUEST_URL", "ARM_OIDC_REQUEST_TOKEN"):
		in.Assertion = r.ask(client, http.MethodGet, r.get("ARM_OIDC_REQUEST_URL"), r.get("ARM_OIDC_REQUEST_TOKEN"))
	case pair("ACTIONS_ID_TOKEN_REQUEST_URL", "ACTIONS_ID_TOKEN_REQUEST_TOKEN"):
		in.Assertion = r.ask(client, http.MethodGet, r.get("ACTIONS_ID_TOKEN_REQUEST_URL"),
			r.get("ACTIONS_ID_TOKEN_REQUEST_TOKEN"))
	case r.get("SYSTEM_OIDCREQUESTURI") != "":
		r.needs("OpenID Connect in Azure Pipelines, map $(System.AccessToken) to it:", "SYSTEM_ACCESSTOKEN")
		connection := ""
		names := []string{"ARM_OIDC_AZURE_SERVICE_CONNECTION_ID", "AZURESUBSCRIPTION_SERVICE_CONNECTION_ID"}
		for _, name := range names { // the task AzureCLI@2 sets the second
			if connection == "" {
				connection = r.get(name)
			}
		}
		if connection == "" {
			r.wrong("to sign in with OpenID Connect in Azure Pipelines, set " + strings.Join(names, " or ") +
				" to the service connection's ID")
		}
		at := r.get("SYSTEM_OIDCREQUESTURI") + "?api-version=7.1&serviceConnectionId=" + url.QueryEscape(connection)
		in.Assertion = r.ask(client, http.MethodPost, at, r.get("SYSTEM_ACCESSTOKEN"))
	default:
		r.wrong("ARM_USE_OIDC is set, and there is no token: set ARM_OIDC_TOKEN or ARM_OIDC_TOKEN_FILE_PATH; in GitHub " +
			"give the job `permissions: id-token: write`, which sets ACTIONS_ID_TOKEN_REQUEST_URL and " +
			"ACTIONS_ID_TOKEN_REQUEST_TOKEN; Azure Pipelines sets SYSTEM_OIDCREQUESTURI")
	}
}

// ask returns a function that asks the issuer for a new token.
func (r *reader) ask(client *http.Client, method, address, bearer string) func(context.Context) (string, error) {
	at, err := url.Parse(address)
	if err != nil || at.Scheme != "https" || at.Host == "" {
		r.wrong("the address that ARM_USE_OIDC asks for a token is no https address; see ARM_OIDC_REQUEST_URL, " +
			"ACTIONS_ID_TOKEN_REQUEST_URL and SYSTEM_OIDCREQUESTURI")
		return nil
	}
	if method == http.MethodGet {
		query := at.Query()
		query.Set("audience", audienceOf(r.get("ARM_OIDC_AUDIENCE")))
		at.RawQuery = query.Encode()
	}
	return func(ctx context.Context) (string, error) {
		request, err := http.NewRequestWithContext(ctx, method, at.String(), http.NoBody)
		if err != nil {
			return "", err
		}
		request.Header.Set("Authorization", "Bearer "+bearer)
		request.Header.Set("Accept", "application/json")
		request.Header.Set("Content-Type", "application/json")
		answer, err := client.Do(request)
		if err != nil {
			return "", fmt.Errorf("asking %s for a token: %w", at.Host, err)
		}
		defer answer.Body.Close()
		if answer.StatusCode != http.StatusOK {
			return "", fmt.Errorf("asking %s for a token: it answers %s; is the job allowed to have one?", at.Host,
				answer.Status)
		}
		var token struct{ Value, OIDCToken string } // the first is GitHub's, the second Azure Pipelines'
		if err := json.NewDecoder(io.LimitReader(answer.Body, 1<<20)).Decode(&token); err != nil {
			return "", fmt.Errorf("asking %s for a token: the answer is not JSON", at.Host)
		}
		if token.Value+token.OIDCToken == "" {
			return "", fmt.Errorf("asking %s for a token: there is none in the answer", at.Host)
		}
		return token.Value + token.OIDCToken, nil
	}
}

func audienceOf(given string) string {
	if given != "" {
		return given
	}
	return audience
}
