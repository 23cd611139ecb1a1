//go:build !unix

package usage

import (
	"errors"
	"os"
)

func peakOf(*os.ProcessState) (int64, error) {
	return 0, errors.New("this system does not report the peak memory of a process; run the benchmark on Linux or macOS")
}
