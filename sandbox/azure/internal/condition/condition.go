// Package condition reads and evaluates the conditions of role assignments (Azure ABAC, version 2.0). It is written
// from facts/conditions.md alone, whose sections the letters in the comments name, and knows nothing of the project's
// other reader of conditions. Where the sheet says that something is undocumented, every outcome that the sheet leaves
// open is possible.
package condition

import "github.com/batchaccess/batchaccess/sandbox/azure/internal/role"

// A Condition limits an assignment to some of the requests that its role allows. The zero value allows none.
type Condition struct{ root expression }

// A Request has what is known about a request.
type Request struct {
	// Action is an action or data action.
	Action string
	// Suboperation is a part of the action, such as Blob.List; "" for none, nil if not known.
	Suboperation *string
	// Attributes has values by Key of source and name. An attribute that is missing here is unknown.
	Attributes map[string]Value
}

// A Value is the value of an attribute: texts, or none if the request or the resource does not have the attribute. Open
// means that its one text is only the beginning: how it goes on, if it does, is unknown.
type Value struct {
	Texts []string
	Open  bool
}

// Text is the value of an attribute with one text.
func Text(s string) Value { return Value{Texts: []string{s}} }

// Below is the value of an attribute that begins with a text and may go on in any way.
func Below(s string) Value { return Value{Texts: []string{s}, Open: true} }

// Absent is the value of an attribute that the request or the resource does not have.
func Absent() Value { return Value{} }

// Allows reports whether the condition allows a request: yes, no, or undecided. It allows each action that it does not
// target (F).
func (c Condition) Allows(r Request) role.Answer {
	if c.root == nil {
		return role.No
	}
	switch came := c.root(r); {
	case came == holds:
		return role.Yes
	case came.may(holds):
		return role.Undecided
	}
	return role.No
}

// An expression returns all outcomes that it may have for a request.
type expression func(Request) outcomes

// outcomes is the set of outcomes that are possible.
type outcomes uint8

const (
	holds outcomes = 1 << iota
	fails
	// ends the whole evaluation, and access is refused (R). An absent attribute either has this outcome, or makes its
	// comparison false: A says only that access is refused.
	breaks

	absent   = fails | breaks
	anything = holds | fails | breaks
)

func (o outcomes) may(other outcomes) bool { return o&other != 0 }

func when(is bool) outcomes {
	if is {
		return holds
	}
	return fails
}

func (o outcomes) not() outcomes {
	turned := o & breaks
	if o.may(holds) {
		turned |= fails
	}
	if o.may(fails) {
		turned |= holds
	}
	return turned
}

// and is evaluated from left to right: the right side counts only if the left side is true (R).
func (o outcomes) and(behind outcomes) outcomes {
	if !o.may(holds) {
		return o
	}
	return o&^holds | behind
}

func (o outcomes) or(behind outcomes) outcomes {
	if !o.may(fails) {
		return o
	}
	return o&^fails | behind
}

// chain is expressions joined by AND and OR without parentheses. F calls a mix of both ambiguous. So it is read in two
// ways, with AND before OR and from left to right, and every outcome of either is possible.
func chain(parts []expression, ands []bool) expression {
	if len(parts) == 1 {
		return parts[0]
	}
	return func(r Request) outcomes {
		fromLeft, ors, group := parts[0](r), outcomes(0), parts[0](r)
		grouped := false
		closeGroup := func() {
			if !grouped {
				ors, grouped = group, true
			} else {
				ors = ors.or(group)
			}
		}
		for i, and := range ands {
			next := parts[i+1](r)
			if and {
				fromLeft, group = fromLeft.and(next), group.and(next)
				continue
			}
			closeGroup()
			fromLeft, group = fromLeft.or(next), next
		}
		closeGroup()
		return fromLeft | ors
	}
}

func negated(e expression) expression { return func(r Request) outcomes { return e(r).not() } }

// exists never ends the evaluation (F).
func exists(name string) expression {
	return func(r Request) outcomes {
		value, known := r.Attributes[name]
		if !known {
			return holds | fails
		}
		return when(len(value.Texts) > 0)
	}
}

// actionMatches uses the matcher of roles (Z).
func actionMatches(pattern string) expression {
	return func(r Request) outcomes {
		switch role.Matches(pattern, r.Action) {
		case role.Yes:
			return holds
		case role.No:
			return fails
		}
		return holds | fails
	}
}

func suboperationMatches(name string) expression {
	return func(r Request) outcomes {
		if r.Suboperation == nil {
			return holds | fails
		}
		return when(equalFold(name, *r.Suboperation))
	}
}
