package roles

import (
	"slices"
	"strings"
)

// ActsAtWorkspace reports whether an action does anything where a role is assigned at a workspace: there is nothing
// there but the workspace, and its assignments.
func ActsAtWorkspace(action string) bool {
	provider, _, _ := strings.Cut(action, "/")
	return strings.EqualFold(provider, "Microsoft.MachineLearningServices") ||
		strings.EqualFold(provider, "Microsoft.Authorization")
}

// ActionsOf are the actions that a word stands for: those of a risk, or the one that it names. An action that is not
// known here may be of either plane.
func ActionsOf(word string) []Action {
	if slices.Contains(Risks(), Risk(word)) {
		return RiskyActions(Risk(word))
	}
	lower := strings.ToLower(word)
	control, data := map[string]bool{}, map[string]bool{}
	for _, a := range known {
		if a.Data {
			data[strings.ToLower(a.Name)] = true
		} else {
			control[strings.ToLower(a.Name)] = true
		}
	}
	if !control[lower] && !data[lower] {
		control, data = ActionNames() // the built-in roles name more, which takes longer to read
	}
	action := Action{Name: word}
	switch {
	case data[lower]:
		action.Data = true
	case !control[lower]:
		return []Action{action, {Name: word, Data: true}}
	}
	return []Action{action}
}
