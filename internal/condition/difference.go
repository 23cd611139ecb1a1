package condition

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// An Operation is an action, with the part of it that SubOperationMatches names; "" for none.
type Operation struct{ Action, SubOperation string }

// Always is the condition of an assignment without a condition.
var Always = Condition{and{}}

// Difference looks for a request that one of the conditions allows and none of the others does: what the holder of the
// first gains over the holder of the others. The operations are those that the role allows; each is checked by itself.
// The answer is Yes with such a request, which has every attribute that matters; No; or Undecided, with the reason.
//
// For each attribute it tries one value of each sort that the conditions tell apart, so that No holds for all values
// and not only for those that it tried. An attribute is assumed to have one value or none. Each point that the
// documents leave open is decided in every possible way, the same for both sides, so that a condition never allows more
// than itself.
func Difference(conditions, others []Condition, operations []Operation) (
	answer Answer, request Request, because string) {
	s := search{conditions: conditions, others: others}
	s.values(slices.Concat(conditions, others))
	s.steps = 0 // the search for values is over; from here on requests are tried
	for _, o := range operations {
		for _, order := range s.orders {
			found := s.try(Request{Action: o.Action, SubOperation: &o.SubOperation, Attributes: map[Attribute][]string{},
				canonical: true, reading: reading{map[Attribute]result{}, order}}, 0)
			if found != nil {
				return Yes, *found, ""
			}
		}
	}
	if because = s.undecided; because == "" {
		because = s.open
	}
	if because != "" {
		return Undecided, Request{}, because
	}
	return No, Request{}, ""
}

// mostSteps bounds what a search may cost: a step is one comparison of a condition that is evaluated, or one pattern
// that goes on by one character. A search that takes more is undecided, after the same steps on every machine: seconds.
const mostSteps = 10_000_000

// spend counts steps. It returns false if there were too many, and records what takes them.
func (s *search) spend(steps int, on string) bool {
	if s.steps += steps; s.steps > mostSteps {
		s.open = cmp.Or(s.open, on)
		return false
	}
	return true
}

type search struct {
	conditions, others []Condition
	attributes         []Attribute
	sorts              map[Attribute][][]string // values to try, by sort
	orders             []order                  // the ways to read AND and OR
	size               int                      // of all conditions, in comparisons
	steps              int
	undecided          string // a request that is not decided
	open               string // why the answer can't be No
}

// try chooses values for the attributes from index from on. It stops with a choice as soon as it can't lead to such a
// request.
func (s *search) try(r Request, from int) *Request {
	if !s.spend(s.size, "the conditions distinguish too many sorts of requests") {
		return nil
	}
	mine, theirs := best(s.conditions, r), best(s.others, r)
	if mine == No || theirs == Yes {
		return nil
	}
	if mine == Yes && theirs == No {
		found := r
		found.reading, found.Attributes = reading{}, maps.Clone(r.Attributes)
		if best(s.conditions, found) == Yes && best(s.others, found) == No {
			return &found
		}
	}
	if from == len(s.attributes) {
		if s.undecided == "" {
			s.undecided = "it is not decided whether " + r.String() + " is let through"
		}
		return nil
	}
	a := s.attributes[from]
	for _, values := range s.sorts[a] {
		r.Attributes[a] = values
		for _, absent := range []result{no, broken} {
			r.reading.absent[a] = absent
			if found := s.try(r, from+1); found != nil {
				return found
			}
			if len(values) > 0 {
				break // it is never absent
			}
		}
	}
	delete(r.Attributes, a)
	return nil
}

// best combines the answers of several assignments: one that allows the request is enough.
func best(all []Condition, r Request) Answer {
	answer := No
	for _, c := range all {
		switch c.Evaluate(r) {
		case Yes:
			return Yes
		case Undecided:
			answer = Undecided
		}
	}
	return answer
}

