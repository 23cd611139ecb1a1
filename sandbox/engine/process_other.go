//go:build !unix

package engine

import "os"

// running reports whether a process with that ID exists.
func running(pid int) bool {
	process, err := os.FindProcess(pid)
	if err != nil {
		return false
	}
	_ = process.Release()
	return true
}
