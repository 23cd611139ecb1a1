package review

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/internal/rolediff"
	"github.com/batchaccess/batchaccess/internal/visible"
	"github.com/batchaccess/batchaccess/internal/ways"
	"github.com/batchaccess/batchaccess/roles"
)

// A WayChange is an indirect way that a change opens or closes. One of Input, Output and Ends is set.
type WayChange struct {
	// Who are the principals for whom it opens or closes: invokers, cluster:<name>s, or a text for people whom no model
	// names.
	Who    []string `json:"who"`
	Input  string   `json:"input"`            // the data input that it reads
	Output string   `json:"output,omitempty"` // the data output that it writes
	// Ends is the other thing that it reaches: an invoker or cluster:<name> to act as, a secret, role assignments.
	Ends string `json:"ends,omitempty"`
	// Writes is set if it writes the data too.
	Writes bool `json:"writes,omitempty"`
	// Change is opens or closes; or decided: it was undecided before and is open for certain now, which is new to the
	// reader and no new access.
	Change string `json:"change"`
	Way    string `json:"way"`
	// EveryInvoker is set if the article's 35 actions alone bring every invoker to this end. Such ways are shown
	// together, with medium risk: data that a principal newly reaches by one is a way of its own.
	EveryInvoker bool `json:"everyInvoker,omitempty"`
	// Undecided is set if it is not known whether the way is open.
	Undecided bool `json:"undecided,omitempty"`
	Risk      Risk `json:"risk"`
	// Cuts are changes that close a way that opens; each was tried on what the preview shows. Empty if a note says that
	// none was tried, or if no two changes close it. For EveryInvoker they close all such ways of the first of Who.
	Cuts []ways.Cut `json:"cuts,omitempty"`
	// InputOwner is the input's owner in the configuration; "" if it has none.
	InputOwner string `json:"inputOwner,omitempty"`

	who       string // for people to read
	component string
	way       access.Way
}

// A together is what one row shows of the ways that every invoker has.
type together struct {
	change, who, component string
	undecided              bool
}

func (w WayChange) together() together { return together{w.Change, w.who, w.component, w.Undecided} }

// What happens to a way.
const (
	opens   = "opens"
	closes  = "closes"
	decided = "decided"
)

// ways compares the indirect ways of a component's two plans; nil is a plan that does not exist.
func (m *maker) ways(name string, c component) {
	from := len(m.r.Ways)
	was, is := reachedBy(c.old), reachedBy(c.now)
	now := estateOf(c.now)
	for _, w := range is.ways {
		for change, who := range map[string][]string{
			opens:   whoOf(w, func(e end) bool { return !was.reaches[e] }),
			decided: whoOf(w, func(e end) bool { return was.reaches[e] && !w.Undecided() && !was.surely[e] }),
		} {
			if len(who) > 0 {
				m.r.NewAccess = m.r.NewAccess || change == opens
				m.way(name, is, w, who, change, c.owners, now)
			}
		}
	}
	m.cutEverybodys(m.r.Ways[from:], now)
	for _, w := range was.ways {
		if who := whoOf(w, func(e end) bool { return !is.reaches[e] }); len(who) > 0 {
			m.way(name, was, w, who, closes, c.owners, nil)
		}
	}
}

// waysBeside compares the indirect ways through resources outside of all models, together with the models. The ways in
// a model's plan alone are reported by ways.
func (m *maker) waysBeside() {
	var sides [2]struct {
		ways    []access.Way
		reaches map[end]bool
		surely  map[end]bool
		ofModel map[end]bool
	}
	var models, estates [2]*ways.Estate
	for _, when := range []side{before, after} {
		models[when], estates[when] = m.estates(when)
	}
	if estates[before] == nil && estates[after] == nil {
		return
	}
	for _, when := range []side{before, after} {
		s := &sides[when]
		s.reaches, s.surely, s.ofModel = map[end]bool{}, map[end]bool{}, map[end]bool{}
		ofModels, whole := models[when], cmp.Or(estates[when], models[when])
		s.ways = whole.Ways()
		for _, w := range ofModels.Ways() {
			s.ofModel[folded(w.Who[0], w)] = s.ofModel[folded(w.Who[0], w)] || !w.Undecided()
		}
		for _, w := range s.ways {
			s.reaches[folded(w.Who[0], w)] = true
			s.surely[folded(w.Who[0], w)] = !w.Undecided()
		}
		for data, readers := range whole.Readers() {
			for _, who := range readers {
				for _, w := range []access.Way{{Input: data}, {Output: data, Writes: true}} {
					e := folded(who, w)
					s.reaches[e], s.surely[e] = true, true
				}
			}
		}
	}
	was, is := sides[before], sides[after]
	changed := map[string][]access.Way{}
	for _, w := range is.ways {
		e := folded(w.Who[0], w)
		sure, ofModel := is.ofModel[e]
		switch {
		case ofModel && sure == !w.Undecided(), shownElsewhere(w):
		case !was.reaches[e]:
			changed[opens] = append(changed[opens], w)
		case !w.Undecided() && !was.surely[e]:
			changed[decided] = append(changed[decided], w)
		}
	}
	for _, w := range was.ways {
		e := folded(w.Who[0], w)
		if _, ofModel := was.ofModel[e]; !ofModel && !is.reaches[e] && !shownElsewhere(w) {
			changed[closes] = append(changed[closes], w)
		}
	}
	m.r.NewAccess = m.r.NewAccess || len(changed[opens]) > 0
	for _, change := range []string{opens, decided, closes} {
		for _, w := range ways.Together(changed[change], nil) {
			m.way("", reach{}, w, w.Who, change, nil, cmp.Or(estates[after], models[after]))
		}
	}
}

