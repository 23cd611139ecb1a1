package azure

import (
	"errors"
	"fmt"
	"math"
	"time"
)

// Weather is what makes the real Azure slower and less reliable than one on the same machine. The zero Weather is calm:
// everything is seen at once and nothing fails.
//
// Which requests are hit follows from Seed and from each request's method, path and count alone, with the IDs that the
// sandbox makes up left out. So a client that sends the same requests meets the same weather in every run, in whatever
// order requests of different paths arrive.
type Weather struct {
	// Seed picks one of the possible courses of throttling, faults, lost answers and latency.
	Seed uint64

	// Replication is for how long a new directory object is unknown elsewhere. Resource Manager answers
	// PrincipalNotFound for a new service principal unless principalType is given, and for a new group always. Microsoft
	// Graph answers 404 for a new group and a new federated credential, leaves out a new password, and refuses a service
	// principal for a new application: the reads after a write for which the azuread plugin waits, and no others.
	Replication time.Duration
	// Propagation is for how long a new role assignment does not act yet, and a removed one still acts. Azure: up to ten
	// minutes. What was seeded acts at once.
	Propagation time.Duration

	// Latency is the most by which an answer is held back; each is by a share of it.
	Latency time.Duration

	// Throttling is the share of requests, from 0 to 1, that are answered 429 with RetryAfter, and not done.
	Throttling float64
	// RetryAfter is what throttled and refused clients are told to wait, in whole seconds, rounded up; 0 means one second.
	RetryAfter time.Duration
	// Faults is the share of requests, from 0 to 1, that are answered 500 or 503, and not done.
	Faults float64
	// LostAnswers is the share of changes, from 0 to 1, that are done and then answered 500. It counts for Resource
	// Manager only: Microsoft Graph's creations are not idempotent, and its clients don't recover from a lost one.
	LostAnswers float64
}

// maxMishaps is how often in a row one request is hit at the most: clients of Azure try at least three times more.
const maxMishaps = 2

// check finds all that is wrong with the weather.
func (w Weather) check() error {
	var problems []error
	for _, d := range []struct {
		name  string
		value time.Duration
	}{
		{"Replication", w.Replication}, {"Propagation", w.Propagation}, {"Latency", w.Latency}, {"RetryAfter", w.RetryAfter},
	} {
		if d.value < 0 {
			problems = append(problems, fmt.Errorf("weather: %s is %s; give a duration of zero or more", d.name, d.value))
		}
	}
	sum := 0.0
	for _, share := range []struct {
		name  string
		value float64
	}{{"Throttling", w.Throttling}, {"Faults", w.Faults}, {"LostAnswers", w.LostAnswers}} {
		if !(share.value >= 0 && share.value <= 1) { // not a number is out too
			problems = append(problems, fmt.Errorf("weather: %s is %v; give a share from 0 to 1", share.name, share.value))
		}
		sum += share.value
	}
	if sum > 1 {
		problems = append(problems, fmt.Errorf("weather: Throttling, Faults and LostAnswers add up to %v; give shares of at most 1 in all", sum))
	}
	return errors.Join(problems...)
}

// wait is RetryAfter as the header has it.
func (w Weather) wait() int {
	if w.RetryAfter == 0 {
		return 1
	}
	return int(math.Ceil(w.RetryAfter.Seconds()))
}
