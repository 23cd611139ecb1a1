package review

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/batchaccess/batchaccess/internal/visible"
)

// Text writes the review for a terminal.
func Text(w io.Writer, r Review) error {
	t := &strings.Builder{}
	fmt.Fprintf(t, "%s\n", visible.Terminal.Escape(r.Verdict))
	for _, s := range r.sections() {
		fmt.Fprintf(t, "\n%s\n", strings.ToUpper(visible.Terminal.Escape(s.title)))
		table := tabwriter.NewWriter(t, 0, 0, 2, ' ', 0)
		for _, row := range s.rows {
			for i, cell := range row {
				row[i] = visible.Terminal.Escape(cell)
			}
			fmt.Fprintf(table, "  %s\n", strings.Join(row, "\t"))
		}
		if err := table.Flush(); err != nil {
			return fmt.Errorf("writing the review: %w", err)
		}
	}
	for i, note := range r.Notes {
		if i == 0 {
			t.WriteString("\n")
		}
		fmt.Fprintf(t, "note: %s\n", visible.Terminal.Escape(note))
	}
	if _, err := io.WriteString(w, t.String()); err != nil {
		return fmt.Errorf("writing the review: %w", err)
	}
	return nil
}
