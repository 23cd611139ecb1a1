package azure_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/batchaccess/batchaccess/sandbox/azure"
	"github.com/batchaccess/batchaccess/sandbox/azure/internal/role"
	"github.com/batchaccess/batchaccess/sandbox/azure/internal/state"
)

// Azure's rules for role definitions and assignments, one test each.

// customRole is a custom role as a body, with changes to its properties.
func customRole(changes ...any) any {
	properties := object("roleName", "Invoker", "type", "CustomRole", "assignableScopes", []string{group},
		"permissions", []any{object("actions", []string{"Microsoft.MachineLearningServices/workspaces/read"})})
	for key, value := range object(changes...) {
		properties[key] = value
	}
	return object("properties", properties)
}

func scopes(n int) []string {
	list := make([]string, n)
	for i := range list {
		list[i] = fmt.Sprintf("%s/resourceGroups/rg-%d", subscription, i)
	}
	return list
}

func TestLimitsOfARoleDefinition(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ allowed, refused any }{
		"a name of 512 characters": {customRole("roleName", strings.Repeat("x", 512)),
			customRole("roleName", strings.Repeat("x", 513))},
		"a description of 2,048 characters": {customRole("description", strings.Repeat("x", 2048)),
			customRole("description", strings.Repeat("x", 2049))},
		"2,000 assignable scopes": {customRole("assignableScopes", scopes(2000)),
			customRole("assignableScopes", scopes(2001))},
		"the root is not assignable": {customRole("assignableScopes", []string{subscription}),
			customRole("assignableScopes", []string{"/"})},
		"no wildcard in an assignable scope": {customRole("assignableScopes", []string{group}),
			customRole("assignableScopes", []string{subscription + "/resourceGroups/*"})},
		"at least one assignable scope": {customRole(), customRole("assignableScopes", []string{})},
		"one wildcard in an action": {customRole("permissions",
			[]any{object("actions",
				[]string{"Microsoft.Storage/*/read"})}), customRole("permissions", []any{object("actions", []string{"A/*/b/*"})})},
		"one wildcard in a data action": {customRole("permissions",
			[]any{object("dataActions",
				[]string{"Microsoft.Storage/*/read"})}), customRole("permissions", []any{object("dataActions", []string{"*/*"})})},
		"a custom role is of type CustomRole": {customRole("type", "CustomRole"), customRole("type", "BuiltInRole")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			got := w.arm(http.MethodPut, definitionPath(uuid.NewString()), test.refused)
			assert.Equal(t, http.StatusBadRequest, got.status)
			assert.Equal(t, "InvalidRoleDefinition", got.code(), got.body)
			got = w.arm(http.MethodPut, definitionPath(uuid.NewString()), test.allowed)
			assert.Equal(t, http.StatusCreated, got.status, got.body)
		})
	}
}

func TestARoleIsAssignableInOneManagementGroupAtMost(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.ownRoot()
	const one, two = "/providers/Microsoft.Management/managementGroups/one", "/providers/Microsoft.Management/" +
		"managementGroups/two"
	got := w.arm(http.MethodPut, definitionPath(uuid.NewString()),
		customRole("assignableScopes", []string{one, group, two}))
	assert.Equal(t, "InvalidRoleDefinition", got.code(), got.body)
	got = w.arm(http.MethodPut, definitionPath(uuid.NewString()), customRole("assignableScopes", []string{one, group}))
	assert.Equal(t, http.StatusCreated, got.status, got.body)
}

// ownRoot makes the deployer Owner of everything, like an administrator with elevated access.
func (w *world) ownRoot() {
	w.t.Helper()
	deployer := w.Deployer().ObjectID
	require.NoError(w.t, w.Change(func(st *state.State) {
		st.RoleAssignments["root"] = &state.RoleAssignment{Name: "root", Scope: "/", RoleDefinition: ownerRole,
			PrincipalID: deployer, Seeded: true}
	}))
}

