package role

import "strings"

// Answer is whether something is allowed. Undecided is no yes: it depends on what no document settles.
type Answer int

// The answers.
const (
	No     Answer = iota
	Denied        // by a deny assignment, which no role outweighs
	Undecided
	Yes
)

func (a Answer) String() string { return [...]string{"no", "denied", "undecided", "yes"}[a] }

// reading is one way to read what is not settled. A question is decided when the answer is the same in every reading.
type reading struct {
	// emptyBetweenSlashes lets the * of /*/ match nothing, and the two slashes be one (facts/built-in-roles.md: inferred).
	emptyBetweenSlashes bool
	// conditionsHold takes conditions as met.
	conditionsHold bool
}

var readings = []reading{{false, false}, {false, true}, {true, false}, {true, true}}

// Matches answers whether a pattern covers an action.
func Matches(pattern, action string) Answer {
	return Decide([]Permission{{Actions: []string{pattern}}}, nil, action, false)
}

// Decide answers whether permissions, together, allow an action, where none of the denials covers it. data says that
// it is an action on data. A permission with a condition is one of which it is undecided whether it holds.
func Decide(permissions, denials []Permission, action string, data bool) Answer {
	yes, denied := 0, 0
	for _, r := range readings {
		switch {
		case r.covered(denials, action, data):
			denied++
		case r.covered(permissions, action, data):
			yes++
		}
	}
	switch {
	case yes == len(readings):
		return Yes
	case yes > 0:
		return Undecided
	case denied == len(readings):
		return Denied
	}
	return No
}

// covered reports whether one permission has the action, and does not take it away itself: what another one takes away
// does not count.
func (r reading) covered(permissions []Permission, action string, data bool) bool {
	for _, p := range permissions {
		allow, not := p.Actions, p.NotActions
		if data {
			allow, not = p.DataActions, p.NotDataActions
		}
		if (p.Condition == "" || r.conditionsHold) && r.any(allow, action) && !r.any(not, action) {
			return true
		}
	}
	return false
}

func (r reading) any(patterns []string, action string) bool {
	for _, pattern := range patterns {
		switch {
		case !strings.Contains(pattern, "*"):
			// Most are another action: a job asks for 35, of roles that list as many. Actions are ASCII.
			if len(pattern) == len(action) && strings.EqualFold(pattern, action) {
				return true
			}
		case r.matches(strings.ToLower(pattern), strings.ToLower(action)):
			return true
		}
	}
	return false
}

// matches compares a pattern and an action in lower case: * is any run of characters, slashes among them.
func (r reading) matches(pattern, action string) bool {
	literal, rest, wild := strings.Cut(pattern, "*")
	if !wild {
		return pattern == action
	}
	if r.emptyBetweenSlashes && strings.HasSuffix(literal, "/") && strings.HasPrefix(rest, "/") &&
		strings.HasPrefix(action, literal) && r.matches(rest[1:], action[len(literal):]) {
		return true
	}
	if !strings.HasPrefix(action, literal) {
		return false
	}
	for i := len(literal); i <= len(action); i++ {
		if r.matches(rest, action[i:]) {
			return true
		}
	}
	return false
}
