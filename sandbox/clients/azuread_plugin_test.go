package clients_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The requests of the azuread plugin, and what it needs in the answers, were recorded from the plugin itself, call by
// call. These tests send the same requests, and check the answers for what it needs: above all, keys that must be there
// as null.

// plugin is the azuread plugin's side of the conversation.
type plugin struct {
	*rest
	graphURL, caller string
}

func (w *world) plugin() *plugin {
	w.t.Helper()
	return &plugin{rest: w.graph(), graphURL: w.URL() + "/graph", caller: w.Deployer().ObjectID}
}

func (p *plugin) get(path string) reply { p.t.Helper(); return p.send(http.MethodGet, path, nil, 200) }

// gone is what the plugin looks for after a deletion, five times in a row.
func (p *plugin) gone(path string) {
	p.t.Helper()
	for range 5 {
		got := p.send(http.MethodGet, path, nil, http.StatusNotFound)
		require.Equal(p.t, "Request_ResourceNotFound", got.at("error", "code"))
	}
}

// reference is the reference to an object in owners@odata.bind and $ref bodies.
func (p *plugin) reference(version, id string) string {
	return p.graphURL + "/" + version + "/directoryObjects/" + id
}

func isNull(t *testing.T, r reply, keys ...string) {
	t.Helper()
	parent, _ := r.at(keys[:len(keys)-1]...).(object)
	value, there := parent[keys[len(keys)-1]]
	require.True(t, there, "%v must be there, as null: without it the plugin sees a difference", keys)
	require.Nil(t, value, keys)
}

// filtered is a list's path with $filter in the plugin's encoding.
func filtered(path, filter string) string {
	return path + "?" + url.Values{"$filter": {filter}}.Encode()
}

func TestThePluginConfiguresItself(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	anonymous := &rest{t: t, client: w.client, base: w.URL()}
	metadata := anonymous.send(http.MethodGet, "/metadata/endpoints?api-version=2022-09-01", nil, http.StatusOK)
	metadata.text("name")
	metadata.text("resourceManager")
	d, graph, login := w.Deployer(), strings.TrimSuffix(metadata.text("microsoftGraphResourceId"),
		"/"), metadata.at("authentication", "loginEndpoint").(string)
	require.NotEmpty(t, login)
	form := url.Values{"client_id": {d.ClientID}, "client_secret": {d.ClientSecret}, "grant_type": {"client_credentials"},
		"scope": {graph + "/.default"}}
	for _, address := range []string{login + "/" + tenantID, login + "//" + tenantID} {
		res, err := w.client.PostForm(address+"/oauth2/v2.0/token", form)
		require.NoError(t, err)
		defer res.Body.Close()
		require.Equal(t, http.StatusOK, res.StatusCode, "a doubled slash counts as one")
	}
	// getClientConfig makes no call: it is the oid claim of the token.
	claims := jwt.MapClaims{}
	_, _, err := jwt.NewParser().ParseUnverified(w.bearer(graph), claims)
	require.NoError(t, err)
	assert.Equal(t, d.ObjectID, claims["oid"])
	assert.IsType(t, 0.0, claims["iat"], "the plugin wants a number")
	assert.GreaterOrEqual(t, claims["exp"].(float64)-claims["iat"].(float64), 1200.0,
		"else it signs in anew before every call")

	form.Set("client_secret", "guess")
	res, err := w.client.PostForm(login+"/"+tenantID+"/oauth2/v2.0/token", form)
	require.NoError(t, err)
	defer res.Body.Close()
	assert.Equal(t, http.StatusUnauthorized, res.StatusCode, "not one that the plugin retries")
}

// application sends the requests of the plugin's create up to its first read.
func (p *plugin) application(name string) (id, appID string) {
	p.t.Helper()
	made := p.send(http.MethodPost, "/v1.0/applications", object{
		"@odata.type": "#microsoft.graph.application",
		"api": object{"acceptMappedClaims": false, "knownClientApplications": []any{}, "oauth2PermissionScopes": []any{},
			"requestedAccessTokenVersion": 1},
		"appRoles": []any{}, "description": "nightly scoring", "displayName": name, "groupMembershipClaims": nil,
		"identifierUris": []any{},
		"info": object{"marketingUrl": nil, "privacyStatementUrl": nil, "supportUrl": nil,
			"termsOfServiceUrl": nil},
		"isDeviceOnlyAuthSupported": false, "isFallbackPublicClient": false, "notes": nil, "optionalClaims": object{},
		"owners@odata.bind": []string{p.reference("v1.0", p.caller)},
		"publicClient":      object{"redirectUris": []any{}}, "requiredResourceAccess": []any{},
		"serviceManagementReference": nil,
		"signInAudience":             "AzureADMyOrg", "spa": object{"redirectUris": []any{}}, "tags": []any{"b", "a"},
		"web": object{"homePageUrl": nil, "logoutUrl": nil, "redirectUris": []any{},
			"implicitGrantSettings": object{"enableAccessTokenIssuance": false, "enableIdTokenIssuance": false}},
	}, http.StatusCreated)
	id = made.text("id")
	path := "/v1.0/applications/" + id
	p.send(http.MethodPatch, path, object{"displayName": "TERRAFORM_UPDATE_" + uuid.NewString()}, http.StatusNoContent)
	p.send(http.MethodPatch, path, object{"displayName": name}, http.StatusNoContent)
	p.send(http.MethodDelete, path+"/owners/"+p.caller+"/$ref", nil, http.StatusNoContent)
	return id, made.text("appId")
}

