package explain

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/internal/visible"
	"github.com/batchaccess/batchaccess/roles"
)

// A Cut is a change of the configuration that closes a way. It was tried on the model.
type Cut struct {
	Does string `json:"does"`
	// Stopped is how many declared paths work today and would not work after it. Stops are the first of them: one change
	// closes many ways, so that all are listed once, in a Change.
	Stopped int      `json:"stopped"`
	Stops   []string `json:"stops"`
	// To is the model with the change.
	To access.Model `json:"-"`

	all []string // that stop
}

// A Change is what cuts do, once: Does is theirs, and Stops are all declared paths that work today and would not work
// after it.
type Change struct {
	Does  string   `json:"does"`
	Stops []string `json:"stops"`
}

// firstStops is how many of the paths that stop a cut names.
const firstStops = 3

func (c Cut) String() string {
	switch c.Stopped {
	case 0:
		return c.Does + "; no declared job stops"
	case 1:
		return c.Does + "; then " + c.Stops[0] + " stops"
	default:
		return fmt.Sprintf("%s; then %d declared jobs stop, among them %s", c.Does, c.Stopped, c.Stops[0])
	}
}

// AllStops are all of the paths that stop.
func (c Cut) AllStops() []string { return c.all }

// changesOf are the changes that the ways' cuts make, each once, in the order of the ways.
func changesOf(ways []Way) (all []Change) {
	seen := map[string]bool{}
	for _, w := range ways {
		for _, c := range w.Cuts {
			if !seen[c.Does] {
				seen[c.Does] = true
				all = append(all, Change{c.Does, c.all})
			}
		}
	}
	return all
}

// A Way is an access.Way with its cuts.
type Way struct {
	access.Way
	Cuts []Cut `json:"cuts"`
	// alike are the principals who go it in a table, if every invoker reaches its end by some way; none for any other
	// way.
	alike []string
	// Untried is set if there are too many ways to try cuts for each.
	Untried bool `json:"untried,omitempty"`
}

// finding is what a reviewer should know of a way to data.
func (w Way) finding() (f Finding, is bool) {
	f = Finding{What: "indirectly, " + visible.Some(w.Who, manyNames) + " " + w.How(), Fix: w.cut(), way: &w}
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
				who = append(who, w.Ends) // an end that is no principal goes no way
			}
		}
	}
	return who
}

// How returns the way as text, without its principals.
func (w Way) How() string {
	w.Who = nil
	return strings.TrimPrefix(w.String(), " ")
}

// manyNames is the number of names that a text for people has; JSON has all.
const manyNames = 10

// First are the names that a page shows at once, and Others those that it shows when asked.
func (w Way) First() []string {
	return w.Who[:min(len(w.Who), manyNames)]
}

// Others are the names after the first.
func (w Way) Others() []string { return w.Who[len(w.First()):] }

// Class is the class, in a page with the filter, of the data that the way ends at.
func (w Way) Class(f filter) string {
	switch {
	case w.Input != "":
		return f.Datum(w.Input)
	case w.Output != "":
		return f.Datum(outputKey(w.Output))
	}
	return f.Datum()
}

// manyWays is the number of ways from which on only changes of the role are tried: they are few and the same for many
// ways, and each try compiles the model.
const manyWays = 20

// withCuts returns the ways of a plan, each with its cuts.
func withCuts(plan *access.Plan, ways []access.Way) []Way {
	all, few, on := make([]Way, len(ways)), len(ways) < manyWays, newTrials(plan)
	for i, w := range ways {
		all[i] = Way{Way: w, Cuts: on.cuts(w, few)}
		all[i].Untried = !few && len(all[i].Cuts) == 0
	}
	return all
}

// markAlike marks the ways to an end that every invoker reaches and that is no data: they get there by their role, so a
// table says it once. An end that only some certainly reach is not marked.
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

// A reach is the end of a way, whether it is undecided, and who goes it alike.
type reach struct {
	alike, ends string
	undecided   bool
}

func (w Way) reach() reach { return reach{strings.Join(w.alike, ", "), w.Ends, w.Undecided()} }

