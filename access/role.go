package access

import (
	"cmp"
	"fmt"

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

// RoleScopes lists the scopes.
func RoleScopes() []string {
	return []string{string(AtWorkspace), string(AtResourceGroup), string(AtSubscription)}
}

// A Role is what the invokers are given: by default a custom role of the seed's 35 actions, at the workspace.
type Role struct {
	// Scope is workspace, resourceGroup or subscription. Default: workspace.
	Scope RoleScope `pulumi:"scope,optional"`
	// Name of the custom role, unique in the tenant, at most 512 characters. Default: one made from the scope.
	Name string `pulumi:"name,optional"`
	// Additions to the 35 actions, by name: pollJobs, cancelJobs, readRegistryAssets.
	Additions []string `pulumi:"additions,optional"`
	// BuiltIn is the name of a built-in role to assign in place of a custom one: AzureML Data Scientist, Contributor or
	// Owner. All of them give more than invoking takes, AzureML Data Scientist two of the 35 actions less.
	BuiltIn string `pulumi:"builtIn,optional"`
	// Definition is a role of the user's own in place of the seed's, as JSON in the form that the portal exports.
	// Without assignableScopes it is made assignable at Scope.
	Definition string `pulumi:"definition,optional"`
}

// InvokerRole is how a Grant calls the custom role of the model.
const InvokerRole = "Batch Endpoint Invoker"

// EffectiveScope is Scope, or its default.
func (r Role) EffectiveScope() RoleScope { return cmp.Or(r.Scope, AtWorkspace) }

// Resolve returns the role definition that the invokers are given.
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
func (r Role) grantName() string { return cmp.Or(r.BuiltIn, InvokerRole) }
