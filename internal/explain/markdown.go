package explain

import (
	"fmt"
	"io"
	"strings"

	"github.com/batchaccess/batchaccess/internal/visible"
)

// WriteMarkdown writes for a comment, a wiki or a file in a repository, in GitHub's form.
func WriteMarkdown(w io.Writer, x Explanation) error {
	var out strings.Builder
	p := func(format string, args ...any) { fmt.Fprintf(&out, format, args...) }
	table := func(head ...string) {
		p("\n| %s |\n|%s\n", strings.Join(head, " | "), strings.Repeat("---|", len(head)))
	}
	row := func(cells ...string) {
		for i := range cells {
			if cells[i] != "-" { // hopMark's sign, which makes no list in a cell
				cells[i] = visible.Markdown.Escape(cells[i])
			}
		}
		p("| %s |\n", strings.Join(cells, " | "))
	}
	p("## Access of stack %s\n\n%s.\n", visible.Markdown.Escape(x.Stack), x.verdict())
	head := []string{"invoker", "endpoint", "input", "works"}
	kinds := x.hopKinds() // of all paths: not to be asked for each
	for _, kind := range kinds {
		head = append(head, string(kind))
	}
	table(append(head, "why not")...)
	for _, path := range x.Paths {
		cells := []string{path.Invoker, path.Target(), inputName(path.Input), outcome(path)}
		for _, kind := range kinds {
			cells = append(cells, hopMark(path, kind))
		}
		row(append(cells, path.Why)...)
	}
	if out := x.notLookedAt(); out != "" {
		p("\nSteps of a job that were %s.\n", visible.Markdown.Escape(out))
	}
	if len(x.Assertions) > 0 {
		p("\n### Assertions\n")
		table("assertion", "says", "", "because", "remedy")
		for _, v := range x.Assertions {
			row(v.Name, v.Says, holds(v), v.Because, v.Fix)
		}
	}
	if len(x.Findings) > 0 {
		p("\n### Findings\n\n")
	}
	for _, f := range x.Findings {
		p("- **%s**: %s; %s\n", visible.Markdown.Escape(f.Place()), visible.Markdown.Escape(f.What),
			visible.Markdown.Escape(f.Fix))
	}
	if note := x.notWalked(); note != "" {
		p("\n%s\n", note)
	}
	p("\n### Grants\n")
	owned := func(cells []string, owner string) []string { // without a column that would be empty
		if len(x.Owners) == 0 {
			return cells
		}
		return append(cells, owner)
	}
	table(owned([]string{"principal", "role", "scope", "to"}, "owner")...)
	for _, g := range x.Grants {
		row(owned([]string{g.Principal.String(), g.Role, g.Scope.String(), strings.Join(g.Reasons, ", ")}, g.Owners())...)
	}
	for _, a := range x.ACLs {
		row(owned([]string{a.Principal.String(), "ACL " + a.Permissions + ", set outside of this stack",
			a.StorageAccount + "/" + a.Container + a.Path, ""}, "")...)
	}
	if len(x.Owners) > 0 {
		p("\n### Owners\n")
		table("of", "owner")
	}
	for _, o := range x.Owners {
		row(o.Path, o.Owner)
	}
	if len(x.Alone) > 0 {
		p("\n### Components used alone\n")
		table("component", "assignment", "role", "scope")
	}
	for _, a := range x.Alone {
		row(a.Component, a.who(), a.Role, a.at())
	}
	for _, r := range x.roles() {
		p("\n<details><summary>%s, at the %s: %s</summary>\n\n", visible.Markdown.Escape(r.Name),
			visible.Markdown.Escape(r.Scope),
			map[bool]string{false: count(len(r.Entries)) + " actions", true: "what it allows is not known here"}[r.Unknown])
		for _, a := range r.Entries {
			p("- %s\n", visible.Markdown.Escape(a))
		}
		for _, a := range r.Not {
			p("- not %s\n", visible.Markdown.Escape(a))
		}
		p("\n</details>\n")
	}
	_, err := io.WriteString(w, out.String())
	return err
}