// An ending is a line for a way that does not end at data, with what cuts it; "" for nothing.
type ending struct{ line, cut string }

// endsAt returns one line for each way that does not end at data. All ways to what every invoker reaches are one line.
func (x Explanation) endsAt() (lines []ending) {
	first, several := map[reach]string{}, map[reach]bool{}
	for _, w := range x.Ways {
		to := w.reach()
		first[to] = cmp.Or(first[to], w.How())
		several[to] = several[to] || first[to] != w.How()
	}
	done := map[reach]bool{}
	for _, w := range x.Ways {
		to := w.reach()
		if w.Ends == "" || to.alike != "" && done[to] {
			continue
		}
		done[to] = true
		who := w.Who
		if to.alike != "" {
			who = w.alike
		}
		line := visible.Some(who, manyNames) + " " + w.How()
		if to.alike != "" && several[to] {
			line += " (some of them by another way)"
		}
		one := ending{line: line}
		if len(w.Cuts) > 0 {
			one.cut = "to cut it, " + w.Cuts[0].String()
			if to.alike != "" && several[to] {
				one.cut = "to cut it for " + visible.Some(w.Who, manyNames) + ", " + w.Cuts[0].String()
			}
		}
		lines = append(lines, one)
	}
	return lines
}

// cut says what to do about a way.
func (w Way) cut() string {
	assert := "; assert who may not, with how: byNoWay"
	switch {
	case w.Untried:
		return fmt.Sprintf("be sure of them, or take away what one step rests on (no other role cuts it; more is tried for "+
			"fewer than %d ways)", manyWays) + assert
	case len(w.Cuts) == 0:
		return "be sure of them, or take away what one step rests on" + assert
	}
	return "be sure of them, or " + w.Cuts[0].String() + assert
}

// Cuts returns the changes that close a way of the plan, those first that stop the fewest declared jobs. Each was
// tried: the model with it compiles, and nobody who goes the way today reaches its end any more, directly or
// indirectly.
func Cuts(plan *access.Plan, way access.Way) []Cut { return newTrials(plan).cuts(way, true) }

// Trials are changes of one plan, each tried once, by what it does.
type trials struct {
	plan   *access.Plan
	works  map[string]bool
	tried  map[string]*trial
	others map[string]*change // another role, by the targets that it leads nowhere to; nil for none
}

func newTrials(plan *access.Plan) *trials {
	return &trials{plan: plan, works: declared(plan), tried: map[string]*trial{}, others: map[string]*change{}}
}

// A trial is a model with a change: who reaches what, and the declared jobs that stop.
type trial struct {
	plan    *access.Plan
	ways    map[goal][]access.Way
	readers map[goal]map[string]bool // who reads or writes it directly; nil until somebody asks
	stops   []string
	sets    map[*string]map[string]bool // the principals of ways: many ways have the same
	closed  map[closing]bool            // what is known to be closed
}

// A goal is the end of ways.
type goal struct{ input, output, ends string }

// A closing is a goal with those who might reach it: the ways of one class of principals share their names.
type closing struct {
	who *string
	to  goal
}

func goalOf(w access.Way) goal { return goal{w.Input, w.Output, w.Ends} }

// of returns what a change leads to; nil if the model with it does not compile.
func (t *trials) of(c change) *trial {
	if one, done := t.tried[c.does]; done {
		return one
	}
	t.tried[c.does] = nil
	after, _ := access.Compile(c.to)
	if after == nil {
		return nil
	}
	one := &trial{plan: after, ways: map[goal][]access.Way{}, stops: []string{}, sets: map[*string]map[string]bool{},
		closed: map[closing]bool{}}
	for _, w := range after.Ways() {
		one.ways[goalOf(w)] = append(one.ways[goalOf(w)], w)
	}
	still := declared(after)
	for _, path := range slices.Sorted(maps.Keys(t.works)) {
		if !still[path] {
			one.stops = append(one.stops, path)
		}
	}
	t.tried[c.does] = one
	return one
}

func set(names []string) map[string]bool {
	all := make(map[string]bool, len(names))
	for _, name := range names {
		all[name] = true
	}
	return all
}

