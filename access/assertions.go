package access

import (
	"fmt"
	"slices"
	"strings"

	"github.com/batchaccess/batchaccess/roles"
)

// An Assertion says what must, or must not, be possible. It grants nothing: what the model grants is held against it. It
// has exactly one of Can, Cannot and Only, and exactly one of Start, Read and Do.
//
// A name in Can, Cannot and Only is that of an invoker, or cluster:<name> for a cluster identity, which the code of a job can
// use. A group that the stack makes stands for its members. Who is in a group that exists already is not known here, so its
// members are judged by what they are granted themselves.
type Assertion struct {
	// Can names those who can, each of them. With Start, jobs on the endpoint work with every input that it declares; with
	// Read, a job on at least one of the model's endpoints works with the input (a cluster identity: it may mount it).
	Can []string `pulumi:"can,optional"`
	// Cannot names those of whom none gains it in any way. With Start: no job of theirs is taken by the endpoint. With Read:
	// nothing of the input is open to them, neither by a job on any endpoint nor by a role or ACL of their own, granted for
	// whatever reason. What secrets open is not followed: assert readsSecrets too.
	Cannot []string `pulumi:"cannot,optional"`
	// Only names those who alone may gain it, in the sense of Cannot: no other invoker and no other cluster identity does.
	// The empty list is nobody.
	Only []string `pulumi:"only,optional"`
	// Start is the name of an endpoint. The role holds for the whole workspace, so whoever may start jobs on one endpoint may
	// on all; what keeps them apart is the data.
	Start string `pulumi:"start,optional"`
	// Read is the name of a data input.
	Read string `pulumi:"read,optional"`
	// Do is grantsAccess, readsSecrets, changesCode or destroysData, for any action of that risk; or one action of Azure, in
	// full. It is decided by what the granted roles cover: the invokers' role at its scope, storage roles at the accounts.
	Do string `pulumi:"do,optional"`
}

// A Verdict is what became of one assertion.
type Verdict struct {
	Name    string `json:"name"`
	Says    string `json:"says"` // the assertion in words
	Holds   bool   `json:"holds"`
	Because string `json:"because"`       // what makes it possible, or what is missing for it; of a violated one: who gains it, and how
	Fix     string `json:"fix,omitempty"` // what to do about a violated one
}

// CheckAssertions holds every assertion against what the model grants, in the order of their names. The model is taken to
// be valid, but for assertions that it violates.
func CheckAssertions(m Model) []Verdict {
	if len(m.Assertions) == 0 {
		return nil
	}
	grants := Grants(m)
	c := checker{newExplainer(m, grants), map[string][]Path{}}
	for _, p := range c.explain() {
		c.paths[p.Invoker] = append(c.paths[p.Invoker], p)
	}
	var verdicts []Verdict
	for _, name := range sorted(m.Assertions) {
		a := m.Assertions[name]
		v := Verdict{Name: name, Says: a.String()}
		if v.Holds, v.Because = a.Judge(m, func(p Principal) (string, bool) { return c.gains(a, p) }); !v.Holds {
			v.Fix = a.remedy()
		}
		verdicts = append(verdicts, v)
	}
	return verdicts
}

// Judge decides the assertion. It asks of each principal that the assertion is about whether the principal gains what must or
// must not be possible, and how, or what is missing for it.
func (a Assertion) Judge(m Model, gains func(Principal) (how string, able bool)) (holds bool, because string) {
	var good, bad []string
	asked := a.asked(m)
	for _, p := range asked {
		switch how, able := gains(p); {
		case able != (a.Can != nil):
			bad = append(bad, p.String()+": "+how)
		case able:
			good = append(good, p.String()+": "+how)
		}
	}
	if len(bad) > 0 {
		return false, strings.Join(bad, "; ")
	}
	if a.Can == nil {
		return true, fmt.Sprintf("none of %d principals asked gains it", len(asked))
	}
	return true, strings.Join(good, "; ")
}

// asked are the principals that decide the assertion: those named, or for Only the others.
func (a Assertion) asked(m Model) (ps []Principal) {
	named := m.withMembers(slices.Concat(a.Can, a.Cannot, a.Only))
	is := listed(named)
	for _, name := range a.known(m) {
		if is.has(name) == (a.Only == nil) && len(m.Invokers[name].Members) == 0 {
			ps = append(ps, principalOf(name))
		}
	}
	return ps
}

// clusterPrefix tells a cluster identity from an invoker, in whose name no colon can stand.
const clusterPrefix = clusterKind + ":"

