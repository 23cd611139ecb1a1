// Package explain shows what a model of package access makes possible, for people and for machines. Make collects it,
// and each file has one renderer. It decides nothing itself, and knows nothing of Pulumi, of a network or of the
// command.
package explain

import (
	"maps"
	"slices"
	"strings"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/internal/visible"
	"github.com/batchaccess/batchaccess/roles"
)

// version of the JSON form: raised when something in it is renamed or removed, not when something is added.
const version = 2

// An Explanation is everything that a stack's configuration alone says about its access.
type Explanation struct {
	Version     int              `json:"version"`
	Stack       string           `json:"stack"`
	WorkspaceID string           `json:"workspaceId"`
	Invokers    []Invoker        `json:"invokers"`
	Endpoints   []Endpoint       `json:"endpoints"`
	Paths       []Path           `json:"paths"`
	Assertions  []access.Verdict `json:"assertions,omitempty"`
	Findings    []Finding        `json:"findings,omitempty"`
	// Owners are the parts of the configuration that have an owner.
	Owners []access.Owned `json:"owners,omitempty"`
	// WaysWalked is always false: the ways below were found, and nobody went them. A rehearsal does.
	WaysWalked bool `json:"waysWalked"`
	// Ways are the indirect ways. Changes are what cuts them, each once.
	Ways    []Way          `json:"ways"`
	Changes []Change       `json:"changes"`
	Grants  []access.Grant `json:"grants"`
	ACLs    []access.ACL   `json:"acls,omitempty"`
	// NotLookedAt are the hops to services of which the configuration says nothing, with their keys.
	NotLookedAt []string `json:"notLookedAt,omitempty"`
	Role        Role     `json:"role"`
	// Components of a program with several; their names begin the other names here. Empty for a program with one.
	Components []Component `json:"components,omitempty"`
	// Alone are the roles that components assign outside of any BatchEndpointAccess.
	Alone []Assignment `json:"alone,omitempty"`
	Facts Facts        `json:"-"`
}

// An Invoker is a principal that may start jobs.
type Invoker struct {
	Name string `json:"name"`
	Kind string `json:"kind"`
	// Group is the name of the group that the stack makes and the invoker is in; "" for none.
	Group string `json:"group,omitempty"`
}

// An Endpoint is a batch endpoint, or one deployment of an endpoint with several; the lists are sorted.
type Endpoint struct {
	Name       string   `json:"name"`
	Deployment string   `json:"deployment,omitempty"`
	Cluster    string   `json:"cluster"`
	Inputs     []string `json:"inputs"`
}

// Target is what a job is started on, as access.Path names it.
func (e Endpoint) Target() string {
	return access.Path{Endpoint: e.Name, Deployment: e.Deployment}.Target()
}

// A Path is an access.Path with its result.
type Path struct {
	access.Path
	Works bool `json:"works"`
	// Undecided is set if it is not known whether it works, because the model does not say what the existing role
	// allows.
	Undecided bool `json:"undecided,omitempty"`
	// Why says in one line how it fails, or what is not known; "" if it works.
	Why string `json:"why,omitempty"`
}

// OK reports whether nothing is known to be wrong with the path: if it is declared, it works or is undecided. A path
// that is not declared need not work.
func (p Path) OK() bool { return p.Works || p.Undecided || !p.Declared }

// A Finding is something that a reviewer should know, and that does not prevent a deployment.
type Finding struct {
	Where string `json:"where"` // a path in the configuration
	What  string `json:"what"`
	Fix   string `json:"fix"`
	// Owner of what the finding is about; "" if the configuration does not say.
	Owner string `json:"owner,omitempty"`
	way   *Way   // that it is about; nil for none
}

// Place is where the finding is, with the owner.
func (f Finding) Place() string { return visible.WithOwner(f.Where, f.Owner) }

// A Role is what every invoker is given.
type Role struct {
	Name  string `json:"name"`
	Scope string `json:"scope"`
	// Unknown is set if it is not known what the role allows: then there are no entries and no risks.
	Unknown bool     `json:"unknown,omitempty"`
	Entries []string `json:"entries"` // actions and data actions in the role's spelling
	Not     []string `json:"not,omitempty"`
	Risks   []Risk   `json:"risks,omitempty"`
}

// A Risk is a kind of risk with the actions of it that the role covers.
type Risk struct {
	Risk    roles.Risk `json:"risk"`
	Means   string     `json:"means"`
	Actions []string   `json:"actions"`
}

var riskMeanings = map[roles.Risk]string{
	roles.GrantsAccess: "give themselves or others more access",
	roles.ReadsSecrets: "read keys, tokens or passwords of others",
	roles.ChangesCode:  "change what jobs run, and so act as other identities",
	roles.DestroysData: "delete data or what holds it",
}

