package graph

import (
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/batchaccess/batchaccess/sandbox/azure/internal/state"
	"github.com/batchaccess/batchaccess/sandbox/azure/internal/wire"
)

// Entra's limits on federated credentials.
const (
	maxFederated = 20
	maxText      = 600
)

var federatedName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{2,119}$`)

func renderFederated(f state.FederatedCredential) map[string]any {
	return map[string]any{
		"id": f.ID, "name": f.Name, "issuer": f.Issuer, "subject": f.Subject, "audiences": f.Audiences,
		"description": f.Description,
	}
}

// federated finds the application, and the index of the credential that the path names by ID or by name.
func (c *call) federated() (*state.Application, int, error) {
	app, err := c.application()
	if err != nil {
		return nil, 0, err
	}
	i := slices.IndexFunc(app.Federated, func(f state.FederatedCredential) bool {
		return strings.EqualFold(f.ID, c.key()) || f.Name == c.r.PathValue("key")
	})
	if i < 0 {
		return nil, 0, notFound(c.key())
	}
	return app, i, nil
}

func listFederated(c *call) (wire.Reply, error) {
	app, err := c.application()
	if err != nil {
		return wire.Reply{}, err
	}
	objects := []map[string]any{}
	for _, f := range app.Federated {
		objects = append(objects, renderFederated(f))
	}
	return list(c, objects)
}

func getFederated(c *call) (wire.Reply, error) {
	app, i, err := c.federated()
	if err != nil {
		return wire.Reply{}, err
	}
	if c.st.Replicating(app.Federated[i].CreatedAt) {
		return wire.Reply{}, notFound(c.key())
	}
	return wire.OK(renderFederated(app.Federated[i])), nil
}

func createFederated(c *call) (wire.Reply, error) {
	app, err := c.application()
	if err != nil {
		return wire.Reply{}, err
	}
	if len(app.Federated) >= maxFederated {
		return wire.Reply{}, bad("the application has %d federated identity credentials, which is the most it may have",
			maxFederated)
	}
	credential, err := c.readFederated(state.FederatedCredential{ID: uuid.NewString(), Name: text(c.body, "name"),
		CreatedAt: c.now})
	if err != nil {
		return wire.Reply{}, err
	}
	if err := checkFederated(credential, app.Federated); err != nil {
		return wire.Reply{}, err
	}
	app.Federated = append(slices.Clone(app.Federated), credential)
	c.st.Touch(state.Applications, app.ID)
	return wire.Reply{Status: http.StatusCreated, Body: renderFederated(credential)}, nil
}

func updateFederated(c *call) (wire.Reply, error) {
	app, i, err := c.federated()
	if err != nil {
		return wire.Reply{}, err
	}
	if name, set := c.body["name"]; set && name != app.Federated[i].Name {
		return wire.Reply{}, bad("the name of a federated identity credential cannot be changed from %q",
			app.Federated[i].Name)
	}
	credential, err := c.readFederated(app.Federated[i])
	if err != nil {
		return wire.Reply{}, err
	}
	others := slices.Delete(slices.Clone(app.Federated), i, i+1)
	if err := checkFederated(credential, others); err != nil {
		return wire.Reply{}, err
	}
	app.Federated = slices.Insert(others, i, credential)
	c.st.Touch(state.Applications, app.ID)
	return wire.NoContent(), nil
}

func deleteFederated(c *call) (wire.Reply, error) {
	app, i, err := c.federated()
	if err != nil {
		return wire.Reply{}, err
	}
	app.Federated = slices.Delete(slices.Clone(app.Federated), i, i+1)
	c.st.Touch(state.Applications, app.ID)
	return wire.NoContent(), nil
}

// readFederated merges the body into a credential.
func (c *call) readFederated(base state.FederatedCredential) (state.FederatedCredential, error) {
	for key, field := range map[string]*string{"issuer": &base.Issuer, "subject": &base.Subject,
		"description": &base.Description} {
		if _, set := c.body[key]; set {
			*field = text(c.body, key)
		}
	}
	if value, set := c.body["audiences"]; set {
		base.Audiences = nil
		items, _ := value.([]any)
		for _, item := range items {
			audience, ok := item.(string)
			if !ok {
				return base, bad("property %q must be a list of strings", "audiences")
			}
			base.Audiences = append(base.Audiences, audience)
		}
	}
	return base, nil
}

func checkFederated(f state.FederatedCredential, others []state.FederatedCredential) error {
	issuer, err := url.Parse(f.Issuer)
	switch {
	case !federatedName.MatchString(f.Name):
		return bad("name %q must have 3 to 120 letters, digits, hyphens and underscores, the first a letter or digit", f.Name)
	case err != nil || issuer.Scheme != "https" || issuer.Host == "" || strings.TrimSpace(f.Issuer) != f.Issuer ||
		utf8.RuneCountInString(f.Issuer) > maxText:
		return bad("issuer %q must be an https URL of at most %d characters", f.Issuer, maxText)
	case f.Subject == "" || utf8.RuneCountInString(f.Subject) > maxText:
		return bad("subject must have 1 to %d characters", maxText)
	case len(f.Audiences) != 1 || f.Audiences[0] == "" || utf8.RuneCountInString(f.Audiences[0]) > maxText:
		return bad("audiences must hold exactly one, of 1 to %d characters", maxText)
	case utf8.RuneCountInString(f.Description) > maxText:
		return bad("description must have at most %d characters", maxText)
	}
	for _, other := range others {
		if other.Name == f.Name {
			return conflict("FederatedIdentityCredential with name %s already exists.", f.Name)
		}
		if other.Issuer == f.Issuer && other.Subject == f.Subject {
			return conflict("a federated identity credential with issuer %s and subject %s already exists: %s", f.Issuer,
				f.Subject, other.Name)
		}
	}
	return nil
}
