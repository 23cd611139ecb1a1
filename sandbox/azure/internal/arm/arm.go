// Package arm serves Azure Resource Manager: role definitions and assignments, Azure Machine Learning, managed
// identities, and reads of every other resource that exists. Every call is authorised through role assignments. It
// does not run jobs.
package arm

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/batchaccess/batchaccess/sandbox/azure/internal/armid"
	"github.com/batchaccess/batchaccess/sandbox/azure/internal/clouds"
	"github.com/batchaccess/batchaccess/sandbox/azure/internal/rbac"
	"github.com/batchaccess/batchaccess/sandbox/azure/internal/state"
	"github.com/batchaccess/batchaccess/sandbox/azure/internal/token"
	"github.com/batchaccess/batchaccess/sandbox/azure/internal/wire"
)

// Service is Azure Resource Manager.
type Service struct {
	store  *state.Store
	issuer *token.Issuer
	url    string
}

// New serves the resources in the store; url is the sandbox's, without a trailing slash.
func New(store *state.Store, issuer *token.Issuer, url string) *Service {
	return &Service{store: store, issuer: issuer, url: url}
}

// call is one request. The state is locked while it is served.
type call struct {
	st     *state.State
	r      *http.Request
	id     armid.ID
	body   []byte
	caller *token.Claims
	now    time.Time
	url    string
}

type handler func(*call) (wire.Reply, error)

const (
	typeSubscription    = "Microsoft.Resources/subscriptions"
	typeResourceGroup   = "Microsoft.Resources/subscriptions/resourceGroups"
	typeManagementGroup = "Microsoft.Management/managementGroups"
	typeRoleDefinition  = "Microsoft.Authorization/roleDefinitions"
	typeRoleAssignment  = "Microsoft.Authorization/roleAssignments"
	typeDenyAssignment  = "Microsoft.Authorization/denyAssignments"
	typeWorkspace       = "Microsoft.MachineLearningServices/workspaces"
	typeStorageAccount  = "Microsoft.Storage/storageAccounts"
	typeImages          = "Microsoft.ContainerRegistry/registries"
	typeCompute         = "Microsoft.MachineLearningServices/workspaces/computes"
	typeStatus          = "Microsoft.MachineLearningServices/locations/computeOperationsStatus"
	typeResult          = "Microsoft.MachineLearningServices/locations/computeOperationsResults"
	typeEndpoint        = "Microsoft.MachineLearningServices/workspaces/batchEndpoints"
	typeIdentity        = "Microsoft.ManagedIdentity/userAssignedIdentities"
	typeFederated       = "Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials"
)

// handlers are for the resource types that have rules of their own; "/" after a type means its collection.
// getResource and listResources serve reads of everything else that exists.
var handlers = table(spelled)

var spelled = map[string]handler{
	"GET " + typeRoleDefinition + "/": listRoleDefinitions,
	"GET " + typeRoleDefinition:       getRoleDefinition,
	"PUT " + typeRoleDefinition:       putRoleDefinition,
	"DELETE " + typeRoleDefinition:    deleteRoleDefinition,
	"GET " + typeRoleAssignment + "/": listRoleAssignments,
	"GET " + typeRoleAssignment:       getRoleAssignment,
	"PUT " + typeRoleAssignment:       putRoleAssignment,
	"DELETE " + typeRoleAssignment:    deleteRoleAssignment,
	"GET " + typeDenyAssignment + "/": listDenyAssignments,
	"GET " + typeDenyAssignment:       getDenyAssignment,
	"GET " + typeEligible + "/":       listEligible,
	"PUT " + typeCompute:              putCompute,
	"PATCH " + typeCompute:            patchCompute,
	"DELETE " + typeCompute:           deleteCompute,
	"GET " + typeStatus:               getOperationStatus,
	"GET " + typeResult:               getOperationResult,
	"PUT " + typeIdentity:             putIdentity,
	"PATCH " + typeIdentity:           putIdentity,
	"DELETE " + typeIdentity:          deleteIdentity,
	"PUT " + typeFederated:            putFederated,
	"DELETE " + typeFederated:         deleteResource,
	"PUT " + typeDeployment:           putDeployment,
	"GET " + typeSubscription + "/":   listSubscriptions,
	"GET " + typeJob:                  getJob,

	"POST " + typeStorageAccount + "/listKeys/":      listKeys,
	"POST " + typeStorageAccount + "/regenerateKey/": regenerateKey,
	"POST " + typeDatastore + "/listSecrets/":        listSecrets,
	"PUT " + typeDatastore:                           putDatastore,

	"POST " + typeWorkspace + "/listStorageAccountKeys/": listWorkspaceKeys,
}

