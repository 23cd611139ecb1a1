// Package filelock keeps two processes from using one folder.
package filelock

import (
	"errors"
	"fmt"
	"os"
)

// A Lock is a file that one process at a time has open. The system lets go of it when the process ends, however it
// ends.
type Lock struct{ *os.File }

// ErrTaken says that somebody has the lock.
var ErrTaken = errors.New("the file is locked")

// Take takes the lock, or gives ErrTaken at once. Where the system has no such locks (not unix) it always does.
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

// Close lets go of the lock by name: while another goroutine starts a process, that process has a copy of the file for
// a moment, and what is only closed here stays locked as long.
func (l *Lock) Close() error { return errors.Join(unlock(l.File), l.File.Close()) }
