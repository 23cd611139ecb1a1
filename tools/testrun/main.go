// Testrun runs the tests of all modules of the repository that contains the working directory, shows its progress, and
// says at the end what was not run and why. `make test` runs it; `make check` with -short; `make measure` with
// -measure, which shows what each package took.
//
// With CI=true in the environment, a test that is not run because the machine lacks something is a failure.
package main

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"
)

func main() {
	if len(os.Args) > 2 && os.Args[1] == underCost {
		os.Exit(runMeasured(os.Args[2], os.Args[3:]))
	}
	short := flag.Bool("short", false, "only what takes no engine: the packages that can be known in a minute")
	measured := flag.Bool("measure", false, "say at the end what each package took")
	flag.Parse()
	began := time.Now()
	r := &run{out: os.Stdout, results: map[string]*result{}}
	if *measured {
		if err := r.measure(); err != nil {
			fmt.Fprintln(os.Stderr, "testrun:", err)
			os.Exit(1)
		}
	}
	if err := r.all(*short); err != nil {
		fmt.Fprintln(os.Stderr, "testrun:", err)
		os.Exit(1)
	}
	if r.cost != nil {
		r.cost.write(r.out)
	}
	fmt.Fprintf(r.out, "it took %.0f s, and %.0f s of CPU\n", time.Since(began).Seconds(), r.cpu.Seconds())
	if !r.report(os.Getenv("CI") == "true") {
		os.Exit(1)
	}
}

// A run is one run of all tests.
type run struct {
	out     io.Writer
	total   int // of packages
	over    int // of packages
	results map[string]*result
	failed  []string      // packages
	missing []string      // tests that were not run, and why
	cpu     time.Duration // CPU of go test, and of everything that it builds and runs
	cost    *cost         // nil if nothing is measured
}

// A result is what one package has printed so far.
type result struct {
	output  map[string]*bytes.Buffer // by test; "" for the package
	failed  []string
	skipped []string
}

// all runs every group of packages, one after the other.
func (r *run) all(short bool) error {
	root, err := exec.Command("git", "rev-parse", "--show-toplevel").Output()
	if err != nil {
		return fmt.Errorf("finding the repository: %w", err)
	}
	folder := strings.TrimSpace(string(root))
	groups, err := groupsIn(folder, short)
	if err != nil {
		return err
	}
	sum, err := sources(folder)
	if err != nil {
		return err
	}
	// Tests of programs that are built in their own processes read it (internal/sources), so that Go runs them again
	// when it changes.
	if err := os.Setenv("BATCHACCESS_SOURCES", sum); err != nil {
		return err
	}
	if !racing() {
		r.withoutRace(groups)
	}
	for _, g := range groups {
		r.total += len(g.packages)
	}
	for _, g := range groups {
		if err := r.test(g); err != nil {
			return err
		}
	}
	return nil
}

// racing reports whether Go can build with the race detector, for which it needs a C compiler. Where none is found, Go
// turns cgo off.
func racing() bool {
	out, err := exec.Command("go", "env", "CGO_ENABLED").Output()
	return err == nil && strings.TrimSpace(string(out)) == "1"
}

// withoutRace tests all groups without the race detector, and notes where it is missing.
func (r *run) withoutRace(groups []group) {
	for i, g := range groups {
		if g.race {
			groups[i].race = false
			r.missing = append(r.missing, fmt.Sprintf("the race detector in %d packages of %s: needs a C compiler, such as "+
				"gcc, and CGO_ENABLED=1", len(g.packages), g.module))
		}
	}
}

// sources is a checksum of the sources of programs: all files that git tracks or does not ignore, except tests and
// pages.
func sources(root string) (string, error) {
	list := exec.Command("git", "ls-files", "-coz", "--exclude-standard", "--", ":!*_test.go", ":!*.md")
	list.Dir = root
	names, err := list.Output()
	if err != nil {
		return "", fmt.Errorf("listing the sources: %w", err)
	}
	h := sha256.New()
	for name := range strings.SplitSeq(strings.TrimSuffix(string(names), "\x00"), "\x00") {
		text, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(name)))
		if err != nil && !errors.Is(err, fs.ErrNotExist) { // of a deleted file, only the name remains
			return "", err
		}
		_, _ = fmt.Fprintf(h, "%q %d %t\n", name, len(text), err == nil)
		_, _ = h.Write(text)
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// test runs the tests of one group. Packages do not only wait for the processor, so twice as many as there are
// processors run at the same time.
func (r *run) test(g group) error {
	fmt.Fprintf(r.out, "== %s: %d packages%s\n", g.module, len(g.packages), g.how())
	// make test and make check begin with go vet.
	args := []string{"test", "-json", "-vet=off", "-timeout", "30m", "-p", fmt.Sprint(2 * runtime.NumCPU())}
	if g.race {
		// Everything is compiled again for the race detector. Without inlining that takes a quarter less CPU. With -race, Go
		// also checks each conversion of an unsafe pointer. No code of ours in these packages has one; reflect has many,
		// and without these checks the tests of the components take a fifth less. Without what a debugger reads, compiling
		// takes a sixth less; a race is reported with its lines all the same.
		args = append(args, "-race", "-gcflags=all=-l -d=checkptr=0 -dwarf=false")
	}
	if r.cost != nil {
		args = append(args, "-exec", r.cost.wrapper)
	}
	cmd := exec.Command("go", append(args, g.packages...)...)
	cmd.Dir, cmd.Stderr = filepath.Join(g.root, g.module), os.Stderr
	events, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	read := r.read(events)
	err = cmd.Wait()
	r.cpu += cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	if read != nil {
		return fmt.Errorf("reading what go test says: %w", read)
	}
	if err != nil && len(r.failed) == 0 { // the failure was shown already
		return fmt.Errorf("go test in %s: %w", g.module, err)
	}
	return nil
}