// listed has the types whose collections listResources answers. For any other type the sandbox can't say that there
// are none.
var listed = lowered(listedTypes...)

var listedTypes = []string{
	typeResourceGroup, typeWorkspace, typeCompute, typeEndpoint, typeEndpoint + "/deployments", typeWorkspace +
		"/datastores",
	typeWorkspace + "/data", typeWorkspace + "/data/versions", typeIdentity, typeFederated,
	typeStorageAccount, typeStorageAccount + "/blobServices", typeStorageAccount + "/blobServices/containers",
	typeImages, "Microsoft.DataFactory/factories", "Microsoft.Web/sites", "Microsoft.Compute/virtualMachines",
}

// Operations lists the operations that are served: a method and a type, with "/" after it for its collection. In
// addition, every resource that exists can be read.
func Operations() []string {
	operations := []string{"GET any resource that exists"}
	for operation := range spelled {
		operations = append(operations, operation)
	}
	for _, of := range listedTypes {
		operations = append(operations, "GET "+of+"/")
	}
	for _, of := range []string{typeResourceGroup, typeWorkspace, typeStorageAccount, typeContainer, typeImages} {
		operations = append(operations, "PUT "+of, "DELETE "+of)
	}
	return operations
}

func lowered(words ...string) map[string]bool {
	set := make(map[string]bool, len(words))
	for _, word := range words {
		set[strings.ToLower(word)] = true
	}
	return set
}

func table(spelled map[string]handler) map[string]handler {
	lower := make(map[string]handler, len(spelled))
	for key, h := range spelled {
		lower[strings.ToLower(key)] = h
	}
	return lower
}

func (c *call) handler() (handler, error) {
	key := strings.ToLower(c.r.Method + " " + c.id.Type())
	if c.id.IsCollection() {
		key += "/"
	}
	if h := handlers[key]; h != nil {
		return h, nil
	}
	if _, plain := plainTypes[strings.ToLower(c.id.Type())]; plain && !c.id.IsCollection() {
		switch c.r.Method {
		case http.MethodPut:
			return putPlain, nil
		case http.MethodDelete:
			return deletePlain, nil
		}
	}
	if c.r.Method != http.MethodGet {
		return nil, wire.Errorf(http.StatusMethodNotAllowed, "HttpMethodNotAllowed", "the sandbox does not serve %s of %s",
			c.r.Method, c.id.Type())
	}
	if !c.id.IsCollection() {
		return getResource, nil
	}
	if !listed[strings.ToLower(c.id.Type())] {
		return nil, wire.Errorf(http.StatusNotFound, "InvalidResourceType",
			"the resource type %q could not be found: the sandbox serves no such collection", c.id.Type())
	}
	return listResources, nil
}

// ServeHTTP serves everything below /subscriptions and /providers.
func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := wire.ReadJSON(w, r, otherType)
	if err != nil {
		wire.Fail(w, err)
		return
	}
	access := s.store.View
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		access = s.store.Update
	}
	var answer wire.Encoded
	err = access(func(st *state.State) error {
		c := &call{st: st, r: r, id: armid.Parse(r.URL.Path), body: body, now: s.store.Now(), url: s.url}
		reply, err := s.serve(c)
		if err != nil {
			return err
		}
		answer, err = reply.Encode()
		return err
	})
	if err != nil {
		wire.Fail(w, err)
		return
	}
	answer.WriteTo(w)
}

