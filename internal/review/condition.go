package review

import (
	"fmt"
	"slices"
	"strings"

	"github.com/batchaccess/batchaccess/internal/problem"
)

// A Condition is something about a review that a pipeline may fail on.
type Condition struct {
	Name string
	When string // completes "fails if …"
	met  func(Review) bool
}

// Conditions returns the conditions in a fixed order.
func Conditions() []Condition { return slices.Clone(conditions) }

var conditions = []Condition{
	{"new-access", "anybody can do anything anywhere that they could not before, by effect; a new federated subject or " +
		"secret counts, a rotated secret does not", func(r Review) bool { return r.NewAccess }},
	{"high", "the risk is high", func(r Review) bool { return r.Risk == High }},
	{"medium", "the risk is medium or high", func(r Review) bool { return r.Risk.rank() >= Medium.rank() }},
	{"guardrails", "a mandatory guardrail is broken", func(r Review) bool { return r.stopping() > 0 }},
	{"jobs", "a job that works stops working, or one that is declared will not work", func(r Review) bool {
		return slices.ContainsFunc(r.Jobs, func(j JobChange) bool { return j.Broken || j.Change == "stops" })
	}},
	{"unjudged", "a resource changes and it is not known whether it gives access, or a change of access is " +
		"undecided", func(r Review) bool {
		return len(r.Unjudged) > 0 || slices.ContainsFunc(r.Access, func(c AccessChange) bool { return c.Undecided != "" })
	}},
	{"secrets", "a client secret is made, removed or rotated, or ends within 30 days",
		func(r Review) bool { return len(r.Secrets) > 0 }},
}

// Met returns the names of the conditions that the review meets. An unknown name is an error that lists the known ones.
func (r Review) Met(names []string) (met []string, err error) {
	known := make([]string, len(conditions))
	for i, c := range conditions {
		known[i] = c.Name
	}
	for _, name := range names {
		i := slices.Index(known, strings.TrimSpace(name))
		if i < 0 {
			return nil, fmt.Errorf("unknown condition %q; %s", name, problem.DidYouMean(name, known))
		}
		if conditions[i].met(r) {
			met = append(met, conditions[i].Name)
		}
	}
	return met, nil
}
