package explain

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/internal/visible"
)

// WriteMermaid writes a flowchart: invokers, endpoints, jobs, clusters and data, with what each identity needs for it.
// Its edges show the matrix. Comments have assertions, findings, and undeclared paths that do not work; an invoker that
// has only those is not drawn.
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
		if slices.ContainsFunc(drawn, func(e edge) bool { return e.invoker == i.Name }) {
			node("invoker", i.Name, `(["%s"])`, i.Name, i.Kind)
		}
	}
	for _, e := range x.Endpoints {
		target := e.Target()
		node("endpoint", target, `["%s"]`, target, "start: "+x.startNeeds(target))
		node("job", target, `[["%s"]]`, "job", "as whoever started it")
		node("cluster", e.Cluster, `{{"%s"}}`, e.Cluster, "cluster")
		endpoint, job, cluster := ids["endpoint"+target], ids["job"+target], ids["cluster"+e.Cluster]
		p("  %s --> %s -->|\"on\"| %s\n", endpoint, job, cluster)
		takes := func(data, verb, id string) {
			switch role := x.Facts.takes[taking{target, data}]; role {
			case "":
				p("  %s -->|\"%s\"| %s\n", job, verb, id)
			case storeCredential:
				p("  %s -->|\"%s by %s\"| %s\n", job, verb, visible.Mermaid.Escape(role), id)
			default:
				p("  %s -->|\"%s: %s\"| %s\n  %s -->|\"mounts: %[3]s\"| %[4]s\n", job, verb,
					visible.Mermaid.Escape(role), id, cluster)
			}
		}
		for _, input := range e.Inputs {
			node("input", input, `[("%s")]`, input)
			takes(input, "reads", ids["input"+input])
		}
		for _, output := range x.Facts.outputs[e.Name] {
			node("output", output, `[("%s")]`, output, "output")
			takes(outputKey(output), "writes", ids["output"+output])
		}
	}
	for _, e := range drawn {
		p("  %s %s|\"%s\"| %s\n", ids["invoker"+e.invoker], arrows[e.outcome],
			visible.Mermaid.Escape(e.outcome+": "+strings.Join(e.inputs, ", ")), ids["endpoint"+e.endpoint])
	}
	_, err := io.WriteString(w, out.String())
	return err
}

// startNeeds returns what starting a job on an endpoint needs.
func (x Explanation) startNeeds(target string) string {
	for _, p := range x.Paths {
		for _, h := range p.Hops {
			if p.Target() == target && h.Kind == access.InvokeHop {
				return h.Needs
			}
		}
	}
	return "nobody may"
}

// arrows say how an outcome is drawn. A path that should not work, and does not, is not drawn: it would fill the
// picture.
var arrows = map[string]string{"yes": "-->", "yes, undeclared": "-.->", "BROKEN": "==x", "undecided": "-.-"}

// An edge is all paths of an invoker on an endpoint with the same result.
type edge struct {
	invoker, endpoint, outcome string
	inputs                     []string // with the reason, if they do not work
}

// edgesOf takes the paths in Make's order, in which those of an invoker on an endpoint are together.
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

// comment prevents text from being read as a directive, which begins with %%{.
func comment(s string) string {
	return strings.NewReplacer("{", "(", "}", ")").Replace(visible.Text(s))
}
