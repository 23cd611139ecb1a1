// Package condition reads, prints, evaluates and compares the conditions of role assignments (Azure ABAC, version 2.0),
// as facts/conditions.md has them. What that sheet calls undocumented is undecided here, and never allowed.
package condition

import (
	"strings"
)

// MaxLength of a condition, in bytes (facts/conditions.md, "Where a condition may stand").
const MaxLength = 8 * 1024

// A Condition says which of the requests that a role allows its assignment allows too.
type Condition struct{ root node }

// String is the condition in one form: upper case words, single spaces, the parentheses that it was written with and
// those that it needs.
func (c Condition) String() string {
	var b strings.Builder
	c.root.print(&b)
	return b.String()
}

// An Answer is what is known of a question.
type Answer int

// The answers. Undecided is never to be taken for Yes.
const (
	Undecided Answer = iota
	No
	Yes
)

func (a Answer) String() string { return [...]string{"undecided", "no", "yes"}[a] }

// A Source is where an attribute comes from.
type Source string

// The sources.
const (
	Resource    Source = "Resource"
	OfRequest   Source = "Request"
	Principal   Source = "Principal"
	Environment Source = "Environment"
)

var sources = []Source{Resource, OfRequest, Principal, Environment}

// An Attribute is something that conditions ask about, such as
// Microsoft.Storage/storageAccounts/blobServices/containers:name of the Resource. Letter case does not tell names
// apart, but for the key of a tag.
type Attribute struct {
	Source Source
	Name   string
}

// Is reports whether the attributes are the same.
func (a Attribute) Is(b Attribute) bool { return a.key() == b.key() }

// key is the form in which equal attributes are equal.
func (a Attribute) key() Attribute {
	name, tag, tagged := strings.Cut(a.Name, "<")
	name = strings.ToLower(name) // which makes no new text where nothing changes
	if tagged {
		name += "<" + tag
	}
	return Attribute{a.Source, name}
}

func (a Attribute) String() string { return "@" + string(a.Source) + "[" + a.Name + "]" }

// A Request is what is known of a request when a condition is asked about it.
type Request struct {
	Action string // or data action, such as Microsoft.Storage/storageAccounts/blobServices/containers/blobs/read
	// SubOperation such as Blob.List; "" for none. nil where it is not known.
	SubOperation *string
	// Attributes are the values of those that are known, as text: numbers, true and false, dates and GUIDs as conditions
	// write them. One without a value is absent from the request. What is not among them is not known.
	Attributes map[Attribute][]string
	canonical  bool // the attributes are by their keys
}

func (r Request) values(a Attribute) (values []string, known bool) {
	if r.canonical {
		values, known = r.Attributes[a.key()]
		return values, known
	}
	for of, values := range r.Attributes {
		if of.Is(a) {
			return values, true
		}
	}
	return nil, false
}

// A node is a part of a condition.
type node interface {
	evaluate(Request) result
	print(*strings.Builder)
}

// A result is an Answer, or that an attribute is absent: then the comparison fails and access is refused, whatever the
// operator, but what becomes of its negation is documented nowhere (facts/conditions.md, "Attribute absent").
type result int

const (
	undecided result = iota
	no
	yes
	absent
)

// Evaluate decides whether the condition lets the request through. It does where its actions do not include the
// request's.
func (c Condition) Evaluate(r Request) Answer {
	return [...]Answer{undecided: Undecided, no: No, yes: Yes, absent: No}[c.root.evaluate(r)]
}

type not struct{ of node }

func (n not) evaluate(r Request) result {
	return [...]result{undecided: undecided, no: yes, yes: no, absent: undecided}[n.of.evaluate(r)]
}

func (n not) print(b *strings.Builder) {
	b.WriteString("!")
	n.of.print(b)
}

// A group is what stands in parentheses.
type group struct{ of node }

func (g group) evaluate(r Request) result { return g.of.evaluate(r) }

func (g group) print(b *strings.Builder) {
	b.WriteString("(")
	g.of.print(b)
	b.WriteString(")")
}

type and struct{ parts []node }

// evaluate: one part that does not hold is enough, whatever the others are.
func (a and) evaluate(r Request) result {
	all := yes
	for _, part := range a.parts {
		switch part.evaluate(r) {
		case no, absent:
			return no
		case undecided:
			all = undecided
		}
	}
	return all
}

func (a and) print(b *strings.Builder) { join(b, a.parts, " AND ") }

type or struct{ parts []node }

// evaluate: the parts are asked from left to right, and one that holds ends the asking. Whether it is still asked
// behind one whose attribute is absent, or may be, is not documented.
func (o or) evaluate(r Request) result {
	one, failed := no, false
	for _, part := range o.parts {
		switch part.evaluate(r) {
		case yes:
			if failed {
				return undecided
			}
			return yes
		case absent:
			failed = true
		case undecided:
			one, failed = undecided, true
		}
	}
	return one
}

func (o or) print(b *strings.Builder) { join(b, o.parts, " OR ") }

func join(b *strings.Builder, parts []node, between string) {
	for i, part := range parts {
		if i > 0 {
			b.WriteString(between)
		}
		part.print(b)
	}
}

// mixed is AND and OR without parentheses between them, which Azure's documents call ambiguous: it is decided where
// both ways to read it agree.
type mixed struct {
	text  []node // the parts and words as they stand
	words []string
}

// evaluate asks each part once: asked by either reading, a part in n parentheses would be asked 2^n times.
func (m mixed) evaluate(r Request) result {
	parts := make([]node, len(m.text))
	for i, part := range m.text {
		parts[i] = came(part.evaluate(r))
	}
	if one, other := andFirst(parts, m.words).evaluate(r), fromLeft(parts, m.words).evaluate(r); one == other {
		return one
	}
	return undecided
}

// came is a part that was asked.
type came result

func (c came) evaluate(Request) result { return result(c) }

func (c came) print(*strings.Builder) {}

func (m mixed) print(b *strings.Builder) {
	for i, part := range m.text {
		if i > 0 {
			b.WriteString(" " + m.words[i-1] + " ")
		}
		part.print(b)
	}
}

// exists reports whether an attribute is there; it never fails.
type exists struct{ attribute Attribute }

func (e exists) evaluate(r Request) result {
	values, known := r.values(e.attribute)
	switch {
	case !known:
		return undecided
	case len(values) == 0:
		return no
	default:
		return yes
	}
}

func (e exists) print(b *strings.Builder) { b.WriteString("Exists " + e.attribute.String()) }

// actionMatches reports whether the request's action is one of a pattern's.
type actionMatches struct{ pattern string }

func (a actionMatches) evaluate(r Request) result {
	switch {
	case Match(a.pattern, r.Action):
		return yes
	case PerhapsMatches(a.pattern, r.Action):
		return undecided
	default:
		return no
	}
}

func (a actionMatches) print(b *strings.Builder) { b.WriteString("ActionMatches{'" + a.pattern + "'}") }

// subOperationMatches reports whether the request is the part of its action that the name stands for.
type subOperationMatches struct{ name string }

func (s subOperationMatches) evaluate(r Request) result {
	switch {
	case r.SubOperation == nil:
		return undecided
	case strings.EqualFold(s.name, *r.SubOperation):
		return yes
	default:
		return no
	}
}

func (s subOperationMatches) print(b *strings.Builder) {
	b.WriteString("SubOperationMatches{'" + s.name + "'}")
}
