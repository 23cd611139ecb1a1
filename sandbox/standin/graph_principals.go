package standin

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"

	"github.com/google/uuid"
)

var servicePrincipalFields = []field{
	{"objectId", "id"}, {"clientId", "appId"}, {"displayName", "displayName"}, {"accountEnabled", "accountEnabled"},
	{"alternativeNames", "alternativeNames"}, {"appRoleAssignmentRequired", "appRoleAssignmentRequired"},
	{"applicationTenantId", "appOwnerOrganizationId"}, {"description", "description"}, {"homepageUrl", "homepage"},
	{"loginUrl", "loginUrl"}, {"logoutUrl", "logoutUrl"}, {"notes", "notes"},
	{"notificationEmailAddresses", "notificationEmailAddresses"}, {"redirectUris", "replyUrls"},
	{"preferredSingleSignOnMode", "preferredSingleSignOnMode"}, {"signInAudience", "signInAudience"}, {"tags", "tags"},
	{"type", "servicePrincipalType"},
}

func servicePrincipalBody(in map[string]any) map[string]any {
	return map[string]any{
		"@odata.type":    "#microsoft.graph.servicePrincipal",
		"accountEnabled": or(in, "accountEnabled", true), "alternativeNames": or(in, "alternativeNames", []any{}),
		"appRoleAssignmentRequired": or(in, "appRoleAssignmentRequired", false),
		"description":               or(in, "description", nil), "loginUrl": or(in, "loginUrl", nil), "notes": or(in, "notes",
			nil),
		"notificationEmailAddresses": or(in, "notificationEmailAddresses", []any{}),
		"preferredSingleSignOnMode":  or(in, "preferredSingleSignOnMode", nil),
		"samlSingleSignOnSettings":   map[string]any{}, "tags": or(in, "tags", []any{}),
	}
}

func makeServicePrincipal(g graph, in map[string]any) (string, error) {
	existing, err := g.where("/v1.0/servicePrincipals", equals("appId", text(in, "clientId")))
	if err != nil {
		return "", err
	}
	if len(existing) > 0 {
		id := "/servicePrincipals/" + text(existing[0], "id")
		if or(in, "useExisting", false) == true {
			return id, changeServicePrincipal(g, id, in, in)
		}
		return "", fmt.Errorf("a service principal for client %s already exists (%s): import it, or set useExisting",
			text(in, "clientId"), id)
	}
	owners, caller, err := g.owners("v1.0", in)
	if err != nil {
		return "", err
	}
	body := servicePrincipalBody(in)
	body["appId"], body["owners@odata.bind"] = in["clientId"], owners
	body["description"] = temporary + uuid.NewString()
	made, err := g.postAgain("/v1.0/servicePrincipals", body, clientUnreplicated.of)
	if err != nil {
		return "", err
	}
	id := "/servicePrincipals/" + text(made, "id")
	err = g.patch("/v1.0"+id, map[string]any{"description": or(in, "description", nil)})
	if err == nil {
		err = g.disown("/v1.0"+id, caller, in)
	}
	return id, err
}

func fetchServicePrincipal(g graph, id string, state map[string]any) (map[string]any, error) {
	found, err := g.find("/v1.0" + id)
	if err != nil || found == nil {
		return nil, err
	}
	out, err := servicePrincipalOutputs(g, id, found)
	if err != nil {
		return nil, err
	}
	if out["owners"], err = g.ids("/v1.0" + id + "/owners"); err != nil {
		return nil, err
	}
	keep(out, state, "useExisting")
	return out, nil
}

func servicePrincipalOutputs(g graph, id string, found map[string]any) (map[string]any, error) {
	beta, err := g.get("/beta" + id + "?" + url.Values{"$select": {"samlMetadataUrl"}}.Encode())
	if err != nil {
		return nil, err
	}
	out := outputsOf(found, servicePrincipalFields)
	names := []any{}
	for _, name := range texts(found, "servicePrincipalNames") {
		if name != text(found, "appId") {
			names = append(names, name)
		}
	}
	out["servicePrincipalNames"] = names
	if address := text(beta, "samlMetadataUrl"); address != "" {
		out["samlMetadataUrl"] = address
	}
	return out, nil
}

