package condition

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

// A kind is the type of an operator's operands.
type kind string

const (
	text   kind = "text in single quotes"
	number kind = "a whole number"
	date   kind = "a date and time in single quotes, such as '2026-11-28T00:00:00.0Z'"
	truth  kind = "true or false"
	guid   kind = "a GUID"
)

// An operator compares two values. A comparison with an unknown operator is undecided.
type operator struct {
	name       string // as Microsoft's documents spell it
	kind       kind
	relation   relation
	negated    bool
	ignoreCase bool
	known      bool
}

type relation int

const (
	equals relation = iota
	startsWith
	like
	less
	lessOrEqual
)

// operators are those of facts/conditions.md, by name in lower case.
var operators = func() map[string]operator {
	all := map[string]operator{}
	add := func(o operator) {
		o.known = true
		all[strings.ToLower(o.name)] = o
	}
	for name, r := range map[string]relation{"Equals": equals, "StartsWith": startsWith, "Like": like} {
		for _, not := range []string{"", "Not"} {
			for _, fold := range []string{"", "IgnoreCase"} {
				add(operator{name: "String" + not + name + fold, kind: text, relation: r, negated: not != "",
					ignoreCase: fold != ""})
			}
		}
	}
	for prefix, k := range map[string]kind{"Numeric": number, "DateTime": date} {
		add(operator{name: prefix + "Equals", kind: k})
		add(operator{name: prefix + "NotEquals", kind: k, negated: true})
		add(operator{name: prefix + "LessThan", kind: k, relation: less})
		add(operator{name: prefix + "LessThanEquals", kind: k, relation: lessOrEqual})
		add(operator{name: prefix + "GreaterThan", kind: k, relation: lessOrEqual, negated: true})
		add(operator{name: prefix + "GreaterThanEquals", kind: k, relation: less, negated: true})
	}
	for prefix, k := range map[string]kind{"Bool": truth, "Guid": guid} {
		add(operator{name: prefix + "Equals", kind: k})
		add(operator{name: prefix + "NotEquals", kind: k, negated: true})
	}
	return all
}()

// quantifiable reports whether the sheet has the operator with quantifiers.
func (o operator) quantifiable() bool {
	return o.known && (o.kind == text && o.relation != startsWith || o.kind == number || o.kind == guid)
}

// quantifiers say how many values on the left and on the right have to match.
var quantifiers = []string{"ForAnyOfAnyValues", "ForAllOfAnyValues", "ForAnyOfAllValues", "ForAllOfAllValues"}

// An operand is an attribute, or values.
type operand struct {
	attribute *Attribute
	values    []value
	braces    bool
}

// A value is a literal in a condition. quoted says whether it is in quotes.
type value struct {
	text   string
	quoted bool
}

func (o operand) of(r Request) (values []string, known bool) {
	if o.attribute != nil {
		return r.values(*o.attribute)
	}
	for _, v := range o.values {
		values = append(values, v.text)
	}
	return values, true
}

func (o operand) print(b *strings.Builder) {
	if o.attribute != nil {
		b.WriteString(o.attribute.String())
		return
	}
	texts := make([]string, len(o.values))
	for i, v := range o.values {
		texts[i] = v.text
		if v.quoted {
			texts[i] = "'" + v.text + "'"
		}
	}
	list := strings.Join(texts, ", ")
	if o.braces {
		list = "{" + list + "}"
	}
	b.WriteString(list)
}

// A compare compares two operands.
type compare struct {
	left, right operand
	quantifier  string // "" for none
	operator    operator
}

func (c compare) print(b *strings.Builder) {
	c.left.print(b)
	b.WriteString(" ")
	if c.quantifier != "" {
		b.WriteString(c.quantifier + ":")
	}
	b.WriteString(c.operator.name + " ")
	c.right.print(b)
}

func (c compare) evaluate(r Request) result {
	left, leftKnown := c.left.of(r)
	right, rightKnown := c.right.of(r)
	switch {
	case leftKnown && len(left) == 0:
		return r.reading.of(c.left.attribute)
	case rightKnown && len(right) == 0:
		return r.reading.of(c.right.attribute)
	case !leftKnown || !rightKnown || !c.operator.known:
		return undecided
	case c.quantifier == "" && (len(left) > 1 || len(right) > 1 || c.left.braces):
		return undecided // the documents have it in the syntax, and in no example
	}
	var unclear bool
	pair := func(l, r string) bool {
		is, ok := c.operator.holds(l, r)
		unclear = unclear || !ok
		return is
	}
	// The left quantifier is about the left values, the right one about the right ones.
	some := strings.HasPrefix(c.quantifier, "ForAny")
	every := strings.HasSuffix(c.quantifier, "OfAllValues")
	matches := func(l string) bool {
		for _, r := range right {
			if pair(l, r) != every {
				return !every
			}
		}
		return every
	}
	is := !some
	for _, l := range left {
		if matches(l) == some {
			is = some
			break
		}
	}
	switch {
	case unclear:
		return undecided
	case is:
		return yes
	default:
		return no
	}
}

