package condition

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
)

// maxLength is in bytes (Q).
const maxLength = 8 << 10

// ErrUnknown marks a condition that Azure may accept or refuse: no document says which.
var ErrUnknown = errors.New("not known")

// Parse reads a new condition as Azure does. If Azure refuses it, the error has the place, in characters from 1. If it
// is not known whether Azure refuses it, the error wraps ErrUnknown.
func Parse(s string) (Condition, error) {
	c, wrong, unknown := read(s)
	switch {
	case wrong != "":
		return c, errors.New(wrong)
	case unknown != "":
		return c, fmt.Errorf("%w: %s", ErrUnknown, unknown)
	}
	return c, nil
}

// Held reads the condition of an existing assignment or role, which Azure has accepted. If it can't be read, its
// outcome is always undecided.
func Held(s string) Condition {
	c, _, _ := read(s)
	if c.root == nil {
		return Condition{func(Request) outcomes { return anything }}
	}
	return c
}

func read(s string) (c Condition, wrong, unknown string) {
	if len(s) > maxLength {
		return c, fmt.Sprintf("it has %d bytes, and at most %d are allowed", len(s), maxLength), ""
	}
	r := &reader{words: split(s)}
	root := r.chain()
	if r.next().text != "" {
		r.stop("the end or AND or OR")
	}
	if r.wrong == "" {
		c.root = root // an unknown or impossible attribute is accepted, and never has a value
	}
	return c, first(r.wrong, r.impossible), r.unknown
}

func first(texts ...string) string {
	for _, s := range texts {
		if s != "" {
			return s
		}
	}
	return ""
}

// A word is a part of a condition: a sign, a bare word, 'text', or @source[name]. at is its place, in characters from
// 1.
type word struct {
	text string
	at   int
}

// split cuts a condition into words. Characters that belong to no word make a word that the reader refuses.
func split(s string) (words []word) {
	all := []rune(s)
	for i := 0; i < len(all); {
		from := i
		switch c := all[i]; {
		case strings.ContainsRune(" \t\r\n", c):
			i++
			continue
		case c == '\'':
			i = closing(all, i, '\'')
		case c == '@':
			i = closing(all, i, ']')
		case bare(c):
			for i < len(all) && bare(all[i]) {
				i++
			}
		case i+1 < len(all) && (c == '&' || c == '|') && all[i+1] == c:
			i += 2
		default:
			i++
		}
		words = append(words, word{string(all[from:i]), from + 1})
	}
	return append(words, word{"", len(all) + 1})
}

// closing is the place after the next closing sign. If there is none, or a control character comes first, it is the
// place after the first character.
func closing(all []rune, from int, sign rune) int {
	for i := from + 1; i < len(all) && !unicode.IsControl(all[i]); i++ {
		if all[i] == sign {
			return i + 1
		}
		if sign == ']' && strings.ContainsRune("'@", all[i]) {
			break
		}
	}
	return from + 1
}

func bare(c rune) bool {
	return c < unicode.MaxASCII && (unicode.IsLetter(c) || unicode.IsDigit(c) || strings.ContainsRune(":-_.", c))
}

// A reader reads the words in order. It keeps the first fault, and stops there.
type reader struct {
	words                      []word
	wrong, impossible, unknown string
}

func (r *reader) next() word {
	if r.wrong != "" {
		return word{} // nothing more is read
	}
	return r.words[0]
}

func (r *reader) stop(wanted string) {
	if r.wrong != "" {
		return
	}
	found := first(r.words[0].text, "the end")
	r.wrong = fmt.Sprintf("at character %d, where %s stands, %s is expected", r.words[0].at, found, wanted)
}

// took steps over the next word if it is one of these, in any letter case.
func (r *reader) took(any ...string) bool {
	for _, w := range any {
		if next := r.next(); next.text != "" && strings.EqualFold(next.text, w) {
			r.words = r.words[1:]
			return true
		}
	}
	return false
}

func (r *reader) take(sign string) {
	if !r.took(sign) {
		r.stop(sign)
	}
}

func (r *reader) chain() expression {
	parts := []expression{r.unary()}
	var ands []bool
	for r.wrong == "" {
		and := r.took("AND", "&&")
		if !and && !r.took("OR", "||") {
			break
		}
		ands, parts = append(ands, and), append(parts, r.unary())
	}
	return chain(parts, ands)
}

func (r *reader) unary() expression {
	switch {
	case r.took("NOT", "!"):
		return negated(r.unary())
	case r.took("Exists"):
		key := r.attribute()
		if key == "" {
			r.stop("an attribute")
		}
		r.judge(key, "")
		return exists(key)
	case r.took("("):
		inner := r.chain()
		r.take(")")
		return inner
	case r.took("ActionMatches"):
		return actionMatches(r.argument())
	case r.took("SubOperationMatches"):
		return suboperationMatches(r.argument())
	}
	return r.comparison()
}

