package main

import (
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/batchaccess/batchaccess/internal/visible"
)

// markerOf is a line, invisible on the page, by which our comment is found again.
func markerOf(stack string) string { return "<!-- batchaccess review of stack " + stack + " -->" }

var backticks = regexp.MustCompile("`+")

// compose puts the resource diff, folded, below the access diff. If that is too long for one comment, the end of the
// resource diff is cut off first, and the comment says so.
func compose(marker, from, access, resources string, limit int) string {
	const folded, cut = "\n<details><summary>Resource diff</summary>\n\n%s\n%s\n%s\n\n</details>\n", "\n… cut here: " +
		"the whole is in the log of the pipeline"
	head := marker + "\n" + strings.TrimRight(access, "\n") + "\n"
	if from != "" {
		head += "\n" + from + "\n"
	}
	if len(head) > limit {
		end := cut
		if from != "" {
			end += "\n\n" + from
		}
		return clip(head, limit-len(end)) + end
	}
	lines := strings.Split(strings.TrimRight(resources, "\n"), "\n")
	for i, line := range lines {
		lines[i] = visible.Text(line)
	}
	resources = strings.Join(lines, "\n")
	if strings.TrimSpace(resources) == "" {
		return head
	}
	fence := "```" // longer than any in the text, so that the text can't close the fence
	for _, run := range backticks.FindAllString(resources, -1) {
		fence = strings.Repeat("`", max(len(fence), len(run)+1))
	}
	if room := limit - len(head) - len(fmt.Sprintf(folded, fence, "", fence)); len(resources) > room {
		if room <= len(cut) {
			return head
		}
		resources = clip(resources, room-len(cut)) + cut
	}
	return head + fmt.Sprintf(folded, fence, resources, fence)
}

// notKnown is the comment while a run has not finished, and after a run that died: the result for an earlier commit
// must never stay.
func notKnown(stack, why string) string {
	return fmt.Sprintf("## ⚠️ %s: not known\n\nWhat access this change gives is not known: %s", stack, why)
}

// clip cuts text to at most that many bytes, between two characters.
func clip(text string, size int) string {
	if size >= len(text) {
		return text
	}
	size = max(size, 0)
	for size > 0 && !utf8.RuneStart(text[size]) {
		size--
	}
	return text[:size]
}
