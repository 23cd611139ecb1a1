package rehearsal

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/internal/visible"
	"github.com/batchaccess/batchaccess/sandbox/azure"
)

// A ChangeReport is the result of rehearsing a change.
type ChangeReport struct {
	Stack string `json:"stack"`
	// From describes the old version.
	From    string `json:"from,omitempty"`
	Weather string `json:"weather"`
	// Writes to Azure during the change. After each, every job was tried.
	Writes int `json:"writes"`
	// Before and After count the jobs that work. A job is an invoker, endpoint, deployment and input.
	Before int `json:"before"`
	After  int `json:"after"`
	// What happened to the stack's resources in Azure.
	Made     []Resource `json:"made"`
	Replaced []Resource `json:"replaced"`
	Deleted  []Resource `json:"deleted"`
	Renamed  []Resource `json:"renamed"`
	// Interruptions are of jobs that work before and after the change, but not all the time in between.
	Interruptions []Interruption `json:"interruptions"`
	// Lost are the jobs that work before and not after, Gained those that work after and not before.
	Lost   []Job `json:"lost"`
	Gained []Job `json:"gained"`
	// Failed says how the change failed; "" if it worked.
	Failed string `json:"failed,omitempty"`
	// Broken are the jobs that should work before the change or after it, by explain, and do not; and the differences
	// at the end of a change that was killed and resumed, Kills times.
	Broken []string `json:"broken,omitempty"`
	Kills  int      `json:"kills,omitempty"`
	// KillSeed repeats the kills.
	KillSeed uint64 `json:"killSeed,omitempty"`

	was map[string]Resource
}

// A Resource is a resource of the stack.
type Resource struct {
	Type string `json:"type"`
	Name string `json:"name"`
	// Was is its name before the change; "" if it kept its name.
	Was string `json:"was,omitempty"`

	id      string
	created time.Time
	aliases []string // URNs that it may have had before, by the renames in the model
}

// A Job is an invoker and the job that they start.
type Job struct {
	Invoker string `json:"invoker"`
	What    string `json:"what"`
}

// An Interruption is a job that somebody could start before and after the change, and could not for a time in between.
type Interruption struct {
	Job
	// From is the write after which it stopped working, To the one after which it worked again; "" for never.
	From string `json:"from"`
	To   string `json:"to,omitempty"`
	Why  string `json:"why,omitempty"`
}

// Passed reports whether the change works and interrupts nobody.
func (r *ChangeReport) Passed() bool {
	return r.Failed == "" && len(r.Interruptions)+len(r.Broken) == 0
}

// compare says what happened to each resource.
func (r *ChangeReport) compare(now map[string]Resource) {
	same := func(a, b Resource) bool { return a.Type == b.Type && a.id == b.id && a.created.Equal(b.created) }
	ids := map[string]string{}
	for urn, one := range r.was {
		ids[one.Type+" "+one.id] = urn
	}
	gone := maps.Clone(r.was)
	for _, urn := range slices.Sorted(maps.Keys(now)) {
		one := now[urn]
		was, there := r.was[urn]
		renamed := ""
		for _, alias := range one.aliases { // it replaced a resource with another name
			_, stays := now[alias]
			if _, free := gone[alias]; free && !stays && r.was[alias].Type == one.Type {
				renamed = alias
			}
		}
		from, held := ids[one.Type+" "+one.id]
		switch {
		case there && same(was, one):
		case there && !held:
			r.Replaced = append(r.Replaced, one)
		case held && same(r.was[from], one):
			one.Was = r.was[from].Name
			r.Renamed = append(r.Renamed, one)
			delete(gone, from)
		case there || held:
			if held && from != urn {
				one.Was = r.was[from].Name
			}
			r.Replaced = append(r.Replaced, one)
			delete(gone, from)
		case renamed != "":
			one.Was = r.was[renamed].Name
			r.Replaced = append(r.Replaced, one)
			delete(gone, renamed)
		default:
			r.Made = append(r.Made, one)
		}
		delete(gone, urn)
	}
	for _, urn := range slices.Sorted(maps.Keys(gone)) {
		r.Deleted = append(r.Deleted, gone[urn])
	}
}

// aliases are the URNs that a resource may have had before. The engine keeps no aliases in a state, but the resource's
// name is made from those of invokers, clusters and storage accounts, and the model has their earlier names.
func aliases(m access.Model, urn string) (all []string) {
	was := map[string]string{}
	for name, i := range m.Invokers {
		was[name] = i.Was
	}
	for name, c := range m.Clusters {
		was[name] = cmp.Or(was[name], c.Was)
	}
	for name, before := range m.StorageAccountsWere {
		was[name] = cmp.Or(was[name], before)
	}
	cut := strings.LastIndex(urn, "::") + len("::")
	names := []string{""}
	for _, part := range strings.Split(urn[cut:], ".") {
		var longer []string
		for _, begun := range names {
			longer = append(longer, begun+"."+part)
			if before := was[part]; before != "" {
				longer = append(longer, begun+"."+before)
			}
		}
		names = longer
	}
	for _, name := range names[1:] { // the first is its present URN
		all = append(all, urn[:cut]+strings.TrimPrefix(name, "."))
	}
	return all
}

// Write prints the report. It uses colours only if asked to.
func (r *ChangeReport) Write(w io.Writer, colour bool) error {
	paint := func(code, text string) string {
		if !colour {
			return text
		}
		return "\x1b[" + code + "m" + text + "\x1b[0m"
	}
	for _, part := range []struct {
		verb string
		all  []Resource
	}{{"made", r.Made}, {"replaced", r.Replaced}, {"deleted", r.Deleted}, {"renamed", r.Renamed}} {
		for _, one := range part.all {
			was := ""
			if one.Was != "" && one.Was != one.Name {
				was = ", was " + one.Was
			}
			fmt.Fprintf(w, "%-9s %s (%s)%s\n", part.verb, one.Name, one.Type, was)
		}
	}
	for _, part := range []struct {
		verb string
		all  []Job
	}{{"loses", r.Lost}, {"gains", r.Gained}} {
		for _, job := range part.all {
			fmt.Fprintf(w, "%-9s %s: %s\n", part.verb, job.Invoker, job.What)
		}
	}
	for _, i := range r.Interruptions {
		to := "until " + i.To
		if i.To == "" {
			to = "and not again"
		}
		fmt.Fprintf(w, "\n%s %s: %s\n  from %s\n  %s\n  %s\n", paint("31", "INTERRUPTED"), i.Invoker, i.What, i.From,
			to, i.Why)
	}
	for _, broken := range r.Broken {
		fmt.Fprintf(w, "\n%s %s\n", paint("31", "BROKEN"), broken)
	}
	if r.Failed != "" {
		fmt.Fprintf(w, "\n%s the change: %s\n", paint("31", "FAILED"), strings.TrimSpace(r.Failed))
	}
	if r.Weather != (azure.Weather{}).String() {
		fmt.Fprintf(w, "\nweather: --weather %s\n", r.Weather)
	}
	verdict := paint("32", "passed")
	if !r.Passed() {
		verdict = paint("31", "FAILED")
	}
	kills := ""
	if r.Kills > 0 {
		kills = fmt.Sprintf(", %s (--kill-seed %d)", visible.Counted(r.Kills, "kill"), r.KillSeed)
	}
	_, err := fmt.Fprintf(w, "\nchange of stack %s from %s: %s, %s, %s, jobs that work: %d before and %d after%s\n",
		r.Stack, r.From, verdict, visible.Counted(r.Writes, "write"), visible.Counted(len(r.Interruptions), "interruption"),
		r.Before, r.After, kills)
	return err
}
