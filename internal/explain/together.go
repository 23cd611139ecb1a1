package explain

import (
	"cmp"
	"reflect"
	"slices"

	"github.com/batchaccess/batchaccess/access"
)

// A Component is one BatchEndpointAccess of a program with several.
type Component struct {
	Name        string `json:"name"`
	WorkspaceID string `json:"workspaceId"`
	Role        Role   `json:"role"`
}

// An Assignment is a role that a component assigns outside of any BatchEndpointAccess.
type Assignment struct {
	Component   string `json:"component"` // its type and name
	Name        string `json:"name"`      // the assignment's name in it
	PrincipalID string `json:"principalId,omitempty"`
	// PrincipalType is Azure's User, Group or ServicePrincipal.
	PrincipalType string `json:"principalType,omitempty"`
	Role          string `json:"role"`
	Scope         string `json:"scope,omitempty"`
}

// Together joins the explanations of a program's components. Each name gets its component's name before it, because an
// invoker of one is not an invoker of another.
func Together(stack string, names []string, each []Explanation) Explanation {
	if len(each) == 1 {
		return each[0]
	}
	all := Explanation{Version: version, Stack: stack}
	for i, x := range each {
		all.Components = append(all.Components, Component{names[i], x.WorkspaceID, x.Role})
		all.add(names[i]+":", x)
	}
	same := func(c Component) bool { return reflect.DeepEqual(c.Role, all.Components[0].Role) }
	if len(each) > 0 && !slices.ContainsFunc(all.Components, func(c Component) bool { return !same(c) }) {
		all.Role = all.Components[0].Role
	}
	return all
}

func (x *Explanation) add(of string, other Explanation) {
	named := func(name string) string {
		if name == "" {
			return ""
		}
		return of + name
	}
	for _, i := range other.Invokers {
		x.Invokers = append(x.Invokers, Invoker{of + i.Name, i.Kind, named(i.Group)})
	}
	for _, hop := range other.NotLookedAt {
		x.NotLookedAt = append(x.NotLookedAt, of+hop)
	}
	for _, e := range other.Endpoints {
		e.Name, e.Cluster, e.Inputs = of+e.Name, of+e.Cluster, each(e.Inputs, named)
		x.Endpoints = append(x.Endpoints, e)
	}
	for _, p := range other.Paths {
		p.Invoker, p.Endpoint, p.Input = of+p.Invoker, of+p.Endpoint, named(p.Input)
		x.Paths = append(x.Paths, p)
	}
	for _, v := range other.Assertions {
		v.Name = of + v.Name
		x.Assertions = append(x.Assertions, v)
	}
	for _, f := range other.Findings {
		f.Where = of + f.Where
		x.Findings = append(x.Findings, f)
	}
	for _, o := range other.Owners {
		o.Path = of + o.Path
		x.Owners = append(x.Owners, o)
	}
	for _, w := range other.Ways {
		w.Who, w.alike, w.Input, w.Output = each(w.Who, named), each(w.alike, named), named(w.Input), named(w.Output)
		if w.Ends != "" {
			w.Ends = named(w.Ends) // an identity, or a secret of the workspace that the component is for
		}
		w.Cuts = slices.Clone(w.Cuts)
		for i, c := range w.Cuts {
			w.Cuts[i].Does, w.Cuts[i].Stops, w.Cuts[i].all = of+" "+c.Does, each(c.Stops, named), each(c.all, named)
		}
		x.Ways = append(x.Ways, w)
	}
	x.Changes = changesOf(x.Ways)
	for _, g := range other.Grants {
		g.Principal.Name, g.Scope.StorageAccount = of+g.Principal.Name, named(g.Scope.StorageAccount)
		x.Grants = append(x.Grants, g)
	}
	x.Facts = x.Facts.and(other.Facts.named(of))
	for _, a := range other.ACLs {
		a.Principal.Name, a.StorageAccount = of+a.Principal.Name, of+a.StorageAccount
		x.ACLs = append(x.ACLs, access.ACL(a))
	}
}

func each(names []string, change func(string) string) []string {
	changed := make([]string, len(names))
	for i, name := range names {
		changed[i] = change(name)
	}
	return changed
}

// roles returns the roles that invokers are given, with their titles: one role, or one for each component.
func (x Explanation) roles() (all []Role) {
	for _, c := range x.Components {
		c.Role.Name = c.Name + ": " + c.Role.Name
		all = append(all, c.Role)
	}
	if len(all) == 0 && x.Role.Name != "" {
		all = append(all, x.Role)
	}
	return all
}

// who is the assignment's name, with the principal's ID if it is known.
func (a Assignment) who() string {
	if a.PrincipalID == "" {
		return a.Name
	}
	return a.Name + " (" + a.PrincipalID + ")"
}

func (a Assignment) at() string { return cmp.Or(a.Scope, "known after deployment") }
