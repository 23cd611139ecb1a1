package access

import (
	"fmt"

	"github.com/batchaccess/batchaccess/roles"
)

// A Report says what a model grants and makes possible, one line for each fact, so that a preview shows a change of
// access as changed lines. Paths has every hop.
type Report struct {
	// Role is what the invokers' role allows, by action. The article's 35 actions are one line if the role allows
	// exactly those.
	Role map[string]string `json:"role"`
	// Grants are roles by principal ("invoker analysts", "cluster cpu") and scope ("workspace", "lake", "lake/patients").
	Grants map[string]map[string]string `json:"grants"`
	// ACLs are POSIX permissions by principal and place ("lake/patients/heart-disease"). The user sets them, not the
	// stack.
	ACLs map[string]map[string]string `json:"acls,omitempty"`
	// Paths are "works", or where the job fails and what is missing there, by invoker, endpoint and input.
	Paths map[string]map[string]map[string]string `json:"paths"`
}

// Report returns the report of the plan.
func (p *Plan) Report() Report {
	r := Report{
		Role: p.roleReport(), Grants: map[string]map[string]string{}, ACLs: map[string]map[string]string{},
		Paths: map[string]map[string]map[string]string{},
	}
	called := map[Principal]string{}
	for _, i := range p.Identities {
		called[i.Names[0]] = i.String()
	}
	for _, g := range p.Grants {
		put(r.Grants, called[g.Principal], g.where(), g.Role)
	}
	for _, a := range p.ACLs {
		put(r.ACLs, called[a.Principal], a.StorageAccount+"/"+a.Container+a.Path, a.Permissions)
	}
	for _, path := range p.Paths() {
		if r.Paths[path.Invoker] == nil {
			r.Paths[path.Invoker] = map[string]map[string]string{}
		}
		put(r.Paths[path.Invoker], path.Target(), path.InputName(), path.Outcome())
	}
	return r
}

// roleReport has one line for each entry of the role.
func (p *Plan) roleReport() map[string]string {
	lines := map[string]string{}
	if role := p.Model.Role; !role.Known() {
		lines[role.RoleDefinitionID.String()] = "what it allows is not known here"
		return lines
	}
	invoker := map[string]bool{}
	for _, action := range roles.InvokerActions() {
		invoker[action] = true
	}
	seen := 0
	for n, permission := range p.role.Permissions {
		for _, side := range []struct {
			entries []string
			says    string
		}{
			{permission.Actions, "allowed"}, {permission.NotActions, "taken away"},
			{permission.DataActions, "allowed (data)"}, {permission.NotDataActions, "taken away (data)"},
		} {
			for _, entry := range side.entries {
				if side.says == "allowed" && invoker[entry] {
					seen++
					continue
				}
				says := side.says
				if n > 0 {
					says += fmt.Sprintf(", by permission %d", n+1)
				}
				join(lines, entry, says)
			}
		}
	}
	documented := fmt.Sprintf("the %d documented actions", len(invoker))
	switch {
	case p.Model.Role.ByEndpoint():
		for name, says := range map[string]string{
			endpointRole: "allowed at each endpoint that names the invoker; that batch endpoints take assignments is " +
				"inferred (" + endpointSource + ")",
			workspaceRole: "allowed at the workspace",
		} {
			lines[fmt.Sprintf("%s: %d of %s", name, len(invokerActionsOf(p.parts[name])), documented)] = says
		}
	case seen >= len(invoker) && len(p.roleLacks) == 0:
		lines[documented] = "allowed"
	case len(p.roleLacks) == 0:
		lines[documented] = "allowed, by patterns"
	default:
		lines[documented] = fmt.Sprintf("all but %d allowed", len(p.roleLacks))
		for _, action := range p.roleLacks {
			join(lines, action, "missing")
		}
	}
	return lines
}

// put adds a line; a second line for the same place is joined to the first.
func put(m map[string]map[string]string, outer, inner, value string) {
	if m[outer] == nil {
		m[outer] = map[string]string{}
	}
	join(m[outer], inner, value)
}

func join(lines map[string]string, key, value string) {
	if before := lines[key]; before != "" {
		value = before + ", " + value
	}
	lines[key] = value
}
