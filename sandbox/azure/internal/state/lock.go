package state

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// lock makes this process the only one that uses the state file, until what it returns is closed. Beside the state
// file lies another, which names the process that has the lock, for the message to whoever comes second.
func lock(stateFile string) (*heldLock, error) {
	file, err := os.OpenFile(stateFile+".lock", os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("locking the state file: %w", err)
	}
	if err := tryLock(file); err != nil {
		holder, _ := io.ReadAll(io.LimitReader(file, 1<<10))
		return nil, errors.Join(file.Close(), fmt.Errorf("the state file %s is in use by %s (%w); wait for it to end, or use another state file",
			stateFile, holderName(string(holder)), err))
	}
	holder := fmt.Sprintf("process %d (%s)", os.Getpid(), filepath.Base(os.Args[0]))
	if err := errors.Join(file.Truncate(0), writeAt(file, holder)); err != nil {
		return nil, errors.Join(fmt.Errorf("locking the state file: %w", err), file.Close())
	}
	return &heldLock{file}, nil
}

type heldLock struct{ *os.File }

// Close lets go of the lock by name: while another goroutine starts a process, that process has a copy of the file for a
// moment, and what is only closed here stays locked as long.
func (l *heldLock) Close() error { return errors.Join(unlock(l.File), l.File.Close()) }

// holderName is what the lock file says; another process may have taken the lock and not yet written.
func holderName(text string) string {
	if text = strings.TrimSpace(text); text == "" {
		return "another process"
	}
	return text
}

func writeAt(file *os.File, text string) error {
	_, err := file.WriteAt([]byte(text), 0)
	return err
}

// sweep removes the unfinished snapshots that a killed process left beside the state file.
func sweep(stateFile string) error {
	left, err := filepath.Glob(globEscape(stateFile) + ".*.tmp")
	if err != nil {
		return err
	}
	for _, name := range left {
		err = errors.Join(err, os.Remove(name))
	}
	return err
}

var globEscape = strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace
