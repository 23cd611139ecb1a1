package main

import (
	"fmt"
	"os"
	"path"
	"strings"
	"unicode/utf8"
)

const mostCharacters = 120

// wideLines finds lines of Go that are too wide.
func (r *repository) wideLines() (problems []string, err error) {
	for _, name := range r.files {
		if path.Ext(name) != ".go" || strings.HasPrefix(name, "sdks/") { // sdks/ is generated
			continue
		}
		text, err := os.ReadFile(r.path(name))
		if err != nil {
			return nil, err
		}
		number := 0
		for line := range strings.Lines(string(text)) {
			number++
			if width := utf8.RuneCountInString(strings.TrimRight(line, "\r\n")); width > mostCharacters {
				problems = append(problems, fmt.Sprintf("%s:%d: %d characters, and a line has at most %d", name, number, width,
					mostCharacters))
			}
		}
	}
	return problems, nil
}
