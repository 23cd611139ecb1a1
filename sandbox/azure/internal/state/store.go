package state

import (
	"bytes"
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

	"github.com/batchaccess/batchaccess/internal/filelock"
	"github.com/batchaccess/batchaccess/internal/wholefile"
)

// Store guards a State and keeps it in a file. Once Update has returned, its change survives the death of the process.
type Store struct {
	file string
	lock *filelock.Lock // nil if everything stays in memory
	now  atomic.Pointer[func() time.Time]
	seen atomic.Pointer[time.Time] // the time as of which changes have effect, if it is not now

	mu      sync.RWMutex
	state   *State
	version uint64

	earlier bool // the file is of an earlier version

	pending []byte // records that are not in the file yet

	saving sync.Mutex
	saved  uint64
	log    *os.File // nil if the next save must write a snapshot
	size   int64    // of the file
	first  int64    // of the snapshot in it
	least  int64    // size of the log at which a new snapshot is written
}

// Open reads the snapshot in file, or starts an empty tenant if there is none. Without a file everything stays in
// memory. Only this process can use the file until Close; the error names the process that has it.
func Open(file string) (*Store, error) {
	s := &Store{file: file, state: New(uuid.NewString()), least: 1 << 20}
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

// read reads the file. An incomplete record at its end was never answered, and is cut off.
func (s *Store) read() error {
	text, err := os.ReadFile(s.file)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return fmt.Errorf("reading the state file: %w", err)
	}
	whole, version, err := s.state.decode(text)
	if late := newer(0); errors.As(err, &late) {
		return fmt.Errorf("reading the state file %s: %w; use the batchaccess that wrote it, or another state file",
			s.file, err)
	} else if err != nil {
		return fmt.Errorf("reading the state file %s: %w; delete it to start with an empty sandbox", s.file, err)
	}
	if s.earlier = version < formatVersion; s.earlier || text[whole-1] != '\n' {
		return nil
	}
	s.size, s.first = int64(whole), int64(bytes.IndexByte(text, '\n')+1)
	if whole < len(text) {
		if err := os.Truncate(s.file, s.size); err != nil {
			return fmt.Errorf("cutting off what is not whole in the state file: %w", err)
		}
	}
	if s.log, err = os.OpenFile(s.file, os.O_WRONLY|os.O_APPEND, 0); err != nil {
		return fmt.Errorf("opening the state file: %w", err)
	}
	return nil
}

// Earlier reports whether the file was of an earlier version when it was opened. The first change writes it again, in a
// form that an earlier sandbox does not read.
func (s *Store) Earlier() bool { return s.earlier }

// Close writes a snapshot and releases the file.
func (s *Store) Close() error {
	if s.file == "" {
		return nil
	}
	s.saving.Lock()
	defer s.saving.Unlock()
	err := s.snapshot()
	if s.log != nil {
		err = errors.Join(err, s.log.Close())
	}
	return errors.Join(err, s.lock.Close())
}

// SetLag sets how long changes take until others see them. Call it before anything is served.
func (s *Store) SetLag(replication, propagation, identityTokens time.Duration) {
	lag := &s.state.Lag
	lag.Replication, lag.Propagation, lag.IdentityTokens = replication, propagation, identityTokens
}

// Now is the sandbox's time, in UTC.
func (s *Store) Now() time.Time { return (*s.now.Load())().UTC() }

// SetClock puts another clock in place of the machine's.
func (s *Store) SetClock(now func() time.Time) { s.now.Store(&now) }

// SeeAt makes the effect of changes that of another time than now; nil means now.
func (s *Store) SeeAt(at *time.Time) { s.seen.Store(at) }

func (s *Store) seenAt() time.Time {
	if at := s.seen.Load(); at != nil {
		return *at
	}
	return s.Now()
}

// Snapshot returns the state for Restore.
func (s *Store) Snapshot() ([]byte, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return json.Marshal(s.state)
}

// Restore replaces the state with a snapshot of this store. A store with a file refuses: the file records single
// changes.
func (s *Store) Restore(snapshot []byte) error {
	if s.file != "" {
		return errors.New("a sandbox with a state file can't be put back")
	}
	return s.Update(func(st *State) error {
		restored := New(st.TenantID)
		restored.Lag = st.Lag
		if err := json.Unmarshal(snapshot, restored); err != nil {
			return fmt.Errorf("reading a snapshot: %w", err)
		}
		restored.TouchAll()
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

// Update changes the state, and returns when the change is in the file. If fn returns an error, it must not have
// changed anything.
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
	s.state.rename()
	if s.file == "" {
		s.state.settle()
		return 0, nil
	}
	line, err := s.state.changes()
	if err != nil {
		return 0, err
	}
	if line != nil {
		s.pending = append(s.pending, line...)
		s.version++
	}
	return s.version, nil
}

// save returns when the version is in the file. Callers that wait while a record is being written share the next write.
func (s *Store) save(version uint64) error {
	if s.file == "" {
		return nil
	}
	s.saving.Lock()
	defer s.saving.Unlock()
	switch {
	case s.saved >= version && s.log != nil:
		return nil
	case s.log == nil, s.size-s.first > max(s.least, 2*s.first):
		return s.snapshot()
	}
	s.mu.Lock()
	lines, version := s.pending, s.version
	s.pending = nil
	s.mu.Unlock()
	if _, err := s.log.Write(lines); err != nil {
		// It is not known how much was written: the next save writes the whole state.
		err = errors.Join(err, s.log.Close())
		s.log = nil
		return fmt.Errorf("writing the state file: %w", err)
	}
	s.saved, s.size = version, s.size+int64(len(lines))
	return nil
}

// snapshot replaces the file by a new one with an empty log. The caller holds s.saving.
func (s *Store) snapshot() error {
	s.mu.Lock()
	text, err := s.state.encode()
	version := s.version
	if err == nil {
		s.pending = nil
		s.state.settle()
	}
	s.mu.Unlock()
	if err != nil {
		return fmt.Errorf("encoding the state: %w", err)
	}
	if s.log != nil {
		err = s.log.Close()
		s.log = nil
	}
	if err == nil {
		err = wholefile.Write(s.file, text)
	}
	if err == nil {
		s.log, err = os.OpenFile(s.file, os.O_WRONLY|os.O_APPEND, 0)
	}
	if err != nil {
		return fmt.Errorf("writing the state file: %w", err)
	}
	s.size, s.first, s.saved = int64(len(text)), int64(len(text)), version
	return nil
}
