package condition

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/batchaccess/batchaccess/internal/problem"
)

// Parse reads a condition. The problem names the character at which it can't be read, counted from 1.
func Parse(source string) (Condition, problem.List) {
	var ps problem.List
	if len(source) > MaxLength {
		ps.Add("", fmt.Sprintf("Azure allows %d", MaxLength), "the condition has %d bytes", len(source))
	}
	if i := strings.IndexFunc(source, func(r rune) bool {
		return unicode.IsControl(r) &&
			!strings.ContainsRune("\t\r\n", r)
	}); i >= 0 {
		ps.Add("", "leave it out: text of a word processor holds such characters",
			"character %d is a control character", utf8.RuneCountInString(source[:i])+1)
	}
	if len(ps) > 0 {
		return Condition{}, ps
	}
	p := parser{source: source}
	root := p.chain()
	if p.wrong == nil && p.peek() != "" {
		p.fail("join expressions with AND or OR", "nothing is expected here")
	}
	if p.wrong != nil {
		return Condition{}, problem.List{*p.wrong}
	}
	return Condition{root}, nil
}

type parser struct {
	source string
	at     int // the byte to read next
	wrong  *problem.Problem
}

// fail records the first error, at the next token.
func (p *parser) fail(fix, what string, args ...any) {
	if p.wrong != nil {
		return
	}
	next := p.peek()
	if next == "" {
		next = "the end"
	}
	p.wrong = &problem.Problem{Fix: fix, What: fmt.Sprintf("at character %d (%s): ",
		utf8.RuneCountInString(p.source[:p.at])+1, next) + fmt.Sprintf(what, args...)}
}

// tokens are the parts of a condition: an attribute, a text, a word with what may be joined to it, or a sign.
var tokens = regexp.MustCompile(`^(?:@[A-Za-z]+\[[^\[\]'@]*\]|'[^']*'|[A-Za-z0-9_:.+-]+|&&|\|\||[(){},!])`)

// peek returns the next token, "" at the end. Any other character is a token that nothing expects.
func (p *parser) peek() string {
	p.at += len(p.source[p.at:]) - len(strings.TrimLeft(p.source[p.at:], " \t\r\n"))
	rest := p.source[p.at:]
	if token := tokens.FindString(rest); token != "" {
		return token
	}
	_, size := utf8.DecodeRuneInString(rest)
	return rest[:size]
}

func (p *parser) take() string {
	token := p.peek()
	p.at += len(token)
	return token
}

// is takes the next token if it is one of the words, in any letter case.
func (p *parser) is(words ...string) bool {
	next := p.peek()
	found := slices.ContainsFunc(words, func(w string) bool { return strings.EqualFold(w, next) })
	if found {
		p.at += len(next)
	}
	return found
}

func (p *parser) expect(sign string) {
	if !p.is(sign) {
		p.fail("write "+sign, "%s is expected", sign)
	}
}

// chain reads expressions that AND or OR join.
func (p *parser) chain() node {
	parts, words := []node{p.unary()}, []string(nil)
	for p.wrong == nil {
		switch {
		case p.is("AND", "&&"):
			words = append(words, "AND")
		case p.is("OR", "||"):
			words = append(words, "OR")
		default:
			return joined(parts, words)
		}
		parts = append(parts, p.unary())
	}
	return nil
}

func joined(parts []node, words []string) node {
	ands, ors := slices.Contains(words, "AND"), slices.Contains(words, "OR")
	switch {
	case ands && ors:
		return mixed{parts, words}
	case ands:
		return and{parts}
	case ors:
		return or{parts}
	default:
		return parts[0]
	}
}

func andFirst(parts []node, words []string) node {
	var ors []node
	ands := []node{parts[0]}
	for i, word := range words {
		if word == "OR" {
			ors, ands = append(ors, and{ands}), nil
		}
		ands = append(ands, parts[i+1])
	}
	return or{append(ors, and{ands})}
}

func fromLeft(parts []node, words []string) node {
	all := parts[0]
	for i, word := range words {
		if word == "OR" {
			all = or{[]node{all, parts[i+1]}}
		} else {
			all = and{[]node{all, parts[i+1]}}
		}
	}
	return all
}

