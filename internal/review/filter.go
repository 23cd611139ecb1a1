package review

import (
	"maps"
	"slices"
	"strings"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/internal/page"
)

// about is whom and what a row or a part of a picture is about, by their names in the configuration.
type about struct{ people, endpoints, data []string }

// with adds to it what a job is of.
func (a about) with(person, endpoint, input string) about {
	return a.and(about{[]string{person}, []string{endpoint}, []string{input}})
}

func (a about) and(b about) about {
	return about{append(a.people, b.people...), append(a.endpoints, b.endpoints...), append(a.data, b.data...)}
}

// shortName is the name of an invoker in the configuration, as the filter has it; other principals keep their kind.
func shortName(principal string) string { return strings.TrimPrefix(principal, "invoker ") }

// outputName is what an output goes by, since an input may have the same name.
func outputName(name string) string { return name + " (output)" }

// ofInvoker is what an invoker's credential is about; nobody in particular for "".
func ofInvoker(name string) (a about) {
	if name != "" {
		a.people = []string{name}
	}
	return a
}

// about is whom an interruption is of: where it is of anybody else too, nobody in particular.
func (i Interruption) about() (a about) {
	for _, who := range i.Who {
		name, is := strings.CutPrefix(who, "invoker ")
		if !is {
			return about{}
		}
		a.people = append(a.people, name)
	}
	return a
}

func (w WayChange) about() about {
	of := about{people: w.Who}
	switch {
	case w.Input != "":
		of.data = []string{w.Input}
	case w.Output != "":
		of.data = []string{outputName(w.Output)}
	}
	return of
}

// filterOf is what a reader of the page may choose.
func filterOf(r Review) (f page.Filter) {
	var all about
	for _, of := range r.reached {
		for _, paths := range []map[place]*access.Path{of.old, of.now} {
			for at := range maps.Keys(paths) {
				all = all.with(at.invoker, at.endpoint, access.Path{Input: at.input}.InputName())
			}
		}
	}
	for _, c := range r.Access {
		all.people = append(all.people, shortName(c.Principal.Name))
	}
	for _, j := range r.Jobs {
		all = all.with(j.Invoker, j.Endpoint, j.Input)
	}
	for _, f := range r.Federation {
		all = all.and(ofInvoker(f.invoker))
	}
	for _, s := range r.Secrets {
		all = all.and(ofInvoker(s.invoker))
	}
	for _, i := range r.Identities {
		all = all.and(i.about)
	}
	for _, i := range r.Interruptions {
		all = all.and(i.about())
	}
	for _, w := range r.Ways {
		all.people, all.data = append(all.people, w.Who...), append(all.data, w.about().data...)
	}
	names := func(list []string) []string { return slices.Compact(slices.Sorted(slices.Values(list))) }
	for _, name := range names(all.people) {
		f.People = page.AddChoice(f.People, page.PersonLetter, name)
	}
	for _, name := range names(all.endpoints) {
		f.Endpoints = page.AddChoice(f.Endpoints, page.EndpointLetter, name)
	}
	for _, name := range names(all.data) {
		f.Data = page.AddChoice(f.Data, page.DatumLetter, name)
	}
	return f
}

// classes are those of what is about somebody or something; of a kind of which it names none, any choice keeps it.
func (a about) classes(f page.Filter) string {
	var all []string
	if len(a.people) > 0 {
		all = append(all, f.Person(a.people...))
	}
	if len(a.endpoints) > 0 {
		all = append(all, f.Endpoint(a.endpoints...))
	}
	if len(a.data) > 0 {
		all = append(all, f.Datum(a.data...))
	}
	return strings.Join(all, " ")
}
