//go:build unix

package state

import (
	"os"
	"syscall"
)

// tryLock takes the lock on an open file, or tells at once that another process has it. The system lets go of it when
// the process ends, however it ends.
func tryLock(file *os.File) error {
	return syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
}

func unlock(file *os.File) error { return syscall.Flock(int(file.Fd()), syscall.LOCK_UN) }
