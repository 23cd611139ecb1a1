package entra

import (
	"crypto/sha1" // Azure names a certificate by it in x5t and kid; no security depends on it
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/batchaccess/batchaccess/sandbox/azure/internal/state"
)

// ParseCertificate reads the key of a key credential: a certificate in DER or PEM, in base64.
func ParseCertificate(key string) (*x509.Certificate, error) {
	content, err := base64.StdEncoding.DecodeString(key)
	if err != nil {
		return nil, fmt.Errorf("reading a certificate: it is not base64: %w", err)
	}
	if block, _ := pem.Decode(content); block != nil {
		content = block.Bytes
	}
	certificate, err := x509.ParseCertificate(content)
	if err != nil {
		return nil, fmt.Errorf("reading a certificate: %w", err)
	}
	return certificate, nil
}

// Thumbprint is the SHA-1 digest by which Azure names a certificate.
func Thumbprint(certificate *x509.Certificate) []byte {
	sum := sha1.Sum(certificate.Raw)
	return sum[:]
}

// registered is a certificate of an application, with the period in which it is valid.
type registered struct {
	*x509.Certificate
	start, end time.Time
}

// certificates are the application's key credentials. The state keeps them as Graph has them, and Graph accepts only
// certificates that can be read.
func certificates(app *state.Application) []registered {
	credentials, _ := app.Attributes["keyCredentials"].([]any)
	var list []registered
	for _, item := range credentials {
		credential, _ := item.(map[string]any)
		text := func(name string) string { value, _ := credential[name].(string); return value }
		certificate, err := ParseCertificate(text("key"))
		start, startErr := time.Parse(time.RFC3339, text("startDateTime"))
		end, endErr := time.Parse(time.RFC3339, text("endDateTime"))
		if errors.Join(err, startErr, endErr) == nil {
			list = append(list, registered{certificate, start, end})
		}
	}
	return list
}

// The ways in which an assertion's header can name the certificate that signed it, the strongest first. MSAL sends
// x5t#S256 or x5t; HashiCorp's SDK sends the SHA-1 thumbprint as kid.
var thumbprintHeaders = []struct {
	name   string
	digest func(*x509.Certificate) []byte
}{
	{"x5t#S256", func(c *x509.Certificate) []byte { sum := sha256.Sum256(c.Raw); return sum[:] }},
	{"x5t", Thumbprint},
	{"kid", Thumbprint},
}

// thumbprintText gives all forms in which clients write a thumbprint one form: base64 in either alphabet, padded or
// not, and hexadecimal.
func thumbprintText(text string) string {
	if digest, err := hex.DecodeString(text); err == nil && len(digest) == sha1.Size {
		return base64.RawURLEncoding.EncodeToString(digest)
	}
	return strings.NewReplacer("+", "-", "/", "_", "=", "").Replace(text)
}

// selfSigned reports whether the client signed the assertion with a certificate of its own, and not an outside issuer:
// then the client is its issuer. It does not check the signature.
func selfSigned(clientID, assertion string) (bool, error) {
	claims := jwt.RegisteredClaims{}
	if _, _, err := jwt.NewParser().ParseUnverified(assertion, &claims); err != nil {
		return false, errMalformed.with(err.Error())
	}
	return strings.EqualFold(claims.Issuer, clientID), nil
}

// checkCertificate checks an assertion that the client signed itself. app is nil for a client whose application is in
// another tenant: the sandbox has no certificates of it.
func (s *Service) checkCertificate(tenantID, clientID string, app *state.Application, assertion string) error {
	now := s.store.Now()
	var certificate *registered
	claims := jwt.RegisteredClaims{}
	_, err := jwt.ParseWithClaims(assertion, &claims, func(t *jwt.Token) (any, error) {
		var err error
		if certificate, err = signer(app, clientID, t.Header); err != nil {
			return nil, err
		}
		return certificate.PublicKey, nil
	},
		jwt.WithValidMethods([]string{jwt.SigningMethodPS256.Alg(), jwt.SigningMethodRS256.Alg()}),
		jwt.WithExpirationRequired(),
		jwt.WithTimeFunc(func() time.Time { return now }),
	)
	var refusal *failure
	switch {
	case errors.As(err, &refusal):
		return refusal
	case errors.Is(err, jwt.ErrTokenExpired), errors.Is(err, jwt.ErrTokenNotValidYet):
		return errAssertionTime.with(validity(claims, now))
	case errors.Is(err, jwt.ErrTokenRequiredClaimMissing):
		return errMalformed.with("it has no claim exp")
	case err != nil:
		return errAssertionKey.with(err.Error())
	case now.Before(certificate.start) || now.Before(certificate.NotBefore):
		return errCertificateTime.with("is not valid yet")
	case !now.Before(certificate.end) || !now.Before(certificate.NotAfter):
		return errCertificateTime.with("has expired")
	case !strings.EqualFold(claims.Subject, clientID):
		return errAssertionSubject.with(claims.Subject)
	case !slices.ContainsFunc(claims.Audience, func(audience string) bool { return s.ownAddress(tenantID, audience) }):
		return errAssertionAudience.with(strings.Join(claims.Audience, " "))
	}
	return nil
}

// signer finds the certificate that the assertion's header names.
func signer(app *state.Application, clientID string, header map[string]any) (*registered, error) {
	for _, kind := range thumbprintHeaders {
		named, _ := header[kind.name].(string)
		if named == "" {
			continue
		}
		if app != nil {
			for _, certificate := range certificates(app) {
				if thumbprintText(named) == base64.RawURLEncoding.EncodeToString(kind.digest(certificate.Certificate)) {
					return &certificate, nil
				}
			}
		}
		return nil, errCertificateUnknown.with(fmt.Sprintf("%s (header %s) is not registered on application %s", named,
			kind.name, clientID))
	}
	return nil, errNoThumbprint.with("")
}

// ownAddress reports whether an assertion's audience is this Entra: one of the tenant's token endpoints, or the issuer
// in its v2 discovery document.
func (s *Service) ownAddress(tenantID, audience string) bool {
	base := s.url + "/" + tenantID
	for _, own := range []string{base + "/oauth2/token", base + "/oauth2/v2.0/token", base + "/v2.0"} {
		if strings.EqualFold(strings.TrimSuffix(audience, "/"), own) {
			return true
		}
	}
	return false
}

// validity is a text with the assertion's period, for people whose clock is wrong.
func validity(claims jwt.RegisteredClaims, now time.Time) string {
	text := fmt.Sprintf(": it is %s", now.UTC().Format(time.RFC3339))
	if claims.NotBefore != nil {
		text += ", the assertion is valid from " + claims.NotBefore.UTC().Format(time.RFC3339)
	}
	if claims.ExpiresAt != nil {
		text += ", the assertion expires at " + claims.ExpiresAt.UTC().Format(time.RFC3339)
	}
	return text
}
