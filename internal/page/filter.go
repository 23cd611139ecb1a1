package page

import (
	"fmt"
	"html"
	"slices"
	"strings"
)

// A Filter lets a reader of a page choose one person, one endpoint or one input or output. It works by classes, since a
// page has no script: an element about people has the class p and one class for each of them, such as p3; endpoints
// have e, data have d. No class contains a name, which strangers choose.
type Filter struct{ People, Endpoints, Data []Choice }

// A Choice is a name that a reader may choose, and the class of the elements about it.
type Choice struct{ Class, Name string }

// The first letters of the classes of people, endpoints and data.
const (
	PersonLetter   = "p"
	EndpointLetter = "e"
	DatumLetter    = "d"
)

// AddChoice adds a name to the choices, once.
func AddChoice(to []Choice, letter, name string) []Choice {
	if slices.ContainsFunc(to, func(c Choice) bool { return c.Name == name }) {
		return to
	}
	return append(to, Choice{fmt.Sprint(letter, len(to)+1), name})
}

// Person returns the classes of an element about people. An element about nobody who can be chosen stays visible with
// any choice of a person.
func (f Filter) Person(names ...string) string { return classesOf(PersonLetter, f.People, names) }

// Endpoint does the same for endpoints.
func (f Filter) Endpoint(names ...string) string {
	return classesOf(EndpointLetter, f.Endpoints, names)
}

// Datum does the same for inputs and outputs.
func (f Filter) Datum(names ...string) string { return classesOf(DatumLetter, f.Data, names) }

func classesOf(letter string, of []Choice, names []string) string {
	all := []string{letter}
	for _, c := range of {
		if slices.Contains(names, c.Name) {
			all = append(all, c.Class)
		}
	}
	return strings.Join(all, " ")
}

// CSS hides the elements about others than the chosen ones. More returns further rules for a choice, given the selector
// of a page in which it is chosen; nil for none.
func (f Filter) CSS(more func(chosen string, c Choice) string) string {
	var out strings.Builder
	for _, c := range slices.Concat(f.People, f.Endpoints, f.Data) {
		chosen := "body:has(option." + c.Class + ":checked) "
		fmt.Fprintf(&out, "%smain .%s:not(.%s) { display: none; }\n", chosen, c.Class[:1], c.Class)
		if more != nil {
			out.WriteString(more(chosen, c))
		}
	}
	return out.String()
}

// Controls are the lists from which a reader chooses; "" if there is nothing to choose. Shown returns the name of a
// choice for a reader, not escaped.
func (f Filter) Controls(shown func(Choice) string) string {
	var out strings.Builder
	for _, list := range []struct {
		label string
		of    []Choice
	}{{"person or program", f.People}, {"endpoint", f.Endpoints}, {"data", f.Data}} {
		if len(list.of) == 0 {
			continue
		}
		fmt.Fprintf(&out, "<label>%s <select><option selected>all</option>", list.label)
		for _, c := range list.of {
			fmt.Fprintf(&out, `<option class="%s">%s</option>`, c.Class, html.EscapeString(shown(c)))
		}
		out.WriteString("</select></label>\n")
	}
	if out.Len() == 0 {
		return ""
	}
	return "<div class=\"filter\" role=\"group\" aria-label=\"What to show\">\n" + out.String() + "</div>\n"
}
