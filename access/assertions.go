package access

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/batchaccess/batchaccess/internal/problem"
	"github.com/batchaccess/batchaccess/roles"
)

// An Assertion says what must, or must not, be possible. It grants nothing: it is checked against what the model
// grants. It has exactly one of Can, Cannot and Only, and exactly one of Start, Read and Do.
//
// A name in Can, Cannot and Only is an invoker's, or cluster:<name> for a cluster identity, which the code of a job can
// use. A group that the stack makes stands for its members. The model does not know who is in a group that exists
// already, so those members are judged by what they are granted themselves.
type Assertion struct {
	// Can names principals each of whom must be able to. With Start: jobs on the endpoint work with every input that it
	// declares. With Read: a job on at least one of the model's endpoints works with the input (a cluster identity: it
	// may mount it).
	Can []string `pulumi:"can,optional"`
	// Cannot names principals none of whom may be able to. With Start: the endpoint accepts no job of theirs. With
	// Read: they can read no part of the input, neither by a job on any endpoint nor by a role or ACL of their own.
	// What they reach indirectly, as another identity, counts only if How says so.
	Cannot []string `pulumi:"cannot,optional"`
	// Only names the principals who can. No other invoker and no other cluster identity can, in the sense of Cannot. An
	// empty list means that nobody can.
	Only []string `pulumi:"only,optional"`
	// Start is the name of an endpoint. The invokers' role is assigned at the workspace by default, so whoever may start
	// jobs on one endpoint may start them on all; only the data keeps them apart.
	Start string `pulumi:"start,optional"`
	// Read is the name of a data input.
	Read string `pulumi:"read,optional"`
	// Do is grantsAccess, readsSecrets, changesCode or destroysData, for any action of that risk; or the full name of
	// one action of Azure. It is decided by what the granted roles allow: the invokers' role at its scope, storage
	// roles at the accounts.
	Do string `pulumi:"do,optional"`
	// How is directly or byNoWay, beside Cannot or Only and Read. With byNoWay it must not be possible indirectly either,
	// by a secret or as another identity, and what is undecided breaks the assertion. Default: directly.
	How string `pulumi:"how,optional"`
}

// The values of Assertion.How.
const (
	directly = "directly"
	byNoWay  = "byNoWay"
)

// A Verdict says whether one assertion holds, and why.
type Verdict struct {
	Name  string `json:"name"`
	Says  string `json:"says"` // the assertion in words
	Holds bool   `json:"holds"`
	// Because says what makes it possible, or what is missing for it. For a violated assertion: who gains what, and
	// how.
	Because string `json:"because"`
	Fix     string `json:"fix,omitempty"` // what to do about a violated one
}

// verdicts checks every assertion against what the plan grants.
func (p *Plan) verdicts() (all []Verdict) {
	if len(p.Model.Assertions) == 0 {
		return nil
	}
	c := newChecker(p)
	asked := slices.ContainsFunc(slices.Collect(maps.Values(p.Model.Assertions)), func(a Assertion) bool {
		return a.How == byNoWay
	})
	if asked {
		c.ways = p.Ways()
	}
	for _, path := range c.paths() {
		c.pathsOf[path.Invoker] = append(c.pathsOf[path.Invoker], path)
	}
	for _, name := range sorted(p.Model.Assertions) {
		a := p.Model.Assertions[name]
		v := Verdict{Name: name, Says: a.String()}
		if v.Holds, v.Because = p.Judge(a, func(of Principal) (string, bool) { return c.gains(a, of) }); !v.Holds {
			v.Fix = a.remedy()
		}
		all = append(all, v)
	}
	return all
}

