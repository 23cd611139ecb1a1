package main

import (
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/spf13/cobra"
)

// helpWidth is the longest line of help, in characters, as far as its words allow it.
const helpWidth = 100

// narrowHelp breaks the lines of a command's help, whatever their width in the source.
func narrowHelp(cmd *cobra.Command) {
	cmd.Long = wrapped(cmd.Long, helpWidth)
	// The template prints inherited flags and a command's own in two places.
	cmd.SetUsageTemplate(strings.ReplaceAll(cmd.UsageTemplate(), ".FlagUsages ", ".FlagUsagesWrapped 100 "))
}

// column matches the first cell of a table row, before its text.
var column = regexp.MustCompile(`^ +(\S+(?: \S+)*  +)?`)

// wrapped breaks paragraphs into new lines. A line that begins with a space is a row of a table, which is broken below
// its last cell; a line that begins below that cell continues it.
func wrapped(text string, width int) string {
	var out, words []string
	first := "" // the row's first cells
	flush := func() {
		if len(words) > 0 {
			lines := broken(strings.Join(words, " "), strings.Repeat(" ", len(first)), width)
			lines[0] = first + lines[0][len(first):]
			out = append(out, lines...)
		}
		words, first = nil, ""
	}
	for line := range strings.SplitSeq(text, "\n") {
		begins := column.FindString(line)
		switch {
		case line == "":
			flush()
			out = append(out, "")
			continue
		case begins == "" && first == "", begins != "" && begins == strings.Repeat(" ", len(first)):
			// the row continues
		default:
			flush()
			first = begins
		}
		words = append(words, line[len(begins):])
	}
	flush()
	return strings.Join(out, "\n")
}

// broken breaks words into lines, each after the indent. There is at least one line.
func broken(text, indent string, width int) (lines []string) {
	line := indent
	for _, word := range strings.Fields(text) {
		if line != indent && utf8.RuneCountInString(line)+1+utf8.RuneCountInString(word) > width {
			lines = append(lines, line)
			line = indent
		}
		if line != indent {
			line += " "
		}
		line += word
	}
	return append(lines, line)
}
