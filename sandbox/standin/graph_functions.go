package standin

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

func withGraph(call func(g graph, args map[string]any) (map[string]any, error)) function {
	return func(ctx context.Context, c *client, args map[string]any) (map[string]any, error) {
		g, err := newGraph(ctx, c)
		if err != nil {
			return nil, err
		}
		return call(g, args)
	}
}

// userSelect has the fields that the real plugin asks for.
var userSelect = strings.Fields(`accountEnabled ageGroup businessPhones city companyName consentProvidedForMinor
	country creationType department displayName employeeHireDate employeeId employeeOrgData employeeType
	externalUserState faxNumber givenName id imAddresses jobTitle mail mailNickname mobilePhone officeLocation
	onPremisesDistinguishedName onPremisesDomainName onPremisesImmutableId onPremisesSamAccountName
	onPremisesSecurityIdentifier onPremisesSyncEnabled onPremisesUserPrincipalName otherMails postalCode
	preferredLanguage proxyAddresses showInAddressList state streetAddress surname usageLocation userPrincipalName
	userType`)

// one returns the only match for the first of the fields that has an argument.
func one(g graph, path, kind string, args map[string]any, fields [][2]string, equals filter,
	more string) (map[string]any, error) {
	for _, f := range fields {
		argument, name := f[0], f[1]
		value := text(args, argument)
		if value == "" {
			continue
		}
		if name == "id" {
			found, err := g.find(path + "/" + url.PathEscape(value))
			if err == nil && found == nil {
				err = fmt.Errorf("there is no %s with the object ID %s", kind, value)
			}
			return found, err
		}
		found, err := g.where(path, equals(name, value)+more)
		if err != nil {
			return nil, err
		}
		if len(found) != 1 {
			return nil, fmt.Errorf("%d of the directory's %ss have the %s %q: one must", len(found), kind, argument, value)
		}
		return found[0], nil
	}
	return nil, fmt.Errorf("a %s is looked up by %s: none is given", kind, argumentNames(fields))
}

func argumentNames(fields [][2]string) string {
	var all []string
	for _, f := range fields {
		all = append(all, f[0])
	}
	return strings.Join(all, ", ")
}

func getUser(g graph, args map[string]any) (map[string]any, error) {
	found, err := one(g, "/v1.0/users", "user", args, [][2]string{
		{"userPrincipalName", "userPrincipalName"}, {"objectId", "id"}, {"mail", "mail"},
		{"mailNickname", "mailNickname"}, {"employeeId", "employeeId"},
	}, equals, "")
	if err != nil {
		return nil, err
	}
	id := text(found, "id")
	user, err := g.get("/v1.0/users/" + id + "?" + url.Values{"$select": {strings.Join(userSelect, ",")}}.Encode())
	if err != nil {
		return nil, err
	}
	manager, err := g.get("/v1.0/users/" + id + "/manager")
	if err != nil && !isStatus(err, http.StatusNotFound) {
		return nil, err
	}
	out := map[string]any{"id": id, "objectId": id, "managerId": text(manager, "id")}
	for _, name := range userSelect {
		// azuread writes "onpremises" where Graph writes "onPremises".
		output := strings.Replace(name, "onPremises", "onpremises", 1)
		if v := user[name]; v != nil && name != "id" {
			out[output] = v
		}
	}
	return out, nil
}

func getGroup(g graph, args map[string]any) (map[string]any, error) {
	var more strings.Builder
	for _, name := range []string{"mailEnabled", "securityEnabled"} {
		if wanted, ok := args[name].(bool); ok {
			fmt.Fprintf(&more, " and %s eq %t", name, wanted)
		}
	}
	found, err := one(g, "/beta/groups", "group", args, [][2]string{
		{"objectId", "id"}, {"displayName", "displayName"}, {"mailNickname", "mailNickname"},
	}, equalsAsIs, more.String())
	if err != nil {
		return nil, err
	}
	id, members := text(found, "id"), "members"
	if args["includeTransitiveMembers"] == true {
		members = "transitiveMembers"
	}
	out := outputsOf(found, groupFields)
	out["id"] = id
	if out["members"], err = g.ids("/beta/groups/" + id + "/" + members); err != nil {
		return nil, err
	}
	if out["owners"], err = g.ids("/beta/groups/" + id + "/owners"); err != nil {
		return nil, err
	}
	keep(out, args, "includeTransitiveMembers")
	return out, nil
}

func getServicePrincipal(g graph, args map[string]any) (map[string]any, error) {
	found, err := one(g, "/v1.0/servicePrincipals", "service principal", args, [][2]string{
		{"clientId", "appId"}, {"objectId", "id"}, {"displayName", "displayName"},
	}, equals, "")
	if err != nil {
		return nil, err
	}
	id := text(found, "id")
	if id == "" {
		return nil, errors.New("the directory answered a service principal without an id")
	}
	out, err := servicePrincipalOutputs(g, "/servicePrincipals/"+id, found)
	if err != nil {
		return nil, err
	}
	out["id"] = id
	return out, nil
}

// getClientConfig makes no call to Graph: the token says who deploys.
func getClientConfig(g graph, _ map[string]any) (map[string]any, error) {
	object, err := g.caller(g.ctx, g.scope)
	if err != nil {
		return nil, err
	}
	tenant, client := g.cfg.TenantID, g.cfg.ClientID
	return map[string]any{
		"tenantId": tenant, "clientId": client, "objectId": object, "id": tenant + "-" + client + "-" + object,
	}, nil
}
