package config

import (
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// dateKeys are the keys of dates, which may be written without quotes.
var dateKeys = map[string]struct{}{"startDate": {}, "endDate": {}}

// lastDayKeys are the keys of last days, or of maps of them, which may be written without quotes and without a time.
var lastDayKeys = map[string]struct{}{"until": {}, "membersUntil": {}, "invokersUntil": {}}

// lastDay returns an unquoted date at the path of a last day as it was written. A date with a time of day stays as it
// is, and is refused.
func lastDay(path string, value any) any {
	parts := strings.Split(path, ".")
	_, is := lastDayKeys[parts[len(parts)-1]]
	if !is && len(parts) > 1 {
		_, is = lastDayKeys[parts[len(parts)-2]]
	}
	at, isTime := value.(time.Time)
	if text, isText := value.(string); isText && yamlTime.MatchString(text) {
		var err error
		at, err = time.Parse("2006-01-02 15:04:05 -0700 MST", text)
		isTime = err == nil
	}
	if day := at.UTC().Truncate(24 * time.Hour); is && isTime && at.Equal(day) {
		return day.Format(time.DateOnly)
	}
	return value
}

// text reads a text. A number is one as it is written; a value that YAML has changed is not.
func (d *decoder) text(path string, value any) (s string, ok bool) {
	const quote = "write text, in quotes"
	switch v := value.(type) {
	case string:
		switch {
		case isBlank(v):
			d.problem(path, "write a value, or leave the key out", "is empty")
			return "", false
		case yamlTime.MatchString(v):
			d.problem(path, quote, "is the date %s, which YAML read as a time", v)
			return "", false
		}
		return v, d.mayBeOpen(path)
	case int, int64, uint64: // version: 3
		return fmt.Sprint(v), d.mayBeOpen(path)
	case json.Number:
		if wholeNumber.MatchString(v.String()) {
			return v.String(), d.mayBeOpen(path)
		}
		d.problem(path, "write it in quotes: a number loses its last zeros", "is the number %v", v)
		return "", false
	case float64: // the same in JSON: 20261101 must not become 2.0261101e+07
		if v != math.Trunc(v) || math.Abs(v) > maxExact { // 3.10 has become 3.1
			d.problem(path, "write it in quotes: a number loses its last zeros", "is the number %v", v)
			return "", false
		}
		return strconv.FormatFloat(v, 'f', -1, 64), d.mayBeOpen(path)
	case unquoted:
		d.problem(path, quote, "is %s, which YAML reads as %v", v.text, v.value)
		return "", false
	case time.Time:
		d.problem(path, quote, "is the date %s, which YAML reads as a time", v.Format(time.DateOnly))
		return "", false
	}
	d.problem(path, quote, "is %s", describe(value))
	return "", false
}

// isBlank reports whether a text is empty or white space alone.
func isBlank(text string) bool { return strings.TrimSpace(text) == "" }

// maxExact is the largest whole number that JSON keeps exact.
const maxExact = 1 << 53

// wholeNumber matches a whole number that every reader reads as written.
var wholeNumber = regexp.MustCompile(`^(0|-?[1-9][0-9]*)$`)

// yamlTime matches the text that Pulumi makes of an unquoted date in a stack's YAML.
var yamlTime = regexp.MustCompile(`^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d+)? [+-]\d{4} \S+$`)

// asDate returns the date that was written, from the time that Pulumi made of it.
func asDate(text string) string {
	if at, err := time.Parse("2006-01-02 15:04:05 -0700 MST", text); err == nil && yamlTime.MatchString(text) {
		return at.UTC().Format(time.RFC3339)
	}
	return text
}

func truth(value any) (b, is bool) {
	switch value {
	case true, "true":
		return true, true
	case false, "false":
		return false, true
	}
	return false, false
}

func (d *decoder) number(path string, value any, into reflect.Value) {
	text := fmt.Sprint(value)
	if f, is := value.(float64); is && f == math.Trunc(f) && math.Abs(f) <= maxExact {
		text = strconv.FormatFloat(f, 'f', -1, 64) // of JSON
	}
	n, err := strconv.ParseInt(text, 10, 0)
	if _, changed := value.(unquoted); err != nil || changed || !wholeNumber.MatchString(text) {
		d.problem(path, "write a whole number", "is %s", describe(value))
		return
	}
	if d.mayBeOpen(path) {
		into.SetInt(n)
	}
}

func describe(value any) string {
	switch v := value.(type) {
	case map[string]any:
		return "an object"
	case []any:
		return "a list"
	case string:
		return strconv.Quote(v)
	case nil:
		return "nothing"
	case unquoted:
		return fmt.Sprintf("%s, which YAML reads as %v", v.text, v.value)
	default:
		return fmt.Sprint(v)
	}
}
