package ca

import (
	"crypto/x509"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// If somebody trusts the authority, and its key is stolen, the thief can still impersonate only this machine.
func TestTheAuthorityVouchesForThisMachineOnly(t *testing.T) {
	t.Parallel()
	a, err := Load("")
	require.NoError(t, err)
	for name, c := range map[string]struct {
		host    string
		trusted bool
	}{
		"this machine by name":    {"localhost", true},
		"this machine by address": {"127.0.0.1", true},
		"Resource Manager":        {"management.azure.com", false},
		"Entra":                   {"login.microsoftonline.com", false},
		"a neighbour":             {"192.0.2.1", false},
	} {
		template := &x509.Certificate{NotBefore: time.Now().Add(-skew), NotAfter: time.Now().Add(serverLifetime),
			ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}
		if ip := net.ParseIP(c.host); ip != nil {
			template.IPAddresses = []net.IP{ip}
		} else {
			template.DNSNames = []string{c.host}
		}
		forged, err := sign(template, a.certificate, a.key.Public(), a.key)
		require.NoError(t, err, name)
		_, err = forged.Verify(x509.VerifyOptions{Roots: a.Pool(), DNSName: c.host})
		assert.Equal(t, c.trusted, err == nil, "%s: %v", name, err)

		template.IsCA, template.BasicConstraintsValid, template.KeyUsage = true, true, x509.KeyUsageCertSign
		between, err := sign(template, a.certificate, a.key.Public(), a.key)
		require.NoError(t, err, name)
		pool := x509.NewCertPool()
		pool.AddCert(between)
		leaf, err := sign(&x509.Certificate{NotBefore: template.NotBefore, NotAfter: template.NotAfter,
			DNSNames: []string{"localhost"}}, between, a.key.Public(), a.key)
		require.NoError(t, err, name)
		_, err = leaf.Verify(x509.VerifyOptions{Roots: a.Pool(), Intermediates: pool, DNSName: "localhost"})
		assert.Error(t, err, "%s: no authority below it", name)
	}
}
