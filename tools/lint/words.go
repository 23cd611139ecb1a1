package main

import (
	"fmt"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"
)

// words are coined words of ours, each with the plain words for it. Each thing has one word: docs/glossary.md.
var words = []struct {
	refused *regexp.Regexp
	plain   string
}{
	{regexp.MustCompile(`(?i)\b(can't|can ?not) be told\b|untold|\bnotTold`), "undecided, or not known"},
	{regexp.MustCompile(`(?i)\btells (whether|which|of)\b`), "reports, says, lists"},
	{regexp.MustCompile(`(?i)\b(hang|hangs|hung) on\b`), "depend on"},
	{regexp.MustCompile(`(?i)\b(stayers?|strays?|seats?)\b`), "who stays, what is not declared, a membership"},
	{regexp.MustCompile(`\b(Leads?|Leadings?|Beyond)\b`), "an escalation and its target, a difference, excess"},
	{regexp.MustCompile(`(?i)\bwithout a word\b`), "without a warning"},
	{regexp.MustCompile(`(Is|Are|Not)Told|\btell[A-Z]`), "reported, says"},
	{regexp.MustCompile(`(?i)\ba way more\b|\ba line more\b`), "one more way, one more line"},
}

// proseOf are the files that people read: code and pages. The changelog may quote earlier versions.
func proseOf(name string) bool {
	return slices.Contains([]string{".go", ".md", ".html", ".yml", ".yaml"}, path.Ext(name)) && name != "CHANGELOG.md" &&
		!strings.HasPrefix(name, "sdks/") && !strings.HasPrefix(name, "tools/lint/") && !strings.Contains(name, "/testdata/")
}

// coined finds coined words.
func (r *repository) coined() (problems []string, err error) {
	for _, name := range r.files {
		if !proseOf(name) {
			continue
		}
		text, err := os.ReadFile(r.path(name))
		if err != nil {
			return nil, err
		}
		number := 0
		for line := range strings.Lines(string(text)) {
			number++
			for _, w := range words {
				if found := w.refused.FindString(line); found != "" {
					problems = append(problems, fmt.Sprintf("%s:%d: %q: write %s", name, number, found, w.plain))
				}
			}
		}
	}
	return problems, nil
}
