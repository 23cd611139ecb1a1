package visible

import "fmt"

// Counted returns a number with its noun, which takes an s for its plural: 1 job, 2 jobs.
func Counted(n int, noun string) string {
	if n != 1 {
		noun += "s"
	}
	return fmt.Sprintf("%d %s", n, noun)
}
