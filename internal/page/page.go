// Package page has what the HTML pages of explain and review share: the style, and the graph of who reaches what
// through what. It knows nothing of access.
package page

import (
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"slices"
	"strconv"
	"unicode/utf8"
)

// CSS is the style of every page.
//
//go:embed page.css
var CSS string

// Policy is the Content-Security-Policy of a page with the style: a browser loads nothing and applies no other style.
func Policy(css string) string {
	sum := sha256.Sum256([]byte(css))
	return "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) +
		"'; base-uri 'none'; form-action 'none'"
}

// Sizes of a graph, in the units of its view box: pixels if it is not scaled.
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

	at      map[string]Node
	columns [][]Node
}

// A Node is a box with a label of two lines; its position is computed.
type Node struct {
	Key, Class          string
	Label, Below, Title string
	X, Y                int
}

// An Edge is a line; D is its path.
type Edge struct{ D, Class, Title string }

// NewGraph places nodes in columns; each needs a key of its own.
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
			nodes[i] = n
		}
	}
	g.columns = columns
	return g
}

// Join draws an edge between two nodes, if both exist. It passes between the nodes of the columns that it crosses.
func (g *Graph) Join(from, to, class, title string) {
	a, starts := g.at[from]
	b, ends := g.at[to]
	if !starts || !ends {
		return
	}
	x, y := a.X+nodeWidth, a.Y+nodeHeight/2
	d := step(make([]byte, 0, 64), 'M', x, y)
	curve := func(toX, toY int) {
		middle := (x + toX) / 2
		d = step(d, 'C', middle, y, middle, toY, toX, toY)
		x, y = toX, toY
	}
	for column := (a.X-margin)/columnWidth + 1; column < (b.X-margin)/columnWidth; column++ {
		left := margin + column*columnWidth
		straight := y + (b.Y+nodeHeight/2-y)*(left-x)/(b.X-x)
		if gap := g.gap(column, straight); gap >= 0 {
			curve(left, gap)
			x += nodeWidth
			d = step(d, 'H', x)
		}
	}
	curve(b.X, b.Y+nodeHeight/2)
	g.Edges = append(g.Edges, Edge{string(d), class, title})
}

// step adds a step of an SVG path.
func step(d []byte, letter byte, numbers ...int) []byte {
	for _, n := range numbers {
		d = strconv.AppendInt(append(d, letter), int64(n), 10)
		letter = ' '
	}
	return d
}

// gap returns the height nearest to another at which a line can cross a column between its nodes; less than 0 if there
// is none.
func (g *Graph) gap(column, near int) int {
	const apart = (rowHeight - nodeHeight) / 2
	free := func(y int) bool {
		return y > 0 && y < g.Height && !slices.ContainsFunc(g.columns[column], func(n Node) bool {
			return y > n.Y-apart && y < n.Y+nodeHeight+apart
		})
	}
	for off := range g.Height {
		if free(near - off) {
			return near - off
		}
		if free(near + off) {
			return near + off
		}
	}
	return -1
}

func cut(s string) string {
	if utf8.RuneCountInString(s) <= labelLength {
		return s
	}
	return string([]rune(s)[:labelLength-1]) + "…"
}
