package main

import (
	"fmt"
	"os"
	"strings"
)

// unreleased is the title of the changelog's section for changes that are in no version yet.
const unreleased = "Unreleased"

// readNotes returns the version's section of a changelog, without its title. If a release is only tried and its version
// has no section, it returns the section Unreleased.
func readNotes(path, version string, try bool) (string, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return "", fmt.Errorf("reading the notes: %w; write a section \"## %s\"", err, version)
	}
	notes, err := section(string(text), version)
	if err == nil && !try && waits(string(text)) {
		return "", fmt.Errorf("CHANGELOG.md: the section %s has text: move it under %s, or to a later release", unreleased,
			version)
	}
	if err != nil && try {
		var other error
		if notes, other = section(string(text), unreleased); other != nil {
			return "", fmt.Errorf("%w; and %w", err, other)
		}
		return notes, nil
	}
	return notes, err
}

// waits reports whether the section Unreleased has text.
func waits(changelog string) bool {
	text, err := section(changelog, unreleased)
	return err == nil && text != ""
}

// section returns the text of the only section with the title: "## v0.1.0", "## 0.1.0" or "## [0.1.0]", which may be
// followed by more text, such as a date. A title in a code block does not count.
func section(changelog, title string) (string, error) {
	var of []string // sections with the title
	in, fence := false, ""
	for line := range strings.Lines(strings.ReplaceAll(changelog, "\r\n", "\n")) {
		fence = fenced(fence, line)
		if heading, ok := strings.CutPrefix(line, "## "); ok && fence == "" {
			if in = same(heading, title); in {
				of = append(of, "")
			}
		} else if in {
			of[len(of)-1] += line
		}
	}
	switch {
	case len(of) == 0:
		return "", fmt.Errorf("CHANGELOG.md has no section %q: write what users see of the change under \"## %s\"", title,
			title)
	case len(of) > 1:
		return "", fmt.Errorf("CHANGELOG.md has %d sections %q: make one of them", len(of), title)
	}
	text := strings.TrimSpace(of[0])
	if text == "" {
		return "", fmt.Errorf("CHANGELOG.md: the section %q is empty: write what users see of the change", title)
	}
	return text + "\n", nil
}

// same reports whether a heading has the title.
func same(heading, title string) bool {
	words := strings.Fields(heading)
	if len(words) == 0 {
		return false
	}
	name := strings.Trim(words[0], "[]")
	return strings.EqualFold(strings.TrimPrefix(name, "v"), strings.TrimPrefix(title, "v"))
}

// fenced returns the fence of the code block that the next line is in, or "" outside of one.
func fenced(open, line string) string {
	line = strings.TrimSpace(line)
	for _, fence := range []string{"```", "~~~"} {
		switch {
		case !strings.HasPrefix(line, fence):
		case open == "":
			return fence
		case open == fence && strings.Trim(line, fence[:1]) == "":
			return ""
		}
	}
	return open
}
