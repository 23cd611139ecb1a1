package main

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"
)

// The targets, from the issue that asks for them. Sizes are in megabytes of 1,000,000 bytes.
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
	Met    *bool  `json:"met,omitempty"` // nil if there is no target
	// Assignments is the number of role assignments in the stack; 0 for a build.
	Assignments int `json:"assignments,omitempty"`
	Rounds      int `json:"rounds"` // how often it was measured
	comparison
}

// report has everything that a run of the benchmark measured.
type report struct {
	Stack  []figure `json:"stack"`            // with the components, compared with the flat program
	Growth []growth `json:"growth,omitempty"` // growth of those from size to size
	Builds []figure `json:"builds,omitempty"` // of the program, compared with the empty program
	Cold   bool     `json:"cold"`             // whether cold builds were measured
	Notes  []string `json:"notes,omitempty"`
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
	fmt.Fprint(&b, "Stacks, fresh each time: through the components, against a flat program that registers the same "+
		"resources. Ratios\n"+
		"are taken within a round: median (smallest to largest). CPU is the figure to go by: wall time also tells what "+
		"else\n"+
		"the machine was doing.\n\n")
	t := tabwriter.NewWriter(&b, 0, 0, 3, ' ', 0)
	table(t, "components\tflat", r.Stack, func(f figure) string {
		return fmt.Sprintf("%.2f x (%.2f to %.2f)", f.Ratio, f.Min, f.Max)
	})
	if err := t.Flush(); err != nil {
		return err
	}
	if len(r.Growth) > 0 {
		fmt.Fprintf(&b, "\nHow it grows: the exponent e of assignments^e, fitted to all sizes and, in brackets, between "+
			"the two largest.\n\n")
		fmt.Fprintf(t, "\t\tcomponents\tflat\n")
		for _, g := range r.Growth {
			fmt.Fprintf(t, "%s\t%s\t%.2f (%.2f)\t%.2f (%.2f)\n", g.Group, g.Name, g.Of.All, g.Of.Last, g.Against.All,
				g.Against.Last)
		}
		if err := t.Flush(); err != nil {
			return err
		}
	}
	for _, note := range r.Notes {
		fmt.Fprintf(&b, "\n%s\n", note)
	}
	if len(r.Builds) > 0 {
		fmt.Fprintf(&b, "\nThe program of this repository, against an empty Pulumi program. CPU is that of the compilers "+
			"too.\n\n")
		table(t, "program\tempty", r.Builds, func(f figure) string {
			return fmt.Sprintf("%+.2f %s (%.2f x)", f.Excess, f.Unit, f.Ratio)
		})
		if err := t.Flush(); err != nil {
			return err
		}
		if !r.Cold {
			fmt.Fprintln(&b, "\nCold builds were left out (-cold=false).")
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func table(w io.Writer, columns string, figures []figure, compared func(figure) string) {
	fmt.Fprintf(w, "\t\tassignments\trounds\t%s\tcompared\ttarget\n", columns)
	group := ""
	for _, f := range figures {
		shown := f.Group
		if shown == group {
			shown = ""
		}
		group = f.Group
		assignments := ""
		if f.Assignments > 0 {
			assignments = strconv.Itoa(f.Assignments)
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%d\t%.2f %s\t%.2f %s\t%s\t%s\n", shown, f.Name, assignments, f.Rounds, f.Of, f.Unit,
			f.Against, f.Unit, compared(f), f.verdict())
	}
}
