// Package graph serves Microsoft Graph for applications, service principals, groups and users, as the azuread plugin
// and Graph's documentation expect it. Versions v1.0 and beta address the same objects. It knows no Resource Manager.
package graph

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/batchaccess/batchaccess/sandbox/azure/internal/clouds"
	"github.com/batchaccess/batchaccess/sandbox/azure/internal/state"
	"github.com/batchaccess/batchaccess/sandbox/azure/internal/token"
	"github.com/batchaccess/batchaccess/sandbox/azure/internal/wire"
)

// Prefix is the path of Graph in the sandbox: Graph's base URL is the sandbox's URL with this behind it.
const Prefix = "/graph"

// Service is Microsoft Graph.
type Service struct {
	store  *state.Store
	issuer *token.Issuer
	url    string
	mux    *http.ServeMux
}

// call is one request, with the state locked for it.
type call struct {
	st     *state.State
	r      *http.Request
	body   map[string]any
	caller *token.Claims
	now    time.Time
	url    string // the sandbox's
}

type handler func(*call) (wire.Reply, error)

// New serves the directory in the store; url is the sandbox's, without a trailing slash.
func New(store *state.Store, issuer *token.Issuer, url string) *Service {
	s := &Service{store: store, issuer: issuer, url: url, mux: http.NewServeMux()}
	for pattern, h := range routes() {
		s.mux.Handle(pattern, s.handle(h))
	}
	s.mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		fail(w, wire.Errorf(http.StatusBadRequest, "BadRequest", "the sandbox does not serve %s %s", r.Method, r.URL.Path))
	})
	return s
}

// routes has everything that is served, below the version.
func routes() map[string]handler {
	table := map[string]handler{
		"GET /applications":                                            listApplications,
		"POST /applications":                                           createApplication,
		"GET /applications/{id}":                                       getApplication,
		"PATCH /applications/{id}":                                     updateApplication,
		"DELETE /applications/{id}":                                    deleteApplication,
		"POST /applications/{id}/addPassword":                          addPassword,
		"POST /applications/{id}/removePassword":                       removePassword,
		"GET /applications/{id}/federatedIdentityCredentials":          listFederated,
		"POST /applications/{id}/federatedIdentityCredentials":         createFederated,
		"GET /applications/{id}/federatedIdentityCredentials/{key}":    getFederated,
		"PATCH /applications/{id}/federatedIdentityCredentials/{key}":  updateFederated,
		"DELETE /applications/{id}/federatedIdentityCredentials/{key}": deleteFederated,

		"GET /servicePrincipals":         listServicePrincipals,
		"POST /servicePrincipals":        createServicePrincipal,
		"GET /servicePrincipals/{id}":    getServicePrincipal,
		"PATCH /servicePrincipals/{id}":  updateServicePrincipal,
		"DELETE /servicePrincipals/{id}": deleteServicePrincipal,

		"GET /groups":                            listGroups,
		"POST /groups":                           createGroup,
		"GET /groups/{id}":                       getGroup,
		"PATCH /groups/{id}":                     updateGroup,
		"DELETE /groups/{id}":                    deleteGroup,
		"GET /groups/{id}/members":               listMembers(false),
		"GET /groups/{id}/transitiveMembers":     listMembers(true),
		"POST /groups/{id}/members/$ref":         addMember,
		"GET /groups/{id}/members/{key}/$ref":    getMember,
		"DELETE /groups/{id}/members/{key}/$ref": removeMember,

		"GET /me":                    getMe,
		"GET /users":                 listUsers,
		"GET /users/{id}":            getUser,
		"GET /users/{id}/manager":    getManager,
		"GET /directoryObjects/{id}": getDirectoryObject,
		"POST " + byIDs:              getByIDs,
	}
	for _, kind := range []string{"applications", "servicePrincipals", "groups"} {
		table["GET /"+kind+"/{id}/owners"] = listOwners(kind)
		table["POST /"+kind+"/{id}/owners/$ref"] = addOwner(kind)
		table["GET /"+kind+"/{id}/owners/{key}/$ref"] = getOwner(kind)
		table["DELETE /"+kind+"/{id}/owners/{key}/$ref"] = removeOwner(kind)
	}
	for _, kind := range []string{"servicePrincipals", "groups", "users"} {
		table["GET /"+kind+"/{id}/memberOf"] = listMemberOf(kind, false)
		table["GET /"+kind+"/{id}/transitiveMemberOf"] = listMemberOf(kind, true)
	}
	maps.Copy(table, rolesRoutes)
	return table
}

// Operations lists everything that is served, below the version.
func Operations() []string {
	return slices.Collect(maps.Keys(routes()))
}

// ServeHTTP serves /graph/{version}/...
func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path := strings.TrimPrefix(r.URL.Path, Prefix+"/")
	version, rest, _ := strings.Cut(path, "/")
	if version != "v1.0" && version != "beta" {
		fail(w, wire.Errorf(http.StatusBadRequest, "BadRequest", "invalid version %q; Graph has v1.0 and beta", version))
		return
	}
	inner := r.Clone(r.Context())
	inner.SetPathValue("version", version)
	inner.URL.Path, inner.URL.RawPath = "/"+strings.TrimRight(rest, "/"), ""
	if strings.HasPrefix(inner.URL.Path, "/servicePrincipals(") {
		_ = s.store.View(func(st *state.State) error { // it never fails
			inner.URL.Path = byAppID(st, inner.URL.Path)
			return nil
		})
	}
	s.mux.ServeHTTP(w, inner)
}

