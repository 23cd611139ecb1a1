package graph

import (
	"maps"
	"net/http"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/batchaccess/batchaccess/sandbox/azure/internal/state"
	"github.com/batchaccess/batchaccess/sandbox/azure/internal/wire"
)

// groupDefaults has Graph's answers for properties that were not set; membershipRule must be there, as null.
var groupDefaults = map[string]any{
	"description": nil, "groupTypes": []any{}, "mailEnabled": false, "securityEnabled": true, "mailNickname": nil,
	"mail":           nil,
	"membershipRule": nil, "isAssignableToRole": nil, "visibility": nil, "proxyAddresses": []any{}, "theme": nil,
	"resourceBehaviorOptions": []any{}, "resourceProvisioningOptions": []any{}, "onPremisesSyncEnabled": nil,
}

func renderGroup(g *state.Group) map[string]any {
	return merge(merge(groupDefaults, g.Attributes), map[string]any{
		"@odata.type": "#microsoft.graph.group", "id": g.ID, "createdDateTime": g.CreatedAt.Format(time.RFC3339),
	})
}

func (c *call) group() (*state.Group, error) {
	if g := c.st.Groups[c.id()]; g != nil {
		return g, nil
	}
	return nil, notFound(c.id())
}

func listGroups(c *call) (wire.Reply, error) {
	objects := []map[string]any{}
	for _, id := range slices.Sorted(maps.Keys(c.st.Groups)) {
		objects = append(objects, renderGroup(c.st.Groups[id]))
	}
	return list(c, objects)
}

func createGroup(c *call) (wire.Reply, error) {
	if err := required(c.body, "displayName", "mailEnabled", "mailNickname", "securityEnabled"); err != nil {
		return wire.Reply{}, err
	}
	if err := checkKind(c.body); err != nil {
		return wire.Reply{}, err
	}
	owners, err := c.boundOwners()
	if err != nil {
		return wire.Reply{}, err
	}
	members, err := c.bound("members@odata.bind")
	if err != nil {
		return wire.Reply{}, err
	}
	g := &state.Group{ID: uuid.NewString(), Owners: owners, Members: map[string]bool{}, Attributes: attributes(c.body),
		CreatedAt: c.now}
	for _, member := range members {
		c.st.Join(g, member)
	}
	c.st.Groups[g.ID] = g
	c.st.Touch(state.Groups, g.ID)
	return wire.Reply{Status: http.StatusCreated, Body: renderGroup(g)}, nil
}

// checkKind refuses the kinds of groups that Graph does not write: distribution lists and mail-enabled security groups
// (issue microsoftgraph/microsoft-graph-docs#372), and a group that is neither.
func checkKind(group map[string]any) error {
	kinds, _ := group["groupTypes"].([]any)
	if group["securityEnabled"] == true && group["mailEnabled"] != true || slices.Contains(kinds, any("Unified")) {
		return nil
	}
	return bad("The service does not write such groups: mailEnabled must be false, and securityEnabled true.")
}

func getGroup(c *call) (wire.Reply, error) {
	g, err := c.group()
	if err != nil {
		return wire.Reply{}, err
	}
	if !g.Seeded && c.st.Replicating(g.CreatedAt) {
		return wire.Reply{}, notFound(g.ID)
	}
	return wire.OK(renderGroup(g)), nil
}

func updateGroup(c *call) (wire.Reply, error) {
	g, err := c.group()
	if err != nil {
		return wire.Reply{}, err
	}
	if name, set := c.body["displayName"]; set && (name == nil || name == "") {
		return wire.Reply{}, bad("property %q may not be empty", "displayName")
	}
	attributes := merge(g.Attributes, attributes(c.body))
	if err := checkKind(attributes); err != nil {
		return wire.Reply{}, err
	}
	g.Attributes = attributes
	c.st.Touch(state.Groups, g.ID)
	return wire.NoContent(), nil
}

func deleteGroup(c *call) (wire.Reply, error) {
	g, err := c.group()
	if err != nil {
		return wire.Reply{}, err
	}
	c.st.DeletePrincipal(g.ID)
	return wire.NoContent(), nil
}

func listMembers(transitive bool) handler {
	return func(c *call) (wire.Reply, error) {
		g, err := c.group()
		if err != nil {
			return wire.Reply{}, err
		}
		return list(c, renderAll(c.st, c.st.Members(g.ID, transitive)))
	}
}

func addMember(c *call) (wire.Reply, error) {
	g, err := c.group()
	if err != nil {
		return wire.Reply{}, err
	}
	member, err := c.reference(text(c.body, "@odata.id"))
	if err != nil {
		return wire.Reply{}, err
	}
	if _, has := g.Members[member]; has {
		return wire.Reply{}, bad("One or more added object references already exist for the following modified properties: " +
			"'members'.")
	}
	if member == g.ID || slices.Contains(c.st.Members(member, true), g.ID) {
		return wire.Reply{}, bad("group %s cannot become a member of itself", g.ID)
	}
	c.st.Join(g, member)
	return wire.NoContent(), nil
}

func getMember(c *call) (wire.Reply, error) {
	g, err := c.group()
	if err != nil {
		return wire.Reply{}, err
	}
	if _, has := g.Members[c.key()]; !has {
		return wire.Reply{}, notFound(c.key())
	}
	return wire.OK(map[string]any{"@odata.id": c.address(c.key())}), nil
}

func removeMember(c *call) (wire.Reply, error) {
	g, err := c.group()
	if err != nil {
		return wire.Reply{}, err
	}
	if _, has := g.Members[c.key()]; !has {
		return wire.Reply{}, notFound(c.key())
	}
	c.st.Leave(g, c.key())
	return wire.NoContent(), nil
}

func listMemberOf(kind string, transitive bool) handler {
	return func(c *call) (wire.Reply, error) {
		id, err := c.object(kind)
		if err != nil {
			return wire.Reply{}, err
		}
		in := c.st.MemberOf(id, transitive)
		roles := []string{id}
		if transitive {
			roles = append(roles, in...)
		}
		return list(c, append(renderAll(c.st, in), activeRoles(c.st, roles)...))
	}
}
