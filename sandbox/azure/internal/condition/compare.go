package condition

import (
	"strconv"
	"strings"
	"time"
	"unicode"
)

// kind is the kind of values that an operator compares.
type kind string

const (
	text   kind = "text"
	number kind = "a whole number"
	date   kind = "a date and time"
	truth  kind = "true or false"
	guid   kind = "a GUID"
)

// An operator compares a value on the left with one on the right.
type operator struct {
	kind    kind
	verdict func(left, right string, open bool) outcomes
	// many: quantifiers may stand before it (F).
	many bool
}

// operatorNamed finds an operator by its name in lower case.
func operatorNamed(name string) (operator, bool) {
	for prefix, family := range map[string]func(string) (operator, bool){
		"string": textOperator, "numeric": orderOperator(number, whole), "datetime": orderOperator(date, moment),
		"bool": sameOperator(truth, truthOf), "guid": sameOperator(guid, guidOf),
	} {
		if rest, is := strings.CutPrefix(name, prefix); is {
			return family(rest)
		}
	}
	return operator{}, false
}

func (o operator) negated(not bool) operator {
	if !not {
		return o
	}
	plain := o.verdict
	o.verdict = func(left, right string, open bool) outcomes { return plain(left, right, open).not() }
	return o
}

func textOperator(name string) (operator, bool) {
	name, not := strings.CutPrefix(name, "not")
	name, fold := strings.CutSuffix(name, "ignorecase")
	o := operator{kind: text, many: name != "startswith"}
	letters := func(s string) string { return s }
	if fold {
		letters = upper
	}
	var pattern func(string) []rune
	switch name {
	case "equals":
		pattern = literal
	case "startswith":
		pattern = func(s string) []rune { return append(literal(s), anyRun) }
	case "like":
		pattern = wildcards
	default:
		return o, false
	}
	o.verdict = func(left, right string, open bool) outcomes {
		return covers(pattern(letters(right)), letters(left), open)
	}
	return o.negated(not), true
}

// orderOperator compares values that have an order, such as numbers; read returns a value's place in it.
func orderOperator[T any](k kind, read func(string) (T, func(T) int, bool)) func(string) (operator, bool) {
	return func(name string) (operator, bool) {
		holdsFor, found := map[string]func(int) bool{
			"equals": func(c int) bool { return c == 0 }, "notequals": func(c int) bool { return c != 0 },
			"lessthan": func(c int) bool { return c < 0 }, "lessthanequals": func(c int) bool { return c <= 0 },
			"greaterthan": func(c int) bool { return c > 0 }, "greaterthanequals": func(c int) bool { return c >= 0 },
		}[name]
		return operator{kind: k, many: k == number, verdict: func(left, right string, open bool) outcomes {
			_, compare, isLeft := read(left)
			other, _, isRight := read(right)
			if !isLeft || !isRight || open {
				return anything
			}
			return when(holdsFor(compare(other)))
		}}, found
	}
}

// sameOperator compares values that are equal or not; read gives equal values one form.
func sameOperator(k kind, read func(string) (string, bool)) func(string) (operator, bool) {
	return func(name string) (operator, bool) {
		name, not := strings.CutPrefix(name, "not")
		o := operator{kind: k, many: k == guid, verdict: func(left, right string, open bool) outcomes {
			a, isLeft := read(left)
			b, isRight := read(right)
			if !isLeft || !isRight || open {
				return anything
			}
			return when(a == b)
		}}
		return o.negated(not), name == "equals"
	}
}

func whole(s string) (int64, func(int64) int, bool) {
	n, err := strconv.ParseInt(s, 10, 64)
	return n, func(other int64) int {
		switch {
		case n < other:
			return -1
		case n > other:
			return 1
		}
		return 0
	}, err == nil
}

// moment reads yyyy-mm-ddThh:mm:ss.mmmmmmmZ. time.Parse accepts a fraction even though the layout has none.
func moment(s string) (time.Time, func(time.Time) int, bool) {
	t, err := time.Parse("2006-01-02T15:04:05Z", s)
	return t, t.Compare, err == nil
}

func truthOf(s string) (string, bool) { return s, s == "true" || s == "false" }

// guidOf accepts GUIDs in any case, with or without hyphens (D, Z).
func guidOf(s string) (string, bool) {
	s = strings.ToLower(s)
	if len(s) == 36 && s[8] == '-' && s[13] == '-' && s[18] == '-' && s[23] == '-' {
		s = s[:8] + s[9:13] + s[14:18] + s[19:23] + s[24:]
	}
	return s, len(s) == 32 && strings.Trim(s, "0123456789abcdef") == ""
}