func (s *Service) handle(h handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c := &call{r: r, now: s.store.Now(), url: s.url}
		if err := c.read(w); err != nil {
			fail(w, err)
			return
		}
		access := s.store.View
		if r.Method != http.MethodGet {
			access = s.store.Update
		}
		var answer wire.Encoded
		err := access(func(st *state.State) (err error) {
			c.st = st
			if c.caller, err = s.authorize(st, r); err != nil {
				return err
			}
			if err := c.checkBody(); err != nil {
				return err
			}
			if r.Method != http.MethodGet {
				if err := c.checkQuery(nil); err != nil {
					return err
				}
			}
			reply, err := h(c)
			if err != nil {
				return err
			}
			if r.Method == http.MethodGet {
				if err := c.checkQuery(reply.Body); err != nil {
					return err
				}
			}
			reply.Body = c.shaped(reply.Body)
			answer, err = reply.Encode()
			return err
		})
		if err != nil {
			fail(w, err)
			return
		}
		answer.WriteTo(w)
	})
}

// otherType refuses a body of another type than JSON as github.com/microsoftgraph/msgraph-cli issue 258 and
// microsoft-graph-docs-contrib issue 6337 quote it.
func otherType(sent string) error {
	return wire.Errorf(http.StatusBadRequest, "BadRequest", "the request writes, and its Content-Type is %s and not "+
		"application/json", sent)
}

func (c *call) read(w http.ResponseWriter) error {
	text, err := wire.ReadJSON(w, c.r, otherType)
	if err != nil || len(text) == 0 {
		return err
	}
	if err := json.Unmarshal(text, &c.body); err != nil {
		return bad("the request body is not a JSON object: %v", err)
	}
	if c.body == nil {
		return bad("the request body is null and not a JSON object")
	}
	return nil
}

// authorize lets the deployer do what its permissions allow, and lets people read, which is the default of a tenant.
// Other service principals would need permissions on Graph, and nothing here grants any.
func (s *Service) authorize(st *state.State, r *http.Request) (*token.Claims, error) {
	claims, err := s.issuer.Bearer(r, st.TenantID, clouds.Of(st.Cloud), token.Graph)
	if err != nil {
		return nil, wire.Errorf(http.StatusUnauthorized, "InvalidAuthenticationToken", "%v; Graph's audience is %s", err,
			clouds.Of(st.Cloud).Graph)
	}
	reads := claims.IdentityType == "user" && (r.Method == http.MethodGet || r.URL.Path == byIDs)
	allowed := reads || claims.ObjectID == st.DeployerID && deployerMay(st.DeployerLacks, r)
	if !allowed {
		return nil, wire.Errorf(http.StatusForbidden, "Authorization_RequestDenied",
			"Insufficient privileges to complete the operation: %s may not %s %s", claims.ObjectID, r.Method, r.URL.Path)
	}
	return claims, nil
}

func fail(w http.ResponseWriter, err error) {
	e := wire.AsError(err)
	wire.JSON(w, e.Status, map[string]any{"error": map[string]any{
		"code": e.Code, "message": e.Message,
		"innerError": map[string]any{
			"date": time.Now().UTC().Format("2006-01-02T15:04:05"), "request-id": uuid.NewString(),
		},
	}})
}

func bad(format string, args ...any) error {
	return wire.Errorf(http.StatusBadRequest, "Request_BadRequest", format, args...)
}

func conflict(format string, args ...any) error {
	return wire.Errorf(http.StatusConflict, "Request_MultipleObjectsWithSameKeyValue", format, args...)
}

// notFound has Graph's words, because clients look for them. The same holds for other refusals that clients react to.
func notFound(id string) error {
	return wire.Errorf(http.StatusNotFound, "Request_ResourceNotFound",
		"Resource '%s' does not exist or one of its queried reference-property objects are not present.", id)
}

// id is the object ID in the path, as the state's key.
func (c *call) id() string { return strings.ToLower(c.r.PathValue("id")) }

func (c *call) key() string { return strings.ToLower(c.r.PathValue("key")) }

// attributes are a body's properties without annotations, and without those that Graph decides.
func attributes(body map[string]any, decided ...string) map[string]any {
	kept := maps.Clone(body)
	maps.DeleteFunc(kept, func(key string, _ any) bool { return strings.Contains(key, "@odata.") || key == "id" })
	for _, key := range decided {
		delete(kept, key)
	}
	if kept == nil {
		kept = map[string]any{}
	}
	return kept
}

// merge returns a map with over's entries on top of another map's, and changes neither.
func merge(base, over map[string]any) map[string]any {
	merged := maps.Clone(base)
	if merged == nil {
		merged = map[string]any{}
	}
	maps.Copy(merged, over)
	return merged
}

func text(object map[string]any, key string) string {
	value, _ := object[key].(string)
	return value
}

func required(body map[string]any, keys ...string) error {
	var problems []error
	for _, key := range keys {
		if value, ok := body[key]; !ok || value == nil || value == "" {
			problems = append(problems, fmt.Errorf("property %q is required", key))
		}
	}
	if err := errors.Join(problems...); err != nil {
		return bad("%v", err)
	}
	return nil
}
