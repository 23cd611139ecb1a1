package review

import (
	"strings"

	"github.com/batchaccess/batchaccess/internal/engine"
	"github.com/batchaccess/batchaccess/internal/guardrails"
)

// The types that are read beside those in guardrails.
const (
	accessComponent      = guardrails.AccessComponent
	application          = "azuread:index/application:Application"
	servicePrincipal     = "azuread:index/servicePrincipal:ServicePrincipal"
	group                = "azuread:index/group:Group"
	groupMember          = guardrails.GroupMember
	userAssignedIdentity = guardrails.UserAssignedIdentity
)

func kind(typ string) string { return guardrails.Resource{Type: typ}.Kind() }

// parentTypeOf returns the type of the resource's parent; "" if that is the stack.
func parentTypeOf(urn string) string {
	parts := strings.SplitN(urn, "::", 4)
	if len(parts) < 4 {
		return ""
	}
	types := strings.Split(parts[2], "$")
	if len(types) < 2 {
		return ""
	}
	return types[len(types)-2]
}

// childURN returns the URN of a resource that a component makes: types are the types below the component, joined by $,
// and more is the part of the resource's name after the component's.
func childURN(componentURN, types, more string) string {
	parts := strings.SplitN(componentURN, "::", 4)
	return strings.Join([]string{parts[0], parts[1], parts[2] + "$" + types, parts[3] + more}, "::")
}

// kinds are names for people of what a principal may come from.
var kinds = map[string]string{
	servicePrincipal: "service principal", group: "group", application: "application", userAssignedIdentity: "managed " +
		"identity",
	guardrails.Compute: "cluster identity", guardrails.RoleDefinition: "role",
}

// called returns the name for people of a resource, such as "service principal partner". The component's name before
// the first dot is omitted.
func called(urn string) string {
	name := engine.NameOf(urn)
	if _, rest, ok := strings.Cut(name, "."); ok && strings.Contains(urn, "batchaccess:index:") {
		name = rest
	}
	name = engine.Clip(name)
	if k, ok := kinds[kind(engine.TypeOf(urn))]; ok {
		return k + " " + name
	}
	return name
}
