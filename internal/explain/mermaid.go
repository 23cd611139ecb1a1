package explain

import (
	"fmt"
	"io"
	"strings"

	"github.com/batchaccess/batchaccess/internal/visible"
)

// WriteMermaid writes a flowchart: invokers, endpoints, and what they read. It has the matrix on its edges, and what
// nobody declared and does not work, assertions and findings as comments.
func WriteMermaid(w io.Writer, x Explanation) error {
	var out strings.Builder
	p := func(format string, args ...any) { fmt.Fprintf(&out, format, args...) }
	p("%%%% access of stack %s: %s\n", comment(x.Stack), x.verdict())
	for _, v := range x.Assertions {
		p("%%%% %s: %s: %s: %s\n", holds(v), comment(v.Name), comment(v.Says), comment(v.Because))
	}
	for _, f := range x.Findings {
		p("%%%% %s: %s; %s\n", comment(f.Where), comment(f.What), comment(f.Fix))
	}
	var drawn []edge
	for _, e := range edgesOf(x.Paths) {
		if arrows[e.outcome] == "" {
			p("%%%% %s, %s: %s: %s\n", comment(e.invoker), comment(e.endpoint), e.outcome, comment(strings.Join(e.inputs, ", ")))
		} else {
			drawn = append(drawn, e)
		}
	}
	p("flowchart LR\n")
	ids := map[string]string{}
	node := func(prefix, name, shape string, label ...string) {
		if ids[prefix+name] == "" {
			ids[prefix+name] = fmt.Sprintf("%s%d", prefix, len(ids))
			for i := range label {
				label[i] = visible.Mermaid.Escape(label[i])
			}
			p("  %s"+shape+"\n", ids[prefix+name], strings.Join(label, "<br/>"))
		}
	}
	for _, i := range x.Invokers {
		node("invoker", i.Name, `(["%s"])`, i.Name, i.Kind)
	}
	for _, e := range x.Endpoints {
		node("endpoint", e.Target(), `["%s"]`, e.Target(), "on "+e.Cluster)
		for _, input := range e.Inputs {
			node("input", input, `[("%s")]`, input)
			p("  %s --> %s\n", ids["endpoint"+e.Name], ids["input"+input])
		}
	}
	for _, e := range drawn {
		p("  %s %s|\"%s\"| %s\n", ids["invoker"+e.invoker], arrows[e.outcome],
			visible.Mermaid.Escape(e.outcome+": "+strings.Join(e.inputs, ", ")), ids["endpoint"+e.endpoint])
	}
	_, err := io.WriteString(w, out.String())
	return err
}

// arrows are how an outcome is drawn. What is not to work, and does not, is not: it would fill the picture.
var arrows = map[string]string{"yes": "-->", "yes, undeclared": "-.->", "BROKEN": "==x", "unknown": "-.-"}

// An edge is all paths of an invoker on an endpoint that end alike.
type edge struct {
	invoker, endpoint, outcome string
	inputs                     []string // with the reason, of those that do not work
}

// edgesOf takes the paths in the order that Make gives them: those of an invoker on an endpoint stand together.
func edgesOf(paths []Path) (edges []edge) {
	for len(paths) > 0 {
		first, n := paths[0], 0
		by := map[string]int{}
		for ; n < len(paths) && paths[n].Invoker == first.Invoker && paths[n].Target() == first.Target(); n++ {
			o, input := outcome(paths[n]), inputName(paths[n].Input)
			if !paths[n].Works {
				input += " " + paths[n].Why
			}
			at, ok := by[o]
			if !ok {
				at = len(edges)
				by[o] = at
				edges = append(edges, edge{first.Invoker, first.Target(), o, nil})
			}
			edges[at].inputs = append(edges[at].inputs, input)
		}
		paths = paths[n:]
	}
	return edges
}

// comment keeps text from being read as a directive, which %%{ begins.
func comment(s string) string {
	return strings.NewReplacer("{", "(", "}", ")").Replace(visible.Text(s))
}
