// Package visible makes text of what strangers wrote, so that a reader sees all of it, and in its order.
package visible

import (
	"regexp"
	"strings"
	"unicode"
)

// logCommand is what an agent takes for a command wherever it stands in a log, such as to let a step succeed: Azure's
// (##vso[task.complete …]) and GitHub's older ones (actions/runner, ActionCommand.cs).
var logCommand = regexp.MustCompile(`(?i)##(vso)?\[`)

// Text puts a sign in the place of characters that steer a terminal, turn the direction of writing or can't be seen,
// and a space in that of line ends and tabs, and parts what would be a command to a pipeline.
func Text(s string) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t' || r == '\r':
			return ' '
		case Hidden(r):
			return unicode.ReplacementChar
		case r != ' ' && unicode.Is(unicode.Zs, r):
			return ' '
		}
		return r
	}, s)
	if strings.Contains(s, "##") {
		s = logCommand.ReplaceAllString(s, "# #$1[")
	}
	return s
}

// Lines is Text of each line.
func Lines(s string) string {
	lines := strings.Split(s, "\n")
	for i := range lines {
		lines[i] = Text(lines[i])
	}
	return strings.Join(lines, "\n")
}

// Hidden reports whether a character steers a terminal, turns the direction of writing or can't be seen.
func Hidden(r rune) bool {
	if r < 0x7f { // most of a hundred thousand rows
		return r < ' '
	}
	return unicode.In(r, unicode.Cc, unicode.Cf, unicode.Co, unicode.Cs, unicode.Zl, unicode.Zp) ||
		r == 0x115f || r == 0x1160 || r == 0x3164 || r == 0xffa0
}

// WithOwner is a name and, where that is known, who answers for it.
func WithOwner(name, owner string) string {
	if owner == "" {
		return name
	}
	return name + " (owner: " + owner + ")"
}
