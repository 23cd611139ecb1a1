package main

import (
	"fmt"
	"os"
	"regexp"
	"strings"
)

// clock matches code by which a test compares a wait with the time of day. On a busy machine such a test fails without
// a fault: let it count requests, allocations or steps instead, or use a clock of its own, as in testing/synctest.
var clock = regexp.MustCompile(`time\.Since\(|\b(assert|require)\.(Eventually|Never|WithinDuration)\(|\.Elapsed\(`)

// clocks finds tests that look at the clock.
func (r *repository) clocks() ([]string, error) {
	var problems []string
	for _, name := range r.files {
		if !strings.HasSuffix(name, "_test.go") {
			continue
		}
		text, err := os.ReadFile(r.path(name))
		if err != nil {
			return nil, err
		}
		if strings.Contains(string(text), "\"testing/synctest\"") {
			continue
		}
		number := 0
		for line := range strings.Lines(string(text)) {
			number++
			if found := clock.FindString(line); found != "" {
				problems = append(problems, fmt.Sprintf("%s:%d: %s) looks at the clock: count something, or use testing/synctest",
					name, number, found))
			}
		}
	}
	return problems, nil
}
