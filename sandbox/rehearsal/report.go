package rehearsal

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/sandbox/azure"
)

// A Report is the result of a rehearsal.
type Report struct {
	Version int    `json:"version"` // of the JSON form: raised when something is renamed or removed
	Stack   string `json:"stack"`
	// Weather of the sandbox, as azure.ParseWeather reads it.
	Weather  string    `json:"weather"`
	Outcomes []Outcome `json:"outcomes"`
	// Assertions are judged by observation, not by the model.
	Assertions []access.Verdict `json:"assertions,omitempty"`
	// Walks are the indirect ways that were tried, each for one principal.
	Walks []Walk `json:"walks,omitempty"`
	// NotChecked names what the rehearsal took on trust, or did not look at.
	NotChecked []string `json:"notChecked"`
	// Guesses are the guesses in docs/parity.md that the outcomes depend on: the sandbox does something that no
	// document of Azure states.
	Guesses []string `json:"guesses"`
	// Left has the IDs of resources that the stack made and that its destruction did not delete.
	Left []string `json:"left"`
	// Kept is the folder of a stack that was not destroyed; "" if it was.
	Kept string `json:"kept,omitempty"`
}

// An Outcome is one attempt to start a job.
type Outcome struct {
	Invoker  string `json:"invoker"`
	Endpoint string `json:"endpoint,omitempty"`
	Input    string `json:"input,omitempty"`
	// Control marks what no stack may allow: a principal without a role, a cluster without a reader.
	Control bool   `json:"control,omitempty"`
	Want    string `json:"want"` // works, or the hop at which it should fail
	Got     string `json:"got"`  // works, or the hop at which it failed
	Detail  string `json:"detail,omitempty"`
	OK      bool   `json:"ok"`
}

const works = "works"

// failsAt is the hop at which a job failed: works if it did not fail.
func failsAt(hop access.HopKind) string {
	if hop == "" {
		return works
	}
	return "fails at " + string(hop)
}

func (r *Report) add(o Outcome) {
	o.OK = o.Want == o.Got
	r.Outcomes = append(r.Outcomes, o)
}

// Passed reports whether every path had the right result, every assertion held and nothing was left behind.
func (r *Report) Passed() bool {
	refused := slices.ContainsFunc(r.Walks, func(w Walk) bool { return w.Refused })
	return len(r.Failures()) == 0 && len(r.Violated()) == 0 && len(r.Left) == 0 && !refused
}

// writeWalks writes how many ways were walked, and why the others were not.
func (r *Report) writeWalks(w io.Writer, failed string) {
	if len(r.Walks) == 0 {
		return
	}
	walked, waits, why := 0, 0, map[string]int{}
	for _, walk := range r.Walks {
		switch {
		case walk.Walked:
			walked++
			if walk.Waits {
				waits++
			}
		case walk.Refused:
			fmt.Fprintf(w, "\n%s the plan says that %s\n  %s\n", failed, walk.Way, walk.Why)
		default:
			why[walk.Why]++
		}
	}
	fmt.Fprintf(w, "indirect ways: %d of %d walked\n", walked, len(r.Walks))
	if waits > 0 {
		fmt.Fprintf(w, "  of those, waiting for somebody else to start a job: %d\n", waits)
	}
	for _, reason := range slices.Sorted(maps.Keys(why)) {
		fmt.Fprintf(w, "  not walked, %d: %s\n", why[reason], reason)
	}
}

// Violated are the assertions that did not hold.
func (r *Report) Violated() (violated []access.Verdict) {
	for _, v := range r.Assertions {
		if !v.Holds {
			violated = append(violated, v)
		}
	}
	return violated
}

// Failures are the outcomes that are wrong.
func (r *Report) Failures() (failed []Outcome) {
	for _, o := range r.Outcomes {
		if !o.OK {
			failed = append(failed, o)
		}
	}
	return failed
}

// Write prints the access matrix, one line for each control, and everything that is wrong. It uses colours only if
// asked to.
func (r *Report) Write(w io.Writer, colour bool) error {
	paint := func(code, text string) string {
		if !colour {
			return text
		}
		return "\x1b[" + code + "m" + text + "\x1b[0m"
	}
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "INVOKER\tENDPOINT\tINPUT\tSHOULD\tDID\t")
	for _, o := range r.Outcomes {
		if !o.Control {
			fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\n", o.Invoker, dash(o.Endpoint), dash(o.Input), short(o.Want),
				short(o.Got), mark(o.OK))
		}
	}
	if err := table.Flush(); err != nil {
		return err
	}
	var controls, held int
	for _, o := range r.Outcomes {
		if o.Control {
			controls++
			if o.OK {
				held++
			}
		}
	}
	fmt.Fprintf(w, "\ncontrols: %d of %d held (%s)\n", held, controls,
		"a principal without a role; a cluster without a reader; nobody has more than is declared")
	if len(r.Assertions) > 0 {
		fmt.Fprintf(w, "assertions: %d of %d held\n", len(r.Assertions)-len(r.Violated()), len(r.Assertions))
	}
	r.writeWalks(w, paint("31", "FAILED"))
	for _, v := range r.Violated() {
		fmt.Fprintf(w, "\n%s assertion %s: %s\n  %s\n", paint("31", "FAILED"), v.Name, v.Says, v.Because)
	}
	for _, o := range r.Failures() {
		fmt.Fprintf(w, "\n%s %s on %s with %s: should %s, %s\n  %s\n", paint("31", "FAILED"), o.Invoker, dash(o.Endpoint),
			dash(o.Input), should(o.Want), did(o.Got), o.Detail)
	}
	for _, id := range r.Left {
		fmt.Fprintf(w, "%s left behind by pulumi destroy: %s\n", paint("31", "FAILED"), id)
	}
	if r.Weather != (azure.Weather{}).String() {
		fmt.Fprintf(w, "\nweather: --weather %s\n", r.Weather)
	}
	if r.Kept != "" {
		fmt.Fprintf(w, "the stack is left up in %s\n", r.Kept)
	}
	if len(r.NotChecked) > 0 {
		fmt.Fprintf(w, "\nnot checked:\n  %s\n", strings.Join(r.NotChecked, "\n  "))
	}
	if len(r.Guesses) > 0 {
		fmt.Fprintf(w, "\nrests on guesses about Azure (docs/parity.md): %s\n", strings.Join(r.Guesses, ", "))
	}
	verdict := paint("32", "passed")
	if !r.Passed() {
		verdict = paint("31", "FAILED")
	}
	_, err := fmt.Fprintf(w, "\nrehearsal of stack %s: %s, %d of %d attempts as they should be\n", r.Stack, verdict,
		len(r.Outcomes)-len(r.Failures()), len(r.Outcomes))
	return err
}

func dash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

func mark(ok bool) string {
	if ok {
		return "ok"
	}
	return "WRONG"
}

func short(s string) string {
	if hop, ok := strings.CutPrefix(s, "fails at "); ok {
		return "no (" + hop + ")"
	}
	return "yes"
}

func should(s string) string { return strings.NewReplacer("works", "work", "fails", "fail").Replace(s) }

func did(s string) string {
	return strings.NewReplacer("works", "worked", "fails", "failed").Replace(s)
}
