package access

import (
	"cmp"
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

	// What a job uses through the workspace, after its start and before it mounts anything.
	RegistryHop HopKind = "registry" // the invoker uses models and environments of shared registries
	ImageHop    HopKind = "image"    // the cluster identity pulls the image
	// both identities use the workspace's own stores: code, logs, the state of parallel runs
	StoresHop HopKind = "stores"

	// The hops of indirect ways (see Way).
	SecretHop   HopKind = "secret"   // takes a key, SAS or token
	CodeHop     HopKind = "code"     // changes the code that runs, and so acts as its identity
	IdentityHop HopKind = "identity" // attaches an identity, or signs in as it
	GrantHop    HopKind = "grant"    // gives itself or others more access
	DataHop     HopKind = "data"     // makes a name stand for other data
)

// A Hop is one step: who takes it, what it needs, and what gives that or is missing.
type Hop struct {
	Kind     HopKind `json:"kind"`
	Identity string  `json:"identity"`
	Needs    string  `json:"needs"`
	GivenBy  string  `json:"givenBy,omitempty"`
	Missing  string  `json:"missing,omitempty"` // "" if and only if the hop works
	// Undecided is set where it can't be decided whether the hop works; Missing says why.
	Undecided bool `json:"undecided,omitempty"`
	// Takes are the actions that a hop of a Way needs, and Opens is what the hop leads to. Both are empty for the hops
	// of a job, and for the last hop to data.
	Takes []string `json:"-"`
	Opens Opened   `json:"-"`
}

// A Path is one invoker starting a job on one deployment of an endpoint with one input.
type Path struct {
	Invoker  string `json:"invoker"`
	Endpoint string `json:"endpoint"`
	// Deployment is the one that the job picks, if the endpoint has several; else "".
	Deployment string `json:"deployment,omitempty"`
	Input      string `json:"input,omitempty"` // "" for an endpoint that reads nothing
	Declared   bool   `json:"declared"`        // the endpoint names the invoker, so the path should work
	Hops       []Hop  `json:"hops"`
}

// Target is what the job is started on: the endpoint, or one of its several deployments as endpoint/deployment.
func (p Path) Target() string { return target(p.Endpoint, p.Deployment) }

// InputName returns the name of the input as text for people; it says so where the endpoint reads nothing.
func (p Path) InputName() string { return cmp.Or(p.Input, "(no input)") }

// Works reports whether every hop works.
func (p Path) Works() bool { return p.FailsAt() == nil }

// FailsAt returns the first hop that does not work, or else the first that is undecided; nil if all work.
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

// Undecided reports whether it can't be decided that the path works or fails.
func (p Path) Undecided() bool {
	hop := p.FailsAt()
	return hop != nil && hop.Undecided
}

// Outcome says in one line how the path ends: "works", or where it fails and what is missing there.
func (p Path) Outcome() string {
	hop := p.FailsAt()
	switch {
	case hop == nil:
		return "works"
	case hop.Undecided:
		return fmt.Sprintf("undecided at %s: %s needs %s", hop.Kind, hop.Identity, hop.Missing)
	default:
		return fmt.Sprintf("fails at %s: %s needs %s", hop.Kind, hop.Identity, hop.Missing)
	}
}

// Paths returns every path of the model with the plan's grants: by invoker, endpoint, deployment and input. A group
// that the stack makes has no paths; its members have.
func (p *Plan) Paths() []Path { return p.PathsWith(p.Grants) }

// PathsWith returns the paths with other grants, to find out what works if one is missing or added.
func (p *Plan) PathsWith(grants []Grant) []Path { return newExplainer(p, grants).paths() }

// PathsHeld returns the paths with what principals really hold, wherever it comes from.
func (p *Plan) PathsHeld(held Holdings) []Path {
	return explainer{Plan: p, held: held, aclsOf: p.aclsByPrincipal()}.paths()
}

// An explainer follows jobs from the invoker to the data.
type explainer struct {
	*Plan
	held     Holdings
	grantsOf map[Principal][]Grant
	aclsOf   map[Principal][]ACL
}

