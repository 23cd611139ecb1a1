//go:build unix

package usage

import (
	"errors"
	"os"
	"runtime"
	"syscall"
)

func peakOf(state *os.ProcessState) (int64, error) {
	used, ok := state.SysUsage().(*syscall.Rusage)
	if !ok {
		return 0, errors.New("the system does not report what a process used")
	}
	peak := int64(used.Maxrss) // Its type differs between systems.
	if runtime.GOOS != "darwin" {
		peak *= 1024 // only macOS gives it in bytes
	}
	return peak, nil
}
