package state

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"github.com/batchaccess/batchaccess/internal/wholefile"
	"github.com/batchaccess/batchaccess/sandbox/internal/filelock"
)

// Store guards a State and keeps it in a file. What Update has answered survives the death of the process.
type Store struct {
	file string
	lock *filelock.Lock // nil when all stays in memory
	now  atomic.Pointer[func() time.Time]
	seen atomic.Pointer[time.Time] // the time by which changes are seen, where it is not now

	mu      sync.RWMutex
	state   *State
	version uint64

	saving sync.Mutex
	saved  uint64
}

// Open reads the snapshot in file, or starts an empty tenant when there is none. With no file all stays in memory. The
// file is this process's alone until Close; the error names the process that has it.
func Open(file string) (*Store, error) {
	s := &Store{file: file, state: New(uuid.NewString())}
	s.SetClock(time.Now)
	s.state.Lag.Now = s.seenAt
	if file == "" {
		return s, nil
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return nil, fmt.Errorf("making the folder of the state file: %w", err)
	}
	var err error
	if s.lock, err = lock(file); err != nil {
		return nil, err
	}
	if err := errors.Join(sweep(file), s.read()); err != nil {
		return nil, errors.Join(err, s.lock.Close())
	}
	return s, nil
}

func (s *Store) read() error {
	text, err := os.ReadFile(s.file)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return fmt.Errorf("reading the state file: %w", err)
	}
	if err := json.Unmarshal(text, s.state); err != nil {
		return fmt.Errorf("reading the state file %s: %w; delete it to start with an empty sandbox", s.file, err)
	}
	return nil
}

// Close writes the state to the file and lets another process have it.
func (s *Store) Close() error {
	err := s.Save()
	if s.lock != nil {
		err = errors.Join(err, s.lock.Close())
	}
	return err
}

// SetLag sets how long changes take to be seen. It is called before anything is served.
func (s *Store) SetLag(replication, propagation time.Duration) {
	s.state.Lag.Replication, s.state.Lag.Propagation = replication, propagation
}

// Now is the sandbox's time, in UTC.
func (s *Store) Now() time.Time { return (*s.now.Load())().UTC() }

// SetClock puts another clock in place of the machine's.
func (s *Store) SetClock(now func() time.Time) { s.now.Store(&now) }

// SeeAt has changes be seen as at another time than now; nil is now.
func (s *Store) SeeAt(at *time.Time) { s.seen.Store(at) }

func (s *Store) seenAt() time.Time {
	if at := s.seen.Load(); at != nil {
		return *at
	}
	return s.Now()
}

// Snapshot is the state as Restore takes it.
func (s *Store) Snapshot() ([]byte, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return json.Marshal(s.state)
}

// Restore puts a snapshot of this store in the place of the state.
func (s *Store) Restore(snapshot []byte) error {
	return s.Update(func(st *State) error {
		restored := New(st.TenantID)
		restored.Lag = st.Lag
		if err := json.Unmarshal(snapshot, restored); err != nil {
			return fmt.Errorf("reading a snapshot: %w", err)
		}
		*st = *restored
		return nil
	})
}

// View reads the state. Nothing in it may be changed, nor kept when fn returns.
func (s *Store) View(fn func(*State) error) error {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return fn(s.state)
}

// Update changes the state and returns once the change is in the file. When fn returns an error, it must have changed
// nothing.
func (s *Store) Update(fn func(*State) error) error {
	version, err := s.change(fn)
	if err != nil {
		return err
	}
	return s.save(version)
}

func (s *Store) change(fn func(*State) error) (uint64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := fn(s.state); err != nil {
		return 0, err
	}
	s.version++
	return s.version, nil
}

// Save writes the state to the file, changed or not.
func (s *Store) Save() error {
	return s.Update(func(*State) error { return nil })
}

// save writes a snapshot of at least the given version. Those who wait while one is being written share the next.
func (s *Store) save(version uint64) error {
	if s.file == "" {
		return nil
	}
	s.saving.Lock()
	defer s.saving.Unlock()
	if s.saved >= version {
		return nil
	}
	s.mu.RLock()
	version = s.version
	text, err := json.Marshal(s.state)
	s.mu.RUnlock()
	if err != nil {
		return fmt.Errorf("encoding the state: %w", err)
	}
	if err := wholefile.Write(s.file, text); err != nil {
		return fmt.Errorf("writing the state file: %w", err)
	}
	s.saved = version
	return nil
}
