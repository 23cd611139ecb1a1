package explain

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/roles"
)

// A Cut is a change of the configuration after which a way is not open any more, which was tried on the model.
type Cut struct {
	Does string `json:"does"`
	// Stops are the declared paths that work today and would not after it.
	Stops []string `json:"stops"`
	// To is the model with the change.
	To access.Model `json:"-"`
}

func (c Cut) String() string {
	switch len(c.Stops) {
	case 0:
		return c.Does + "; no declared job stops"
	case 1:
		return c.Does + "; then " + c.Stops[0] + " stops"
	default:
		return fmt.Sprintf("%s; then %d declared jobs stop, among them %s", c.Does, len(c.Stops), c.Stops[0])
	}
}

// A Way is an access.Way and what cuts it.
type Way struct {
	access.Way
	Cuts []Cut `json:"cuts"`
	// alike are who goes it in a table, where every invoker reaches its end, one way or another; none for any other way.
	alike []string
	// Untried is set where there are too many ways to try what cuts each.
	Untried bool `json:"untried,omitempty"`
}

// finding is what a reviewer should know of a way to data.
func (w Way) finding() (f Finding, is bool) {
	f = Finding{What: "indirectly, " + w.String(), Fix: w.cut(), way: &w}
	switch {
	case w.Input != "":
		f.Where = "dataInputs." + w.Input
	case w.Output != "":
		f.Where = "dataOutputs." + w.Output
	}
	return f, f.Where != ""
}

// narrow leaves those of who go a way; false where it is none of theirs.
func (f *Finding) narrow(who []string) bool {
	w := *f.way
	if !w.narrow(who) {
		return false
	}
	owner := f.Owner
	*f, _ = w.finding()
	f.Owner = owner
	return true
}

func (w *Way) narrow(who []string) bool {
	w.Who = slices.DeleteFunc(slices.Clone(w.Who), func(of string) bool { return !slices.Contains(who, of) })
	w.alike = nil
	return len(w.Who) > 0
}

// becomes are an invoker and whom it may become.
func becomes(all []Way, invoker string) []string {
	who := []string{invoker}
	for i := 0; i < len(who); i++ {
		for _, w := range all {
			if slices.Contains(w.Who, who[i]) && w.Ends != "" && !slices.Contains(who, w.Ends) {
				who = append(who, w.Ends) // what is nobody goes no way
			}
		}
	}
	return who
}

// How is the way without who goes it.
func (w Way) How() string { return strings.TrimPrefix(w.String(), strings.Join(w.Who, ", ")+" ") }

// Class is that of the data that the way ends at, in a page with the filter.
func (w Way) Class(f filter) string {
	switch {
	case w.Input != "":
		return f.Datum(w.Input)
	case w.Output != "":
		return f.Datum(outputKey(w.Output))
	}
	return f.Datum()
}

// manyWays is the number of ways from which on nothing is tried that would cut them: each try compiles the model.
const manyWays = 20

// withCuts are the ways of a plan with what cuts each.
func withCuts(plan *access.Plan, ways []access.Way) []Way {
	all := make([]Way, len(ways))
	for i, w := range ways {
		all[i].Way, all[i].Untried = w, len(ways) >= manyWays
		if !all[i].Untried {
			all[i].Cuts = Cuts(plan, w)
		}
	}
	return all
}

// markAlike marks the ways to what every invoker reaches, and is no data: the role that each of them is given brings
// them there, so a table says it once. An end that only some certainly reach is not alike.
func markAlike(ways []Way, invokers []Invoker) {
	goes := map[reach]map[string]bool{}
	for _, w := range ways {
		if goes[w.reach()] == nil {
			goes[w.reach()] = map[string]bool{}
		}
		for _, who := range w.Who {
			goes[w.reach()][who] = true
		}
	}
	for i, w := range ways {
		others := maps.Clone(goes[w.reach()])
		for _, invoker := range invokers {
			delete(others, invoker.Name)
		}
		if w.Ends != "" && len(invokers) > 1 && len(goes[w.reach()]) == len(others)+len(invokers) {
			ways[i].alike = append([]string{"every invoker"}, slices.Sorted(maps.Keys(others))...)
		}
	}
}

// A reach is what a way ends at, whether that is undecided, and who they are that go it alike.
type reach struct {
	alike, ends string
	undecided   bool
}

func (w Way) reach() reach { return reach{strings.Join(w.alike, ", "), w.Ends, w.Undecided()} }

// endsAt are the ways that end at no data, a line each. All the ways to what every invoker reaches are one line.
func (x Explanation) endsAt() (lines []string) {
	first, several := map[reach]string{}, map[reach]bool{}
	for _, w := range x.Ways {
		to := w.reach()
		first[to] = cmp.Or(first[to], w.How())
		several[to] = several[to] || first[to] != w.How()
	}
	told := map[reach]bool{}
	for _, w := range x.Ways {
		to := w.reach()
		if w.Ends == "" || to.alike != "" && told[to] {
			continue
		}
		told[to] = true
		line := cmp.Or(to.alike, strings.Join(w.Who, ", ")) + " " + w.How()
		if to.alike != "" && several[to] {
			line += " (some of them by another way)"
		}
		lines = append(lines, line)
	}
	return lines
}

// cut is what to do about a way.
func (w Way) cut() string {
	assert := "; assert who may not, with how: byNoWay"
	switch {
	case w.Untried:
		return fmt.Sprintf("be sure of them, or take away what one step rests on (what cuts it is tried for fewer than %d "+
			"ways)", manyWays) + assert
	case len(w.Cuts) == 0:
		return "be sure of them, or take away what one step rests on" + assert
	}
	return "be sure of them, or " + w.Cuts[0].String() + assert
}

