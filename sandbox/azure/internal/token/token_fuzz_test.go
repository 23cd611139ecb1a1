package token

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/batchaccess/batchaccess/sandbox/azure/internal/clouds"
	"github.com/stretchr/testify/require"
)

// Only a token that the issuer signed is accepted, with the claims that were signed.
func FuzzBearer(f *testing.F) {
	const tenant = "10101010-1010-4010-8010-101010101010"
	issuer, err := NewIssuer("", time.Now)
	require.NoError(f, err)
	now := time.Now()
	signed := Claims{
		Issuer: IssuerURL(tenant), Subject: "s", Audience: "https://ml.azure.com", TenantID: tenant, ObjectID: "o",
		IssuedAt: now.Unix(), NotBefore: now.Unix(), ExpiresAt: now.Add(time.Hour).Unix(), Version: "1.0",
	}
	genuine, err := issuer.Sign(signed)
	require.NoError(f, err)
	head, rest, _ := strings.Cut(genuine, ".")
	body, signature, _ := strings.Cut(rest, ".")
	f.Add("Bearer "+genuine, genuine)
	f.Add("bearer "+genuine, "Bearer")
	f.Add("Bearer eyJhbGciOiJub25lIn0."+body+".", "Bearer "+head+"."+body+".")
	f.Add("Bearer "+head+".e30."+signature, "Bearer ..")
	f.Fuzz(func(t *testing.T, header, other string) {
		for _, value := range []string{header, other, "Bearer " + other, "Bearer " + head + "." + other + "." + signature,
			"Bearer " + other + "." + body + "." + signature, "Bearer " + head + "." + body + "." + other} {
			claims, err := issuer.Bearer(&http.Request{Header: http.Header{"Authorization": {value}}}, tenant, clouds.Of(""),
				MachineLearning)
			if err == nil {
				require.Equal(t, signed, *claims, value)
			}
		}
	})
}
