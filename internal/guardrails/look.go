package guardrails

import (
	"cmp"
	"maps"
	"slices"
	"strings"
)

// A Look is what the change of one resource is known to do to access, besides what the rules judge.
type Look struct {
	// Judged is set if the type is known, or if nothing changes that could give access.
	Judged bool
	// Gives completes "it …"; "" if the change gives no access.
	Gives    string
	Severity Severity
	// Inputs are the inputs that give access, as dotted paths, if not the whole resource does.
	Inputs []string
	// Identities are the ARM IDs of the user-assigned identities that the resource gets and that are not made with it;
	// "" for an unknown one.
	Identities []string
	// Unseen is set if a preview can't show what the resource does.
	Unseen bool
	// Unjudged are the inputs of a known type whose effect is not known.
	Unjudged []string
	// Goes is set if something that gave access is removed.
	Goes bool
}

// LookAt judges a change of one resource by its type. It returns the zero Look, not judged, for an unknown type.
func LookAt(r Resource) Look {
	w := wayOf(r.Type)
	if builtByPulumi(r.Type) {
		return Look{Judged: true, Identities: r.attached()}
	}
	changed := r.changes()
	if strings.HasPrefix(r.Type, providerType) { // it says how and where to sign in; what it makes is judged
		changed = slices.DeleteFunc(changed, func(key string) bool { return key == "version" })
		return Look{Judged: r.Gone || (len(changed) == 0 || r.Old == nil && !asksElsewhere(r)) &&
			pluginOf(r.Inputs) == pluginOf(r.Old)}
	}
	if w == nil {
		return Look{Judged: !r.Gone && r.Old != nil && len(changed) == 0, Identities: r.attached()}
	}
	l := Look{Judged: true, Severity: w.severity, Unseen: w.unseen, Identities: r.attached()}
	switch {
	case r.Gone && w.removal:
		l.Gives = w.gives
	case r.Gone && w.guess: // the deleted resource may have prevented access
		l.Judged = false
	case r.Gone:
		l.Goes = w.gives != "" && !w.partial
	case w.unseen: // on any change its code may run, and an input may be code
		if !r.Kept {
			l.Gives = w.gives
		}
	case !w.partial:
		if len(changed) > 0 || r.Old == nil || r.Replaced {
			l.Gives = w.gives
		}
	default:
		for _, g := range w.on {
			if g.opens(r) {
				l.Inputs = append(l.Inputs, g.path)
				l.Gives = w.gives
			}
		}
		for _, key := range changed {
			known := w.anything || strings.HasSuffix(key, "Name") || slices.Contains(w.judged, key) ||
				slices.Contains(w.harmless, key) ||
				slices.ContainsFunc(w.on, func(g gate) bool { return top(g.path) == key })
			if !known {
				l.Unjudged = append(l.Unjudged, key)
			}
		}
		for _, path := range slices.Sorted(maps.Keys(w.inside)) {
			for _, key := range r.changesIn(path) {
				if !slices.Contains(w.inside[path], key) {
					l.Unjudged = append(l.Unjudged, path+"."+key)
				}
			}
		}
	}
	return l
}

// Knows reports whether it is known what a type gives, by more than its name.
func Knows(token string) bool {
	w := wayOf(token)
	return builtByPulumi(token) || w != nil && !w.guess
}

// Guessed reports whether only the name of a type says that it may give access. A team may decide otherwise.
func Guessed(token string) bool {
	w := wayOf(token)
	return !builtByPulumi(token) && (w == nil || w.guess)
}

const providerType = "pulumi:providers:"

// asksElsewhere reports whether one of Azure's providers is told where to sign in or where to ask for tokens: that
// server gets the deployment's credentials.
func asksElsewhere(r Resource) bool {
	pkg := strings.TrimPrefix(r.Type, providerType)
	return slices.Contains([]string{"azure-native", "azure", "azuread", "azapi", "msgraph"}, pkg) &&
		slices.ContainsFunc([]string{"metadataHost", "msiEndpoint", "oidcRequestUrl"},
			func(key string) bool { return r.Inputs[key] != nil && r.Inputs[key] != "" })
}

// builtByPulumi reports whether a type is in no cloud: the stack, values in its state, and this project's components,
// whose children are judged. A provider's effect is its resources, which are judged.
func builtByPulumi(token string) bool {
	return slices.Contains([]string{"pulumi:pulumi:Stack", "pulumi:pulumi:StackReference", "pulumi:index:Stash"}, token) ||
		strings.HasPrefix(token, "batchaccess:index:")
}

// about are the inputs that say to whom and where, in the order for a reader.
var about = []string{
	"principalObjectId", "principalId", "memberObjectId", "ownerObjectId", "groupObjectId", "userPrincipalName",
	"objectId", "applicationObjectId", "applicationId", "roleObjectId", "roleId",
	"roleDefinitionId", "appRoleId", "resourceObjectId", "templateId", "directoryScopeId", "owners", "members",
	"scope", "publicAccess", "containerAccessType", "displayName", "create", "update",
}

// givesTo returns the known inputs of a resource that say to whom and where it gives access.
func (r Resource) givesTo() (given []string) {
	from := r.Inputs
	if r.Gone {
		from = r.Old
	}
	for _, key := range about {
		switch v := from[key].(type) {
		case string:
			given = append(given, key+" "+v)
		case []any:
			if all := texts(v); len(all) > 0 {
				given = append(given, key+" "+strings.Join(all, ", "))
			}
		case Marker:
			given = append(given, key+" "+cmp.Or(string(v), "?"))
		}
	}
	return given
}
