package standin

import (
	"context"
	"errors"
	"fmt"

	"github.com/golang-jwt/jwt/v5"
)

// caller is the object ID of the principal that the provider signs in as: the claim oid of its token. The signature is
// not checked, because that is for the service that gets the token.
func (c *client) caller(ctx context.Context, scope string) (string, error) {
	bearer, err := c.token(ctx, scope)
	if err != nil {
		return "", err
	}
	claims := jwt.MapClaims{}
	if _, _, err := jwt.NewParser().ParseUnverified(bearer, claims); err != nil {
		return "", fmt.Errorf("reading the access token: %w", err)
	}
	oid, _ := claims["oid"].(string)
	if oid == "" {
		return "", errors.New("the access token has no claim oid, so its owner is not known")
	}
	return oid, nil
}
