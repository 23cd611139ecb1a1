package signin

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/batchaccess/batchaccess/internal/date"
	"github.com/batchaccess/batchaccess/internal/problem"
)

// minSecretLifetime and maxSecretLifetime are how long a client secret may live. Entra's own default is two years.
const (
	minSecretLifetime = 24 * time.Hour
	maxSecretLifetime = 731 * 24 * time.Hour
)

// A ClientSecret is a password of a service principal. Both ends are absolute, so that one preview sees the same
// secret as the next.
type ClientSecret struct {
	// StartDate is when the secret begins to be valid: a date such as 2026-11-01, or RFC 3339 in UTC. Required.
	StartDate string `pulumi:"startDate"`
	// EndDate is when the secret stops being valid, one day to two years (731 days) later. Required.
	EndDate string `pulumi:"endDate"`
	// Was is the name that the secret had here before, so that a rename replaces nothing. Entra keeps the first name.
	Was string `pulumi:"was,optional"`
}

// MaxLifetime is how long any client secret may live.
func (ClientSecret) MaxLifetime() time.Duration { return maxSecretLifetime }

// Period returns both ends in the one form that Entra gives back, to the second and in UTC. Dates are compared as text
// there, so any other form would replace the secret at every deployment. What is wrong with them has the path of the
// one end.
func (s ClientSecret) Period() (start, end time.Time, ps problem.List) {
	for _, one := range []struct {
		key, text string
		to        *time.Time
	}{{"startDate", s.StartDate, &start}, {"endDate", s.EndDate, &end}} {
		t, ok := date.Parse(one.text)
		if !ok {
			ps.Add(one.key, "write 2026-11-01 or 2026-11-01T00:00:00Z", "%q is not a date", one.text)
		}
		*one.to = t
	}
	return start, end, ps
}

// Problems returns what is wrong with the secret's dates; the paths are those of its own fields.
func (s ClientSecret) Problems() (ps problem.List) {
	start, end, ps := s.Period()
	if len(ps) > 0 {
		return ps
	}
	days := func(d time.Duration) string { return fmt.Sprintf("%d days", int(d.Hours()/24)) }
	switch life := end.Sub(start); {
	case life < minSecretLifetime:
		ps.Add("endDate", "write an end at least one day after the start", "the secret would live for %s",
			cmp.Or(map[bool]string{true: "no time"}[life <= 0], life.String()))
	case life > maxSecretLifetime:
		ps.Add("endDate", "write an end at most "+days(maxSecretLifetime)+" after the start, and rotate",
			"the secret would live for %s", days(life))
	}
	return ps
}

// ValidAt reports whether the secret is valid at that time. One whose dates are wrong never is.
func (s ClientSecret) ValidAt(t time.Time) bool {
	start, end, wrong := s.Period()
	return wrong == nil && !start.After(t) && end.After(t)
}

// A Gap is a time in which none of several secrets is valid.
type Gap struct {
	// Before is the name of the secret that ends at From, "" where there is none; After of the one that begins at To.
	Before, After string
	From, To      time.Time
}

// Gaps are the times, by time, in which none of the secrets is valid and after which one is, as far as they are not
// over at that time. Where nothing was valid before, the first begins then. Secrets whose dates are wrong do not count.
func Gaps(secrets map[string]ClientSecret, now time.Time) (gaps []Gap) {
	type period struct {
		name       string
		start, end time.Time
	}
	var all []period
	for _, name := range slices.Sorted(maps.Keys(secrets)) {
		if start, end, wrong := secrets[name].Period(); wrong == nil && end.After(start) {
			all = append(all, period{name, start, end})
		}
	}
	slices.SortStableFunc(all, func(a, b period) int { return a.start.Compare(b.start) })
	last := period{end: now}
	for _, next := range all {
		if next.start.After(last.end) && next.start.After(now) {
			gaps = append(gaps, Gap{last.name, next.name, last.end, next.start})
		}
		if last.name == "" || next.end.After(last.end) {
			last = next
		}
	}
	return gaps
}
