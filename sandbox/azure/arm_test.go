package azure_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/batchaccess/batchaccess/sandbox/azure"
)

func TestResourceManagerChecksTheToken(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	target := workspace + "?api-version=2024-04-01"
	deployer := w.Deployer().ObjectID
	for name, test := range map[string]struct{ token, code string }{
		"none":             {"", "AuthenticationFailed"},
		"nonsense":         {"abc", "InvalidAuthenticationToken"},
		"for ml":           {w.token(deployer, ml), "InvalidAuthenticationTokenAudience"},
		"for Graph":        {w.token(deployer, w.URL()+"/graph"), "InvalidAuthenticationTokenAudience"},
		"another tenant's": {anotherTenants(w), "InvalidAuthenticationTokenTenant"},
	} {
		t.Run(name, func(t *testing.T) {
			got := w.send(http.MethodGet, target, test.token, nil)
			assert.Equal(t, http.StatusUnauthorized, got.status)
			assert.Equal(t, test.code, got.code())
			assert.Contains(t, got.header.Get("WWW-Authenticate"), "Bearer authorization_uri=")
		})
	}
	for _, audience := range []string{management, management + "/", "https://management.core.windows.net/", w.URL(),
		w.URL() + "/"} {
		assert.Equal(t, http.StatusOK, w.send(http.MethodGet, target, w.token(deployer, audience), nil).status, audience)
	}
	w.SetClock(func() time.Time { return time.Now().Add(-2 * time.Hour) })
	old := w.token(deployer, management)
	w.SetClock(time.Now)
	assert.Equal(t, "ExpiredAuthenticationToken", w.send(http.MethodGet, target, old, nil).code())
}

// anotherTenants is a token that the sandbox signed when it was another tenant.
func anotherTenants(w *world) string {
	other := seed()
	other.TenantID = uuid.NewString()
	require.NoError(w.t, w.Seed(other))
	token := w.token(w.Deployer().ObjectID, management)
	require.NoError(w.t, w.Seed(seed()))
	return token
}

func TestResourceManagerAuthorisesEveryCall(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	target := cluster + "?api-version=2024-04-01"
	got := w.send(http.MethodPut, target, w.token(alice, management), clusterBody(nil))
	assert.Equal(t, http.StatusForbidden, got.status)
	assert.Equal(t, "AuthorizationFailed", got.code())
	assert.Contains(t, got.message(), "Microsoft.MachineLearningServices/workspaces/computes/write")
	assert.Contains(t, got.message(), alice)
	assert.Contains(t, got.message(), cluster)

	w.assign(everyone, controlReader, group)
	assert.Equal(t, http.StatusOK, w.send(http.MethodGet, target, w.token(bob, management), nil).status)
	assert.Equal(t, http.StatusForbidden, w.send(http.MethodDelete, target+"&underlyingResourceAction=Delete",
		w.token(bob, management), nil).status)
	self := workspace + "/providers/Microsoft.Authorization/roleAssignments/" + uuid.NewString() +
		"?api-version=2022-04-01"
	assert.Equal(t, http.StatusForbidden, w.send(http.MethodPut, self, w.token(bob, management), assignment(bob,
		controlReader)).status)

	token := w.token(w.Deployer().ObjectID, management)
	assert.Equal(t, "MissingApiVersionParameter", w.send(http.MethodGet, cluster, token, nil).code())
	assert.Equal(t, "InvalidApiVersionParameter", w.send(http.MethodGet, cluster+"?api-version=latest", token, nil).code())
}

