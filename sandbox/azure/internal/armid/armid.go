// Package armid takes Azure Resource Manager IDs apart: type, name, parent, and which scope covers which.
// It works on text alone and knows nothing of what exists.
package armid

import "strings"

// ID is an Azure Resource Manager ID, or the path of a collection of them.
type ID struct {
	// Scope is what precedes the last "/providers/"; empty for tenant-level resources.
	Scope string
	// Namespace is the resource provider; empty for subscriptions and resource groups.
	Namespace string
	Types     []string
	Names     []string
	text      string
}

// Parse reads a path. It accepts any: what a path names is for the caller to look up. Doubled slashes count as one,
// since clients put a scope that starts with a slash behind one.
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

// String is the ID with single slashes and in the case it was given.
func (id ID) String() string { return id.text }

// Key is the form under which equal IDs are equal: Azure compares them without case.
func (id ID) Key() string { return strings.ToLower(id.text) }

// Key is Parse(path).Key().
func Key(path string) string { return Parse(path).Key() }

// IsCollection reports whether the path ends in a type rather than a name.
func (id ID) IsCollection() bool { return len(id.Types) > len(id.Names) }

// Type is the resource type as actions spell it, such as Microsoft.Resources/subscriptions/resourceGroups.
func (id ID) Type() string {
	namespace := id.Namespace
	if namespace == "" {
		namespace = "Microsoft.Resources"
	}
	return strings.Join(append([]string{namespace}, id.Types...), "/")
}

// Is compares the type without case.
func (id ID) Is(resourceType string) bool { return strings.EqualFold(id.Type(), resourceType) }

// Name is the last name; empty when there is none.
func (id ID) Name() string {
	if len(id.Names) == 0 {
		return ""
	}
	return id.Names[len(id.Names)-1]
}

// Parent is the resource that holds this one: for a top-level resource its resource group (or other scope), for a
// resource group its subscription, and "" above that. The parent of a collection is the resource it belongs to.
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

// Subscription is the subscription's ID without "/subscriptions/"; empty when there is none.
func (id ID) Subscription() string { return id.after("subscriptions") }

// ResourceGroup is the name of the resource group; empty when there is none.
func (id ID) ResourceGroup() string { return id.after("resourceGroups") }

// InSubscription reports whether a scope is a subscription or lies in it. It reads no more of the scope than it must.
func InSubscription(scope, subscription string) bool {
	const before = "/subscriptions/"
	end := len(before) + len(subscription)
	return len(scope) >= end && strings.EqualFold(scope[:end], before+subscription) &&
		(len(scope) == end || scope[end] == '/')
}

func (id ID) after(segment string) string {
	segments := strings.Split(id.text, "/")
	for i := 1; i+1 < len(segments); i += 2 {
		if strings.EqualFold(segments[i], segment) {
			return segments[i+1]
		}
	}
	return ""
}

// Ancestor cuts the ID behind the name that follows the given type, such as the workspace of a data store.
func (id ID) Ancestor(typeName string) string {
	segments := strings.Split(id.text, "/")
	for i := 1; i+1 < len(segments); i++ {
		if strings.EqualFold(segments[i], typeName) {
			return strings.Join(segments[:i+2], "/")
		}
	}
	return ""
}

// Covers reports whether what is granted at the scope reaches the ID: the scope is the ID or lies above it. "/" covers
// all.
func Covers(scope, id string) bool {
	scope, id = Key(scope), Key(id)
	return scope == "/" || scope == id || strings.HasPrefix(id, scope+"/")
}

// SameLocation reports whether two names of a region mean the same: "West Europe" is westeurope.
func SameLocation(a, b string) bool { return location(a) == location(b) }

func location(name string) string { return strings.ToLower(strings.ReplaceAll(name, " ", "")) }