func TestARoleNameIsUniqueInTheTenant(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	mine := definitionPath(uuid.NewString())
	require.Equal(t, http.StatusCreated, w.arm(http.MethodPut, mine, customRole()).status)
	for _, taken := range []string{"Invoker", "INVOKER", "Storage Blob Data Reader"} {
		got := w.arm(http.MethodPut, definitionPath(uuid.NewString()),
			customRole("roleName", taken, "assignableScopes", []string{workspace}))
		assert.Equal(t, http.StatusConflict, got.status, taken)
		assert.Equal(t, "RoleDefinitionWithSameNameExists", got.code(), taken)
	}
	assert.Equal(t, http.StatusCreated, w.arm(http.MethodPut, mine, customRole("roleName", "invoker")).status,
		"its own name is not taken")
}

func TestATenantHas5000CustomRolesAtMost(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	require.NoError(t, w.Change(func(st *state.State) {
		for i := range 4999 {
			id := uuid.NewString()
			st.RoleDefinitions[id] = &state.RoleDefinition{Definition: role.Definition{ID: id, RoleName: fmt.Sprint("role ", i)}}
		}
	}))
	last := definitionPath(uuid.NewString())
	require.Equal(t, http.StatusCreated, w.arm(http.MethodPut, last, customRole()).status)
	got := w.arm(http.MethodPut, definitionPath(uuid.NewString()), customRole("roleName", "one too many"))
	assert.Equal(t, "RoleDefinitionLimitExceeded", got.code(), got.body)
	assert.Equal(t, http.StatusCreated, w.arm(http.MethodPut, last, customRole("description", "changed")).status,
		"one that exists can be changed")
}

func TestARoleWithAssignmentsIsNotDeleted(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	require.Equal(t, http.StatusCreated, w.arm(http.MethodPut, definitionPath(invokerRole), customRole()).status)
	id := w.assign(alice, invokerRole, workspace)
	got := w.arm(http.MethodDelete, definitionPath(invokerRole), nil)
	assert.Equal(t, http.StatusBadRequest, got.status)
	assert.Equal(t, "RoleDefinitionHasAssignments", got.code())
	require.Equal(t, http.StatusOK, w.arm(http.MethodDelete, id, nil).status)
	assert.Equal(t, http.StatusOK, w.arm(http.MethodDelete, definitionPath(invokerRole), nil).status)
}

func TestARoleIsAssignedWithinItsAssignableScopes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	require.Equal(t, http.StatusCreated, w.arm(http.MethodPut, definitionPath(invokerRole),
		customRole("assignableScopes", []string{strings.ToUpper(workspace)})).status)
	for scope, want := range map[string]string{workspace: "", cluster: "",
		group:   "RoleAssignmentScopeNotAssignableToRoleDefinition",
		account: "RoleAssignmentScopeNotAssignableToRoleDefinition"} {
		got := w.arm(http.MethodPut, assignmentPath(scope), assignment(alice, invokerRole))
		assert.Equal(t, want, got.code(), scope)
	}
	assert.Equal(t, http.StatusCreated, w.arm(http.MethodPut, assignmentPath(account),
		assignment(alice, readerRole)).status, "a built-in role everywhere")
}

func assignmentPath(scope string) string {
	return scope + "/providers/Microsoft.Authorization/roleAssignments/" + uuid.NewString()
}

func TestASubscriptionHas4000AssignmentsAtMost(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	require.NoError(t, w.Change(func(st *state.State) { crowd(st, account, 4000-2) })) // the deployer has one
	last := assignmentPath(strings.ToUpper(subscription[:3]) + subscription[3:])
	require.Equal(t, http.StatusCreated, w.arm(http.MethodPut, last, assignment(alice, readerRole)).status)
	got := w.arm(http.MethodPut, assignmentPath(group), assignment(bob, readerRole))
	assert.Equal(t, http.StatusBadRequest, got.status)
	assert.Equal(t, "RoleAssignmentLimitExceeded", got.code())
	require.Equal(t, http.StatusOK, w.arm(http.MethodDelete, last, nil).status)
	assert.Equal(t, http.StatusCreated, w.arm(http.MethodPut, assignmentPath(group), assignment(bob, readerRole)).status)
}

func TestAManagementGroupHas500AssignmentsAtMost(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.ownRoot()
	const managementGroup = "/providers/Microsoft.Management/managementGroups/all"
	require.NoError(t, w.Change(func(st *state.State) { crowd(st, managementGroup, 499) }))
	require.Equal(t, http.StatusCreated, w.arm(http.MethodPut, assignmentPath(managementGroup),
		assignment(alice, readerRole)).status)
	assert.Equal(t, "RoleAssignmentLimitExceeded", w.arm(http.MethodPut, assignmentPath(managementGroup),
		assignment(bob, readerRole)).code())
	assert.Equal(t, http.StatusCreated, w.arm(http.MethodPut, assignmentPath(group), assignment(bob, readerRole)).status,
		"a subscription has a limit of its own")
}

