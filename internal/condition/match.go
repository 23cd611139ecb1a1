package condition

import (
	"strings"
	"unicode/utf8"
)

// Match reports whether a pattern, of a role or of ActionMatches, covers an action. Letters match without regard to
// case, and each `*` matches any run of characters, also an empty one and one with slashes.
func Match(pattern, action string) bool {
	if !begins(pattern, action) {
		return false
	}
	if !strings.Contains(pattern, "*") {
		return strings.EqualFold(pattern, action)
	}
	pattern, action = strings.ToLower(pattern), strings.ToLower(action)
	head, rest, _ := strings.Cut(pattern, "*")
	if !strings.HasPrefix(action, head) {
		return false
	}
	action = action[len(head):]
	for {
		part, after, more := strings.Cut(rest, "*")
		if !more {
			return strings.HasSuffix(action, part)
		}
		at := strings.Index(action, part)
		if at < 0 {
			return false
		}
		action, rest = action[at+len(part):], after
	}
}

// PerhapsMatches reports whether a pattern that does not match would, if `/*/` might stand for a single `/`.
func PerhapsMatches(pattern, action string) bool {
	if !begins(pattern, action) {
		return false
	}
	head, tail, found := strings.Cut(pattern, "/*/")
	return found && Match(head+"/"+tail, action)
}

// begins reports whether an action may begin as a pattern does before its first *. Most patterns of a role differ there
// from most actions, and are compared no further.
func begins(pattern, action string) bool {
	for i := range len(pattern) {
		switch {
		case pattern[i] == '*' || pattern[i] >= utf8.RuneSelf:
			return true
		case i == len(action):
			return false
		case action[i] >= utf8.RuneSelf:
			return true
		case pattern[i]|0x20 != action[i]|0x20: // no letters that are the same but for their case
			return false
		}
	}
	return true
}
