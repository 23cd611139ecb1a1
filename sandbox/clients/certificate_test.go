package clients_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"math/big"
	"net/http"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// newCertificate makes a self-signed certificate that is good for two days.
func newCertificate(t *testing.T) (*x509.Certificate, *rsa.PrivateKey) {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "nightly"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(48 * time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	require.NoError(t, err)
	certificate, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	return certificate, key
}

// keyCredential is a certificate as Graph takes it.
func keyCredential(certificate *x509.Certificate) object {
	return object{"type": "AsymmetricX509Cert", "usage": "Verify",
		"key": base64.StdEncoding.EncodeToString(certificate.Raw)}
}

func TestAClientCertificateSignsIn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	clientID, objectID, app := w.trusted()
	certificate, key := newCertificate(t)
	credential := func(sendChain bool) azcore.TokenCredential {
		c, err := azidentity.NewClientCertificateCredential(tenantID, clientID, []*x509.Certificate{certificate}, key,
			&azidentity.ClientCertificateCredentialOptions{
				ClientOptions: w.options(), DisableInstanceDiscovery: true, SendCertificateChain: sendChain,
			})
		require.NoError(t, err)
		return c
	}
	assert.Contains(t, refused(t, credential(false)), "AADSTS700027", "not registered yet")
	path := "/v1.0/applications/" + app
	w.graph().send(http.MethodPatch, path, object{"keyCredentials": []any{keyCredential(certificate)}},
		http.StatusNoContent)
	for _, sendChain := range []bool{false, true} {
		claims := signedIn(t, credential(sendChain), ml)
		assert.Equal(t, objectID, claims["oid"])
		assert.Equal(t, "https://ml.azure.com", claims["aud"])
	}
	w.graph().send(http.MethodPatch, path, object{"keyCredentials": []any{}}, http.StatusNoContent)
	assert.Contains(t, refused(t, credential(false)), "AADSTS700027", "taken away again")
}
