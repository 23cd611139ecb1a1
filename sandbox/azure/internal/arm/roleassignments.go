package arm

import (
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/batchaccess/batchaccess/sandbox/azure/internal/armid"
	"github.com/batchaccess/batchaccess/sandbox/azure/internal/clouds"
	"github.com/batchaccess/batchaccess/sandbox/azure/internal/condition"
	"github.com/batchaccess/batchaccess/sandbox/azure/internal/rbac"
	"github.com/batchaccess/batchaccess/sandbox/azure/internal/state"
	"github.com/batchaccess/batchaccess/sandbox/azure/internal/wire"
)

const (
	// maxGroupAssignments is Azure's limit at a management group. The limit in a subscription is the cloud's.
	maxGroupAssignments = 500
	// maxDescription is in characters (azure-facts.md: 2 KB).
	maxDescription = 2048
	// pageSize is the number of items in an answer to a list.
	pageSize = 100
	// skipToken is the query parameter of a nextLink that says where the next page begins.
	skipToken = "$skipToken"
)

func renderAssignment(a *state.RoleAssignment) map[string]any {
	properties := map[string]any{
		"roleDefinitionId": definitionID(a.Scope,
			a.RoleDefinition), "principalId": a.PrincipalID, "principalType": a.PrincipalType,
		"scope": a.Scope, "description": nullable(a.Description), "condition": nullable(
			a.Condition), "conditionVersion": nullable(a.ConditionVer),
		"createdOn": stamp(a.CreatedOn), "updatedOn": stamp(a.UpdatedOn), "createdBy": a.CreatedBy, "updatedBy": a.UpdatedBy,
		"delegatedManagedIdentityResourceId": nil,
	}
	return map[string]any{
		"id":   strings.TrimSuffix(a.Scope, "/") + "/providers/" + typeRoleAssignment + "/" + a.Name,
		"name": a.Name, "type": typeRoleAssignment, "properties": properties,
	}
}

func nullable(s string) any {
	if s == "" {
		return nil
	}
	return s
}

// assignmentScope is the scope in the path; a path of the root scope has none.
func (c *call) assignmentScope() string {
	if c.id.Scope == "" {
		return "/"
	}
	return c.id.Scope
}

// assignment is the assignment in the path; nil if it does not exist, or exists at another scope.
func (c *call) assignment() *state.RoleAssignment {
	a := c.st.RoleAssignments[strings.ToLower(c.id.Name())]
	if a == nil || armid.Key(a.Scope) != armid.Key(c.assignmentScope()) {
		return nil
	}
	return a
}

func getRoleAssignment(c *call) (wire.Reply, error) {
	a := c.assignment()
	if a == nil {
		return wire.Reply{}, wire.Errorf(http.StatusNotFound, "RoleAssignmentNotFound", "the role assignment %q is not found",
			c.id.Name())
	}
	return wire.OK(renderAssignment(a)), nil
}

func deleteRoleAssignment(c *call) (wire.Reply, error) {
	a := c.assignment()
	if a == nil {
		return wire.NoContent(), nil
	}
	c.st.RemoveAssignment(a)
	return wire.OK(renderAssignment(a)), nil
}

