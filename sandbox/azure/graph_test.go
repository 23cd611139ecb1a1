package azure_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestGraphFollowsTheAzureADPlugin(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	caller := w.Deployer().ObjectID
	owners := []string{w.URL() + "/graph/v1.0/directoryObjects/" + caller}

	app := w.graph(http.MethodPost, "/v1.0/applications",
		object("@odata.type", "#microsoft.graph.application", "displayName", "nightly", "description", nil,
			"groupMembershipClaims", nil, "api", object("requestedAccessTokenVersion",
				1), "owners@odata.bind", owners, "tags", []string{"a"}))
	require.Equal(t, http.StatusCreated, app.status, app.body)
	path := "/v1.0/applications/" + app.body["id"].(string)
	require.Equal(t, http.StatusNoContent, w.graph(http.MethodPatch, path,
		object("displayName", "TERRAFORM_UPDATE_x")).status)
	require.Equal(t, http.StatusNoContent, w.graph(http.MethodPatch, path, object("displayName", "nightly")).status)
	require.Equal(t, http.StatusNoContent, w.graph(http.MethodDelete, path+"/owners/"+caller+"/$ref", nil).status)
	assert.Equal(t, http.StatusNotFound, w.graph(http.MethodDelete, path+"/owners/"+caller+"/$ref", nil).status)
	read := w.graph(http.MethodGet, path, nil)
	for _, key := range []string{"groupMembershipClaims", "description", "notes", "tags", "signInAudience"} {
		assert.Contains(t, read.body, key, "a missing property would show as a difference")
	}
	assert.Equal(t, 1.0, read.at("api", "requestedAccessTokenVersion"))
	assert.NotContains(t, read.body, "owners@odata.bind")
	assert.Empty(t, w.graph(http.MethodGet, path+"/owners", nil).body["value"])
	assert.Equal(t, http.StatusOK, w.graph(http.MethodGet,
		"/beta"+path[len("/v1.0"):]+"?$select=oauth2RequirePostResponse", nil).status)

	group := w.graph(http.MethodPost, "/beta/groups", object("displayName", "it's", "mailEnabled", false, "mailNickname",
		"x", "securityEnabled", true, "membershipRule", nil))
	require.Equal(t, http.StatusCreated, group.status, group.body)
	gpath := "/beta/groups/" + group.body["id"].(string)
	rule, has := w.graph(http.MethodGet, gpath, nil).body["membershipRule"]
	assert.True(t, has)
	assert.Nil(t, rule)
	member := object("@odata.id", w.URL()+"/graph/beta/directoryObjects/"+alice)
	require.Equal(t, http.StatusNoContent, w.graph(http.MethodPost, gpath+"/members/$ref", member).status)
	again := w.graph(http.MethodPost, gpath+"/members/$ref", member)
	assert.Equal(t, http.StatusBadRequest, again.status)
	assert.Contains(t, again.message(), "already exist")
	assert.Len(t, w.graph(http.MethodGet, gpath+"/members?$filter=id+eq+'"+alice+"'", nil).body["value"], 1)
	assert.Empty(t, w.graph(http.MethodGet, gpath+"/members?$filter=id+eq+'"+bob+"'", nil).body["value"])
	assert.Len(t, w.graph(http.MethodGet, "/beta/groups?$filter=displayName+eq+'it''s'+and+securityEnabled+eq+true",
		nil).body["value"], 1)
	assert.Empty(t, w.graph(http.MethodGet, "/beta/groups?$filter=displayName+eq+'it''s'+and+securityEnabled+eq+false",
		nil).body["value"])
	for _, kind := range []string{"owners", "memberOf", "transitiveMembers"} {
		assert.Equal(t, http.StatusOK, w.graph(http.MethodGet, gpath+"/"+kind, nil).status, kind)
	}

	users := w.graph(http.MethodGet, "/v1.0/users?$filter=userPrincipalName+eq+'Alice@example.com'", nil)
	require.Len(t, users.body["value"], 1)
	assert.Equal(t, http.StatusNotFound, w.graph(http.MethodGet, "/v1.0/users/"+alice+"/manager", nil).status)
	assert.Equal(t, "#microsoft.graph.user", w.graph(http.MethodGet, "/v1.0/directoryObjects/"+alice,
		nil).body["@odata.type"])
	assert.Equal(t, "Request_UnsupportedQuery", w.graph(http.MethodGet, "/v1.0/users?$filter=endswith(mail,'a')",
		nil).code())
}