// crowd makes that many assignments at a scope.
func crowd(st *state.State, scope string, n int) {
	for range n {
		name := uuid.NewString()
		st.RoleAssignments[name] = &state.RoleAssignment{Name: name, Scope: scope, RoleDefinition: readerRole,
			PrincipalID: name, PrincipalType: "ServicePrincipal"}
	}
}

func TestAPrincipalHasARoleAtAScopeOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.assign(alice, readerRole, account)
	for form, roleID := range map[string]string{
		"of the tenant": "/providers/Microsoft.Authorization/roleDefinitions/" +
			readerRole, "of the subscription": subscription + "/providers/Microsoft.Authorization/roleDefinitions/" + readerRole,
		"of the scope, in capitals": account + "/providers/Microsoft.Authorization/roleDefinitions/" +
			strings.ToUpper(readerRole),
	} {
		body := object("properties", object("principalId", strings.ToUpper(alice), "roleDefinitionId", roleID))
		got := w.arm(http.MethodPut, assignmentPath(account), body)
		assert.Equal(t, http.StatusConflict, got.status, form)
		assert.Equal(t, "RoleAssignmentExists", got.code(), form)
		again := w.arm(http.MethodPut, id, body)
		assert.Equal(t, http.StatusOK, again.status, "under its own name it is the same, with a role ID %s", form)
		assert.Equal(t, subscription+"/providers/Microsoft.Authorization/roleDefinitions/"+readerRole,
			again.at("properties", "roleDefinitionId"))
	}
	assert.Equal(t, http.StatusCreated, w.arm(http.MethodPut, assignmentPath(container),
		assignment(alice, readerRole)).status, "another scope")
	assert.Equal(t, http.StatusCreated, w.arm(http.MethodPut, assignmentPath(account),
		assignment(alice, writerRole)).status, "another role")
	assert.Equal(t, http.StatusCreated, w.arm(http.MethodPut, assignmentPath(account), assignment(bob, readerRole)).status,
		"another principal")
}

func TestARoleDefinitionIDHasTwoForms(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	require.Equal(t, http.StatusCreated, w.arm(http.MethodPut, definitionPath(invokerRole), customRole()).status)
	assert.Equal(t, subscription+"/providers/Microsoft.Authorization/roleDefinitions/"+invokerRole,
		w.arm(http.MethodGet, definitionPath(invokerRole), nil).body["id"])
	tenantForm := "/providers/Microsoft.Authorization/roleDefinitions/" + invokerRole
	assert.Equal(t, tenantForm, w.arm(http.MethodGet, tenantForm, nil).body["id"])
}

func TestAnAssignmentIsNotUpdated(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.assign(alice, readerRole, account)
	for what, body := range map[string]any{"the role": assignment(alice, writerRole),
		"the principal": assignment(bob, readerRole)} {
		got := w.arm(http.MethodPut, id, body)
		assert.Equal(t, http.StatusBadRequest, got.status, what)
		assert.Equal(t, "RoleAssignmentUpdateNotPermitted", got.code(), what)
	}
	assert.Equal(t, "RoleAssignmentUpdateNotPermitted", w.arm(http.MethodPut, strings.Replace(id, account, group, 1),
		assignment(alice, readerRole)).code(),
		"a GUID is unique in the tenant, not at a scope")
	described := assignment(alice, readerRole).(map[string]any)
	described["properties"].(map[string]any)["description"] = "why"
	assert.Equal(t, http.StatusOK, w.arm(http.MethodPut, id, described).status)
	assert.Equal(t, "why", w.arm(http.MethodGet, id, nil).at("properties", "description"))
	described["properties"].(map[string]any)["description"] = strings.Repeat("é", 2049)
	assert.Equal(t, "BadRequest", w.arm(http.MethodPut, id, described).code())
	described["properties"].(map[string]any)["description"] = strings.Repeat("é", 2048)
	assert.Equal(t, http.StatusOK, w.arm(http.MethodPut, id, described).status)
}

