//go:build unix

package engine

import (
	"errors"
	"syscall"
)

// running reports whether a process with that ID exists.
func running(pid int) bool {
	if pid <= 0 {
		return false
	}
	err := syscall.Kill(pid, 0)
	return err == nil || errors.Is(err, syscall.EPERM)
}
