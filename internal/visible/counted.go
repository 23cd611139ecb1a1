package visible

import (
	"fmt"
	"strings"
)

// Counted returns a number with its noun, which takes an s for its plural: 1 job, 2 jobs.
func Counted(n int, noun string) string {
	if n != 1 {
		noun += "s"
	}
	return fmt.Sprintf("%d %s", n, noun)
}

// Some lists names for people: all of them, or the first ones and the number of the others.
func Some(names []string, most int) string {
	if len(names) <= most {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
}