func TestThePluginManagesAnApplication(t *testing.T) {
	t.Parallel()
	p := newWorld(t).plugin()
	id, appID := p.application("nightly")
	path := "/v1.0/applications/" + id

	read := func() reply {
		got := p.get(path)
		p.get("/beta/applications/" + id + "?$select=oauth2RequirePostResponse")
		assert.Empty(t, p.get(path+"/owners").values(), "the caller was taken off again")
		return got
	}
	got := read()
	assert.Equal(t, id, got.text("id"))
	assert.Equal(t, appID, got.text("appId"))
	assert.Equal(t, "nightly", got.text("displayName"))
	assert.Equal(t, "nightly scoring", got.text("description"))
	assert.Equal(t, "AzureADMyOrg", got.text("signInAudience"))
	assert.ElementsMatch(t, []any{"a", "b"}, got.at("tags"))
	assert.Equal(t, 1.0, got.at("api", "requestedAccessTokenVersion"))
	isNull(t, got, "groupMembershipClaims")
	isNull(t, got, "notes")
	got.text("publisherDomain")

	update := object{
		"@odata.type": "#microsoft.graph.application", "api": object{"acceptMappedClaims": false,
			"knownClientApplications": []any{}, "requestedAccessTokenVersion": 1},
		"description": nil, "displayName": "weekly", "groupMembershipClaims": nil, "isFallbackPublicClient": false,
		"notes":          "moved",
		"signInAudience": "AzureADMyOrg", "tags": []any{}, "id": id,
	}
	p.send(http.MethodPatch, path, update, http.StatusNoContent)
	got = read()
	assert.Equal(t, "weekly", got.text("displayName"))
	assert.Equal(t, "moved", got.text("notes"))
	assert.Empty(t, got.at("tags"))
	isNull(t, got, "description")
	assert.Equal(t, appID, got.text("appId"))

	reference := object{"@odata.id": p.reference("v1.0", alice)}
	assert.Empty(t, p.get(path+"/owners").values())
	p.send(http.MethodPost, path+"/owners/$ref", reference, http.StatusNoContent)
	owners := p.get(path + "/owners").values()
	require.Len(t, owners, 1)
	assert.Equal(t, alice, owners[0].(object)["id"])
	p.send(http.MethodDelete, path+"/owners/"+alice+"/$ref", nil, http.StatusNoContent)

	p.send(http.MethodDelete, path, nil, http.StatusNoContent)
	p.gone(path)
	p.send(http.MethodDelete, path, nil, http.StatusNotFound)
}

// servicePrincipal sends the requests of the plugin's create up to its first read.
func (p *plugin) servicePrincipal(appID string) string {
	p.t.Helper()
	require.Empty(p.t, p.get(filtered("/v1.0/servicePrincipals", "appId eq '"+appID+"'")).values())
	id := p.send(http.MethodPost, "/v1.0/servicePrincipals", object{
		"@odata.type": "#microsoft.graph.servicePrincipal", "accountEnabled": true, "alternativeNames": []any{},
		"appId":                     appID,
		"appRoleAssignmentRequired": false, "description": "TERRAFORM_UPDATE_" +
			uuid.NewString(), "loginUrl": nil, "notes": nil,
		"notificationEmailAddresses": []any{}, "owners@odata.bind": []string{p.reference("v1.0", p.caller)},
		"preferredSingleSignOnMode": nil, "samlSingleSignOnSettings": object{}, "tags": []any{},
	}, http.StatusCreated).text("id")
	p.send(http.MethodPatch, "/v1.0/servicePrincipals/"+id, object{"description": nil}, http.StatusNoContent)
	p.send(http.MethodDelete, "/v1.0/servicePrincipals/"+id+"/owners/"+p.caller+"/$ref", nil, http.StatusNoContent)
	return id
}

