package role

import "strings"

// Answer says whether something is allowed. Undecided is not a yes: no document settles the question.
type Answer int

// The answers.
const (
	No     Answer = iota
	Denied        // by a deny assignment, which wins over every role
	Undecided
	Yes
)

func (a Answer) String() string { return [...]string{"no", "denied", "undecided", "yes"}[a] }

// reading is one way to read what no document settles. A question is decided if the answer is the same in every
// reading.
type reading struct {
	// emptyBetweenSlashes: the * of /*/ may match nothing, and the two slashes become one (facts/built-in-roles.md:
	// inferred).
	emptyBetweenSlashes bool
	// conditionsHold: conditions are taken as true.
	conditionsHold bool
}

var readings = []reading{{false, false}, {false, true}, {true, false}, {true, true}}

// Matches answers whether a pattern covers an action.
func Matches(pattern, action string) Answer {
	return Decide([]Permission{{Actions: []string{pattern}}}, nil, action, false)
}

// Decide decides whether permissions, together, allow an action that no denial covers. data: it is an action on data. A
// permission with a condition is one for which it is undecided whether the condition is true.
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

// covered reports whether one permission has the action and does not exclude it itself. Exclusions of other permissions
// do not count.
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
			// Comparing lengths first is fast, and right because actions are ASCII: a job asks for 35 actions, of roles
			// with as many.
			if len(pattern) == len(action) && strings.EqualFold(pattern, action) {
				return true
			}
		case r.matches(strings.ToLower(pattern), strings.ToLower(action)):
			return true
		}
	}
	return false
}

// matches compares a pattern and an action in lower case: * is any run of characters, slashes included.
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
