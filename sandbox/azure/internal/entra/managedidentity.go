package entra

import (
	"cmp"
	"crypto/subtle"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/batchaccess/batchaccess/sandbox/azure/internal/armid"
	"github.com/batchaccess/batchaccess/sandbox/azure/internal/state"
	"github.com/batchaccess/batchaccess/sandbox/azure/internal/wire"
)

// selector says which of the host's identities the caller wants.
type selector struct {
	clientID, objectID, resourceID string
	// everyIdentity: all user-assigned identities are attached to the host.
	everyIdentity bool
}

// ServeIMDS is the endpoint of a virtual machine: GET /metadata/identity/oauth2/token. The sandbox has one for all
// hosts: it serves every identity that is attached to any of them.
func (s *Service) ServeIMDS(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	switch {
	case r.Header.Get("Metadata") != "true": // in lower case: entra-docs, how-to-use-vm-token.md
		refuseIMDS(w, "bad_request_102", "Required metadata header not specified")
	case !slices.Contains(machineVersions, query.Get("api-version")):
		refuseIMDS(w, "invalid_request", "the query parameter api-version must be one of "+
			strings.Join(machineVersions, ", "))
	default:
		s.serveIdentity(w, query, selector{
			clientID: query.Get("client_id"), objectID: query.Get("object_id"),
			resourceID: cmp.Or(query.Get("mi_res_id"), query.Get("msi_res_id")),
		}, refuseIMDS)
	}
}

// machineVersions are the api-versions of a virtual machine's endpoint that clients send (entra-docs,
// how-to-use-vm-token.md) or that have an API specification (Azure/azure-rest-api-specs, specification/imds).
var machineVersions = []string{"2018-02-01", "2018-10-01", "2019-08-15"}

func refuseIMDS(w http.ResponseWriter, code, message string) {
	wire.JSON(w, http.StatusBadRequest, map[string]any{"error": code, "error_description": message})
}

// ServeAppService is the endpoint of App Service and Functions: GET /msi/token. Only the sandbox's user knows its
// header, and every user-assigned identity is attached to that host, so that the user can act as any of them.
func (s *Service) ServeAppService(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	switch header := r.Header.Get("X-IDENTITY-HEADER"); {
	case subtle.ConstantTimeCompare([]byte(header), []byte(s.identityHeader)) == 0:
		wire.JSON(w, http.StatusUnauthorized, map[string]any{
			"statusCode": http.StatusUnauthorized, "message": "the header X-IDENTITY-HEADER is missing or not " +
				"IDENTITY_HEADER's value",
		})
	case query.Get("api-version") != "2019-08-01":
		refuseAppService(w, "", "the query parameter api-version must be 2019-08-01")
	default:
		s.serveIdentity(w, query, selector{
			clientID: query.Get("client_id"), objectID: cmp.Or(query.Get("principal_id"),
				query.Get("object_id")), resourceID: query.Get("mi_res_id"),
			everyIdentity: true,
		}, refuseAppService)
	}
}

func refuseAppService(w http.ResponseWriter, _, message string) {
	wire.JSON(w, http.StatusBadRequest, map[string]any{"statusCode": http.StatusBadRequest, "message": message})
}

func (s *Service) serveIdentity(w http.ResponseWriter, query url.Values, want selector,
	refuse func(w http.ResponseWriter, code, message string)) {
	resource := query.Get("resource")
	if _, ok := s.serviceOf(resource); !ok {
		refuse(w, "invalid_resource", errUnknownResource.with(resource).Error())
		return
	}
	var found []*state.ServicePrincipal
	_ = s.store.View(func(st *state.State) error { found = identities(st, want); return nil })
	switch {
	case len(found) == 0:
		refuse(w, "invalid_request", "Identity not found")
		return
	case len(found) > 1:
		refuse(w, "invalid_request", "several identities are attached; name one by client_id, object_id or mi_res_id")
		return
	}
	access, err := s.issue(found[0].ID, resource)
	if err != nil {
		refuse(w, "unauthorized_client", err.Error())
		return
	}
	wire.JSON(w, http.StatusOK, s.version1(access, resource, map[string]any{"client_id": found[0].AppID}))
}

// identities are the managed identities that the selector fits, of the resources on which code runs: system-assigned
// ones, and user-assigned ones that are attached to any. Identities of compute clusters and workspaces are left out:
// only those can use them. Of the pointers, read only the fields that never change: ID and AppID.
func identities(st *state.State, want selector) []*state.ServicePrincipal {
	var found []*state.ServicePrincipal
	attached := map[string]bool{} // keys of resources whose identities can sign in
	for key, resource := range st.Resources {
		if resource.Identity == nil || strings.EqualFold(armid.Parse(key).Namespace, "Microsoft.MachineLearningServices") {
			continue
		}
		attached[key] = resource.Identity.SystemPrincipalID != ""
		for _, id := range resource.Identity.UserAssigned {
			attached[armid.Key(id)] = true
		}
	}
	if want.everyIdentity {
		for key := range st.Resources {
			attached[key] = attached[key] || armid.Parse(key).Is("Microsoft.ManagedIdentity/userAssignedIdentities")
		}
	}
	for _, sp := range st.ServicePrincipals {
		here := attached[armid.Key(sp.ResourceID)] || want.everyIdentity && sp.ResourceID == "" // unknown resource
		switch {
		case sp.Type != "ManagedIdentity" || !here:
		case want.clientID != "" && !strings.EqualFold(want.clientID, sp.AppID):
		case want.objectID != "" && !strings.EqualFold(want.objectID, sp.ID):
		case want.resourceID != "" && armid.Key(want.resourceID) != armid.Key(sp.ResourceID):
		default:
			found = append(found, sp)
		}
	}
	return found
}
