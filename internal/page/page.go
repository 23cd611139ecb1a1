// Package page is what the HTML pages of explain and review have in common: their style, and the graph of who reaches
// what through what. It knows nothing of access.
package page

import (
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"fmt"
	"unicode/utf8"
)

// CSS is the style of every page.
//
//go:embed page.css
var CSS string

// Policy is the Content-Security-Policy of a page with the style: a browser loads nothing and applies no other.
func Policy(css string) string {
	sum := sha256.Sum256([]byte(css))
	return "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) +
		"'; base-uri 'none'; form-action 'none'"
}

// Sizes of a graph, in the units of its view box: pixels where it is not scaled.
const (
	nodeWidth, nodeHeight = 190, 40
	rowHeight             = 56
	columnWidth           = 350
	margin                = 12
	labelLength           = 22 // characters that fit into a node
)

// A Graph has nodes in columns, and edges from left to right.
type Graph struct {
	Width, Height int
	Nodes         []Node
	Edges         []Edge

	at map[string]Node
}

// A Node is a box with a label of two lines; where it stands is worked out.
type Node struct {
	Key, Class          string
	Label, Below, Title string
	X, Y                int
}

// An Edge is a line; D is the path that is drawn.
type Edge struct{ D, Class, Title string }

// NewGraph places nodes, each with a key of its own, in columns.
func NewGraph(columns ...[]Node) *Graph {
	rows := 1
	for _, nodes := range columns {
		rows = max(rows, len(nodes))
	}
	g := &Graph{Width: (len(columns)-1)*columnWidth + nodeWidth + 2*margin, Height: rows*rowHeight + 2*margin,
		at: map[string]Node{}}
	for column, nodes := range columns {
		for i, n := range nodes {
			n.X = margin + column*columnWidth
			n.Y = margin + (rows*rowHeight*(2*i+1)/(2*len(nodes)) - nodeHeight/2)
			n.Label, n.Below = cut(n.Label), cut(n.Below)
			g.at[n.Key] = n
			g.Nodes = append(g.Nodes, n)
		}
	}
	return g
}

// Join draws an edge between two nodes, if both are there.
func (g *Graph) Join(from, to, class, title string) {
	a, starts := g.at[from]
	b, ends := g.at[to]
	if !starts || !ends {
		return
	}
	x1, y1, x2, y2 := a.X+nodeWidth, a.Y+nodeHeight/2, b.X, b.Y+nodeHeight/2
	middle := (x1 + x2) / 2
	g.Edges = append(g.Edges, Edge{fmt.Sprintf("M%d %dC%d %d %d %d %d %d", x1, y1, middle, y1, middle, y2, x2, y2), class,
		title})
}

func cut(s string) string {
	if utf8.RuneCountInString(s) <= labelLength {
		return s
	}
	return string([]rune(s)[:labelLength-1]) + "…"
}
