package clients_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// group sends the requests of the plugin's create up to its first read, all to beta.
func (p *plugin) group(name string) string {
	p.t.Helper()
	id := p.send(http.MethodPost, "/beta/groups", object{
		"@odata.type": "#microsoft.graph.group", "description": "runs " +
			"scoring", "displayName": name, "groupTypes": []any{}, "isAssignableToRole": false,
		"mailEnabled": false, "mailNickname": "1234abcd-5", "membershipRule": nil,
		"owners@odata.bind":       []string{p.reference("beta", p.caller)},
		"resourceBehaviorOptions": []any{}, "resourceProvisioningOptions": []any{}, "securityEnabled": true,
	}, http.StatusCreated).text("id")
	path := "/beta/groups/" + id
	p.send(http.MethodPatch, path, object{"displayName": "TERRAFORM_UPDATE_" + uuid.NewString()}, http.StatusNoContent)
	p.send(http.MethodPatch, path, object{"displayName": name}, http.StatusNoContent)
	for range 5 {
		require.Equal(p.t, name, p.get(path).text("displayName"))
	}
	return id
}

func TestThePluginManagesAGroup(t *testing.T) {
	t.Parallel()
	p := newWorld(t).plugin()
	id := p.group("scientists")
	path := "/beta/groups/" + id
	read := func() reply {
		got := p.get(path)
		owners := p.get(path + "/owners").values()
		require.Len(t, owners, 1, "unlike an application's, the caller stays")
		assert.Equal(t, p.caller, owners[0].(object)["id"])
		assert.Empty(t, p.get(path+"/memberOf").values())
		return got
	}
	got := read()
	assert.Equal(t, "scientists", got.text("displayName"))
	assert.Equal(t, "runs scoring", got.text("description"))
	assert.Equal(t, "1234abcd-5", got.text("mailNickname"))
	assert.Equal(t, true, got.at("securityEnabled"))
	isNull(t, got, "membershipRule")

	p.send(http.MethodPost, path+"/members/$ref", object{"@odata.id": p.reference("beta", alice)}, http.StatusNoContent)
	require.Len(t, p.get(path+"/members").values(), 1)
	p.send(http.MethodDelete, path+"/members/"+alice+"/$ref", nil, http.StatusNoContent)

	p.send(http.MethodPatch, path, object{
		"@odata.type": "#microsoft.graph.group", "description": nil, "displayName": "analysts", "mailEnabled": false,
		"membershipRule": nil, "securityEnabled": true,
	}, http.StatusNoContent)
	got = read()
	assert.Equal(t, "analysts", got.text("displayName"))
	isNull(t, got, "description")
	isNull(t, got, "membershipRule")

	// The plugin asks directoryObjects for an owner's kind, and reads it from @odata.type.
	for other, kind := range map[string]string{alice: "user", robot: "servicePrincipal", id: "group"} {
		assert.Equal(t, "#microsoft.graph."+kind, p.get("/v1.0/directoryObjects/"+other).text("@odata.type"))
	}
	p.get(path)
	p.send(http.MethodDelete, path, nil, http.StatusNoContent)
	p.gone(path)
}

func TestThePluginManagesAMember(t *testing.T) {
	t.Parallel()
	p := newWorld(t).plugin()
	group := p.group("scientists")
	_, appID := p.application("nightly")
	member := p.servicePrincipal(appID)
	path := "/beta/groups/" + group
	p.get(path)
	assert.Empty(t, p.get(path+"/members").values())
	p.send(http.MethodPost, path+"/members/$ref", object{"@odata.id": p.reference("beta", member)}, http.StatusNoContent)
	listed := func() []any { return p.get(filtered(path+"/members", "id eq '"+member+"'")).values() }
	require.Len(t, listed(), 1, "at once: the plugin does not wait")
	assert.Equal(t, member, listed()[0].(object)["id"], "letter by letter")
	twice := p.send(http.MethodPost, path+"/members/$ref", object{"@odata.id": p.reference("beta", member)},
		http.StatusBadRequest)
	assert.Contains(t, twice.at("error", "message"), "already exist")
	p.send(http.MethodPost, path+"/members/$ref", object{"@odata.id": p.reference("beta", uuid.NewString())},
		http.StatusNotFound)

	p.send(http.MethodDelete, path+"/members/"+member+"/$ref", nil, http.StatusNoContent)
	for range 5 {
		require.Empty(t, listed())
	}
	p.send(http.MethodDelete, path+"/members/"+member+"/$ref", nil, http.StatusNotFound)
	p.send(http.MethodDelete, path, nil, http.StatusNoContent)
	p.send(http.MethodGet, filtered(path+"/members", "id eq '"+member+"'"), nil, http.StatusNotFound)
}