func changeServicePrincipal(g graph, id string, was, in map[string]any) error {
	if err := g.patch("/v1.0"+id, servicePrincipalBody(in)); err != nil {
		return err
	}
	if slices.Equal(texts(was, "owners"), texts(in, "owners")) {
		return nil
	}
	return g.relink("/v1.0"+id+"/owners", "v1.0", texts(in, "owners"))
}

var groupFields = []field{
	{"objectId", "id"}, {"displayName", "displayName"}, {"description", "description"}, {"mail", "mail"},
	{"mailEnabled", "mailEnabled"}, {"mailNickname", "mailNickname"}, {"securityEnabled", "securityEnabled"},
	{"assignableToRole", "isAssignableToRole"}, {"types", "groupTypes"}, {"visibility", "visibility"}, {"theme", "theme"},
	{"behaviors", "resourceBehaviorOptions"}, {"provisioningOptions", "resourceProvisioningOptions"},
	{"preferredLanguage", "preferredLanguage"}, {"proxyAddresses", "proxyAddresses"},
	{"onpremisesDomainName", "onPremisesDomainName"}, {"onpremisesNetbiosName", "onPremisesNetBiosName"},
	{"onpremisesSamAccountName", "onPremisesSamAccountName"}, {"onpremisesSyncEnabled", "onPremisesSyncEnabled"},
	{"onpremisesSecurityIdentifier", "onPremisesSecurityIdentifier"},
}

func makeGroup(g graph, in map[string]any) (string, error) {
	if or(in, "preventDuplicateNames", false) == true {
		same, err := g.where("/beta/groups", equals("displayName", text(in, "displayName")))
		if err != nil {
			return "", err
		}
		if len(same) > 0 {
			return "", fmt.Errorf("a group named %q exists already (%s), and preventDuplicateNames is set",
				text(in, "displayName"), text(same[0], "id"))
		}
	}
	owners, caller, err := g.owners("beta", in)
	if err != nil {
		return "", err
	}
	random := uuid.NewString()
	body := map[string]any{
		"@odata.type": "#microsoft.graph.group",
		"displayName": in["displayName"], "description": or(in, "description", nil),
		"groupTypes": or(in, "types", []any{}), "isAssignableToRole": or(in, "assignableToRole", false),
		"mailEnabled": or(in, "mailEnabled", false), "securityEnabled": or(in, "securityEnabled", false),
		"mailNickname": or(in, "mailNickname", random[:8]+"-"+random[9:10]), "membershipRule": nil,
		"owners@odata.bind":           owners,
		"resourceBehaviorOptions":     or(in, "behaviors", []any{}),
		"resourceProvisioningOptions": or(in, "provisioningOptions", []any{}),
	}
	made, err := g.postAgain("/beta/groups", body, ownerUnreplicated.of)
	if ownerTwice.of(err) { // Graph makes the caller an owner by itself in some tenants
		body["owners@odata.bind"] = slices.DeleteFunc(owners,
			func(owner string) bool { return owner == g.object("beta", caller) })
		made, err = g.postAgain("/beta/groups", body, ownerUnreplicated.of)
	}
	if err != nil {
		return "", err
	}
	id := "/groups/" + text(made, "id")
	err = g.patchAgain("/beta"+id, map[string]any{"displayName": temporary + random}, groupUnreplicated.of)
	if err == nil {
		err = g.patchAgain("/beta"+id, map[string]any{"displayName": in["displayName"]}, groupUnreplicated.of)
	}
	if err == nil {
		err = g.until("group "+id+" by its name", func() (bool, error) {
			found, err := g.find("/beta" + id)
			return text(found, "displayName") == text(in, "displayName"), err
		})
	}
	for _, member := range texts(in, "members") {
		if err == nil {
			err = g.link("/beta"+id+"/members", "beta", member)
		}
	}
	return id, err
}

