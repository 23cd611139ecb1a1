package graph

import (
	"encoding/base64"
	"encoding/hex"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/batchaccess/batchaccess/sandbox/azure/internal/entra"
)

// keyCredentials returns the list to store for the list that a client sends, which replaces the old one. An entry that
// was there before may come back with its keyId and without its key, because Graph does not return keys.
func (c *call) keyCredentials(old any, sent any) ([]any, error) {
	items, ok := sent.([]any)
	if !ok && sent != nil {
		return nil, bad("property %q must be a list", "keyCredentials")
	}
	before, _ := old.([]any)
	kept, seen := []any{}, map[string]bool{}
	for _, item := range items {
		asked, ok := item.(map[string]any)
		if !ok {
			return nil, bad("an entry of property %q must be an object", "keyCredentials")
		}
		credential := keyCredential(before, text(asked, "keyId"))
		if credential == nil || text(asked, "key") != "" {
			var err error
			if credential, err = c.newKeyCredential(asked); err != nil {
				return nil, err
			}
		}
		id := strings.ToLower(text(credential, "keyId"))
		if seen[id] {
			return nil, bad("two key credentials have the keyId %s", id)
		}
		seen[id] = true
		kept = append(kept, credential)
	}
	return kept, nil
}

func keyCredential(list []any, keyID string) map[string]any {
	for _, item := range list {
		if credential, _ := item.(map[string]any); keyID != "" && strings.EqualFold(text(credential, "keyId"), keyID) {
			return credential
		}
	}
	return nil
}

// newKeyCredential checks a certificate for signing in, and fills in what Graph fills in: keyId, the certificate's
// validity, its subject as the name, and its thumbprint.
func (c *call) newKeyCredential(asked map[string]any) (map[string]any, error) {
	for key, want := range map[string]string{"type": "AsymmetricX509Cert", "usage": "Verify"} {
		if got := text(asked, key); got != want {
			return nil, bad("key credential: %s is %q; the sandbox takes certificates to sign in with, whose %s is %s", key, got,
				key, want)
		}
	}
	certificate, err := entra.ParseCertificate(text(asked, "key"))
	if err != nil {
		return nil, bad("key credential: key must be a certificate (DER or PEM) in base64: %v", err)
	}
	credential := map[string]any{
		"type": "AsymmetricX509Cert", "usage": "Verify", "key": base64.StdEncoding.EncodeToString(certificate.Raw),
		"keyId": uuid.NewString(), "displayName": certificate.Subject.String(),
		"startDateTime":       certificate.NotBefore.UTC().Format(time.RFC3339),
		"endDateTime":         certificate.NotAfter.UTC().Format(time.RFC3339),
		"customKeyIdentifier": strings.ToUpper(hex.EncodeToString(entra.Thumbprint(certificate))),
	}
	for key := range credential {
		if value := text(asked, key); value != "" && key != "key" {
			credential[key] = value
		}
	}
	if uuid.Validate(text(credential, "keyId")) != nil {
		return nil, bad("key credential: keyId %q is not a GUID", credential["keyId"])
	}
	start, startErr := time.Parse(time.RFC3339, text(credential, "startDateTime"))
	end, endErr := time.Parse(time.RFC3339, text(credential, "endDateTime"))
	switch {
	case startErr != nil:
		return nil, bad("key credential: startDateTime %q is not a date in the form 2006-01-02T15:04:05Z",
			credential["startDateTime"])
	case endErr != nil:
		return nil, bad("key credential: endDateTime %q is not a date in the form 2006-01-02T15:04:05Z",
			credential["endDateTime"])
	case end.After(certificate.NotAfter) || start.Before(certificate.NotBefore) || !end.After(start):
		return nil, bad("Key credential end date is invalid: startDateTime %s and endDateTime %s must lie within the "+
			"certificate's validity, %s to %s",
			credential["startDateTime"], credential["endDateTime"],
			certificate.NotBefore.UTC().Format(time.RFC3339), certificate.NotAfter.UTC().Format(time.RFC3339))
	}
	return credential, nil
}

// renderKeyCredentials leaves out the certificates, unless a client selects keyCredentials of a single object.
func renderKeyCredentials(list any, withKey bool) []any {
	rendered := []any{}
	items, _ := list.([]any)
	for _, item := range items {
		credential, _ := item.(map[string]any)
		if !withKey {
			credential = merge(credential, map[string]any{"key": nil})
		}
		rendered = append(rendered, credential)
	}
	return rendered
}
