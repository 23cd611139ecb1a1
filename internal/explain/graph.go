package explain

import (
	"fmt"
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

// A graph has three columns: invokers, endpoints with the cluster that each runs on, and inputs.
type graph struct {
	Width, Height int
	Nodes         []graphNode
	Edges         []graphEdge
}

type graphNode struct {
	X, Y                int
	Kind                string // invoker, endpoint or input: the class that it is drawn by
	Label, Below, Title string
}

type graphEdge struct {
	D, Class, Title string // D is the path that is drawn
}

func layOut(x Explanation) graph {
	var inputs []string
	seen := map[string]bool{}
	for _, e := range x.Endpoints {
		for _, input := range e.Inputs {
			if !seen[input] {
				seen[input] = true
				inputs = append(inputs, input)
			}
		}
	}
	rows := max(len(x.Invokers), len(x.Endpoints), len(inputs), 1)
	g := graph{Width: 2*columnWidth + nodeWidth + 2*margin, Height: rows*rowHeight + 2*margin}
	at := map[string]graphNode{}
	place := func(kind string, column, i, of int, name, below string) {
		n := graphNode{
			X: margin + column*columnWidth, Y: margin + (rows*rowHeight*(2*i+1)/(2*of) - nodeHeight/2),
			Kind: kind, Label: cut(name), Below: cut(below), Title: name + ", " + below,
		}
		at[kind+name] = n
		g.Nodes = append(g.Nodes, n)
	}
	for i, v := range x.Invokers {
		place("invoker", 0, i, len(x.Invokers), v.Name, v.Kind)
	}
	for i, e := range x.Endpoints {
		place("endpoint", 1, i, len(x.Endpoints), e.Target(), "on cluster "+e.Cluster)
	}
	for i, input := range inputs {
		place("input", 2, i, len(inputs), input, "data input")
	}
	join := func(from, to graphNode, class, title string) {
		x1, y1, x2, y2 := from.X+nodeWidth, from.Y+nodeHeight/2, to.X, to.Y+nodeHeight/2
		middle := (x1 + x2) / 2
		g.Edges = append(g.Edges, graphEdge{fmt.Sprintf("M%d %dC%d %d %d %d %d %d", x1, y1, middle, y1, middle, y2, x2, y2),
			class, title})
	}
	for _, e := range edgesOf(x.Paths) {
		if e.outcome != "no" { // what nobody declared, and does not work, is only in the matrix: it would fill the picture
			join(at["invoker"+e.invoker], at["endpoint"+e.endpoint], classes[e.outcome],
				e.invoker+" on "+e.endpoint+", "+e.outcome+": "+strings.Join(e.inputs, ", "))
		}
	}
	for _, e := range x.Endpoints {
		for _, input := range e.Inputs {
			join(at["endpoint"+e.Target()], at["input"+input], "reads", "jobs on "+e.Target()+" read "+input)
		}
	}
	return g
}

func cut(s string) string {
	if utf8.RuneCountInString(s) <= labelLength {
		return s
	}
	return string([]rune(s)[:labelLength-1]) + "…"
}