func principalOf(name string) Principal {
	if cluster, ok := strings.CutPrefix(name, clusterPrefix); ok {
		return ClusterPrincipal(cluster)
	}
	return InvokerPrincipal(name)
}

// known are the names that the assertion may use. A cluster identity starts no jobs.
func (a Assertion) known(m Model) []string {
	names := sorted(m.Invokers)
	if a.Start == "" {
		for _, cluster := range sorted(m.Clusters) {
			names = append(names, clusterPrefix+cluster)
		}
	}
	return names
}

func (a Assertion) String() string {
	who, verb := strings.Join(slices.Concat(a.Can, a.Cannot, a.Only), ", "), " can "
	switch {
	case a.Cannot != nil:
		verb = " cannot "
	case a.Only != nil && who == "":
		who = "nobody"
	case a.Only != nil:
		who = "only " + who
	}
	switch {
	case a.Start != "":
		return who + verb + "start jobs on " + a.Start
	case a.Read != "":
		return who + verb + "read " + a.Read
	default:
		return who + verb + "do " + a.Do
	}
}

func (a Assertion) remedy() string {
	switch {
	case a.Can != nil && a.Start != "":
		return "name them in the invokers of endpoint " + a.Start + " and give the role what it lacks, or change the assertion"
	case a.Can != nil && a.Read != "":
		return "name them in the invokers of an endpoint that reads " + a.Read + ", or change the assertion"
	case a.Can != nil:
		return "choose a role that allows it, or change the assertion"
	case a.Start != "":
		return "take them out of invokers: their role holds for every endpoint of the workspace; or change the assertion"
	case a.Read != "":
		return "take away what gives it: their place among the invokers of an endpoint, a scope that is too wide, a credential in the store, or the role; or change the assertion"
	default:
		return "narrow the role, or take them out of invokers; or change the assertion"
	}
}

// assertions checks the form of each, and then, of a model that is right in all else, whether they hold.
func (v *validator) assertions() {
	for _, name := range sorted(v.m.Assertions) {
		v.name("assertions."+name, name)
		v.assertion("assertions."+name, v.m.Assertions[name])
	}
	if v.Err() != nil {
		return
	}
	for _, verdict := range CheckAssertions(v.m) {
		if !verdict.Holds {
			v.Problems = append(v.Problems, Problem{
				Path: "assertions." + verdict.Name, What: fmt.Sprintf("%q does not hold: %s", verdict.Says, verdict.Because), Fix: verdict.Fix, Violation: true,
			})
		}
	}
}

func (v *validator) assertion(path string, a Assertion) {
	subjects, objects := 0, 0
	principals := listed(a.known(v.m))
	for _, s := range []struct {
		key   string
		names []string
	}{{"can", a.Can}, {"cannot", a.Cannot}, {"only", a.Only}} {
		if s.names == nil {
			continue
		}
		subjects++
		if len(s.names) == 0 && s.key != "only" {
			v.add(path+"."+s.key, "name invokers; nobody at all is only: []", "names nobody")
		}
		for i, name := range s.names {
			v.refers(fmt.Sprintf("%s.%s[%d]", path, s.key, i), name, "principal that may be asserted here", principals)
		}
	}
	for _, o := range []struct {
		key, name, what string
		known           names
	}{{"start", a.Start, "endpoint", keysOf(v.m.EffectiveEndpoints())}, {"read", a.Read, "data input", keysOf(v.m.DataInputs)}, {"do", a.Do, "", names{}}} {
		if o.name == "" {
			continue
		}
		objects++
		if o.what != "" {
			v.refers(path+"."+o.key, o.name, o.what, o.known)
		}
	}
	if subjects != 1 {
		v.add(path, "give exactly one of can, cannot, only", "gives %d of can, cannot, only", subjects)
	}
	if objects != 1 {
		v.add(path, "give exactly one of start, read, do", "gives %d of start, read, do", objects)
	}
	v.do(path+".do", a.Do)
}

func (v *validator) do(path, do string) {
	switch risks := riskNames(); {
	case do == "" || slices.Contains(risks, do):
	case !strings.Contains(do, "/"):
		v.add(path, DidYouMean(do, risks)+", or an action in full", "unknown value %q", do)
	case strings.Contains(do, "*"):
		v.add(path, "name one action, or a risk: "+strings.Join(risks, ", "), "%q holds a wildcard", do)
	case len(ActionsOf(do)) > 1:
		v.warn(path, "see that it is spelt as Azure publishes it: a wrong name is in no role", "%q is no action that is known here", do)
	}
}

func riskNames() (names []string) {
	for _, r := range roles.Risks() {
		names = append(names, string(r))
	}
	return names
}
