// Package quiet keeps the packages that this command is built with from asking the terminal for its colours. Pulumi's
// SDK brings along one (charmbracelet/bubbletea) that asks as soon as it is linked in, and waits 5 s where the
// terminal does not answer, such as that of a pipeline; the question then stands in what the command prints. No
// terminal that calls itself dumb is asked.
//
// Go initialises packages that wait for no other in the order of their paths, and this one waits for os alone.
package quiet

import "os"

var term, given = os.LookupEnv("TERM")

func init() { _ = os.Setenv("TERM", "dumb") }

// Restore gives the variable its value back, for main and whatever it starts.
func Restore() {
	if given {
		_ = os.Setenv("TERM", term)
		return
	}
	_ = os.Unsetenv("TERM")
}
