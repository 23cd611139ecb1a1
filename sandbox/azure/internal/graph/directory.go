package graph

import (
	"cmp"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/batchaccess/batchaccess/sandbox/azure/internal/state"
	"github.com/batchaccess/batchaccess/sandbox/azure/internal/wire"
)

func renderUser(u *state.User) map[string]any {
	nickname, _, _ := strings.Cut(u.UserPrincipalName, "@")
	return map[string]any{
		"@odata.type": "#microsoft.graph.user",
		"id":          u.ID, "userPrincipalName": u.UserPrincipalName, "displayName": u.DisplayName, "accountEnabled": true,
		"userType": "Member", "mail": cmp.Or(u.Mail, u.UserPrincipalName), "mailNickname": nickname,
		"businessPhones": []any{}, "otherMails": []any{},
		"proxyAddresses": []any{}, "imAddresses": []any{}, "employeeId": nil, "givenName": nil, "surname": nil,
		"jobTitle": nil,
	}
}

func listUsers(c *call) (wire.Reply, error) {
	objects := []map[string]any{}
	for _, id := range slices.Sorted(maps.Keys(c.st.Users)) {
		objects = append(objects, renderUser(c.st.Users[id]))
	}
	return list(c, objects)
}

func getUser(c *call) (wire.Reply, error) {
	id, err := c.object("users")
	if err != nil {
		return wire.Reply{}, err
	}
	return wire.OK(renderUser(c.st.Users[id])), nil
}

// getManager answers 404, which is how Graph says that somebody has no manager. Nobody here has one.
func getManager(c *call) (wire.Reply, error) {
	if _, err := c.object("users"); err != nil {
		return wire.Reply{}, err
	}
	return wire.Reply{}, notFound("manager")
}

func getDirectoryObject(c *call) (wire.Reply, error) {
	if object := render(c.st, c.id()); object != nil {
		return wire.OK(object), nil
	}
	return wire.Reply{}, notFound(c.id())
}

// getMe answers the signed-in user; for an application there is no /me.
func getMe(c *call) (wire.Reply, error) {
	user := c.st.Users[c.caller.ObjectID]
	if user == nil {
		return wire.Reply{}, wire.Errorf(http.StatusBadRequest, "BadRequest", // microsoftgraph/msgraph-sdk-php issue 1163
			"/me request is only valid with delegated authentication flow.")
	}
	return wire.OK(renderUser(user)), nil
}

// byIDs is a read that uses POST.
const byIDs = "/directoryObjects/getByIds"

// maxIDs is how many IDs one call of getByIds takes (Graph's documentation, "directoryObject: getByIds").
const maxIDs = 1000

// kindsByID are the types by which getByIds can be narrowed, with the kind that the directory has for each.
var kindsByID = map[string]string{
	"user": "#microsoft.graph.user", "group": "#microsoft.graph.group", "application": "#microsoft.graph.application",
	"serviceprincipal": "#microsoft.graph.servicePrincipal", "directoryobject": "", "device": "-", "orgcontact": "-",
	"directoryobjectpartnerreference": "-",
}

// getByIDs answers those of the requested objects that exist, and leaves out the others.
func getByIDs(c *call) (wire.Reply, error) {
	ids, ok := c.body["ids"].([]any)
	if !ok || len(ids) > maxIDs {
		return wire.Reply{}, bad("property \"ids\" must be a list of at most %d object IDs", maxIDs)
	}
	types, set := c.body["types"].([]any)
	wanted := map[string]bool{}
	for _, item := range types {
		kind, known := kindsByID[strings.ToLower(fmt.Sprint(item))]
		if !known {
			return wire.Reply{}, bad("property \"types\": %v is no type of a directory object", item)
		}
		wanted[kind] = true
	}
	found := []map[string]any{}
	for _, item := range ids {
		id, _ := item.(string)
		if uuid.Validate(id) != nil {
			return wire.Reply{}, bad("Invalid object identifier '%v'.", item)
		}
		object := render(c.st, strings.ToLower(id))
		if object != nil && (!set || len(types) == 0 || wanted[""] || wanted[text(object, "@odata.type")]) {
			found = append(found, object)
		}
	}
	return wire.OK(map[string]any{"value": found}), nil
}

