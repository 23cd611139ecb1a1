// Package odata reads the $filter expressions that Azure's clients send: terms joined by "and".
package odata

import (
	"fmt"
	"slices"
	"strings"
)

// Term is one condition: Field eq Value, Field/any(x:x eq Value), Function(Value), or Function(Field,Value).
type Term struct {
	Field    string
	Function string
	Value    string
	Quoted   bool // Quoted: Value is a string, and no true, null or number
	Any      bool // Any: one of the field's values is Value
}

// Filter is a conjunction of terms; the empty filter matches everything.
type Filter []Term

// Parse reads a filter. Quotes inside a string are doubled.
func Parse(text string) (Filter, error) {
	var filter Filter
	for rest := strings.TrimSpace(text); rest != ""; {
		term, after, err := parseTerm(rest)
		if err != nil {
			return nil, fmt.Errorf("in $filter %q: %w", text, err)
		}
		filter = append(filter, term)
		after = strings.TrimSpace(after)
		if after == "" {
			break
		}
		if len(after) < 4 || !strings.EqualFold(after[:4], "and ") {
			return nil, fmt.Errorf("in $filter %q: %q is not supported; terms are joined by 'and'", text, after)
		}
		rest = strings.TrimSpace(after[4:])
	}
	return filter, nil
}

func parseTerm(text string) (Term, string, error) {
	name, rest := word(text)
	if name == "" {
		return Term{}, "", fmt.Errorf("a property or function name is expected at %q", text)
	}
	if field, ok := strings.CutSuffix(name, "/any"); ok {
		return parseAny(field, rest)
	}
	if inner, ok := strings.CutPrefix(rest, "("); ok {
		value, field, isText := "", "", false
		if property, behind := word(inner); property != "" {
			var comma bool
			if field, comma = strings.CutSuffix(property, ","); !comma || field == "" || strings.Contains(field, ",") {
				return Term{}, "", fmt.Errorf("%s(%s: a property, a comma and a string in quotes are expected", name, property)
			}
			if inner = strings.TrimSpace(behind); !strings.HasPrefix(inner, "'") {
				return Term{}, "", fmt.Errorf("%s(%s, takes a string in quotes", name, field)
			}
		}
		if isText = strings.HasPrefix(inner, "'"); isText {
			var err error
			if value, inner, err = quoted(inner); err != nil {
				return Term{}, "", err
			}
		}
		after, ok := strings.CutPrefix(inner, ")")
		if !ok {
			return Term{}, "", fmt.Errorf("%s(...) takes nothing, a string in quotes, or a property and a string", name)
		}
		return Term{Function: name, Field: field, Value: value, Quoted: isText}, after, nil
	}
	operator, rest := word(strings.TrimSpace(rest))
	if !strings.EqualFold(operator, "eq") {
		return Term{}, "", fmt.Errorf("operator %q is not supported; use eq", operator)
	}
	rest = strings.TrimSpace(rest)
	if strings.HasPrefix(rest, "'") {
		value, after, err := quoted(rest)
		return Term{Field: name, Value: value, Quoted: true}, after, err
	}
	value, after := word(rest)
	if value == "" {
		return Term{}, "", fmt.Errorf("a value is expected after %s eq", name)
	}
	return Term{Field: name, Value: value}, after, nil
}

// parseAny reads the part after any: (x:x eq 'value').
func parseAny(field, text string) (Term, string, error) {
	inner, ok := strings.CutPrefix(text, "(")
	variable, rest, colon := strings.Cut(inner, ":")
	if !ok || !colon {
		return Term{}, "", fmt.Errorf("%s/any takes a condition on each value, such as (x:x eq 'value')", field)
	}
	term, rest, err := parseTerm(strings.TrimSpace(rest))
	if err != nil {
		return Term{}, "", err
	}
	after, ok := strings.CutPrefix(strings.TrimSpace(rest), ")")
	if !ok || term.Field != strings.TrimSpace(variable) || term.Any || term.Function != "" {
		return Term{}, "", fmt.Errorf("%s/any: only (x:x eq 'value') is supported", field)
	}
	return Term{Field: field, Value: term.Value, Quoted: term.Quoted, Any: true}, after, nil
}

func word(text string) (string, string) {
	end := strings.IndexFunc(text, func(r rune) bool { return strings.ContainsRune(" ()'", r) })
	if end < 0 {
		end = len(text)
	}
	return text[:end], text[end:]
}

func quoted(text string) (value, rest string, err error) {
	var b strings.Builder
	for i := 1; i < len(text); i++ {
		if text[i] != '\'' {
			b.WriteByte(text[i])
			continue
		}
		if i+1 < len(text) && text[i+1] == '\'' {
			b.WriteByte('\'')
			i++
			continue
		}
		return b.String(), text[i+1:], nil
	}
	return "", "", fmt.Errorf("the string %s is not closed", text)
}

// StartsWith is the only function that Matches knows: startswith(field,'value').
const StartsWith = "startswith"

// Matches compares the filter's fields with an object's, without case, as Azure does. These do not match: a field that
// the object does not have, any function but StartsWith, a list without any, and any on something that is no list.
func (f Filter) Matches(object map[string]any) bool {
	for _, term := range f {
		value, ok := object[term.Field]
		if !ok || value == nil {
			return false
		}
		if strings.EqualFold(term.Function, StartsWith) {
			text, isText := value.(string)
			if !isText || len(text) < len(term.Value) || !strings.EqualFold(text[:len(term.Value)], term.Value) {
				return false
			}
			continue
		}
		same := func(v any) bool { return strings.EqualFold(fmt.Sprint(v), term.Value) }
		values, isList := value.([]any)
		if term.Any != isList || isList && !slices.ContainsFunc(values, same) || !isList && !same(value) {
			return false
		}
	}
	return true
}
