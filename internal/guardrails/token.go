package guardrails

import (
	"strings"
	"sync"

	"github.com/batchaccess/batchaccess/roles"
)

// Key returns a type token in the form for comparisons: in lower case, without the API version that azure-native has in
// a token (azure-native:authorization/v20220401:RoleAssignment) or in the name of a package
// (azure-native_authorization_v20220401), and without the repeated name of bridged providers
// (azuread:index/group:Group).
func Key(token string) string {
	if known, done := keyCache.Load(token); done {
		return known.(string)
	}
	key := keyOf(token)
	keyCache.Store(token, key)
	return key
}

// keyCache keeps keys, because previews have many resources of few types.
var keyCache sync.Map

func keyOf(token string) string {
	pkg, rest, _ := strings.Cut(strings.ToLower(token), ":")
	module, name, ok := strings.Cut(rest, ":")
	if !ok {
		return pkg + ":" + rest
	}
	if base, _, versioned := strings.Cut(pkg, "_"); versioned && base == "azure-native" || pkg == "azure-nextgen" {
		pkg = "azure-native"
	}
	module, _, _ = strings.Cut(module, "/")
	return pkg + ":" + module + ":" + name
}

// translations are the types that mean the same as one in the rules, and how to change their inputs to that type's
// form.
var translations = func() map[string]translation {
	all := map[string]translation{}
	for _, t := range []translation{
		{RoleAssignment, []string{RoleAssignment, "azure:authorization/assignment:Assignment"}, assignmentInputs},
		{
			RoleAssignment,
			[]string{"azure-native:authorization:PimRoleEligibilitySchedule",
				"azure:pim/eligibleRoleAssignment:EligibleRoleAssignment"},
			func(in map[string]any) { assignmentInputs(in); in[Through] = "eligible by PIM" },
		},
		{
			RoleAssignment, []string{"azure:pim/activeRoleAssignment:ActiveRoleAssignment"},
			func(in map[string]any) { assignmentInputs(in); in[Through] = "active by PIM" },
		},
		{RoleDefinition, []string{RoleDefinition, "azure:authorization/roleDefinition:RoleDefinition"}, definitionInputs},
		{Compute, []string{Compute}, nil},
		{Password, []string{Password, "azuread:index/servicePrincipalPassword:ServicePrincipalPassword"}, secretInputs},
		{Certificate, []string{Certificate, "azuread:index/servicePrincipalCertificate:ServicePrincipalCertificate"},
			secretInputs},
		{
			Federation,
			[]string{
				Federation, "azuread:index/applicationFlexibleFederatedIdentityCredential:" +
					"ApplicationFlexibleFederatedIdentityCredential",
				"azure-native:managedidentity:FederatedIdentityCredential",
				"azure:armmsi/federatedIdentityCredential:FederatedIdentityCredential",
			},
			federationInputs,
		},
		{UserAssignedIdentity, []string{UserAssignedIdentity,
			"azure:authorization/userAssignedIdentity:UserAssignedIdentity"}, nil},
		{GroupMember, []string{GroupMember}, nil},
	} {
		for _, token := range t.tokens {
			all[Key(token)] = t
		}
	}
	return all
}()

type translation struct {
	kind   string
	tokens []string
	inputs func(map[string]any)
}

// Kind returns the type of the resource, whichever provider and version make it: the token in the rules, or the
// resource's own.
func (r Resource) Kind() string {
	if t, ok := translations[Key(r.Type)]; ok {
		return t.kind
	}
	return r.Type
}

// Through is an input that Canonical adds to a role assignment of PIM: how the role is held.
const Through = "batchaccess:through"

// Target is an input that Canonical adds to a credential: the application or identity that it signs in as.
const Target = "batchaccess:target"

// Canonical returns the resource in the form of the rules: a role assignment of the classic provider or of PIM as one
// of azure-native's, a credential with its target under one name, scopes with their first slash.
func (r Resource) Canonical() Resource {
	t, ok := translations[Key(r.Type)]
	if !ok || t.inputs == nil {
		return r
	}
	translate := func(in map[string]any) map[string]any {
		if in == nil {
			return nil
		}
		copied := make(map[string]any, len(in)+1)
		for key, v := range in {
			copied[key] = v
		}
		t.inputs(copied)
		return copied
	}
	r.Type, r.Inputs, r.Old = t.kind, translate(r.Inputs), translate(r.Old)
	return r
}

func assignmentInputs(in map[string]any) {
	in["scope"] = scopeValue(in["scope"])
	id, _ := in["roleDefinitionId"].(string)
	if name, ok := in["roleDefinitionName"].(string); ok && id != "" { // it is not known which one counts
		if d, known := roles.BuiltIn(name); known && !strings.HasSuffix(strings.ToLower(id), d.ID) {
			in["roleDefinitionId"] = "role named " + name + " with another role's ID"
		}
	} else if ok && in["roleDefinitionId"] == nil {
		in["roleDefinitionId"] = "role named " + name
		if d, known := roles.BuiltIn(name); known {
			in["roleDefinitionId"] = roles.DefinitionID(d.ID)
		}
	} else if in["roleDefinitionId"] == nil && in["roleDefinitionName"] != nil {
		in["roleDefinitionId"] = in["roleDefinitionName"] // a marker
	}
}

func definitionInputs(in map[string]any) {
	in["scope"] = scopeValue(in["scope"])
	if list, ok := in["assignableScopes"].([]any); ok {
		scopes := make([]any, len(list))
		for i, s := range list {
			scopes[i] = scopeValue(s)
		}
		in["assignableScopes"] = scopes
	}
	if in["assignableScopes"] == nil && in["scope"] != nil { // the classic provider's default
		in["assignableScopes"] = []any{in["scope"]}
	}
	if in["roleName"] == nil && in["name"] != nil { // the classic provider's word
		in["roleName"] = in["name"]
	}
}

// scopeValue adds a scope's first slash, which azure-native omits in what it imports.
func scopeValue(v any) any {
	s, ok := v.(string)
	if !ok {
		return v
	}
	lower := strings.ToLower(s)
	if strings.HasPrefix(lower, "subscriptions/") || strings.HasPrefix(lower, "providers/") {
		s = "/" + s
	}
	if len(s) > 1 && !strings.HasSuffix(s, "//") {
		s = strings.TrimSuffix(s, "/")
	}
	return s
}

func secretInputs(in map[string]any) { in[Target] = firstOf(in, "applicationId", "servicePrincipalId") }

func federationInputs(in map[string]any) {
	in[Target] = firstOf(in, "applicationId", "parentId", "userAssignedIdentityId", "resourceName")
	if name, is := in["resourceName"].(string); is && in[Target] == name { // identities of two groups may share a name
		switch group := in["resourceGroupName"].(type) {
		case string:
			in[Target] = group + "/" + name
		case Marker:
			in[Target] = group
		}
	}
	if in["audiences"] == nil {
		if list, ok := in["audience"].([]any); ok { // the classic provider's word
			in["audiences"] = list
		} else if in["audience"] != nil {
			in["audiences"] = []any{in["audience"]}
		}
	}
	if in["subject"] == nil && in["claimsMatchingExpression"] != nil {
		in["subject"] = in["claimsMatchingExpression"]
	}
}

func firstOf(in map[string]any, keys ...string) any {
	for _, key := range keys {
		if in[key] != nil {
			return in[key]
		}
	}
	return nil
}
