package engine

import "strings"

// TypeOf is the resource's own type out of its URN, without its parents' types.
func TypeOf(urn string) string {
	parts := strings.SplitN(urn, "::", 4)
	if len(parts) < 4 {
		return ""
	}
	return parts[2][strings.LastIndex(parts[2], "$")+1:]
}

// NameOf is the resource's name in the program, to look things up by.
func NameOf(urn string) string {
	parts := strings.SplitN(urn, "::", 4)
	return parts[len(parts)-1]
}

// ShownName is the resource's name as a reader is shown it.
func ShownName(urn string) string { return Clip(NameOf(urn)) }
