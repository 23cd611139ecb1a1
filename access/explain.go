package access

import (
	"fmt"
	"slices"
	"strings"

	"github.com/batchaccess/batchaccess/roles"
)

// A HopKind is one step on the way from an invoker to its data.
type HopKind string

// The hops, in the order in which a job takes them.
const (
	TokenHop  HopKind = "token"  // the invoker signs in and asks for a token
	InvokeHop HopKind = "invoke" // the endpoint checks the 35 actions
	MountHop  HopKind = "mount"  // the cluster identity mounts the storage
	ReadHop   HopKind = "read"   // the job identity, or the store's credential, reads
	WriteHop  HopKind = "write"  // the job identity, or the store's credential, writes
)

// A Hop is one step: who takes it, what it needs and what gives it, or what is missing.
type Hop struct {
	Kind     HopKind `json:"kind"`
	Identity string  `json:"identity"`
	Needs    string  `json:"needs"`
	GivenBy  string  `json:"givenBy,omitempty"`
	Missing  string  `json:"missing,omitempty"` // "" if and only if the hop works
	// Undecided is set where it can't be told whether the hop works; Missing says why.
	Undecided bool `json:"undecided,omitempty"`
}

// A Path is one invoker starting a job on one endpoint with one input.
type Path struct {
	Invoker  string `json:"invoker"`
	Endpoint string `json:"endpoint"`
	Input    string `json:"input,omitempty"` // "" for an endpoint that reads nothing
	Declared bool   `json:"declared"`        // the endpoint names the invoker, so the path should work
	Hops     []Hop  `json:"hops"`
}

// Works reports whether every hop does.
func (p Path) Works() bool { return p.FailsAt() == nil }

// FailsAt returns the first hop that does not work, or else the first of which it can't be told; nil if all work.
func (p Path) FailsAt() *Hop {
	at := slices.IndexFunc(p.Hops, func(h Hop) bool { return h.Missing != "" && !h.Undecided })
	if at < 0 {
		at = slices.IndexFunc(p.Hops, func(h Hop) bool { return h.Missing != "" })
	}
	if at < 0 {
		return nil
	}
	return &p.Hops[at]
}

// Undecided reports whether it can't be told if the path works.
func (p Path) Undecided() bool {
	hop := p.FailsAt()
	return hop != nil && hop.Undecided
}

// Outcome tells how the path ends, in one line: "works", or where it fails and for want of what.
func (p Path) Outcome() string {
	hop := p.FailsAt()
	switch {
	case hop == nil:
		return "works"
	case hop.Undecided:
		return fmt.Sprintf("can't be told at %s: %s needs %s", hop.Kind, hop.Identity, hop.Missing)
	default:
		return fmt.Sprintf("fails at %s: %s needs %s", hop.Kind, hop.Identity, hop.Missing)
	}
}

// Explain returns every path of the model, invoker by endpoint by input, with the grants that Grants gives. A group that
// the stack makes has no paths: its members have.
func Explain(m Model) []Path { return ExplainWith(m, Grants(m)) }

// ExplainWith does the same with other grants, to tell what would work if one were missing or another were there.
func ExplainWith(m Model, grants []Grant) []Path {
	return newExplainer(m, grants).explain()
}

// ExplainHeld does the same with what principals really hold, wherever it comes from.
func ExplainHeld(m Model, held Holdings) []Path {
	return explainer{m: m, held: held, acls: aclsByPrincipal(m), groups: m.Groups()}.explain()
}

func (x explainer) explain() []Path {
	routes := x.routes()
	var paths []Path
	for _, name := range x.m.Acting() {
		invoker := InvokerPrincipal(name)
		identity := invoker.String()
		start := []Hop{x.token(name), x.invoke(name)}
		for _, r := range routes {
			hops := append(make([]Hop, 0, len(start)+2*len(r.legs)), start...)
			for _, l := range r.legs {
				hops = append(hops, l.before)
				if l.byIdentity {
					l.act.Identity = identity
					x.decide(&l.act, invoker, l.at, l.dataAction)
					hops = append(hops, l.act)
				}
			}
			paths = append(paths, Path{name, r.endpoint, r.input, r.invokers == nil || r.invokers[name], hops})
		}
	}
	return paths
}

// A route is what the paths of all invokers to one endpoint and one input have in common.
type route struct {
	endpoint, input string
	invokers        map[string]bool // who are to invoke the endpoint; nil for everyone
	legs            []leg
}

// A leg is the way between a job and one thing that it reads or writes.
type leg struct {
	// before is the hop that is the same whoever started the job: the mount, or the only hop where a store's credential reads.
	before     Hop
	byIdentity bool
	act        Hop // of the job identity, still to be decided
	at         place
	dataAction string
}

// routes are all of them, by endpoint and input.
func (x explainer) routes() (all []route) {
	endpoints := x.m.EffectiveEndpoints()
	for _, name := range sorted(endpoints) {
		e := endpoints[name]
		var invokers map[string]bool
		if len(e.Invokers) > 0 {
			invokers = map[string]bool{}
			for _, invoker := range x.m.InvokersOf(e) {
				invokers[invoker] = true
			}
		}
		var outputs []leg
		for _, output := range slices.Sorted(slices.Values(e.Outputs)) {
			outputs = append(outputs, x.outputLeg(e.Cluster, output))
		}
		if len(e.Inputs) == 0 {
			all = append(all, route{name, "", invokers, outputs})
		}
		for _, input := range slices.Sorted(slices.Values(e.Inputs)) {
			r := route{name, input, invokers, nil}
			if input != "" {
				r.legs = append(r.legs, x.inputLeg(e.Cluster, input))
			}
			r.legs = append(r.legs, outputs...)
			all = append(all, r)
		}
	}
	return all
}