func newExplainer(p *Plan, grants []Grant) explainer {
	x := explainer{Plan: p, grantsOf: map[Principal][]Grant{}, aclsOf: p.aclsByPrincipal()}
	for _, g := range grants {
		x.grantsOf[g.Principal] = append(x.grantsOf[g.Principal], g)
	}
	x.held = newGranted(x, grants)
	return x
}

// MayDo reports whether a principal may do a data action at a place, by the plan's grants and ACLs.
func (p *Plan) MayDo(of Principal, at Place, dataAction string) bool {
	hop := Hop{Needs: "a role"}
	newExplainer(p, p.Grants).decide(&hop, of, at, dataAction)
	return hop.Missing == ""
}

func (p *Plan) aclsByPrincipal() map[Principal][]ACL {
	all := map[Principal][]ACL{}
	for _, acl := range p.ACLs {
		all[acl.Principal] = append(all[acl.Principal], acl)
	}
	return all
}

// A track is one leg with the hop that is the same for every invoker: the mount, or the only hop where no identity of
// the job takes part.
type track struct {
	leg
	before Hop
}

// A route is what all invokers' paths to one deployment and one input have in common.
type route struct {
	job
	input  string
	tracks []track
	served []Hop // hops of the cluster identity to services, by the index of the service in the job
}

func (x explainer) routes() (all []route) {
	for _, j := range x.jobs {
		outputs, served := x.tracks(j, j.outputs), make([]Hop, len(j.services))
		for n, s := range j.services {
			if !s.ofInvoker {
				served[n] = x.service(s, j.cluster)
			}
		}
		for _, in := range x.tracks(j, j.inputs) {
			all = append(all, route{j, in.data, append([]track{in}, outputs...), served})
		}
		if len(j.inputs) == 0 {
			all = append(all, route{j, "", outputs, served})
		}
	}
	return all
}

func (x explainer) tracks(j job, legs []leg) (all []track) {
	for _, l := range legs {
		all = append(all, track{l, x.before(j.cluster, l)})
	}
	return all
}

// Declared returns those of the paths that the model declares.
func (p *Plan) Declared() []Path { return newExplainer(p, p.Grants).pathsIf(true) }

func (x explainer) paths() []Path { return x.pathsIf(false) }

// pathsIf returns the declared paths, or all.
func (x explainer) pathsIf(declared bool) (all []Path) {
	routes := x.routes()
	for _, name := range x.Model.Acting() {
		invoker := InvokerPrincipal(name)
		token, invoke, served := x.token(name), x.invokes(name), x.services(invoker)
		for _, r := range routes {
			if declared && !r.declared[name] {
				continue
			}
			start := [...]Hop{token, invoke(r.endpoint)}
			hops := append(make([]Hop, 0, len(start)+len(r.services)+2*len(r.tracks)), start[:]...)
			for n, s := range r.services {
				if s.ofInvoker {
					hops = append(hops, served(s))
				} else {
					hops = append(hops, r.served[n])
				}
			}
			for _, t := range r.tracks {
				hops = append(hops, t.before)
				if t.byIdentity() {
					act := Hop{Kind: t.hop, Identity: invoker.String(), Needs: t.before.Needs}
					x.decide(&act, invoker, t.at, t.dataAction)
					hops = append(hops, act)
				}
			}
			all = append(all, Path{name, r.endpoint, r.deployment, r.input, r.declared[name], hops})
		}
	}
	return all
}

func (x explainer) token(name string) Hop {
	i := x.Model.Invokers[name]
	how := i.Kind.row().signIn
	switch {
	case i.Kind == ManagedIdentity && len(i.FederatedCredentials) > 0:
		how = "federated credentials " + strings.Join(sorted(i.FederatedCredentials), ", ") + ", or " + how
	case i.Kind != ServicePrincipal:
	case len(i.FederatedCredentials) > 0:
		how = "federated credentials " + strings.Join(sorted(i.FederatedCredentials), ", ")
	case len(i.ClientSecrets) > 0:
		how = "client secrets " + strings.Join(sorted(i.ClientSecrets), ", ")
	}
	hop := Hop{Kind: TokenHop, Identity: InvokerPrincipal(name).String(), Needs: "a token for " + x.Model.Audience()}
	hop.rule(Ruling{GivenBy: how, Missing: x.held.CannotAct(InvokerPrincipal(name))})
	return hop
}

