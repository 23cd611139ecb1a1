package rehearsal

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/batchaccess/batchaccess/access"
)

// The rehearsal reads by itself, from the dates in the configuration and from its own clock, whose access is over
// (docs/configuration.md: until, membersUntil, invokersUntil). Model.Ended is of package access, as is the program's
// reading of it: a mistake there must not be repeated here.

// isOver reports whether a last day is over at a time: the day counts whole, in UTC. Pulumi may have added a time to
// the date. What is no date ends nothing; package access refuses it.
func isOver(until string, now time.Time) bool {
	day, err := time.Parse(time.DateOnly, until[:min(len(until), len(time.DateOnly))])
	return err == nil && !now.Before(day.Add(24*time.Hour))
}

// inForce returns the model without the access that is over at a time, and without any dates.
func inForce(m access.Model, now time.Time) access.Model {
	gone := map[string]bool{}
	for name, i := range m.Invokers {
		if isOver(i.Until, now) {
			gone[name] = true
			for _, member := range i.Members {
				gone[member] = true
			}
		}
	}
	without := func(names []string, out func(string) bool) []string {
		return slices.DeleteFunc(slices.Clone(names), out) // nil stays nil: for an endpoint it means everybody
	}
	isGone := func(name string) bool { return gone[name] }
	invokers := map[string]access.Invoker{}
	for name, i := range m.Invokers {
		members := len(i.Members)
		i.Members = without(i.Members, func(member string) bool {
			return gone[member] || isOver(i.MembersUntil[member], now)
		})
		if i.Until, i.MembersUntil = "", nil; members > 0 && len(i.Members) == 0 {
			gone[name] = true // nobody is left in it
		}
		invokers[name] = i
	}
	maps.DeleteFunc(invokers, func(name string, _ access.Invoker) bool { return gone[name] })
	endpoints := maps.Clone(m.Endpoints)
	for name, e := range endpoints {
		out := maps.Clone(gone)
		for invoker, until := range e.InvokersUntil {
			if !isOver(until, now) {
				continue
			}
			if out[invoker] = true; e.Invokers == nil { // else the members whom it names stay
				for _, member := range m.Invokers[invoker].Members {
					out[member] = true
				}
			}
		}
		if e.Invokers == nil && len(out) > len(gone) {
			e.Invokers = slices.Sorted(maps.Keys(invokers))
		}
		e.Invokers = without(e.Invokers, func(name string) bool { return out[name] })
		e.InvokersUntil = nil
		endpoints[name] = e
	}
	assertions := map[string]access.Assertion{}
	for name, a := range m.Assertions {
		asked := len(a.Can) + len(a.Cannot)
		a.Can, a.Cannot, a.Only = without(a.Can, isGone), without(a.Cannot, isGone), without(a.Only, isGone)
		if asked == 0 || len(a.Can)+len(a.Cannot) > 0 {
			assertions[name] = a
		}
	}
	m.Invokers, m.Endpoints, m.Assertions, m.Ended = invokers, endpoints, assertions, ""
	return m
}

// settled returns the model with each end that is over long ago, and without the others: package access then finds the
// same access over as the rehearsal, whichever day it takes for the last.
func settled(m access.Model, now time.Time) access.Model {
	const longAgo, ended = "2000-01-01", "2001-01-01"
	m.Ended = ""
	settle := func(until string) string {
		if !isOver(until, now) {
			return ""
		}
		m.Ended = ended
		return longAgo
	}
	all := func(ends map[string]string) map[string]string {
		kept := map[string]string{}
		for name, until := range ends {
			if until = settle(until); until != "" {
				kept[name] = until
			}
		}
		return kept
	}
	m.Invokers, m.Endpoints = maps.Clone(m.Invokers), maps.Clone(m.Endpoints)
	for name, i := range m.Invokers {
		i.Until, i.MembersUntil = settle(i.Until), all(i.MembersUntil)
		m.Invokers[name] = i
	}
	for name, e := range m.Endpoints {
		e.InvokersUntil = all(e.InvokersUntil)
		m.Endpoints[name] = e
	}
	return m
}

// planAt returns the plan of a model at a time, and the model without access that is over; or an error with all that is
// wrong with it.
func planAt(m access.Model, now time.Time) (*access.Plan, access.Model, error) {
	plan, problems := access.Compile(m) // which looks at the dates
	if plan != nil {
		plan, problems = access.Compile(settled(m, now))
	}
	if plan == nil {
		return nil, m, fmt.Errorf("the access of the stack:\n%w", problems.Err())
	}
	return plan, inForce(m, now), nil
}

// sameEnds is an error if access ended between two times: the program may have looked at its clock before or after.
func sameEnds(m access.Model, since, now time.Time) error {
	if slices.ContainsFunc(endsOf(m), func(until string) bool { return isOver(until, since) != isOver(until, now) }) {
		return errors.New("a day ended while the rehearsal ran, and with it the access of somebody: rehearse again")
	}
	return nil
}

// endsOf are all last days of the model.
func endsOf(m access.Model) (all []string) {
	for _, i := range m.Invokers {
		all = slices.AppendSeq(append(all, i.Until), maps.Values(i.MembersUntil))
	}
	for _, e := range m.Endpoints {
		all = slices.AppendSeq(all, maps.Values(e.InvokersUntil))
	}
	return all
}
