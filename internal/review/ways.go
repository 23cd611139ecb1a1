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
}

// ways compares the indirect ways of two plans; nil is a plan that is not there.
func (m *maker) ways(old, now *access.Plan) {
	was, is := reads(old), reads(now)
	for way, who := range without(now, was) {
		m.r.NewAccess = true
		m.way(way, who, WayChange{Change: "opens", Risk: High})
	}
	for way, who := range without(old, is) {
		m.way(way, who, WayChange{Change: "closes", Risk: Low})
	}
}

func (m *maker) way(w *access.Way, who []string, c WayChange) {
	w.Who = who
	c.Who, c.Input, c.Way, c.Undecided = who, w.Input, w.String(), w.Undecided()
	if c.Undecided && c.Risk == High {
		c.Risk = Medium
	}
	m.r.Ways = append(m.r.Ways, c)
}

type reading struct{ who, input string }

// reads are who reads what, directly or indirectly.
func reads(plan *access.Plan) map[reading]bool {
	all := map[reading]bool{}
	if plan == nil {
		return all
	}
	for _, w := range plan.Ways() {
		for _, who := range w.Who {
			all[reading{who, w.Input}] = true
		}
	}
	for input, readers := range plan.Readers() {
		for _, who := range readers {
			all[reading{who, input}] = true
		}
	}
	return all
}

// without are the ways of a plan, and of those who go them the ones who went none to the same input at the other side.
func without(plan *access.Plan, other map[reading]bool) map[*access.Way][]string {
	all := map[*access.Way][]string{}
	if plan == nil {
		return all
	}
	for _, w := range plan.Ways() {
		who := slices.DeleteFunc(slices.Clone(w.Who), func(of string) bool { return other[reading{of, w.Input}] })
		if w.Input != "" && len(who) > 0 {
			all[&w] = who
		}
	}
	return all
}

func byWay(a, b WayChange) int {
	return cmp.Or(byRisk(a.Risk, b.Risk), cmp.Compare(a.Change, b.Change), cmp.Compare(a.Input, b.Input),
		cmp.Compare(a.Way, b.Way))
}
