package review

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// MaxComment is how many characters GitHub takes in a comment.
const MaxComment = 65536

// Marker is the first line of the Markdown. By it, the comment of an earlier run is found and updated in place.
const Marker = "<!-- batchaccess review -->"

// Markdown writes the review for a comment on a pull request, in at most MaxComment characters. What does not fit is left
// out from the end, row by row, and that it was is said.
func Markdown(w io.Writer, r Review) error {
	const reserve = 400 // for saying that something was left out, and for closing what is open
	t := &strings.Builder{}
	size, cut := 0, 0
	put := func(s string) bool {
		n := utf8.RuneCountInString(s)
		if size+n > MaxComment-reserve {
			return false
		}
		size += n
		t.WriteString(s)
		return true
	}
	put(Marker + "\n## " + symbol(r) + " " + escape(r.Verdict) + "\n")
	if r.Stack != "" {
		put(fmt.Sprintf("\nStack %s of %s\n", escape(r.Stack), escape(r.Project)))
	}
	graph := r.mermaid()
	for _, s := range r.sections() {
		if s.folded && graph != "" {
			put(graph)
			graph = ""
		}
		open, shut := "\n### "+escape(s.title)+"\n\n", ""
		if s.folded {
			open, shut = fmt.Sprintf("\n<details><summary>%s</summary>\n\n", escape(s.title)), "\n</details>\n"
		}
		if !put(open + row(s.header) + strings.Repeat("|---", len(s.header)) + "|\n") {
			cut += len(s.rows)
			continue
		}
		for i, cells := range s.rows {
			if !put(row(cells)) {
				cut += len(s.rows) - i
				break
			}
		}
		t.WriteString(shut) // within the reserve: no more than one section is open at a time, and size counts it below
		size += len(shut)
	}
	put(graph)
	for i, note := range r.Notes {
		if i == 0 {
			put("\n")
		}
		put("> " + escape(note) + "\n>\n")
	}
	if cut > 0 {
		fmt.Fprintf(t, "\n**%d rows are left out: a comment holds %d characters. `batchaccess review --format json` has all of them.**\n", cut, MaxComment)
	}
	if _, err := io.WriteString(w, t.String()); err != nil {
		return fmt.Errorf("writing the review: %w", err)
	}
	return nil
}

func symbol(r Review) string {
	switch {
	case r.Partial():
		return "⚠️"
	case r.Risk == High || r.Stopping() > 0:
		return "🔴"
	case r.Risk == Medium:
		return "🟠"
	default:
		return "🟢"
	}
}

func row(cells []string) string {
	escaped := make([]string, len(cells))
	for i, c := range cells {
		escaped[i] = escape(c)
	}
	return "| " + strings.Join(escaped, " | ") + " |\n"
}

// apart stands behind what GitHub would take for a mention, a reference or an address: it looks for them in the text that
// was rendered, where an entity or a backslash before them is gone already. It is a space without width.
const apart = "&#8203;"

// escape makes text out of what may be Markdown or HTML, and keeps an @ from notifying anybody.
func escape(s string) string {
	t := &strings.Builder{}
	for _, r := range printable(s) {
		switch r {
		case '@', '#':
			fmt.Fprintf(t, "&#%d;"+apart, r)
		case '&', '<', '>', '|', '`':
			fmt.Fprintf(t, "&#%d;", r)
		case '\\', '*', '_', '[', ']', '~', '!':
			t.WriteRune('\\')
			t.WriteRune(r)
		default:
			t.WriteRune(r)
		}
	}
	return strings.NewReplacer("://", ":"+apart+"//", "www.", "www"+apart+".", "WWW.", "WWW"+apart+".").Replace(t.String())
}