// shownElsewhere reports whether a way is one hop that another section of the review reports: a sign-in by a federated
// credential or a secret.
func shownElsewhere(w access.Way) bool {
	return len(w.Hops) == 1 && strings.HasPrefix(w.Who[0], "whoever ")
}

// way adds a change of a way that one side has, for some of its principals.
func (m *maker) way(
	component string, at reach, w access.Way, who []string, change string, owners map[string]string, in *ways.Estate,
) {
	w.Who = who
	c := WayChange{Who: who, Input: w.Input, Output: w.Output, Ends: w.Ends, Writes: w.Writes, Change: change,
		Way: w.String(), EveryInvoker: at.everybodys(w), Undecided: w.Undecided(), Risk: High,
		who: strings.Join(who, ", "), component: component, way: w, InputOwner: owners["dataInputs."+w.Input]}
	switch {
	case change == closes:
		c.Risk = Low
	case c.Undecided, c.EveryInvoker, change == decided:
		c.Risk = Medium
	}
	if c.EveryInvoker && len(who) == len(at.invokers) {
		c.who = everyInvoker
	}
	if change != closes && !c.EveryInvoker && in != nil {
		if m.cut++; m.cut <= triedWays {
			c.Cuts = in.Cuts(w)
		}
	}
	m.r.Ways = append(m.r.Ways, c)
}

// cutEverybodys finds what cuts the ways that every invoker has, all of a row at once. It is tried for one of the
// invokers: for each other it is the same.
func (m *maker) cutEverybodys(all []WayChange, in *ways.Estate) {
	rows := map[together][]int{}
	for i, w := range all {
		if w.EveryInvoker && w.Change != closes {
			rows[w.together()] = append(rows[w.together()], i)
		}
	}
	for i, w := range all {
		row := rows[w.together()]
		if in == nil || len(row) == 0 || row[0] != i {
			continue
		}
		if m.cut++; m.cut > triedWays {
			continue
		}
		var ofOne []access.Way
		for _, n := range row {
			one := all[n].way
			one.Who = w.Who[:1]
			ofOne = append(ofOne, one)
		}
		cuts := in.Cuts(ofOne...)
		for _, n := range row {
			all[n].Cuts = cuts
		}
	}
}

// triedWays is the number of ways for which cuts are tried: each try looks for ways anew.
const triedWays = 60

// waysNote says what is not known about the ways of a review.
func (m *maker) waysNote() {
	if len(m.r.Ways) == 0 {
		return
	}
	note := "The indirect ways were found and not walked: batchaccess rehearse walks those of a stack."
	if m.cut > triedWays {
		note += fmt.Sprintf(" What cuts them was tried for %d of the %d that open.", triedWays, m.cut)
	}
	m.note(note)
}

// estateOf returns the estate of a plan alone; nil without a plan, or if a scope of its grants is not known yet.
func estateOf(plan *access.Plan) *ways.Estate {
	if plan == nil {
		return nil
	}
	id := func(p access.Principal) string { return p.String() }
	e := ways.Of(plan, id)
	var err error
	if e.Assignments, err = ways.Planned(plan, id); err != nil {
		return nil
	}
	return e
}

const everyInvoker = "every invoker"

// An end is what a principal reaches, by a way or directly.
type end struct {
	who, input, output, ends string
	writes                   bool
}

// folded returns an end without regard to letter case: a program may write one name in two ways.
func folded(who string, w access.Way) end {
	return end{strings.ToLower(who), strings.ToLower(w.Input), strings.ToLower(w.Output), strings.ToLower(w.Ends),
		w.Writes}
}

func endOf(who string, w access.Way) end { return end{who, w.Input, w.Output, w.Ends, w.Writes} }

