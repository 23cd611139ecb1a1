package standin

import (
	"errors"
	"fmt"
	"maps"
	"net/url"
	"reflect"
	"slices"
	"strings"

	"github.com/google/uuid"
)

var applicationFields = []field{
	{"objectId", "id"}, {"clientId", "appId"}, {"displayName", "displayName"}, {"description", "description"},
	{"notes", "notes"}, {"tags", "tags"}, {"signInAudience", "signInAudience"}, {"identifierUris", "identifierUris"},
	{"publisherDomain", "publisherDomain"}, {"disabledByMicrosoft", "disabledByMicrosoftStatus"},
	{"templateId", "applicationTemplateId"}, {"serviceManagementReference", "serviceManagementReference"},
	{"deviceOnlyAuthEnabled", "isDeviceOnlyAuthSupported"}, {"fallbackPublicClientEnabled", "isFallbackPublicClient"},
	{"logoUrl", "info.logoUrl"}, {"marketingUrl", "info.marketingUrl"}, {"supportUrl", "info.supportUrl"},
	{"privacyStatementUrl", "info.privacyStatementUrl"}, {"termsOfServiceUrl", "info.termsOfServiceUrl"},
}

func applicationBody(in map[string]any) map[string]any {
	var claims any
	if c := texts(in, "groupMembershipClaims"); len(c) > 0 {
		claims = strings.Join(c, ",")
	}
	return map[string]any{
		"@odata.type":           "#microsoft.graph.application",
		"displayName":           in["displayName"],
		"description":           or(in, "description", nil),
		"notes":                 or(in, "notes", nil),
		"tags":                  or(in, "tags", []any{}),
		"signInAudience":        or(in, "signInAudience", "AzureADMyOrg"),
		"groupMembershipClaims": claims,
		"api": map[string]any{
			"acceptMappedClaims": false, "knownClientApplications": []any{}, "requestedAccessTokenVersion": 1,
		},
		"info": map[string]any{
			"marketingUrl": or(in, "marketingUrl", nil), "privacyStatementUrl": or(in, "privacyStatementUrl", nil),
			"supportUrl": or(in, "supportUrl", nil), "termsOfServiceUrl": or(in, "termsOfServiceUrl", nil),
		},
		"isDeviceOnlyAuthSupported":  or(in, "deviceOnlyAuthEnabled", false),
		"isFallbackPublicClient":     or(in, "fallbackPublicClientEnabled", false),
		"publicClient":               redirects(in["publicClient"]),
		"serviceManagementReference": or(in, "serviceManagementReference", nil),
		"spa":                        redirects(in["singlePageApplication"]),
		"web":                        webBody(in["web"]),
	}
}

// redirects is the body of a block that has only addresses.
func redirects(block any) map[string]any {
	given, _ := block.(map[string]any)
	return map[string]any{"redirectUris": or(given, "redirectUris", []any{})}
}

func webBody(block any) map[string]any {
	web, _ := block.(map[string]any)
	grant, _ := web["implicitGrant"].(map[string]any)
	body := redirects(web)
	body["homePageUrl"], body["logoutUrl"] = or(web, "homepageUrl", nil), or(web, "logoutUrl", nil)
	body["implicitGrantSettings"] = map[string]any{
		"enableAccessTokenIssuance": or(grant, "accessTokenIssuanceEnabled", false),
		"enableIdTokenIssuance":     or(grant, "idTokenIssuanceEnabled", false),
	}
	return body
}

var (
	webFields   = []field{{"homepageUrl", "homePageUrl"}, {"logoutUrl", "logoutUrl"}, {"redirectUris", "redirectUris"}}
	grantFields = []field{
		{"accessTokenIssuanceEnabled", "enableAccessTokenIssuance"}, {"idTokenIssuanceEnabled", "enableIdTokenIssuance"},
	}
	redirectFields = []field{{"redirectUris", "redirectUris"}}
	appRoleFields  = []field{
		{"allowedMemberTypes", "allowedMemberTypes"}, {"description", "description"}, {"displayName", "displayName"},
		{"enabled", "isEnabled"}, {"id", "id"}, {"value", "value"},
	}
	requiredFields = []field{{"resourceAppId", "resourceAppId"}}
	accessFields   = []field{{"id", "id"}, {"type", "type"}}
)

