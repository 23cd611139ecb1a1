package access

import (
	"cmp"
	"errors"
	"fmt"

	"github.com/batchaccess/batchaccess/internal/arm"
	"github.com/batchaccess/batchaccess/roles"
)

// A RoleScope is where the invokers' role is assigned.
type RoleScope string

// The scopes at which the role may be assigned, the narrowest first.
const (
	AtWorkspace     RoleScope = "workspace"
	AtResourceGroup RoleScope = "resourceGroup"
	AtSubscription  RoleScope = "subscription"
)

var roleScopes = []string{string(AtWorkspace), string(AtResourceGroup), string(AtSubscription)}

// A Role is what the invokers are given: by default a custom role of the seed's 35 actions, at the workspace.
type Role struct {
	// Scope at which it is assigned; "" for the workspace.
	Scope RoleScope
	// Name of the custom role; "" for the default.
	Name string
	// Additions to the 35 actions, by the names of roles.AdditionNames.
	Additions []string
	// BuiltIn is one of roles.InvokerBuiltIns to assign in place of a custom role.
	BuiltIn string
	// RoleDefinitionID is the ARM ID of a role that exists: then none is made. What it allows can't be told from the ID, unless
	// it is of a built-in role that is known here.
	RoleDefinitionID ID
	// Definition is a role of the user's own in place of the seed's, as JSON in the form that the portal exports. Beside
	// RoleDefinitionID it tells what that role allows.
	Definition string
}

// What a Grant calls the role of the model: a custom one that the stack makes, or one that exists and is given by its ID.
const (
	InvokerRole  = "Batch Endpoint Invoker"
	ExistingRole = "existing role"
)

// notTold says what is missing where it matters what an existing role allows and nobody has said it.
const notTold = "what the existing role allows, which is not known here: give role.definition beside " +
	"role.roleDefinitionId"

// EffectiveScope is Scope, or its default.
func (r Role) EffectiveScope() RoleScope { return cmp.Or(r.Scope, AtWorkspace) }

// Told reports whether the model knows what the role allows. It does, but for an existing role of which only the ID is known.
func (r Role) Told() bool {
	_, builtIn := r.existingBuiltIn()
	return !r.RoleDefinitionID.Given() || r.Definition != "" || builtIn
}

// RoleDefinitionGUID is the GUID at the end of RoleDefinitionID.
func (r Role) RoleDefinitionGUID() string { return arm.Last(r.RoleDefinitionID.Text()) }

func (r Role) existingBuiltIn() (roles.Definition, bool) {
	return roles.BuiltIn(r.RoleDefinitionGUID())
}

// Resolve returns the role definition that the invokers are given. It is an error where it is not Told.
func (r Role) Resolve() (roles.Definition, error) {
	var d roles.Definition
	switch {
	case r.BuiltIn != "":
		d, ok := roles.BuiltIn(r.BuiltIn)
		if !ok {
			return d, fmt.Errorf("builtIn: unknown role %q", r.BuiltIn)
		}
		return d, nil
	case r.Definition != "":
		var err error
		if d, err = roles.Parse([]byte(r.Definition)); err != nil {
			return d, fmt.Errorf("definition: %w", err)
		}
	case !r.Told():
		return d, errors.New("roleDefinitionId: " + notTold)
	case r.RoleDefinitionID.Given():
		d, _ = r.existingBuiltIn()
		return d, nil
	default:
		d = roles.Invoker()
	}
	if r.Name != "" {
		d.RoleName = r.Name
	}
	d, err := d.With(r.Additions...)
	if err != nil {
		return d, fmt.Errorf("additions: %w", err)
	}
	return d, nil
}

// grantName is how a Grant calls the role.
func (r Role) grantName() string {
	if r.RoleDefinitionID.Given() {
		return ExistingRole
	}
	return cmp.Or(r.BuiltIn, InvokerRole)
}

// Problems returns what is wrong with a role by itself. Its scope is an ARM ID; the paths begin with "role.".
func (r Role) Problems(scope ID) Problems {
	var v validator
	v.role(r, scope)
	return v.Problems
}
