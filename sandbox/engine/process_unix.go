//go:build unix

package engine

import (
	"errors"
	"syscall"
)

// running reports whether there is a process of that ID.
func running(pid int) bool {
	if pid <= 0 {
		return false
	}
	err := syscall.Kill(pid, 0)
	return err == nil || errors.Is(err, syscall.EPERM)
}
