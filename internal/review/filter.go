package review

import (
	"maps"
	"slices"
	"strings"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/internal/page"
)

// An about is what a row or a part of a picture is about, by names in the configuration.
type about struct{ people, endpoints, data []string }

// with adds a job's invoker, endpoint and input.
func (a about) with(person, endpoint, input string) about {
	return a.and(about{[]string{person}, []string{endpoint}, []string{input}})
}

func (a about) and(b about) about {
	return about{append(a.people, b.people...), append(a.endpoints, b.endpoints...), append(a.data, b.data...)}
}

// shortName returns the name of an invoker in the configuration, as in the filter; other principals keep their kind.
func shortName(principal string) string { return strings.TrimPrefix(principal, "invoker ") }

// outputName is the name of an output in the filter: an input may have the same name.
func outputName(name string) string { return name + " (output)" }

// ofInvoker returns an about of an invoker's credential; an empty one for "".
func ofInvoker(name string) (a about) {
	if name != "" {
		a.people = []string{name}
	}
	return a
}

// about returns the principals of an interruption; an empty one if somebody else is interrupted too.
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

// filterOf returns the choices of a reader of the page.
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

// classes returns the classes of an element. If it names nothing of a kind, it stays visible with any choice of that
// kind.
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
