//go:build !unix

package engine

import "os"

// lockFile does not lock: here it is for the user to run one command at a time.
func lockFile(string) (unlock func() error, err error) { return func() error { return nil }, nil }

// running tells whether there is a process of that ID.
func running(pid int) bool {
	process, err := os.FindProcess(pid)
	if err != nil {
		return false
	}
	_ = process.Release()
	return true
}