// whoOf returns the principals of a way for whose end holds is true.
func whoOf(w access.Way, holds func(end) bool) (all []string) {
	for _, who := range w.Who {
		if holds(endOf(who, w)) {
			all = append(all, who)
		}
	}
	return all
}

// A reach is the indirect ways of a plan, with what each principal reaches by them or directly.
type reach struct {
	ways     []access.Way
	reaches  map[end]bool
	surely   map[end]bool // the decided ends in reaches
	invokers []string
	article  *reach // the same with the article's role instead of the invokers'; nil if not known
}

func reachedBy(plan *access.Plan) reach {
	if plan == nil {
		return reach{}
	}
	r := reachOf(plan)
	m := plan.Model
	if role, wrong := m.Role.Resolve(); len(wrong) == 0 &&
		len(rolediff.Difference(role.Permissions, roles.Invoker().Permissions)) == 0 {
		r.article = &r
		return r
	}
	m.Role, m.Assertions = access.Role{Scope: m.Role.Scope}, nil
	if with, _ := access.Compile(m); with != nil {
		article := reachOf(with)
		r.article = &article
	}
	return r
}

func reachOf(plan *access.Plan) reach {
	r := reach{reaches: map[end]bool{}, surely: map[end]bool{}}
	add := func(e end, sure bool) {
		r.reaches[e] = true
		r.surely[e] = r.surely[e] || sure
		if e.writes && e.input != "" {
			e.writes = false // who reads and writes also reads
			r.reaches[e] = true
			r.surely[e] = r.surely[e] || sure
		}
	}
	r.ways, r.invokers = plan.Ways(), plan.Model.Acting()
	for _, w := range r.ways {
		for _, who := range w.Who {
			add(endOf(who, w), !w.Undecided())
		}
	}
	for input, readers := range plan.Readers() {
		for _, who := range readers {
			add(end{who: who, input: input}, true)
		}
	}
	inputs, outputs := plan.Writers()
	for input, writers := range inputs {
		for _, who := range writers {
			add(end{who: who, input: input, writes: true}, true)
		}
	}
	for output, writers := range outputs {
		for _, who := range writers {
			add(end{who: who, output: output, writes: true}, true)
		}
	}
	return r
}

// everybodys reports whether the article's actions bring every invoker to the end of a way.
func (r reach) everybodys(w access.Way) bool {
	if r.article == nil || w.Ends == "" {
		return false
	}
	for _, who := range w.Who {
		if !slices.Contains(r.invokers, who) {
			return false
		}
	}
	by := r.article.surely
	if w.Undecided() {
		by = r.article.reaches
	}
	return !slices.ContainsFunc(r.invokers, func(who string) bool { return !by[endOf(who, w)] })
}

// A wayRow is a row for people: one way, or the ways that the article's actions open to every invoker.
type wayRow struct {
	change string
	risk   Risk
	text   string
	about  about
	whole  string // the way with all of its principals
}

// wayRows returns the rows of the ways. Those that every invoker has are one row for each group of principals for whom
// they change.
func (r Review) wayRows() (all []wayRow) {
	ends := map[together][]string{}
	for _, w := range r.Ways {
		if w.EveryInvoker {
			ends[w.together()] = append(ends[w.together()], w.Ends)
		}
	}
	for _, w := range r.Ways {
		text := w.shown()
		if w.InputOwner != "" {
			text += "; owner of " + w.Input + ": " + w.InputOwner
		}
		if w.EveryInvoker {
			if ends[w.together()] == nil {
				continue // shown
			}
			can := map[bool]string{true: " may reach ", false: " can reach "}[w.Undecided]
			who := w.who
			if who != everyInvoker {
				who = visible.Some(w.Who, manyNames)
			}
			text = who + can + strings.Join(ends[w.together()], "; ") + ", by the article's 35 actions"
			if w.who != everyInvoker {
				text += ", as every invoker"
			}
			ends[w.together()] = nil
			if len(w.Cuts) > 0 {
				text += "; to cut them, for " + w.Who[0] + " as for each, " + w.Cuts[0].String()
			}
		} else if len(w.Cuts) > 0 {
			text += "; to cut it, " + w.Cuts[0].String()
		}
		all = append(all, wayRow{w.Change, w.Risk, text, w.about(), w.Way})
	}
	return all
}

// shown is the way for people: of many principals it names the first.
func (w WayChange) shown() string {
	how := w.way
	how.Who = nil
	return visible.Some(w.Who, manyNames) + how.String()
}

func byWay(a, b WayChange) int {
	return cmp.Or(byRisk(a.Risk, b.Risk), cmp.Compare(a.Change, b.Change), cmp.Compare(a.Input, b.Input),
		cmp.Compare(a.Output, b.Output), cmp.Compare(a.Ends, b.Ends), cmp.Compare(a.Way, b.Way),
		cmp.Compare(a.component, b.component))
}
