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

// minSecretLifetime and maxSecretLifetime limit the lifetime of a client secret. Entra's own default is two years.
const (
	minSecretLifetime = 24 * time.Hour
	maxSecretLifetime = 731 * 24 * time.Hour
)

// A ClientSecret is a password of a service principal. Both dates are absolute, so that every preview sees the same
// secret.
type ClientSecret struct {
	// StartDate is when the secret begins to be valid: a date such as 2026-11-01, or RFC 3339 in UTC. Required.
	StartDate string `pulumi:"startDate"`
	// EndDate is when the secret stops being valid, one day to two years (731 days) later. Required.
	EndDate string `pulumi:"endDate"`
	// Was is the secret's earlier name here, so that a rename replaces nothing. Entra keeps the first name.
	Was string `pulumi:"was,optional"`
}

// MaxLifetime is the longest lifetime of any client secret.
func (ClientSecret) MaxLifetime() time.Duration { return maxSecretLifetime }

// Period returns both dates in the one form that Entra answers, to the second and in UTC. Pulumi compares them as text,
// so any other form would replace the secret at every deployment. The path of a problem is the wrong date's field.
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

// Problems returns what is wrong with the secret's dates; the paths are names of its own fields.
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

// ValidAt reports whether the secret is valid at that time. A secret with wrong dates never is.
func (s ClientSecret) ValidAt(t time.Time) bool {
	start, end, wrong := s.Period()
	return wrong == nil && !start.After(t) && end.After(t)
}

// A Gap is a time in which none of several secrets is valid.
type Gap struct {
	// Before is the name of the secret that ends at From, "" if there is none; After is the one that begins at To.
	Before, After string
	From, To      time.Time
}

// Gaps returns, in order of time, the times after now in which no secret is valid and after which one is. If no secret
// was valid before, the first gap begins now. Secrets with wrong dates do not count.
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
