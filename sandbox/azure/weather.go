package azure

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Weather makes the sandbox as slow and unreliable as the real Azure. The zero Weather is calm: every change has effect
// at once, and nothing fails.
//
// The requests that it hits follow only from Seed and from each request's method, path and count, without the IDs that
// the sandbox makes up. So a client that sends the same requests meets the same weather in every run, in whatever order
// requests of different paths arrive.
type Weather struct {
	// Seed picks one of the possible courses of throttling, faults, lost answers and latency.
	Seed uint64

	// Replication is how long a new directory object is unknown elsewhere. Resource Manager answers PrincipalNotFound
	// for a new service principal unless principalType is given, and for a new group always. Microsoft Graph answers
	// 404 for a new group and a new federated credential, leaves out a new password, and refuses a service principal
	// for a new application: the reads after a write for which the azuread plugin waits, and no others.
	Replication time.Duration
	// Propagation is how long a new role assignment, role or group member has no effect yet, and an old one still has.
	// Azure: up to ten minutes. Seeded ones have effect at once.
	Propagation time.Duration
	// IdentityTokens is how long managed identities keep the access of the groups that they were in, because their
	// tokens are cached. Azure: up to 24 hours. It is never less than Propagation.
	IdentityTokens time.Duration
	// IdentityWrites is the time in which one managed identity takes one write of a federated credential, a subscription
	// eight and a tenant forty; what is more is answered 429, and not done. Azure: 4 seconds (facts/federation.md: 0.25,
	// 2 and 10 a second). 0 lets all through.
	IdentityWrites time.Duration

	// LeastLatency and Latency are the least and the most by which an answer is delayed. The delay is random between
	// them, or the least if that is more. Two equal values delay all answers alike.
	Latency, LeastLatency time.Duration

	// Throttling is the share of requests, from 0 to 1, that are answered 429 with RetryAfter, and not done.
	Throttling float64
	// RetryAfter is how long throttled and refused clients are told to wait, in whole seconds, rounded up; 0 means one
	// second.
	RetryAfter time.Duration
	// Faults is the share of requests, from 0 to 1, that are answered 500 or 503, and not done.
	Faults float64
	// LostAnswers is the share of changes, from 0 to 1, that are done and then answered 500. It applies to Resource
	// Manager only: creations in Microsoft Graph are not idempotent, and its clients don't recover from a lost answer.
	LostAnswers float64
}

// maxMishaps is how often in a row one request can go wrong: clients of Azure try at least three times more.
const maxMishaps = 2

// setting is one setting of a weather, as ParseWeather reads it and String writes it.
type setting struct {
	key, allowed string
	// read sets the value; its error leaves out what the field allowed says.
	read func(w *Weather, value string) error
	// write returns the value as text, "" for the value of calm weather.
	write func(w Weather) string
	// outside reports whether a value that was read is out of range.
	outside func(w Weather) bool
}

// settings are in the order in which String writes them.
var settings = []setting{
	{
		"seed", "a whole number from 0",
		func(w *Weather, value string) (err error) { w.Seed, err = strconv.ParseUint(value, 10, 64); return err },
		func(w Weather) string {
			if w.Seed == 0 {
				return ""
			}
			return strconv.FormatUint(w.Seed, 10)
		},
		func(Weather) bool { return false },
	},
	duration("replication", func(w *Weather) *time.Duration { return &w.Replication }),
	duration("propagation", func(w *Weather) *time.Duration { return &w.Propagation }),
	duration("identityTokens", func(w *Weather) *time.Duration { return &w.IdentityTokens }),
	duration("identityWrites", func(w *Weather) *time.Duration { return &w.IdentityWrites }),
	duration("latency", func(w *Weather) *time.Duration { return &w.Latency }),
	duration("leastLatency", func(w *Weather) *time.Duration { return &w.LeastLatency }),
	share("throttling", func(w *Weather) *float64 { return &w.Throttling }),
	duration("retryAfter", func(w *Weather) *time.Duration { return &w.RetryAfter }),
	share("faults", func(w *Weather) *float64 { return &w.Faults }),
	share("lostAnswers", func(w *Weather) *float64 { return &w.LostAnswers }),
}

func duration(key string, field func(*Weather) *time.Duration) setting {
	return setting{
		key, "a duration of zero or more, such as 2s or 500ms",
		func(w *Weather, value string) (err error) { *field(w), err = time.ParseDuration(value); return err },
		func(w Weather) string {
			if *field(&w) == 0 {
				return ""
			}
			return field(&w).String()
		},
		func(w Weather) bool { return *field(&w) < 0 },
	}
}

