package guardrails

import (
	"slices"
	"strings"

	"github.com/batchaccess/batchaccess/roles"
)

// An Action is one thing that a role may allow, on the control plane or the data plane. It may hold Anything: then it stands
// for whatever a wildcard covers that has no name here.
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

// Allowed reports whether the permissions allow the action.
func (a Action) Allowed(ps roles.Permissions) bool {
	if a.Data {
		return ps.DataAction(a.Name).Allowed
	}
	return ps.Action(a.Name).Allowed
}

// Risk is what the action is filed under in package roles; "" for most.
func (a Action) Risk() roles.Risk { return risks[Action{strings.ToLower(a.Name), a.Data}] }

var risks = func() map[Action]roles.Risk {
	all := map[Action]roles.Risk{}
	for _, r := range roles.Risks() {
		for _, a := range roles.RiskyActions(r) {
			all[Action{strings.ToLower(a.Action), a.Data}] = r
		}
	}
	return all
}()

// known are the actions with a name here: the seed's 35, the additions, and those of risk.
var known = func() (all []Action) {
	for _, name := range roles.InvokerActions() {
		all = append(all, Action{Name: name})
	}
	for _, addition := range roles.Additions() {
		for _, name := range addition.Actions {
			all = append(all, Action{Name: name})
		}
	}
	for _, r := range roles.Risks() {
		for _, a := range roles.RiskyActions(r) {
			all = append(all, Action{a.Action, a.Data})
		}
	}
	return all
}()

// Beyond returns what wide allows and narrow does not: the difference in effect, not in text. It is judged over the known
// actions, those that either names, and for each wildcard over what it covers by itself and where an exception cuts it: so
// a wildcard more is found even if it covers nothing that has a name here. Each action is there once, in a fixed order.
func Beyond(wide, narrow roles.Permissions) []Action {
	return slices.DeleteFunc(Witnesses(wide, narrow), func(a Action) bool { return !a.Allowed(wide) || a.Allowed(narrow) })
}

// Witnesses are the actions by which permissions can be told apart.
func Witnesses(all ...roles.Permissions) []Action {
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
		for _, entry := range slices.Compact(allow) {
			w.add(Action{strings.ReplaceAll(entry, "*", Anything), data})
			for _, exception := range slices.Compact(not) {
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