func TestThePluginManagesAServicePrincipal(t *testing.T) {
	t.Parallel()
	p := newWorld(t).plugin()
	app, appID := p.application("nightly")
	id := p.servicePrincipal(appID)
	path := "/v1.0/servicePrincipals/" + id
	read := func() reply {
		got := p.get(path)
		p.get("/beta/servicePrincipals/" + id + "?$select=samlMetadataUrl")
		assert.Empty(t, p.get(path+"/owners").values())
		return got
	}
	got := read()
	assert.Equal(t, appID, got.text("appId"))
	assert.Equal(t, true, got.at("accountEnabled"))
	assert.Equal(t, "nightly", got.text("displayName"))
	assert.Equal(t, "Application", got.text("servicePrincipalType"))
	assert.Equal(t, tenantID, got.text("appOwnerOrganizationId"))
	assert.Contains(t, got.at("servicePrincipalNames"), appID)
	isNull(t, got, "samlSingleSignOnSettings")
	isNull(t, got, "description")

	p.send(http.MethodPatch, path, object{
		"@odata.type": "#microsoft.graph.servicePrincipal", "accountEnabled": false, "alternativeNames": []any{},
		"appRoleAssignmentRequired": true,
		"description":               "paused", "samlSingleSignOnSettings": object{}, "tags": []any{"x"},
	}, http.StatusNoContent)
	got = read()
	assert.Equal(t, false, got.at("accountEnabled"))
	assert.Equal(t, "paused", got.text("description"))
	assert.Equal(t, appID, got.text("appId"))

	taken := p.send(http.MethodPost, "/v1.0/servicePrincipals", object{"appId": appID, "accountEnabled": true},
		http.StatusConflict)
	assert.NotEmpty(t, taken.at("error", "message"))
	missing := p.send(http.MethodPost, "/v1.0/servicePrincipals", object{"appId": uuid.NewString()}, http.StatusBadRequest)
	assert.Regexp(t, "The appId '.*' of the service principal does not reference a valid application object",
		missing.at("error", "message"))

	p.send(http.MethodPatch, "/v1.0/applications/"+app, object{"displayName": "weekly"}, http.StatusNoContent)
	assert.Equal(t, "weekly", p.get(path).text("displayName"))
	p.send(http.MethodDelete, path, nil, http.StatusNoContent)
	p.gone(path)
}

func TestThePluginManagesAPassword(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := w.plugin()
	id, _ := p.application("nightly")
	path := "/v1.0/applications/" + id
	credential := func(keyID string) object {
		t.Helper()
		for _, item := range p.get(path).at("passwordCredentials").([]any) {
			if item.(object)["keyId"] == keyID {
				return item.(object)
			}
		}
		return nil
	}
	p.get(path)
	made := p.send(http.MethodPost, path+"/addPassword", object{"passwordCredential": object{
		"displayName": "2030", "endDateTime": "2030-01-01T00:00:00Z", "startDateTime": "2026-01-01T00:00:00Z",
	}}, http.StatusOK)
	made.text("secretText")
	keyID := made.text("keyId")
	for range 5 {
		got := credential(keyID)
		require.NotNil(t, got)
		assert.Equal(t, "2030", got["displayName"])
		assert.Equal(t, "2030-01-01T00:00:00Z", got["endDateTime"], "the plugin compares dates as text")
		assert.Equal(t, "2026-01-01T00:00:00Z", got["startDateTime"])
		assert.Nil(t, got["secretText"], "told once only")
	}
	// A replacement first adds and then removes.
	next := p.send(http.MethodPost, path+"/addPassword", object{"passwordCredential": object{}}, http.StatusOK)
	next.text("endDateTime")
	p.send(http.MethodPost, path+"/removePassword", object{"keyId": strings.ToUpper(keyID)}, http.StatusNoContent)
	require.Nil(t, credential(keyID))
	require.NotNil(t, credential(next.text("keyId")))
	p.send(http.MethodPost, path+"/removePassword", object{"keyId": keyID}, http.StatusNotFound)
	p.gone("/v1.0/applications/" + uuid.NewString())
}

func TestThePluginManagesAFederatedCredential(t *testing.T) {
	t.Parallel()
	p := newWorld(t).plugin()
	app, _ := p.application("ci")
	p.get("/v1.0/applications/" + app)
	list := "/v1.0/applications/" + app + "/federatedIdentityCredentials"
	body := object{
		"@odata.type": "#microsoft.graph.federatedIdentityCredential", "audiences": []string{exchange}, "description": "",
		"issuer": github, "name": "main", "subject": branch,
	}
	id := p.send(http.MethodPost, list, body, http.StatusCreated).text("id")
	for range 5 {
		got := p.get(list + "/" + id)
		assert.Equal(t, "main", got.text("name"))
		assert.Equal(t, github, got.text("issuer"))
		assert.Equal(t, branch, got.text("subject"))
		assert.Equal(t, []any{exchange}, got.at("audiences"))
		assert.Empty(t, got.at("description"))
	}
	p.send(http.MethodPost, list, body, http.StatusConflict)

	body["id"], body["subject"], body["description"] = id, "repo:acme/scores:pull_request", "for pull requests"
	p.send(http.MethodPatch, list+"/"+id, body, http.StatusNoContent)
	got := p.get(list + "/" + id)
	assert.Equal(t, "repo:acme/scores:pull_request", got.text("subject"))
	assert.Equal(t, "for pull requests", got.text("description"))
	p.send(http.MethodDelete, list+"/"+id, nil, http.StatusNoContent)
	p.gone(list + "/" + id)
	p.send(http.MethodDelete, list+"/"+id, nil, http.StatusNotFound)
}