func putRoleAssignment(c *call) (wire.Reply, error) {
	name := strings.ToLower(c.id.Name())
	if uuid.Validate(name) != nil {
		return wire.Reply{}, wire.Errorf(http.StatusBadRequest, "InvalidRoleAssignmentId",
			"the role assignment ID %q is not a GUID", c.id.Name())
	}
	var body struct {
		Properties struct {
			RoleDefinitionID string `json:"roleDefinitionId"`
			PrincipalID      string `json:"principalId"`
			PrincipalType    string `json:"principalType"`
			Description      string `json:"description"`
			Condition        string `json:"condition"`
			ConditionVersion string `json:"conditionVersion"`
			Delegated        string `json:"delegatedManagedIdentityResourceId"`
		} `json:"properties"`
	}
	if err := c.decode(&body, roleAssignmentKeys); err != nil {
		return wire.Reply{}, err
	}
	p := body.Properties
	a := &state.RoleAssignment{
		Name: name, Scope: c.assignmentScope(), RoleDefinition: strings.ToLower(armid.Parse(p.RoleDefinitionID).Name()),
		PrincipalID: strings.ToLower(p.PrincipalID), PrincipalType: p.PrincipalType, Description: p.Description,
		CreatedOn: c.now, UpdatedOn: c.now, CreatedBy: c.caller.ObjectID, UpdatedBy: c.caller.ObjectID,
	}
	if !armid.Parse(p.RoleDefinitionID).Is(typeRoleDefinition) || uuid.Validate(a.RoleDefinition) != nil {
		return wire.Reply{}, wire.Errorf(http.StatusBadRequest, "InvalidRoleDefinitionId",
			"properties.roleDefinitionId %q is not the ID of a role definition", p.RoleDefinitionID)
	}
	if p.Delegated != "" {
		return wire.Reply{}, wire.NotModelled("delegated identities of role assignments")
	}
	if err := c.checkCondition(p.Condition, p.ConditionVersion); err != nil {
		return wire.Reply{}, err
	}
	if a.Condition = p.Condition; a.Condition != "" {
		a.ConditionVer = conditionVersion
	}
	if uuid.Validate(a.PrincipalID) != nil {
		return wire.Reply{}, wire.Errorf(http.StatusBadRequest, "InvalidPrincipalId",
			"properties.principalId %q is not a GUID", p.PrincipalID)
	}
	if length := utf8.RuneCountInString(a.Description); length > maxDescription {
		return wire.Reply{}, wire.Errorf(http.StatusBadRequest, "BadRequest",
			"properties.description has %d characters; at most %d are allowed", length, maxDescription)
	}
	if old := c.st.RoleAssignments[name]; old != nil {
		return c.updateAssignment(old, a)
	}
	if err := c.checkAssignment(a); err != nil {
		return wire.Reply{}, err
	}
	c.st.RoleAssignments[name] = a
	c.st.Touch(state.RoleAssignments, name)
	return wire.Reply{Status: http.StatusCreated, Body: renderAssignment(a)}, nil
}

// updateAssignment changes only the description and the condition. Principal, role and scope can't be changed: they
// are what makes the assignment.
func (c *call) updateAssignment(old, a *state.RoleAssignment) (wire.Reply, error) {
	if armid.Key(old.Scope) != armid.Key(a.Scope) || old.RoleDefinition != a.RoleDefinition ||
		old.PrincipalID != a.PrincipalID ||
		(a.PrincipalType != "" && !strings.EqualFold(old.PrincipalType, a.PrincipalType)) {
		return wire.Reply{}, wire.Errorf(http.StatusBadRequest, "RoleAssignmentUpdateNotPermitted",
			"the principal, the role and the scope of role assignment %s are not allowed to be updated; delete it and make "+
				"another", old.Name)
	}
	if old.Description == a.Description && old.Condition == a.Condition && old.ConditionVer == a.ConditionVer {
		return wire.OK(renderAssignment(old)), nil
	}
	updated := *old
	updated.Description, updated.Condition, updated.ConditionVer = a.Description, a.Condition, a.ConditionVer
	updated.UpdatedOn, updated.UpdatedBy = a.UpdatedOn, a.UpdatedBy
	if old.Condition != a.Condition {
		c.st.ChangeCondition(old, &updated)
	}
	c.st.RoleAssignments[old.Name] = &updated
	c.st.Touch(state.RoleAssignments, old.Name)
	return wire.OK(renderAssignment(&updated)), nil
}

// conditionVersion is the only version, and the default (facts/conditions.md). conditionsSince is the first API
// version with conditions.
const (
	conditionVersion = "2.0"
	conditionsSince  = "2020-03-01-preview"
)

