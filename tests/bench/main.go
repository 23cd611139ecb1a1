// The command bench measures what the components cost, in ratios taken in one run: previewing and deploying stacks of
// up to 4,000 role assignments with them, compared with a flat program that registers the same resources itself, and
// how both grow with the size; and building the program of this repository, compared with an empty Pulumi program. It
// measures processes from outside, and must not know how the components work. It exits with 1 if something could not be
// measured, and with 0 whatever the figures are.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/batchaccess/batchaccess/sandbox/pulumicli"
	"github.com/batchaccess/batchaccess/tests/bench/usage"
)

type options struct {
	sizes              sizes
	rounds             int
	builds, cold, json bool
	critical           bool
}

func main() {
	o := options{sizes: sizes{10, 100, 1000, 4000}}
	flags := flag.NewFlagSet("bench", flag.ExitOnError) // a dependency adds flags to the common set
	flags.Var(&o.sizes, "sizes", "numbers of role assignments to measure at, with commas between them; 4000 is Azure's "+
		"limit for a subscription")
	flags.IntVar(&o.rounds, "rounds", 5, "how often each figure is measured; up that saves all along, and cold builds, "+
		"are measured once")
	flags.BoolVar(&o.builds, "builds", true, "measure builds too")
	flags.BoolVar(&o.cold, "cold", true, "measure cold builds among them, once each; they take minutes")
	flags.BoolVar(&o.json, "json", false, "print the figures as JSON")
	flags.BoolVar(&o.critical, "critical-path", false, "measure, in place of all else, an up of the sample with every "+
		"answer of Azure one second late, against its longest chain of calls")
	_ = flags.Parse(os.Args[1:]) // exits where it fails
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := measureAll(ctx, o, flags.Args(), os.Stdout, os.Stderr)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func measureAll(ctx context.Context, o options, args []string, stdout, stderr io.Writer) (err error) {
	if o.rounds < 1 || len(args) > 0 {
		return errors.New("-rounds must be 1 or more, and there are no arguments")
	}
	root, err := moduleRoot(ctx)
	if err != nil {
		return err
	}
	cli, err := pulumicli.Find(ctx, stderr)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "batchaccess-bench-")
	if err != nil {
		return fmt.Errorf("making a folder for the benchmark: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	b := bench{options: o, builder: builder{root: root, dir: dir}, progress: stderr, began: time.Now()}
	b.stacks = stacks{dir: dir, measure: filepath.Join(dir, "measure"), pulumi: cli}
	if o.critical {
		return b.criticalPaths(ctx, time.Second, stdout)
	}
	b.report = report{Cold: o.cold}
	if err := b.deployAll(ctx); err != nil {
		return err
	}
	if o.builds {
		if err := b.buildAll(ctx); err != nil {
			return err
		}
	}
	if !o.json {
		return b.report.write(stdout)
	}
	e := json.NewEncoder(stdout)
	e.SetIndent("", "  ")
	return e.Encode(b.report)
}

// The packages that are built, as paths in the module.
const (
	measurePackage    = "./tests/bench/measure"
	flatPackage       = "./tests/bench/programs/flat"
	componentsPackage = "./tests/bench/programs/components"
	emptyPackage      = "./tests/bench/programs/empty"
	programPackage    = "."
)

type bench struct {
	options
	builder
	stacks
	report   report
	progress io.Writer
	began    time.Time
}

func (b *bench) step(format string, args ...any) {
	fmt.Fprintf(b.progress, "%5.0f s  %s\n", time.Since(b.began).Seconds(), fmt.Sprintf(format, args...))
}

// edits are the changes after which a build is measured: one in the program itself, whose figure has a target, and one
// below everything else in the program.
var edits = []struct {
	name, file string
	target     bool
}{
	{"incremental (main.go changed)", "main.go", true},
	{"incremental (access/ changed)", "access/model.go", false},
}

// buildAll measures the builds and the sizes of the program and of the empty one.
func (b *bench) buildAll(ctx context.Context) error {
	b.step("building the program and the empty one")
	size, err := b.size(ctx, programPackage, "size")
	if err != nil {
		return err
	}
	emptySize, err := b.size(ctx, emptyPackage, "size-empty")
	if err != nil {
		return err
	}
	for _, edit := range edits {
		if err := b.incrementals(ctx, edit.name, edit.file, edit.target); err != nil {
			return err
		}
	}
	if b.cold {
		if err := b.colds(ctx); err != nil {
			return err
		}
	}
	f := figure{Group: "binary", Name: "size", Unit: "MB", Rounds: 1}
	if f.comparison, err = compare([]float64{float64(size) / 1e6}, []float64{float64(emptySize) / 1e6}); err != nil {
		return err
	}
	b.report.Builds = append(b.report.Builds, f.withTarget(fmt.Sprintf("<= %.0f MB", mostSizeMB), f.Of <= mostSizeMB))
	return nil
}

// incrementals measures, in turns, a build of the program after a change, and one of the empty program after a change
// in its own file.
func (b *bench) incrementals(ctx context.Context, name, file string, target bool) error {
	var of, against []usage.Usage
	for round := range b.rounds {
		b.step("round %d of %d: %s", round+1, b.rounds, name)
		u, err := b.incremental(ctx, programPackage, file, round)
		if err != nil {
			return err
		}
		empty, err := b.incremental(ctx, emptyPackage, filepath.Join(emptyPackage, "main.go"), round)
		if err != nil {
			return err
		}
		of, against = append(of, u), append(against, empty)
	}
	return b.addBuild(name, of, against, target)
}

func (b *bench) colds(ctx context.Context) error {
	b.step("cold build of the empty program")
	empty, err := b.builder.coldBuild(ctx, emptyPackage)
	if err != nil {
		return err
	}
	b.step("cold build of the program")
	u, err := b.builder.coldBuild(ctx, programPackage)
	if err != nil {
		return err
	}
	return b.addBuild("cold", []usage.Usage{u}, []usage.Usage{empty}, false)
}

// addBuild adds a build's figures to the report. Only CPU time has a target.
func (b *bench) addBuild(name string, of, against []usage.Usage, target bool) error {
	for _, m := range metrics[:2] {
		var values, others []float64
		for i := range of {
			values, others = append(values, m.of(of[i])), append(others, m.of(against[i]))
		}
		f := figure{Group: name, Name: m.name, Unit: m.unit, Rounds: len(of)}
		var err error
		if f.comparison, err = compare(values, others); err != nil {
			return fmt.Errorf("%s build: %w", name, err)
		}
		if target && m.name == "CPU" {
			f = f.withTarget(fmt.Sprintf("<= +%.0f s", mostExcessCPU), f.Excess <= mostExcessCPU)
		}
		b.report.Builds = append(b.report.Builds, f)
	}
	return nil
}
