package token

import (
	"errors"
	"net/http"
	"strings"

	"github.com/batchaccess/batchaccess/sandbox/azure/internal/clouds"
	"github.com/golang-jwt/jwt/v5"
)

// The reasons for refusing a bearer token.
var (
	ErrMissing   = errors.New("the request carries no bearer token in its Authorization header")
	ErrExpired   = errors.New("the access token has expired")
	errInvalid   = errors.New("the access token is malformed or its signature is wrong")
	ErrTenant    = errors.New("the access token was issued by another tenant")
	ErrAudience  = errors.New("the access token was issued for another service")
	errPrincipal = errors.New("the access token names no principal")
)

// Bearer checks the request's token: signature, times, tenant, and the service that it was issued for. With an
// ErrAudience it returns the claims too, so that the answer can name the token's audience.
func (i *Issuer) Bearer(r *http.Request, tenantID string, cloud clouds.Cloud, want Service) (*Claims, error) {
	scheme, raw, ok := strings.Cut(r.Header.Get("Authorization"), " ")
	if !ok || !strings.EqualFold(scheme, "Bearer") || raw == "" {
		return nil, ErrMissing
	}
	claims, err := i.Verify(raw)
	switch {
	case errors.Is(err, jwt.ErrTokenExpired):
		return nil, ErrExpired
	case err != nil:
		return nil, errInvalid
	case !strings.EqualFold(claims.TenantID, tenantID) || claims.Issuer != IssuerURL(claims.TenantID):
		return nil, ErrTenant
	case claims.ObjectID == "":
		return nil, errPrincipal
	}
	if service, _ := ServiceOf(cloud, claims.Audience); service != want {
		return claims, ErrAudience
	}
	return claims, nil
}