// blocks adds to an application's outputs those that are objects.
func blocks(found, out map[string]any) {
	for block, name := range map[string]string{"publicClient": "publicClient", "spa": "singlePageApplication"} {
		if inner, ok := found[block].(map[string]any); ok {
			out[name] = given(inner, redirectFields)
		}
	}
	if web, ok := found["web"].(map[string]any); ok {
		block := given(web, webFields)
		if grant, ok := web["implicitGrantSettings"].(map[string]any); ok {
			block["implicitGrant"] = given(grant, grantFields)
		}
		out["web"] = block
	}
	roles, needs := []any{}, []any{}
	for _, role := range objects(found["appRoles"]) {
		roles = append(roles, given(role, appRoleFields))
	}
	for _, required := range objects(found["requiredResourceAccess"]) {
		accesses := []any{}
		for _, access := range objects(required["resourceAccess"]) {
			accesses = append(accesses, given(access, accessFields))
		}
		need := given(required, requiredFields)
		need["resourceAccesses"] = accesses
		needs = append(needs, need)
	}
	out["appRoles"], out["requiredResourceAccesses"] = roles, needs
}

// given reads the fields that have a value in the object.
func given(entity map[string]any, fields []field) map[string]any {
	out := outputsOf(entity, fields)
	maps.DeleteFunc(out, func(_ string, v any) bool { return v == unset{} })
	return out
}

func objects(list any) []map[string]any {
	items, _ := list.([]any)
	var all []map[string]any
	for _, item := range items {
		if item, ok := item.(map[string]any); ok {
			all = append(all, item)
		}
	}
	return all
}

// entities makes Graph's objects from inputs: the reverse of outputsOf.
func entities(list any, fields []field) []any {
	all := []any{}
	for _, item := range objects(list) {
		entity := map[string]any{}
		for _, f := range fields {
			if v, ok := item[f.output]; ok {
				entity[f.path] = v
			}
		}
		all = append(all, entity)
	}
	return all
}

func appRolesBody(in map[string]any) []any {
	roles := entities(in["appRoles"], appRoleFields)
	for _, role := range roles {
		role := role.(map[string]any)
		role["isEnabled"] = or(role, "isEnabled", true)
	}
	return roles
}

func requiredBody(in map[string]any) []any {
	all := entities(in["requiredResourceAccesses"], requiredFields)
	for i, required := range objects(in["requiredResourceAccesses"]) {
		all[i].(map[string]any)["resourceAccess"] = entities(required["resourceAccesses"], accessFields)
	}
	return all
}

func makeApplication(g graph, in map[string]any) (string, error) {
	if or(in, "preventDuplicateNames", false) == true {
		same, err := g.where("/v1.0/applications", equals("displayName", text(in, "displayName")))
		if err != nil {
			return "", err
		}
		if len(same) > 0 {
			return "", fmt.Errorf("an application named %q exists already (%s), and preventDuplicateNames is set",
				text(in, "displayName"), text(same[0], "id"))
		}
	}
	owners, caller, err := g.owners("v1.0", in)
	if err != nil {
		return "", err
	}
	body := applicationBody(in)
	maps.Copy(body, map[string]any{
		"appRoles": appRolesBody(in), "identifierUris": or(in, "identifierUris", []any{}),
		"optionalClaims": map[string]any{}, "requiredResourceAccess": requiredBody(in), "owners@odata.bind": owners,
	})
	body["api"].(map[string]any)["oauth2PermissionScopes"] = []any{}
	made, err := g.post("/v1.0/applications", body)
	if err != nil {
		return "", err
	}
	id := "/applications/" + text(made, "id")
	err = g.patchAgain("/v1.0"+id, map[string]any{"displayName": temporary + uuid.NewString()}, applicationUnreplicated.of)
	if err == nil {
		err = g.patchAgain("/v1.0"+id, map[string]any{"displayName": in["displayName"]}, applicationUnreplicated.of)
	}
	if required, ok := in["oauth2PostResponseRequired"]; ok && err == nil {
		err = g.patch("/beta"+id, map[string]any{"oauth2RequirePostResponse": required})
	}
	if err == nil {
		err = g.disown("/v1.0"+id, caller, in)
	}
	return id, err
}

