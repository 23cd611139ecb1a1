package roles

import (
	"slices"
	"strings"
)

// An Action is one thing that a role may allow, on the control plane or the data plane. It may hold Anything: then it
// stands for whatever a wildcard covers that has no name here.
type Action struct {
	Name string `json:"action"`
	Data bool   `json:"data,omitempty"`
}

// Anything stands in an Action for any text.
const Anything = "‹anything›"

func (a Action) String() string {
	if a.Data {
		return a.Name + " (data)"
	}
	return a.Name
}

// known are the actions with a name here: the seed's 35, the additions, and those of risk.
var known = func() (all []Action) {
	for _, name := range InvokerActions() {
		all = append(all, Action{Name: name})
	}
	for _, addition := range Additions() {
		for _, name := range addition.Actions {
			all = append(all, Action{Name: name})
		}
	}
	for _, a := range risky {
		all = append(all, a.action)
	}
	return all
}()

// Beyond returns what the permissions allow and narrow does not, for certain or perhaps: the difference in effect,
// not in text. It is judged over the known actions, those that either names, and for each wildcard over what it
// covers by itself and where an exception cuts it: so a wildcard more is found even if it covers nothing that has a
// name here. Each action is there once, in a fixed order.
func (ps Permissions) Beyond(narrow Permissions) []Action {
	return slices.DeleteFunc(tellApart(ps, narrow), func(a Action) bool { return !more(ps.Decide(a), narrow.Decide(a)) })
}

// more reports whether one decision may allow what the other does not. Two that hang on the same question allow the
// same.
func more(one, other Decision) bool {
	switch {
	case one.Allowed:
		return !other.Allowed
	case one.Undecided == "" || other.Allowed:
		return false
	}
	same := one.Undecided == other.Undecided && one.Condition == other.Condition
	return !same || (one.DeniedBy == "") != (other.DeniedBy == "")
}

// tellApart gives the actions by which permissions can be told apart.
func tellApart(all ...Permissions) []Action {
	var w witnesses
	for _, a := range known {
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
			w.add(Action{strings.ReplaceAll(entry, "*", Anything), data})
			for _, exception := range not {
				if both, ok := overlap(entry, exception); ok {
					w.add(Action{both, data})
				}
			}
		}
	}
	return w.list
}

type witnesses struct {
	list []Action
	seen map[Action]bool
}

func (w *witnesses) add(a Action) {
	if w.seen == nil {
		w.seen = map[Action]bool{}
	}
	key := Action{strings.ToLower(a.Name), a.Data}
	if !w.seen[key] {
		w.seen[key] = true
		w.list = append(w.list, a)
	}
}

// overlap returns an action that both patterns match, each with at most one wildcard, as Azure allows.
func overlap(a, b string) (string, bool) {
	headA, tailA, wildA := strings.Cut(a, "*")
	headB, tailB, wildB := strings.Cut(b, "*")
	switch {
	case !wildA:
		return a, Match(b, a)
	case !wildB:
		return b, Match(a, b)
	}
	head, tail := headA, tailA
	if len(headB) > len(head) {
		head = headB
	}
	if len(tailB) > len(tail) {
		tail = tailB
	}
	both := head + Anything + tail
	return both, Match(a, both) && Match(b, both)
}
