package explain

import (
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"html/template"
	"io"
	"slices"
	"strings"
)

var (
	//go:embed page.html
	pageHTML string
	//go:embed page.css
	pageCSS string

	page = template.Must(template.New("page").Funcs(template.FuncMap{
		"input": inputName, "outcome": outcome, "class": class, "holds": holds, "count": count, "plural": plural,
	}).Parse(pageHTML))
)

// matrix is that of one component: its rows are by invoker, each in the order of the columns.
type matrix struct {
	Name    string // of the component; "" for the only one
	Columns []column
	Rows    [][]Path
}

// column is one endpoint with one input in the matrix.
type column struct{ Endpoint, Cluster, Input string }

// WriteHTML writes one page that needs nothing else: no network, no font, no script. Its policy lets a browser load
// nothing and apply no other style than its own.
func WriteHTML(w io.Writer, x Explanation) error {
	sum := sha256.Sum256([]byte(pageCSS))
	data := struct {
		Explanation
		CSS       template.CSS
		StyleHash string
		Verdict   string
		Matrices  []matrix
		Roles     []Role
		Graph     graph
	}{Explanation: x, CSS: template.CSS(pageCSS), StyleHash: "sha256-" +
		base64.StdEncoding.EncodeToString(sum[:]), Verdict: x.verdict(), Graph: layOut(x),
		Matrices: x.matrices(), Roles: x.roles()}
	var out strings.Builder
	if err := page.Execute(&out, data); err != nil {
		return err
	}
	_, err := io.WriteString(w, plainLines(out.String()))
	return err
}

// matrices are one for each component.
func (x Explanation) matrices() (all []matrix) {
	if len(x.Components) == 0 {
		return []matrix{x.matrix("")}
	}
	for _, c := range x.Components {
		all = append(all, x.matrix(c.Name))
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
			m.Columns = append(m.Columns, column{e.Target(), e.Cluster, ""})
		}
		for _, input := range e.Inputs {
			m.Columns = append(m.Columns, column{e.Target(), e.Cluster, input})
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

func class(p Path) string { return classes[outcome(p)] }

// classes are what page.css calls the outcomes, in the matrix and in the graph.
var classes = map[string]string{"yes": "works", "yes, undeclared": "undeclared", "no": "not", "BROKEN": "broken",
	"unknown": "undeclared"}