// open reports whether any of a way's principals still reaches its end, directly or indirectly.
func (t *trial) open(way access.Way) bool {
	of := closing{&way.Who[0], goalOf(way)}
	if closed, known := t.closed[of]; known {
		return !closed
	}
	open := len(t.goes(way)) > 0
	if !open && way.Ends == "" {
		direct := t.directly(of.to)
		open = slices.ContainsFunc(way.Who, func(who string) bool { return direct[who] })
	}
	t.closed[of] = !open
	return open
}

// directly are those who read or write something by themselves.
func (t *trial) directly(to goal) map[string]bool {
	if t.readers == nil {
		t.readers = map[goal]map[string]bool{}
		_, outputs := t.plan.Writers()
		for input, all := range t.plan.Readers() {
			t.readers[goal{input: input}] = set(all)
		}
		for output, all := range outputs {
			t.readers[goal{output: output}] = set(all)
		}
	}
	return t.readers[to]
}

// goes returns the ways by which those who go a way still reach its end.
func (t *trial) goes(way access.Way) (all []access.Way) {
	for _, w := range t.ways[goalOf(way)] {
		among := t.sets[&w.Who[0]]
		if among == nil {
			among = set(w.Who)
			t.sets[&w.Who[0]] = among
		}
		if slices.ContainsFunc(way.Who, func(who string) bool { return among[who] }) {
			all = append(all, w)
		}
	}
	return all
}

// cuts returns the changes that close a way; those of the role alone unless all are asked for. Of those that cost the
// same, what the role allows is changed last.
func (t *trials) cuts(way access.Way, all bool) (cuts []Cut) {
	m := t.plan.Model
	m.Assertions = nil
	changes := scopes(m)
	if all {
		changes = append(changes, beside(m, way)...)
	}
	for _, c := range append(changes, t.allowing(m, way)...) {
		if after := t.of(c); after != nil && !after.open(way) {
			cuts = append(cuts, Cut{Does: c.does, Stopped: len(after.stops), Stops: after.stops[:min(firstStops,
				len(after.stops))], To: c.to, all: after.stops})
		}
	}
	slices.SortStableFunc(cuts, func(a, b Cut) int { return a.Stopped - b.Stopped })
	return cuts
}

// declared returns the declared paths that work.
func declared(plan *access.Plan) map[string]bool {
	all := map[string]bool{}
	for _, p := range plan.Declared() {
		if p.Works() {
			all[p.Invoker+" on "+p.Target()+" with "+inputName(p.Input)] = true
		}
	}
	return all
}

type change struct {
	does string
	to   access.Model
}

// scopes returns the changes of where the role is assigned.
func scopes(m access.Model) []change {
	at := func(scope access.Level, does string) []change {
		m.Role.Scope = scope
		return []change{{does, m}}
	}
	switch m.Role.EffectiveScope() {
	case access.AtEndpoint:
		return nil
	case access.AtWorkspace:
		return at(access.AtEndpoint, "assign the role at the endpoints")
	default:
		return at(access.AtWorkspace, "assign the role at the workspace")
	}
}

// allowing returns the changes of what the role allows that might close a way. From the role is taken what the way goes
// by, then what the ways go by that are left to its end, until none is.
func (t *trials) allowing(m access.Model, way access.Way) (all []change) {
	d, wrong := m.Role.Resolve()
	switch {
	case !m.Role.Known():
		d, m.Role = roles.Invoker(), access.Role{Scope: m.Role.Scope}
		all = append(all, change{"give the article's 35 actions in place of the role, of which nobody says what it allows",
			m})
	case wrong != nil:
		return nil
	}
	gone := map[roles.Target]bool{}
	for left := []access.Way{way}; ; {
		known := len(gone)
		for _, w := range left {
			for _, h := range w.Hops {
				for _, l := range roles.Escalations() {
					// Of the actions that a hop takes together, it is enough to take away the first.
					if len(h.Takes) > 0 && l.Action.Name == h.Takes[0] && l.To != roles.Nowhere {
						gone[l.To] = true
					}
				}
			}
		}
		if len(gone) == known {
			return all
		}
		key := fmt.Sprint(m.Role.Definition == t.plan.Model.Role.Definition, slices.Sorted(maps.Keys(gone)))
		other, done := t.others[key]
		if !done {
			if c, does := withoutTargets(m, d, gone); does {
				other = &c
			}
			t.others[key] = other
		}
		if other == nil {
			return all
		}
		after := t.of(*other)
		if after == nil {
			return all
		}
		if left = after.goes(way); !after.open(way) {
			return append(all, *other)
		}
	}
}