func TestRoleDefinitionRules(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	one, two := uuid.NewString(), uuid.NewString()
	made := w.arm(http.MethodPut, definitionPath(one),
		definition("Invoker", []string{"Microsoft.MachineLearningServices/workspaces/read"}))
	require.Equal(t, http.StatusCreated, made.status, made.body)
	assert.Equal(t, subscription+"/providers/Microsoft.Authorization/roleDefinitions/"+one, made.body["id"])
	for name, test := range map[string]struct {
		body   any
		status int
		code   string
	}{
		"the same name, other case": {definition("invoker",
			[]string{"Microsoft.MachineLearningServices/workspaces/read"}), http.StatusConflict,
			"RoleDefinitionWithSameNameExists"},
		"a built-in role's name": {definition("Owner",
			[]string{"Microsoft.MachineLearningServices/workspaces/read"}), http.StatusConflict,
			"RoleDefinitionWithSameNameExists"},
		"two wildcards": {definition("x", []string{"A/*/b/*"}), http.StatusBadRequest, "InvalidRoleDefinition"},
		"name too long": {definition(strings.Repeat("x", 513),
			[]string{"Microsoft.MachineLearningServices/workspaces/read"}), http.StatusBadRequest, "InvalidRoleDefinition"},
		"root as scope": {object("properties",
			object("roleName", "x", "assignableScopes", []string{"/"}, "permissions",
				[]any{object("actions",
					[]string{"Microsoft.MachineLearningServices/workspaces/read"})})), http.StatusBadRequest, "InvalidRoleDefinition"},
		"no scope": {object("properties",
			object("roleName", "x", "permissions", []any{object("actions",
				[]string{"Microsoft.MachineLearningServices/workspaces/read"})})), http.StatusBadRequest, "InvalidRoleDefinition"},
		"not JSON": {"{", http.StatusBadRequest, "InvalidRequestContent"},
		"an action on data": {
			definition("x", []string{"Microsoft.Storage/storageAccounts/blobServices/containers/blobs/read"}),
			http.StatusBadRequest, "InvalidActionOrNotAction",
		},
		"a data action that is none": {object("properties", object("roleName", "x", "assignableScopes", []string{group},
			"permissions", []any{object("dataActions", []string{"Microsoft.Storage/storageAccounts/read"})})),
			http.StatusBadRequest, "InvalidActionOrNotAction"},
	} {
		t.Run(name, func(t *testing.T) {
			got := w.arm(http.MethodPut, definitionPath(two), test.body)
			assert.Equal(t, test.status, got.status)
			assert.Equal(t, test.code, got.code(), got.body)
		})
	}
	changed := w.arm(http.MethodPut, definitionPath(one),
		definition("Invoker", []string{"Microsoft.MachineLearningServices/workspaces/models/read"}))
	require.Less(t, changed.status, 300)
	assert.Equal(t, made.at("properties", "createdOn"), changed.at("properties", "createdOn"))
	read := w.arm(http.MethodGet, "/providers/Microsoft.Authorization/roleDefinitions/"+one, nil)
	assert.Equal(t, "Microsoft.MachineLearningServices/workspaces/models/read",
		read.at("properties", "permissions").([]any)[0].(map[string]any)["actions"].([]any)[0])

	list := func(filter string) []any {
		got := w.arm(http.MethodGet,
			workspace+"/providers/Microsoft.Authorization/roleDefinitions?$filter="+strings.ReplaceAll(filter, " ", "%20"), nil)
		require.Equal(t, http.StatusOK, got.status, got.body)
		return got.body["value"].([]any)
	}
	assert.Len(t, list("roleName eq 'INVOKER'"), 1)
	assert.Len(t, list("type eq 'CustomRole'"), 1)
	assert.NotEmpty(t, list("atScope() and type eq 'BuiltInRole'"))
	assert.Empty(t, list("roleName eq 'nobody''s'"))

	id := w.assign(alice, one, workspace)
	got := w.arm(http.MethodDelete, definitionPath(one), nil)
	assert.Equal(t, http.StatusBadRequest, got.status)
	assert.Equal(t, "RoleDefinitionHasAssignments", got.code())
	require.Equal(t, http.StatusOK, w.arm(http.MethodDelete, id, nil).status)
	assert.Equal(t, http.StatusOK, w.arm(http.MethodDelete, definitionPath(one), nil).status)
	assert.Equal(t, http.StatusNoContent, w.arm(http.MethodDelete, definitionPath(one), nil).status)
	got = w.arm(http.MethodGet, definitionPath(one), nil)
	assert.Equal(t, http.StatusNotFound, got.status)
	assert.Equal(t, "RoleDefinitionDoesNotExist", got.code())
}