func fetchApplication(g graph, id string, state map[string]any) (map[string]any, error) {
	found, err := g.find("/v1.0" + id)
	if err != nil || found == nil {
		return nil, err
	}
	beta, err := g.get("/beta" + id + "?" + url.Values{"$select": {"oauth2RequirePostResponse"}}.Encode())
	if err != nil {
		return nil, err
	}
	owners, err := g.ids("/v1.0" + id + "/owners")
	if err != nil {
		return nil, err
	}
	out := outputsOf(found, applicationFields)
	out["owners"] = owners
	blocks(found, out)
	out["groupMembershipClaims"] = unset{}
	if claims := text(found, "groupMembershipClaims"); claims != "" {
		var list []any
		for claim := range strings.SplitSeq(claims, ",") {
			list = append(list, claim)
		}
		out["groupMembershipClaims"] = list
	}
	if required, ok := beta["oauth2RequirePostResponse"].(bool); ok {
		out["oauth2PostResponseRequired"] = required
	}
	keep(out, state, "preventDuplicateNames", "logoImage")
	return out, nil
}

func changeApplication(g graph, id string, was, in map[string]any) error {
	body := applicationBody(in)
	if !slices.Equal(texts(was, "identifierUris"), texts(in, "identifierUris")) {
		body["identifierUris"] = or(in, "identifierUris", []any{})
	}
	if !reflect.DeepEqual(requiredBody(was), requiredBody(in)) {
		body["requiredResourceAccess"] = requiredBody(in)
	}
	if roles := appRolesBody(in); !reflect.DeepEqual(appRolesBody(was), roles) {
		if err := disableRoles(g, id, was, in); err != nil {
			return err
		}
		body["appRoles"] = roles
	}
	if err := g.patch("/v1.0"+id, body); err != nil {
		return err
	}
	if required := or(in, "oauth2PostResponseRequired", false); required != or(was, "oauth2PostResponseRequired", false) {
		if err := g.patch("/beta"+id, map[string]any{"oauth2RequirePostResponse": required}); err != nil {
			return err
		}
	}
	if slices.Equal(texts(was, "owners"), texts(in, "owners")) {
		return nil
	}
	return g.relink("/v1.0"+id+"/owners", "v1.0", texts(in, "owners"))
}

// disableRoles disables the roles that are to be removed: Graph removes only disabled ones.
func disableRoles(g graph, id string, was, in map[string]any) error {
	stays := map[string]bool{}
	for _, role := range objects(in["appRoles"]) {
		stays[text(role, "id")] = true
	}
	if !slices.ContainsFunc(objects(was["appRoles"]), func(r map[string]any) bool { return !stays[text(r, "id")] }) {
		return nil
	}
	found, err := g.get("/v1.0" + id)
	if err != nil {
		return err
	}
	roles := []any{}
	for _, role := range objects(found["appRoles"]) {
		if !stays[text(role, "id")] {
			role["isEnabled"] = false
		}
		roles = append(roles, role)
	}
	if err := g.patch("/v1.0"+id, map[string]any{"id": found["id"], "appRoles": roles}); err != nil {
		return err
	}
	_, err = g.get("/v1.0" + id)
	return err
}

// application checks that the credential's application exists, and returns its path.
func application(g graph, in map[string]any) (path, id string, err error) {
	path = text(in, "applicationId")
	id, ok := strings.CutPrefix(path, "/applications/")
	if !ok {
		return "", "", fmt.Errorf("applicationId must be the id of an application, /applications/{object ID}, not %q", path)
	}
	found, err := g.get("/v1.0" + path)
	if err != nil {
		return "", "", err
	}
	if text(found, "id") == "" {
		return "", "", errors.New("the directory answered an application without an id")
	}
	return "/v1.0" + path, id, nil
}

func makePassword(g graph, in map[string]any) (string, error) {
	path, app, err := application(g, in)
	if err != nil {
		return "", err
	}
	credential := map[string]any{}
	for input, azure := range map[string]string{
		"displayName": "displayName", "endDate": "endDateTime", "startDate": "startDateTime",
	} {
		if v, ok := in[input]; ok {
			credential[azure] = v
		}
	}
	made, err := g.post(path+"/addPassword", map[string]any{"passwordCredential": credential})
	if err != nil {
		return "", err
	}
	if text(made, "secretText") == "" || text(made, "keyId") == "" {
		return "", errors.New("the directory answered a password without its secret or its keyId")
	}
	in["value"] = made["secretText"] // no later answer of Graph has it: fetch takes it from here
	id := app + "/password/" + text(made, "keyId")
	return id, g.until("password "+id, func() (bool, error) {
		found, err := g.password(app, text(made, "keyId"))
		return found != nil, err
	})
}

