package explain

import (
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"html/template"
	"io"
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

// column is one endpoint with one input in the matrix.
type column struct{ Endpoint, Cluster, Input string }

// WriteHTML writes one page that needs nothing else: no network, no font, no script. Its policy lets a browser load nothing
// and apply no other style than its own.
func WriteHTML(w io.Writer, x Explanation) error {
	sum := sha256.Sum256([]byte(pageCSS))
	data := struct {
		Explanation
		CSS       template.CSS
		StyleHash string
		Verdict   string
		Columns   []column
		Rows      [][]Path // by invoker, each in the order of the columns
		Graph     graph
	}{Explanation: x, CSS: template.CSS(pageCSS), StyleHash: "sha256-" + base64.StdEncoding.EncodeToString(sum[:]), Verdict: x.verdict(), Graph: layOut(x)}
	for _, e := range x.Endpoints {
		if len(e.Inputs) == 0 {
			data.Columns = append(data.Columns, column{e.Target(), e.Cluster, ""})
		}
		for _, input := range e.Inputs {
			data.Columns = append(data.Columns, column{e.Target(), e.Cluster, input})
		}
	}
	if n := len(data.Columns); n > 0 {
		for i := 0; i+n <= len(x.Paths); i += n {
			data.Rows = append(data.Rows, x.Paths[i:i+n])
		}
	}
	var out strings.Builder
	if err := page.Execute(&out, data); err != nil {
		return err
	}
	_, err := io.WriteString(w, plainLines(out.String()))
	return err
}

func class(p Path) string { return classes[outcome(p)] }

// classes are what page.css calls the outcomes, in the matrix and in the graph.
var classes = map[string]string{"yes": "works", "yes, undeclared": "undeclared", "no": "not", "BROKEN": "broken", "unknown": "undeclared"}
