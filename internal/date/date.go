// Package date reads the dates that people write in a configuration.
package date

import "time"

// forms are the forms that people write, and the one that Pulumi passes to a program for an unquoted date in a stack's
// YAML.
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