func TestRoleAssignmentRules(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	require.Equal(t, http.StatusCreated, w.arm(http.MethodPut, definitionPath(invokerRole), definition("Invoker",
		[]string{"Microsoft.MachineLearningServices/workspaces/read"})).status)
	id := w.assign(alice, readerRole, account)
	fresh := func(scope string) string {
		return scope + "/providers/Microsoft.Authorization/roleAssignments/" + uuid.NewString()
	}
	full := func(principal, role string, more ...any) any {
		return object("properties", object(append([]any{"principalId", principal, "roleDefinitionId",
			subscription + "/providers/Microsoft.Authorization/roleDefinitions/" + role}, more...)...))
	}
	for name, test := range map[string]struct {
		id     string
		body   any
		status int
		code   string
	}{
		"itself again":              {id, full(alice, readerRole, "principalType", "User"), http.StatusOK, ""},
		"itself, described":         {id, full(alice, readerRole, "description", "why"), http.StatusOK, ""},
		"another role in its place": {id, full(alice, writerRole), http.StatusBadRequest, "RoleAssignmentUpdateNotPermitted"},
		"another one in its place":  {id, full(bob, readerRole), http.StatusBadRequest, "RoleAssignmentUpdateNotPermitted"},
		"its name at another scope": {strings.Replace(id, account, group, 1), full(alice, readerRole), http.StatusBadRequest,
			"RoleAssignmentUpdateNotPermitted"},
		"the same under another name": {fresh(account), full(alice, readerRole), http.StatusConflict, "RoleAssignmentExists"},
		"the same, scope in capitals": {fresh(strings.ToUpper(account[:14]) + account[14:]), full(alice, readerRole),
			http.StatusConflict, "RoleAssignmentExists"},
		"unknown principal": {fresh(account), full(uuid.NewString(), readerRole), http.StatusBadRequest, "PrincipalNotFound"},
		"unknown group": {fresh(account), full(uuid.NewString(), readerRole, "principalType", "Group"), http.StatusBadRequest,
			"PrincipalNotFound"},
		"not yet replicated": {fresh(account), full(uuid.NewString(), readerRole, "principalType", "ServicePrincipal"),
			http.StatusCreated, ""},
		"wrong principal type": {fresh(group), full(alice, readerRole, "principalType", "Group"), http.StatusBadRequest,
			"UnmatchedPrincipalType"},
		"unknown role": {fresh(account), full(alice, uuid.NewString()), http.StatusBadRequest, "RoleDefinitionDoesNotExist"},
		"outside assignable scopes": {fresh(subscription), full(alice, invokerRole), http.StatusBadRequest,
			"RoleAssignmentScopeNotAssignableToRoleDefinition"},
		"name is no GUID": {account + "/providers/Microsoft.Authorization/roleAssignments/reader", full(bob, readerRole),
			http.StatusBadRequest, "InvalidRoleAssignmentId"},
		"no such storage account": {fresh(account + "x"), full(alice, readerRole), http.StatusNotFound, "ResourceNotFound"},
		"no such resource group": {fresh(group + "x"), full(alice, readerRole), http.StatusNotFound,
			"ResourceGroupNotFound"},
		"at a container": {fresh(container), full(alice, readerRole), http.StatusCreated, ""},
	} {
		t.Run(name, func(t *testing.T) {
			got := w.arm(http.MethodPut, test.id, test.body)
			assert.Equal(t, test.status, got.status, got.body)
			assert.Equal(t, test.code, got.code())
		})
	}
	got := w.arm(http.MethodGet, id, nil)
	assert.Equal(t, "User", got.at("properties", "principalType"))
	assert.Equal(t, account, got.at("properties", "scope"))
	assert.Equal(t, "RoleAssignmentNotFound", w.arm(http.MethodGet, fresh(account), nil).code())
	assert.Equal(t, http.StatusNoContent, w.arm(http.MethodDelete, fresh(account), nil).status)
}

