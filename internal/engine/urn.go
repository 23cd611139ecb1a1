package engine

import "strings"

// TypeOf returns the resource's own type in its URN, without its parents' types.
func TypeOf(urn string) string {
	parts := strings.SplitN(urn, "::", 4)
	if len(parts) < 4 {
		return ""
	}
	return parts[2][strings.LastIndex(parts[2], "$")+1:]
}

// NameOf returns the resource's name in the program, for look-ups.
func NameOf(urn string) string {
	parts := strings.SplitN(urn, "::", 4)
	return parts[len(parts)-1]
}

// ShownName returns the resource's name for a reader.
func ShownName(urn string) string { return Clip(NameOf(urn)) }