// checkCondition applies Azure's rules for a new condition. The message is the documentation's (facts/conditions.md,
// T), followed by what is wrong; the code is a guess.
func (c *call) checkCondition(text, version string) error {
	invalid := func(what string) error {
		return wire.Errorf(http.StatusBadRequest, "BadRequest", "The given role assignment condition is invalid. %s", what)
	}
	since := c.r.URL.Query().Get("api-version")
	switch {
	case text == "" && version == "":
		return nil
	case text == "":
		return wire.NotModelled("a conditionVersion without a condition")
	case since < conditionsSince:
		return wire.NotModelled("a condition in the api-version " + since + "; the first that has them is " +
			conditionsSince)
	case version != "" && version != conditionVersion:
		return invalid("properties.conditionVersion is " + strconv.Quote(version) + "; it must be " + conditionVersion)
	}
	switch _, err := condition.Parse(text); {
	case errors.Is(err, condition.ErrUnknown):
		return wire.NotModelled("this condition: " + err.Error())
	case err != nil:
		return invalid("properties.condition: " + err.Error())
	}
	return nil
}

// asked has what conditions of the caller's own assignments may ask about the request: which role, and to whom
// (facts/conditions.md, "For delegation").
func (c *call) asked(action string) condition.Request {
	r := condition.Request{Action: action, Suboperation: new(string), Attributes: map[string]condition.Value{}}
	if !c.id.Is(typeRoleAssignment) || c.id.IsCollection() {
		return r
	}
	note := func(source, role, principal, kind string) {
		for name, value := range map[string]string{
			"RoleDefinitionId": armid.Parse(role).Name(), "PrincipalId": principal, "PrincipalType": kind,
		} {
			if value != "" {
				r.Attributes[condition.Key(source, typeRoleAssignment+":"+name)] = condition.Text(value)
			}
		}
	}
	switch old := c.assignment(); {
	case c.r.Method == http.MethodPut:
		var body struct {
			Properties struct{ RoleDefinitionID, PrincipalID, PrincipalType string }
		}
		_ = json.Unmarshal(c.body, &body) // what is missing is not known
		p := body.Properties
		note(condition.OfRequest, p.RoleDefinitionID, p.PrincipalID, p.PrincipalType)
	case old != nil:
		note(condition.Resource, definitionID(old.Scope, old.RoleDefinition), old.PrincipalID, old.PrincipalType)
	}
	return r
}

// checkAssignment applies Azure's rules for a new assignment, and fills in the type of its principal.
func (c *call) checkAssignment(a *state.RoleAssignment) error {
	if err := c.missing(armid.Parse(a.Scope)); err != nil {
		return err
	}
	definition, ok := rbac.Definition(c.st, a.RoleDefinition)
	if !ok {
		return wire.Errorf(http.StatusBadRequest, "RoleDefinitionDoesNotExist",
			"the specified role definition with ID %q does not exist", a.RoleDefinition)
	}
	if !definition.BuiltIn && !slices.ContainsFunc(definition.AssignableScopes,
		func(scope string) bool { return rbac.Covers(c.st, scope, a.Scope) }) {
		return wire.Errorf(http.StatusBadRequest, "RoleAssignmentScopeNotAssignableToRoleDefinition",
			"role %q cannot be assigned at %s, which lies in none of its assignableScopes: "+
				"%s", definition.RoleName, a.Scope, strings.Join(definition.AssignableScopes, ", "))
	}
	switch actual := c.st.KnownPrincipalType(a.PrincipalID); {
	case actual == "" && a.PrincipalType != "ServicePrincipal":
		return wire.Errorf(http.StatusBadRequest, "PrincipalNotFound",
			"principal %s does not exist in the directory %s; if it was created just now, set "+
				"principalType", a.PrincipalID, c.st.TenantID)
	case a.PrincipalType == "":
		a.PrincipalType = actual
	case actual != "" && a.PrincipalType != actual:
		return wire.Errorf(http.StatusBadRequest, "UnmatchedPrincipalType",
			"principal %s is of type %s, not %s as principalType says", a.PrincipalID, actual, a.PrincipalType)
	}
	scope := armid.Parse(a.Scope)
	for other := range c.st.AssignmentsOf(a.PrincipalID) {
		if strings.EqualFold(other.Scope, a.Scope) && other.RoleDefinition == a.RoleDefinition {
			return wire.Errorf(http.StatusConflict, "RoleAssignmentExists",
				"the role assignment already exists; its ID is %s", other.Name)
		}
	}
	subscription, most := scope.Subscription(), clouds.Of(c.st.Cloud).MaxAssignments
	switch {
	case subscription != "" && c.st.AssignmentsIn(subscription) >= most:
		return wire.Errorf(http.StatusBadRequest, "RoleAssignmentLimitExceeded",
			"subscription %s has %d role assignments, which is the most it may have", subscription, most)
	case scope.Is(typeManagementGroup) && c.st.AssignmentsAt(a.Scope) >= maxGroupAssignments:
		return wire.Errorf(http.StatusBadRequest, "RoleAssignmentLimitExceeded",
			"management group %s has %d role assignments, which is the most it may have", scope.Name(), maxGroupAssignments)
	}
	return nil
}

