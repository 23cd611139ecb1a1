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
	"github.com/batchaccess/batchaccess/internal/visible"
	"github.com/batchaccess/batchaccess/roles"
)

// The answers to a question. Undecided: it depends on a condition, an unknown role or a grant that does not act yet.
const (
	Yes       = "yes"
	No        = "no"
	Undecided = "undecided"
)

// Verbs are the verbs that Ask knows.
func Verbs() []string { return []string{"start", "read", "write", "do"} }

// An Answer is the answer to one question.
type Answer struct {
	Version int    `json:"version"`
	Stack   string `json:"stack"`
	Who     string `json:"who"`
	Verb    string `json:"verb"`
	What    string `json:"what"`
	Answer  string `json:"answer"`  // Yes, No or Undecided: directly
	Because string `json:"because"` // what makes it possible, or what is missing
	Paths   []Path `json:"paths"`   // the paths that decided it, with their hops; never null
	// At is the place in the question; "" for none.
	At string `json:"at,omitempty"`
	// Hops decided a question to Azure that is not about a job: one for each action and place.
	Hops []access.Hop `json:"hops"`
	// ByWay is Yes, No or Undecided: whether an indirect way leads to what the question is about. "" for start and do,
	// which are asked only directly.
	ByWay string `json:"byWay,omitempty"`
	// WaysWalked is always false: the ways below were found, and nobody went them. A rehearsal does.
	WaysWalked bool `json:"waysWalked"`
	// Ways are the indirect ways to what the question is about. Answer does not count them.
	Ways []Way `json:"ways"`
	// Changes are what cuts the ways, each once.
	Changes []Change `json:"changes"`
}

// A Question is the input of Ask.
type Question struct {
	Who, Verb, What string
	// At is a place in the words of the reports, such as lake/patients, or its ARM ID; "" for anywhere. Only for do.
	At string
}

// A Live is what Azure answers.
type Live struct {
	Paths []Path       // the paths by Azure's assignments
	Ways  []access.Way // the indirect ones
	// Doubts are undecided ways, also of principals that could not be identified. Because of them it is not certain
	// that there is no other way.
	Doubts []access.Way
	// Does says whether a principal holds an action at the place with the ARM ID, or anywhere for "": one hop for each
	// place.
	Does func(p access.Principal, action roles.Action, place string) ([]access.Hop, error)
}

// Ask answers whether somebody can do something.
//
// Who is the name of an invoker, or cluster:<name>. Start asks whether a job on the endpoint works with every input
// that it declares. Read and write ask whether a job reads the input or writes the output, or a role does so outside of
// jobs. Do asks for an action of Azure, in full, or for any action of a risk. A group that the stack makes stands for
// its members.
//
// The answer depends on the plan's grants; if live is not nil, on Azure's answers alone.
func Ask(stack string, plan *access.Plan, ask Question, live *Live) (Answer, error) {
	a := Answer{Version: version, Stack: stack, Who: ask.Who, Verb: ask.Verb, What: ask.What, At: ask.At, Paths: []Path{}}
	q := question{Question: ask, plan: plan, live: live}
	if err := q.check(); err != nil {
		return a, err
	}
	names := []string{q.Who}
	if members := plan.Model.Invokers[q.Who].Members; len(members) > 0 {
		names = slices.Sorted(slices.Values(members))
	}
	if live != nil {
		q.paths = live.Paths
	} else {
		for _, p := range plan.Paths() {
			q.paths = append(q.paths, pathOf(p))
		}
	}
	var because []string
	for _, name := range names {
		answer, why, paths := q.ask(name)
		if q.err != nil {
			return a, q.err
		}
		if len(names) > 1 {
			why = name + ": " + why
		}
		if a.Answer == "" || answer == No || answer == Undecided && a.Answer == Yes {
			a.Answer = answer
		}
		because, a.Paths = append(because, why), append(a.Paths, paths...)
	}
	a.Because, a.Hops = strings.Join(because, "; "), q.hops
	if q.Verb != "read" && q.Verb != "write" {
		return a, nil
	}
	found := plan.Ways
	if live != nil {
		found = func() []access.Way { return slices.Clone(live.Ways) }
	}
	others := func(of string) bool { return !slices.Contains(names, of) }
	ways := slices.DeleteFunc(found(), func(w access.Way) bool {
		to := map[string]string{"read": w.Input, "write": w.Output}[q.Verb]
		return to != q.What || !slices.ContainsFunc(w.Who, func(of string) bool { return !others(of) })
	})
	if live != nil { // cuts are tried on the plan, which may not have the way
		for _, w := range ways {
			a.Ways = append(a.Ways, Way{Way: w})
		}
	} else {
		a.Ways = withCuts(plan, ways)
		a.Changes = changesOf(a.Ways)
	}
	if live != nil && len(a.Ways) == 0 {
		for _, w := range live.Doubts {
			to := map[string]string{"read": w.Input, "write": w.Output}[q.Verb]
			_, invoker := plan.Model.Invokers[w.Who[0]]
			if to == q.What && (!others(w.Who[0]) || !invoker && !strings.HasPrefix(w.Who[0], "cluster:")) {
				a.Ways = append(a.Ways, Way{Way: w})
			}
		}
	}
	a.ByWay = No
	for i := range a.Ways {
		if mine := slices.DeleteFunc(slices.Clone(a.Ways[i].Who), others); len(mine) > 0 {
			a.Ways[i].Who = mine // and not those of a doubt, who may be anybody
		}
		switch {
		case !a.Ways[i].Undecided():
			a.ByWay = Yes
		case a.ByWay == No:
			a.ByWay = Undecided
		}
	}
	return a, nil
}

