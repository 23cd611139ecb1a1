package azure

import (
	"net/http"
	"time"

	"github.com/batchaccess/batchaccess/sandbox/azure/internal/state"
)

// SetClock puts another clock in place of the machine's.
func (a *Azure) SetClock(now func() time.Time) { a.store.SetClock(now) }

// Under lets requests to a handler have the weather's mishaps.
func Under(weather Weather, h http.Handler) http.Handler { return withWeather(h, weather) }

// Change changes the state behind the services' backs, for what would take thousands of requests.
func (a *Azure) Change(fn func(*state.State)) error {
	return a.store.Update(func(st *state.State) error { fn(st); return nil })
}
