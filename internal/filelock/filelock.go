// Package filelock keeps two processes from using one folder.
package filelock

import (
	"errors"
	"fmt"
	"os"
)

// A Lock is a file that one process at a time has open. The system releases it when the process ends, in whatever way.
type Lock struct{ *os.File }

// ErrTaken says that another process has the lock.
var ErrTaken = errors.New("the file is locked")

// Take takes the lock, or returns ErrTaken at once. If the system has no such locks (not unix), it always succeeds.
func Take(path string) (*Lock, error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := lock(file); err != nil {
		return nil, errors.Join(fmt.Errorf("%w: %w", ErrTaken, err), file.Close())
	}
	return &Lock{file}, nil
}

// Close releases the lock explicitly: while another goroutine starts a process, that process has a copy of the file for
// a moment, and without this the lock would last as long.
func (l *Lock) Close() error { return errors.Join(unlock(l.File), l.File.Close()) }
