package components

import (
	"regexp"
	"strings"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/access/signin"
	"github.com/batchaccess/batchaccess/internal/problem"
)

// knownIssuers are those of facts/federation.md, Issuers and subjects. There are others: any https URL may be one.
var knownIssuers = regexp.MustCompile(`^https://(` + strings.Join([]string{
	`token\.actions\.githubusercontent\.com(/[^/]+)?`, `token\.actions\.[a-z0-9-]+\.ghe\.com`, `[^/]+/_services/token`,
	`gitlab\.com`, `vstoken\.dev\.azure\.com/[^/]+`, `login\.microsoftonline\.com/[^/]+/v2\.0`,
	`[a-z0-9.-]+\.oic\.prod-aks\.azure\.com/.+/`, `app\.(eu\.)?terraform\.io`, `api\.pulumi\.com/oidc`,
	`accounts\.google\.com`,
}, "|") + `)$`)

// warnOfIssuers warns of each issuer that is not known here: Entra compares issuers letter by letter.
func warnOfIssuers(credentials map[string]signin.FederatedCredential) (ps access.Problems) {
	for _, name := range sortedKeys(credentials) {
		issuer := credentials[name].Issuer
		if !strings.HasPrefix(issuer, "https://") || knownIssuers.MatchString(issuer) {
			continue
		}
		ps.Warn(problem.SignIn, "federatedCredentials."+name+".issuer",
			"check that it is the iss claim of the tokens, letter by letter",
			"%q is no issuer that is known here, so Entra decides", issuer)
	}
	return ps
}
