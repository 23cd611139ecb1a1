package access

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/agext/levenshtein"
)

// A Problem is one thing that is wrong with a model.
type Problem struct {
	Path    string `json:"path"` // where it stands in the configuration, such as invokers.alice.objectId
	What    string `json:"what"` // what is wrong with the value
	Fix     string `json:"fix"`  // what to write instead
	Warning bool   `json:"warning,omitempty"`
	// Violation marks an assertion that is right in itself and does not hold.
	Violation bool `json:"violation,omitempty"`
	// LookUp marks what is missing and can be looked up in Azure, as a deployment does. (A principal of which only the name is
	// known is no problem: nothing but the deployment needs its ID.)
	LookUp bool `json:"lookUp,omitempty"`
}

func (p Problem) String() string { return p.Path + ": " + p.What + "; " + p.Fix }

// Problems are all that is wrong with a model, in the order of the model.
type Problems []Problem

// Err joins the problems that are not warnings, one a line; nil if there are none.
func (ps Problems) Err() error {
	var all []error
	for _, p := range ps {
		if !p.Warning {
			all = append(all, errors.New(p.String()))
		}
	}
	return errors.Join(all...)
}

// Warnings returns the problems that do not keep the model from being deployed.
func (ps Problems) Warnings() Problems {
	return slices.DeleteFunc(slices.Clone(ps), func(p Problem) bool { return !p.Warning })
}

// WithoutViolations leaves out the assertions that do not hold: the model can be explained, but not deployed.
func (ps Problems) WithoutViolations() Problems {
	return slices.DeleteFunc(slices.Clone(ps), func(p Problem) bool { return p.Violation })
}

// LookUps returns what a look-up in Azure can supply.
func (ps Problems) LookUps() Problems {
	return slices.DeleteFunc(slices.Clone(ps), func(p Problem) bool { return !p.LookUp })
}

// WithoutLookUps leaves out what a look-up can supply. If there is any, it leaves out the problems of assertions too: they
// can't be judged before everything is known, such as the cluster that an endpoint runs on.
func (ps Problems) WithoutLookUps() Problems {
	pending := len(ps.LookUps()) > 0
	return slices.DeleteFunc(slices.Clone(ps), func(p Problem) bool {
		return p.LookUp || pending && strings.HasPrefix(p.Path, "assertions.")
	})
}

// at cleans up a path that was built below an empty one.
func at(path string) string {
	return cmp.Or(strings.TrimPrefix(path, "."), "arguments")
}

func (ps *Problems) add(path, fix, what string, args ...any) {
	*ps = append(*ps, Problem{Path: at(path), What: fmt.Sprintf(what, args...), Fix: fix})
}

// pin is the remedy where no look-up is made.
const pin = "; or have it looked up: pulumi preview does, and batchaccess pin writes down what it finds"

func (ps *Problems) lookUp(path, fix, what string, args ...any) {
	*ps = append(*ps, Problem{Path: at(path), What: fmt.Sprintf(what, args...), Fix: fix + pin, LookUp: true})
}

func (ps *Problems) warn(path, fix, what string, args ...any) {
	*ps = append(*ps, Problem{Path: at(path), What: fmt.Sprintf(what, args...), Fix: fix, Warning: true})
}

// DidYouMean completes a message about an unknown word: the known word nearest to it, if one is near, and all of them.
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
