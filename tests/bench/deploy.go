package main

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/batchaccess/batchaccess/tests/bench/usage"
	"github.com/batchaccess/batchaccess/tests/bench/workload"
)

// sizes are numbers of role assignments, ascending; flag.Value.
type sizes []int

func (s *sizes) String() string {
	var parts []string
	for _, n := range *s {
		parts = append(parts, strconv.Itoa(n))
	}
	return strings.Join(parts, ",")
}

// leastSize is the size of the smallest workload.
const leastSize = 4

// Set implements flag.Value.
func (s *sizes) Set(text string) error {
	*s = nil
	for part := range strings.SplitSeq(text, ",") {
		n, err := strconv.Atoi(strings.TrimSpace(part))
		if err != nil || n < leastSize {
			return fmt.Errorf("%q is no number of role assignments; give whole numbers from %d on, such as 10,100,1000", part,
				leastSize)
		}
		*s = append(*s, n)
	}
	slices.Sort(*s)
	*s = slices.Compact(*s)
	return nil
}

// mostSaved is the largest size at which up is also measured as it is by default: its time grows with the square of the
// size.
const mostSaved = 1000

// deployAll measures the two programs that deploy the workload, in turns, size by size.
func (b *bench) deployAll(ctx context.Context) error {
	b.step("building the programs")
	for pkg, to := range map[string]string{measurePackage: b.measure, flatPackage: b.program("flat"),
		componentsPackage: b.program("components")} {
		if _, err := b.build(ctx, pkg, to, nil); err != nil {
			return err
		}
	}
	for _, size := range b.sizes {
		if err := b.deployRounds(ctx, size, b.rounds, everyRound); err != nil {
			return err
		}
		if size > mostSaved {
			b.report.Notes = append(b.report.Notes, fmt.Sprintf("up as it is by default was left out at %d assignments: the "+
				"state is written again with every resource.", size))
			continue
		}
		if err := b.deployRounds(ctx, size, 1, once); err != nil {
			return err
		}
	}
	slices.SortStableFunc(b.report.Stack, byFigure(b.report.Stack))
	var err error
	b.report.Growth, err = growths(b.report.Stack)
	return err
}

// byFigure keeps the order in which groups and names first appear, and puts the sizes of each together.
func byFigure(figures []figure) func(a, b figure) int {
	met := map[[2]string]int{}
	for i, f := range figures {
		if _, again := met[[2]string{f.Group, f.Name}]; !again {
			met[[2]string{f.Group, f.Name}] = i
		}
	}
	return func(a, b figure) int { return met[[2]string{a.Group, a.Name}] - met[[2]string{b.Group, b.Name}] }
}

// deployRounds runs the commands with both programs in each round, and adds the figures to the report.
func (b *bench) deployRounds(ctx context.Context, size, rounds int, commands []command) error {
	w := workload.Of(size)
	var of, against []*deployment
	for round := range rounds {
		var both [2]*deployment
		// The order changes, so that no program always runs on the warmer machine.
		for _, which := range [][]int{{0, 1}, {1, 0}}[round%2] {
			name := []string{"components", "flat"}[which]
			b.step("%d assignments, round %d of %d: %s: %s", w.Assignments(), round+1, rounds, name, commandNames(commands))
			d, err := b.deploy(ctx, b.program(name), size, commands)
			if err != nil {
				return fmt.Errorf("deploying the %s program: %w", name, err)
			}
			both[which] = d
		}
		if err := both[0].resources.sameAs(both[1].resources); err != nil {
			return fmt.Errorf("the two programs do not deploy the same, so comparing them means nothing: through the "+
				"components, against flat: %w", err)
		}
		if n := both[0].resources[assignmentType].resources; n != w.Assignments() {
			return fmt.Errorf("%d role assignments were deployed in place of %d", n, w.Assignments())
		}
		of, against = append(of, both[0]), append(against, both[1])
	}
	for _, c := range commands {
		figures, err := compareDeployments(c.name, w.Assignments(), of, against)
		if err != nil {
			return err
		}
		b.report.Stack = append(b.report.Stack, figures...)
	}
	return nil
}

const assignmentType = "azure-native:authorization:RoleAssignment"

func commandNames(commands []command) string {
	var names []string
	for _, c := range commands {
		names = append(names, c.name)
	}
	return strings.Join(names, "; ")
}

func (b *bench) program(name string) string { return filepath.Join(b.builder.dir, "program-"+name) }

// processes are the processes whose usage is measured.
var processes = []struct {
	name string
	of   func(run) usage.Usage
}{
	{"program", func(r run) usage.Usage { return r.program }},
	{"engine", func(r run) usage.Usage { return r.engine }},
}

// metrics are the figures of a usage.
var metrics = []struct {
	name, unit string
	of         func(usage.Usage) float64
}{
	{"CPU", "s", func(u usage.Usage) float64 { return u.CPU.Seconds() }},
	{"wall", "s", func(u usage.Usage) float64 { return u.Wall.Seconds() }},
	{"peak memory", "MB", func(u usage.Usage) float64 { return float64(u.Peak) / 1e6 }},
}

// compareDeployments compares the cost of a command for two programs, one deployment a round.
func compareDeployments(name string, assignments int, of, against []*deployment) (figures []figure, err error) {
	for _, p := range processes {
		for _, m := range metrics {
			values := func(all []*deployment) (values []float64) {
				for _, d := range all {
					values = append(values, m.of(p.of(d.runs[name])))
				}
				return values
			}
			f := figure{Group: name + ": " + p.name, Name: m.name, Unit: m.unit, Assignments: assignments, Rounds: len(of)}
			if f.comparison, err = compare(values(of), values(against)); err != nil {
				return nil, fmt.Errorf("%s, %s: %w", f.Group, f.Name, err)
			}
			figures = append(figures, f.withTarget(fmt.Sprintf("<= %.2f x", mostRatio), f.Ratio <= mostRatio))
		}
	}
	return figures, nil
}
