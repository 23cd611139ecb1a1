package explain

import (
	"fmt"
	"strings"

	"github.com/batchaccess/batchaccess/internal/page"
)

// A filter has the choices of a reader of the page, and what each choice shows.
type filter struct {
	page.Filter
	groups map[string][]string // members, by group
	writes []page.Choice       // the class of each output, with that of an endpoint that writes it
}

// outputKey is the key of an output: an input may have the same name.
func outputKey(name string) string { return "output " + name }

func filterOf(x Explanation) filter {
	f := filter{groups: map[string][]string{}}
	for _, i := range x.Invokers {
		f.People = page.AddChoice(f.People, page.PersonLetter, i.Name)
		if i.Group != "" {
			f.groups[i.Group] = append(f.groups[i.Group], i.Name)
		}
	}
	for _, e := range x.Endpoints {
		f.Endpoints = page.AddChoice(f.Endpoints, page.EndpointLetter, e.Target())
		for _, input := range e.Inputs {
			f.Data = page.AddChoice(f.Data, page.DatumLetter, input)
		}
		for _, output := range x.Facts.outputs[e.Name] {
			f.Data = page.AddChoice(f.Data, page.DatumLetter, outputKey(output))
			f.writes = append(f.writes, page.Choice{Class: strings.Fields(f.Datum(outputKey(output)))[1],
				Name: strings.Fields(f.Endpoint(e.Target()))[1]})
		}
	}
	return f
}

// Person returns the classes of an element about these invokers, any of whom may be a group that the stack makes.
func (f filter) Person(names ...string) string {
	for _, name := range names {
		names = append(names, f.groups[name]...)
	}
	return f.Filter.Person(names...)
}

// Anybody does the same for a list.
func (f filter) Anybody(names []string) string { return f.Person(names...) }

// css hides the elements about others than the chosen ones. A column of a matrix has its own class, because it has many
// cells.
func (f filter) css(matrices []matrix) string {
	columns := map[string][]string{} // the columns' classes, by the class of a choice
	for _, m := range matrices {
		for _, c := range m.Columns {
			for _, class := range append(strings.Fields(f.Endpoint(c.Endpoint))[1:], strings.Fields(f.Datum(c.Input))[1:]...) {
				columns[class] = append(columns[class], "."+c.Class)
			}
		}
	}
	for _, e := range f.writes { // an output is no column: the columns of the endpoints that write it stay
		columns[e.Class] = append(columns[e.Class], columns[e.Name]...)
	}
	return f.CSS(func(chosen string, c page.Choice) string {
		if strings.HasPrefix(c.Class, page.PersonLetter) {
			return ""
		}
		return fmt.Sprintf("%s.matrix :is(th, td):not(%s) { display: none; }\n", chosen,
			strings.Join(append(columns[c.Class], ":first-child"), ", "))
	})
}
