// Package armid parses Azure Resource Manager IDs: type, name, parent, and which scope covers which. It works on text
// alone and does not know what exists.
package armid

import "strings"

// ID is an Azure Resource Manager ID, or the path of a collection.
type ID struct {
	// Scope is the part before the last "/providers/"; empty for resources of the tenant.
	Scope string
	// Namespace is the resource provider; empty for subscriptions and resource groups.
	Namespace string
	Types     []string
	Names     []string
	text      string
}

// Parse reads any path; whether it names something is for the caller to look up. Doubled slashes count as one,
// because clients put a scope that begins with a slash after another slash.
func Parse(path string) ID {
	segments := strings.FieldsFunc(path, func(r rune) bool { return r == '/' })
	id := ID{text: "/" + strings.Join(segments, "/")}
	rest := segments
	for i := len(segments) - 2; i >= 0; i-- {
		if strings.EqualFold(segments[i], "providers") {
			if i > 0 {
				id.Scope = "/" + strings.Join(segments[:i], "/")
			}
			id.Namespace, rest = segments[i+1], segments[i+2:]
			break
		}
	}
	for i, s := range rest {
		if i%2 == 0 {
			id.Types = append(id.Types, s)
		} else {
			id.Names = append(id.Names, s)
		}
	}
	return id
}

// String is the ID with single slashes, in the given letter case.
func (id ID) String() string { return id.text }

// Key is a form in which equal IDs are equal texts: Azure ignores letter case.
func (id ID) Key() string { return strings.ToLower(id.text) }

// Key is Parse(path).Key().
func Key(path string) string { return Parse(path).Key() }

// IsCollection reports whether the path ends in a type and not in a name.
func (id ID) IsCollection() bool { return len(id.Types) > len(id.Names) }

// Type is the resource type in the form of actions, such as Microsoft.Resources/subscriptions/resourceGroups.
func (id ID) Type() string {
	namespace := id.Namespace
	if namespace == "" {
		namespace = "Microsoft.Resources"
	}
	return strings.Join(append([]string{namespace}, id.Types...), "/")
}

// Is compares the type without regard to case.
func (id ID) Is(resourceType string) bool { return strings.EqualFold(id.Type(), resourceType) }

// Name is the last name; "" if there is none.
func (id ID) Name() string {
	if len(id.Names) == 0 {
		return ""
	}
	return id.Names[len(id.Names)-1]
}

// Parent is the ID of what contains this resource: for a top-level resource its resource group (or other scope), for
// a resource group its subscription, and "" above that. The parent of a collection is the resource that it belongs
// to.
func (id ID) Parent() string {
	if id.Namespace != "" && len(id.Types) <= 1 {
		return id.Scope
	}
	cut := 2
	if id.IsCollection() {
		cut = 1
	}
	for text := id.text; ; cut-- {
		if cut == 0 || text == "" || text == "/" {
			return strings.TrimSuffix(text, "/")
		}
		text = text[:strings.LastIndexByte(text, '/')]
	}
}

// Subscription is the subscription's ID without "/subscriptions/"; "" if there is none.
func (id ID) Subscription() string { return id.after("subscriptions") }

// ResourceGroup is the name of the resource group; "" if there is none.
func (id ID) ResourceGroup() string { return id.after("resourceGroups") }

func (id ID) after(segment string) string {
	segments := strings.Split(id.text, "/")
	for i := 1; i+1 < len(segments); i += 2 {
		if strings.EqualFold(segments[i], segment) {
			return segments[i+1]
		}
	}
	return ""
}

// Covers reports whether a grant at the scope holds at the ID: the scope is the ID, or is above it. "/" covers
// everything.
func Covers(scope, id string) bool {
	scope, id = Key(scope), Key(id)
	return scope == "/" || scope == id || strings.HasPrefix(id, scope+"/")
}

// SameLocation reports whether two names mean the same region: "West Europe" is westeurope.
func SameLocation(a, b string) bool { return location(a) == location(b) }

func location(name string) string { return strings.ToLower(strings.ReplaceAll(name, " ", "")) }