// Make explains a plan. The problems are those of Compile: the warnings among them become findings.
func Make(stack string, plan *access.Plan, problems access.Problems) Explanation {
	m := plan.Model
	x := Explanation{
		Version: version, Stack: stack, WorkspaceID: m.WorkspaceID.String(), Assertions: plan.Verdicts,
		Grants: plan.Grants, ACLs: plan.ACLs, Role: makeRole(m.Role),
		Ways: withCuts(plan, plan.Ways()), Facts: factsOf(plan), NotLookedAt: m.NotLookedAt(),
		Owners: slices.DeleteFunc(m.Owners(), func(o access.Owned) bool { return o.Owner == "" }),
	}
	x.Changes = changesOf(x.Ways)
	groups := m.Groups()
	for _, name := range m.Acting() {
		x.Invokers = append(x.Invokers, Invoker{name, string(m.Invokers[name].Kind), groups[name]})
	}
	endpoints := m.EffectiveEndpoints()
	for _, name := range slices.Sorted(maps.Keys(endpoints)) {
		e := endpoints[name]
		inputs := slices.Sorted(slices.Values(e.Inputs))
		if len(e.Deployments) == 0 {
			x.Endpoints = append(x.Endpoints, Endpoint{Name: name, Cluster: e.Cluster, Inputs: inputs})
		}
		for _, deployment := range slices.Sorted(maps.Keys(e.Deployments)) {
			x.Endpoints = append(x.Endpoints, Endpoint{name, deployment, e.Deployments[deployment].Cluster, inputs})
		}
	}
	markAlike(x.Ways, x.Invokers)
	for _, p := range plan.Paths() {
		x.Paths = append(x.Paths, pathOf(p))
	}
	x.findings(m, problems)
	for i, f := range x.Findings {
		x.Findings[i].Owner = x.ownerOf(f.Where)
	}
	return x
}

func makeRole(r access.Role) Role {
	role := Role{Name: r.Title(), Scope: string(r.EffectiveScope()), Unknown: !r.Known()}
	d, wrong := r.Resolve()
	if wrong != nil {
		return role // Validate has reported it
	}
	for _, p := range d.Permissions {
		role.Entries = append(role.Entries, slices.Concat(p.Actions, p.DataActions)...)
		role.Not = append(role.Not, slices.Concat(p.NotActions, p.NotDataActions)...)
	}
	for _, risk := range roles.Risks() {
		found := Risk{Risk: risk, Means: riskMeanings[risk]}
		for _, a := range d.Permissions.Risky() {
			if a.Risk() == risk {
				found.Actions = append(found.Actions, a.Name)
			}
		}
		if len(found.Actions) > 0 {
			role.Risks = append(role.Risks, found)
		}
	}
	return role
}

// findings adds the warnings of the model, the risks of its role, and the paths that work though nobody declared them.
func (x *Explanation) findings(m access.Model, problems access.Problems) {
	for _, w := range problems.Warnings() {
		x.Findings = append(x.Findings, Finding{Where: w.Path, What: w.What, Fix: w.Fix})
	}
	for _, r := range x.Role.Risks {
		x.Findings = append(x.Findings, Finding{
			Where: "role", What: "every invoker can " + r.Means + ": " + strings.Join(r.Actions, ", "),
			Fix: "be sure of every invoker; assert who may, with assertions.<name>.do: " + string(r.Risk),
		})
	}
	x.opened(m)
	for _, w := range x.Ways {
		if f, is := w.finding(); is {
			x.Findings = append(x.Findings, f)
		}
	}
	type place struct{ endpoint, input string }
	unasked := map[place][]string{}
	var order []place
	for _, p := range x.Paths {
		if at := (place{p.Target(), p.Input}); p.Works && !p.Declared {
			if unasked[at] == nil {
				order = append(order, at)
			}
			unasked[at] = append(unasked[at], p.Invoker)
		}
	}
	for _, at := range order {
		what, fix := "their jobs work, though the endpoint does not name them", "name them, or accept that nothing else "+
			"stops their jobs"
		if at.input != "" {
			what += ": they read " + at.input
			fix = "name them, or take away what they are granted for other endpoints"
			if m.DataInputs[at.input].Mechanism() == access.ByStoreCredential {
				continue // opened reports it
			}
		}
		x.Findings = append(x.Findings, Finding{Where: "endpoints." + at.endpoint,
			What: strings.Join(unasked[at], ", ") + ": " + what, Fix: fix})
	}
}

