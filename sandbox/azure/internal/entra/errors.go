package entra

import (
	"fmt"
	"net/http"
	"time"

	"github.com/google/uuid"

	"github.com/batchaccess/batchaccess/sandbox/azure/internal/wire"
)

// failure is an error of the token endpoint: an OAuth error and Entra's own number for it.
type failure struct {
	status int
	oauth  string
	number int
	text   string
}

func (f *failure) Error() string { return fmt.Sprintf("AADSTS%d: %s", f.number, f.text) }

// The errors of the token endpoint. The texts are formats.
var (
	errNoParameter = failure{http.StatusBadRequest, "invalid_request", 900144,
		"the request body must contain the parameter %q"}
	errGrantType = failure{http.StatusBadRequest, "unsupported_grant_type", 70003,
		"grant type %q is not supported; use client_credentials or password"}
	errUnknownTenant = failure{http.StatusBadRequest, "invalid_request", 90002,
		"tenant %q not found; check the tenant ID"}
	errUnknownClient = failure{http.StatusBadRequest, "unauthorized_client", 700016,
		"application with identifier %q was not found in the directory; check the client ID and the tenant"}
	errDisabledClient = failure{http.StatusBadRequest, "unauthorized_client", 7000112, "application %q is disabled"}
	errNoPrincipal    = failure{http.StatusBadRequest, "unauthorized_client", 7000229,
		"application %q has no service principal in the tenant; create one"}
	errUnknownResource = failure{http.StatusBadRequest, "invalid_resource", 500011,
		"the resource principal named %q was not found in the tenant"}
	errBadScope = failure{http.StatusBadRequest, "invalid_scope", 1002012,
		"scope %q is not valid for client credentials; it must be a resource followed by /.default"}
	errNoCredential = failure{http.StatusUnauthorized, "invalid_client", 7000218,
		"the request body must contain the parameter client_assertion or client_secret%s"}
	errWrongSecret = failure{http.StatusUnauthorized, "invalid_client", 7000215,
		"the client secret provided for application %q is wrong; send the secret's value, not its ID"}
	errExpiredSecret = failure{http.StatusUnauthorized, "invalid_client", 7000222,
		"the client secret of application %q has expired; create a new one"}
	errAssertionType = failure{http.StatusBadRequest, "invalid_request", 900144,
		"client_assertion_type must be urn:ietf:params:oauth:client-assertion-type:jwt-bearer, not %q"}
	errAssertionKey = failure{http.StatusUnauthorized, "invalid_client", 700027,
		"the client assertion's signature is wrong: %s"}
	errAssertionTime = failure{http.StatusUnauthorized, "invalid_client", 700024,
		"the client assertion is not within its valid time range%s"}
	errMalformed = failure{http.StatusBadRequest, "invalid_request", 50027,
		"the client assertion is not a JSON Web Token: %s"}
	errAssertionSubject = failure{http.StatusUnauthorized, "invalid_client", 700021,
		"the client assertion names the client as its issuer but %q as its subject; both must be the client_id"}
	errAssertionAudience = failure{http.StatusUnauthorized, "invalid_client", 700023,
		"the client assertion is for the audience %q; it must be the address of the tenant's token endpoint"}
	errCertificateUnknown = failure{http.StatusUnauthorized, "invalid_client", 700027,
		"the certificate that signed the client assertion is not known: thumbprint %s; add the certificate to its " +
			"keyCredentials"}
	errCertificateTime = failure{http.StatusUnauthorized, "invalid_client", 700027,
		"the certificate that signed the client assertion %s; register another one"}
	errNoThumbprint = failure{http.StatusUnauthorized, "invalid_client", 5002723,
		"the client assertion's header names no certificate: it has none of x5t#S256, x5t and kid%s"}
	errNoFederated = failure{http.StatusUnauthorized, "invalid_client", 70025,
		"application %q has no federated identity credentials"}
	errFederatedIssuer = failure{http.StatusUnauthorized, "invalid_client", 700211,
		"no matching federated identity record found for the presented assertion issuer %q"}
	errFederatedAudience = failure{http.StatusUnauthorized, "invalid_client", 700212,
		"no matching federated identity record found for the presented assertion audience %q"}
	errFederatedCase = failure{http.StatusUnauthorized, "invalid_client", 7002138,
		"no matching federated identity record found for the presented assertion subject %q: a credential's " +
			"subject differs from it in letter case"}
	errFederatedSubject = failure{http.StatusUnauthorized, "invalid_client", 700213,
		"no matching federated identity record found for the presented assertion subject %q; the subject must " +
			"equal the credential's, letter by letter"}
)

func (f failure) with(argument string) error {
	f.text = fmt.Sprintf(f.text, argument)
	return &f
}

func (s *Service) fail(w http.ResponseWriter, f *failure) {
	now, trace, correlation := s.store.Now(), uuid.NewString(), uuid.NewString()
	wire.JSON(w, f.status, map[string]any{
		"error": f.oauth,
		"error_description": fmt.Sprintf("%s Trace ID: %s Correlation ID: %s Timestamp: %s",
			f.Error(), trace, correlation, now.Format(time.DateTime+"Z")),
		"error_codes":    []int{f.number},
		"timestamp":      now.Format(time.DateTime + "Z"),
		"trace_id":       trace,
		"correlation_id": correlation,
	})
}
