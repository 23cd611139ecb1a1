package verify

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/batchaccess/batchaccess/internal/jsonform"
	"github.com/batchaccess/batchaccess/internal/visible"
	"github.com/batchaccess/batchaccess/roles"
)

// WriteJSON writes the JSON form; see version.
func WriteJSON(w io.Writer, r Report) error { return jsonform.Write(w, r) }

// WriteTable writes for people.
func WriteTable(w io.Writer, r Report) error {
	var out strings.Builder
	table := tabwriter.NewWriter(&out, 0, 0, 2, ' ', 0)
	row := func(cells ...string) {
		for i := range cells {
			cells[i] = plain(cells[i])
		}
		fmt.Fprintln(table, strings.Join(cells, "\t"))
	}
	section := func(title string) {
		_ = table.Flush() // into a strings.Builder
		fmt.Fprintf(&out, "\n%s\n", title)
	}
	row("INVOKER", "ENDPOINT", "INPUT", "NOW", "WHY")
	for _, p := range r.Paths {
		row(p.Invoker, p.Target(), p.InputName(), p.outcome(), p.reason())
	}
	if len(r.Lacking) > 0 {
		section("MISSING")
	}
	for _, l := range r.Lacking {
		what := l.Role
		if !l.Whole {
			what += " without " + some(l.Actions)
		}
		if l.Conditional {
			what += ", held under a condition only, or perhaps"
		}
		row("  "+l.Principal.String(), what, l.Scope.String(), "to "+strings.Join(l.Reasons, ", "))
	}
	if slices.ContainsFunc(r.Lacking, func(l Lack) bool { return l.HeldBy == "" }) {
		row("  pulumi refresh --stack " + r.Stack + " and pulumi up --stack " + r.Stack + " grant them again")
	}
	if len(r.Shared) > 0 {
		section("SHARED GRANTS")
	}
	for _, s := range r.Shared {
		row("  "+s.Principal.String(), s.Role, s.Scope.String(), s.Why, s.Fix)
	}
	if len(r.Excess)+len(r.Strangers) > 0 {
		section("BEYOND NEED")
	}
	for _, s := range r.Strangers {
		row("  group "+s.Group, "has a member that the stack does not name: "+cmp.Or(s.Name, "no name")+" ("+s.ID+")",
			"all that the group has")
	}
	for _, e := range r.Excess {
		where := e.Role + " on " + e.Scope
		if e.Through != "" {
			where += " through group " + e.Through
		}
		if e.Condition != "" {
			where += " under a condition"
		}
		row("  "+e.Principal.String(), where, some(e.Actions)+risks(e.Risks)+endsAt(e.Escalations))
	}
	if len(r.SignIns) > 0 {
		section("CREDENTIALS")
	}
	for _, s := range r.SignIns {
		row("  " + s.String())
	}
	if r.signIns(false) > 0 {
		row("  pulumi refresh --stack " + r.Stack + " and pulumi up --stack " + r.Stack + " make what is not there again")
	}
	if len(r.Owners) > 0 {
		section("WHO MAY BECOME AN INVOKER")
	}
	for _, o := range r.Owners {
		row("  " + o.String())
	}
	beyond, planned := 0, 0
	for _, w := range r.Ways {
		if w.Planned {
			planned++
			continue
		}
		if beyond++; beyond == 1 {
			section("INDIRECT WAYS BEYOND THE PLAN (found, and not walked)")
		}
		row("  " + strings.ReplaceAll(w.String(), "Microsoft.MachineLearningServices/workspaces/", ""))
		if len(w.Cuts) > 0 {
			row("    to cut it, " + w.Cuts[0].String())
		}
	}
	if len(r.OtherWays) > 0 {
		section("WHO ELSE REACHES WHAT THE STACK HAS (found, and not walked)")
	}
	for _, o := range r.OtherWays {
		row("  " + some(o.Who) + ", by " + some(o.By))
		for _, line := range o.lines() {
			row("    " + line)
		}
		if len(o.Cuts) > 0 {
			row("    to cut it, " + o.Cuts[0].String())
		}
	}
	if len(r.Assertions) > 0 {
		section("ASSERTIONS, HELD AGAINST AZURE")
	}
	for _, v := range r.Assertions {
		if v.Holds {
			row("  holds: " + v.Says)
		} else {
			row("  does not hold: " + v.Says + ": " + v.Because)
		}
	}
	notes := slices.Clone(r.Notes)
	if planned > 0 {
		notes = append(notes, fmt.Sprintf("%d indirect ways are the plan's own: batchaccess explain shows them", planned))
	}
	if len(r.NotLookedAt) > 0 {
		notes = append(notes, "steps of a job that were not looked at: "+strings.Join(r.NotLookedAt, ", "))
	}
	for _, u := range r.Limits {
		switch {
		case u.Unknown != "":
			notes = append(notes, u.String())
		case u.nearLimit():
			notes = append(notes, "NEAR A LIMIT: "+u.String()+"; "+waysDown[u.What])
		}
	}
	if len(r.Unasked) > 0 {
		section("NOT ANSWERED")
	}
	for _, question := range r.Unasked {
		row("  " + question)
	}
	if r.Since != nil {
		section("SINCE " + r.Since.Asked.UTC().Format(time.DateTime) + " UTC")
		for _, line := range r.Since.lines() {
			row("  " + line)
		}
	}
	if len(notes) > 0 {
		section("NOTES")
	}
	for _, note := range notes {
		row("  " + note)
	}
	section("stack " + plain(r.Stack) + ": " + r.Verdict())
	_, err := io.WriteString(w, out.String())
	return err
}