// of returns the result of a comparison with an absent attribute.
func (r reading) of(a *Attribute) result {
	if r.absent == nil {
		return absent
	}
	return r.absent[a.key()]
}

// takes reports whether a literal has the operator's kind.
func (o operator) takes(v value) bool {
	if _, ok := o.holds(v.text, v.text); !ok {
		return false
	}
	return o.kind == guid || v.quoted == (o.kind == text || o.kind == date)
}

// holds compares one value with another; ok is false if one of them does not have the operator's kind.
func (o operator) holds(l, r string) (is, ok bool) {
	switch o.kind {
	case text:
		is, ok = textPattern(r, o).matches(l), true
	case number:
		a, errA := strconv.ParseInt(l, 10, 64)
		b, errB := strconv.ParseInt(r, 10, 64)
		is, ok = ordered(o.relation, a, b), errA == nil && errB == nil
	case date:
		a, errA := time.Parse(time.RFC3339Nano, l)
		b, errB := time.Parse(time.RFC3339Nano, r)
		is, ok = ordered(o.relation, int64(a.Compare(b)), 0), errA == nil && errB == nil
	case truth:
		is, ok = l == r, isTruth(l) && isTruth(r)
	case guid:
		ok = isGUID(l) && isGUID(r)
		is = ok && sameGUID(l, r)
	}
	return is != o.negated, ok
}

func ordered(r relation, a, b int64) bool {
	switch r {
	case less:
		return a < b
	case lessOrEqual:
		return a <= b
	default:
		return a == b
	}
}

func isTruth(s string) bool { return s == "true" || s == "false" }

// isGUID reports whether a text is a GUID, with hyphens in their places or without. It is no regular expression because
// the conditions of those who assign roles are evaluated for each of Azure's roles.
func isGUID(s string) bool {
	digits := 0
	for i := range len(s) {
		switch c := s[i] | 0x20; { // in lower case
		case '0' <= s[i] && s[i] <= '9', 'a' <= c && c <= 'f':
			digits++
		case s[i] == '-' && digits >= 8 && digits <= 20 && digits%4 == 0 && s[i-1] != '-':
		default:
			return false
		}
	}
	return digits == 32
}

// sameGUID compares GUIDs. Letter case and hyphens do not count.
func sameGUID(a, b string) bool {
	if len(a) != len(b) || strings.Count(a, "-") != 4 {
		a, b = strings.ReplaceAll(a, "-", ""), strings.ReplaceAll(b, "-", "")
	}
	return strings.EqualFold(a, b)
}

// A pattern is a text to compare with, as a list of marks.
type pattern struct {
	marks []mark
	fold  bool
}

// A mark is one character, or any one (?), or any number of any characters (*).
type mark struct {
	char     rune
	one, run bool
}

func textPattern(s string, o operator) pattern {
	p := pattern{fold: o.ignoreCase}
	chars := []rune(s)
	for i := 0; i < len(chars); i++ {
		c := chars[i]
		switch {
		case o.relation == like && c == '\\' && i+1 < len(chars) && (chars[i+1] == '*' || chars[i+1] == '?'):
			i++
			p.marks = append(p.marks, mark{char: chars[i]})
		case o.relation == like && c == '*':
			p.marks = append(p.marks, mark{run: true})
		case o.relation == like && c == '?':
			p.marks = append(p.marks, mark{one: true})
		default:
			p.marks = append(p.marks, mark{char: p.letter(c)})
		}
	}
	if o.relation == startsWith {
		p.marks = append(p.marks, mark{run: true})
	}
	return p
}

func (p pattern) letter(c rune) rune {
	if p.fold {
		return []rune(strings.ToLower(string(c)))[0]
	}
	return c
}

// start returns the places in the marks at which a value may begin, step those after one more character. ends reports
// whether one of the places is the end. A * may match nothing.
func (p pattern) start() []int { return p.skip(nil, 0) }

func (p pattern) skip(at []int, place int) []int {
	for {
		if !slices.Contains(at, place) {
			at = append(at, place)
		}
		if place >= len(p.marks) || !p.marks[place].run {
			return at
		}
		place++
	}
}

func (p pattern) step(at []int, c rune) (next []int) {
	c = p.letter(c)
	for _, place := range at {
		switch {
		case place >= len(p.marks):
		case p.marks[place].run:
			next = p.skip(next, place)
		case p.marks[place].one || p.marks[place].char == c:
			next = p.skip(next, place+1)
		}
	}
	slices.Sort(next)
	return slices.Compact(next)
}

func (p pattern) ends(at []int) bool { return slices.Contains(at, len(p.marks)) }

func (p pattern) matches(s string) bool {
	at := p.start()
	for _, c := range s {
		at = p.step(at, c)
	}
	return p.ends(at)
}
