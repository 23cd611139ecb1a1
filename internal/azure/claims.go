package azure

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"
)

// Claims are what a token says about itself. They are read to explain a failure and never trusted: the endpoint
// verifies them.
type Claims struct {
	Audience  string `json:"aud"`
	TenantID  string `json:"tid"`
	ObjectID  string `json:"oid"`
	AppID     string `json:"appid"`
	UPN       string `json:"upn"`
	Kind      string `json:"idtyp"` // app or user; absent from the tokens of most people
	NotBefore int64  `json:"nbf"`
	Expires   int64  `json:"exp"`
}

var errNoJWT = errors.New("it is not a JSON Web Token: three parts with dots between them")

// ReadClaims reads the claims of a token.
func ReadClaims(token string) (Claims, error) {
	var c Claims
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return c, errNoJWT
	}
	text, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(parts[1], "="))
	if err != nil || json.Unmarshal(text, &c) != nil {
		return c, errNoJWT
	}
	return c, nil
}

// ObjectID returns the principal that an access token was issued to. It is not verified: it says who is signed in, and
// proves nothing about anybody else's token.
func ObjectID(token string) (string, error) {
	c, err := ReadClaims(token)
	if err == nil && c.ObjectID == "" {
		err = errors.New("the token names no principal")
	}
	return c.ObjectID, err
}
