// Package rolediff says what one role allows beyond another. It must not know who holds the roles.
package rolediff

import (
	"slices"
	"strings"

	"github.com/batchaccess/batchaccess/roles"
)

// Anything stands for any text in an action: the action is what a wildcard covers beyond the names that are known here.
const Anything = "‹anything›"

// Difference returns what the wide permissions allow and the narrow ones do not, for certain or perhaps: the difference
// in effect, not in text. It looks at the known actions, at those that either names, and for each wildcard at an action
// that it covers and at where an exception narrows it: so an additional wildcard is found even if it covers no known
// action. Each action is in the result once, in a fixed order.
func Difference(wide, narrow roles.Permissions) []roles.Action {
	return slices.DeleteFunc(differing(wide, narrow), func(a roles.Action) bool {
		return !more(wide.Decide(a), narrow.Decide(a))
	})
}

// more reports whether one decision may allow what the other does not. Two decisions that depend on the same question
// allow the same.
func more(one, other roles.Decision) bool {
	switch {
	case one.Allowed:
		return !other.Allowed
	case one.Undecided == "" || other.Allowed:
		return false
	}
	same := one.Undecided == other.Undecided && one.Condition == other.Condition
	return !same || (one.DeniedBy == "") != (other.DeniedBy == "")
}

// differing returns the actions by which permissions differ.
func differing(all ...roles.Permissions) []roles.Action {
	var w witnesses
	for _, a := range roles.NamedActions() {
		w.add(a)
	}
	for _, data := range []bool{false, true} {
		var allow, not []string
		for _, ps := range all {
			for _, p := range ps {
				if data {
					allow, not = append(allow, p.DataActions...), append(not, p.NotDataActions...)
				} else {
					allow, not = append(allow, p.Actions...), append(not, p.NotActions...)
				}
			}
		}
		slices.Sort(allow)
		slices.Sort(not)
		allow, not = slices.Compact(allow), slices.Compact(not)
		for _, entry := range allow {
			w.add(roles.Action{Name: strings.ReplaceAll(entry, "*", Anything), Data: data})
			for _, exception := range not {
				if both, ok := overlap(entry, exception); ok {
					w.add(roles.Action{Name: both, Data: data})
				}
			}
		}
	}
	return w.list
}

type witnesses struct {
	list []roles.Action
	seen map[roles.Action]bool
}

func (w *witnesses) add(a roles.Action) {
	if w.seen == nil {
		w.seen = map[roles.Action]bool{}
	}
	key := roles.Action{Name: strings.ToLower(a.Name), Data: a.Data}
	if !w.seen[key] {
		w.seen[key] = true
		w.list = append(w.list, a)
	}
}

// overlap returns an action that both patterns match. Each has at most one wildcard, as in Azure.
func overlap(a, b string) (string, bool) {
	headA, tailA, wildA := strings.Cut(a, "*")
	headB, tailB, wildB := strings.Cut(b, "*")
	switch {
	case !wildA:
		return a, roles.Match(b, a)
	case !wildB:
		return b, roles.Match(a, b)
	}
	head, tail := headA, tailA
	if len(headB) > len(head) {
		head = headB
	}
	if len(tailB) > len(tail) {
		tail = tailB
	}
	both := head + Anything + tail
	return both, roles.Match(a, both) && roles.Match(b, both)
}
