package roles

import (
	"slices"
	"strings"
)

// ActsAtWorkspace reports whether an action has an effect if its role is assigned at a workspace: only the workspace
// and its role assignments lie there.
func ActsAtWorkspace(action string) bool {
	provider, _, _ := strings.Cut(action, "/")
	return strings.EqualFold(provider, "Microsoft.MachineLearningServices") ||
		strings.EqualFold(provider, "Microsoft.Authorization")
}

// resourcesOfTheirOwn are providers whose actions affect only resources of their own provider. Others may have
// resources that extend any resource, such as the diagnostic settings of Microsoft.Insights.
var resourcesOfTheirOwn = []string{"Microsoft.MachineLearningServices", "Microsoft.Storage",
	"Microsoft.ContainerRegistry", "Microsoft.ManagedIdentity", "Microsoft.KeyVault", "Microsoft.Compute",
	"Microsoft.Network"}

// ActsAt reports whether there can be anything at a place (an ARM ID) that the action affects. A place that is no
// resource, such as a resource group, may hold resources of all types. known is false where that can't be decided.
func (a Action) ActsAt(place string) (acts, known bool) {
	const providers = "/providers/"
	i := strings.LastIndex(strings.ToLower(place), providers)
	if i < 0 || strings.HasPrefix(strings.ToLower(place[i:]), "/providers/microsoft.management/") {
		return true, true
	}
	of, _, _ := strings.Cut(place[i+len(providers):], "/")
	provider, _, _ := strings.Cut(a.Name, "/")
	if strings.EqualFold(of, provider) || strings.EqualFold(provider, "Microsoft.Authorization") {
		return true, true
	}
	own := slices.ContainsFunc(resourcesOfTheirOwn, func(of string) bool { return strings.EqualFold(of, provider) })
	return false, own || a.Risk() != ""
}

// ActionsOf returns the actions that a word stands for: those of a risk, or the one that it names. An action that is
// not known here may be of the control plane or of the data plane.
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
		names := actionNames() // the built-in roles name more, but take longer to read
		control, data = names[0], names[1]
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
