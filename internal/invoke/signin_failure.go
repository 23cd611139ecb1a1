package invoke

import (
	"github.com/batchaccess/batchaccess/internal/cloud"

	"encoding/json"
	"errors"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"

	"github.com/batchaccess/batchaccess/access"
)

// signIns are Entra's errors, by number (facts/federation.md), and those of the ways to sign in.
var signIns = signInTable()

const (
	equalLetters = "they must be equal, letter by letter"
	noCredential = "the federated token matches no federated credential"
	asNewerUser  = "the user's sign-in is too old, or revoked"
	pipelineUser = "the user's sign-in needs a known device or a second factor"
)

func signInTable() (all []signature) {
	for _, row := range []struct {
		codes         string // numbers of AADSTS
		means, remedy string
	}{
		{"7000215", "the secret is wrong", "give its value, not its ID, in AZURE_CLIENT_SECRET; better: federate"},
		{"7000222", "the secret has expired", "declare a new one (clientSecrets) and run pulumi up"},
		{"700016", "the client ID is not known in the tenant",
			"check --client-id and --tenant-id; the service principal may be missing"},
		{"7000229", "the application has no service principal in the tenant", "create one"},
		{"7000112", "the service principal is disabled", "enable it"},
		{"900023", "the tenant is not a GUID or a domain", "check --tenant-id"},
		{"90002", "the tenant is not found",
			"check --tenant-id, and the cloud: a tenant of another cloud is not found (ARM_ENVIRONMENT)"},
		{"90038 900382 900432", "the tenant is of another cloud", "sign in at that cloud: set ARM_ENVIRONMENT"},
		{"700211", "the federated token's issuer is not the federated credential's", equalLetters +
			"; look at the final slash, the enterprise's slug, and Azure DevOps' old and new issuer"},
		{"700212 7002121", "the federated token's audience is not the federated credential's",
			"ask the issuer for a token for " +
				cloud.Public().ExchangeAudience + ", or the exchange audience of the cloud"},
		{"700213", "the federated token's subject is not the federated credential's",
			equalLetters + ": environment or ref? " +
				"Repositories made or renamed since 2026-07-15 use immutable subjects: set ownerId and repositoryId"},
		{"7002138", "the federated token's subject differs from the federated credential's in the case of letters alone",
			"write owner, repository and environment as the issuer does, letter by letter, and run pulumi up"},
		{"70021", noCredential, "compare issuer, subject and audience; one that was just made takes minutes to act: " +
			"try again"},
		{"70025", "the application has no federated credentials",
			"declare one (federatedCredentials) and run pulumi up, or check --client-id"},
		{"700024", "the federated token has expired, or is not valid yet",
			"get a new one; in a long job, get Azure's token early"},
		{"700222 700226 700227", "a token of Entra's own may not be used here",
			"use another issuer; only a user-assigned identity of the same tenant may stand as a federated credential"},
		{"700223 700238", "the tenant's policy forbids federation, or this issuer",
			"ask the tenant's administrators; or use a managed identity"},
		{"70052", "a multi-tenant application can't federate with an issuer of Entra's own",
			"make it of a single tenant, or use an identity"},
		{"700027 50012", "the signature of the certificate or token is not one that Entra knows of the application",
			"renew the certificate, and upload it"},
		{"500011", "the tenant has no principal for the resource: the wrong audience, or the wrong tenant",
			"check tenant and cloud; or register the resource provider Microsoft.MachineLearningServices in a " +
				"subscription of the tenant"},
		{"50001 650057 70011", "the resource or scope that was asked for is wrong",
			"ask for <resource>/.default, or with v1 for the bare resource"},
		{"53003", "Conditional Access forbids the token (where it is asked from, or a risk)",
			"no grant helps: have the principal excluded, allow the runner's addresses, or use a managed identity"},
		{"53000 53001 50076 50079 50074", pipelineUser, "sign in interactively (az login); never in a pipeline"},
		{"700082 70043 50173", asNewerUser, "sign in again: az login"},
		{"50020 50034", "the user is not in this tenant", "have the user invited, or give another --tenant-id"},
		{"90055 50196", "Entra throttles the sign-in", "wait, and ask less often"},
	} {
		s := signature{kind: Token, hop: access.TokenHop, means: row.means, remedy: []string{row.remedy}}
		for _, number := range strings.Fields(row.codes) {
			s.codes = append(s.codes, "AADSTS"+number)
		}
		all = append(all, s)
	}
	return all
}

// signInWays are azidentity's errors about the ways to sign in. Only sign-ins are searched for them.
var signInWays = func() (all []signature) {
	for _, row := range []struct{ phrase, means, remedy string }{
		{"Identity not found", "no such managed identity is attached to this machine", "attach it, or check --client-id"},
		{"executable not found", "there is no Azure CLI",
			"install it and sign in with: az login; or give a token on standard input: --token -"},
		{"az login", "nobody is signed in to the Azure CLI", "sign in with: az login"},
	} {
		all = append(all, signature{
			phrases: []string{row.phrase}, kind: Token, hop: access.TokenHop, means: row.means, remedy: []string{row.remedy},
		})
	}
	return all
}()

// noToken explains why there is no token. azidentity's error is long: Entra's message in it is enough.
func noToken(audience string, err error) *Failure {
	f := &Failure{Kind: Token, Hop: access.TokenHop, What: "no token for " + audience + ": " + clipped(err.Error()),
		cause: err}
	var refused *azidentity.AuthenticationFailedError
	if errors.As(err, &refused) && refused.RawResponse != nil {
		f.What = "no token for " + audience + ": the sign-in was refused"
		f.Status = refused.RawResponse.StatusCode
		f.Said = signInAnswer(refused)
	}
	found, known := recognise(f.Said, signIns, signInWays)
	if !known {
		found, known = recognise(err.Error(), signIns, signInWays)
	}
	if known {
		f.Remedy = append(f.Remedy, found.means+": "+found.remedy[0])
	}
	return f
}

// signInAnswer returns the text of Entra's error, or of the managed identity endpoint's.
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

// clipped returns the beginning of a long text, so that an error that quotes it stays readable.
func clipped(text string) string {
	const most = 600 // bytes
	text = strings.TrimSpace(clean(text))
	if len(text) > most {
		text = strings.ToValidUTF8(text[:most], "") + " …"
	}
	return text
}
