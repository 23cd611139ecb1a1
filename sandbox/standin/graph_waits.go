package standin

import (
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"time"
)

// The real plugin waits for its writes to reach the directory's replicas: it reads until it has seen its write five
// times in a row. The stand-in reads as often and in the same order, but with shorter gaps, because its Azure is on
// this machine. The gap grows while the write is not seen, and is the shortest again once it is.
const (
	seenInARow  = 5
	shortestGap = 5 * time.Millisecond
	longestGap  = time.Second
)

// The real plugin's time limits, waits included.
const (
	principalLimit  = 10 * time.Minute // to make an application or a service principal
	credentialLimit = 15 * time.Minute // to make a password or a federated credential
	groupLimit      = 30 * time.Minute
	memberLimit     = 5 * time.Minute
	otherLimit      = 5 * time.Minute // to read or delete anything
)

// until reads until it has seen what it looks for five times in a row.
func (g graph) until(what string, seen func() (bool, error)) error {
	gap, times := shortestGap, 0
	for {
		ok, err := seen()
		switch {
		case err != nil:
			return g.unseen(what, err)
		case !ok:
			times, gap = 0, min(2*gap, longestGap)
		case times+1 == seenInARow:
			return nil
		default:
			times, gap = times+1, shortestGap
		}
		if err := sleep(g.ctx, gap); err != nil {
			return g.unseen(what, err)
		}
	}
}

func (g graph) unseen(what string, err error) error {
	return fmt.Errorf("waiting for the directory to show %s: %w", what, err)
}

// removeAndWait deletes an object, and reads until it has been gone five times in a row.
func (g graph) removeAndWait(path string) error {
	if err := g.remove(path); err != nil {
		return err
	}
	return g.until("that "+path+" is gone", func() (bool, error) {
		found, err := g.find(path)
		return found == nil, err
	})
}

// again repeats a call as long as it is refused because something has not been replicated yet.
func (g graph) again(unreplicated func(error) bool, call func() error) error {
	for gap := shortestGap; ; gap = min(2*gap, longestGap) {
		err := call()
		if err == nil || !unreplicated(err) {
			return err
		}
		if slept := sleep(g.ctx, gap); slept != nil {
			return errors.Join(err, slept)
		}
	}
}

// postAgain is post for an object that refers to others, which may not have been replicated yet.
func (g graph) postAgain(path string, body any, unreplicated func(error) bool) (made map[string]any, err error) {
	err = g.again(unreplicated, func() (err error) {
		made, err = g.post(path, body)
		return err
	})
	return made, err
}

// patchAgain is patch for a new object.
func (g graph) patchAgain(path string, body any, unreplicated func(error) bool) error {
	return g.again(unreplicated, func() error { return g.patch(path, body) })
}

// refusals are refusals of one kind: a status and, if the status is not enough, words of the message.
type refusals []struct {
	status int
	words  *regexp.Regexp
}

// of reports whether Azure's answer is one of the refusals.
func (r refusals) of(err error) bool {
	var azure *azureError
	if !errors.As(err, &azure) {
		return false
	}
	for _, refusal := range r {
		if azure.Status == refusal.status && (refusal.words == nil || refusal.words.MatchString(azure.Message)) {
			return true
		}
	}
	return false
}

// The refusals by which Graph says that something is not replicated yet. The real plugin decides which of them it waits
// for after which call.
var (
	// to change a new application
	applicationUnreplicated = refusals{{http.StatusNotFound, nil}, {http.StatusConflict, nil}}
	// to make its service principal
	clientUnreplicated = refusals{
		{http.StatusBadRequest,
			regexp.MustCompile(`The appId '.*' of the service principal does not reference a valid application object`)},
		{http.StatusForbidden,
			regexp.MustCompile(`the backing application of the service principal being created must in the local tenant`)},
	}
	ownerUnreplicated = refusals{ // to make a group
		{http.StatusNotFound, nil},
		{http.StatusBadRequest, regexp.MustCompile(`One or more property values specified are invalid`)},
		{http.StatusBadRequest,
			regexp.MustCompile(`does not exist or one of its queried reference-property objects are not present`)},
	}
	groupUnreplicated = refusals{{http.StatusNotFound, nil}} // to change a new group
	ownerTwice        = refusals{{http.StatusBadRequest,
		regexp.MustCompile(`Request contains a property with duplicate values`)}}
)
