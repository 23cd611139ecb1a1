// Package visible changes text by strangers so that a reader sees all of it, in the right order.
package visible

import (
	"regexp"
	"strings"
	"unicode"
)

// logCommand matches what an agent reads as a command anywhere in a log, for example to let a step succeed: Azure's
// (##vso[task.complete …]) and GitHub's older ones (actions/runner, ActionCommand.cs).
var logCommand = regexp.MustCompile(`(?i)##(vso)?\[`)

// Text replaces characters that control a terminal, change the direction of writing or are invisible by a sign, and
// line ends and tabs by a space. It splits texts that would be commands to a pipeline.
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

// Lines applies Text to each line.
func Lines(s string) string {
	lines := strings.Split(s, "\n")
	for i := range lines {
		lines[i] = Text(lines[i])
	}
	return strings.Join(lines, "\n")
}

// Hidden reports whether a character controls a terminal, changes the direction of writing or is invisible.
func Hidden(r rune) bool {
	if r < 0x7f { // true for most characters, in a hundred thousand rows
		return r < ' '
	}
	return unicode.In(r, unicode.Cc, unicode.Cf, unicode.Co, unicode.Cs, unicode.Zl, unicode.Zp) ||
		r == 0x115f || r == 0x1160 || r == 0x3164 || r == 0xffa0
}

// WithOwner returns a name with its owner, if that is known.
func WithOwner(name, owner string) string {
	if owner == "" {
		return name
	}
	return name + " (owner: " + owner + ")"
}
