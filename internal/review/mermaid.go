package review

import (
	"fmt"
	"strings"

	"github.com/batchaccess/batchaccess/internal/visible"
)

// maxEdges is a number of edges that a person can read and GitHub draws.
const maxEdges = 40

// mermaid draws who gains (thick) and loses (dotted) what, as a block that GitHub renders; "" if there is nothing to
// draw.
func (r Review) mermaid() string {
	nodes, lines := map[string]string{}, []string{}
	node := func(label, left, right string) string {
		id, ok := nodes[left+label]
		if !ok {
			id = fmt.Sprintf("n%d", len(nodes))
			nodes[left+label] = id
			return id + left + `"` + visible.Mermaid.Escape(label) + `"` + right
		}
		return id
	}
	edge := func(who, line, role, arrow, where string) {
		lines = append(lines, fmt.Sprintf(`  %s %s "%s" %s %s`, node(who, "([", "])"), line, visible.Mermaid.Escape(role),
			arrow, node(where, "[(", ")]")))
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
			edge(who, "-.", "loses "+c.Role, ".->", c.from)
		}
		if len(c.New) > 0 {
			edge(who, "==", "gains "+c.Role, "==>", c.to)
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
