package invoke

import (
	"encoding/json"
	"errors"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"

	"github.com/batchaccess/batchaccess/access"
)

// signInRemedies are what to do about Entra's refusals, by its own numbers.
var signInRemedies = []struct{ code, remedy string }{
	{"AADSTS7000215", "the secret is wrong: give its value, not its ID, in AZURE_CLIENT_SECRET"},
	{"AADSTS7000222", "the secret has expired: declare a new one (clientSecrets) and run pulumi up"},
	{"AADSTS700016", "the client ID is not known in the tenant: check --client-id and --tenant-id"},
	{"AADSTS7000229", "the application has no service principal in the tenant: create one"},
	{"AADSTS7000112", "the service principal is disabled: enable it"},
	{"AADSTS900023", "the tenant is not a GUID or a domain: check --tenant-id"},
	{"AADSTS90002", "the tenant does not exist: check --tenant-id"},
	{"AADSTS700211", "the federated token's issuer is not the federated credential's: they must be equal, letter by letter"},
	{"AADSTS700212", "the federated token's audience is not the federated credential's, by default " + access.FederatedAudience},
	{"AADSTS700213", "the federated token's subject is not the federated credential's: they must be equal, letter by letter. Repositories made or renamed since 2026-07-15 use immutable subjects: set ownerId and repositoryId"},
	{"AADSTS70025", "the application has no federated credentials: declare one (federatedCredentials) and run pulumi up"},
	{"AADSTS700024", "the federated token has expired: get a new one"},
	{"AADSTS700027", "the certificate, or the federated token's signature, is not one that Entra knows of the application"},
	{"AADSTS500011", "the tenant does not know " + access.Audience + ": register the resource provider Microsoft.MachineLearningServices in a subscription of it"},
	{"Identity not found", "no such managed identity is attached to this machine: attach it, or check --client-id"},
	{"executable not found", "install the Azure CLI and sign in with: az login; or give a token on standard input: --token -"},
	{"az login", "sign in with: az login"},
}

// noToken explains why there is no token. azidentity's error is long: what Entra said in it is enough.
func noToken(audience string, err error) *Failure {
	f := &Failure{Kind: Token, Hop: access.TokenHop, What: "no token for " + audience + ": " + clipped(err.Error()),
		cause: err}
	var refused *azidentity.AuthenticationFailedError
	if errors.As(err, &refused) && refused.RawResponse != nil {
		f.What = "no token for " + audience + ": the sign-in was refused"
		f.Status = refused.RawResponse.StatusCode
		f.Said = signInAnswer(refused)
	}
	for _, row := range signInRemedies {
		if strings.Contains(f.Said, row.code) || strings.Contains(err.Error(), row.code) {
			f.Remedy = append(f.Remedy, row.remedy)
			break
		}
	}
	return f
}

// signInAnswer is the text of Entra's error, or of the managed-identity endpoint's.
func signInAnswer(refused *azidentity.AuthenticationFailedError) string {
	text, err := runtime.Payload(refused.RawResponse) // its body has been read before
	if err != nil {
		return ""
	}
	var answer struct {
		Description string `json:"error_description"`
		Message     string `json:"message"`
	}
	if json.Unmarshal(text, &answer) == nil && answer.Description+answer.Message != "" {
		said, _, _ := strings.Cut(answer.Description+answer.Message, " Trace ID:")
		return clipped(said)
	}
	return clipped(string(text))
}

// clipped is the beginning of a long text, so that an error that quotes it stays readable.
func clipped(text string) string {
	const most = 600 // bytes
	text = strings.TrimSpace(text)
	if len(text) > most {
		text = strings.ToValidUTF8(text[:most], "") + " …"
	}
	return text
}
