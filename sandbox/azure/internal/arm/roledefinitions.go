package arm

import (
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/batchaccess/batchaccess/sandbox/azure/internal/armid"
	"github.com/batchaccess/batchaccess/sandbox/azure/internal/clouds"
	"github.com/batchaccess/batchaccess/sandbox/azure/internal/odata"
	"github.com/batchaccess/batchaccess/sandbox/azure/internal/rbac"
	"github.com/batchaccess/batchaccess/sandbox/azure/internal/role"
	"github.com/batchaccess/batchaccess/sandbox/azure/internal/state"
	"github.com/batchaccess/batchaccess/sandbox/azure/internal/wire"
)

// definitionID is the ID of a role in an answer for a scope: below the scope's subscription, if it has one.
func definitionID(scope, guid string) string {
	if subscription := armid.Parse(scope).Subscription(); subscription != "" {
		return "/subscriptions/" + subscription + "/providers/" + typeRoleDefinition + "/" + guid
	}
	return "/providers/" + typeRoleDefinition + "/" + guid
}

// renderDefinition returns a role as Azure answers it for a scope. custom is nil for a built-in role.
func renderDefinition(d role.Definition, custom *state.RoleDefinition, scope string) map[string]any {
	permissions := make([]role.Permission, 0, len(d.Permissions))
	for _, p := range d.Permissions { // Azure answers empty lists, never null
		p.Actions, p.NotActions = nonNil(p.Actions), nonNil(p.NotActions)
		p.DataActions, p.NotDataActions = nonNil(p.DataActions), nonNil(p.NotDataActions)
		permissions = append(permissions, p)
	}
	kind, scopes := "BuiltInRole", []string{"/"}
	properties := map[string]any{"roleName": d.RoleName, "description": d.Description, "permissions": permissions}
	if custom != nil {
		kind, scopes = "CustomRole", d.AssignableScopes
		properties["createdOn"], properties["updatedOn"] = stamp(custom.CreatedOn), stamp(custom.UpdatedOn)
		properties["createdBy"], properties["updatedBy"] = custom.CreatedBy, custom.UpdatedBy
	}
	properties["type"], properties["assignableScopes"] = kind, scopes
	return map[string]any{"id": definitionID(scope, d.ID), "name": d.ID, "type": typeRoleDefinition,
		"properties": properties}
}

func nonNil(list []string) []string {
	if list == nil {
		return []string{}
	}
	return list
}

func stamp(t time.Time) string { return t.Format(time.RFC3339Nano) }

// definition finds the role in the path.
func (c *call) definition() (role.Definition, *state.RoleDefinition, error) {
	guid := strings.ToLower(c.id.Name())
	d, ok := rbac.Definition(c.st, guid)
	if !ok {
		return d, nil, wire.Errorf(http.StatusNotFound, "RoleDefinitionDoesNotExist",
			"the specified role definition with ID %q does not exist", guid)
	}
	return d, c.st.RoleDefinitions[guid], nil
}

func getRoleDefinition(c *call) (wire.Reply, error) {
	d, custom, err := c.definition()
	if err != nil {
		return wire.Reply{}, err
	}
	return wire.OK(renderDefinition(d, custom, c.id.Scope)), nil
}

