package review

import (
	"cmp"
	"slices"
	"strings"

	"github.com/batchaccess/batchaccess/internal/arm"
	"github.com/batchaccess/batchaccess/internal/engine"
	"github.com/batchaccess/batchaccess/internal/ways"
)

// assigned adds a role assignment.
func (x *estate) assigned(step engine.Step) {
	old, now := x.assignment(step, step.Old, before), x.assignment(step, step.New, after)
	x.keepPrincipal(step, old, now)
	a, s := now, step.New
	if x.when == before {
		a, s = old, step.Old
	}
	if a == nil {
		return
	}
	x.plain = true
	one := ways.Assignment{Role: a.role.name, Permissions: a.role.permissions, Condition: a.condition}
	// Thousands of assignments give a few roles: with the same slice of permissions the finder works out each role
	// once.
	if ps, there := x.allows[a.role.key]; there {
		one.Permissions = ps
	}
	x.allows[a.role.key] = one.Permissions
	if !a.role.known {
		one.Unread = "what " + a.role.name + " allows is not known: " + notShown
	}
	if a.kept != "" {
		one.Doubt = "its holder has to activate it (PIM), and who has to approve that is not known here"
	}
	ids := []string{cmp.Or(x.as[a.principal.key], strings.ToLower(a.principal.ID))}
	if ids[0] == "" {
		ids = x.from(s, "principalId")
	}
	if len(ids) == 0 {
		ids = []string{a.principal.key}
		x.principal(ways.Principal{ID: a.principal.key, Names: []string{a.principal.Name}})
	}
	if len(ids) > 1 {
		one.Doubt = cmp.Or(one.Doubt, "which principal it is for is known only after the deployment")
	}
	scopes, later := x.refers(s, "scope", s.Inputs["scope"], "")
	if later {
		one.Doubt = cmp.Or(one.Doubt, "where it holds is known only after the deployment")
	}
	if len(scopes) == 0 {
		scopes = []string{"/"}
		one.Doubt = cmp.Or(one.Doubt, "where it holds is not known here")
	}
	for _, scope := range scopes {
		x.scoped(scope)
		for _, id := range ids {
			x.somebody(id, text(s.Inputs["principalType"]))
			one.Principal, one.Scope = id, scope
			x.e.Assignments = append(x.e.Assignments, one)
		}
	}
}

// scoped adds what a scope names: it exists, whether or not the preview shows it.
func (x *estate) scoped(scope string) {
	parts := strings.Split(strings.Trim(scope, "/"), "/")
	if len(parts) < 8 {
		return
	}
	top := "/" + strings.Join(parts[:8], "/")
	switch typ := parts[5] + "/" + parts[6]; {
	case strings.EqualFold(typ, arm.Workspace):
		x.inWorkspace(top)
	case strings.EqualFold(typ, arm.KeyVault):
		x.vault(top)
	case strings.EqualFold(typ, arm.StorageAccount):
		x.account(top)
		if len(parts) > 11 && strings.EqualFold(parts[10], "containers") {
			x.datum(top, parts[11], "")
		} else if !slices.ContainsFunc(x.e.Data, func(d ways.Datum) bool { return arm.Same(d.Account, top) }) {
			x.datum(top, "", "")
		}
	}
}