// userFields is the $select of getUser.
const userFields = "accountEnabled,ageGroup,businessPhones,city,companyName,consentProvidedForMinor,country," +
	"creationType,department,displayName," +
	"employeeHireDate,employeeId,employeeOrgData,employeeType,externalUserState,faxNumber,givenName,id,imAddresses," +
	"jobTitle,mail,mailNickname,mobilePhone," +
	"officeLocation,onPremisesDistinguishedName,onPremisesDomainName,onPremisesImmutableId,onPremisesSamAccountName," +
	"onPremisesSecurityIdentifier," +
	"onPremisesSyncEnabled,onPremisesUserPrincipalName,otherMails,postalCode,preferredLanguage,proxyAddresses," +
	"showInAddressList,state,streetAddress,surname,usageLocation,userPrincipalName,userType"

func TestThePluginFindsAUser(t *testing.T) {
	t.Parallel()
	p := newWorld(t).plugin()
	for _, filter := range []string{"userPrincipalName eq 'alice@example.com'", "mail eq 'alice@example.com'",
		"mailNickname eq 'alice'"} {
		found := p.get(filtered("/v1.0/users", filter)).values()
		require.Len(t, found, 1, filter)
		assert.Equal(t, alice, found[0].(object)["id"])
	}
	got := p.get("/v1.0/users/" + alice + "?$select=" + userFields)
	assert.Equal(t, "alice@example.com", got.text("userPrincipalName"))
	assert.Equal(t, "Alice", got.text("displayName"))
	// no manager; a 204 would make the plugin fail
	p.send(http.MethodGet, "/v1.0/users/"+alice+"/manager", nil, http.StatusNotFound)
	assert.Empty(t, p.get(filtered("/v1.0/users", "userPrincipalName eq 'o''brien@example.com'")).values())
	p.gone("/v1.0/users/" + uuid.NewString())
}

func TestThePluginFindsAGroup(t *testing.T) {
	t.Parallel()
	p := newWorld(t).plugin()
	id := p.group("scientists")
	for _, filter := range []string{
		"displayName eq 'scientists'", "displayName eq 'scientists' and securityEnabled eq true",
		"displayName eq 'scientists' and mailEnabled eq false and securityEnabled eq true", "mailNickname eq '1234abcd-5'",
	} {
		found := p.get(filtered("/beta/groups", filter)).values()
		require.Len(t, found, 1, filter)
		assert.Equal(t, id, found[0].(object)["id"])
	}
	assert.Empty(t, p.get(filtered("/beta/groups", "displayName eq 'scientists' and mailEnabled eq true")).values())
	for _, below := range []string{"members", "transitiveMembers", "owners"} {
		p.get("/beta/groups/" + id + "/" + below).values()
	}
	p.get("/beta/groups/" + id)
}

func TestThePluginFindsAServicePrincipal(t *testing.T) {
	t.Parallel()
	p := newWorld(t).plugin()
	_, appID := p.application("it's nightly")
	id := p.servicePrincipal(appID)
	for _, filter := range []string{"appId eq '" + appID + "'",
		"displayName eq '" + strings.ReplaceAll("it's nightly", "'", "''") + "'"} {
		found := p.get(filtered("/v1.0/servicePrincipals", filter)).values()
		require.Len(t, found, 1, filter)
		assert.Equal(t, id, found[0].(object)["id"])
		assert.Equal(t, appID, found[0].(object)["appId"])
	}
	p.get("/beta/servicePrincipals/" + id + "?$select=samlMetadataUrl")
	p.get("/v1.0/servicePrincipals/" + id)
	assert.Empty(t, p.get(filtered("/v1.0/servicePrincipals", "appId eq '"+uuid.NewString()+"'")).values())
}

func TestWhatWasNeverSetIsAnsweredAsNull(t *testing.T) {
	t.Parallel()
	p := newWorld(t).plugin()
	app := p.send(http.MethodPost, "/v1.0/applications", object{"displayName": "bare"}, http.StatusCreated).text("id")
	got := p.get("/v1.0/applications/" + app)
	for _, keys := range [][]string{{"groupMembershipClaims"}, {"description"}, {"notes"},
		{"api", "requestedAccessTokenVersion"}} {
		isNull(t, got, keys...)
	}
	group := p.send(http.MethodPost, "/beta/groups", object{"displayName": "bare", "mailEnabled": false,
		"mailNickname": "bare", "securityEnabled": true}, http.StatusCreated).text("id")
	for _, key := range []string{"membershipRule", "description"} {
		isNull(t, p.get("/beta/groups/"+group), key)
		found := p.get(filtered("/beta/groups", "displayName eq 'bare'"))
		require.Len(t, found.values(), 1)
		assert.Contains(t, found.values()[0], key)
	}
}