// otherType refuses a body that is not JSON, in the words that github.com/Azure/azure-cli issue 10143 quotes.
func otherType(sent string) error {
	return wire.Errorf(http.StatusUnsupportedMediaType, "UnsupportedMediaType",
		"the content media type %q is not supported, but only application/json", sent)
}

// serve checks in Azure's order: who asks, is the request well formed, is it allowed, does the resource exist.
func (s *Service) serve(c *call) (reply wire.Reply, err error) {
	if c.caller, err = s.authenticate(c); err != nil {
		return reply, err
	}
	if err := checkVersion(c.r, c.id); err != nil {
		return reply, err
	}
	h, err := c.handler()
	if err != nil {
		return reply, err
	}
	if err := c.checkQuery(); err != nil {
		return reply, err
	}
	if subscription := c.id.Subscription(); subscription != "" &&
		c.st.Resources["/subscriptions/"+strings.ToLower(subscription)] == nil {
		return reply, wire.Errorf(http.StatusNotFound, "SubscriptionNotFound", "subscription %q could not be found",
			subscription)
	}
	if err := c.authorize(); err != nil {
		return reply, err
	}
	return h(c)
}

func (s *Service) authenticate(c *call) (*token.Claims, error) {
	claims, err := s.issuer.Bearer(c.r, c.st.TenantID, clouds.Of(c.st.Cloud), token.ResourceManager)
	if err == nil {
		return claims, nil
	}
	code, message := "InvalidAuthenticationToken", err.Error()
	switch {
	case errors.Is(err, token.ErrMissing):
		code = "AuthenticationFailed"
	case errors.Is(err, token.ErrExpired):
		code = "ExpiredAuthenticationToken"
	case errors.Is(err, token.ErrTenant):
		code = "InvalidAuthenticationTokenTenant"
	case errors.Is(err, token.ErrAudience):
		code = "InvalidAuthenticationTokenAudience"
		message = fmt.Sprintf("%v: its audience is %q, and Azure Resource Manager wants %s", err, claims.Audience,
			clouds.Of(c.st.Cloud).Management[1])
	}
	refusal := wire.Errorf(http.StatusUnauthorized, code, "%s", message)
	refusal.Header = map[string]string{"WWW-Authenticate": fmt.Sprintf(
		`Bearer authorization_uri="%s/%s", error="invalid_token", error_description="%s"`, s.url, c.st.TenantID, err)}
	return nil, refusal
}

// verbs are the last words of the actions that requests need, by method.
var verbs = map[string]string{
	http.MethodGet: "read", http.MethodHead: "read", http.MethodPut: "write", http.MethodPatch: "write",
	http.MethodDelete: "delete", http.MethodPost: "action",
}

// authorize requires the action of the request, at the resource or, for a collection, at the resource that contains
// it; for role definitions and assignments, at the scope that they are for. Whoever is signed in may read what is above
// all subscriptions, and the status and result of operations.
func (c *call) authorize() error {
	scope := c.id.String()
	switch {
	case c.id.Is(typeRoleDefinition), c.id.Is(typeRoleAssignment), c.id.Is(typeDenyAssignment):
		scope = c.id.Scope
		if scope == "" && c.id.Is(typeRoleAssignment) {
			scope = "/"
		}
	case c.id.IsCollection():
		scope = c.id.Parent()
	}
	if c.id.Is(typeStatus) || c.id.Is(typeResult) || (scope == "" && c.r.Method == http.MethodGet) {
		return nil
	}
	if scope == "" {
		scope = "/"
	}
	return c.require(c.id.Type()+"/"+verbs[c.r.Method], scope, "AuthorizationFailed")
}

// require returns the refusal of an action that the caller's roles do not allow at the scope; nil if they allow it.
func (c *call) require(action, scope, code string) error {
	answer := rbac.ByToken(c.st, c.caller.ObjectID, scope, c.caller.Issued()).Request(c.asked(action), false)
	return rbac.Refusal(answer, c.caller, action, scope, code)
}
