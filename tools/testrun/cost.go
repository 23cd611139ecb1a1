package main

import (
	"cmp"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// A cost is what tests took by package. Each test binary runs under this program, which says on the last line of its
// output what that took, with all processes that it started and waited for. Go takes no result from its cache then.
type cost struct {
	wrapper string // for go test's -exec
	of      map[string]took
}

type took struct{ wall, cpu time.Duration }

const costLine = "testrun measured: wall %d ms, CPU %d ms\n"

// underCost is the first argument of this program where it runs a test binary.
const underCost = "run-and-say-what-it-took"

// runMeasured runs a test binary and returns its exit code.
func runMeasured(name string, args []string) int {
	cmd := exec.Command(name, args...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	began := time.Now()
	if err := cmd.Start(); err != nil {
		fmt.Fprintln(os.Stderr, "testrun:", err)
		return 1
	}
	signals := make(chan os.Signal, 1)
	signal.Notify(signals) // go test sends what ends a test that hangs
	go func() {
		for s := range signals {
			_ = cmd.Process.Signal(s)
		}
	}()
	_ = cmd.Wait()
	state := cmd.ProcessState
	fmt.Printf(costLine, time.Since(began).Milliseconds(), (state.UserTime() + state.SystemTime()).Milliseconds())
	if code := state.ExitCode(); code >= 0 {
		return code
	}
	return 1 // a signal ended it
}

// measure has what follows measured.
func (r *run) measure() error {
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("finding this program, to measure with: %w", err)
	}
	if self, err = filepath.EvalSymlinks(self); err != nil {
		return fmt.Errorf("finding this program, to measure with: %w", err)
	}
	r.cost = &cost{wrapper: self + " " + underCost, of: map[string]took{}}
	return nil
}

// note takes in what a package says, if that is what it took.
func (c *cost) note(name, output string) bool {
	var wall, cpu int64
	if c == nil || !strings.HasPrefix(output, "testrun measured: ") {
		return false
	}
	if n, err := fmt.Sscanf(output, costLine, &wall, &cpu); err != nil || n != 2 {
		return false
	}
	c.of[name] = took{time.Duration(wall) * time.Millisecond, time.Duration(cpu) * time.Millisecond}
	return true
}

// write writes a table of the packages, the most expensive first.
func (c *cost) write(out io.Writer) {
	names := slices.SortedFunc(keys(c.of), func(a, b string) int {
		return cmp.Or(cmp.Compare(c.of[b].cpu, c.of[a].cpu), cmp.Compare(a, b))
	})
	fmt.Fprintf(out, "\n| package | CPU of its tests, s | wall, s |\n|---|---|---|\n")
	var tests time.Duration
	for _, name := range names {
		t := c.of[name]
		tests += t.cpu
		fmt.Fprintf(out, "| %s | %.1f | %.1f |\n", name, t.cpu.Seconds(), t.wall.Seconds())
	}
	fmt.Fprintf(out, "| all tests, without what Go builds them of | %.0f | |\n", tests.Seconds())
}
