package access

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/batchaccess/batchaccess/internal/date"
)

// Access can have an end: of an invoker (until), of a membership in a group that the stack makes (membersUntil) and of
// an invoker at one endpoint (invokersUntil). A date stands for the whole day, in UTC. After its end nothing is granted
// any more; what was made for an invoker, such as an application, stays until its entry is taken out.
//
// A plan does not look at the clock. Model.Ended is the latest end in the model that has passed, so that a model gives
// the same plan on each day until the next end.

// endsSoon is how long before an end a warning is given.
const endsSoon = 30 * 24 * time.Hour

// An end is one end of access in the model.
type end struct{ path, date string }

// over returns when the end's day is over; false if its date is wrong.
func (e end) over() (time.Time, bool) {
	day, ok := date.Parse(e.date)
	if !ok || day != day.Truncate(24*time.Hour) || strings.HasSuffix(e.date, "Z") {
		return day, false
	}
	return day.AddDate(0, 0, 1), true
}

// ends returns every end of the model, by path.
func (m Model) ends() (all []end) {
	add := func(path, date string) {
		if date != "" {
			all = append(all, end{path, date})
		}
	}
	for _, name := range sorted(m.Invokers) {
		add("invokers."+name+".until", m.Invokers[name].Until)
		for _, member := range sorted(m.Invokers[name].MembersUntil) {
			add("invokers."+name+".membersUntil."+member, m.Invokers[name].MembersUntil[member])
		}
	}
	for _, name := range sorted(m.Endpoints) {
		for _, invoker := range sorted(m.Endpoints[name].InvokersUntil) {
			add("endpoints."+name+".invokersUntil."+invoker, m.Endpoints[name].InvokersUntil[invoker])
		}
	}
	return all
}

// LastEnd returns the latest end in the model that has passed at the given time, as 2027-03-31; "" if none has. It is
// the value for Model.Ended.
func (m Model) LastEnd(now time.Time) (date string) {
	for _, e := range m.ends() {
		if over, ok := e.over(); ok && !now.Before(over) {
			date = max(date, over.AddDate(0, 0, -1).Format(time.DateOnly))
		}
	}
	return date
}

// Ends warns of every end that has passed at the given time, or will within 30 days.
func (m Model) Ends(now time.Time) (ps Problems) {
	for _, e := range m.ends() {
		over, ok := e.over()
		if !ok || over.Sub(now) > endsSoon {
			continue
		}
		day := over.AddDate(0, 0, -1).Format(time.DateOnly)
		if !now.Before(over) {
			ps.Warn("", e.path, "take out what has ended, or write a later date", "ended with %s, UTC: from the next "+
				"deployment on nothing is granted for it", day)
			continue
		}
		left := fmt.Sprintf("in %d days", int(over.Sub(now)/(24*time.Hour)))
		if over.Sub(now) < 48*time.Hour {
			left = fmt.Sprintf("in %d hours", int(over.Sub(now)/time.Hour))
		}
		ps.Warn("", e.path, "write a later date if it is to go on; the first deployment after it takes the access away",
			"ends with %s, UTC: %s", day, left)
	}
	return ps
}

// until checks the ends.
func (v *validator) until() {
	for _, e := range append(v.m.ends(), end{"ended", v.m.Ended}) {
		if _, ok := e.over(); !ok && e.date != "" {
			v.add(e.path, "write the last day as 2027-03-31: it counts whole, in UTC", "%q is not a date", e.date)
		}
	}
	for _, name := range sorted(v.m.Invokers) {
		i, at := v.m.Invokers[name], "invokers."+name+".membersUntil."
		for _, member := range sorted(i.MembersUntil) {
			v.dated(at+member, i.MembersUntil[member])
			if !slices.Contains(i.Members, member) {
				v.add(at+member, "name one of its members, or take it out", "%q is no member of the group", member)
			}
		}
	}
	for _, name := range sorted(v.m.Endpoints) {
		e, at := v.m.Endpoints[name], "endpoints."+name+".invokersUntil."
		for _, invoker := range sorted(e.InvokersUntil) {
			v.dated(at+invoker, e.InvokersUntil[invoker])
			_, is := v.m.Invokers[invoker]
			if !is || e.Invokers != nil && !slices.Contains(e.Invokers, invoker) {
				v.add(at+invoker, "name one of its invokers, or take it out", "%q does not invoke the endpoint by name", invoker)
			}
		}
	}
}