func TestListsOfRoleAssignments(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.assign(scientists, readerRole, account)
	w.assign(bob, writerRole, container)
	w.assign(alice, readerRole, workspace)
	list := func(scope, filter string) int {
		got := w.arm(http.MethodGet,
			scope+"/providers/Microsoft.Authorization/roleAssignments?$filter="+strings.ReplaceAll(filter, " ", "%20"), nil)
		require.Equal(t, http.StatusOK, got.status, got.body)
		return len(got.body["value"].([]any))
	}
	for name, test := range map[string]struct {
		scope, filter string
		want          int
	}{
		"all, with the deployer's own": {account, "", 3},
		"not below":                    {account, "atScope()", 2},
		"a principal's own":            {account, "principalId eq '" + bob + "'", 1},
		"through groups":               {account, "assignedTo('" + bob + "')", 2},
		"through groups, not below":    {account, "atScope() and assignedTo('" + bob + "')", 1},
		"elsewhere":                    {workspace, "assignedTo('" + bob + "')", 0},
	} {
		t.Run(name, func(t *testing.T) { assert.Equal(t, test.want, list(test.scope, test.filter)) })
	}
	for range 105 {
		got := w.arm(http.MethodPut, group+"/providers/Microsoft.Authorization/roleAssignments/"+uuid.NewString(),
			object("properties", object(
				"principalId", uuid.NewString(), "principalType", "ServicePrincipal", "roleDefinitionId", "/providers/"+
					"Microsoft.Authorization/roleDefinitions/"+readerRole)))
		require.Equal(t, http.StatusCreated, got.status)
	}
	seen, pages := w.pages(subscription + "/providers/Microsoft.Authorization/roleAssignments?api-version=2022-04-01")
	assert.Len(t, seen, 109)
	assert.Equal(t, 2, pages)
}

// pages follows a list from page to page. It returns the names of what is in it, and how many pages it has.
func (w *world) pages(list string) (names map[any]bool, pages int) {
	names = map[any]bool{}
	for next := w.URL() + list; next != ""; pages++ {
		got := w.send(http.MethodGet, next, w.token(w.Deployer().ObjectID, management), nil)
		require.Equal(w.t, http.StatusOK, got.status, got.body)
		for _, item := range got.body["value"].([]any) {
			names[item.(map[string]any)["name"]] = true
		}
		next, _ = got.body["nextLink"].(string)
	}
	return names, pages
}

// Every list of Resource Manager has a next page when it is long.
func TestListsAreReadPageByPage(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	roles, pages := w.pages(subscription + "/providers/Microsoft.Authorization/roleDefinitions?api-version=2022-04-01")
	assert.Greater(t, len(roles), 900)
	assert.Equal(t, (len(roles)+99)/100, pages)
	more := azure.Seed{}
	for i := range 105 {
		more.Datastores = append(more.Datastores, azure.Datastore{WorkspaceID: workspace, Name: fmt.Sprint("store", i),
			AccountID: account, Container: "raw"})
	}
	require.NoError(t, w.Seed(more))
	stores, pages := w.pages(workspace + "/datastores?api-version=2024-10-01")
	assert.Greater(t, len(stores), 105)
	assert.Equal(t, 2, pages)
}