type explainer struct {
	m      Model
	held   Holdings
	grants map[Principal][]Grant
	acls   map[Principal][]ACL
	groups map[string]string // by member
	role   roles.Definition  // the invokers'
	// roleLacks are those of the 35 actions that the model's role does not allow, and roleMayLack those of which that is
	// undecided: the same for every invoker.
	roleLacks, roleMayLack []string
}

func newExplainer(m Model, grants []Grant) explainer {
	byPrincipal := map[Principal][]Grant{}
	for _, g := range grants {
		byPrincipal[g.Principal] = append(byPrincipal[g.Principal], g)
	}
	x := explainer{m: m, grants: byPrincipal, acls: aclsByPrincipal(m), groups: m.Groups(), roleLacks: roles.InvokerActions()}
	if d, err := m.Role.Resolve(); err == nil {
		x.role, x.roleLacks, x.roleMayLack = d, d.Permissions.Missing(), d.Permissions.Undecided()
	}
	x.held = newGranted(x, grants)
	return x
}

func aclsByPrincipal(m Model) map[Principal][]ACL {
	all := map[Principal][]ACL{}
	for _, acl := range ACLs(m) {
		all[acl.Principal] = append(all[acl.Principal], acl)
	}
	return all
}

func (x explainer) token(name string) Hop {
	how := "a sign-in that is set up elsewhere"
	switch i := x.m.Invokers[name]; {
	case i.Kind == User || i.Kind == Group:
		how = "the user's own sign-in"
	case i.Kind == ManagedIdentity:
		how = "the managed identity's endpoint on its host"
	case len(i.FederatedCredentials) > 0:
		how = "federated credentials " + strings.Join(sorted(i.FederatedCredentials), ", ")
	case len(i.ClientSecrets) > 0:
		how = "client secrets " + strings.Join(sorted(i.ClientSecrets), ", ")
	}
	hop := Hop{Kind: TokenHop, Identity: InvokerPrincipal(name).String(), Needs: "a token for " + x.m.Audience()}
	hop.rule(Ruling{GivenBy: how, Missing: x.held.Gone(InvokerPrincipal(name))})
	return hop
}

func (x explainer) invoke(name string) Hop {
	actions := roles.InvokerActions()
	hop := Hop{Kind: InvokeHop, Identity: InvokerPrincipal(name).String(), Needs: fmt.Sprintf("the %d actions at the workspace", len(actions))}
	hop.rule(x.held.Starts(name))
	return hop
}

func (x explainer) inputLeg(cluster, name string) leg {
	d := x.m.DataInputs[name]
	return x.leg(cluster, ReadHop, d.Mechanism(), d.place(), roles.StorageBlobDataReader, ReadBlobs)
}

func (x explainer) outputLeg(cluster, name string) leg {
	d := x.m.DataOutputs[name]
	mechanism := ByStoreCredential
	if d.byIdentity() {
		mechanism = ByRBAC
	}
	return x.leg(cluster, WriteHop, mechanism, d.place(), roles.StorageBlobDataContributor, WriteBlobs)
}

// leg gives the hops between a job and its data: the store's credential does it alone, or the cluster identity mounts and
// the job identity acts.
func (x explainer) leg(cluster string, kind HopKind, by Mechanism, at place, role, dataAction string) leg {
	if by == ByStoreCredential {
		return leg{before: Hop{Kind: kind, Identity: "the data store's credential", Needs: "an access key or SAS in the data store", GivenBy: string(by)}}
	}
	needs := role + " on " + at.scope().String()
	if by == ByACL {
		needs = "a POSIX ACL on " + at.scope().String()
	}
	mount := Hop{Kind: MountHop, Identity: ClusterPrincipal(cluster).String(), Needs: needs}
	x.decide(&mount, ClusterPrincipal(cluster), at, dataAction)
	return leg{mount, true, Hop{Kind: kind, Needs: needs}, at, dataAction}
}

// decide asks roles first and ACLs after them, as Azure does, whichever the input was meant to be granted by.
func (x explainer) decide(hop *Hop, p Principal, at place, dataAction string) {
	if p.IsCluster() {
		if c := x.m.Clusters[p.Name]; !c.Existing && c.EffectiveIdentity() == NoIdentity {
			hop.Missing = "a managed identity"
			return
		}
	}
	if gone := x.held.Gone(p); gone != "" {
		hop.Missing = gone
		return
	}
	held := x.held.Acts(p, at.scope(), dataAction)
	if held.Missing == "" {
		hop.rule(held)
		return
	}
	for _, holder := range x.holders(p) {
		for _, acl := range x.acls[holder] {
			if dataAction == ReadBlobs && acl.place().holds(at) {
				hop.GivenBy = "the ACL " + acl.Permissions + " on " + acl.StorageAccount + "/" + acl.Container + acl.Path + p.through(holder) + ", which is set outside of this stack"
				return
			}
		}
	}
	if held.Missing == NotHeld {
		held.Missing = hop.Needs
	}
	hop.rule(held)
}
