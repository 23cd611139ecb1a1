package access

import (
	"cmp"

	"github.com/batchaccess/batchaccess/internal/arm"
	"github.com/batchaccess/batchaccess/internal/problem"
	"github.com/batchaccess/batchaccess/roles"
)

var roleScopes = []string{string(AtEndpoint), string(AtWorkspace), string(AtResourceGroup), string(AtSubscription)}

// A Role is what the invokers are given: by default a custom role of the article's 35 actions, at the workspace.
type Role struct {
	// Scope at which it is assigned; "" for the workspace. At AtEndpoint there are two roles in its place, the parts of
	// roles.Definition.Parts: one at each endpoint that names the invoker, the other at the workspace.
	Scope Level
	// Name of the custom role; "" for the default.
	Name string
	// Additions to the 35 actions, by the names of roles.AdditionNames.
	Additions []string
	// BuiltIn is one of roles.InvokerBuiltIns to assign in place of a custom role.
	BuiltIn string
	// RoleDefinitionID is the ARM ID of a role that exists: then none is made. The ID does not say what it allows,
	// unless it is of a built-in role that is known here.
	RoleDefinitionID ID
	// Definition is a role of the user's own in place of the 35 actions, as JSON in the form that the portal exports.
	// Beside RoleDefinitionID it says what that role allows.
	Definition string
}

// What a Grant calls the role of the model: a custom one that the stack makes, or one that exists and is given by its
// ID.
const (
	invokerRole  = "Batch Endpoint Invoker"
	existingRole = "existing role"
	// the two that stand for the first where role.scope is endpoint
	endpointRole  = invokerRole + " (endpoint)"
	workspaceRole = invokerRole + " (workspace)"
)

// unknownRole says what is missing where it matters what an existing role allows and nobody has said it.
const unknownRole = "what the existing role allows, which is not known here: give role.definition beside " +
	"role.roleDefinitionId"

// Made reports whether the stack makes the role.
func (r Role) Made() bool { return r.BuiltIn == "" && !r.RoleDefinitionID.Given() }

// Title is the role for people to read: its name, or that it exists.
func (r Role) Title() string {
	if r.RoleDefinitionID.Given() {
		return existingRole
	}
	return cmp.Or(r.BuiltIn, r.Name, invokerRole)
}

// EffectiveScope is Scope, or its default.
func (r Role) EffectiveScope() Level { return cmp.Or(r.Scope, AtWorkspace) }

// ByEndpoint reports whether invokers are limited to the endpoints that name them.
func (r Role) ByEndpoint() bool { return r.Scope == AtEndpoint }

// Known reports whether the model knows what the role allows. It does, but for an existing role of which only the ID is
// known.
func (r Role) Known() bool {
	_, builtIn := r.existingBuiltIn()
	return !r.RoleDefinitionID.Given() || r.Definition != "" || builtIn
}

// RoleDefinitionGUID is the GUID at the end of RoleDefinitionID.
func (r Role) RoleDefinitionGUID() string { return arm.Last(r.RoleDefinitionID.Text()) }

func (r Role) existingBuiltIn() (roles.Definition, bool) {
	return roles.BuiltIn(r.RoleDefinitionGUID())
}

// Resolve returns the role definition that the invokers are given, or what is wrong with it, by the keys of the role.
// It is a problem where it is not Known.
func (r Role) Resolve() (d roles.Definition, ps Problems) {
	switch {
	case r.BuiltIn != "":
		d, ok := roles.BuiltIn(r.BuiltIn)
		if !ok {
			ps.Add("builtIn", problem.DidYouMean(r.BuiltIn, roles.InvokerBuiltIns()), "unknown role %q", r.BuiltIn)
		}
		return d, ps
	case r.Definition != "":
		if d, ps = roles.Parse([]byte(r.Definition)); len(ps) > 0 {
			return d, ps.Below("definition")
		}
	case !r.Known():
		ps.Add("roleDefinitionId", "give its JSON as role.definition beside it", "what the role allows is not known here")
		return d, ps
	case r.RoleDefinitionID.Given():
		d, _ = r.existingBuiltIn()
		return d, nil
	default:
		d = roles.Invoker()
	}
	d.RoleName = cmp.Or(r.Name, d.RoleName)
	return d.With(r.Additions...)
}

// grantName is how a Grant calls the role.
func (r Role) grantName() string {
	if r.RoleDefinitionID.Given() {
		return existingRole
	}
	return cmp.Or(r.BuiltIn, invokerRole)
}

// Problems returns what is wrong with a role by itself, which is assigned at the scope, an ARM ID; the paths are those
// of its own fields.
func (r Role) Problems(scope ID) Problems {
	var v validator
	v.role("", r, scope)
	return v.Problems
}