// lines are what they reach, for certain and perhaps, with why that is undecided.
func (o OtherWays) lines() (lines []string) {
	what := map[string][]string{}
	var order, why []string
	for _, w := range o.Ways {
		verb, to := "reach", w.Ends
		switch {
		case w.Input != "":
			verb, to = "read", w.Input
		case w.Output != "":
			verb, to = "write", w.Output
		}
		verb = map[bool]string{true: "may ", false: "can "}[w.Undecided()] + verb
		if what[verb] == nil {
			order = append(order, verb)
		}
		what[verb] = append(what[verb], to)
		for _, hop := range w.Hops {
			if hop.Undecided && !slices.Contains(why, hop.Missing) {
				why = append(why, hop.Missing)
			}
		}
	}
	slices.Sort(order) // what is certain first
	for _, verb := range order {
		lines = append(lines, verb+" "+strings.Join(unique(what[verb]), ", "))
	}
	if len(why) > 0 {
		lines = append(lines, "undecided: "+some(why))
	}
	return lines
}

// outcome is a path's result in a word. An undeclared path that does not work is no failure, and one that works is
// shown.
func (p Path) outcome() string {
	switch {
	case p.Declared:
		return string(p.Status)
	case p.Status == Missing:
		return "no, as declared"
	default:
		return string(p.Status) + ", undeclared"
	}
}

func (p Path) reason() string {
	if p.Status == Settling {
		return "may not act before " + p.Settles.Format(time.TimeOnly) + " UTC"
	}
	return strings.ReplaceAll(p.Why, "Microsoft.MachineLearningServices/workspaces/", "")
}

// Verdict is the report in a line.
func (r Report) Verdict() string {
	declared := 0
	for _, p := range r.Paths {
		if p.Declared {
			declared++
		}
	}
	parts := []string{fmt.Sprintf("%d of %d declared paths work", r.count(Works), declared)}
	for _, more := range []struct {
		n    int
		says string
	}{
		{r.count(Settling), "are granted and may not act yet (--wait waits for them)"},
		{r.count(Undecided), "can't be decided"},
		{r.count(Missing), "are missing something"},
		{len(r.Lacking), "grants are not held"},
		{len(r.Shared), "shared grants are not held as the configuration says"},
		{len(r.Unasked), "questions have no answer"},
		{len(r.Excess), "assignments grant more than is needed"},
		{len(r.Strangers), "members of groups are not the stack's"},
		{r.violated(), "assertions do not hold"},
		{r.signIns(false), "credentials are not there"},
		{r.signIns(true), "credentials are beyond need"},
	} {
		if more.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", more.n, more.says))
		}
	}
	return strings.Join(parts, "; ")
}

// some returns the first few of many, and counts the others.
func some(all []string) string { return visible.Some(all, 3) }

func risks(all []roles.Risk) string {
	if len(all) == 0 {
		return ""
	}
	var names []string
	for _, r := range all {
		names = append(names, string(r))
	}
	return "; risk: " + strings.Join(names, ", ")
}

func endsAt(all []Escalation) string {
	if len(all) == 0 {
		return ""
	}
	var ends []string
	for _, l := range all {
		ends = append(ends, l.String())
	}
	return "; leads to " + strings.Join(ends, ", ")
}

// plain prevents text from Azure or the configuration from moving the cursor or breaking a line.
func plain(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r >= 0x7f && r < 0xa0 {
			return '\ufffd'
		}
		return r
	}, s)
}
