package graph

import (
	"maps"
	"net/http"
	"slices"

	"github.com/google/uuid"

	"github.com/batchaccess/batchaccess/sandbox/azure/internal/state"
	"github.com/batchaccess/batchaccess/sandbox/azure/internal/wire"
)

var servicePrincipalDefaults = map[string]any{
	"description": nil, "notes": nil, "tags": []any{}, "appRoleAssignmentRequired": false, "loginUrl": nil,
	"logoutUrl":                  nil,
	"notificationEmailAddresses": []any{}, "preferredSingleSignOnMode": nil, "appRoles": []any{},
	"oauth2PermissionScopes": []any{},
	"homepage":               nil, "replyUrls": []any{}, "signInAudience": "AzureADMyOrg",
}

// decidedForServicePrincipal are the properties kept in fields of their own or decided by Entra. Graph answers null
// for SAML settings that are empty.
var decidedForServicePrincipal = []string{
	"appId", "accountEnabled", "servicePrincipalType", "servicePrincipalNames", "appOwnerOrganizationId",
	"samlSingleSignOnSettings", "displayName",
}

func renderServicePrincipal(st *state.State, sp *state.ServicePrincipal) map[string]any {
	rendered := merge(merge(servicePrincipalDefaults, sp.Attributes), map[string]any{
		"@odata.type": "#microsoft.graph.servicePrincipal",
		"id":          sp.ID, "appId": sp.AppID, "accountEnabled": sp.Enabled, "servicePrincipalType": sp.Type,
		"servicePrincipalNames": []any{sp.AppID}, "appOwnerOrganizationId": st.TenantID, "samlSingleSignOnSettings": nil,
	})
	if rendered["alternativeNames"] == nil {
		rendered["alternativeNames"] = []any{}
	}
	if sp.ResourceID != "" {
		rendered["alternativeNames"] = []any{"isExplicit=True", sp.ResourceID}
	}
	// A service principal has its application's name, even after the application was renamed.
	if app := st.ApplicationByAppID(sp.AppID); app != nil {
		rendered["displayName"] = app.Attributes["displayName"]
		rendered["appDisplayName"] = app.Attributes["displayName"]
	}
	return rendered
}

func (c *call) servicePrincipal() (*state.ServicePrincipal, error) {
	if sp := c.st.ServicePrincipals[c.id()]; sp != nil {
		return sp, nil
	}
	return nil, notFound(c.id())
}

func listServicePrincipals(c *call) (wire.Reply, error) {
	objects := []map[string]any{}
	for _, id := range slices.Sorted(maps.Keys(c.st.ServicePrincipals)) {
		objects = append(objects, renderServicePrincipal(c.st, c.st.ServicePrincipals[id]))
	}
	return list(c, objects)
}

func createServicePrincipal(c *call) (wire.Reply, error) {
	if err := required(c.body, "appId"); err != nil {
		return wire.Reply{}, err
	}
	app := c.st.ApplicationByAppID(text(c.body, "appId"))
	if app == nil || !app.Seeded && c.st.Replicating(app.CreatedAt) {
		return wire.Reply{}, bad("The appId '%s' of the service principal does not reference a valid application object.",
			text(c.body, "appId"))
	}
	if sp := c.st.ServicePrincipalByAppID(app.AppID); sp != nil {
		return wire.Reply{}, conflict("The service principal cannot be created, updated, or restored because the service "+
			"principal name %s is already in use: by %s.", app.AppID, sp.ID)
	}
	owners, err := c.boundOwners()
	if err != nil {
		return wire.Reply{}, err
	}
	enabled, set := c.body["accountEnabled"].(bool)
	sp := &state.ServicePrincipal{
		ID: uuid.NewString(), AppID: app.AppID, Type: "Application", Enabled: enabled || !set, Owners: owners,
		Attributes: attributes(c.body, decidedForServicePrincipal...), CreatedAt: c.now,
	}
	c.st.ServicePrincipals[sp.ID] = sp
	c.st.Touch(state.ServicePrincipals, sp.ID)
	return wire.Reply{Status: http.StatusCreated, Body: renderServicePrincipal(c.st, sp)}, nil
}

func getServicePrincipal(c *call) (wire.Reply, error) {
	if c.id() == graphPrincipal {
		return wire.OK(renderGraph()), nil
	}
	sp, err := c.servicePrincipal()
	if err != nil {
		return wire.Reply{}, err
	}
	return wire.OK(renderServicePrincipal(c.st, sp)), nil
}

func updateServicePrincipal(c *call) (wire.Reply, error) {
	sp, err := c.servicePrincipal()
	if err != nil {
		return wire.Reply{}, err
	}
	if enabled, set := c.body["accountEnabled"].(bool); set {
		sp.Enabled = enabled
	}
	sp.Attributes = merge(sp.Attributes, attributes(c.body, decidedForServicePrincipal...))
	c.st.Touch(state.ServicePrincipals, sp.ID)
	return wire.NoContent(), nil
}

// deleteServicePrincipal refuses to delete managed identities, which are deleted with their resource.
func deleteServicePrincipal(c *call) (wire.Reply, error) {
	sp, err := c.servicePrincipal()
	if err != nil {
		return wire.Reply{}, err
	}
	if sp.ResourceID != "" {
		return wire.Reply{}, bad("service principal %s is the managed identity of %s; delete that", sp.ID, sp.ResourceID)
	}
	c.st.DeletePrincipal(sp.ID)
	return wire.NoContent(), nil
}
