// Lint refuses files and texts that do not belong in the repository: build outputs, large files, wide lines of Go,
// tests that look at the clock, and coined words. `make lint` runs it. It looks at the repository that contains the
// working directory.
package main

import (
	"fmt"
	"os"
)

func main() {
	problems, err := check(".")
	if err != nil {
		fmt.Fprintln(os.Stderr, "lint:", err)
		os.Exit(1)
	}
	for _, problem := range problems {
		fmt.Fprintln(os.Stderr, problem)
	}
	if len(problems) > 0 {
		os.Exit(1)
	}
}

// check returns everything that is wrong with the repository that contains the folder.
func check(folder string) ([]string, error) {
	r, err := open(folder)
	if err != nil {
		return nil, err
	}
	var problems []string
	for _, rule := range []func() ([]string, error){r.outputs, r.wideLines, r.clocks, r.coined} {
		found, err := rule()
		if err != nil {
			return nil, err
		}
		problems = append(problems, found...)
	}
	return problems, nil
}