// dated refuses an entry without a date: its end would never come.
func (v *validator) dated(path, date string) {
	if date == "" {
		v.add(path, "write the last day as 2027-03-31, or take it out", "has no date")
	}
}

// isOver reports whether the end has passed, by Model.Ended.
func (m Model) isOver(date string) bool {
	last, ok := end{date: m.Ended}.over()
	over, is := end{date: date}.over()
	return ok && is && !over.After(last)
}

// inForce returns the model without the access that has ended: the plan is made of it. unasked are the assertions
// that name only principals whose access has ended.
func (m Model) inForce() (now Model, unasked []string) {
	gone := m.endedInvokers()
	stays := func(name string) bool { return !gone[name] }
	now = m
	now.Invokers, now.Endpoints = map[string]Invoker{}, maps.Clone(m.Endpoints)
	for name, i := range m.Invokers {
		if !stays(name) {
			continue
		}
		i.Members = kept(i.Members, func(member string) bool { return stays(member) && !m.isOver(i.MembersUntil[member]) })
		i.MembersUntil = keptOf(i.MembersUntil, i.Members)
		now.Invokers[name] = i
	}
	for name, e := range m.Endpoints {
		out := map[string]bool{}
		for invoker, date := range e.InvokersUntil {
			out[invoker] = m.isOver(date)
		}
		if e.Invokers == nil && slices.Contains(slices.Collect(maps.Values(out)), true) {
			e.Invokers = sorted(now.Invokers) // of which those who are out are taken, members of a group with it
			for group := range out {
				for _, member := range m.Invokers[group].Members {
					out[member] = out[member] || out[group]
				}
			}
		}
		e.Invokers = kept(e.Invokers, func(invoker string) bool { return stays(invoker) && !out[invoker] })
		e.InvokersUntil = keptOf(e.InvokersUntil, now.namedBy(e))
		now.Endpoints[name] = e
	}
	now.Assertions = maps.Clone(m.Assertions)
	for name, a := range m.Assertions {
		can, cannot := a.Can, a.Cannot
		a.Can, a.Cannot, a.Only = kept(can, stays), kept(cannot, stays), kept(a.Only, stays)
		now.Assertions[name] = a
		if len(a.Can)+len(a.Cannot) == 0 && len(can)+len(cannot) > 0 {
			delete(now.Assertions, name)
			unasked = append(unasked, name)
		}
	}
	slices.Sort(unasked)
	return now, unasked
}

// endedInvokers returns those whose access has ended: by their own end, by that of their group, or, for a group,
// because no member is left.
func (m Model) endedInvokers() map[string]bool {
	gone := map[string]bool{}
	for name, i := range m.Invokers {
		if m.isOver(i.Until) {
			gone[name] = true
			for _, member := range i.Members {
				gone[member] = true
			}
		}
	}
	for name, i := range m.Invokers {
		left := kept(i.Members, func(member string) bool { return !gone[member] && !m.isOver(i.MembersUntil[member]) })
		if len(i.Members) > 0 && len(left) == 0 {
			gone[name] = true
		}
	}
	return gone
}

// IsOver reports whether an invoker's access has ended.
func (m Model) IsOver(invoker string) bool { return m.endedInvokers()[invoker] }

// namedBy returns the invokers that an endpoint names, or all if it names none.
func (m Model) namedBy(e Endpoint) []string {
	if e.Invokers == nil {
		return sorted(m.Invokers)
	}
	return e.Invokers
}

// keptOf returns the ends of the names that stay.
func keptOf(ends map[string]string, names []string) map[string]string {
	ends = maps.Clone(ends)
	maps.DeleteFunc(ends, func(name, _ string) bool { return !slices.Contains(names, name) })
	return ends
}

// kept returns the names that stay, in a new list; nil stays nil, which is not the empty list.
func kept(names []string, stays func(string) bool) []string {
	return slices.DeleteFunc(slices.Clone(names), func(name string) bool { return !stays(name) })
}
