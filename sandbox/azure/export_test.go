package azure

import (
	"bytes"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/batchaccess/batchaccess/sandbox/azure/internal/state"
)

// SetClock replaces the machine's clock.
func (a *Azure) SetClock(now func() time.Time) { a.store.SetClock(now) }

// Under makes requests to a handler go wrong by the weather.
func Under(weather Weather, h http.Handler) http.Handler { return withWeather(h, weather) }

// OneWrite makes a handler accept one write at a time to the federated credentials of a managed identity.
func OneWrite(h http.Handler) http.Handler { return withOneWrite(h) }

// Lost lists, by table and key, entries that a sandbox would have lost or changed if it were killed now and started
// again.
func (a *Azure) Lost(stateFile, folder string) ([]string, error) {
	text, err := os.ReadFile(stateFile)
	if err != nil {
		return nil, err
	}
	file := filepath.Join(folder, "copy.json")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		return nil, err
	}
	after, err := state.Open(file)
	if err != nil {
		return nil, err
	}
	defer after.Close()
	here, err := parts(a.store)
	if err != nil {
		return nil, err
	}
	there, err := parts(after)
	var lost []string
	for name := range here {
		if !bytes.Equal(here[name], there[name]) {
			lost = append(lost, name)
		}
	}
	for name := range there {
		if here[name] == nil {
			lost = append(lost, name+", which is gone")
		}
	}
	return lost, err
}

func parts(store *state.Store) (map[string]json.RawMessage, error) {
	var text []byte
	if err := store.View(func(st *state.State) (err error) {
		text, err = json.Marshal(st)
		return err
	}); err != nil {
		return nil, err
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal(text, &members); err != nil {
		return nil, err
	}
	all := map[string]json.RawMessage{}
	for name, member := range members {
		var entries map[string]json.RawMessage
		if json.Unmarshal(member, &entries) != nil {
			all[name] = member
		}
		for key, entry := range entries {
			all[name+" "+key] = entry
		}
	}
	return all, nil
}

// Change changes the state without the services, for states that would take thousands of requests.
func (a *Azure) Change(fn func(*state.State)) error {
	return a.store.Update(func(st *state.State) error { fn(st); st.TouchAll(); return nil })
}