// listRoleDefinitions answers with the roles that can be assigned at the scope; with atScopeAndBelow() also with
// those of the scopes below it.
func listRoleDefinitions(c *call) (wire.Reply, error) {
	filter, err := c.filter("roleName", "type", "atScope()", "atScopeAndBelow()")
	if err == nil {
		err = oneOf(filter, "atScope", "atScopeAndBelow")
	}
	if err != nil {
		return wire.Reply{}, err
	}
	name, kind, below := "", "", false
	for _, term := range filter {
		switch {
		case term.Field == "roleName":
			name = term.Value
		case term.Field == "type":
			if kind = term.Value; !strings.EqualFold(kind, "BuiltInRole") && !strings.EqualFold(kind, "CustomRole") {
				return wire.Reply{}, wire.NotModelled("roles of the type " + strconv.Quote(kind))
			}
		case term.Function == "atScopeAndBelow":
			below = true
		}
	}
	var found []any
	add := func(d role.Definition, custom *state.RoleDefinition, kindOf string) {
		if (name == "" || strings.EqualFold(name, d.RoleName)) && (kind == "" || strings.EqualFold(kind, kindOf)) {
			found = append(found, renderDefinition(d, custom, c.id.Scope))
		}
	}
	for _, d := range role.BuiltIns() {
		add(d, nil, "BuiltInRole")
	}
	for _, guid := range slices.Sorted(maps.Keys(c.st.RoleDefinitions)) {
		custom := c.st.RoleDefinitions[guid]
		if c.id.Scope == "" || slices.ContainsFunc(custom.Definition.AssignableScopes, func(scope string) bool {
			return rbac.Covers(c.st, scope, c.id.Scope) || below && armid.Covers(c.id.Scope, scope)
		}) {
			add(custom.Definition, custom, "CustomRole")
		}
	}
	return c.page(found)
}

// putRoleDefinition makes a custom role, or changes one in place.
func putRoleDefinition(c *call) (wire.Reply, error) {
	guid := strings.ToLower(c.id.Name())
	if uuid.Validate(guid) != nil {
		return wire.Reply{}, wire.Errorf(http.StatusBadRequest, "InvalidRoleDefinitionId",
			"the role definition ID %q is not a GUID", c.id.Name())
	}
	if _, builtIn := role.BuiltIn(guid); builtIn {
		return wire.Reply{}, wire.Errorf(http.StatusBadRequest, "BadRequest",
			"role definition %s is built in and cannot be changed", guid)
	}
	var body struct {
		Properties struct {
			RoleName, Description, Type string
			AssignableScopes            []string
			Permissions                 []role.Permission
		}
	}
	if err := c.decode(&body, roleDefinitionKeys); err != nil {
		return wire.Reply{}, err
	}
	p := body.Properties
	d := role.Definition{ID: guid, RoleName: p.RoleName, Description: p.Description,
		AssignableScopes: p.AssignableScopes, Permissions: p.Permissions}
	if err := c.checkDefinition(d, p.Type); err != nil {
		return wire.Reply{}, err
	}
	custom := &state.RoleDefinition{Definition: d, CreatedOn: c.now, CreatedBy: c.caller.ObjectID}
	if old := c.st.RoleDefinitions[guid]; old != nil {
		custom.CreatedOn, custom.CreatedBy = old.CreatedOn, old.CreatedBy
		c.st.ReplaceRole(old, custom)
	}
	custom.UpdatedOn, custom.UpdatedBy = c.now, c.caller.ObjectID
	c.st.RoleDefinitions[guid] = custom
	c.st.Touch(state.RoleDefinitions, guid)
	// Azure answers 201 to a change in place too.
	return wire.Reply{Status: http.StatusCreated, Body: renderDefinition(d, custom, c.id.Scope)}, nil
}

func (c *call) checkDefinition(d role.Definition, kind string) error {
	if kind != "" && !strings.EqualFold(kind, "CustomRole") {
		return wire.Errorf(http.StatusBadRequest, "InvalidRoleDefinition", "properties.type must be CustomRole, not %q", kind)
	}
	if problem := d.Problem(); problem != "" {
		return wire.Errorf(http.StatusBadRequest, "InvalidRoleDefinition", "%s", problem)
	}
	if entry := d.UnknownAction(); entry != "" {
		return wire.Errorf(http.StatusBadRequest, "InvalidActionOrNotAction",
			"%q does not match any of the actions that the sandbox knows of resource providers", entry)
	}
	if slices.ContainsFunc(d.Permissions, func(p role.Permission) bool { return p.Condition != "" }) {
		return wire.NotModelled("conditions in the permissions of a role")
	}
	for _, scope := range d.AssignableScopes {
		if err := c.require(typeRoleDefinition+"/write", scope, "LinkedAuthorizationFailed"); err != nil {
			return err
		}
	}
	if _, taken := role.BuiltInNamed(d.RoleName); taken {
		return sameName(d.RoleName)
	}
	for guid, other := range c.st.RoleDefinitions {
		if guid != d.ID && strings.EqualFold(other.Definition.RoleName, d.RoleName) {
			return sameName(d.RoleName)
		}
	}
	most := clouds.Of(c.st.Cloud).MaxRoles
	if len(c.st.RoleDefinitions) >= most && c.st.RoleDefinitions[d.ID] == nil {
		return wire.Errorf(http.StatusBadRequest, "RoleDefinitionLimitExceeded",
			"the tenant has %d custom roles, which is the most it may have", most)
	}
	return nil
}

