package roles

import "strings"

// holdsFor reports whether the condition of a permission certainly holds for the action, whatever is asked of which
// resource: Microsoft's roles mostly say "unless the action is this one, or else the following". What can't be worked
// out from the action alone does not certainly hold.
func holdsFor(condition, action string) bool { return truth(condition, action) == yes }

type answer int

const (
	unknown answer = iota
	yes
	no
)

func (a answer) not() answer { return [...]answer{unknown: unknown, yes: no, no: yes}[a] }

// truth works a condition out as far as its action decides it: !, AND, OR, parentheses and ActionMatches. It takes an
// expression that mixes AND and OR without parentheses for unknown.
func truth(expression, action string) answer {
	expression = strings.TrimSpace(expression)
	ors, ands := split(expression, "OR", "||"), split(expression, "AND", "&&")
	switch {
	case len(ors) > 1 && len(ands) > 1:
		return unknown
	case len(ors) > 1:
		return combine(ors, action, yes)
	case len(ands) > 1:
		return combine(ands, action, no)
	}
	if rest, ok := strings.CutPrefix(expression, "!"); ok {
		return truth(rest, action).not()
	}
	if inner, ok := strings.CutPrefix(expression, "("); ok && strings.HasSuffix(inner, ")") {
		return truth(strings.TrimSuffix(inner, ")"), action)
	}
	if rest, ok := strings.CutPrefix(expression, "ActionMatches"); ok {
		rest = strings.TrimSpace(rest)
		pattern, ok := strings.CutPrefix(rest, "{'")
		pattern, closed := strings.CutSuffix(pattern, "'}")
		if !ok || !closed || strings.Contains(pattern, "'") || perhapsMatches(pattern, action) {
			return unknown
		}
		if Match(pattern, action) {
			return yes
		}
		return no
	}
	return unknown
}

// combine works out a chain of AND (one no decides it) or of OR (one yes does).
func combine(parts []string, action string, decides answer) answer {
	result := decides.not()
	for _, part := range parts {
		switch truth(part, action) {
		case decides:
			return decides
		case unknown:
			result = unknown
		}
	}
	return result
}

// split cuts an expression at an operator, outside of parentheses, braces, brackets and quotes.
func split(expression, word, sign string) (parts []string) {
	depth, quoted, start := 0, false, 0
	for i := 0; i < len(expression); i++ {
		switch c := expression[i]; {
		case c == '\'':
			quoted = !quoted
		case quoted:
		case strings.IndexByte("({[", c) >= 0:
			depth++
		case strings.IndexByte(")}]", c) >= 0:
			depth--
		case depth == 0:
			if n := operatorAt(expression, i, word, sign); n > 0 {
				parts = append(parts, expression[start:i])
				start, i = i+n, i+n-1
			}
		}
	}
	return append(parts, expression[start:])
}

func operatorAt(expression string, i int, word, sign string) int {
	rest := expression[i:]
	if strings.HasPrefix(rest, sign) {
		return len(sign)
	}
	if len(rest) > len(word) && strings.EqualFold(rest[:len(word)], word) &&
		i > 0 && boundary(expression[i-1]) && boundary(rest[len(word)]) {
		return len(word)
	}
	return 0
}

func boundary(c byte) bool { return strings.IndexByte(" \t\r\n()", c) >= 0 }
