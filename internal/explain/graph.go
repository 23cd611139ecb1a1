package explain

import (
	"slices"
	"strings"

	"github.com/batchaccess/batchaccess/internal/page"
)

// manyIndirect is the number of indirect ways from which on none is drawn: they would fill the picture.
const manyIndirect = 60

// layOut draws invokers, endpoints with the cluster that each runs on, and inputs with outputs below them. It returns
// how many indirect ways are not drawn.
func layOut(x Explanation, f filter) (g *page.Graph, hidden int) {
	var invokers, endpoints, inputs, outputs []page.Node
	node := func(kind, name, below, filter string) page.Node {
		return page.Node{Key: kind + name, Class: kind + " " + filter, Label: name, Below: below, Title: name + ", " + below}
	}
	for _, v := range x.Invokers {
		invokers = append(invokers, node("invoker", v.Name, v.Kind, f.Person(v.Name)))
	}
	for _, e := range x.Endpoints {
		endpoints = append(endpoints, node("endpoint", e.Target(), "on cluster "+e.Cluster,
			f.Endpoint(e.Target())+" "+f.Datum(x.dataOf(e)...)))
	}
	for _, d := range f.Data {
		if name, output := strings.CutPrefix(d.Name, outputKey("")); output {
			outputs = append(outputs, node("output", name, "data output", f.Datum(d.Name)))
		} else {
			inputs = append(inputs, node("input", d.Name, "data input", f.Datum(d.Name)))
		}
	}
	g = page.NewGraph(invokers, endpoints, append(inputs, outputs...))
	for _, e := range edgesOf(x.Paths) {
		if e.outcome != "no" { // what nobody declared, and does not work, is only in the matrix: it would fill the picture
			g.Join("invoker"+e.invoker, "endpoint"+e.endpoint,
				classes[e.outcome]+" "+f.Person(e.invoker)+" "+f.Endpoint(e.endpoint)+" "+f.Datum(e.inputs...),
				e.invoker+" on "+e.endpoint+", "+e.outcome+": "+strings.Join(e.inputs, ", "))
		}
	}
	for _, e := range x.Endpoints {
		for _, input := range e.Inputs {
			g.Join("endpoint"+e.Target(), "input"+input, "reads "+f.Endpoint(e.Target())+" "+f.Datum(input),
				"jobs on "+e.Target()+" read "+input)
		}
		for _, output := range x.Facts.outputs[e.Name] {
			g.Join("endpoint"+e.Target(), "output"+output,
				"writes "+f.Endpoint(e.Target())+" "+f.Datum(outputKey(output)), "jobs on "+e.Target()+" write "+output)
		}
	}
	direct := len(g.Edges)
	for _, w := range x.Ways {
		for _, who := range w.Who {
			g.Join("invoker"+who, "input"+w.Input, "indirect "+f.Person(who)+" "+f.Datum(w.Input),
				who+", indirectly: reads "+w.Input)
		}
	}
	if hidden = len(g.Edges) - direct; hidden <= manyIndirect {
		return g, 0
	}
	g.Edges = g.Edges[:direct]
	return g, hidden
}

// dataOf are the keys of what jobs on an endpoint read and write.
func (x Explanation) dataOf(e Endpoint) []string {
	return append(slices.Clone(e.Inputs), each(x.Facts.outputs[e.Name], outputKey)...)
}