func sameName(name string) error {
	return wire.Errorf(http.StatusConflict, "RoleDefinitionWithSameNameExists",
		"a role definition with the name %q already exists in the tenant; role names are unique there", name)
}

func deleteRoleDefinition(c *call) (wire.Reply, error) {
	guid := strings.ToLower(c.id.Name())
	custom := c.st.RoleDefinitions[guid]
	if custom == nil {
		if _, builtIn := role.BuiltIn(guid); builtIn {
			return wire.Reply{}, wire.Errorf(http.StatusBadRequest, "BadRequest",
				"role definition %s is built in and cannot be deleted", guid)
		}
		return wire.NoContent(), nil
	}
	for _, assignment := range c.st.RoleAssignments {
		if assignment.RoleDefinition == guid {
			return wire.Reply{}, wire.Errorf(http.StatusBadRequest, "RoleDefinitionHasAssignments",
				"there are existing role assignments referencing role %s, such as %s at %s; delete them "+
					"first", guid, assignment.Name, assignment.Scope)
		}
	}
	c.st.RemoveRole(guid)
	return wire.OK(renderDefinition(custom.Definition, custom, c.id.Scope)), nil
}

// filter reads $filter and refuses terms that the list does not have, and those that it has twice: they would be
// answered as another question. Functions are named with their parentheses; assignedTo() alone takes a value.
func (c *call) filter(known ...string) (odata.Filter, error) {
	filter, err := odata.Parse(c.r.URL.Query().Get("$filter"))
	if err != nil {
		return nil, wire.Errorf(http.StatusBadRequest, "InvalidFilter", "%v", err)
	}
	seen := map[string]bool{}
	for i, term := range filter {
		name := term.Field
		if term.Function != "" {
			name = term.Function + "()"
		}
		k := slices.IndexFunc(known, func(s string) bool { return strings.EqualFold(s, name) })
		if k < 0 {
			return nil, wire.Errorf(http.StatusBadRequest, "UnsupportedQuery",
				"the filter term %q is not supported; supported are %s", name, strings.Join(known, ", "))
		}
		takes := term.Function == "" || known[k] == "assignedTo()"
		if seen[known[k]] || term.Any || term.Function != "" && term.Field != "" || takes != (term.Value != "") {
			return nil, wire.Errorf(http.StatusBadRequest, "UnsupportedQuery",
				"the filter has %s in another form, or twice", name)
		}
		seen[known[k]] = true
		principal := known[k] == "assignedTo()" || known[k] == "principalId"
		if principal && uuid.Validate(term.Value) != nil {
			return nil, wire.Errorf(http.StatusBadRequest, "UnsupportedQuery", "%s: %q is not a GUID", name, term.Value)
		}
		if term.Function != "" {
			filter[i].Function = strings.TrimSuffix(known[k], "()")
		} else {
			filter[i].Field = known[k]
		}
	}
	return filter, nil
}

// oneOf refuses a filter with both of two terms, each of which says what is listed.
func oneOf(filter odata.Filter, a, b string) error {
	has := func(name string) bool {
		return slices.ContainsFunc(filter, func(t odata.Term) bool { return t.Function == name || t.Field == name })
	}
	if has(a) && has(b) {
		return wire.Errorf(http.StatusBadRequest, "UnsupportedQuery", "the filter has both %s and %s", a, b)
	}
	return nil
}