func share(key string, field func(*Weather) *float64) setting {
	return setting{
		key, "a share from 0 to 1, such as 0.1",
		func(w *Weather, value string) (err error) { *field(w), err = strconv.ParseFloat(value, 64); return err },
		func(w Weather) string {
			if *field(&w) == 0 {
				return ""
			}
			return strconv.FormatFloat(*field(&w), 'g', -1, 64)
		},
		func(w Weather) bool { value := *field(&w); return !(value >= 0 && value <= 1) }, // NaN is out of range too
	}
}

// calm and stormy are weathers that can be given by name.
const (
	calm   = "calm"
	stormy = "stormy"
)

// Stormy is bad weather in which a deployment still succeeds within a minute or so: everything fails now and then, and
// new things take seconds until they are known and have effect.
func Stormy() Weather {
	return Weather{
		Replication: 2 * time.Second, Propagation: 3 * time.Second, Latency: 20 * time.Millisecond,
		Throttling: 0.03, RetryAfter: time.Second, Faults: 0.03, LostAnswers: 0.03,
	}
}

// ParseWeather reads a weather from text: "calm", "stormy", settings such as "propagation=2s,faults=0.1,seed=7", or
// both as in "stormy,seed=7", where the settings win wherever the name stands. "" is calm. The error lists all
// mistakes.
func ParseWeather(text string) (Weather, error) {
	var parts []string
	if strings.TrimSpace(text) != "" {
		parts = strings.Split(text, ",")
	}
	var problems []error
	values, named := map[string]string{}, ""
	for _, part := range parts {
		key, value, isSetting := strings.Cut(strings.TrimSpace(part), "=")
		key, value = strings.TrimSpace(key), strings.TrimSpace(value)
		_, twice := values[key]
		switch known := slices.ContainsFunc(settings, func(s setting) bool { return s.key == key }); {
		case !isSetting && (key == calm || key == stormy):
			if named != "" && named != key {
				problems = append(problems, fmt.Errorf("weather: it can't be both %s and %s", named, key))
			}
			named = key
		case !isSetting || !known:
			problems = append(problems, fmt.Errorf("weather: there is no %q; write %s, %s, or any of %s",
				strings.TrimSpace(part), calm, stormy, settingKeys()))
		case twice:
			problems = append(problems, fmt.Errorf("weather: %s is given twice; give it once", key))
		default:
			values[key] = value
		}
	}
	var w Weather
	if named == stormy {
		w = Stormy()
	}
	for _, s := range settings {
		value, given := values[s.key]
		if !given {
			continue
		}
		if err := s.read(&w, value); err != nil {
			problems = append(problems, fmt.Errorf("weather: %s=%s: give %s", s.key, value, s.allowed))
		}
	}
	if err := errors.Join(append(problems, w.check())...); err != nil {
		return Weather{}, err
	}
	return w, nil
}

func settingKeys() string {
	var keys []string
	for _, s := range settings {
		keys = append(keys, s.key+"=")
	}
	return strings.Join(keys, ", ")
}

// String is the weather as ParseWeather reads it.
func (w Weather) String() string {
	var parts []string
	for _, s := range settings {
		if value := s.write(w); value != "" {
			parts = append(parts, s.key+"="+value)
		}
	}
	if len(parts) == 0 {
		return calm
	}
	return strings.Join(parts, ",")
}

// check finds everything that is wrong with the weather.
func (w Weather) check() error {
	var problems []error
	for _, s := range settings {
		if s.outside(w) {
			problems = append(problems, fmt.Errorf("weather: %s=%s: give %s", s.key, s.write(w), s.allowed))
		}
	}
	if sum := w.Throttling + w.Faults + w.LostAnswers; len(problems) == 0 && sum > 1 {
		problems = append(problems, fmt.Errorf("weather: throttling, faults and lostAnswers add up to %v; give shares of "+
			"at most 1 in all", sum))
	}
	return errors.Join(problems...)
}

// latency is the delay of an answer. share, from 0 to 1, picks it between the least and the most.
func (w Weather) latency(share float64) time.Duration {
	return w.LeastLatency + time.Duration(share*float64(max(0, w.Latency-w.LeastLatency)))
}

// wait is RetryAfter in whole seconds, as the header has it.
func (w Weather) wait() int {
	if w.RetryAfter == 0 {
		return 1
	}
	return int(math.Ceil(w.RetryAfter.Seconds()))
}
