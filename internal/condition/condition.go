// Package condition reads, prints, evaluates and compares the conditions of role assignments (Azure ABAC, version 2.0),
// as facts/conditions.md describes them. What that sheet calls undocumented is undecided here, and never allowed.
package condition

import (
	"strings"
)

// MaxLength is the longest condition, in bytes (facts/conditions.md, "Where a condition may stand").
const MaxLength = 8 * 1024

// A Condition says which requests its assignment allows, of those that the role allows.
type Condition struct{ root node }

// String returns the condition in one form: upper case words, single spaces, and the parentheses that it was written
// with or needs.
func (c Condition) String() string {
	var b strings.Builder
	c.root.print(&b)
	return b.String()
}

// An Answer is the answer to a question about a condition.
type Answer int

// The answers. Never treat Undecided as Yes.
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
// Microsoft.Storage/storageAccounts/blobServices/containers:name of the Resource. Letter case makes no difference in a
// name, except in the key of a tag.
type Attribute struct {
	Source Source
	Name   string
}

// is reports whether the attributes are the same.
func (a Attribute) is(b Attribute) bool { return a.key() == b.key() }

// key returns a form in which equal attributes are equal.
func (a Attribute) key() Attribute {
	name, tag, tagged := strings.Cut(a.Name, "<")
	name = strings.ToLower(name) // returns the same text if nothing changes
	if tagged {
		name += "<" + tag
	}
	return Attribute{a.Source, name}
}

func (a Attribute) String() string { return "@" + string(a.Source) + "[" + a.Name + "]" }

// A Request is what is known about a request for which a condition is evaluated.
type Request struct {
	Action string // or data action, such as Microsoft.Storage/storageAccounts/blobServices/containers/blobs/read
	// SubOperation such as Blob.List; "" for none, nil if it is not known.
	SubOperation *string
	// Attributes are the known values, as text: numbers, true and false, dates and GUIDs as conditions write them. An
	// attribute with an empty list is absent from the request. One that is not in the map is not known.
	Attributes map[Attribute][]string
	canonical  bool // Attributes has the keys of Attribute.key
	reading    reading
}

// A reading decides what the documents leave open, each point in one way for every condition. The zero reading decides
// nothing.
type reading struct {
	absent map[Attribute]result // result of a comparison with an absent attribute, by the attribute's key
	order  order
}

// An order is a way to read AND and OR beside each other without parentheses.
type order int

const (
	anyOrder order = iota
	andBeforeOr
	leftToRight
)

func (r Request) values(a Attribute) (values []string, known bool) {
	if values, known = r.Attributes[a]; known {
		return values, true
	}
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

	// A comparison with an absent attribute fails, or ends the evaluation; the documents say only that access is
	// refused (facts/conditions.md, "Attribute absent").
	absent    = no | broken
	undecided = yes | no | broken
)

// Evaluate decides whether the condition allows the request. It does if the condition's actions do not include the
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

// A group is an expression in parentheses.
type group struct{ of node }

func (g group) evaluate(r Request) result { return g.of.evaluate(r) }

func (g group) print(b *strings.Builder) {
	b.WriteString("(")
	g.of.print(b)
	b.WriteString(")")
}

type and struct{ parts []node }

// evaluate evaluates the parts from left to right, while they hold.
func (a and) evaluate(r Request) result { return chained(a.parts, r, yes) }

func (a and) print(b *strings.Builder) { join(b, a.parts, " AND ") }

type or struct{ parts []node }

// evaluate evaluates the parts from left to right, until one holds.
func (o or) evaluate(r Request) result { return chained(o.parts, r, no) }

// chained evaluates each part, as long as those before it may all have come out as goesOn.
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

// A mixed has AND and OR without parentheses between them, which Azure's documents call ambiguous. Its result has the
// outcomes of both ways to read it.
type mixed struct {
	text  []node // the parts and words as written
	words []string
}

// evaluate evaluates each part once: if each reading did, a part in n parentheses would be evaluated 2^n times.
func (m mixed) evaluate(r Request) (all result) {
	parts := make([]node, len(m.text))
	for i, part := range m.text {
		parts[i] = decided(part.evaluate(r))
	}
	if r.reading.order != leftToRight {
		all |= andFirst(parts, m.words).evaluate(r)
	}
	if r.reading.order != andBeforeOr {
		all |= fromLeft(parts, m.words).evaluate(r)
	}
	return all
}

// decided is the result of a part that was evaluated before.
type decided result

func (c decided) evaluate(Request) result { return result(c) }

func (c decided) print(*strings.Builder) {}

func (m mixed) print(b *strings.Builder) {
	for i, part := range m.text {
		if i > 0 {
			b.WriteString(" " + m.words[i-1] + " ")
		}
		part.print(b)
	}
}

// exists reports whether an attribute exists; it never fails.
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

// actionMatches reports whether the pattern covers the request's action.
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

// subOperationMatches reports whether the request is the named part of its action.
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