// Cuts returns the changes that cut a way of the plan, those first that stop the fewest declared jobs. Each one was
// tried: the model with it compiles, and nobody who goes the way today reaches its end then, directly or indirectly.
func Cuts(plan *access.Plan, way access.Way) (cuts []Cut) {
	works := declared(plan)
	for _, c := range changes(plan.Model, way) {
		after, _ := access.Compile(c.to)
		if after == nil || open(after, way) {
			continue
		}
		still := declared(after)
		cut := Cut{Does: c.does, Stops: []string{}, To: c.to}
		for _, path := range slices.Sorted(maps.Keys(works)) {
			if !still[path] {
				cut.Stops = append(cut.Stops, path)
			}
		}
		cuts = append(cuts, cut)
	}
	slices.SortStableFunc(cuts, func(a, b Cut) int { return len(a.Stops) - len(b.Stops) })
	return cuts
}

// declared are the declared paths that work.
func declared(plan *access.Plan) map[string]bool {
	all := map[string]bool{}
	for _, p := range plan.Paths() {
		if p.Declared && p.Works() {
			all[fmt.Sprintf("%s on %s with %s", p.Invoker, p.Target(), inputName(p.Input))] = true
		}
	}
	return all
}

// open reports whether any of those who go a way still reaches what it ends at, directly or indirectly.
func open(plan *access.Plan, way access.Way) bool {
	goes := func(who string) bool { return slices.Contains(way.Who, who) }
	_, outputs := plan.Writers()
	return slices.ContainsFunc(plan.Readers()[way.Input], goes) || slices.ContainsFunc(outputs[way.Output], goes) ||
		slices.ContainsFunc(plan.Ways(), func(w access.Way) bool {
			return w.Input == way.Input && w.Output == way.Output && w.Ends == way.Ends && slices.ContainsFunc(w.Who, goes)
		})
}

type change struct {
	does string
	to   access.Model
}

// changes are what might cut a way.
func changes(m access.Model, way access.Way) (all []change) {
	m.Assertions = nil
	for _, name := range slices.Sorted(maps.Keys(m.DataInputs)) {
		if d := m.DataInputs[name]; d.Mechanism() == access.ByStoreCredential && d.StorageAccount != "" {
			to, no := m, false
			to.DataInputs = maps.Clone(m.DataInputs)
			d.CredentialInStore = &no
			to.DataInputs[name] = d
			all = append(all, change{"keep " + name + " in a data store without a credential", to})
		}
	}
	if m.Role.Scope != "" && m.Role.Scope != access.AtWorkspace {
		to := m
		to.Role.Scope = access.AtWorkspace
		all = append(all, change{"assign the role at the workspace", to})
	}
	if d, wrong := m.Role.Resolve(); wrong == nil {
		if to, does := withoutEscalations(m, d, way); does != "" {
			all = append(all, change{does, to})
		}
	}
	to := m
	to.Endpoints = maps.Clone(m.Endpoints)
	for name, e := range m.Endpoints {
		if slices.Contains(e.Inputs, way.Input) {
			e.Inputs = slices.DeleteFunc(slices.Clone(e.Inputs), func(input string) bool { return input == way.Input })
			to.Endpoints[name] = e
		}
		if slices.Contains(e.Outputs, way.Output) { // its jobs write nothing else
			delete(to.Endpoints, name)
		}
	}
	switch {
	case way.Input != "":
		all = append(all, change{"let the endpoints of another workspace read " + way.Input, to})
	case way.Output != "":
		all = append(all, change{"let the endpoints of another workspace write " + way.Output, to})
	}
	to = m
	to.Invokers, to.Endpoints = maps.Clone(m.Invokers), maps.Clone(m.Endpoints)
	for _, who := range way.Who {
		delete(to.Invokers, who)
	}
	for name, e := range to.Endpoints {
		if e.Invokers != nil {
			e.Invokers = slices.DeleteFunc(slices.Clone(e.Invokers), func(i string) bool { return slices.Contains(way.Who, i) })
			to.Endpoints[name] = e
		}
	}
	for name, i := range to.Invokers {
		if len(i.Members) > 0 {
			i.Members = slices.DeleteFunc(slices.Clone(i.Members), func(i string) bool { return slices.Contains(way.Who, i) })
			to.Invokers[name] = i
		}
	}
	return append(all, change{"take " + strings.Join(way.Who, ", ") + " out of the invokers", to})
}

// withoutEscalations takes from the role every action that leads where one of the way's hops goes by a role's action.
func withoutEscalations(m access.Model, d roles.Definition, way access.Way) (to access.Model, does string) {
	targets := map[roles.Target]bool{}
	for _, l := range roles.Escalations() {
		targets[l.To] = targets[l.To] || l.To != roles.Nowhere &&
			slices.ContainsFunc(way.Hops, func(h access.Hop) bool { return h.Needs == l.Action.Name })
	}
	var gone []string
	for _, l := range roles.Escalations() {
		if targets[l.To] && d.Permissions.MayAllow(l.Action) && !l.Action.Data {
			gone = append(gone, l.Action.Name)
		}
	}
	if len(gone) == 0 {
		return m, ""
	}
	permissions := slices.Clone(d.Permissions)
	for i := range permissions {
		permissions[i].NotActions = append(slices.Clone(permissions[i].NotActions), gone...)
	}
	scope, _ := m.RoleScopeID()
	text, err := json.Marshal(map[string]any{"roleName": d.RoleName, "permissions": permissions,
		"assignableScopes": []string{scope}})
	if err != nil {
		return m, ""
	}
	to = m
	to.Role = access.Role{Scope: m.Role.Scope, Definition: string(text)}
	return to, "give a role of your own without " + strings.Join(gone, ", ")
}
