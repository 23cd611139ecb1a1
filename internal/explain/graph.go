package explain

import (
	"maps"
	"slices"
	"strings"

	"github.com/batchaccess/batchaccess/internal/page"
)

// manyIndirect is the number of indirect ways from which on none is drawn: they would fill the picture.
const manyIndirect = 60

// layOut draws invokers, endpoints with their clusters, and inputs, with outputs and the ends of indirect ways of some
// invokers below them. hidden is how many indirect ways are not drawn.
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
	var reached []page.Node
	for _, name := range x.endsOfSome() {
		reached = append(reached, node("reached", name, "no data", f.Datum()))
	}
	g = page.NewGraph(invokers, endpoints, slices.Concat(inputs, outputs, reached))
	for _, e := range edgesOf(x.Paths) {
		if e.outcome != "no" { // undeclared paths that do not work are only in the matrix: they would fill the picture
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
			to, does, class := "reached"+w.Ends, "reaches "+w.Ends, f.Datum()
			switch {
			case w.Input != "":
				to, does, class = "input"+w.Input, "reads "+w.Input, f.Datum(w.Input)
			case w.Output != "":
				to, does, class = "output"+w.Output, "writes "+w.Output, f.Datum(outputKey(w.Output))
			}
			g.Join("invoker"+who, to, "indirect "+f.Person(who)+" "+class, who+", indirectly: "+does)
		}
	}
	if hidden = len(g.Edges) - direct; hidden <= manyIndirect {
		return g, 0
	}
	g.Edges = g.Edges[:direct]
	return g, hidden
}

// endsOfSome returns the ends, other than data, that some invokers reach indirectly and others do not. An end that all
// reach would be a line for each of them, and would tell them apart no better.
func (x Explanation) endsOfSome() (all []string) {
	reach := map[string]map[string]bool{}
	for _, w := range x.Ways {
		for _, i := range x.Invokers {
			if w.Ends != "" && slices.Contains(w.Who, i.Name) {
				if reach[w.Ends] == nil {
					reach[w.Ends] = map[string]bool{}
				}
				reach[w.Ends][i.Name] = true
			}
		}
	}
	for _, end := range slices.Sorted(maps.Keys(reach)) {
		if len(reach[end]) < len(x.Invokers) {
			all = append(all, end)
		}
	}
	return all
}

// dataOf returns the keys of the data that jobs on an endpoint read and write.
func (x Explanation) dataOf(e Endpoint) []string {
	return append(slices.Clone(e.Inputs), each(x.Facts.outputs[e.Name], outputKey)...)
}