func TestServicePrincipalRules(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	got := w.graph(http.MethodPost, "/v1.0/servicePrincipals", object("appId", uuid.NewString()))
	assert.Equal(t, http.StatusBadRequest, got.status)
	assert.Contains(t, got.message(), "does not reference a valid application object")
	app, client, principal := w.application("one")
	got = w.graph(http.MethodPost, "/v1.0/servicePrincipals", object("appId", client))
	assert.Equal(t, http.StatusConflict, got.status)
	require.Equal(t, http.StatusNoContent, w.graph(http.MethodPatch, "/v1.0/applications/"+app,
		object("displayName", "renamed")).status)
	assert.Equal(t, "renamed", w.graph(http.MethodGet, "/v1.0/servicePrincipals/"+principal, nil).body["displayName"])
	require.Equal(t, http.StatusNoContent, w.graph(http.MethodDelete, "/v1.0/applications/"+app, nil).status)
	assert.Equal(t, http.StatusNotFound, w.graph(http.MethodGet, "/v1.0/servicePrincipals/"+principal, nil).status)
}

func TestGraphIsForTheDeployerToWriteAndForPeopleToRead(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, _, principal := w.application("nosy")
	send := func(method, objectID, audience string) int {
		var body any
		if method == http.MethodPost {
			body = object("displayName", "x")
		}
		return w.send(method, "/graph/v1.0/groups", w.token(objectID, audience), body).status
	}
	const graph = "https://graph.microsoft.com"
	assert.Equal(t, http.StatusOK, send(http.MethodGet, alice, graph))
	assert.Equal(t, http.StatusForbidden, send(http.MethodPost, alice, graph))
	assert.Equal(t, http.StatusForbidden, send(http.MethodGet, principal, graph))
	assert.Equal(t, http.StatusUnauthorized, send(http.MethodGet, alice, management))
}

func TestGraphAnswersQueryOptionsOrRefusesThem(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, name := range []string{"a", "b", "c"} {
		w.application(name)
	}
	list := func(query string) answer { return w.graph(http.MethodGet, "/v1.0/applications?"+query, nil) }
	all := list("$count=true")
	total := len(all.body["value"].([]any))
	require.GreaterOrEqual(t, total, 3)
	assert.EqualValues(t, total, all.body["@odata.count"])
	assert.NotContains(t, list("").body, "@odata.count")
	assert.NotContains(t, all.body, "@odata.nextLink")

	seen := map[any]bool{}
	next := "/graph/v1.0/applications?$top=2&$select=id"
	for range total { // more than there are pages
		if next == "" {
			break
		}
		page := w.send(http.MethodGet, next, w.token(w.Deployer().ObjectID, "https://graph.microsoft.com"), nil)
		require.Equal(t, http.StatusOK, page.status, page.body)
		for _, item := range page.body["value"].([]any) {
			seen[item.(map[string]any)["id"]] = true
			assert.NotContains(t, item, "displayName")
		}
		next, _ = page.body["@odata.nextLink"].(string)
	}
	assert.Empty(t, next)
	assert.Len(t, seen, total)

	for _, query := range []string{"$top=0", "$top=1000", "$top=x", "$skiptoken=x", "$skiptoken=-1", "$skiptoken=1000",
		"$search=x", "$expand=owners", "$orderby=id", "$skip=1"} {
		assert.Equal(t, http.StatusBadRequest, list(query).status, query)
	}
	full := w.send(http.MethodGet, "/graph/beta/users/"+alice, w.token(alice, "https://graph.microsoft.com"), nil,
		"Accept", "application/json;odata.metadata=full")
	assert.Equal(t, w.URL()+"/graph/beta/directoryObjects/"+alice, full.body["@odata.id"])
}

func TestTextsThatAreTooLongAreRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	app, _, _ := w.application("nightly")
	long := func(n int) string { return strings.Repeat("ä", n) }
	group := func(key, value string) any {
		body := object("displayName", "a", "mailEnabled", false, "mailNickname", "a", "securityEnabled", true)
		body[key] = value
		return body
	}
	for name, test := range map[string]struct {
		method, path string
		body         func(n int) any
		most         int
	}{
		"an application's name": {http.MethodPost, "/v1.0/applications",
			func(n int) any { return object("displayName", long(n)) }, 256},
		"an application's new name": {http.MethodPatch, "/v1.0/applications/" + app,
			func(n int) any { return object("displayName", long(n)) }, 256},
		"a tag": {http.MethodPatch, "/v1.0/applications/" + app,
			func(n int) any { return object("tags", []any{"a", long(n)}) }, 256},
		"a group's name": {http.MethodPost, "/v1.0/groups", func(n int) any { return group("displayName", long(n)) }, 256},
		"a group's nickname": {http.MethodPost, "/v1.0/groups",
			func(n int) any { return group("mailNickname", strings.Repeat("a", n)) }, 64},
		"a description": {http.MethodPost, "/v1.0/groups", func(n int) any { return group("description", long(n)) }, 1024},
	} {
		t.Run(name, func(t *testing.T) {
			assert.Less(t, w.graph(test.method, test.path, test.body(test.most)).status, 300)
			assert.Equal(t, "Request_BadRequest", w.graph(test.method, test.path, test.body(test.most+1)).code())
		})
	}
}
