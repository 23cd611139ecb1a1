package access

import (
	"cmp"

	"github.com/batchaccess/batchaccess/internal/arm"
	"github.com/batchaccess/batchaccess/internal/problem"
	"github.com/batchaccess/batchaccess/roles"
)

var roleScopes = []string{string(AtEndpoint), string(AtWorkspace), string(AtResourceGroup), string(AtSubscription)}

// A Role is what invokers are given. By default it is a custom role of the article's 35 actions, assigned at the
// workspace.
type Role struct {
	// Scope at which it is assigned; "" for the workspace. With AtEndpoint there are two roles instead, the parts of
	// roles.Definition.Parts: one at each endpoint that names the invoker, the other at the workspace.
	Scope Level
	// Name of the custom role; "" for the default.
	Name string
	// Additions to the 35 actions, by the names of roles.AdditionNames.
	Additions []string
	// BuiltIn is one of roles.InvokerBuiltIns, to assign instead of a custom role.
	BuiltIn string
	// RoleDefinitionID is the ARM ID of a role that exists; then none is made. The ID does not say what the role
	// allows, unless it is a built-in role that is known here.
	RoleDefinitionID ID
	// Definition is a role of the user's own instead of the 35 actions, as JSON in the form that the portal exports.
	// Beside RoleDefinitionID it says what that role allows.
	Definition string
}

// The names that a Grant has for the model's role: a custom role that the stack makes, or one that exists and is given
// by its ID.
const (
	invokerRole  = "Batch Endpoint Invoker"
	existingRole = "existing role"
	// The two roles that replace invokerRole where role.scope is endpoint.
	endpointRole  = invokerRole + " (endpoint)"
	workspaceRole = invokerRole + " (workspace)"
)

// unknownRole says what is missing where the decision depends on an existing role whose actions the model does not
// give.
const unknownRole = "what the existing role allows, which is not known here: give role.definition beside " +
	"role.roleDefinitionId"

// Made reports whether the stack makes the role.
func (r Role) Made() bool { return r.BuiltIn == "" && !r.RoleDefinitionID.Given() }

// Title returns the role's name, or says that the role exists.
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

// Known reports whether the model knows what the role allows. It does not for an existing role of which it has only the
// ID.
func (r Role) Known() bool {
	_, builtIn := r.existingBuiltIn()
	return !r.RoleDefinitionID.Given() || r.Definition != "" || builtIn
}

// RoleDefinitionGUID is the GUID at the end of RoleDefinitionID.
func (r Role) RoleDefinitionGUID() string { return arm.Last(r.RoleDefinitionID.Text()) }

func (r Role) existingBuiltIn() (roles.Definition, bool) {
	return roles.BuiltIn(r.RoleDefinitionGUID())
}

// Resolve returns the role definition that the invokers are given, or what is wrong with it; the paths are keys of the
// role. A role that is not Known is a problem.
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

// grantName is the name that a Grant has for the role.
func (r Role) grantName() string {
	if r.RoleDefinitionID.Given() {
		return existingRole
	}
	return cmp.Or(r.BuiltIn, invokerRole)
}

// Problems returns what is wrong with a role, looked at alone, if it is assigned at the scope (an ARM ID). The paths
// are names of its own fields.
func (r Role) Problems(scope ID) Problems {
	var v validator
	v.role("", r, scope)
	return v.Problems
}