// object is the ID in the path, if there is an object of that kind. A user can also be named by principal name.
func (c *call) object(kind string) (string, error) {
	id := c.id()
	found := false
	switch kind {
	case "applications":
		found = c.st.Applications[id] != nil
	case "servicePrincipals":
		found = c.st.ServicePrincipals[id] != nil
	case "groups":
		found = c.st.Groups[id] != nil
	case "users":
		for key, user := range c.st.Users {
			if key == id || strings.EqualFold(user.UserPrincipalName, id) {
				return key, nil
			}
		}
	}
	if !found {
		return "", notFound(id)
	}
	return id, nil
}

// render returns any directory object; nil if there is none with that ID.
func render(st *state.State, id string) map[string]any {
	switch {
	case st.Users[id] != nil:
		return renderUser(st.Users[id])
	case st.Groups[id] != nil:
		return renderGroup(st.Groups[id])
	case st.ServicePrincipals[id] != nil:
		return renderServicePrincipal(st, st.ServicePrincipals[id])
	case st.Applications[id] != nil:
		return renderApplication(st, st.Applications[id])
	}
	return nil
}

func renderAll(st *state.State, ids []string) []map[string]any {
	objects := []map[string]any{}
	for _, id := range ids {
		if object := render(st, id); object != nil {
			objects = append(objects, object)
		}
	}
	return objects
}

// reference reads the ID from a URL such as https://.../v1.0/directoryObjects/{id}; the object must exist.
func (c *call) reference(url string) (string, error) {
	id := strings.ToLower(url[strings.LastIndexByte(url, '/')+1:])
	if c.st.PrincipalType(id) == "" {
		return "", notFound(id)
	}
	return id, nil
}

// bound reads the references in a body under an annotation such as owners@odata.bind.
func (c *call) bound(annotation string) ([]string, error) {
	urls, _ := c.body[annotation].([]any)
	var ids []string
	for _, item := range urls {
		url, _ := item.(string)
		id, err := c.reference(url)
		if err != nil {
			return nil, err
		}
		if slices.Contains(ids, id) {
			return nil, bad("Request contains a property with duplicate values: %s", annotation)
		}
		ids = append(ids, id)
	}
	return ids, nil
}

func (c *call) boundOwners() ([]string, error) { return c.bound("owners@odata.bind") }

// owners points to the owners of the object in the path; kind is the name of its table.
func (c *call) owners(kind string) (*[]string, error) {
	id, err := c.object(kind)
	if err != nil {
		return nil, err
	}
	switch kind {
	case "applications":
		return &c.st.Applications[id].Owners, nil
	case "servicePrincipals":
		return &c.st.ServicePrincipals[id].Owners, nil
	default:
		return &c.st.Groups[id].Owners, nil
	}
}

func listOwners(kind string) handler {
	return func(c *call) (wire.Reply, error) {
		owners, err := c.owners(kind)
		if err != nil {
			return wire.Reply{}, err
		}
		return list(c, renderAll(c.st, *owners))
	}
}

func addOwner(kind string) handler {
	return func(c *call) (wire.Reply, error) {
		owners, err := c.owners(kind)
		if err != nil {
			return wire.Reply{}, err
		}
		owner, err := c.reference(text(c.body, "@odata.id"))
		if err != nil {
			return wire.Reply{}, err
		}
		if slices.Contains(*owners, owner) {
			return wire.Reply{}, bad("One or more added object references already exist for the following modified " +
				"properties: 'owners'.")
		}
		*owners = append(*owners, owner)
		c.st.Touch(state.Table(kind), c.id())
		return wire.NoContent(), nil
	}
}

func getOwner(kind string) handler {
	return func(c *call) (wire.Reply, error) {
		owners, err := c.owners(kind)
		if err != nil {
			return wire.Reply{}, err
		}
		if !slices.Contains(*owners, c.key()) {
			return wire.Reply{}, notFound(c.key())
		}
		return wire.OK(map[string]any{"@odata.id": c.address(c.key())}), nil
	}
}

func removeOwner(kind string) handler {
	return func(c *call) (wire.Reply, error) {
		owners, err := c.owners(kind)
		if err != nil {
			return wire.Reply{}, err
		}
		i := slices.Index(*owners, c.key())
		if i < 0 {
			return wire.Reply{}, notFound(c.key())
		}
		*owners = slices.Delete(*owners, i, i+1)
		c.st.Touch(state.Table(kind), c.id())
		return wire.NoContent(), nil
	}
}
