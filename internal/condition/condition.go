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

// is reports whether the attributes are the same.
func (a Attribute) is(b Attribute) bool { return a.key() == b.key() }

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
	reading    reading
}

// A reading settles what the documents leave open, each point in one way for every condition that is asked. The zero
// one settles nothing.
type reading struct {
	absent map[Attribute]result // what a comparison with an attribute that is absent comes to, by the attribute's key
	order  order
}

// order is how AND and OR are read that stand beside each other without parentheses.
type order int

const (
	anyOrder order = iota
	andBeforeOr
	leftToRight
)

func (r Request) values(a Attribute) (values []string, known bool) {
	if r.canonical {
		values, known = r.Attributes[a.key()]
		return values, known
	}
	for of, values := range r.Attributes {
		if of.is(a) {
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

// A result is the set of ways in which a node may come out.
type result uint8

const (
	yes result = 1 << iota
	no
	broken // the evaluation ends here, and access is refused

	// absent: a comparison with an attribute that is absent fails, or ends the evaluation; the documents say only that
	// access is refused (facts/conditions.md, "Attribute absent").
	absent    = no | broken
	undecided = yes | no | broken
)

// Evaluate decides whether the condition lets the request through. It does where its actions do not include the
// request's.
func (c Condition) Evaluate(r Request) Answer {
	switch came := c.root.evaluate(r); {
	case came == yes:
		return Yes
	case came&yes == 0:
		return No
	default:
		return Undecided
	}
}

type not struct{ of node }

func (n not) evaluate(r Request) result {
	of := n.of.evaluate(r)
	turned := of & broken
	if of&yes != 0 {
		turned |= no
	}
	if of&no != 0 {
		turned |= yes
	}
	return turned
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

// evaluate: the parts are asked from left to right, while they hold.
func (a and) evaluate(r Request) result { return chained(a.parts, r, yes) }

func (a and) print(b *strings.Builder) { join(b, a.parts, " AND ") }

type or struct{ parts []node }

// evaluate: the parts are asked from left to right, until one holds.
func (o or) evaluate(r Request) result { return chained(o.parts, r, no) }

// chained asks each part, as long as those before it may all have come out as goesOn.
func chained(parts []node, r Request, goesOn result) result {
	all := goesOn
	for _, part := range parts {
		if all&goesOn == 0 {
			break
		}
		all = all&^goesOn | part.evaluate(r)
	}
	return all
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

// mixed is AND and OR without parentheses between them, which Azure's documents call ambiguous: it comes out as either
// way to read it does.
type mixed struct {
	text  []node // the parts and words as they stand
	words []string
}

// evaluate asks each part once: asked by either reading, a part in n parentheses would be asked 2^n times.
func (m mixed) evaluate(r Request) (all result) {
	parts := make([]node, len(m.text))
	for i, part := range m.text {
		parts[i] = came(part.evaluate(r))
	}
	if r.reading.order != leftToRight {
		all |= andFirst(parts, m.words).evaluate(r)
	}
	if r.reading.order != andBeforeOr {
		all |= fromLeft(parts, m.words).evaluate(r)
	}
	return all
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
		return yes | no
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
		return yes | no
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
		return yes | no
	case strings.EqualFold(s.name, *r.SubOperation):
		return yes
	default:
		return no
	}
}

func (s subOperationMatches) print(b *strings.Builder) {
	b.WriteString("SubOperationMatches{'" + s.name + "'}")
}
