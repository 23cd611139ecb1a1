// Package date reads the dates that people write in a configuration.
package date

import "time"

// forms are what people write, and what Pulumi hands a program for a date that stands unquoted in a stack's YAML.
var forms = []string{time.DateOnly, "2006-01-02T15:04:05Z", "2006-01-02 15:04:05 +0000 UTC"}

// Parse reads a day, or a time to the second, in UTC; ok is false for any other text.
func Parse(s string) (t time.Time, ok bool) {
	for _, layout := range forms {
		if t, err := time.Parse(layout, s); err == nil {
			return t.UTC(), true
		}
	}
	return t, false
}
