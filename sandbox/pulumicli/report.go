package pulumicli

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/mattn/go-isatty"
)

const (
	terminalInterval = time.Second      // a line that overwrites the last one
	plainInterval    = 10 * time.Second // a line of its own in a log
)

// report prints how far a build is, at intervals, until stopped. It counts the lines of `go build -v`: one for each
// package that is compiled, none for a package in Go's build cache. So the share that it prints is a lower bound, and
// says so.
type report struct {
	out      io.Writer
	terminal bool
	began    time.Time
	done     chan struct{}
	stopped  chan struct{}

	mu       sync.Mutex
	doing    string
	total    int // packages to build, known while compiling
	compiled int
	linking  bool
}

func newReport(out io.Writer) *report {
	file, ok := out.(*os.File)
	r := &report{
		out: out, terminal: ok && isatty.IsTerminal(file.Fd()), began: time.Now(),
		done: make(chan struct{}), stopped: make(chan struct{}),
	}
	interval := plainInterval
	if r.terminal {
		interval = terminalInterval
	}
	go r.run(interval)
	return r
}

func (r *report) run(interval time.Duration) {
	defer close(r.stopped)
	ticks := time.NewTicker(interval)
	defer ticks.Stop()
	for {
		select {
		case <-ticks.C:
			r.mu.Lock()
			r.write()
			r.mu.Unlock()
		case <-r.done:
			return
		}
	}
}

// phase sets the name of the present phase.
func (r *report) phase(doing string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.doing = doing
	r.write()
}

// compiling starts the phase in which lines count as packages; total is their number.
func (r *report) compiling(total int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.total = total
	r.write()
}

// Write counts the lines of `go build -v`.
func (r *report) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.compiled += bytes.Count(p, []byte("\n"))
	// The main package comes last; linking follows, without output.
	r.linking = r.linking || bytes.Contains(p, []byte(mainPackage+"\n"))
	return len(p), nil
}

// write writes a line of its own, or overwrites the last one. The caller holds mu, which keeps lines whole.
func (r *report) write() {
	if line := r.line(time.Since(r.began)); r.terminal {
		fmt.Fprintf(r.out, "\r\x1b[K%s", line) // erases the rest of a longer line
	} else {
		fmt.Fprintln(r.out, line)
	}
}

func (r *report) line(elapsed time.Duration) string {
	doing := r.doing
	switch {
	case r.linking:
		doing = fmt.Sprintf("linking (compiled %d packages)", r.compiled)
	case r.total > 0:
		doing = fmt.Sprintf("compiled %d of at most %d packages, at least %d%%: Go skips those it has cached",
			r.compiled, r.total, 100*r.compiled/r.total)
	}
	return fmt.Sprintf("pulumi %s: %s [%s]", Version, doing, elapsed.Round(time.Second))
}

// stop ends the report. Nothing is written after it.
func (r *report) stop() {
	close(r.done)
	<-r.stopped
	if r.terminal {
		fmt.Fprintln(r.out)
	}
}