// password returns nil if the application, or the password, does not exist.
func (g graph) password(app, key string) (map[string]any, error) {
	found, err := g.find("/v1.0/applications/" + app)
	if err != nil || found == nil {
		return nil, err
	}
	credentials, _ := found["passwordCredentials"].([]any)
	for _, c := range credentials {
		if c, ok := c.(map[string]any); ok && strings.EqualFold(text(c, "keyId"), key) {
			return c, nil
		}
	}
	return nil, nil
}

func fetchPassword(g graph, id string, state map[string]any) (map[string]any, error) {
	app, key, ok := childParts(id, "password")
	if !ok {
		return nil, fmt.Errorf("the ID of an application password is {application}/password/{key}, not %q", id)
	}
	found, err := g.password(app, key)
	if err != nil || found == nil {
		return nil, err
	}
	out := outputsOf(found, []field{
		{"displayName", "displayName"}, {"endDate", "endDateTime"}, {"startDate", "startDateTime"}, {"keyId", "keyId"},
	})
	out["applicationId"] = "/applications/" + app
	keep(out, state, "value", "endDateRelative", "rotateWhenChanged")
	return out, nil
}

func dropPassword(g graph, id string) error {
	app, key, _ := childParts(id, "password")
	if _, err := g.post("/v1.0/applications/"+app+"/removePassword", map[string]any{"keyId": key}); err != nil {
		return err
	}
	return g.until("that password "+id+" is gone", func() (bool, error) {
		found, err := g.password(app, key)
		return found == nil, err
	})
}

func passwordParts(id string) map[string]any {
	app, _, ok := childParts(id, "password")
	if !ok {
		return nil
	}
	return map[string]any{"applicationId": "/applications/" + app}
}

const federated = "federatedIdentityCredential" // in an ID; a path has the plural

func federatedBody(in map[string]any) map[string]any {
	return map[string]any{
		"@odata.type": "#microsoft.graph.federatedIdentityCredential",
		"name":        in["displayName"], "description": or(in, "description", ""),
		"issuer": in["issuer"], "subject": in["subject"], "audiences": in["audiences"],
	}
}

func federatedPath(id string) (string, error) {
	app, credential, ok := childParts(id, federated)
	if !ok {
		return "", fmt.Errorf("the ID of a federated credential is {application}/%s/{credential}, not %q", federated, id)
	}
	return "/v1.0/applications/" + app + "/" + federated + "s/" + credential, nil
}

func makeFederatedCredential(g graph, in map[string]any) (string, error) {
	path, app, err := application(g, in)
	if err != nil {
		return "", err
	}
	made, err := g.post(path+"/"+federated+"s", federatedBody(in))
	if err != nil {
		return "", err
	}
	id := text(made, "id")
	return app + "/" + federated + "/" + id, g.until("federated credential "+id, func() (bool, error) {
		found, err := g.find(path + "/" + federated + "s/" + id)
		return found != nil, err
	})
}

func fetchFederatedCredential(g graph, id string, _ map[string]any) (map[string]any, error) {
	path, err := federatedPath(id)
	if err != nil {
		return nil, err
	}
	found, err := g.find(path)
	if err != nil || found == nil {
		return nil, err
	}
	out := outputsOf(found, []field{
		{"displayName", "name"}, {"description", "description"}, {"issuer", "issuer"}, {"subject", "subject"},
		{"audiences", "audiences"},
	})
	app, credential, _ := childParts(id, federated)
	out["applicationId"], out["credentialId"] = "/applications/"+app, credential
	return out, nil
}

func changeFederatedCredential(g graph, id string, _, in map[string]any) error {
	path, err := federatedPath(id)
	if err != nil {
		return err
	}
	body := federatedBody(in)
	_, body["id"], _ = childParts(id, federated)
	return g.patch(path, body)
}

func dropFederatedCredential(g graph, id string) error {
	path, err := federatedPath(id)
	if err != nil {
		return err
	}
	return g.removeAndWait(path)
}

func federatedCredentialParts(id string) map[string]any {
	app, _, ok := childParts(id, federated)
	if !ok {
		return nil
	}
	return map[string]any{"applicationId": "/applications/" + app}
}
