package access

import (
	"fmt"
	"maps"
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

// Explain returns every path of the model, invoker by endpoint by input, with the grants that Grants gives.
func Explain(m Model) []Path { return ExplainWith(m, Grants(m)) }

// ExplainWith does the same with other grants: what would work if one were missing, or if there were another.
func ExplainWith(m Model, grants []Grant) []Path {
	return newExplainer(m, grants).explain()
}

// ExplainHeld does the same with what principals really hold, wherever it comes from.
func ExplainHeld(m Model, held Holdings) []Path {
	return explainer{m: m, held: held, acls: ACLs(m)}.explain()
}

func (x explainer) explain() []Path {
	m := x.m
	endpoints := maps.Clone(m.EffectiveEndpoints())
	for name, e := range endpoints {
		e.Inputs, e.Outputs = slices.Sorted(slices.Values(e.Inputs)), slices.Sorted(slices.Values(e.Outputs))
		if len(e.Inputs) == 0 {
			e.Inputs = []string{""}
		}
		endpoints[name] = e
	}
	names := sorted(endpoints)
	var paths []Path
	for _, invoker := range sorted(m.Invokers) {
		start := []Hop{x.token(invoker), x.invoke(invoker)}
		for _, name := range names {
			e := endpoints[name]
			declared := e.InvokedBy(invoker)
			for _, input := range e.Inputs {
				hops := slices.Clone(start)
				if input != "" {
					hops = append(hops, x.input(invoker, e.Cluster, input)...)
				}
				for _, output := range e.Outputs {
					hops = append(hops, x.output(invoker, e.Cluster, output)...)
				}
				paths = append(paths, Path{invoker, name, input, declared, hops})
			}
		}
	}
	return paths
}

type explainer struct {
	m      Model
	held   Holdings
	grants map[Principal][]Grant
	acls   []ACL
	role   roles.Definition // the invokers'
	// roleLacks are those of the 35 actions that the model's role does not allow, the same for every invoker.
	roleLacks []string
}

func newExplainer(m Model, grants []Grant) explainer {
	byPrincipal := map[Principal][]Grant{}
	for _, g := range grants {
		byPrincipal[g.Principal] = append(byPrincipal[g.Principal], g)
	}
	x := explainer{m: m, grants: byPrincipal, acls: ACLs(m), roleLacks: roles.InvokerActions()}
	if d, err := m.Role.Resolve(); err == nil {
		x.role, x.roleLacks = d, d.Permissions.Missing()
	}
	x.held = granted{x}
	return x
}

// data is where a job reads or writes.
type data struct {
	account, container, path string
}

func (d data) scope() Scope { return storageScope(d.account, d.container, "") }

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
	hop := Hop{Kind: TokenHop, Identity: InvokerPrincipal(name).String(), Needs: "a token for " + Audience}
	hop.rule(Ruling{GivenBy: how, Missing: x.held.Gone(InvokerPrincipal(name))})
	return hop
}

func (x explainer) invoke(name string) Hop {
	actions := roles.InvokerActions()
	hop := Hop{Kind: InvokeHop, Identity: InvokerPrincipal(name).String(), Needs: fmt.Sprintf("the %d actions at the workspace", len(actions))}
	hop.rule(x.held.Starts(name))
	return hop
}

func (x explainer) input(invoker, cluster, name string) []Hop {
	d := x.m.DataInputs[name]
	at := data{d.StorageAccount, d.Container, d.Path}
	return x.storage(invoker, cluster, ReadHop, d.Mechanism(), at, roles.StorageBlobDataReader, ReadBlobs)
}

func (x explainer) output(invoker, cluster, name string) []Hop {
	d := x.m.DataOutputs[name]
	mechanism := ByStoreCredential
	if d.byIdentity() {
		mechanism = ByRBAC
	}
	at := data{d.StorageAccount, d.Container, d.Path}
	return x.storage(invoker, cluster, WriteHop, mechanism, at, roles.StorageBlobDataContributor, WriteBlobs)
}

// storage gives the hops between a job and its data: the store's credential does it alone, or the cluster identity
// mounts and the job identity acts.
func (x explainer) storage(invoker, cluster string, kind HopKind, by Mechanism, at data, role, dataAction string) []Hop {
	if by == ByStoreCredential {
		return []Hop{{Kind: kind, Identity: "the data store's credential", Needs: "an access key or SAS in the data store", GivenBy: string(by)}}
	}
	needs := role + " on " + at.scope().String()
	if by == ByACL {
		needs = "a POSIX ACL on " + at.scope().String()
	}
	mount := Hop{Kind: MountHop, Identity: ClusterPrincipal(cluster).String(), Needs: needs}
	act := Hop{Kind: kind, Identity: InvokerPrincipal(invoker).String(), Needs: needs}
	x.decide(&mount, ClusterPrincipal(cluster), at, dataAction)
	x.decide(&act, InvokerPrincipal(invoker), at, dataAction)
	return []Hop{mount, act}
}

// decide asks roles first and ACLs after them, as Azure does, whichever the input was meant to be granted by.
func (x explainer) decide(hop *Hop, p Principal, at data, dataAction string) {
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
	for _, acl := range x.acls {
		if acl.Principal == p && dataAction == ReadBlobs && acl.covers(at) {
			hop.GivenBy = "the ACL " + acl.Permissions + " on " + acl.StorageAccount + "/" + acl.Container + acl.Path + ", which is set outside of this stack"
			return
		}
	}
	if held.Missing == NotHeld {
		held.Missing = hop.Needs
	}
	hop.rule(held)
}

// String tells a grant without its principal: the role and where it holds.
func (g Grant) String() string { return g.Role + " on " + g.Scope.String() }
