package standin

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"
)

// caller is the object ID of whom the provider acts as: the claim oid of its token. The signature is not for the holder
// of a token to check.
func (c *client) caller(ctx context.Context, scope string) (string, error) {
	bearer, err := c.token(ctx, scope)
	if err != nil {
		return "", err
	}
	var claims struct {
		OID string `json:"oid"`
	}
	if parts := strings.Split(bearer, "."); len(parts) == 3 {
		if payload, err := base64.RawURLEncoding.DecodeString(parts[1]); err == nil {
			_ = json.Unmarshal(payload, &claims)
		}
	}
	if claims.OID == "" {
		return "", errors.New("the access token does not tell whom it is for: it has no claim oid")
	}
	return claims.OID, nil
}