// Judge decides the assertion. For each principal that the assertion is about it calls gains, which reports whether the
// principal gains what must or must not be possible, and how, or what is missing for it.
func (p *Plan) Judge(a Assertion, gains func(Principal) (how string, able bool)) (holds bool, because string) {
	var good, bad []string
	asked := p.asked(a)
	for _, of := range asked {
		switch how, able := gains(of); {
		case able != (a.Can != nil):
			bad = append(bad, of.String()+": "+how)
		case able:
			good = append(good, of.String()+": "+how)
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

// asked returns the principals that decide the assertion: those named; for Only, all whose identity is not that of a
// named one.
func (p *Plan) asked(a Assertion) (ps []Principal) {
	names, identities := map[Principal]bool{}, map[Principal]bool{}
	for _, name := range p.Model.withMembers(slices.Concat(a.Can, a.Cannot, a.Only)) {
		of := principalOf(name)
		names[of], identities[p.identity[of]] = true, true
	}
	for _, name := range a.known(p.Model) {
		of := principalOf(name)
		isGroup := !of.IsCluster() && len(p.Model.Invokers[name].Members) > 0
		if asked := a.Only == nil && names[of] || a.Only != nil && !identities[p.identity[of]]; asked && !isGroup {
			ps = append(ps, of)
		}
	}
	return ps
}

// clusterPrefix begins the name of a cluster identity; the name of an invoker can't hold a colon.
const clusterPrefix = clusterKind + ":"

func principalOf(name string) Principal {
	if cluster, ok := strings.CutPrefix(name, clusterPrefix); ok {
		return ClusterPrincipal(cluster)
	}
	return InvokerPrincipal(name)
}

// known returns the names that the assertion may use. A cluster identity starts no jobs.
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
	case a.Read != "" && a.How == byNoWay:
		return who + verb + "read " + a.Read + " in any way"
	case a.Read != "" && a.Can == nil:
		return who + verb + "directly read " + a.Read
	case a.Read != "":
		return who + verb + "read " + a.Read
	default:
		return who + verb + "do " + a.Do
	}
}

func (a Assertion) remedy() string {
	switch {
	case a.Can != nil && a.Start != "":
		return "name them in the invokers of endpoint " + a.Start +
			" and give the role what it lacks, or change the assertion"
	case a.Can != nil && a.Read != "":
		return "name them in the invokers of an endpoint that reads " + a.Read + ", or change the assertion"
	case a.Can != nil:
		return "choose a role that allows it, or change the assertion"
	case a.Start != "":
		return "take them out of invokers: their role holds for every endpoint of the workspace; or change the assertion"
	case a.How == byNoWay:
		return "keep the data where no cluster of the workspace and no data store with a credential reads it, narrow " +
			"the role or the scope of a grant; or assert what holds, with how: directly"
	case a.Read != "":
		return "take away what gives it: their place among the invokers of an endpoint, a scope that is too wide, a " +
			"credential in the store, or the role; or change the assertion"
	default:
		return "narrow the role, or take them out of invokers; or change the assertion"
	}
}

// assertions checks the form of each assertion.
func (v *validator) assertions() {
	v.code = problem.Assertion
	defer func() { v.code = "" }()
	for _, name := range sorted(v.m.Assertions) {
		v.name("assertions."+name, name)
		v.assertion("assertions."+name, v.m.Assertions[name])
	}
}

// violations reports the assertions that do not hold.
func (v *validator) violations(verdicts []Verdict) {
	for _, verdict := range verdicts {
		if !verdict.Holds {
			v.AddCode(problem.Violation, "assertions."+verdict.Name, verdict.Fix, "%q does not hold: %s", verdict.Says,
				verdict.Because)
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
	}{{"start", a.Start, "endpoint", keysOf(v.m.EffectiveEndpoints())}, {"read", a.Read, "data input",
		keysOf(v.m.DataInputs)}, {"do", a.Do, "", names{}}} {
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
	switch {
	case a.How == "" || a.How == directly || a.How == byNoWay && a.Can == nil && a.Read != "":
	case a.How == byNoWay:
		v.add(path+".how", "give it beside read, and cannot or only", "%s is about what cannot be read", byNoWay)
	default:
		v.add(path+".how", problem.DidYouMean(a.How, []string{directly, byNoWay}), "unknown value %q", a.How)
	}
	v.do(path+".do", a.Do)
}

func (v *validator) do(path, do string) {
	switch risks := riskNames(); {
	case do == "" || slices.Contains(risks, do):
	case !strings.Contains(do, "/"):
		v.add(path, problem.DidYouMean(do, risks)+", or an action in full", "unknown value %q", do)
	case strings.Contains(do, "*"):
		v.add(path, "name one action, or a risk: "+strings.Join(risks, ", "), "%q holds a wildcard", do)
	case len(roles.ActionsOf(do)) > 1:
		v.Warn(problem.Assertion, path, "check that it is spelt as Azure publishes it: a wrong name is in no role",
			"%q is no action that is known here", do)
	}
}

func riskNames() (names []string) {
	for _, r := range roles.Risks() {
		names = append(names, string(r))
	}
	return names
}