func TestAnAssignmentOutlivesItsPrincipal(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, appID, principal := w.application("nightly")
	require.Equal(t, http.StatusCreated, w.arm(http.MethodPut, definitionPath(invokerRole), customRole()).status)
	id := w.assign(principal, invokerRole, workspace)
	require.Equal(t, http.StatusNoContent, w.graph(http.MethodDelete, "/v1.0/servicePrincipals/"+principal, nil).status)
	orphan := w.arm(http.MethodGet, id, nil)
	assert.Equal(t, principal, orphan.at("properties", "principalId"))
	assert.Equal(t, "RoleDefinitionHasAssignments", w.arm(http.MethodDelete, definitionPath(invokerRole), nil).code())

	again := w.graph(http.MethodPost, "/v1.0/servicePrincipals", object("appId", appID))
	require.Equal(t, http.StatusCreated, again.status)
	assert.NotEqual(t, principal, again.body["id"])
	own := w.arm(http.MethodGet,
		workspace+"/providers/Microsoft.Authorization/roleAssignments?$filter=principalId%20eq%20'"+
			again.body["id"].(string)+"'", nil)
	assert.Empty(t, own.body["value"], "a principal made anew does not inherit")
	assert.Equal(t, http.StatusOK, w.arm(http.MethodDelete, id, nil).status)
}

func TestPermissionsAreActionsLessNotActionsAndAddUp(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const reads = "microsoft.machinelearningservices/WORKSPACES/*"
	require.Equal(t, http.StatusCreated, w.arm(http.MethodPut, definitionPath(invokerRole), customRole("permissions",
		[]any{object(
			"actions", []string{reads}, "notActions",
			[]string{"Microsoft.MachineLearningServices/workspaces/computes/*"})})).status)
	w.assign(bob, invokerRole, group)
	get := func(id string) int {
		return w.send(http.MethodGet, id+"?api-version="+versionOf(id), w.token(bob, management), nil).status
	}
	assert.Equal(t, http.StatusOK, get(workspace), "inherited from the resource group")
	assert.Equal(t, http.StatusForbidden, get(cluster), "taken out by notActions")
	assert.Equal(t, http.StatusForbidden, get(account), "another provider's")
	w.assign(scientists, controlReader, workspace)
	assert.Equal(t, http.StatusOK, get(cluster), "given by another role, through a group: notActions deny nothing")
	assert.Equal(t, http.StatusForbidden, get(account), "a scope does not reach beside itself")
}

// facts/federation.md, Rules: only managed identities.
func TestWritesToOneIdentitysFederatedCredentialsAreRefusedWhileAnotherIsUnderWay(t *testing.T) {
	t.Parallel()
	const credentials = group +
		"/providers/Microsoft.ManagedIdentity/userAssignedIdentities/%s/federatedIdentityCredentials/%s"
	begun, end := make(chan bool), make(chan bool)
	h := azure.OneWrite(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/slow") {
			begun <- true
			<-end
		}
	}))
	send := func(method, path string) *httptest.ResponseRecorder {
		answer := httptest.NewRecorder()
		h.ServeHTTP(answer, httptest.NewRequest(method, path, nil))
		return answer
	}
	done := make(chan int)
	go func() { done <- send(http.MethodPut, fmt.Sprintf(credentials, "mine", "slow")).Code }()
	<-begun
	for _, method := range []string{http.MethodPut, http.MethodPatch, http.MethodDelete} {
		refused := send(method, fmt.Sprintf(credentials, "MINE", "other"))
		assert.Equal(t, http.StatusConflict, refused.Code, method)
		assert.Contains(t, refused.Body.String(), "ConcurrentFederatedIdentityCredentialsWritesForSingleManagedIdentity")
	}
	assert.Equal(t, http.StatusOK, send(http.MethodGet, fmt.Sprintf(credentials, "mine", "other")).Code)
	assert.Equal(t, http.StatusOK, send(http.MethodPut, fmt.Sprintf(credentials, "theirs", "other")).Code)
	end <- true
	assert.Equal(t, http.StatusOK, <-done)
	assert.Equal(t, http.StatusOK, send(http.MethodPut, fmt.Sprintf(credentials, "mine", "other")).Code)
}
