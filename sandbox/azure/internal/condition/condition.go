// Package condition reads and evaluates the conditions of role assignments (Azure ABAC, version 2.0). It is written
// from facts/conditions.md alone, to which the letters in the comments refer, and knows nothing of the project's other
// reader of conditions. What the sheet calls undocumented can come out in every way that the sheet leaves open.
package condition

import "github.com/batchaccess/batchaccess/sandbox/azure/internal/role"

// A Condition limits an assignment to some of the requests that its role allows. The zero value lets none through.
type Condition struct{ root expression }

// A Request is what is known of a request.
type Request struct {
	// Action is an action or data action.
	Action string
	// Suboperation is a part of it, such as Blob.List, or "" for none; nil where it is not known.
	Suboperation *string
	// Attributes are by what Key makes of their source and name. An attribute that is not there is not known.
	Attributes map[string]Value
}

// A Value is what an attribute has: texts, or none where the request or the resource lacks it. Open says that its one
// text only begins so: how it goes on, if it does, is not known.
type Value struct {
	Texts []string
	Open  bool
}

// Text is the value of an attribute that has one.
func Text(s string) Value { return Value{Texts: []string{s}} }

// Below is the value of an attribute that begins with a text, and may go on in any way.
func Below(s string) Value { return Value{Texts: []string{s}, Open: true} }

// Absent is the value of an attribute that the request or the resource lacks.
func Absent() Value { return Value{} }

// Allows answers whether the condition lets a request through: yes, no, or undecided. It does so for each action that
// it does not target (F).
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

// An expression tells every way in which it can come out for a request.
type expression func(Request) outcomes

// outcomes is a set: the ways in which an expression can come out.
type outcomes uint8

const (
	holds outcomes = 1 << iota
	fails
	// breaks off the whole evaluation, and access is refused (R). So an absent attribute does, or its comparison merely
	// fails: A says no more than that access is refused.
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

// and is evaluated from left to right: what stands behind counts only where this one holds (R).
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

// chain is expressions joined by AND and OR without parentheses. Where both stand there, F calls that ambiguous: it is
// read with AND before OR, and from left to right, and comes out in every way that one of them does.
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

// exists never breaks (F).
func exists(name string) expression {
	return func(r Request) outcomes {
		value, known := r.Attributes[name]
		if !known {
			return holds | fails
		}
		return when(len(value.Texts) > 0)
	}
}

// actionMatches goes by the matcher of roles (Z).
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
