package config

import (
	"maps"
	"reflect"
	"slices"

	"github.com/batchaccess/batchaccess/internal/problem"
)

// A place is the path of a value in what is read.
type place struct {
	key    string // the struct's key for the value, or for the list around it
	in     *place // nil at the top
	read   bool   // the value could be read
	wrong  bool   // it could not
	partly bool   // something in it could not
}

// inWrong reports whether the place, or any that it is in, could not be read.
func (p *place) inWrong() bool { return p.wrong || p.in != nil && p.in.inWrong() }

func (p *place) top() *place {
	if p.in == nil {
		return p
	}
	return p.in.top()
}

// entry returns the named thing that a place is in, such as clusters.cpu. A place at the top is its own entry.
func (p *place) entry() *place {
	if p.in == nil || p.in.in == nil {
		return p
	}
	return p.in.entry()
}

// references are, for each key with named entries, the keys that refer to those names.
var references = map[string][]string{
	"invokers":        {"invokers", "members"},
	"clusters":        {"cluster"},
	"storageAccounts": {"storageAccount"},
	"dataInputs":      {"inputs"},
	"dataOutputs":     {"outputs"},
}

// place returns the place of the path, inside of what is being read.
func (d *decoder) place(path string) *place {
	at, there := d.places[path]
	if !there {
		at = &place{in: d.inside}
		if at.in != nil {
			at.key = at.in.key
		}
		d.places[path] = at
	}
	return at
}

// expect makes the places of a struct's keys, before they are read.
func (d *decoder) expect(path string, t reflect.Type) {
	if t.Kind() != reflect.Struct {
		return
	}
	for _, key := range keysOf(t) {
		d.place(join(path, key)).key = key
	}
}

// isConsequence reports whether a problem of the model may exist only because something could not be read. Problems
// with a value that could be read are reported.
func (d *decoder) isConsequence(p problem.Problem) bool {
	if p.Code == problem.Violation && len(d.problems) > 0 {
		return true // an assertion can't be judged before everything is known
	}
	at := d.places[p.Path]
	switch {
	case at == nil: // a problem of a part of a value, which was read then
		return false
	case at.wrong || at.partly:
		return true
	case at != at.entry() && at.entry().partly && !at.read: // missing, and the value that requires it could not be read
		return true
	case at.in != nil && at.in.inWrong():
		return true
	}
	return slices.ContainsFunc(slices.Collect(maps.Values(d.places)), func(top *place) bool {
		return top.wrong && top.in == nil &&
			(slices.Contains(references[top.key], at.key) || at.in != nil && at.top().key == "assertions")
	})
}
