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

// A cost is the CPU of tests, by package. Each test binary runs under this program, which prints as the last line of
// its output the CPU of the test and of all processes that it started and waited for. Go then uses no cached result.
type cost struct {
	wrapper string // for go test's -exec
	of      map[string]took
}

type took struct {
	wall, cpu      time.Duration
	starts, builds int // starts of Pulumi's CLI, and builds by the Go tool
}

const costLine = "testrun measured: wall %d ms, CPU %d ms, %d starts of pulumi, %d builds\n"

// pulumiPath is the environment variable with the path of the CLI. Without it no start of one is counted.
const pulumiPath = "TESTRUN_PULUMI"

// counted puts scripts first on PATH that note each start of Pulumi's CLI, if there is one, and of the Go tool, and
// start it. The notes in dir are counted at the end.
func counted(dir, pulumi string) (env []string, count func() (starts, builds int), err error) {
	golang, err := exec.LookPath("go")
	if err != nil {
		return nil, nil, err
	}
	log := filepath.Join(dir, "log")
	for name, program := range map[string]string{"pulumi": pulumi, "go": golang} {
		if program == "" {
			continue
		}
		script := fmt.Sprintf("#!/bin/sh\necho %s \"$1\" >>'%s'\nexec '%s' \"$@\"\n", name, log, program)
		if err := os.WriteFile(filepath.Join(dir, name), []byte(script), 0o700); err != nil {
			return nil, nil, err
		}
	}
	env = append(os.Environ(), "PATH="+dir+string(os.PathListSeparator)+os.Getenv("PATH"))
	return env, func() (starts, builds int) {
		text, _ := os.ReadFile(log) // no file: nothing was started
		for line := range strings.Lines(string(text)) {
			switch words := strings.Fields(line); {
			case words[0] == "pulumi":
				starts++
			case len(words) > 1 && (words[1] == "build" || words[1] == "run"):
				builds++
			}
		}
		return starts, builds
	}, nil
}

// underCost is the first argument of this program where it runs a test binary.
const underCost = "run-and-say-what-it-took"

// runMeasured runs a test binary and returns its exit code.
func runMeasured(name string, args []string) int {
	cmd := exec.Command(name, args...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	dir, err := os.MkdirTemp("", "testrun-")
	if err != nil {
		fmt.Fprintln(os.Stderr, "testrun:", err)
		return 1
	}
	defer os.RemoveAll(dir)
	env, count, err := counted(dir, os.Getenv(pulumiPath))
	if err != nil {
		fmt.Fprintln(os.Stderr, "testrun:", err)
		return 1
	}
	cmd.Env = env
	began := time.Now()
	if err := cmd.Start(); err != nil {
		fmt.Fprintln(os.Stderr, "testrun:", err)
		return 1
	}
	signals := make(chan os.Signal, 1)
	signal.Notify(signals) // go test sends this signal to end a test that hangs
	go func() {
		for s := range signals {
			_ = cmd.Process.Signal(s)
		}
	}()
	_ = cmd.Wait()
	state := cmd.ProcessState
	starts, builds := count()
	fmt.Printf(costLine, time.Since(began).Milliseconds(), (state.UserTime() + state.SystemTime()).Milliseconds(), starts,
		builds)
	if code := state.ExitCode(); code >= 0 {
		return code
	}
	return 1 // a signal ended it
}

// measure makes the next run measured.
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

// note adds a line of output to the cost, if it is that of a package.
func (c *cost) note(name, output string) bool {
	var wall, cpu int64
	var starts, builds int
	if c == nil || !strings.HasPrefix(output, "testrun measured: ") {
		return false
	}
	if n, err := fmt.Sscanf(output, costLine, &wall, &cpu, &starts, &builds); err != nil || n != 4 {
		return false
	}
	c.of[name] = took{
		wall: time.Duration(wall) * time.Millisecond, cpu: time.Duration(cpu) * time.Millisecond, starts: starts,
		builds: builds,
	}
	return true
}

// write writes a table of the packages, the most expensive first.
func (c *cost) write(out io.Writer) {
	names := slices.SortedFunc(keys(c.of), func(a, b string) int {
		return cmp.Or(cmp.Compare(c.of[b].cpu, c.of[a].cpu), cmp.Compare(a, b))
	})
	fmt.Fprintf(out, "\n| package | CPU of its tests, s | wall, s | starts of pulumi | builds |\n|---|---|---|---|---|\n")
	var all took
	for _, name := range names {
		t := c.of[name]
		all.cpu, all.starts, all.builds = all.cpu+t.cpu, all.starts+t.starts, all.builds+t.builds
		fmt.Fprintf(out, "| %s | %.1f | %.1f | %d | %d |\n", name, t.cpu.Seconds(), t.wall.Seconds(), t.starts, t.builds)
	}
	fmt.Fprintf(out, "| all tests, without what Go builds them of | %.0f | | %d | %d |\n", all.cpu.Seconds(),
		all.starts, all.builds)
}
