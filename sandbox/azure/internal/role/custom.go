package role

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// Azure's limits for custom roles (azure-facts.md).
const (
	maxName        = 512
	maxDescription = 2048
	maxScopes      = 2000
)

// Problem is the first reason why Azure would refuse the definition as a custom role; "" if there is none.
func (d Definition) Problem() string {
	switch name, description := utf8.RuneCountInString(d.RoleName), utf8.RuneCountInString(d.Description); {
	case strings.TrimSpace(d.RoleName) == "":
		return "the role name is empty"
	case name > maxName:
		return fmt.Sprintf("the role name has %d characters; at most %d are allowed", name, maxName)
	case description > maxDescription:
		return fmt.Sprintf("the description has %d characters; at most %d are allowed", description, maxDescription)
	case len(d.AssignableScopes) == 0:
		return "assignableScopes is empty"
	case len(d.AssignableScopes) > maxScopes:
		return fmt.Sprintf("assignableScopes has %d entries; at most %d are allowed", len(d.AssignableScopes), maxScopes)
	case len(d.Permissions) == 0:
		return "permissions is empty"
	}
	if problem := scopeProblem(d.AssignableScopes); problem != "" {
		return problem
	}
	for _, p := range d.Permissions {
		if len(p.Actions)+len(p.DataActions) == 0 {
			return "a permission has neither actions nor dataActions"
		}
		for _, entry := range p.entries() {
			if strings.Count(entry, "*") > 1 {
				return fmt.Sprintf("the action %q has more than one wildcard", entry)
			}
		}
	}
	return ""
}

func scopeProblem(scopes []string) string {
	groups := 0
	for _, scope := range scopes {
		lower := strings.ToLower(scope)
		inGroup := strings.HasPrefix(lower, "/providers/microsoft.management/managementgroups/")
		if inGroup {
			groups++
		}
		switch {
		case scope == "/":
			return "a custom role cannot be assignable at the root"
		case strings.Contains(scope, "*"):
			return fmt.Sprintf("the assignable scope %q has a wildcard", scope)
		case groups > 1:
			return "assignableScopes has more than one management group"
		case !inGroup && !strings.HasPrefix(lower, "/subscriptions/"):
			return fmt.Sprintf("the assignable scope %q is not a scope", scope)
		}
	}
	return ""
}

func (p Permission) entries() (all []string) {
	for _, list := range [][]string{p.Actions, p.NotActions, p.DataActions, p.NotDataActions} {
		all = append(all, list...)
	}
	return all
}

// UnknownAction is the first entry that matches no action known to the sandbox; "" if there is none. Azure refuses an
// action that no resource provider has. The sandbox knows the article's actions, those that the sheets name, and those
// of the built-in roles.
func (d Definition) UnknownAction() string {
	known := builtIns()
	for _, p := range d.Permissions {
		for _, part := range []struct {
			of      vocabulary
			entries []string
		}{
			{known.control, p.Actions}, {known.control, p.NotActions}, {known.data, p.DataActions},
			{known.data, p.NotDataActions},
		} {
			for _, entry := range part.entries {
				if !part.of.has(strings.ToLower(entry)) {
					return entry
				}
			}
		}
	}
	return ""
}

func (v vocabulary) has(entry string) bool {
	if entry == "*" || v.actions[entry] || v.patterns[entry] {
		return true
	}
	strict := reading{}
	if strings.Contains(entry, "*") {
		for action := range v.actions {
			if strict.matches(entry, action) {
				return true
			}
		}
		// microsoft.x/* is known if the provider is
		namespace, rest, _ := strings.Cut(entry, "/")
		return rest == "*" && v.namespaces[namespace]
	}
	return false
}
