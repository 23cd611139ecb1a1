package review

import (
	"cmp"
	"slices"

	"github.com/batchaccess/batchaccess/access"
)

// A WayChange is an indirect way to a data input that a change opens or closes.
type WayChange struct {
	Who    []string `json:"who"` // invokers and cluster:<name>s for whom it opens or closes
	Input  string   `json:"input"`
	Change string   `json:"change"` // opens or closes
	Way    string   `json:"way"`
	// Undecided is set where it can't be told whether the way is open.
	Undecided bool `json:"undecided,omitempty"`
	Risk      Risk `json:"risk"`
	// InputOwner is who answers for the input, as the configuration says; "" where it does not.
	InputOwner string `json:"inputOwner,omitempty"`
}

// ways compares the indirect ways of a component's plans.
func (m *maker) ways(c component) {
	was, is := reachedBy(c.old), reachedBy(c.now)
	for _, w := range is.without(was) {
		risk := High
		if w.Undecided() {
			risk = Medium
		}
		m.r.NewAccess = true
		m.way(w, "opens", risk, c.owners)
	}
	for _, w := range was.without(is) {
		m.way(w, "closes", Low, c.owners)
	}
}

func (m *maker) way(w access.Way, change string, risk Risk, owners map[string]string) {
	m.r.Ways = append(m.r.Ways, WayChange{Who: w.Who, Input: w.Input, Change: change, Way: w.String(),
		Undecided: w.Undecided(), Risk: risk, InputOwner: owners["dataInputs."+w.Input]})
}

type reading struct{ who, input string }

// A reach are the indirect ways of a plan to data inputs, and who reads what by them or directly.
type reach struct {
	ways  []access.Way
	reads map[reading]bool
}

func reachedBy(plan *access.Plan) reach {
	r := reach{reads: map[reading]bool{}}
	if plan == nil {
		return r
	}
	for _, w := range plan.Ways() {
		if w.Input == "" {
			continue
		}
		r.ways = append(r.ways, w)
		for _, who := range w.Who {
			r.reads[reading{who, w.Input}] = true
		}
	}
	for input, readers := range plan.Readers() {
		for _, who := range readers {
			r.reads[reading{who, input}] = true
		}
	}
	return r
}

// without are the ways of those who do not read the same input at the other side.
func (r reach) without(other reach) (all []access.Way) {
	for _, w := range r.ways {
		w.Who = slices.DeleteFunc(slices.Clone(w.Who), func(of string) bool { return other.reads[reading{of, w.Input}] })
		if len(w.Who) > 0 {
			all = append(all, w)
		}
	}
	return all
}

func byWay(a, b WayChange) int {
	return cmp.Or(byRisk(a.Risk, b.Risk), cmp.Compare(a.Change, b.Change), cmp.Compare(a.Input, b.Input),
		cmp.Compare(a.Way, b.Way))
}
