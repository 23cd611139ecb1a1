// Package entra serves the token endpoints, the discovery documents and the managed-identity endpoints. It knows who
// exists and how they prove who they are. The services decide what a token is good for.
package entra

import (
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/batchaccess/batchaccess/sandbox/azure/internal/clouds"
	"github.com/batchaccess/batchaccess/sandbox/azure/internal/state"
	"github.com/batchaccess/batchaccess/sandbox/azure/internal/token"
	"github.com/batchaccess/batchaccess/sandbox/azure/internal/wire"
)

// Service is Entra.
type Service struct {
	store  *state.Store
	issuer *token.Issuer
	// url is where the sandbox answers, without a trailing slash.
	url string
	// identityHeader is what a caller of the App Service endpoint must present.
	identityHeader string
	passwords      passwords

	signing sync.Mutex
	signed  map[token.Claims]signed // tokens that SignIn issued
}

// New serves the directory in the store.
func New(store *state.Store, issuer *token.Issuer, url, identityHeader string) *Service {
	return &Service{
		store: store, issuer: issuer, url: url, identityHeader: identityHeader, signed: map[token.Claims]signed{},
	}
}

// ServeHTTP serves /{tenant}/...
func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	tenant, path, _ := strings.Cut(strings.Trim(r.URL.Path, "/"), "/")
	switch path {
	case "oauth2/token":
		s.serveToken(w, r, tenant, false)
	case "oauth2/v2.0/token":
		s.serveToken(w, r, tenant, true)
	case ".well-known/openid-configuration":
		s.serveDiscovery(w, tenant, false)
	case "v2.0/.well-known/openid-configuration":
		s.serveDiscovery(w, tenant, true)
	case "discovery/keys", "discovery/v2.0/keys":
		if _, unknown := s.known(tenant); unknown != nil {
			s.fail(w, unknown)
			return
		}
		wire.JSON(w, http.StatusOK, s.issuer.KeySet())
	default:
		http.NotFound(w, r)
	}
}

func (s *Service) serveToken(w http.ResponseWriter, r *http.Request, tenant string, v2 bool) {
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		http.Error(w, "the token endpoint takes POST", http.StatusMethodNotAllowed)
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, 1<<20)
	if err := r.ParseForm(); err != nil {
		s.fail(w, &failure{http.StatusBadRequest, "invalid_request", 9000411, "the request body is not a valid form"})
		return
	}
	var principal, resource string // by object ID and audience
	err := s.store.View(func(st *state.State) (err error) {
		if !strings.EqualFold(tenant, st.TenantID) {
			return errUnknownTenant.with(tenant)
		}
		grant := r.PostForm.Get("grant_type")
		if grant != "client_credentials" && grant != "password" {
			return errGrantType.with(grant)
		}
		if resource, err = requestedResource(clouds.Of(st.Cloud), r.PostForm.Get, v2); err != nil {
			return err
		}
		if grant == "password" {
			user, err := s.authenticateUser(st, r.PostForm.Get)
			if err == nil {
				principal = user.ID
			}
			return err
		}
		client, err := s.authenticate(st, r.PostForm.Get)
		if err == nil {
			principal = client.ID
		}
		return err
	})
	var access string
	if err == nil {
		access, err = s.issue(principal, resource)
	}
	if err != nil {
		var f *failure
		if !errors.As(err, &f) {
			f = &failure{http.StatusInternalServerError, "server_error", 90033, err.Error()}
		}
		s.fail(w, f)
		return
	}
	w.Header().Set("Cache-Control", "no-store")
	seconds := int(token.Lifetime.Seconds()) - 1
	if v2 {
		wire.JSON(w, http.StatusOK, map[string]any{
			"token_type": "Bearer", "expires_in": seconds, "ext_expires_in": seconds, "access_token": access,
		})
		return
	}
	wire.JSON(w, http.StatusOK, s.version1(access, resource, map[string]any{"ext_expires_in": strconv.Itoa(seconds)}))
}

// version1 is the form of answer that the v1 token endpoint and the managed-identity endpoints have in common: all
// numbers are text.
func (s *Service) version1(access, resource string, more map[string]any) map[string]any {
	now := s.store.Now()
	body := map[string]any{
		"token_type":   "Bearer",
		"expires_in":   strconv.Itoa(int(token.Lifetime.Seconds()) - 1),
		"expires_on":   strconv.FormatInt(now.Add(token.Lifetime).Unix(), 10),
		"not_before":   strconv.FormatInt(now.Unix(), 10),
		"resource":     resource,
		"access_token": access,
	}
	for key, value := range more {
		body[key] = value
	}
	return body
}

