package explain

import (
	"fmt"
	"slices"
	"strings"
)

// A filter lets a reader of the page keep one person, one endpoint or one input or output. It works by classes, for the
// page has no script: what is about people has the class p and one for each of them, such as p3, and so for endpoints
// (e) and data (d). The names themselves, which strangers choose, are in no class.
type filter struct {
	People, Endpoints, Data []choice
	groups                  map[string][]string // the members of groups
	writes                  []choice            // classes of outputs, each with that of an endpoint which writes it
}

type choice struct{ Class, Name string }

// outputKey is what an output goes by, since an input may have the same name.
func outputKey(name string) string { return "output " + name }

func filterOf(x Explanation) filter {
	f := filter{groups: map[string][]string{}}
	for _, i := range x.Invokers {
		f.People = add(f.People, "p", i.Name)
		if i.Group != "" {
			f.groups[i.Group] = append(f.groups[i.Group], i.Name)
		}
	}
	for _, e := range x.Endpoints {
		f.Endpoints = add(f.Endpoints, "e", e.Target())
		for _, input := range e.Inputs {
			f.Data = add(f.Data, "d", input)
		}
		for _, output := range x.Facts.outputs[e.Name] {
			f.Data = add(f.Data, "d", outputKey(output))
			f.writes = append(f.writes, choice{strings.Fields(f.Datum(outputKey(output)))[1],
				strings.Fields(f.Endpoint(e.Target()))[1]})
		}
	}
	return f
}

func add(to []choice, letter, name string) []choice {
	if slices.ContainsFunc(to, func(c choice) bool { return c.Name == name }) {
		return to
	}
	return append(to, choice{fmt.Sprint(letter, len(to)+1), name})
}

// classesOf are those of something that is about the names. What is about none that can be chosen goes with any choice.
func classesOf(letter string, of []choice, names []string) string {
	all := []string{letter}
	for _, c := range of {
		if slices.Contains(names, c.Name) {
			all = append(all, c.Class)
		}
	}
	return strings.Join(all, " ")
}

// Person returns the classes of what is about the invokers, each of whom may be a group of the stack's.
func (f filter) Person(names ...string) string {
	for _, name := range names {
		names = append(names, f.groups[name]...)
	}
	return classesOf("p", f.People, names)
}

// Anybody does so for a list.
func (f filter) Anybody(names []string) string { return f.Person(names...) }

// Endpoint returns the classes of what is about the endpoints.
func (f filter) Endpoint(names ...string) string { return classesOf("e", f.Endpoints, names) }

// Datum returns the classes of what is about the inputs and outputs.
func (f filter) Datum(names ...string) string { return classesOf("d", f.Data, names) }

// css hides what is about others than who or what is chosen. A column of a matrix has a class of its own, since its
// cells are many.
func (f filter) css(matrices []matrix) string {
	columns := map[string][]string{} // their classes, by the class of a choice
	for _, m := range matrices {
		for _, c := range m.Columns {
			for _, class := range append(strings.Fields(f.Endpoint(c.Endpoint))[1:], strings.Fields(f.Datum(c.Input))[1:]...) {
				columns[class] = append(columns[class], "."+c.Class)
			}
		}
	}
	for _, e := range f.writes { // an output is no column: what is kept are those of the endpoints that write it
		columns[e.Class] = append(columns[e.Class], columns[e.Name]...)
	}
	var out strings.Builder
	for _, of := range [][]choice{f.People, f.Endpoints, f.Data} {
		for _, c := range of {
			chosen := "body:has(option." + c.Class + ":checked) "
			fmt.Fprintf(&out, "%smain .%s:not(.%s) { display: none; }\n", chosen, c.Class[:1], c.Class)
			if c.Class[0] != 'p' {
				fmt.Fprintf(&out, "%s.matrix :is(th, td):not(%s) { display: none; }\n", chosen,
					strings.Join(append(columns[c.Class], ":first-child"), ", "))
			}
		}
	}
	return out.String()
}