func fetchGroup(g graph, id string, state map[string]any) (map[string]any, error) {
	found, err := g.find("/beta" + id)
	if err != nil || found == nil {
		return nil, err
	}
	out := outputsOf(found, groupFields)
	if out["owners"], err = g.ids("/beta" + id + "/owners"); err != nil {
		return nil, err
	}
	if out["members"], err = g.ids("/beta" + id + "/members"); err != nil {
		return nil, err
	}
	if _, err := g.ids("/beta" + id + "/memberOf"); err != nil {
		return nil, err
	}
	keep(out, state, "preventDuplicateNames", "administrativeUnitIds", "writebackEnabled", "onpremisesGroupType",
		"autoSubscribeNewMembers", "externalSendersAllowed", "hideFromAddressLists", "hideFromOutlookClients")
	return out, nil
}

func changeGroup(g graph, id string, was, in map[string]any) error {
	err := g.patch("/beta"+id, map[string]any{
		"@odata.type": "#microsoft.graph.group",
		"displayName": in["displayName"], "description": or(in, "description", nil),
		"mailEnabled": or(in, "mailEnabled", false), "securityEnabled": or(in, "securityEnabled", false),
		"membershipRule": nil,
	})
	if err != nil {
		return err
	}
	// Members and owners that the program does not name stay: they are not its own.
	for _, list := range []string{"members", "owners"} {
		_, given := in[list]
		if !given || slices.Equal(texts(was, list), texts(in, list)) {
			continue
		}
		if err := g.relink("/beta"+id+"/"+list, "beta", texts(in, list)); err != nil {
			return err
		}
	}
	return nil
}

func dropGroup(g graph, id string) error {
	if _, err := g.get("/beta" + id); err != nil {
		return err
	}
	return g.removeAndWait("/beta" + id)
}

func makeMember(g graph, in map[string]any) (string, error) {
	group, member := text(in, "groupObjectId"), text(in, "memberObjectId")
	path, id := "/beta/groups/"+group, group+"/member/"+member
	if _, err := g.get(path); err != nil {
		return "", err
	}
	members, err := g.ids(path + "/members")
	if err != nil {
		return "", err
	}
	if slices.Contains(members, any(member)) {
		return "", fmt.Errorf("%s already exists: import it, or leave the membership to whoever made it", id)
	}
	if err := g.link(path+"/members", "beta", member); err != nil {
		return "", err
	}
	return id, nil
}

func fetchMember(g graph, id string, _ map[string]any) (map[string]any, error) {
	group, member, ok := childParts(id, "member")
	if !ok {
		return nil, fmt.Errorf("the ID of a membership is {group}/member/{member}, not %q", id)
	}
	found, err := g.member(group, member)
	if err != nil || !found {
		return nil, err
	}
	return memberParts(id), nil
}

// member reports whether a group has the member; a group that does not exist has none.
func (g graph) member(group, member string) (bool, error) {
	found, err := g.where("/beta/groups/"+group+"/members", equals("id", member))
	if isStatus(err, http.StatusNotFound) {
		return false, nil
	}
	return slices.ContainsFunc(found, func(m map[string]any) bool { return text(m, "id") == member }), err
}

func dropMember(g graph, id string) error {
	group, member, _ := childParts(id, "member")
	if err := g.unlink("/beta/groups/"+group+"/members", member); err != nil {
		return err
	}
	return g.until("that membership "+id+" is gone", func() (bool, error) {
		found, err := g.member(group, member)
		return !found, err
	})
}

func memberParts(id string) map[string]any {
	group, member, ok := childParts(id, "member")
	if !ok {
		return nil
	}
	return map[string]any{"groupObjectId": group, "memberObjectId": member}
}