func (p *parser) unary() node {
	switch {
	case p.wrong != nil:
		return nil
	case p.is("NOT", "!"):
		return not{p.unary()}
	case p.is("Exists"):
		a, ok := p.attribute()
		if !ok {
			p.fail("write Exists @Resource[name]", "an attribute is expected")
		}
		return exists{a}
	case p.is("("):
		inner := p.chain()
		p.expect(")")
		return group{inner}
	case p.is("ActionMatches"):
		return actionMatches{p.call("ActionMatches", "Microsoft.Storage/…/blobs/read")}
	case p.is("SubOperationMatches"):
		return subOperationMatches{p.call("SubOperationMatches", "Blob.List")}
	default:
		return p.comparison()
	}
}

// call reads the argument of a function.
func (p *parser) call(function, example string) string {
	p.expect("{")
	argument := p.peek()
	if !strings.HasPrefix(argument, "'") || len(argument) < 3 {
		p.fail("write "+function+"{'"+example+"'}", "a name in single quotes is expected")
		return ""
	}
	p.take()
	p.expect("}")
	return strings.Trim(argument, "'")
}

func (p *parser) attribute() (a Attribute, ok bool) {
	token := p.peek()
	if !strings.HasPrefix(token, "@") || len(token) == 1 {
		return a, false
	}
	from, name, _ := strings.Cut(strings.TrimSuffix(token[1:], "]"), "[")
	at := slices.IndexFunc(sources, func(s Source) bool { return strings.EqualFold(string(s), from) })
	if name = strings.TrimSpace(name); at < 0 || name == "" {
		p.fail("write @Resource[name], @Request[…], @Principal[…] or @Environment[…]", "%s is no attribute", token)
		return a, true
	}
	p.take()
	return Attribute{sources[at], name}, true
}

func (p *parser) comparison() node {
	c := compare{left: p.operand()}
	if p.wrong != nil {
		return nil
	}
	name := p.peek()
	quantifier, plain, quantified := strings.Cut(name, ":")
	if !quantified {
		plain, quantifier = quantifier, ""
	}
	if plain == "" || !unicode.IsLetter([]rune(plain)[0]) {
		p.fail("write an operator, such as StringEquals", "an operator is expected")
		return nil
	}
	o, known := operators[strings.ToLower(plain)]
	if !known {
		o.name = plain
	}
	if quantified {
		at := slices.IndexFunc(quantifiers, func(q string) bool { return strings.EqualFold(q, quantifier) })
		switch {
		case at < 0:
			p.fail(problem.DidYouMean(quantifier, quantifiers), "%s is no quantifier", quantifier)
			return nil
		case known && !o.quantifiable():
			p.fail("leave the quantifier out", "%s takes none", o.name)
			return nil
		}
		quantifier = quantifiers[at]
	}
	p.take()
	c.quantifier, c.operator, c.right = quantifier, o, p.operand()
	if p.wrong != nil {
		return nil
	}
	for _, v := range append(slices.Clone(c.left.values), c.right.values...) {
		if known && !o.takes(v) {
			p.fail("write "+string(o.kind), "%s does not compare %s", o.name, v.text)
		}
	}
	if c.left.attribute == nil && c.right.attribute == nil {
		p.fail("ask about @Resource[…], @Request[…], @Principal[…] or @Environment[…]", "two values are compared")
	}
	return c
}

// operand reads an attribute, a value, or values in braces.
func (p *parser) operand() (o operand) {
	if a, ok := p.attribute(); ok {
		o.attribute = &a
		return o
	}
	if !p.is("{") {
		o.values = []value{p.value()}
		return o
	}
	o.braces = true
	for p.wrong == nil {
		if o.values = append(o.values, p.value()); !p.is(",") {
			p.expect("}")
			break
		}
	}
	return o
}

var bareForm = regexp.MustCompile(`^(?i:-?[0-9]+|true|false)$`)

func (p *parser) value() value {
	token := p.peek()
	switch {
	case len(token) > 1 && strings.HasPrefix(token, "'"):
		p.take()
		return value{strings.Trim(token, "'"), true}
	case isGUID(token):
		p.take()
		return value{token, false}
	case bareForm.MatchString(token):
		p.take()
		return value{strings.ToLower(token), false}
	}
	p.fail("write text in single quotes, a whole number, true, false, a GUID or an attribute", "a value is expected")
	return value{}
}
