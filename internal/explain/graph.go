package explain

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// Sizes of the graph, in the units of its view box: pixels where it is not scaled.
const (
	nodeWidth, nodeHeight = 190, 40
	rowHeight             = 56
	columnWidth           = 350
	margin                = 12
	labelLength           = 22 // characters that fit into a node
)

// A graph has three columns: invokers, endpoints with the cluster that each runs on, and inputs with outputs below
// them.
type graph struct {
	Width, Height int
	Nodes         []graphNode
	Edges         []graphEdge
	Hidden        int // indirect ones that are not drawn
}

// manyIndirect is the number of indirect ways from which on none is drawn: they would fill the picture.
const manyIndirect = 60

type graphNode struct {
	X, Y                int
	Kind                string // invoker, endpoint, input or output: the class that it is drawn by
	Filter              string // the classes that it is chosen by
	Label, Below, Title string
}

type graphEdge struct {
	D, Class, Filter, Title string // D is the path that is drawn
}

func layOut(x Explanation, f filter) graph {
	var data []string // the keys of inputs, and then of outputs
	for _, outputs := range []bool{false, true} {
		for _, d := range f.Data {
			if strings.HasPrefix(d.Name, outputKey("")) == outputs {
				data = append(data, d.Name)
			}
		}
	}
	rows := max(len(x.Invokers), len(x.Endpoints), len(data), 1)
	g := graph{Width: 2*columnWidth + nodeWidth + 2*margin, Height: rows*rowHeight + 2*margin}
	at := map[string]graphNode{}
	place := func(kind string, column, i, of int, name, below, filter string) {
		n := graphNode{
			X: margin + column*columnWidth, Y: margin + (rows*rowHeight*(2*i+1)/(2*of) - nodeHeight/2),
			Kind: kind, Label: cut(name), Below: cut(below), Title: name + ", " + below, Filter: filter,
		}
		at[kind+name] = n
		g.Nodes = append(g.Nodes, n)
	}
	for i, v := range x.Invokers {
		place("invoker", 0, i, len(x.Invokers), v.Name, v.Kind, f.Person(v.Name))
	}
	for i, e := range x.Endpoints {
		place("endpoint", 1, i, len(x.Endpoints), e.Target(), "on cluster "+e.Cluster,
			f.Endpoint(e.Target())+" "+f.Datum(x.dataOf(e)...))
	}
	for i, key := range data {
		if name, output := strings.CutPrefix(key, outputKey("")); output {
			place("output", 2, i, len(data), name, "data output", f.Datum(key))
		} else {
			place("input", 2, i, len(data), key, "data input", f.Datum(key))
		}
	}
	join := func(from, to graphNode, class, filter, title string) {
		x1, y1, x2, y2 := from.X+nodeWidth, from.Y+nodeHeight/2, to.X, to.Y+nodeHeight/2
		middle := (x1 + x2) / 2
		g.Edges = append(g.Edges, graphEdge{fmt.Sprintf("M%d %dC%d %d %d %d %d %d", x1, y1, middle, y1, middle, y2, x2, y2),
			class, filter, title})
	}
	for _, e := range edgesOf(x.Paths) {
		if e.outcome != "no" { // what nobody declared, and does not work, is only in the matrix: it would fill the picture
			join(at["invoker"+e.invoker], at["endpoint"+e.endpoint], classes[e.outcome],
				f.Person(e.invoker)+" "+f.Endpoint(e.endpoint)+" "+f.Datum(e.inputs...),
				e.invoker+" on "+e.endpoint+", "+e.outcome+": "+strings.Join(e.inputs, ", "))
		}
	}
	for _, e := range x.Endpoints {
		for _, input := range e.Inputs {
			join(at["endpoint"+e.Target()], at["input"+input], "reads", f.Endpoint(e.Target())+" "+f.Datum(input),
				"jobs on "+e.Target()+" read "+input)
		}
		for _, output := range x.Facts.outputs[e.Name] {
			join(at["endpoint"+e.Target()], at["output"+output], "writes",
				f.Endpoint(e.Target())+" "+f.Datum(outputKey(output)), "jobs on "+e.Target()+" write "+output)
		}
	}
	direct := len(g.Edges)
	for _, w := range x.Ways {
		for _, who := range w.Who {
			from, drawn := at["invoker"+who]
			if to, ends := at["input"+w.Input]; drawn && ends {
				join(from, to, "indirect", f.Person(who)+" "+f.Datum(w.Input), who+", indirectly: reads "+w.Input)
			}
		}
	}
	if indirect := len(g.Edges) - direct; indirect > manyIndirect {
		g.Hidden, g.Edges = indirect, g.Edges[:direct]
	}
	return g
}

// dataOf are the keys of what jobs on an endpoint read and write.
func (x Explanation) dataOf(e Endpoint) []string {
	return append(slices.Clone(e.Inputs), each(x.Facts.outputs[e.Name], outputKey)...)
}

func cut(s string) string {
	if utf8.RuneCountInString(s) <= labelLength {
		return s
	}
	return string([]rune(s)[:labelLength-1]) + "…"
}
