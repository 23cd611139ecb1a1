package visible

import (
	"fmt"
	"html"
	"regexp"
	"strings"
)

// A Format is where text is shown. Names in a preview or a configuration are written by strangers: no format may read
// them as anything but text.
type Format int

// The formats.
const (
	Terminal Format = iota // or the log of a pipeline
	Markdown               // of GitHub and of Azure DevOps
	Mermaid                // the labels of nodes and edges, between quotes
	SARIF                  // whose messages may hold links
	HTML                   // between tags, and in attributes between quotes
)

// apart is written after characters that GitHub or Azure DevOps would read as a mention, a reference, a formula or an
// address. They look for those in the rendered text, in which an entity or a backslash is gone already. It is a space
// without width.
const apart = "&#8203;"

var (
	addresses = strings.NewReplacer("://", ":"+apart+"//", "www.", "www"+apart+".", "WWW.", "WWW"+apart+".", "Www.",
		"Www"+apart+".")
	issueRef  = regexp.MustCompile(`(?i)\bGH-(\d)`) // no other letters fold to g or h
	commitRef = regexp.MustCompile(`\b[0-9a-f]{40}\b`)
	starts    = regexp.MustCompile(`^( *)([-+=]|\d+[.)])`)
)

// Escape makes text of possible markup of the format, in one line without hidden characters.
func (f Format) Escape(s string) string {
	s = Text(s)
	switch f {
	case Markdown:
		t := &strings.Builder{}
		for _, r := range s {
			switch r {
			case '@', '#', '$':
				fmt.Fprintf(t, "&#%d;"+apart, r)
			case '&', '<', '>', '|', '`':
				fmt.Fprintf(t, "&#%d;", r)
			case '!':
				t.WriteString(`\!` + apart)
			case '\\', '*', '_', '[', ']', '~':
				t.WriteRune('\\')
				t.WriteRune(r)
			default:
				t.WriteRune(r)
			}
		}
		s = addresses.Replace(t.String())
		if strings.Contains(s, "H-") || strings.Contains(s, "h-") { // otherwise the expression would search every text
			s = issueRef.ReplaceAllStringFunc(s, func(found string) string { return found[:2] + apart + found[2:] })
		}
		s = commitRef.ReplaceAllStringFunc(s, func(found string) string { return found[:7] + apart + found[7:] })
		return starts.ReplaceAllString(s, "$1"+apart+"$2")
	case Mermaid:
		t := &strings.Builder{}
		for _, r := range s {
			if r >= '0' && r <= '9' || r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z' ||
				strings.ContainsRune(" -.,:/()_", r) {
				t.WriteRune(r)
			} else {
				fmt.Fprintf(t, "#%d;", r)
			}
		}
		return t.String()
	case SARIF:
		return strings.NewReplacer(`\`, `\\`, "[", `\[`, "]", `\]`).Replace(s)
	case HTML:
		return html.EscapeString(s)
	default:
		if strings.HasPrefix(strings.TrimLeft(s, " "), "::") { // GitHub's newer commands begin so
			s = strings.Replace(s, "::", ": :", 1)
		}
		return s
	}
}
