package arm

import (
	"net/http"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/batchaccess/batchaccess/sandbox/azure/internal/armid"
	"github.com/batchaccess/batchaccess/sandbox/azure/internal/state"
	"github.com/batchaccess/batchaccess/sandbox/azure/internal/wire"
)

// Azure's limits for the federated credentials of an identity, and for the text of each (facts/federation.md).
const (
	maxFederated     = 20
	maxFederatedText = 600
	// noFederationRegion is a region in which identities take no federated credentials.
	noFederationRegion = "malaysiasouth"
)

var (
	identityName  = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{2,127}$`)
	federatedName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{2,119}$`)
)

// putIdentity makes a user-assigned identity with its service principal, or changes its tags.
func putIdentity(c *call) (wire.Reply, error) {
	if err := c.missing(armid.Parse(c.id.Scope)); err != nil {
		return wire.Reply{}, err
	}
	var body struct {
		Location   string            `json:"location"`
		Tags       map[string]string `json:"tags"`
		Properties map[string]any    `json:"properties"`
	}
	if err := c.decode(&body, identityKeys); err != nil {
		return wire.Reply{}, err
	}
	if old := c.st.Resources[c.id.Key()]; old != nil {
		if body.Location != "" && !strings.EqualFold(body.Location, old.Location) {
			return wire.Reply{}, wire.Errorf(http.StatusConflict, "InvalidResourceLocation",
				"%s already exists in location %s and cannot be moved to %s", c.id, old.Location, body.Location)
		}
		updated := *old
		updated.ModifiedAt = c.now
		if body.Tags != nil || c.r.Method == http.MethodPut {
			updated.Tags = body.Tags
		}
		c.st.Resources[c.id.Key()] = &updated
		c.st.Touch(state.Resources, c.id.Key())
		return wire.OK(c.render(&updated)), nil
	}
	switch {
	case c.r.Method == http.MethodPatch:
		return wire.Reply{}, notFound(c.id)
	case body.Location == "":
		return wire.Reply{}, wire.Errorf(http.StatusBadRequest, "LocationRequired",
			"the location property is required for %s", c.id)
	case !identityName.MatchString(c.id.Name()):
		return wire.Reply{}, wire.Errorf(http.StatusBadRequest, "InvalidResourceName",
			"the identity name %q must have 3 to 128 letters, digits, hyphens and underscores, the first a letter or "+
				"digit", c.id.Name())
	}
	principal, client := uuid.NewString(), uuid.NewString()
	properties := map[string]any{"tenantId": c.st.TenantID, "principalId": principal, "clientId": client}
	if scope := body.Properties["isolationScope"]; scope != nil {
		properties["isolationScope"] = scope
	}
	resource := &state.Resource{
		ID: c.id.String(), Location: body.Location, Tags: body.Tags, Properties: properties,
		CreatedBy: c.caller.ObjectID, CreatedAt: c.now, ModifiedAt: c.now,
	}
	c.st.Resources[c.id.Key()] = resource
	c.st.Touch(state.Resources, c.id.Key())
	c.st.Touch(state.ServicePrincipals, principal)
	c.st.ServicePrincipals[principal] = &state.ServicePrincipal{
		ID: principal, AppID: client, Type: "ManagedIdentity", Enabled: true, ResourceID: c.id.String(), CreatedAt: c.now,
		Attributes: map[string]any{"displayName": c.id.Name()},
	}
	return wire.Reply{Status: http.StatusCreated, Body: c.render(resource)}, nil
}

func deleteIdentity(c *call) (wire.Reply, error) {
	resource := c.st.Resources[c.id.Key()]
	if resource == nil {
		return wire.NoContent(), nil
	}
	if principal, ok := resource.Properties["principalId"].(string); ok {
		c.st.DeletePrincipal(principal)
	}
	return deleteResource(c)
}

// putFederated makes or changes a federated credential of a user-assigned identity.
func putFederated(c *call) (wire.Reply, error) {
	identity := c.st.Resources[armid.Key(c.id.Parent())]
	if identity == nil {
		return wire.Reply{}, parentNotFound(c.id, c.id.Parent())
	}
	var body struct {
		Properties struct {
			Issuer    string   `json:"issuer"`
			Subject   string   `json:"subject"`
			Audiences []string `json:"audiences"`
		} `json:"properties"`
	}
	if err := c.decode(&body, federatedKeys); err != nil {
		return wire.Reply{}, err
	}
	p := body.Properties
	switch {
	case strings.EqualFold(strings.ReplaceAll(identity.Location, " ", ""), noFederationRegion):
		return wire.Reply{}, wire.Errorf(http.StatusBadRequest, "BadRequest", // its code is not documented
			"federated identity credentials are not supported for managed identities in %s", identity.Location)
	case !federatedName.MatchString(c.id.Name()):
		return wire.Reply{}, wire.Errorf(http.StatusBadRequest, "BadRequest",
			"the name %q must have 3 to 120 letters, digits, hyphens and underscores, the first a letter or digit", c.id.Name())
	case !strings.HasPrefix(p.Issuer, "https://") || p.Subject == "" || len(p.Audiences) != 1 || p.Audiences[0] == "":
		return wire.Reply{}, wire.Errorf(http.StatusBadRequest, "BadRequest",
			"properties must have an https issuer, a subject and exactly one audience")
	case strings.TrimSpace(p.Issuer) != p.Issuer, max(utf8.RuneCountInString(p.Issuer),
		utf8.RuneCountInString(p.Subject), utf8.RuneCountInString(p.Audiences[0])) > maxFederatedText:
		return wire.Reply{}, wire.Errorf(http.StatusBadRequest, "BadRequest",
			"issuer, subject and audience have at most %d characters, and the issuer no white space at its ends",
			maxFederatedText)
	}
	old, count := c.st.Resources[c.id.Key()], 0
	for key, other := range c.st.Resources {
		if key == c.id.Key() || !strings.HasPrefix(key, armid.Key(c.id.Parent())+"/federatedidentitycredentials/") {
			continue
		}
		count++
		if other.Properties["issuer"] == p.Issuer && other.Properties["subject"] == p.Subject {
			return wire.Reply{}, wire.Errorf(http.StatusConflict, "Conflict",
				"a federated identity credential with issuer %s and subject %s already exists: %s", p.Issuer, p.Subject, other.ID)
		}
	}
	if count >= maxFederated {
		return wire.Reply{}, wire.Errorf(http.StatusBadRequest, "BadRequest",
			"the identity has %d federated identity credentials, which is the most it may have", maxFederated)
	}
	audiences := []any{}
	for _, audience := range p.Audiences {
		audiences = append(audiences, audience)
	}
	resource := &state.Resource{
		ID: c.id.String(), Properties: map[string]any{"issuer": p.Issuer, "subject": p.Subject, "audiences": audiences},
		CreatedBy: c.caller.ObjectID, CreatedAt: c.now, ModifiedAt: c.now,
	}
	status := http.StatusCreated
	if old != nil {
		status, resource.CreatedAt, resource.Seeded = http.StatusOK, old.CreatedAt, old.Seeded
	}
	c.st.Resources[c.id.Key()] = resource
	c.st.Touch(state.Resources, c.id.Key())
	return wire.Reply{Status: status, Body: c.render(resource)}, nil
}
