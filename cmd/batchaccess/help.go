package main

import (
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/spf13/cobra"
)

// helpWidth is how many characters a line of help has at most, as far as its words allow it.
const helpWidth = 100

// narrowHelp breaks the lines of a command's help, however wide its source is.
func narrowHelp(cmd *cobra.Command) {
	cmd.Long = wrapped(cmd.Long, helpWidth)
	// Flags that are inherited and a command's own are printed in two places of the template.
	cmd.SetUsageTemplate(strings.ReplaceAll(cmd.UsageTemplate(), ".FlagUsages ", ".FlagUsagesWrapped 100 "))
}

// column is what stands before the text of a row of a table: its first cell.
var column = regexp.MustCompile(`^ +(\S+(?: \S+)*  +)?`)

// wrapped breaks paragraphs anew. A line that begins with a space is a row of a table, which is broken below its last
// cell; one that begins below that cell goes on with it.
func wrapped(text string, width int) string {
	var out, words []string
	first := "" // what the row begins with
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
			// it goes on
		default:
			flush()
			first = begins
		}
		words = append(words, line[len(begins):])
	}
	flush()
	return strings.Join(out, "\n")
}

// broken breaks words into lines, each below the indent. There is one line at least.
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