// opened reports inputs that any job can read, because the store's own credential reads them. The role's scope decides
// on which endpoints: all of the workspace, or those that name the invoker.
func (x *Explanation) opened(m access.Model) {
	on := "any endpoint"
	starts := map[string]bool{}
	if m.Role.ByEndpoint() {
		on = "any endpoint that names them"
		for _, e := range m.EffectiveEndpoints() {
			for _, invoker := range m.InvokersOf(e) {
				starts[invoker] = true
			}
		}
	}
	type reading struct{ invoker, input string }
	declared := map[reading]bool{}
	for _, p := range x.Paths {
		if p.Declared {
			declared[reading{p.Invoker, p.Input}] = true
		}
	}
	for _, input := range slices.Sorted(maps.Keys(m.DataInputs)) {
		if m.DataInputs[input].Mechanism() != access.ByStoreCredential {
			continue
		}
		var others []string
		for _, i := range x.Invokers {
			if !declared[reading{i.Name, input}] && (starts[i.Name] || !m.Role.ByEndpoint()) {
				others = append(others, i.Name)
			}
		}
		if len(others) > 0 {
			x.Findings = append(x.Findings, Finding{
				Where: "dataInputs." + input, What: "no endpoint that reads it names " + strings.Join(others, ", ") +
					", but any job they start on " + on + " can read it by the store's own credential",
				Fix: "keep it in a data store without a credential: then identities read it, each by its own grant",
			})
		}
	}
}

// ownerOf returns the owner of the part of the configuration at a path, or around it; "" if the configuration does not
// say. A deployment has its endpoint's owner.
func (x Explanation) ownerOf(path string) string {
	for _, o := range x.Owners {
		if rest, is := strings.CutPrefix(path, o.Path); is && (rest == "" || rest[0] == '.' || rest[0] == '/') {
			return o.Owner
		}
	}
	return ""
}

// Failed reports whether a declared path does not work or an assertion does not hold.
func (x Explanation) Failed() bool {
	return len(x.Broken()) > 0 || slices.ContainsFunc(x.Assertions, func(v access.Verdict) bool { return !v.Holds })
}

// Broken returns the declared paths that do not work.
func (x Explanation) Broken() []Path {
	return slices.DeleteFunc(slices.Clone(x.Paths), Path.OK)
}

// Only keeps the paths of one invoker, one endpoint or both ("" for all), with the parts about them. Assertions,
// findings and the role stay, because they are about the whole.
func (x Explanation) Only(invoker, endpoint string) Explanation {
	other := func(asked, name string) bool { return asked != "" && asked != name }
	group := ""
	for _, i := range x.Invokers {
		if i.Name == invoker {
			group = i.Group
		}
	}
	if invoker != "" {
		who := becomes(x.Ways, invoker)
		var ways []Way
		for _, w := range x.Ways {
			if w.narrow(who) {
				ways = append(ways, w)
			}
		}
		var findings []Finding
		for _, f := range x.Findings {
			if f.way == nil || f.narrow(who) {
				findings = append(findings, f)
			}
		}
		x.Ways, x.Findings, x.Changes = ways, findings, changesOf(ways)
	}
	x.Paths = slices.DeleteFunc(slices.Clone(x.Paths), func(p Path) bool {
		return other(invoker, p.Invoker) ||
			other(endpoint, p.Endpoint)
	})
	x.Invokers = slices.DeleteFunc(slices.Clone(x.Invokers), func(i Invoker) bool { return other(invoker, i.Name) })
	x.Facts.people = slices.DeleteFunc(slices.Clone(x.Facts.people), func(p person) bool {
		return other(invoker, p.Name) && p.Name != group
	})
	x.Endpoints = slices.DeleteFunc(slices.Clone(x.Endpoints), func(e Endpoint) bool { return other(endpoint, e.Name) })
	x.Grants = slices.DeleteFunc(slices.Clone(x.Grants), func(g access.Grant) bool {
		return !g.Principal.IsCluster() && other(invoker, g.Principal.Name) && g.Principal.Name != group
	})
	return x
}

// verdict returns the result in one line.
func (x Explanation) verdict() string {
	declared, undecided, held := 0, 0, 0
	for _, p := range x.Paths {
		if p.Declared {
			declared++
		}
		if p.Declared && p.Undecided {
			undecided++
		}
	}
	for _, v := range x.Assertions {
		if v.Holds {
			held++
		}
	}
	text := count(declared-undecided-len(x.Broken())) + " of " + visible.Counted(declared, "declared path") + " work"
	if undecided > 0 {
		text += ", " + count(undecided) + map[bool]string{true: " is", false: " are"}[undecided == 1] + " undecided"
	}
	if len(x.Assertions) > 0 {
		text += ", " + count(held) + " of " + visible.Counted(len(x.Assertions), "assertion") + " hold"
	}
	return text
}
