// The command measure runs a program and writes what it used to a file: measure FILE PROGRAM [ARGUMENT...]
//
// It stands between the benchmark and the measured program, because a process inherits the memory of its parent as its
// first peak, and the benchmark, with the embedded Azure in it, is large. So it must be small itself. It knows nothing
// of Pulumi.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
	"time"

	"github.com/batchaccess/batchaccess/tests/bench/usage"
)

// failed is the exit code if there is none to pass on.
const failed = 125

func main() {
	if len(os.Args) < 3 {
		fmt.Fprintln(os.Stderr, "usage: measure FILE PROGRAM [ARGUMENT...]")
		os.Exit(failed)
	}
	code, err := run(os.Args[1], os.Args[2], os.Args[3:])
	if err != nil {
		fmt.Fprintln(os.Stderr, "measure:", err)
	}
	os.Exit(code)
}

// run runs the program to its end and returns its exit code.
func run(file, program string, args []string) (int, error) {
	cmd := exec.Command(program, args...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	began := time.Now()
	if err := cmd.Start(); err != nil {
		return failed, fmt.Errorf("running %s: %w", program, err)
	}
	go func() {
		for s := range signals {
			_ = cmd.Process.Signal(s)
		}
	}()
	err := cmd.Wait()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		return failed, fmt.Errorf("running %s: %w", program, err)
	}
	used, err := usage.Of(cmd.ProcessState, time.Since(began))
	if err != nil {
		return failed, err
	}
	content, err := json.Marshal(used)
	if err == nil {
		err = os.WriteFile(file, content, 0o600)
	}
	if err != nil {
		return failed, fmt.Errorf("writing what %s used: %w", program, err)
	}
	return max(cmd.ProcessState.ExitCode(), 0), nil
}