// beside returns changes of anything but the role that might close a way.
func beside(m access.Model, way access.Way) (all []change) {
	for _, name := range slices.Sorted(maps.Keys(m.DataInputs)) {
		if d := m.DataInputs[name]; d.Mechanism() == access.ByStoreCredential && d.StorageAccount != "" {
			to, no := m, false
			to.DataInputs = maps.Clone(m.DataInputs)
			d.CredentialInStore = &no
			to.DataInputs[name] = d
			all = append(all, change{"keep " + name + " in a data store without a credential", to})
		}
	}
	if slices.ContainsFunc(way.Hops, func(h access.Hop) bool { return slices.Contains(h.Takes, access.FurtherIdentity) }) {
		to := m
		to.Clusters = maps.Clone(m.Clusters)
		for name, c := range m.Clusters {
			c.MoreIdentityIDs = nil
			to.Clusters[name] = c
		}
		all = append(all, change{"take moreIdentityIds from the clusters", to})
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
	all = append(all, change{"take " + strings.Join(way.Who, ", ") + " out of the invokers", without(m, way.Who)})
	if i, is := m.Invokers[way.Ends]; is { // somebody comes to act as an invoker
		for _, key := range slices.Sorted(maps.Keys(i.FederatedCredentials)) {
			to, i := m, i
			to.Invokers, i.FederatedCredentials = maps.Clone(m.Invokers), maps.Clone(i.FederatedCredentials)
			delete(i.FederatedCredentials, key)
			to.Invokers[way.Ends] = i
			all = append(all, change{"delete the federated credential " + key + " of " + way.Ends, to})
		}
		all = append(all, change{"take " + way.Ends + " out of the invokers", without(m, []string{way.Ends})})
	}
	return all
}

// without is the model without some of its invokers.
func without(m access.Model, names []string) access.Model {
	gone := func(of string) bool { return slices.Contains(names, of) }
	m.Invokers, m.Endpoints = maps.Clone(m.Invokers), maps.Clone(m.Endpoints)
	for _, name := range names {
		delete(m.Invokers, name)
	}
	for name, e := range m.Endpoints {
		if e.Invokers != nil {
			e.Invokers = slices.DeleteFunc(slices.Clone(e.Invokers), gone)
			m.Endpoints[name] = e
		}
	}
	for name, i := range m.Invokers {
		if len(i.Members) > 0 {
			i.Members = slices.DeleteFunc(slices.Clone(i.Members), gone)
			m.Invokers[name] = i
		}
	}
	return m
}

// withoutTargets removes from the role every action with one of the targets; false if it has none.
func withoutTargets(m access.Model, d roles.Definition, targets map[roles.Target]bool) (c change, does bool) {
	var gone []string
	permissions := slices.Clone(d.Permissions)
	for _, l := range roles.Escalations() {
		if !targets[l.To] || !d.Permissions.MayAllow(l.Action) {
			continue
		}
		gone = append(gone, short(l.Action.Name))
		for i, p := range permissions {
			if l.Action.Data {
				permissions[i].NotDataActions = append(slices.Clip(p.NotDataActions), l.Action.Name)
			} else {
				permissions[i].NotActions = append(slices.Clip(p.NotActions), l.Action.Name)
			}
		}
	}
	scope, _ := m.RoleScopeID()
	text, err := json.Marshal(map[string]any{"roleName": d.RoleName, "permissions": permissions,
		"assignableScopes": []string{scope}})
	if err != nil || len(gone) == 0 {
		return c, false
	}
	m.Role = access.Role{Scope: m.Role.Scope, Definition: string(text)}
	return change{"give a role of your own without " + strings.Join(gone, ", "), m}, true
}