// listRoleAssignments answers with the assignments at, above and below the scope; with atScope() without those below.
// principalId selects a principal's own assignments, assignedTo() those that reach it, also through groups.
func listRoleAssignments(c *call) (wire.Reply, error) {
	filter, err := c.filter("principalId", "assignedTo()", "atScope()")
	if err == nil { // Azure/azure-powershell pull request 20433: atScope() does not go with principalId
		err = errors.Join(oneOf(filter, "principalId", "assignedTo"), oneOf(filter, "principalId", "atScope"))
	}
	if err != nil {
		return wire.Reply{}, err
	}
	atScope, holders := false, map[string]bool(nil)
	for _, term := range filter {
		switch {
		case term.Function == "atScope":
			atScope = true
		case term.Field == "principalId":
			holders = map[string]bool{strings.ToLower(term.Value): true}
		default:
			holders = map[string]bool{strings.ToLower(term.Value): true}
			for _, group := range c.st.MemberOf(term.Value, true) {
				holders[group] = true
			}
		}
	}
	scope := c.assignmentScope()
	candidates := c.st.RoleAssignments
	if holders != nil {
		candidates = map[string]*state.RoleAssignment{}
		for holder := range holders {
			for a := range c.st.AssignmentsOf(holder) {
				candidates[a.Name] = a
			}
		}
	}
	var found []any
	for _, name := range slices.Sorted(maps.Keys(candidates)) {
		a := candidates[name]
		reaches := rbac.Covers(c.st, a.Scope, scope) || !atScope && armid.Covers(scope, a.Scope)
		if reaches {
			found = append(found, renderAssignment(a))
		}
	}
	return c.page(found)
}

// page answers with the part of a list that the request asks for, and the address of the next part.
func (c *call) page(items []any) (wire.Reply, error) {
	query := c.r.URL.Query()
	start := 0
	if skip := query.Get(skipToken); skip != "" {
		var err error
		if start, err = strconv.Atoi(skip); err != nil || start < 0 || start > len(items) {
			return wire.Reply{}, wire.Errorf(http.StatusBadRequest, "InvalidSkipToken",
				"the %s %q is not one that a nextLink held", skipToken, skip)
		}
	}
	end := min(start+pageSize, len(items))
	body := map[string]any{"value": append([]any{}, items[start:end]...)}
	if end < len(items) {
		query.Set(skipToken, strconv.Itoa(end))
		body["nextLink"] = c.url + (&url.URL{Path: c.id.String(), RawQuery: query.Encode()}).String()
	}
	return wire.OK(body), nil
}
