package explain

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/internal/problem"
	"github.com/batchaccess/batchaccess/roles"
)

// The answers to a question. What a condition, an unknown role or a grant that is not acting yet decides is Undecided.
const (
	Yes       = "yes"
	No        = "no"
	Undecided = "undecided"
)

// Verbs are what Ask can be asked about.
func Verbs() []string { return []string{"start", "read", "write", "do"} }

// An Answer is that to one question.
type Answer struct {
	Version int    `json:"version"`
	Stack   string `json:"stack"`
	Who     string `json:"who"`
	Verb    string `json:"verb"`
	What    string `json:"what"`
	Answer  string `json:"answer"`  // Yes, No or Undecided
	Because string `json:"because"` // what makes it possible, or what is missing
	Paths   []Path `json:"paths"`   // those that the answer was read off, with their hops; never null
	// Ways are the indirect ones to what is asked about: the answer is about what is held directly.
	Ways []Way `json:"ways"`
}

// Ask answers whether somebody can do something.
//
// Who is the name of an invoker, or cluster:<name>. To start an endpoint is to have a job on it work with every input
// that it declares. To read an input, or write an output, is to have a job do so, or to hold what does so outside of
// jobs. To do is to hold an action of Azure in full, or any action of a risk. A group that the stack makes stands for
// its members.
//
// The paths are those to go by: the plan's, or those that Azure's assignments give. With live ones nothing is taken
// from the plan's grants, and what is not on a path is undecided.
func Ask(stack string, plan *access.Plan, live []Path, who, verb, what string) (Answer, error) {
	a := Answer{Version: Version, Stack: stack, Who: who, Verb: verb, What: what, Paths: []Path{}}
	q := question{plan, live, live != nil, verb, what}
	if err := q.check(who); err != nil {
		return a, err
	}
	names := []string{who}
	if members := plan.Model.Invokers[who].Members; len(members) > 0 {
		names = slices.Sorted(slices.Values(members))
	}
	if !q.live {
		for _, p := range plan.Paths() {
			q.paths = append(q.paths, pathOf(p))
		}
	}
	var because []string
	for _, name := range names {
		answer, why, paths := q.ask(name)
		if len(names) > 1 {
			why = name + ": " + why
		}
		if a.Answer == "" || answer == No || answer == Undecided && a.Answer == Yes {
			a.Answer = answer
		}
		because, a.Paths = append(because, why), append(a.Paths, paths...)
	}
	a.Because = strings.Join(because, "; ")
	if q.live || verb != "read" && verb != "write" {
		return a, nil
	}
	others := func(of string) bool { return !slices.Contains(names, of) }
	ways := slices.DeleteFunc(plan.Ways(), func(w access.Way) bool {
		to := map[string]string{"read": w.Input, "write": w.Output}[verb]
		return to != what || !slices.ContainsFunc(w.Who, func(of string) bool { return !others(of) })
	})
	a.Ways = withCuts(plan, ways)
	for i := range a.Ways {
		a.Ways[i].Who = slices.DeleteFunc(slices.Clone(a.Ways[i].Who), others)
	}
	return a, nil
}

type question struct {
	plan       *access.Plan
	paths      []Path
	live       bool
	verb, what string
}

// check refuses what the plan does not know: it would be answered no.
func (q question) check(who string) error {
	m := q.plan.Model
	people := slices.Sorted(maps.Keys(m.Invokers))
	if q.verb != "start" {
		for _, name := range slices.Sorted(maps.Keys(m.Clusters)) {
			people = append(people, clusterPrefix+name)
		}
	}
	if !slices.Contains(people, who) {
		return fmt.Errorf("nobody who can %s is called %q; %s", q.verb, who, problem.DidYouMean(who, people))
	}
	var known []string
	switch q.verb {
	case "start":
		known = slices.Sorted(maps.Keys(m.EffectiveEndpoints()))
	case "read":
		known = slices.Sorted(maps.Keys(m.DataInputs))
	case "write":
		known = slices.Sorted(maps.Keys(m.DataOutputs))
	case "do":
		for _, r := range roles.Risks() {
			known = append(known, string(r))
		}
		if strings.Contains(q.what, "/") && !strings.Contains(q.what, "*") {
			return nil
		}
	default:
		return fmt.Errorf("unknown verb %q; %s", q.verb, problem.DidYouMean(q.verb, Verbs()))
	}
	if !slices.Contains(known, q.what) {
		things := map[string]string{"start": "endpoint", "read": "data input", "write": "data output",
			"do": "risk, or action of Azure in full,"}
		return fmt.Errorf("no %s is called %q; %s", things[q.verb], q.what, problem.DidYouMean(q.what, known))
	}
	return nil
}

const clusterPrefix = "cluster:"

func principalOf(name string) access.Principal {
	if cluster, is := strings.CutPrefix(name, clusterPrefix); is {
		return access.ClusterPrincipal(cluster)
	}
	return access.InvokerPrincipal(name)
}

