// Package problem describes as data what is wrong with something that a person wrote: where, what, and what to write
// instead. It becomes text once, where it is shown.
package problem

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/agext/levenshtein"
)

// A Code says what a problem is about, for callers that treat some problems differently.
type Code string

// The codes. A problem without one is about a wrong value.
const (
	// LookUp: a value is missing that a deployment looks up in Azure.
	LookUp Code = "lookUp"
	// Assertion: an assertion is ill-formed.
	Assertion Code = "assertion"
	// Violation: a well-formed assertion does not hold.
	Violation Code = "violation"
	// Contradiction: two places of a model can't both be true.
	Contradiction Code = "contradiction"
	// Role: about the invokers' role.
	Role Code = "role"
	// SignIn: about how a principal signs in.
	SignIn Code = "signIn"
	// Limit: a limit of Azure is near or exceeded.
	Limit Code = "limit"
)

// A Problem is one thing that is wrong.
type Problem struct {
	Path    string `json:"path"` // place in the configuration, such as invokers.alice.objectId
	What    string `json:"what"` // what is wrong with the value
	Fix     string `json:"fix"`  // what to write instead
	Code    Code   `json:"code,omitempty"`
	Warning bool   `json:"warning,omitempty"` // it does not prevent a deployment
}

func (p Problem) String() string {
	text := p.What
	if p.Path != "" {
		text = p.Path + ": " + text
	}
	if p.Fix != "" {
		text += "; " + p.Fix
	}
	return text
}

// Error makes a problem an error, for functions that find at most one.
func (p Problem) Error() string { return p.String() }

// Of returns the problem that an error is or wraps; for any other error, a problem with its text.
func Of(err error) Problem {
	var p Problem
	if !errors.As(err, &p) {
		p = Problem{What: err.Error()}
	}
	return p
}

// At returns the problem with the path in front of its own.
func (p Problem) At(path string) Problem {
	switch {
	case path == "":
	case p.Path == "" || p.Path == whole:
		p.Path = clean(path)
	default:
		p.Path = clean(path + "." + p.Path)
	}
	return p
}

// A List is everything that is wrong, in the order of what was read.
type List []Problem

// whole is the path of a problem with the arguments as a whole.
const whole = "arguments"

// clean returns a path that was built below an empty one, without its first dot.
func clean(path string) string { return cmp.Or(strings.TrimPrefix(path, "."), whole) }

// Add adds a problem.
func (l *List) Add(path, fix, what string, args ...any) { l.AddCode("", path, fix, what, args...) }

// AddCode adds a problem with a code.
func (l *List) AddCode(code Code, path, fix, what string, args ...any) {
	*l = append(*l, Problem{Path: clean(path), What: fmt.Sprintf(what, args...), Fix: fix, Code: code})
}

// Warn adds a warning, which does not prevent a deployment.
func (l *List) Warn(code Code, path, fix, what string, args ...any) {
	l.AddCode(code, path, fix, what, args...)
	(*l)[len(*l)-1].Warning = true
}

// OneOf adds a problem unless the value is one of a few words, and reports whether it is.
func (l *List) OneOf(code Code, path, value string, known []string) bool {
	switch {
	case slices.Contains(known, value):
		return true
	case value == "":
		l.AddCode(code, path, "use "+strings.Join(known, ", "), "is missing")
	default:
		l.AddCode(code, path, DidYouMean(value, known), "unknown value %q", value)
	}
	return false
}

// Below returns the problems with the path in front of theirs.
func (l List) Below(path string) List {
	below := slices.Clone(l)
	for i, p := range below {
		below[i] = p.At(path)
	}
	return below
}

// Err joins the problems that are not warnings, one a line; nil if there are none.
func (l List) Err() error {
	var all []error
	for _, p := range l {
		if !p.Warning {
			all = append(all, p)
		}
	}
	return errors.Join(all...)
}

// Warnings returns the problems that are warnings.
func (l List) Warnings() List { return l.where(func(p Problem) bool { return p.Warning }) }

// With returns the problems that have one of the codes.
func (l List) With(codes ...Code) List {
	return l.where(func(p Problem) bool { return slices.Contains(codes, p.Code) })
}

// Without returns the problems that have none of the codes.
func (l List) Without(codes ...Code) List {
	return l.where(func(p Problem) bool { return !slices.Contains(codes, p.Code) })
}

// WithoutLookUps removes what a look-up supplies. If there is any, it removes the problems of assertions too: they
// can't be judged before everything is known, such as the cluster that an endpoint runs on.
func (l List) WithoutLookUps() List {
	if len(l.With(LookUp)) == 0 {
		return l
	}
	return l.Without(LookUp, Assertion, Violation)
}

func (l List) where(keep func(Problem) bool) List {
	return slices.DeleteFunc(slices.Clone(l), func(p Problem) bool { return !keep(p) })
}

// DidYouMean completes a message about an unknown word: with the nearest known word, if one is near, and with all of
// them.
func DidYouMean(word string, known []string) string {
	if len(known) == 0 {
		return "there are none to choose from"
	}
	list := "use " + strings.Join(known, ", ")
	best, distance := "", len(word)/2+1
	for _, k := range known {
		if d := levenshtein.Distance(strings.ToLower(word), strings.ToLower(k), nil); d < distance {
			best, distance = k, d
		}
	}
	if best == "" {
		return list
	}
	return fmt.Sprintf("did you mean %q? %s", best, list)
}