func TestClustersAndTheirIdentities(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := workspace + "/computes/gpu"
	made := w.arm(http.MethodPut, id, clusterBody(object("type", "SystemAssigned")))
	require.Equal(t, http.StatusCreated, made.status, made.body)
	assert.Equal(t, "Creating", made.at("properties", "provisioningState"))
	w.wait()
	read := w.arm(http.MethodGet, id, nil)
	assert.Equal(t, "Succeeded", read.at("properties", "provisioningState"))
	principal := read.at("identity", "principalId").(string)
	sp := w.graph(http.MethodGet, "/v1.0/servicePrincipals/"+principal, nil)
	assert.Equal(t, "ws/computes/gpu", sp.body["displayName"])
	again := w.arm(http.MethodPut, id, clusterBody(object("type", "SystemAssigned")))
	assert.Equal(t, http.StatusOK, again.status)
	assert.Equal(t, principal, again.at("identity", "principalId"), "a principal lasts as long as its identity")

	grant := w.assign(principal, readerRole, account)
	gone := w.arm(http.MethodDelete, id+"?underlyingResourceAction=Delete", nil)
	assert.Equal(t, http.StatusAccepted, gone.status)
	w.wait()
	got := w.arm(http.MethodGet, id, nil)
	assert.Equal(t, http.StatusNotFound, got.status)
	assert.Equal(t, "ResourceNotFound", got.code())
	assert.Equal(t, http.StatusNotFound, w.graph(http.MethodGet, "/v1.0/servicePrincipals/"+principal, nil).status)
	assert.Equal(t, http.StatusOK, w.arm(http.MethodGet, grant, nil).status, "Azure leaves the orphan behind")

	for name, test := range map[string]struct {
		id   string
		body any
		code string
	}{
		"no such workspace": {strings.Replace(id, "/ws/", "/other/", 1), clusterBody(nil), "ParentResourceNotFound"},
		"33 characters":     {workspace + "/computes/" + strings.Repeat("x", 33), clusterBody(nil), "InvalidRequest"},
		"2 characters":      {workspace + "/computes/xx", clusterBody(nil), "InvalidRequest"},
		"a digit first":     {workspace + "/computes/1xx", clusterBody(nil), "InvalidRequest"},
		"a hyphen last":     {workspace + "/computes/xx-", clusterBody(nil), "InvalidRequest"},
		"32 characters":     {workspace + "/computes/X" + strings.Repeat("-", 30) + "1", clusterBody(nil), ""},
		"both identities":   {id, clusterBody(object("type", "SystemAssigned,UserAssigned")), "InvalidIdentityType"},
		"a key too many":    {id, clusterBody(object("kind", "SystemAssigned")), "InvalidRequestContent"},
		"unknown identity": {id, clusterBody(object("type", "UserAssigned", "userAssignedIdentities",
			object(group+"/providers/Microsoft.ManagedIdentity/userAssignedIdentities/none",
				object()))), "FailedIdentityOperation"},
		"identity type wrong": {id, clusterBody(object("type", "Managed")), "InvalidIdentityType"},
		"no location":         {id, object("properties", object("computeType", "AmlCompute")), "LocationRequired"},
	} {
		t.Run(name, func(t *testing.T) { assert.Equal(t, test.code, w.arm(http.MethodPut, test.id, test.body).code()) })
	}
}

func TestWhatWasSeededCanBeRead(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for id, want := range map[string]any{
		subscription: nil, group: "Microsoft.Resources/resourceGroups", workspace: "Microsoft.MachineLearningServices/" +
			"workspaces",
		workspace + "/datastores/keyless":    "Microsoft.MachineLearningServices/workspaces/datastores",
		workspace + "/data/heart/versions/1": "Microsoft.MachineLearningServices/workspaces/data/versions",
		endpoint + "/deployments/blue":       "Microsoft.MachineLearningServices/workspaces/batchEndpoints/deployments",
		cluster:                              "Microsoft.MachineLearningServices/workspaces/computes",
		strings.ToUpper(account):             "Microsoft.Storage/storageAccounts",
		container:                            "Microsoft.Storage/storageAccounts/blobServices/containers",
	} {
		got := w.arm(http.MethodGet, id, nil)
		require.Equal(t, http.StatusOK, got.status, id)
		assert.Equal(t, want, got.body["type"])
	}
	got := w.arm(http.MethodGet, endpoint, nil)
	assert.Equal(t, w.URL()+"/inference/westeurope/heart/jobs", got.at("properties", "scoringUri"))
	for id, code := range map[string]string{
		workspace + "/datastores/none":                          "UserError",
		strings.ToUpper(workspace) + "/data/none/versions/1":    "UserError",
		workspace + "/computes/none":                            "ResourceNotFound",
		workspace + "x":                                         "ResourceNotFound",
		workspace + "x/datastores/keyless":                      "ParentResourceNotFound",
		group + "x":                                             "ResourceGroupNotFound",
		strings.Replace(workspace, "11111111-", "99999999-", 1): "SubscriptionNotFound",
	} {
		got := w.arm(http.MethodGet, id, nil)
		assert.Equal(t, http.StatusNotFound, got.status, id)
		assert.Equal(t, code, got.code(), id)
	}
}