func (r *reader) argument() string {
	r.take("{")
	name, quoted := quotedText(r.next().text)
	if !quoted || name == "" {
		r.stop("a name in single quotes")
		return ""
	}
	r.words = r.words[1:]
	r.take("}")
	return name
}

func quotedText(s string) (inner string, is bool) {
	if len(s) < 2 || s[0] != '\'' || s[len(s)-1] != '\'' {
		return "", false
	}
	return s[1 : len(s)-1], true
}

// attribute is the key of the attribute that comes next; "" if none does.
func (r *reader) attribute() string {
	source, name, is := strings.Cut(strings.TrimSuffix(r.next().text, "]"), "[")
	source, name = strings.ToLower(source), strings.TrimSpace(name)
	if !strings.HasPrefix(source, "@") {
		return ""
	}
	if source = source[1:]; !is || name == "" || strings.Contains(name, "[") ||
		source != Resource && source != OfRequest && source != Principal && source != Environment {
		r.stop("@Resource[name], @Request[name], @Principal[name] or @Environment[name]")
		return ""
	}
	r.words = r.words[1:]
	return Key(source, name)
}

// judge notes what Azure refuses in an attribute, and what is not known about it.
func (r *reader) judge(key string, as kind) {
	if key == "" || r.wrong != "" {
		return
	}
	impossible, unknown := check(key, as)
	r.impossible, r.unknown = first(r.impossible, impossible), first(r.unknown, unknown)
}

func (r *reader) comparison() expression {
	left, from := r.operand(), r.words
	name := strings.ToLower(r.next().text)
	quantity, plain, quantified := strings.Cut(name, ":")
	if !quantified {
		quantity, plain = "", name
	}
	if plain == "" || !unicode.IsLetter(rune(plain[0])) {
		r.stop("an operator")
		return nil
	}
	var q *quantifier
	o, known := operatorNamed(plain)
	if quantified {
		of, is := quantifiers[quantity]
		if q = &of; !is || known && !o.many {
			r.stop("an operator, with a quantifier that it takes")
			return nil
		}
	}
	r.words = r.words[1:]
	right := r.operand()
	switch {
	case r.wrong != "":
		return nil
	case left.key == "" && right.key == "":
		r.words = from
		r.stop("an attribute on one side")
		return nil
	case !known:
		r.unknown = first(r.unknown, "the operator "+plain)
		return compared(left, right, operator{}, q)
	case q == nil && (left.braces || right.braces):
		r.unknown = first(r.unknown, "values in braces without a quantifier")
	}
	for _, side := range []operand{left, right} {
		r.judge(side.key, o.kind)
		for _, v := range side.values {
			if !fits(v, o.kind) {
				r.words = from
				r.stop(string(o.kind) + " beside that operator")
				return nil
			}
		}
	}
	return compared(bareTexts(left), bareTexts(right), o, q)
}

// fits reports whether a value is written as its kind requires: text and dates in quotes, GUIDs with or without, all
// others bare.
func fits(v string, k kind) bool {
	inner, quoted := quotedText(v)
	if !quoted {
		inner = v
	}
	is := true
	switch k {
	case number:
		_, _, is = whole(inner)
	case date:
		_, _, is = moment(inner)
	case truth:
		_, is = truthOf(inner)
	case guid:
		_, is = guidOf(inner)
		return is
	}
	return is && quoted == (k == text || k == date)
}

func bareTexts(o operand) operand {
	for i, v := range o.values {
		if inner, quoted := quotedText(v); quoted {
			o.values[i] = inner
		}
	}
	return o
}

func (r *reader) operand() (o operand) {
	if o.key = r.attribute(); o.key != "" {
		return o
	}
	if o.braces = r.took("{"); !o.braces {
		o.values = []string{r.value()}
		return o
	}
	for r.wrong == "" {
		if o.values = append(o.values, r.value()); r.took("}") {
			return o
		}
		r.take(",")
	}
	return o
}

func (r *reader) value() string {
	s := r.next().text
	_, quoted := quotedText(s)
	_, _, isNumber := whole(s)
	_, isTruth := truthOf(strings.ToLower(s))
	_, isGUID := guidOf(s)
	switch {
	case quoted:
	case isNumber, isTruth, isGUID:
		s = strings.ToLower(s)
	default:
		r.stop("an attribute, text in single quotes, a whole number, true, false or a GUID")
		return ""
	}
	r.words = r.words[1:]
	return s
}