func (q question) ask(who string) (answer, because string, paths []Path) {
	outputs := q.plan.Model.EffectiveEndpoints()
	for _, p := range q.paths {
		about := map[string]bool{
			"start": p.Endpoint == q.what, "read": p.Input == q.what,
			"write": slices.Contains(outputs[p.Endpoint].Outputs, q.what),
		}
		if p.Invoker == who && about[q.verb] {
			paths = append(paths, p)
		}
	}
	works := func(p Path) bool { return p.Works }
	undecided := func(p Path) bool { return p.Undecided }
	fails := slices.IndexFunc(paths, func(p Path) bool { return !p.Works && !p.Undecided })
	switch {
	case q.verb == "start" && fails >= 0:
		return No, "a job on " + paths[fails].Target() + " with " + inputName(paths[fails].Input) + " " +
			paths[fails].Why, paths
	case q.verb == "start" && slices.ContainsFunc(paths, undecided):
		return Undecided, why(paths[slices.IndexFunc(paths, undecided)]), paths
	case q.verb == "start":
		return Yes, "jobs on " + q.what + " work", paths
	case slices.ContainsFunc(paths, works):
		return Yes, "a job on " + paths[slices.IndexFunc(paths, works)].Target() + " does", paths
	case q.live && slices.ContainsFunc(paths, undecided):
		return Undecided, why(paths[slices.IndexFunc(paths, undecided)]), paths
	case q.live:
		return Undecided, "no job of the stack's endpoints does, and what Azure grants outside of jobs is not asked", paths
	}
	answer, because = q.outside(who)
	if at := slices.IndexFunc(paths, undecided); answer == No && at >= 0 {
		return Undecided, why(paths[at]), paths
	}
	if answer == No && fails >= 0 {
		because = "a job on " + paths[fails].Target() + " " + paths[fails].Why + "; outside of jobs: " + because
	}
	return answer, because, paths
}

// why is the reason of a path that is undecided. One that is only settling has none of its own.
func why(p Path) string {
	return cmp.Or(p.Why, "what a job on "+p.Target()+" needs is assigned so lately that it may not act yet; ask again "+
		"in ten minutes")
}

// outside answers by what is held outside of jobs.
func (q question) outside(who string) (answer, because string) {
	if q.verb == "write" {
		return q.writes(principalOf(who))
	}
	asked := access.Assertion{Can: []string{who}}
	cautious := access.Assertion{Cannot: []string{who}}
	for _, a := range []*access.Assertion{&asked, &cautious} {
		a.Read, a.Do = map[string]string{"read": q.what}[q.verb], map[string]string{"do": q.what}[q.verb]
	}
	m := q.plan.Model
	m.Assertions = map[string]access.Assertion{"can": asked, "cannot": cautious}
	plan, problems := access.Compile(m)
	if plan == nil {
		return Undecided, fmt.Sprint(problems.Err())
	}
	can, cannot := plan.Verdicts[0], plan.Verdicts[1]
	switch {
	case can.Holds:
		return Yes, can.Because
	case cannot.Holds:
		return No, can.Because
	case q.verb == "read" && m.Role.Told():
		return Yes, cannot.Because
	default: // only the cautious reading of a role allows it
		return Undecided, cannot.Because
	}
}

// writes answers by the grants that write where the output lies.
func (q question) writes(p access.Principal) (answer, because string) {
	output := q.plan.Model.DataOutputs[q.what]
	at := access.Scope{Level: access.AtContainer, StorageAccount: output.StorageAccount,
		Container: output.Container}
	place := access.Place{Account: output.StorageAccount, Container: output.Container, Path: output.Path,
		Kind: q.plan.Model.KindOf(output.StorageAccount)}
	holders, writes := q.plan.Holders(p), q.plan.Acts(p, place, roles.WriteBlobs)
	for _, g := range q.plan.Grants {
		if writes && g.Writes() && slices.Contains(holders, g.Principal) && g.Scope.Contains(at) {
			return Yes, "writes by " + g.String()
		}
	}
	for _, a := range q.plan.ACLs {
		if slices.Contains(holders, a.Principal) && a.StorageAccount == output.StorageAccount &&
			strings.Contains(a.Permissions, "w") {
			return Undecided, "may write by " + a.String() + ", which is set outside of the stack"
		}
	}
	return No, "no grant writes there"
}

// pathOf is a path with how it ends.
func pathOf(p access.Path) Path {
	path := Path{Path: p, Works: p.Works(), Undecided: p.Undecided()}
	if !path.Works {
		path.Why = p.Outcome()
	}
	return path
}

// WriteAnswer writes the answer for a terminal: the answer, and the hops that it was read off.
func WriteAnswer(w io.Writer, a Answer) error {
	var out strings.Builder
	fmt.Fprintf(&out, "%s: %s\n", a.Answer, a.Because)
	for _, w := range a.Ways {
		tellWay(&out, w)
	}
	for _, p := range a.Paths {
		out.WriteString("\n")
		tell(&out, p)
	}
	_, err := io.WriteString(w, plainLines(strings.TrimRight(out.String(), "\n")+"\n"))
	return err
}
