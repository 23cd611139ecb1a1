// Package token signs and checks Entra's access tokens and the assertions of external issuers. It knows neither who
// exists nor who may do what.
package token

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/batchaccess/batchaccess/internal/wholefile"
	"github.com/batchaccess/batchaccess/sandbox/azure/internal/ca"
)

// Lifetime is how long an access token is valid. Below 20 minutes the azuread plugin would ask for one before every
// call.
const Lifetime = time.Hour

const keyBits = 2048

// Claims are the claims of an Entra access token, version 1.0. Entra issues that version for Azure's own services at
// both of its token endpoints.
type Claims struct {
	Audience  string `json:"aud"`
	Issuer    string `json:"iss"`
	IssuedAt  int64  `json:"iat"`
	NotBefore int64  `json:"nbf"`
	ExpiresAt int64  `json:"exp"`
	AppID     string `json:"appid,omitempty"`
	// IdentityType is "app" or "user".
	IdentityType      string `json:"idtyp,omitempty"`
	ObjectID          string `json:"oid,omitempty"`
	Subject           string `json:"sub"`
	TenantID          string `json:"tid,omitempty"`
	UserPrincipalName string `json:"upn,omitempty"`
	// ManagedIdentityID is the resource ID of the managed identity.
	ManagedIdentityID string `json:"xms_mirid,omitempty"`
	TokenID           string `json:"uti,omitempty"`
	Version           string `json:"ver,omitempty"`
}

// Issued is when the token was issued.
func (c Claims) Issued() time.Time { return time.Unix(c.IssuedAt, 0) }

// The JWT library reads the claims that it checks through these methods.

func (c Claims) GetExpirationTime() (*jwt.NumericDate, error) { return date(c.ExpiresAt) }
func (c Claims) GetIssuedAt() (*jwt.NumericDate, error)       { return date(c.IssuedAt) }
func (c Claims) GetNotBefore() (*jwt.NumericDate, error)      { return date(c.NotBefore) }
func (c Claims) GetIssuer() (string, error)                   { return c.Issuer, nil }
func (c Claims) GetSubject() (string, error)                  { return c.Subject, nil }
func (c Claims) GetAudience() (jwt.ClaimStrings, error)       { return jwt.ClaimStrings{c.Audience}, nil }

func date(unix int64) (*jwt.NumericDate, error) {
	if unix == 0 {
		return nil, nil
	}
	return jwt.NewNumericDate(time.Unix(unix, 0)), nil
}

// Issuer signs tokens with one RSA key and checks what it signed.
type Issuer struct {
	key *rsa.PrivateKey
	kid string
	now func() time.Time

	// external has the keys of issuers outside Entra, such as GitHub Actions, by issuer. Each has its own key, made on
	// first use, so that an assertion is valid neither as an access token nor as another issuer's.
	mu       sync.Mutex
	external map[string]*rsa.PrivateKey
}

// NewIssuer reads the signing key kept in dir, or makes one and keeps it there; with no dir it stays in memory.
func NewIssuer(dir string, now func() time.Time) (*Issuer, error) {
	key, err := loadKey(dir)
	if err != nil {
		return nil, fmt.Errorf("preparing the token signing key: %w", err)
	}
	digest := sha256.Sum256(key.N.Bytes())
	return &Issuer{
		key:      key,
		kid:      base64.RawURLEncoding.EncodeToString(digest[:16]),
		now:      now,
		external: map[string]*rsa.PrivateKey{},
	}, nil
}

