package visible

import (
	"fmt"
	"html"
	"regexp"
	"strings"
)

// A Format is where text is shown. Names in a preview or a configuration are strangers' text: in every format they are
// text and nothing else.
type Format int

// The formats.
const (
	Terminal Format = iota // or the log of a pipeline
	Markdown               // of GitHub and of Azure DevOps
	Mermaid                // the labels of nodes and edges, between quotes
	SARIF                  // whose messages may hold links
	HTML                   // between tags, and in attributes between quotes
)

// apart stands behind what GitHub or Azure DevOps would take for a mention, a reference, a formula or an address:
// they look for them in the text that was rendered, where an entity or a backslash before them is gone already. It
// is a space without width.
const apart = "&#8203;"

var (
	addresses = strings.NewReplacer("://", ":"+apart+"//", "www.", "www"+apart+".", "WWW.", "WWW"+apart+".", "Www.",
		"Www"+apart+".")
	issueRef  = regexp.MustCompile(`(?i)\bGH-(\d)`) // no letter but these folds to g or h
	commitRef = regexp.MustCompile(`\b[0-9a-f]{40}\b`)
	starts    = regexp.MustCompile(`^( *)([-+=]|\d+[.)])`)
)

// Escape makes text of what may be markup of the format, in one line in which nothing is hidden.
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
		if strings.Contains(s, "H-") || strings.Contains(s, "h-") { // else the expression looks at every letter for nothing
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
		if strings.HasPrefix(strings.TrimLeft(s, " "), "::") { // which begins GitHub's newer commands
			s = strings.Replace(s, "::", ": :", 1)
		}
		return s
	}
}
