package roles

import (
	"fmt"

	"github.com/batchaccess/batchaccess/internal/condition"
)

// A Decision says whether a role allows an action and which of its entries decided it.
type Decision struct {
	Allowed   bool
	Entry     string // the actions entry that covers the action; "" if none does
	DeniedBy  string // the notActions entry that takes it away again; "" if none does
	Undecided string // why it can't be decided (Allowed is then false); "" if it is decided
	Condition string // the role's condition, if that is why it is undecided
}

// The reasons why an action is undecided.
const (
	// Whether `/*/` in a role also matches a single `/` is documented nowhere, and decides some roles
	// (facts/built-in-roles.md).
	undecidedWildcard  = "no document says whether /*/ may stand for a single /"
	undecidedCondition = "the role allows it on a condition of its own"
)

// String returns the decision in a few words for a reviewer.
func (d Decision) String() string {
	switch {
	case d.Undecided != "" && d.DeniedBy != "":
		return "undecided: covered by " + d.Entry + " and perhaps taken away by " + d.DeniedBy + ": " + d.Undecided
	case d.Undecided != "":
		return "undecided: perhaps allowed by " + d.Entry + ": " + d.Undecided
	case d.Allowed:
		return "allowed by " + d.Entry
	case d.Entry != "":
		return "covered by " + d.Entry + " but taken away by " + d.DeniedBy
	default:
		return "covered by no entry"
	}
}

// Action decides on an action of the control plane, such as Microsoft.MachineLearningServices/workspaces/read.
func (ps Permissions) Action(action string) Decision {
	return ps.decide(action, func(p Permission) ([]string, []string) { return p.Actions, p.NotActions })
}

// DataAction decides on an action of the data plane, such as
// Microsoft.Storage/storageAccounts/blobServices/containers/blobs/read.
func (ps Permissions) DataAction(action string) Decision {
	return ps.decide(action, func(p Permission) ([]string, []string) { return p.DataActions, p.NotDataActions })
}

// Decide decides on an action, on its own plane.
func (ps Permissions) Decide(a Action) Decision {
	if a.Data {
		return ps.DataAction(a.Name)
	}
	return ps.Action(a.Name)
}

// Allows reports whether the permissions certainly allow the action.
func (ps Permissions) Allows(a Action) bool { return ps.Decide(a).Allowed }

// MayAllow reports whether the permissions allow the action, or it is undecided whether they do.
func (ps Permissions) MayAllow(a Action) bool {
	d := ps.Decide(a)
	return d.Allowed || d.Undecided != ""
}

// decide looks at each permission alone: notActions and a condition narrow their own permission, and deny nothing that
// another one allows (Azure: effective permissions are actions less notActions, and they add up). The best decision
// counts.
func (ps Permissions) decide(action string, side func(Permission) (allow, not []string)) Decision {
	var best Decision
	for _, p := range ps {
		allow, not := side(p)
		d := decideOne(allow, not, action)
		if d.Allowed && p.Condition != "" {
			switch holdsFor(p.Condition, action) {
			case condition.No:
				d = Decision{}
			case condition.Undecided:
				d = Decision{Entry: d.Entry, Undecided: undecidedCondition, Condition: p.Condition}
			}
		}
		if d.Allowed {
			return d
		}
		if best.Entry == "" || best.Undecided == "" && d.Undecided != "" {
			best = d
		}
	}
	return best
}

func decideOne(allow, not []string, action string) Decision {
	entry, certainly := bestMatch(allow, action)
	if entry == "" {
		return Decision{}
	}
	deniedBy, denied := bestMatch(not, action)
	switch {
	case denied && certainly:
		return Decision{Entry: entry, DeniedBy: deniedBy}
	case denied, !certainly && deniedBy != "":
		return Decision{} // both depend on the same question, so it is never allowed
	case !certainly || deniedBy != "":
		return Decision{Entry: entry, DeniedBy: deniedBy, Undecided: undecidedWildcard}
	}
	return Decision{Allowed: true, Entry: entry}
}

// Missing returns those of the article's 35 actions that the permissions certainly do not allow, in the article's
// order. Callers must look at Undecided too.
func (ps Permissions) Missing() []string {
	return invokerActions(func(a Action) bool { return !ps.MayAllow(a) })
}

// Undecided returns those of the article's 35 actions of which it can't be decided whether the permissions allow them,
// in the article's order.
func (ps Permissions) Undecided() []string {
	return invokerActions(func(a Action) bool { return ps.Decide(a).Undecided != "" })
}

func invokerActions(that func(Action) bool) (found []string) {
	for _, name := range invoker.Permissions[0].Actions {
		if that(Action{Name: name}) {
			found = append(found, name)
		}
	}
	return found
}

// bestMatch returns the first pattern that certainly covers the action, or else the first that perhaps does; "" if
// none does.
func bestMatch(patterns []string, action string) (best string, certainly bool) {
	for _, pattern := range patterns {
		if Match(pattern, action) {
			return pattern, true
		}
		if best == "" && condition.PerhapsMatches(pattern, action) {
			best = pattern
		}
	}
	return best, false
}

// FirstOf returns the first action and the number of the others; "" for none.
func FirstOf(actions []string) string {
	switch len(actions) {
	case 0:
		return ""
	case 1:
		return actions[0]
	default:
		return fmt.Sprintf("%s (and %d more)", actions[0], len(actions)-1)
	}
}
