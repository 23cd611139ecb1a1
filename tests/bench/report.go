package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
)

// What the figures are to reach, from the issue that asks for them. Sizes are in megabytes of 1,000,000 bytes.
const (
	mostRatio     = 1.10
	mostExcessCPU = 3.0 // seconds
	mostSizeMB    = 50.0
)

// A figure is one line of the report.
type figure struct {
	Group  string `json:"group"` // such as "preview: program"
	Name   string `json:"name"`  // such as "CPU"
	Unit   string `json:"unit"`  // s or MB
	Target string `json:"target,omitempty"`
	Met    *bool  `json:"met,omitempty"` // nil where there is no target
	Rounds int    `json:"rounds"`        // how often it was measured
	comparison
}

// report is all that a run of the benchmark measured.
type report struct {
	Resources int      `json:"resources"`
	Stack     []figure `json:"stack"`  // through the components, against the flat program
	Builds    []figure `json:"builds"` // of the program, against the empty program
	Cold      bool     `json:"cold"`   // whether cold builds were measured
}

// withTarget sets a figure's target and whether it is met.
func (f figure) withTarget(target string, met bool) figure {
	f.Target, f.Met = target, &met
	return f
}

func (f figure) verdict() string {
	switch {
	case f.Met == nil:
		return ""
	case *f.Met:
		return f.Target + "  met"
	default:
		return f.Target + "  missed"
	}
}

func (r report) write(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "A stack of %d resources, fresh each time: through the components, against a flat program that registers\n"+
		"the same. Ratios are taken within a round: median (smallest to largest). CPU is the figure to go by: wall time also\n"+
		"tells what else the machine was doing.\n\n", r.Resources)
	t := tabwriter.NewWriter(&b, 0, 0, 3, ' ', 0)
	table(t, "components\tflat", r.Stack, func(f figure) string {
		return fmt.Sprintf("%.2f x (%.2f to %.2f)", f.Ratio, f.Min, f.Max)
	})
	if err := t.Flush(); err != nil {
		return err
	}
	fmt.Fprintf(&b, "\nThe program of this repository, against an empty Pulumi program. CPU is that of the compilers too.\n\n")
	table(t, "program\tempty", r.Builds, func(f figure) string {
		return fmt.Sprintf("%+.2f %s (%.2f x)", f.Excess, f.Unit, f.Ratio)
	})
	if err := t.Flush(); err != nil {
		return err
	}
	if !r.Cold {
		fmt.Fprintln(&b, "\nCold builds were left out (-cold=false).")
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func table(w io.Writer, columns string, figures []figure, compared func(figure) string) {
	fmt.Fprintf(w, "\t\trounds\t%s\tcompared\ttarget\n", columns)
	group := ""
	for _, f := range figures {
		shown := f.Group
		if shown == group {
			shown = ""
		}
		group = f.Group
		fmt.Fprintf(w, "%s\t%s\t%d\t%.2f %s\t%.2f %s\t%s\t%s\n", shown, f.Name, f.Rounds, f.Of, f.Unit, f.Against, f.Unit, compared(f), f.verdict())
	}
}
