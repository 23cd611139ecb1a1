//go:build !unix

package engine

import "os"

// running reports whether there is a process of that ID.
func running(pid int) bool {
	process, err := os.FindProcess(pid)
	if err != nil {
		return false
	}
	_ = process.Release()
	return true
}
