package roles

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// Azure's limits on custom roles.
const (
	MaxRoleName         = 512  // characters
	MaxDescription      = 2048 // characters
	MaxAssignableScopes = 2000
)

// Validate returns every way in which Azure would refuse the definition as a custom role, joined; nil if none.
// Each line names the property, what is wrong with it and what to write instead.
func (d Definition) Validate() error {
	var problems []error
	problem := func(format string, args ...any) { problems = append(problems, fmt.Errorf(format, args...)) }

	switch n := utf8.RuneCountInString(d.RoleName); {
	case strings.TrimSpace(d.RoleName) == "":
		problem("roleName: is empty; give the role a name that is unique in the tenant")
	case n > MaxRoleName:
		problem("roleName: has %d characters; Azure allows %d", n, MaxRoleName)
	}
	if n := utf8.RuneCountInString(d.Description); n > MaxDescription {
		problem("description: has %d characters; Azure allows %d", n, MaxDescription)
	}
	problems = append(problems, validateScopes(d.AssignableScopes)...)
	if len(d.Permissions) == 0 {
		problem("permissions: is empty; give at least one entry with actions or dataActions")
	}
	for i, p := range d.Permissions {
		if len(p.Actions)+len(p.DataActions) == 0 {
			problem("permissions[%d]: allows nothing; give it actions or dataActions", i)
		}
		if p.Condition != "" && !d.BuiltIn {
			problem("permissions[%d].condition: only Microsoft's own roles have any; put it on the assignment of the role", i)
		}
		if p.Condition != "" {
			problem("permissions[%d].condition: only Microsoft's own roles have one; leave it out, or make two roles", i)
		}
		for _, list := range []struct {
			name    string
			entries []string
		}{
			{"actions", p.Actions}, {"notActions", p.NotActions},
			{"dataActions", p.DataActions}, {"notDataActions", p.NotDataActions},
		} {
			for j, entry := range list.entries {
				if err := validateAction(entry); err != nil {
					problem("permissions[%d].%s[%d]: %w", i, list.name, j, err)
				}
			}
		}
	}
	return errors.Join(problems...)
}

func validateScopes(scopes []string) (problems []error) {
	if len(scopes) > MaxAssignableScopes {
		problems = append(problems, fmt.Errorf("assignableScopes: has %d entries; Azure allows %d", len(scopes), MaxAssignableScopes))
	}
	groups := 0
	for i, scope := range scopes {
		var wrong string
		switch {
		case scope == "/":
			wrong = `a custom role cannot be assignable at the root "/"; name subscriptions, resource groups or resources`
		case strings.Contains(scope, "*"):
			wrong = "no wildcards here; list each scope"
		case isManagementGroup(scope):
			if groups++; groups > 1 {
				wrong = "only one management group is allowed; keep one of them"
			}
		case !strings.HasPrefix(strings.ToLower(scope), "/subscriptions/"):
			wrong = "is not an ARM ID; write /subscriptions/<id>, with /resourceGroups/<name> or a resource behind it"
		}
		if wrong != "" {
			problems = append(problems, fmt.Errorf("assignableScopes[%d] %q: %s", i, scope, wrong))
		}
	}
	return problems
}

func validateAction(entry string) error {
	switch {
	case entry == "" || strings.ContainsAny(entry, " \t\n"):
		return fmt.Errorf("%q is not an action; write one as Microsoft.Provider/type/verb", entry)
	case strings.Count(entry, "*") > 1:
		return fmt.Errorf("%q has more than one wildcard; Azure allows one: list the actions it stands for", entry)
	case entry != "*" && !strings.Contains(entry, "/"):
		return fmt.Errorf("%q is not an action; write one as Microsoft.Provider/type/verb", entry)
	}
	return nil
}

// AssignableAt reports whether the definition may be assigned at the scope: a built-in role everywhere, a custom role
// at or
// below one of its assignable scopes. Below a management group lies what its IDs do not say, so that it may be any
// scope:
// Azure decides.
func (d Definition) AssignableAt(scope string) bool {
	return d.BuiltIn || slices.ContainsFunc(d.AssignableScopes, func(s string) bool {
		return Contains(s, scope) || isManagementGroup(s)
	})
}

func isManagementGroup(scope string) bool {
	return strings.HasPrefix(strings.ToLower(scope), "/providers/microsoft.management/managementgroups/")
}

// Contains reports whether an ARM scope is another one or lies below it, without regard to case. A management
// group is taken to contain no subscription: which it contains cannot be told from the IDs.
func Contains(scope, inner string) bool {
	scope = strings.ToLower(strings.TrimSuffix(scope, "/"))
	inner = strings.ToLower(strings.TrimSuffix(inner, "/"))
	return scope == inner || strings.HasPrefix(inner, scope+"/")
}
