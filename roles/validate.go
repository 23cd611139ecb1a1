package roles

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/batchaccess/batchaccess/internal/problem"
)

// Azure's limits on custom roles.
const (
	maxRoleName         = 512  // characters
	maxDescription      = 2048 // characters
	maxAssignableScopes = 2000
)

// Validate returns every reason why Azure would refuse the definition as a custom role. Each names the property, what
// is wrong with it and what to write instead.
func (d Definition) Validate() (ps problem.List) {
	switch n := utf8.RuneCountInString(d.RoleName); {
	case strings.TrimSpace(d.RoleName) == "":
		ps.Add("roleName", "give the role a name that is unique in the tenant", "is empty")
	case n > maxRoleName:
		ps.Add("roleName", fmt.Sprintf("Azure allows %d", maxRoleName), "has %d characters", n)
	}
	if n := utf8.RuneCountInString(d.Description); n > maxDescription {
		ps.Add("description", fmt.Sprintf("Azure allows %d", maxDescription), "has %d characters", n)
	}
	ps = append(ps, validateScopes(d.AssignableScopes)...)
	if len(d.Permissions) == 0 {
		ps.Add("permissions", "give at least one entry with actions or dataActions", "is empty")
	}
	for i, p := range d.Permissions {
		path := fmt.Sprintf("permissions[%d]", i)
		if len(p.Actions)+len(p.DataActions) == 0 {
			ps.Add(path, "give it actions or dataActions", "allows nothing")
		}
		if p.Condition != "" && !d.BuiltIn {
			ps.Add(path+".condition", "put it on the assignment of the role, or make two roles",
				"only Microsoft's own roles have one")
		}
		for _, list := range []struct {
			name    string
			entries []string
		}{
			{"actions", p.Actions}, {"notActions", p.NotActions},
			{"dataActions", p.DataActions}, {"notDataActions", p.NotDataActions},
		} {
			for j, entry := range list.entries {
				validateAction(&ps, fmt.Sprintf("%s.%s[%d]", path, list.name, j), entry)
			}
		}
	}
	return ps
}

// groupForm and scopeForm are the two kinds of assignable scopes. A part without a name would stand for every resource
// of its kind.
var (
	groupForm = regexp.MustCompile(`(?i)^/providers/Microsoft\.Management/managementGroups/[^/\s]+$`)
	scopeForm = regexp.MustCompile(`(?i)^/subscriptions(/[^/\s]+)+/?$`)
)

func validateScopes(scopes []string) (ps problem.List) {
	if len(scopes) > maxAssignableScopes {
		ps.Add("assignableScopes", fmt.Sprintf("Azure allows %d", maxAssignableScopes), "has %d entries", len(scopes))
	}
	groups := 0
	for i, scope := range scopes {
		path := fmt.Sprintf("assignableScopes[%d]", i)
		switch {
		case scope == "/":
			ps.Add(path, "name subscriptions, resource groups or resources",
				"%q: a custom role cannot be assignable at the root", scope)
		case strings.Contains(scope, "*"):
			ps.Add(path, "list each scope", "%q: no wildcards here", scope)
		case groupForm.MatchString(scope):
			if groups++; groups > 1 {
				ps.Add(path, "keep one of them", "%q: only one management group is allowed", scope)
			}
		case !scopeForm.MatchString(scope):
			ps.Add(path, "write /subscriptions/<id>, with /resourceGroups/<name> or a resource after it",
				"%q is not an ARM ID", scope)
		}
	}
	return ps
}

func validateAction(ps *problem.List, path, entry string) {
	switch {
	case entry == "" || strings.ContainsAny(entry, " \t\n"), entry != "*" && !strings.Contains(entry, "/"):
		ps.Add(path, "write one as Microsoft.Provider/type/verb", "%q is not an action", entry)
	case strings.Count(entry, "*") > 1:
		ps.Add(path, "Azure allows one: list the actions it stands for", "%q has more than one wildcard", entry)
	}
}

// AssignableAt reports whether the definition may be assigned at the scope: a built-in role everywhere, a custom role
// at or below one of its assignable scopes. IDs do not say what lies below a management group, so any scope may: Azure
// decides.
func (d Definition) AssignableAt(scope string) bool {
	return d.BuiltIn || slices.ContainsFunc(d.AssignableScopes, func(s string) bool {
		return Contains(s, scope) || isManagementGroup(s)
	})
}

func isManagementGroup(scope string) bool {
	return strings.HasPrefix(strings.ToLower(scope), "/providers/microsoft.management/managementgroups/")
}

// Contains reports whether an ARM scope is another one or lies above it, without regard to case. A management group
// counts as containing no subscription: IDs do not say which it contains.
func Contains(scope, inner string) bool {
	scope = strings.ToLower(strings.TrimSuffix(scope, "/"))
	inner = strings.ToLower(strings.TrimSuffix(inner, "/"))
	return scope == inner || strings.HasPrefix(inner, scope+"/")
}
