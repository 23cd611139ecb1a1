package state

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/batchaccess/batchaccess/internal/filelock"
)

// lock reserves the state file for this process, until the returned file is closed. The lock file names the process
// that has it, for the error that the next process gets.
func lock(stateFile string) (*filelock.Lock, error) {
	name := stateFile + ".lock"
	held, err := filelock.Take(name)
	switch {
	case errors.Is(err, filelock.ErrTaken):
		holder, _ := os.ReadFile(name)
		return nil, fmt.Errorf("the state file %s is in use by %s (%w); wait for it to end, or use another state file",
			stateFile, holderName(string(holder)), err)
	case err != nil:
		return nil, fmt.Errorf("locking the state file: %w", err)
	}
	holder := fmt.Sprintf("process %d (%s)", os.Getpid(), filepath.Base(os.Args[0]))
	_, err = held.WriteAt([]byte(holder), 0)
	if err = errors.Join(held.Truncate(int64(len(holder))), err); err != nil {
		return nil, errors.Join(fmt.Errorf("locking the state file: %w", err), held.Close())
	}
	return held, nil
}

// holderName is the content of the lock file. It may be empty: a process takes the lock before it writes its name.
func holderName(text string) string {
	if text = strings.TrimSpace(text); text == "" {
		return "another process"
	}
	return text
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
