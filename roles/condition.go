package roles

import (
	"sync"

	"github.com/batchaccess/batchaccess/internal/condition"
)

// Match reports whether a pattern of a role covers an action. Letters match without regard to case, and each `*`
// matches any run of characters, also an empty one and one with slashes.
func Match(pattern, action string) bool { return condition.Match(pattern, action) }

var conditions sync.Map // from their text to condition.Condition or nil: each action asks for its role's again

// holdsFor decides whether the condition of a permission holds for the action, for every resource and request.
// Microsoft's roles mostly say "unless the action is this one, or else the following". A condition that can't be read
// is undecided.
func holdsFor(text, action string) condition.Answer {
	read, known := conditions.Load(text)
	if !known {
		if c, ps := condition.Parse(text); len(ps) == 0 {
			read = c
		}
		conditions.Store(text, read)
	}
	c, is := read.(condition.Condition)
	if !is {
		return condition.Undecided
	}
	return c.Evaluate(condition.Request{Action: action})
}