// upper makes letters that differ only in case equal, and keeps the number of characters.
func upper(s string) string { return strings.Map(unicode.ToUpper, s) }

func equalFold(a, b string) bool { return upper(a) == upper(b) }

// A pattern is a list of runes. These two, which no text has, stand for any run of characters and for any one
// character.
const (
	anyRun rune = -1
	anyOne rune = -2
)

func literal(s string) []rune { return []rune(s) }

// wildcards reads the right side of a Like operator: * and ? are wildcards unless a backslash stands before them (F).
func wildcards(s string) (pattern []rune) {
	escaped := false
	for _, c := range s {
		switch {
		case escaped && c != '*' && c != '?':
			pattern = append(pattern, '\\')
		case !escaped && c == '*':
			c = anyRun
		case !escaped && c == '?':
			c = anyOne
		}
		if escaped = c == '\\'; escaped {
			continue
		}
		pattern = append(pattern, c)
	}
	if escaped {
		pattern = append(pattern, '\\')
	}
	return pattern
}

// covers matches a whole text against a pattern. reached[i] is whether the first i runes of the pattern match the part
// of the text that was read. An open text may go on in any way. Then the pattern matches every continuation if only a
// run is left of it, and some continuation if anything else, or nothing, is left.
func covers(pattern []rune, s string, open bool) outcomes {
	reached := make([]bool, len(pattern)+1)
	reached[0] = true
	runs := func() {
		for i, p := range pattern {
			reached[i+1] = reached[i+1] || p == anyRun && reached[i]
		}
	}
	runs()
	for _, c := range s {
		next := make([]bool, len(pattern)+1)
		for i, p := range pattern {
			switch p {
			case anyRun:
				next[i+1] = reached[i+1] || reached[i]
			case anyOne, c:
				next[i+1] = reached[i]
			}
		}
		reached = next
		runs()
	}
	if !open {
		return when(reached[len(pattern)])
	}
	some := false
	for i, is := range reached {
		some = some || is
		if is && i > 0 && pattern[i-1] == anyRun && onlyRuns(pattern[i:]) {
			return holds
		}
	}
	if some {
		return holds | fails
	}
	return fails
}

func onlyRuns(pattern []rune) bool {
	for _, p := range pattern {
		if p != anyRun {
			return false
		}
	}
	return true
}

// An operand is an attribute, by its key, or values.
type operand struct {
	key    string
	values []string
	braces bool
}

func (o operand) of(r Request) (Value, bool) {
	if o.key == "" {
		return Value{Texts: o.values}, true
	}
	value, known := r.Attributes[o.key]
	return value, known
}

// A quantifier says how many values of the left side, and how many of the right side, have to match (F).
type quantifier struct{ allLeft, allRight bool }

var quantifiers = map[string]quantifier{
	"foranyofanyvalues": {}, "forallofanyvalues": {allLeft: true},
	"foranyofallvalues": {allRight: true}, "forallofallvalues": {true, true},
}

// compared is a comparison. Without a quantifier there is one value on each side: no document says what Azure does with
// several values, or with values in braces.
func compared(left, right operand, o operator, q *quantifier) expression {
	return func(r Request) outcomes {
		l, leftKnown := left.of(r)
		others, rightKnown := right.of(r)
		switch {
		case leftKnown && len(l.Texts) == 0, rightKnown && len(others.Texts) == 0:
			return absent
		case !leftKnown, !rightKnown, o.verdict == nil, others.Open:
			return anything
		case q == nil && (left.braces || right.braces || len(l.Texts) > 1 || len(others.Texts) > 1):
			return anything
		case q == nil:
			return o.verdict(l.Texts[0], others.Texts[0], l.Open)
		}
		var rows []outcomes
		for _, one := range l.Texts {
			var row []outcomes
			for _, other := range others.Texts {
				row = append(row, o.verdict(one, other, l.Open))
			}
			rows = append(rows, together(row, q.allRight))
		}
		return together(rows, q.allLeft)
	}
}

// together combines outcomes with AND (every one) or OR (any one).
func together(of []outcomes, every bool) outcomes {
	all := of[0]
	for _, next := range of[1:] {
		if every {
			all = all.and(next)
		} else {
			all = all.or(next)
		}
	}
	return all
}
