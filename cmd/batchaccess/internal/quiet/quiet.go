// Package quiet prevents packages in this command from asking the terminal for its colours. Pulumi's SDK brings one
// (charmbracelet/bubbletea) that asks as soon as it is linked in. If the terminal does not answer, such as in a
// pipeline, it waits 5 s, and the question appears in the command's output. A terminal with TERM=dumb is not asked.
//
// Go initialises packages without dependencies on each other in the order of their paths, and this one depends on os
// alone.
package quiet

import "os"

var term, given = os.LookupEnv("TERM")

func init() { _ = os.Setenv("TERM", "dumb") }

// Restore restores the variable, for main and the programs that it starts.
func Restore() {
	if given {
		_ = os.Setenv("TERM", term)
		return
	}
	_ = os.Unsetenv("TERM")
}