// String describes the request for people.
func (r Request) String() string {
	said := r.Action
	if r.SubOperation != nil && *r.SubOperation != "" {
		said += " (" + *r.SubOperation + ")"
	}
	var with []string
	for a, values := range r.Attributes {
		name := string(a.Source) + " " + a.Name[strings.LastIndexAny(a.Name, "/")+1:]
		if len(values) == 0 {
			with = append(with, "no "+name)
		} else {
			with = append(with, name+" '"+strings.Join(values, "', '")+"'")
		}
	}
	slices.Sort(with)
	if len(with) > 0 {
		said += " with " + strings.Join(with, ", ")
	}
	return said
}

// values finds the attributes in the conditions, and the values to try for each.
func (s *search) values(all []Condition) {
	s.orders = []order{anyOrder}
	asked := map[Attribute][]compare{}
	name := func(a Attribute) {
		if _, is := asked[a.key()]; !is {
			s.attributes = append(s.attributes, a.key())
			asked[a.key()] = nil
		}
	}
	for _, c := range all {
		walk(c.root, func(n node) {
			s.size++
			switch n := n.(type) {
			case exists:
				name(n.attribute)
			case compare:
				for _, o := range []operand{n.left, n.right} {
					if o.attribute != nil {
						name(*o.attribute)
						asked[o.attribute.key()] = append(asked[o.attribute.key()], n)
					}
				}
				s.blame(n)
			case mixed:
				s.orders = []order{andBeforeOr, leftToRight}
			}
		})
	}
	s.sorts = map[Attribute][][]string{}
	for _, a := range s.attributes {
		s.sorts[a] = append(s.sortsOf(a, asked[a]), []string{}) // and the absent attribute
	}
	for _, a := range s.attributes { // values that two attributes may share
		for _, c := range asked[a] {
			if l, r := c.left.attribute, c.right.attribute; l != nil && r != nil {
				both := slices.Concat(s.sorts[l.key()], s.sorts[r.key()])
				slices.SortFunc(both, slices.Compare)
				both = slices.CompactFunc(both, slices.Equal)
				s.sorts[l.key()], s.sorts[r.key()] = both, both
			}
		}
	}
}

// blame records a comparison because of which the answer can't be No.
func (s *search) blame(c compare) {
	var b strings.Builder
	c.print(&b)
	several := func(o operand) bool { // attributes that may have several values
		return o.attribute != nil && (strings.Contains(o.attribute.Name, "$keys$") || o.attribute.Source == Principal)
	}
	switch {
	case c.left.attribute != nil && c.right.attribute != nil:
		s.open = "two attributes are compared: " + b.String()
	case !c.operator.known:
		s.open = c.operator.name + " is no operator that is known here: " + b.String()
	case c.left.attribute == nil && (c.operator.relation == like || c.operator.relation == startsWith):
		s.open = "a value is matched with an attribute: " + b.String()
	case c.quantifier != "" && (several(c.left) || several(c.right)):
		s.open = "an attribute may have several values: " + b.String()
	}
}

// sortsOf returns one value for each sort of values that the comparisons tell apart.
func (s *search) sortsOf(a Attribute, asked []compare) (sorts [][]string) {
	constants := map[kind][]string{}
	var patterns []pattern
	for _, c := range asked {
		for _, v := range slices.Concat(c.left.values, c.right.values) {
			constants[c.operator.kind] = append(constants[c.operator.kind], v.text)
			if c.operator.kind == text {
				patterns = append(patterns, textPattern(v.text, c.operator))
			}
		}
	}
	if len(constants) > 1 {
		s.open = "an attribute is compared as values of several kinds"
	}
	add := func(v string) { sorts = append(sorts, []string{v}) }
	for _, k := range slices.Sorted(maps.Keys(constants)) {
		switch k {
		case text:
			for _, v := range s.texts(a, patterns) {
				add(v)
			}
		case truth:
			add("true")
			add("false")
		case guid:
			for _, v := range constants[k] {
				add(v)
			}
			add(freshGUID(constants[k]))
		case number:
			for _, v := range constants[k] {
				n, _ := strconv.ParseInt(v, 10, 64)
				for _, near := range []int64{n - 1, n, n + 1} {
					add(strconv.FormatInt(near, 10))
				}
			}
		case date:
			for _, v := range constants[k] {
				t, _ := time.Parse(time.RFC3339Nano, v)
				for _, near := range []time.Duration{-1, 0, 1} { // a tick is 100 nanoseconds
					add(t.Add(near * 100).UTC().Format("2006-01-02T15:04:05.0000000Z"))
				}
			}
		}
	}
	if len(sorts) == 0 { // only its existence is asked
		add("x")
	}
	return sorts
}

