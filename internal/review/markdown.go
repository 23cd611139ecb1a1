package review

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/batchaccess/batchaccess/internal/visible"
)

// MaxComment is how many characters GitHub accepts in a comment. A pipeline adds the commit and the run to it.
const (
	MaxComment  = 65536
	aroundIt    = 1536
	saysWhatCut = 600
)

// Marker is the first line of the Markdown. A later run finds the comment by it, and updates it.
const Marker = "<!-- batchaccess review -->"

// Markdown writes the review for a comment on a pull request, in less than MaxComment bytes, and so characters. If
// there is too much, rows are left out and counted: first details, then less grave changes, and last of all who gains
// access. Each table keeps its head and its first rows.
func Markdown(w io.Writer, r Review) error {
	const limit = MaxComment - aroundIt
	head := Marker + "\n## " + symbol(r) + " " + visible.Markdown.Escape(r.Verdict) + "\n"
	if r.Stack != "" {
		head += fmt.Sprintf("\nStack %s of %s\n", visible.Markdown.Escape(r.Stack), visible.Markdown.Escape(r.Project))
	}
	var blocks []*block
	graph := r.mermaid()
	addGraph := func() {
		if graph != "" {
			blocks = append(blocks, &block{open: graph, rank: rankGraph})
			graph = ""
		}
	}
	for _, s := range r.sections() {
		if s.folded {
			addGraph()
		}
		blocks = append(blocks, blockOf(s))
	}
	addGraph()
	for i, note := range r.Notes {
		text := "> " + visible.Markdown.Escape(note) + "\n>\n"
		if i == 0 {
			text = "\n" + text
		}
		blocks = append(blocks, &block{open: text, rank: rankNote})
	}
	room := limit - saysWhatCut - len(head)
	order := slices.Clone(blocks)
	slices.SortStableFunc(order, func(a, b *block) int { return cmp.Compare(a.rank, b.rank) })
	heads, rows := 0, 0 // of the tables that are still to come
	for _, b := range order {
		head, first := b.least()
		heads, rows = heads+head, rows+first
	}
	for _, b := range order {
		head, first := b.least()
		heads, rows = heads-head, rows-first
		left := room - heads
		room -= b.fit(left - min(rows, left/2))
	}
	t := &strings.Builder{}
	t.WriteString(head)
	cut, gains, rest := 0, 0, 0
	for _, b := range blocks {
		t.WriteString(b.text)
		switch {
		case b.cut == 0:
		case b.rank == rankGains:
			gains += b.cut
		case len(b.rows) > 0:
			cut += b.cut
		default:
			rest++
		}
	}
	if cut+gains+rest > 0 {
		fmt.Fprintf(t, "\n**%d rows are left out", cut+gains)
		if rest > 0 {
			fmt.Fprintf(t, " and %d notes or pictures", rest)
		}
		fmt.Fprintf(t, ": a comment holds %d characters. `batchaccess review --format json` has all of them.**\n", MaxComment)
	}
	if gains > 0 {
		fmt.Fprintf(t, "\n**%d of the rows that are left out say who gains access: read them before you approve.**\n", gains)
	}
	if _, err := io.WriteString(w, t.String()); err != nil {
		return fmt.Errorf("writing the review: %w", err)
	}
	return nil
}

// Ranks of what a comment contains: a higher rank is left out first.
const (
	rankGains = iota
	rankGrave
	rankTable
	rankGraph
	rankNote
	rankDetail
)

// A block is a part of the comment that can be cut.
type block struct {
	open, shut string
	rows       []string
	rank       int
	text       string // the text that fits
	cut        int    // how many rows or parts do not fit
}

func blockOf(s section) *block {
	b := &block{open: "\n### " + visible.Markdown.Escape(s.title) + "\n\n", rank: s.rank}
	if s.folded {
		b.open, b.shut = fmt.Sprintf("\n<details><summary>%s</summary>\n\n",
			visible.Markdown.Escape(s.title)), "\n</details>\n"
	}
	b.open += row(s.header) + strings.Repeat("|---", len(s.header)) + "|\n"
	for _, cells := range s.rows {
		b.rows = append(b.rows, row(cells))
	}
	return b
}

// least is what the head of a table takes, and what its first rows take.
func (b *block) least() (head, first int) {
	const few = 3
	if b.rank > rankTable || len(b.rows) == 0 {
		return 0, 0
	}
	for _, r := range b.rows[:min(few, len(b.rows))] {
		first += len(r)
	}
	return len(b.open) + len(b.shut), first
}

// fit takes as much of the block as there is room for, and returns how much that is.
func (b *block) fit(room int) int {
	size := len(b.open) + len(b.shut)
	if size > room {
		b.cut = max(1, len(b.rows))
		return 0
	}
	t := &strings.Builder{}
	t.WriteString(b.open)
	for i, r := range b.rows {
		n := len(r)
		if size+n > room {
			b.cut = len(b.rows) - i
			break
		}
		size += n
		t.WriteString(r)
	}
	t.WriteString(b.shut)
	b.text = t.String()
	return size
}

func symbol(r Review) string {
	switch {
	case r.Risk == High || r.stopping() > 0: // something that was not understood makes no change less grave
		return "🔴"
	case r.Partial() || len(r.Unjudged) > 0:
		return "⚠️"
	case r.Risk == Medium:
		return "🟠"
	default:
		return "🟢"
	}
}

func row(cells []string) string {
	escaped := make([]string, len(cells))
	for i, c := range cells {
		escaped[i] = visible.Markdown.Escape(c)
	}
	return "| " + strings.Join(escaped, " | ") + " |\n"
}
