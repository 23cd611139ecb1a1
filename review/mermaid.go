package review

import (
	"fmt"
	"strings"
)

// maxEdges keeps the graph one that a person can read, and that GitHub draws.
const maxEdges = 40

// mermaid draws who gains (thick) and loses (dotted) what, as a block that GitHub renders; "" if there is nothing to draw.
func (r Review) mermaid() string {
	nodes, lines := map[string]string{}, []string{}
	node := func(label, left, right string) string {
		id, ok := nodes[left+label]
		if !ok {
			id = fmt.Sprintf("n%d", len(nodes))
			nodes[left+label] = id
			return id + left + `"` + mermaidText(label) + `"` + right
		}
		return id
	}
	edge := func(who, line, role, arrow, where string) {
		lines = append(lines, fmt.Sprintf(`  %s %s "%s" %s %s`, node(who, "([", "])"), line, mermaidText(role), arrow, node(where, "[(", ")]")))
	}
	drawn := 0
	for _, c := range r.Access {
		if len(c.New)+len(c.Gone) == 0 {
			continue
		}
		if drawn++; drawn > maxEdges {
			continue
		}
		who := c.Principal.Name
		if c.Change != "gained" && len(c.Gone) > 0 {
			edge(who, "-.", "loses "+c.Role, ".->", c.Before)
		}
		if len(c.New) > 0 {
			edge(who, "==", "gains "+c.Role, "==>", c.After)
		}
	}
	if drawn == 0 {
		return ""
	}
	more := ""
	if drawn > maxEdges {
		more = fmt.Sprintf("\n%d changes of access more are in the table above, not in the picture.\n", drawn-maxEdges)
	}
	return "\n```mermaid\ngraph LR\n" + strings.Join(lines, "\n") + "\n```\n" + more
}

// mermaidText writes everything but plain words as Mermaid's own entities, so that no name is taken for syntax.
func mermaidText(s string) string {
	t := &strings.Builder{}
	for _, r := range printable(s) {
		if r == ' ' || r == '-' || r == '.' || r == '/' || r == '_' || r >= '0' && r <= '9' || r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z' {
			t.WriteRune(r)
		} else {
			fmt.Fprintf(t, "#%d;", r)
		}
	}
	return t.String()
}