// requestedResource is the audience that the request asks for: the parameter resource of v1, or the scope of v2 without
// /.default.
func requestedResource(cloud clouds.Cloud, form func(string) string, v2 bool) (string, error) {
	parameter := "resource"
	if v2 {
		parameter = "scope"
	}
	value := form(parameter)
	if value == "" {
		return "", errNoParameter.with(parameter)
	}
	if v2 {
		// Entra's own client library adds the scopes of OpenID Connect to every request; they mean nothing here.
		scopes := slices.DeleteFunc(strings.Fields(value), func(scope string) bool {
			return scope == "openid" || scope == "profile" || scope == "offline_access"
		})
		resource, ok := strings.CutSuffix(strings.Join(scopes, " "), "/.default")
		if !ok || len(scopes) != 1 {
			return "", errBadScope.with(value)
		}
		value = resource
	}
	if _, ok := token.ServiceOf(cloud, value); !ok {
		return "", errUnknownResource.with(value)
	}
	return value, nil
}

// SignIn issues an access token to a user or service principal, without asking for a proof: the caller vouches for
// them.
func (s *Service) SignIn(objectID, resource string) (string, error) {
	if _, ok := s.serviceOf(resource); !ok {
		return "", errUnknownResource.with(resource)
	}
	claims, err := s.claims(objectID, resource)
	if err != nil {
		return "", err
	}
	now := s.store.Now()
	s.signing.Lock()
	defer s.signing.Unlock()
	if last, is := s.signed[claims]; is && !now.Before(last.at) && now.Sub(last.at) < again {
		return last.token, nil
	}
	text, err := s.sign(claims)
	if err == nil {
		s.signed[claims] = signed{text, now}
	}
	return text, err
}

// again is how long SignIn returns the same token again, because signing is expensive.
const again = time.Minute

type signed struct {
	token string
	at    time.Time
}

func (s *Service) issue(objectID, resource string) (string, error) {
	claims, err := s.claims(objectID, resource)
	if err != nil {
		return "", err
	}
	return s.sign(claims)
}

func (s *Service) sign(claims token.Claims) (string, error) {
	claims.TokenID = uuid.NewString()
	return s.issuer.Sign(claims)
}

// claims are the claims of a new token for a principal that exists and is enabled.
func (s *Service) claims(objectID, resource string) (token.Claims, error) {
	claims := token.Claims{Audience: resource}
	err := s.store.View(func(st *state.State) error {
		claims.TenantID = st.TenantID
		key := strings.ToLower(objectID)
		if user := st.Users[key]; user != nil {
			claims.ObjectID, claims.Subject = user.ID, user.ID
			claims.IdentityType, claims.UserPrincipalName = "user", user.UserPrincipalName
			claims.AppID = azureCLI
			return nil
		}
		sp := st.ServicePrincipals[key]
		if sp == nil {
			return errUnknownClient.with(objectID)
		}
		if !sp.Enabled {
			return errDisabledClient.with(sp.AppID)
		}
		claims.ObjectID, claims.Subject, claims.AppID = sp.ID, sp.ID, sp.AppID
		claims.IdentityType, claims.ManagedIdentityID = "app", sp.ResourceID
		return nil
	})
	return claims, err
}

// azureCLI is the well-known client ID of the Azure CLI, with which people sign in.
const azureCLI = "04b07795-8ddb-461a-bbee-02f9e1bf7b46"

// known is the ID of the tenant in the path; a failure if it is another tenant.
func (s *Service) known(tenant string) (id string, unknown *failure) {
	_ = s.store.View(func(st *state.State) error { id = st.TenantID; return nil })
	if strings.EqualFold(tenant, id) {
		return id, nil
	}
	f := errUnknownTenant
	return "", f.with(tenant).(*failure)
}

func (s *Service) serveDiscovery(w http.ResponseWriter, tenant string, v2 bool) {
	tenantID, unknown := s.known(tenant)
	if unknown != nil {
		s.fail(w, unknown)
		return
	}
	base := s.url + "/" + tenantID
	document := map[string]any{
		"issuer":                                token.IssuerURL(tenantID),
		"token_endpoint":                        base + "/oauth2/token",
		"authorization_endpoint":                base + "/oauth2/authorize",
		"jwks_uri":                              base + "/discovery/keys",
		"token_endpoint_auth_methods_supported": []string{"client_secret_post", "private_key_jwt"},
		"response_types_supported":              []string{"code"},
		"subject_types_supported":               []string{"pairwise"},
		"id_token_signing_alg_values_supported": []string{"RS256"},
	}
	if v2 {
		document["issuer"] = base + "/v2.0"
		document["token_endpoint"] = base + "/oauth2/v2.0/token"
		document["authorization_endpoint"] = base + "/oauth2/v2.0/authorize"
		document["jwks_uri"] = base + "/discovery/v2.0/keys"
	}
	wire.JSON(w, http.StatusOK, document)
}

// serviceOf returns the service of the tenant's cloud that a resource URI means. It takes the store's lock.
func (s *Service) serviceOf(resource string) (service token.Service, ok bool) {
	_ = s.store.View(func(st *state.State) error {
		service, ok = token.ServiceOf(clouds.Of(st.Cloud), resource)
		return nil
	})
	return service, ok
}
