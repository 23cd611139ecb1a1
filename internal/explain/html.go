package explain

import (
	"cmp"
	_ "embed"
	"html/template"
	"io"
	"slices"
	"strings"

	"github.com/batchaccess/batchaccess/internal/page"
	"github.com/batchaccess/batchaccess/internal/visible"
)

var (
	//go:embed page.html
	pageHTML string

	pageTemplate = template.Must(template.New("page").Funcs(template.FuncMap{
		"input": inputName, "outcome": outcome, "class": class, "holds": holds, "count": count, "plural": visible.Counted,
		"outputKey": outputKey,
	}).Parse(pageHTML))
)

// A matrix is that of one component: a row for each invoker, with a cell for each column.
type matrix struct {
	Name    string // the component's; "" for the only one
	Columns []column
	Rows    [][]Path
}

// A column is one endpoint with one input. Class is unique in the page.
type column struct{ Endpoint, Cluster, Input, Class string }

// WriteHTML writes one page that needs nothing else: no network, no font, no script. Its policy forbids a browser to
// load anything or to apply any style but its own.
func WriteHTML(w io.Writer, x Explanation) error {
	f, matrices := filterOf(x), x.matrices()
	css := page.CSS + f.css(matrices)
	graph, hidden := layOut(x, f)
	data := struct {
		Explanation
		CSS      template.CSS
		Policy   string
		Verdict  string
		Matrices []matrix
		Roles    []Role
		Graph    *page.Graph
		Hidden   int // number of indirect ways that are not drawn
		// Undecided is set if a path is undecided, so that the legends explain it.
		Undecided bool
		Filter    filter
		Controls  template.HTML
		People    []person
		Clusters  []cluster
		Accounts  []account
		Data      []datum
		Made      string
		NotWalked string
	}{
		NotWalked: x.notWalked(), Explanation: x, CSS: template.CSS(css), Policy: page.Policy(css),
		Verdict: x.verdict(), Graph: graph, Hidden: hidden,
		Undecided: slices.ContainsFunc(x.Paths, func(p Path) bool { return p.Undecided }),
		Matrices:  matrices, Roles: x.roles(), Filter: f,
		Controls: template.HTML(f.Controls(chosen)),
		People:   x.Facts.people, Clusters: slices.Clone(x.Facts.clusters), Accounts: x.Facts.accounts, Data: x.Facts.data,
		Made: joined([]string{called("region", x.Facts.Location), called("commit", x.Facts.Commit), x.Facts.Day}),
	}
	for i, c := range data.Clusters {
		data.Clusters[i].Region = cmp.Or(x.Facts.Regions[c.Name], x.Facts.Location)
	}
	var out strings.Builder
	if err := pageTemplate.Execute(&out, data); err != nil {
		return err
	}
	_, err := io.WriteString(w, visible.Lines(out.String()))
	return err
}

// matrices returns one matrix for each component.
func (x Explanation) matrices() (all []matrix) {
	if len(x.Components) == 0 {
		all = append(all, x.matrix(""))
	}
	for _, c := range x.Components {
		all = append(all, x.matrix(c.Name))
	}
	columns := 0
	for _, m := range all {
		for i := range m.Columns {
			columns++
			m.Columns[i].Class = "c" + count(columns)
		}
	}
	return all
}

func (x Explanation) matrix(component string) matrix {
	m, of := matrix{Name: component}, func(name string) bool {
		return component == "" || strings.HasPrefix(name, component+":")
	}
	for _, e := range x.Endpoints {
		if !of(e.Name) {
			continue
		}
		if len(e.Inputs) == 0 {
			m.Columns = append(m.Columns, column{e.Target(), e.Cluster, "", ""})
		}
		for _, input := range e.Inputs {
			m.Columns = append(m.Columns, column{e.Target(), e.Cluster, input, ""})
		}
	}
	paths := slices.DeleteFunc(slices.Clone(x.Paths), func(p Path) bool { return !of(p.Endpoint) })
	if n := len(m.Columns); n > 0 {
		for i := 0; i+n <= len(paths); i += n {
			m.Rows = append(m.Rows, paths[i:i+n])
		}
	}
	return m
}

// chosen returns a name as the filter shows it.
func chosen(c page.Choice) string {
	if name, output := strings.CutPrefix(c.Name, outputKey("")); output {
		return name + " (output)"
	}
	return inputName(c.Name)
}

func class(p Path) string { return classes[outcome(p)] }

// classes are the names of the outcomes in page.css, for the matrix and the graph.
var classes = map[string]string{"yes": "works", "yes, undeclared": "undeclared", "no": "not", "BROKEN": "broken",
	"undecided": "undeclared"}
