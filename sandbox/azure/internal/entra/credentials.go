package entra

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/batchaccess/batchaccess/sandbox/azure/internal/armid"
	"github.com/batchaccess/batchaccess/sandbox/azure/internal/state"
)

const jwtBearer = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

// NewSecret makes a client secret of 256 random bits, and the digest by which it is recognised. Nobody can guess such a
// secret, so the digest needs no salt and no key stretching.
//
// A secret of Entra may begin with a dash, which the CLI reads as a flag (github.com/Azure/azure-cli/issues/30620).
// Here each secret does, so that a wrong command line fails always, and not once in 64 times.
func NewSecret() (secret, digest string) {
	random := make([]byte, 32)
	_, _ = rand.Read(random) // it never fails
	secret = "-" + base64.RawURLEncoding.EncodeToString(random)
	return secret, secretDigest(secret)
}

func secretDigest(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(sum[:])
}

// authenticate finds the client that the form names and checks its proof.
func (s *Service) authenticate(st *state.State, form func(string) string) (*state.ServicePrincipal, error) {
	clientID := form("client_id")
	if clientID == "" {
		return nil, errNoParameter.with("client_id")
	}
	app, sp := st.ApplicationByAppID(clientID), st.ServicePrincipalByAppID(clientID)
	switch {
	case app == nil && sp == nil:
		return nil, errUnknownClient.with(clientID)
	case sp == nil:
		return nil, errNoPrincipal.with(clientID)
	case !sp.Enabled:
		return nil, errDisabledClient.with(clientID)
	}
	secret, assertion := form("client_secret"), form("client_assertion")
	var err error
	switch {
	case assertion != "":
		if kind := form("client_assertion_type"); kind != jwtBearer {
			return nil, errAssertionType.with(kind)
		}
		var own bool
		if own, err = selfSigned(clientID, assertion); err != nil {
			return nil, err
		}
		if own {
			err = s.checkCertificate(st.TenantID, clientID, app, assertion)
		} else {
			err = s.checkAssertion(clientID, federated(st, app, sp), assertion)
		}
	case secret != "" && app != nil:
		err = s.checkSecret(app, secret)
	case secret != "":
		err = errWrongSecret.with(clientID) // the application is in another tenant, so that its secrets are not here
	default:
		err = errNoCredential.with("")
	}
	return sp, err
}

func (s *Service) checkSecret(app *state.Application, secret string) error {
	digest := []byte(secretDigest(secret))
	for _, password := range app.Passwords {
		if subtle.ConstantTimeCompare(digest, []byte(password.SHA256)) == 0 {
			continue
		}
		now := s.store.Now()
		if end, err := time.Parse(time.RFC3339, password.EndDateTime); err != nil || !now.Before(end) {
			return errExpiredSecret.with(app.AppID)
		}
		if start, err := time.Parse(time.RFC3339, password.StartDateTime); err != nil || now.Before(start) {
			return errWrongSecret.with(app.AppID)
		}
		return nil
	}
	return errWrongSecret.with(app.AppID)
}

// federated lists the federated credentials of an application, or of the user-assigned identity behind a service
// principal.
func federated(st *state.State, app *state.Application, sp *state.ServicePrincipal) []state.FederatedCredential {
	if app != nil {
		return app.Federated
	}
	var list []state.FederatedCredential
	prefix := armid.Key(sp.ResourceID) + "/federatedidentitycredentials/"
	for key, resource := range st.Resources {
		if sp.ResourceID == "" || !strings.HasPrefix(key, prefix) {
			continue
		}
		issuer, _ := resource.Properties["issuer"].(string)
		subject, _ := resource.Properties["subject"].(string)
		credential := state.FederatedCredential{Issuer: issuer, Subject: subject}
		audiences, _ := resource.Properties["audiences"].([]any)
		for _, audience := range audiences {
			if text, ok := audience.(string); ok {
				credential.Audiences = append(credential.Audiences, text)
			}
		}
		list = append(list, credential)
	}
	return list
}

// checkAssertion compares the assertion of an outside issuer with the credentials. It takes the credential that is
// nearest, and names the first difference: issuer, then subject, then audience.
func (s *Service) checkAssertion(clientID string, credentials []state.FederatedCredential, assertion string) error {
	claims, err := s.issuer.VerifyAssertion(assertion)
	switch {
	case errors.Is(err, jwt.ErrTokenExpired), errors.Is(err, jwt.ErrTokenNotValidYet):
		return errAssertionTime.with("")
	case err != nil:
		return errAssertionKey.with("the issuer that it names has not signed it")
	case len(credentials) == 0:
		return errNoFederated.with(clientID)
	}
	refusal := errFederatedIssuer.with(claims.Issuer)
	subject := false // whether a credential has the issuer and, in any letter case, the subject
	for _, credential := range credentials {
		switch {
		case credential.Issuer != claims.Issuer:
		case credential.Subject != claims.Subject:
			if subject {
				continue
			}
			refusal = errFederatedSubject.with(claims.Subject)
			if strings.EqualFold(credential.Subject, claims.Subject) {
				subject = true
				refusal = errFederatedCase.with(claims.Subject)
			}
		case !slices.Contains(credential.Audiences, claims.Audience):
			subject = true
			refusal = errFederatedAudience.with(claims.Audience)
		default:
			return nil
		}
	}
	return refusal
}