// cannotAct says why a principal can't act at all; "" if it can.
func (x explainer) cannotAct(p Principal) string {
	if c := x.Model.Clusters[p.Name]; p.IsCluster() && !c.Existing && c.EffectiveIdentity() == NoIdentity {
		return "a managed identity"
	}
	return x.held.CannotAct(p)
}

// services returns a function that gives an invoker's hop to a service. Each is decided once.
func (x explainer) services(invoker Principal) func(service) Hop {
	type key struct {
		hop HopKind
		at  Scope
	}
	decided := map[key]Hop{}
	return func(s service) Hop {
		hop, is := decided[key{s.hop, s.at}]
		if !is {
			hop = x.service(s, invoker)
			decided[key{s.hop, s.at}] = hop
		}
		return hop
	}
}

// invokes returns a function that gives an invoker's hop to an endpoint. Each is decided once.
func (x explainer) invokes(name string) func(endpoint string) Hop {
	decided := map[string]Hop{}
	return func(endpoint string) Hop {
		if hop, is := decided[endpoint]; is {
			return hop
		}
		hop := x.invoke(name, endpoint)
		decided[endpoint] = hop
		return hop
	}
}

func (x explainer) invoke(name, endpoint string) Hop {
	hop := Hop{Kind: InvokeHop, Identity: InvokerPrincipal(name).String(), Needs: allActions}
	if x.Model.Role.ByEndpoint() {
		hop.Needs = actionsAtEndpoint
	}
	hop.rule(x.held.Starts(name, endpoint))
	return hop
}

var (
	allActions        = fmt.Sprintf("the %d actions at the workspace", len(roles.InvokerActions()))
	actionsAtEndpoint = func() string {
		endpoint, workspace := roles.Invoker().Parts()
		return fmt.Sprintf("%d actions at the endpoint and %d at the workspace", len(endpoint.Permissions[0].Actions),
			len(workspace.Permissions[0].Actions))
	}()
)

// before returns the hop of a leg that comes before the job identity's own, or replaces it.
func (x explainer) before(cluster Principal, l leg) Hop {
	switch l.by {
	case ByStoreCredential:
		return Hop{
			Kind: l.hop, Identity: "the data store's credential", Needs: "an access key or SAS in the data " +
				"store", GivenBy: string(l.by),
		}
	case ByAnyone:
		return Hop{Kind: l.hop, Identity: "anyone", Needs: "anonymous access to the container", GivenBy: string(l.by)}
	}
	needs := l.role + " on " + where(l.at.Scope(), l.limits())
	if l.by == ByACL {
		needs = "a POSIX ACL on " + l.at.Scope().String()
	}
	mount := Hop{Kind: MountHop, Identity: cluster.String(), Needs: needs}
	x.decide(&mount, cluster, l.at, l.dataAction)
	return mount
}

// decide asks roles first and ACLs after them, as Azure does, whichever of the two the input is granted by.
func (x explainer) decide(hop *Hop, p Principal, at Place, dataAction string) {
	if hop.Missing = x.cannotAct(p); hop.Missing != "" {
		return
	}
	held := x.held.DataAction(p, at, dataAction, hop.Needs)
	if held.Missing == "" {
		hop.rule(held)
		return
	}
	for _, holder := range x.Holders(p) {
		for _, acl := range x.aclsOf[holder] {
			if dataAction == roles.ReadBlobs && acl.place().holds(at) {
				hop.GivenBy = acl.String() + x.through(p, holder) + ", which is set outside of this stack"
				return
			}
		}
	}
	hop.rule(held)
}