// freshGUID returns a GUID that is not among the taken ones.
func freshGUID(taken []string) string {
	for n := 0; ; n++ {
		fresh := fmt.Sprintf("%08x-0000-4000-8000-000000000000", n)
		if !slices.ContainsFunc(taken, func(g string) bool { return sameGUID(g, fresh) }) {
			return fresh
		}
	}
}

// texts returns a shortest text for each way in which texts may match the patterns. It walks through all patterns at
// once, character by character, and stops at places where it has been before.
func (s *search) texts(a Attribute, patterns []pattern) (texts []string) {
	letters := alphabet(patterns)
	type place struct {
		at   [][]int
		text string
	}
	first := place{}
	for _, p := range patterns {
		first.at = append(first.at, p.start())
	}
	seen, ways := map[string]bool{placeKey(first.at): true}, map[string]bool{}
	for queue := []place{first}; len(queue) > 0; queue = queue[1:] {
		here := queue[0]
		way := make([]byte, len(patterns))
		for i, p := range patterns {
			if p.ends(here.at[i]) {
				way[i] = 1
			}
		}
		if !ways[string(way)] {
			ways[string(way)] = true
			texts = append(texts, here.text)
		}
		for _, c := range letters {
			cost := 0
			next := place{text: here.text + string(c), at: make([][]int, len(patterns))}
			for i, p := range patterns {
				next.at[i] = p.step(here.at[i], c)
				cost += 1 + len(next.at[i])
			}
			if !s.spend(cost, fmt.Sprintf("the texts that @%s[%s] is compared with distinguish too many sorts of values",
				a.Source, a.Name)) {
				return texts
			}
			if key := placeKey(next.at); !seen[key] {
				seen[key] = true
				queue = append(queue, next)
			}
		}
	}
	return texts
}

// placeKey is equal only for the same places in all patterns.
func placeKey(at [][]int) string {
	var key []byte
	for _, places := range at {
		for _, place := range places {
			key = binary.AppendUvarint(key, uint64(place)+1)
		}
		key = append(key, 0)
	}
	return string(key)
}

// alphabet returns each letter of the patterns, in both cases, and one letter that stands for all others.
func alphabet(patterns []pattern) (letters []rune) {
	var all strings.Builder
	for _, p := range patterns {
		for _, m := range p.marks {
			if !m.one && !m.run {
				all.WriteRune(m.char)
			}
		}
	}
	letters = []rune(strings.ToLower(all.String()) + strings.ToUpper(all.String()) + all.String())
	slices.Sort(letters)
	letters = slices.Compact(letters)
	for _, other := range "xyzw0123456789_~" {
		if !slices.Contains(letters, other) {
			return append(letters, other)
		}
	}
	return append(letters, '\u2603')
}

// walk visits all parts of a condition.
func walk(n node, visit func(node)) {
	visit(n)
	var parts []node
	switch n := n.(type) {
	case not:
		parts = []node{n.of}
	case group:
		parts = []node{n.of}
	case and:
		parts = n.parts
	case or:
		parts = n.parts
	case mixed:
		parts = n.text
	}
	for _, part := range parts {
		walk(part, visit)
	}
}

// Attributes returns the attributes in the condition, each once.
func (c Condition) Attributes() []Attribute {
	s := search{}
	s.values([]Condition{c})
	return s.attributes
}

// SubOperations returns the suboperations in the condition.
func (c Condition) SubOperations() (names []string) {
	walk(c.root, func(n node) {
		if s, is := n.(subOperationMatches); is && !slices.Contains(names, s.name) {
			names = append(names, s.name)
		}
	})
	return names
}
