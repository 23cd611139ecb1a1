package graph

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/batchaccess/batchaccess/sandbox/azure/internal/entra"
	"github.com/batchaccess/batchaccess/sandbox/azure/internal/state"
	"github.com/batchaccess/batchaccess/sandbox/azure/internal/wire"
)

// passwordYears is Entra's default for a client secret that is asked for without an end.
const passwordYears = 2

// applicationDefaults has Graph's answers for properties that were not set. Clients distinguish null from a missing
// property.
var applicationDefaults = map[string]any{
	"description": nil, "notes": nil, "tags": []any{}, "signInAudience": "AzureADMyOrg", "groupMembershipClaims": nil,
	"identifierUris": []any{}, "appRoles": []any{}, "requiredResourceAccess": []any{}, "keyCredentials": []any{},
	"publisherDomain": "sandbox.onmicrosoft.com", "api": map[string]any{"requestedAccessTokenVersion": nil},
	"isFallbackPublicClient": nil, "serviceManagementReference": nil, "optionalClaims": nil,
}

// decidedForApplication are the properties that Graph decides, and no client can set.
var decidedForApplication = []string{"appId", "createdDateTime", "passwordCredentials", "publisherDomain"}

func renderApplication(st *state.State, app *state.Application) map[string]any {
	passwords := []any{}
	for _, p := range app.Passwords {
		if p.Seeded || !st.Replicating(p.CreatedAt) {
			passwords = append(passwords, renderPassword(p))
		}
	}
	return merge(merge(applicationDefaults, app.Attributes), map[string]any{
		"@odata.type": "#microsoft.graph.application",
		"id":          app.ID, "appId": app.AppID, "createdDateTime": app.CreatedAt.Format(time.RFC3339),
		"passwordCredentials": passwords, "keyCredentials": renderKeyCredentials(app.Attributes["keyCredentials"], false),
	})
}

func renderPassword(p state.Password) map[string]any {
	var name any
	if p.DisplayName != "" {
		name = p.DisplayName
	}
	return map[string]any{
		"keyId": p.KeyID, "displayName": name, "startDateTime": p.StartDateTime, "endDateTime": p.EndDateTime,
		"secretText": nil, "hint": nil, "customKeyIdentifier": nil,
	}
}

func (c *call) application() (*state.Application, error) {
	if app := c.st.Applications[c.id()]; app != nil {
		return app, nil
	}
	return nil, notFound(c.id())
}

func listApplications(c *call) (wire.Reply, error) {
	objects := []map[string]any{}
	for _, id := range slices.Sorted(maps.Keys(c.st.Applications)) {
		objects = append(objects, renderApplication(c.st, c.st.Applications[id]))
	}
	return list(c, objects)
}

func createApplication(c *call) (wire.Reply, error) {
	if err := required(c.body, "displayName"); err != nil {
		return wire.Reply{}, err
	}
	owners, err := c.boundOwners()
	if err != nil {
		return wire.Reply{}, err
	}
	kept, err := c.applicationAttributes(nil)
	if err != nil {
		return wire.Reply{}, err
	}
	app := &state.Application{
		ID: uuid.NewString(), AppID: uuid.NewString(), Owners: owners, Attributes: kept, CreatedAt: c.now,
	}
	c.st.Applications[app.ID] = app
	c.st.Touch(state.Applications, app.ID)
	return wire.Reply{Status: http.StatusCreated, Body: renderApplication(c.st, app)}, nil
}

func getApplication(c *call) (wire.Reply, error) {
	app, err := c.application()
	if err != nil {
		return wire.Reply{}, err
	}
	rendered := renderApplication(c.st, app)
	if slices.Contains(c.selection(), "keyCredentials") {
		rendered["keyCredentials"] = renderKeyCredentials(app.Attributes["keyCredentials"], true)
	}
	return wire.OK(rendered), nil
}

// applicationAttributes merges the body into an application's properties.
func (c *call) applicationAttributes(old map[string]any) (map[string]any, error) {
	set := attributes(c.body, decidedForApplication...)
	if sent, ok := set["keyCredentials"]; ok {
		kept, err := c.keyCredentials(old["keyCredentials"], sent)
		if err != nil {
			return nil, err
		}
		set["keyCredentials"] = kept
	}
	return merge(old, set), nil
}

func updateApplication(c *call) (wire.Reply, error) {
	app, err := c.application()
	if err != nil {
		return wire.Reply{}, err
	}
	if name, set := c.body["displayName"]; set && (name == nil || name == "") {
		return wire.Reply{}, bad("property %q may not be empty", "displayName")
	}
	kept, err := c.applicationAttributes(app.Attributes)
	if err != nil {
		return wire.Reply{}, err
	}
	app.Attributes = kept
	c.st.Touch(state.Applications, app.ID)
	return wire.NoContent(), nil
}

// deleteApplication also deletes the application's service principal, as Entra does in the home tenant.
func deleteApplication(c *call) (wire.Reply, error) {
	app, err := c.application()
	if err != nil {
		return wire.Reply{}, err
	}
	delete(c.st.Applications, app.ID)
	c.st.Touch(state.Applications, app.ID)
	if sp := c.st.ServicePrincipalByAppID(app.AppID); sp != nil {
		c.st.DeletePrincipal(sp.ID)
	}
	return wire.NoContent(), nil
}

func addPassword(c *call) (wire.Reply, error) {
	app, err := c.application()
	if err != nil {
		return wire.Reply{}, err
	}
	asked, _ := c.body["passwordCredential"].(map[string]any)
	password := state.Password{
		KeyID: uuid.NewString(), CreatedAt: c.now, DisplayName: text(asked, "displayName"),
		StartDateTime: text(asked, "startDateTime"), EndDateTime: text(asked, "endDateTime"),
	}
	if password.StartDateTime == "" {
		password.StartDateTime = c.now.Format(time.RFC3339)
	}
	start, err := time.Parse(time.RFC3339, password.StartDateTime)
	if err != nil {
		return wire.Reply{}, bad("startDateTime %q is not a date in the form 2006-01-02T15:04:05Z", password.StartDateTime)
	}
	if password.EndDateTime == "" {
		password.EndDateTime = start.AddDate(passwordYears, 0, 0).Format(time.RFC3339)
	}
	end, err := time.Parse(time.RFC3339, password.EndDateTime)
	if err != nil {
		return wire.Reply{}, bad("endDateTime %q is not a date in the form 2006-01-02T15:04:05Z", password.EndDateTime)
	}
	if !end.After(start) || !end.After(c.now) {
		return wire.Reply{}, bad("endDateTime %s must lie after startDateTime %s and in the future", password.EndDateTime,
			password.StartDateTime)
	}
	secret, digest := entra.NewSecret()
	password.SHA256 = digest
	app.Passwords = append(app.Passwords, password)
	c.st.Touch(state.Applications, app.ID)
	answer := renderPassword(password)
	answer["secretText"] = secret // the only answer that has the secret
	return wire.OK(answer), nil
}

func removePassword(c *call) (wire.Reply, error) {
	app, err := c.application()
	if err != nil {
		return wire.Reply{}, err
	}
	keyID := text(c.body, "keyId")
	i := slices.IndexFunc(app.Passwords, func(p state.Password) bool { return strings.EqualFold(p.KeyID, keyID) })
	if i < 0 {
		return wire.Reply{}, wire.Errorf(http.StatusNotFound, "Request_ResourceNotFound",
			"no password credential found with keyId %q", keyID)
	}
	app.Passwords = slices.Delete(slices.Clone(app.Passwords), i, i+1)
	c.st.Touch(state.Applications, app.ID)
	return wire.NoContent(), nil
}