func loadKey(dir string) (*rsa.PrivateKey, error) {
	if dir == "" {
		return passingKey("")
	}
	file := filepath.Join(dir, "token-key.pem")
	signer, err := ca.ReadKey(file)
	if err == nil {
		if key, ok := signer.(*rsa.PrivateKey); ok {
			return key, nil
		}
		return nil, fmt.Errorf("the key in %s is not an RSA key; delete it to have a new one made", file)
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	key, err := rsa.GenerateKey(rand.Reader, keyBits)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	text, err := ca.EncodeKey(key)
	if err != nil {
		return nil, err
	}
	return key, wholefile.Write(file, text)
}

// passingKeys are keys that live as long as the process, by issuer. All its sandboxes share them, because making one
// takes a tenth of a second of CPU.
var passingKeys sync.Map

func passingKey(issuer string) (*rsa.PrivateKey, error) {
	made, _ := passingKeys.LoadOrStore(issuer, sync.OnceValues(func() (*rsa.PrivateKey, error) {
		return rsa.GenerateKey(rand.Reader, keyBits)
	}))
	return made.(func() (*rsa.PrivateKey, error))()
}

// Sign fills in the times and the issuer, and signs an access token.
func (i *Issuer) Sign(c Claims) (string, error) {
	now := i.now()
	c.IssuedAt, c.NotBefore, c.ExpiresAt = now.Unix(), now.Unix(), now.Add(Lifetime).Unix()
	c.Issuer, c.Version = IssuerURL(c.TenantID), "1.0"
	t := jwt.NewWithClaims(jwt.SigningMethodRS256, c)
	t.Header["kid"] = i.kid
	return t.SignedString(i.key)
}

// IssuerURL is the issuer of a tenant's version 1.0 tokens. It does not have the sandbox's address, so that a token
// stays valid if the port changes.
func IssuerURL(tenantID string) string { return "https://sts.windows.net/" + tenantID + "/" }

// Verify checks signature and times of an access token.
func (i *Issuer) Verify(raw string) (*Claims, error) {
	claims := &Claims{}
	_, err := jwt.ParseWithClaims(raw, claims, func(*jwt.Token) (any, error) { return i.key.Public(), nil }, i.rules()...)
	return claims, err
}

// SignAssertion signs an outside issuer's assertion for a subject and an audience.
func (i *Issuer) SignAssertion(issuer, subject, audience string) (string, error) {
	key, err := i.keyOf(issuer)
	if err != nil {
		return "", err
	}
	now := i.now()
	return jwt.NewWithClaims(jwt.SigningMethodRS256, Claims{
		Issuer: issuer, Subject: subject, Audience: audience,
		IssuedAt: now.Unix(), NotBefore: now.Unix(), ExpiresAt: now.Add(10 * time.Minute).Unix(),
	}).SignedString(key)
}

// keyOf is the key of an issuer outside Entra.
func (i *Issuer) keyOf(issuer string) (*rsa.PrivateKey, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if key := i.external[issuer]; key != nil {
		return key, nil
	}
	key, err := passingKey(issuer)
	if err != nil {
		return nil, fmt.Errorf("making the key of issuer %s: %w", issuer, err)
	}
	i.external[issuer] = key
	return key, nil
}

// VerifyAssertion checks signature and times of an assertion with the key of the issuer that it names.
func (i *Issuer) VerifyAssertion(raw string) (*Claims, error) {
	claims := &Claims{}
	_, err := jwt.ParseWithClaims(raw, claims, func(*jwt.Token) (any, error) {
		i.mu.Lock()
		defer i.mu.Unlock()
		key := i.external[claims.Issuer]
		if key == nil {
			return nil, fmt.Errorf("no issuer %q has signed anything here", claims.Issuer)
		}
		return key.Public(), nil
	}, i.rules()...)
	return claims, err
}

func (i *Issuer) rules() []jwt.ParserOption {
	return []jwt.ParserOption{
		jwt.WithValidMethods([]string{jwt.SigningMethodRS256.Alg()}),
		jwt.WithExpirationRequired(),
		jwt.WithTimeFunc(i.now),
	}
}

// KeySet is the JSON Web Key Set with which others can check the tokens.
func (i *Issuer) KeySet() map[string]any {
	encode := base64.RawURLEncoding.EncodeToString
	return map[string]any{"keys": []any{map[string]any{
		"kty": "RSA", "use": "sig", "alg": "RS256", "kid": i.kid,
		"n": encode(i.key.N.Bytes()),
		"e": encode(big.NewInt(int64(i.key.E)).Bytes()),
	}}}
}