type question struct {
	Question
	plan  *access.Plan
	live  *Live
	paths []Path
	at    spot
	hops  []access.Hop // of the answers so far
	err   error        // of a question to Azure
}

// check refuses names that the plan does not know: otherwise the answer would be no.
func (q *question) check() error {
	m := q.plan.Model
	people := slices.Sorted(maps.Keys(m.Invokers))
	if q.Verb != "start" {
		for _, name := range slices.Sorted(maps.Keys(m.Clusters)) {
			people = append(people, clusterPrefix+name)
		}
	}
	if !slices.Contains(people, q.Who) {
		return fmt.Errorf("nobody who can %s is called %q; %s", q.Verb, q.Who, problem.DidYouMean(q.Who, people))
	}
	if q.At != "" && q.Verb != "do" {
		return fmt.Errorf("at %s: only do takes a place; %s is asked of the whole of %q", q.At, q.Verb, q.What)
	}
	if q.At != "" {
		var err error
		if q.at, err = spotOf(m, q.At, q.live != nil); err != nil {
			return err
		}
	}
	var known []string
	switch q.Verb {
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
		if strings.Contains(q.What, "/") && !strings.Contains(q.What, "*") {
			return nil
		}
	default:
		return fmt.Errorf("unknown verb %q; %s", q.Verb, problem.DidYouMean(q.Verb, Verbs()))
	}
	if !slices.Contains(known, q.What) {
		things := map[string]string{"start": "endpoint", "read": "data input", "write": "data output",
			"do": "risk, or action of Azure in full,"}
		return fmt.Errorf("no %s is called %q; %s", things[q.Verb], q.What, problem.DidYouMean(q.What, known))
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

func (q *question) ask(who string) (answer, because string, paths []Path) {
	outputs := q.plan.Model.EffectiveEndpoints()
	for _, p := range q.paths {
		about := map[string]bool{
			"start": p.Endpoint == q.What, "read": p.Input == q.What,
			"write": slices.Contains(outputs[p.Endpoint].Outputs, q.What),
		}
		if p.Invoker == who && about[q.Verb] {
			paths = append(paths, p)
		}
	}
	works := func(p Path) bool { return p.Works }
	undecided := func(p Path) bool { return p.Undecided }
	fails := slices.IndexFunc(paths, func(p Path) bool { return !p.Works && !p.Undecided })
	switch {
	case q.Verb == "start" && fails >= 0:
		return No, "a job on " + paths[fails].Target() + " with " + inputName(paths[fails].Input) + " " +
			paths[fails].Why, paths
	case q.Verb == "start" && slices.ContainsFunc(paths, undecided):
		return Undecided, why(paths[slices.IndexFunc(paths, undecided)]), paths
	case q.Verb == "start":
		return Yes, "jobs on " + q.What + " work", paths
	case slices.ContainsFunc(paths, works):
		return Yes, "a job on " + paths[slices.IndexFunc(paths, works)].Target() + " does", paths
	case q.live != nil:
		answer, because = q.liveOutside(principalOf(who))
	case q.At != "":
		answer, because = q.plannedAt(principalOf(who))
	default:
		answer, because = q.outside(who)
	}
	if at := slices.IndexFunc(paths, undecided); answer == No && at >= 0 {
		return Undecided, why(paths[at]), paths
	}
	if answer == No && fails >= 0 {
		because = "a job on " + paths[fails].Target() + " " + paths[fails].Why + "; outside of jobs: " + because
	}
	return answer, because, paths
}

// why returns the reason of an undecided path. A path whose grants are only too new has no reason of its own.
func why(p Path) string {
	return cmp.Or(p.Why, "what a job on "+p.Target()+" needs was assigned so recently that it may not act yet; ask again "+
		"in ten minutes")
}

// outside answers by what is held outside of jobs.
func (q *question) outside(who string) (answer, because string) {
	if q.Verb == "write" {
		return q.writes(principalOf(who))
	}
	asked := access.Assertion{Can: []string{who}}
	cautious := access.Assertion{Cannot: []string{who}}
	for _, a := range []*access.Assertion{&asked, &cautious} {
		a.Read, a.Do = map[string]string{"read": q.What}[q.Verb], map[string]string{"do": q.What}[q.Verb]
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
	case q.Verb == "read" && m.Role.Known():
		return Yes, cannot.Because
	default: // a role whose actions are not known may allow it
		return Undecided, cannot.Because
	}
}

// writes answers by the grants that write where the output lies.
func (q *question) writes(p access.Principal) (answer, because string) {
	output := q.plan.Model.DataOutputs[q.What]
	at := access.Scope{Level: access.AtContainer, StorageAccount: output.StorageAccount,
		Container: output.Container}
	place := access.Place{Account: output.StorageAccount, Container: output.Container, Path: output.Path,
		Kind: q.plan.Model.KindOf(output.StorageAccount)}
	holders, writes := q.plan.Holders(p), q.plan.MayDo(p, place, roles.WriteBlobs)
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

// pathOf returns a path with its result.
func pathOf(p access.Path) Path {
	path := Path{Path: p, Works: p.Works(), Undecided: p.Undecided()}
	if !path.Works {
		path.Why = p.Outcome()
	}
	return path
}

// WriteAnswer writes the answer for a terminal, with the hops that decided it.
func WriteAnswer(w io.Writer, a Answer) error {
	var out strings.Builder
	if a.ByWay == "" {
		fmt.Fprintf(&out, "%s: %s\n", a.Answer, a.Because)
	} else {
		fmt.Fprintf(&out, "directly: %s: %s\n", a.Answer, a.Because)
	}
	if a.ByWay == No {
		out.WriteString("indirectly: no\n")
	}
	for _, w := range a.Ways {
		answer := map[bool]string{true: Undecided, false: Yes}[w.Undecided()]
		_, how, _ := strings.Cut(w.How(), " "+a.What+" ")
		who := ""
		if w.Who[0] != a.Who || len(w.Who) > 1 {
			who = strings.Join(w.Who, ", ") + ": "
		}
		fmt.Fprintf(&out, "indirectly: %s%s, %s\n", who, answer, how)
		writeCuts(&out, w)
	}
	if len(a.Ways) > 0 {
		out.WriteString("  Ways are found, and not walked.\n")
	}
	if len(a.Hops) > 0 {
		out.WriteString("\n")
	}
	for i, h := range a.Hops {
		fmt.Fprintf(&out, "  %d. %s, %s: %s\n", i+1, h.Identity, h.Needs, map[string]string{
			Yes: "has it by " + h.GivenBy, No: "has it not: " + h.Missing, Undecided: "undecided: " + h.Missing,
		}[hopAnswer(h)])
	}
	for _, p := range a.Paths {
		out.WriteString("\n")
		writePath(&out, p)
	}
	_, err := io.WriteString(w, visible.Lines(strings.TrimRight(out.String(), "\n")+"\n"))
	return err
}