// An event is a line of `go test -json`.
type event struct {
	Action, Package, ImportPath, Test, Output string
	Elapsed                                   float64
}

func (r *run) read(events io.Reader) error {
	lines := bufio.NewReader(events)
	for {
		line, err := lines.ReadBytes('\n')
		if len(bytes.TrimSpace(line)) > 0 {
			var e event
			if err := json.Unmarshal(line, &e); err != nil {
				return fmt.Errorf("%w: %s", err, line)
			}
			r.note(e)
		}
		if err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
	}
}

func (r *run) note(e event) {
	switch {
	case e.Action == "build-output":
		fmt.Fprint(r.out, e.Output)
		return
	case e.Package == "":
		return
	}
	p := r.results[e.Package]
	if p == nil {
		p = &result{output: map[string]*bytes.Buffer{}}
		r.results[e.Package] = p
	}
	if p.output[e.Test] == nil {
		p.output[e.Test] = &bytes.Buffer{}
	}
	switch {
	case e.Action == "output" && r.cost.note(strings.TrimPrefix(e.Package, module+"/"), e.Output):
	case e.Action == "output":
		p.output[e.Test].WriteString(e.Output)
	case e.Test != "" && e.Action == "fail":
		p.failed = append(p.failed, e.Test)
	case e.Test != "" && e.Action == "skip":
		p.skipped = append(p.skipped, e.Test)
	case e.Test != "":
		if e.Action == "pass" {
			delete(p.output, e.Test)
		}
	case e.Action == "pass", e.Action == "fail", e.Action == "skip":
		r.ended(e, p)
	}
}

const module = "github.com/batchaccess/batchaccess"

// ended shows the result of a package, and the output of tests that failed.
func (r *run) ended(e event, p *result) {
	name := strings.TrimPrefix(e.Package, module+"/")
	for _, test := range p.skipped {
		if why := reason(p.output[test].String()); why != "" {
			r.missing = append(r.missing, fmt.Sprintf("%s.%s: %s", name, test, why))
		}
	}
	r.over++
	fmt.Fprintf(r.out, "%s [%d/%d] %s", map[string]string{"pass": "ok  ", "fail": "FAIL", "skip": "none"}[e.Action],
		r.over, r.total, name)
	switch text := p.output[""].String(); {
	case strings.Contains(text, "(cached)"):
		fmt.Fprintln(r.out, " (cached)")
	default:
		fmt.Fprintf(r.out, " %.1f s\n", e.Elapsed)
	}
	if e.Action != "fail" {
		return
	}
	r.failed = append(r.failed, name)
	for _, test := range slices.Sorted(slices.Values(p.failed)) {
		_, _ = r.out.Write(p.output[test].Bytes())
		delete(p.output, test)
	}
	if len(p.failed) == 0 { // it did not build, or died in an unfinished test
		for _, test := range slices.Sorted(keys(p.output)) {
			_, _ = r.out.Write(p.output[test].Bytes())
		}
	}
}

func keys[T any](m map[string]T) func(func(string) bool) {
	return func(yield func(string) bool) {
		for key := range m {
			if !yield(key) {
				return
			}
		}
	}
}

// reason says why a test was skipped, if the machine lacks something: the test's message begins with "needs".
func reason(output string) string {
	for line := range strings.Lines(output) {
		if _, said, ok := strings.Cut(line, ".go:"); ok {
			if _, said, _ = strings.Cut(said, ": "); strings.HasPrefix(said, "needs ") {
				return strings.TrimSpace(said)
			}
		}
	}
	return ""
}

// report prints the summary, and reports whether everything passed.
func (r *run) report(ci bool) bool {
	if len(r.failed) > 0 {
		fmt.Fprintf(r.out, "failed: %s\n", strings.Join(r.failed, ", "))
	} else {
		fmt.Fprintf(r.out, "passed: %d packages\n", r.over)
	}
	for _, what := range r.missing {
		fmt.Fprintf(r.out, "not run: %s\n", what)
	}
	if ci && len(r.missing) > 0 {
		fmt.Fprintln(r.out, "CI=true: what is not run is a failure; .ci/run installs what Debian's packages have")
	}
	return len(r.failed) == 0 && (len(r.missing) == 0 || !ci)
}
