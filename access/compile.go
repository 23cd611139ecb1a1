package access

import (
	"slices"

	"github.com/batchaccess/batchaccess/internal/problem"
	"github.com/batchaccess/batchaccess/roles"
)

// A Plan is everything that a model needs, worked out once. What else is known about a model is a function of its plan.
type Plan struct {
	Model      Model
	Identities []Identity // one for each that Azure tells apart, in the order of their first names
	Needs      []Need     // what each identity must be able to do, and why
	Grants     []Grant    // the least role assignments that meet the needs
	ACLs       []ACL      // the POSIX permissions that meet the others, which no stack can set
	Verdicts   []Verdict  // what became of each assertion, in the order of their names

	jobs     []job
	identity map[Principal]Principal // the first name of the identity that goes by the name
	groups   map[string]string       // the group that the stack makes, by member
	// role is what the invokers are given, as far as that is known; roleLacks are those of the 35 actions that it does not
	// allow, and roleMayLack those of which that is undecided.
	role                   roles.Definition
	roleLacks, roleMayLack []string
	// parts are what the invokers' roles allow, by the names that grants call them.
	parts map[string]roles.Permissions
}

// Compile works out, in one pass, everything that the model needs, or everything that is wrong with it. Among the
// problems are warnings. Where any other problem is no violated assertion, there is no plan.
//
// What is over (Model.Ended) is checked like the rest, and is no part of the plan, nor of its model.
func Compile(m Model) (*Plan, Problems) {
	if m.Ended == "" {
		return compile(m)
	}
	whole := m
	whole.Ended = ""
	if plan, ps := compile(whole); plan == nil {
		return nil, ps
	}
	if _, ok := (end{date: m.Ended}).over(); !ok {
		return compile(m) // which says so
	}
	now, unasked := m.inForce()
	plan, ps := compile(now)
	for _, name := range unasked {
		ps.Warn(problem.Assertion, "assertions."+name, "take it out, or write a later until",
			"is not asked any more: all whom it names have ended")
	}
	return plan, ps
}

func compile(m Model) (*Plan, Problems) {
	v := validator{m: m, jobs: m.jobs()}
	v.model()
	if v.Err() != nil {
		return nil, v.Problems
	}
	p := &Plan{Model: m, Identities: v.found.all, identity: v.found.first, groups: m.Groups(),
		roleLacks: roles.InvokerActions()}
	if d, wrong := m.Role.Resolve(); wrong == nil {
		p.role, p.roleLacks, p.roleMayLack = d, d.Permissions.Missing(), d.Permissions.Undecided()
	}
	p.parts = map[string]roles.Permissions{m.Role.grantName(): p.role.Permissions}
	if m.Role.ByEndpoint() {
		endpoint, workspace := p.role.Parts()
		p.parts = map[string]roles.Permissions{endpointRole: endpoint.Permissions, workspaceRole: workspace.Permissions}
	}
	p.jobs = v.jobs
	p.Needs = p.needs()
	p.Grants = p.leastGrants()
	p.ownedBy()
	p.ACLs = p.acls()
	v.sharedGrants(p)
	v.pathLimits(p)
	if v.limits(p); v.Err() != nil {
		return nil, v.Problems
	}
	p.Verdicts = p.verdicts()
	v.violations(p.Verdicts)
	return p, v.Problems
}

// A Need is one thing that one identity must be able to do.
type Need struct {
	Principal  Principal `json:"principal"` // by the name under which the model needs it
	Hop        HopKind   `json:"hop"`       // the step of a job that it is needed for
	Endpoint   string    `json:"endpoint,omitempty"`
	Deployment string    `json:"deployment,omitempty"`
	Data       string    `json:"data,omitempty"` // the data input or output
	By         Mechanism `json:"by"`             // the article's column "Access granted by"
	Role       string    `json:"role,omitempty"` // the narrowest role that meets it; "" where none is granted
	At         Scope     `json:"at"`
	// Path limits the role to a folder, which ends in a slash, or to a file; "" for all of At.
	Path  string `json:"path,omitempty"`
	place Place
	// output is set where Data names a data output.
	output bool
}

// reason says in a few words what the need is for.
func (n Need) reason() string {
	switch n.Hop {
	case InvokeHop:
		if n.Endpoint != "" {
			return "start jobs on " + n.Endpoint
		}
		return "start jobs"
	case RegistryHop:
		return "use the models and environments of " + n.At.String() + " for " + target(n.Endpoint, n.Deployment)
	case ImageHop:
		return "pull the image for " + target(n.Endpoint, n.Deployment)
	case StoresHop:
		return "use the workspace's own stores for " + target(n.Endpoint, n.Deployment)
	case MountHop:
		return "mount " + n.Data + " for " + target(n.Endpoint, n.Deployment)
	default:
		return string(n.Hop) + " " + n.Data + " through " + target(n.Endpoint, n.Deployment)
	}
}

// target is what a job is started on: an endpoint, or one of its several deployments.
func target(endpoint, deployment string) string {
	if deployment == "" {
		return endpoint
	}
	return endpoint + "/" + deployment
}

// A job is what runs on one deployment of an endpoint: where, on which data, and for whom.
type job struct {
	endpoint, deployment string
	cluster              Principal
	inputs, outputs      []leg
	services             []service
	registriesSaid       bool     // whose models and environments it uses
	invokers             []string // who are to start it, the groups that the stack makes among them
	declared             map[string]bool
}

// A leg is the way between a job and one thing that it reads or writes.
type leg struct {
	data       string
	hop        HopKind // of the job identity: ReadHop or WriteHop
	by         Mechanism
	at         Place
	granted    Scope  // where roles are granted for it
	limit      string // the path that they are limited to; "" for none
	role       string // the narrowest one that allows it
	dataAction string // that the role is granted for
	lookedUp   bool   // whether by identity or not: a look-up decides
}

// limits are the paths that grants for it are limited to.
func (l leg) limits() []string {
	if l.limit == "" {
		return nil
	}
	return []string{l.limit}
}

// byIdentity reports whether two identities take the leg: the cluster's mounts, and the job's reads or writes.
func (l leg) byIdentity() bool { return l.by == ByRBAC || l.by == ByACL }

// jobs walks endpoints, deployments and data, the only time that anything does.
func (m Model) jobs() (all []job) {
	endpoints, kinds := m.EffectiveEndpoints(), m.kinds()
	for _, name := range sorted(endpoints) {
		e := endpoints[name]
		j := job{endpoint: name, invokers: m.InvokersOf(e), declared: map[string]bool{}}
		for _, invoker := range j.invokers {
			j.declared[invoker] = true
		}
		for _, input := range slices.Sorted(slices.Values(e.Inputs)) {
			j.inputs = append(j.inputs, inputLeg(input, m.DataInputs[input], kinds))
		}
		for _, output := range slices.Sorted(slices.Values(e.Outputs)) {
			j.outputs = append(j.outputs, outputLeg(output, m.DataOutputs[output], kinds))
		}
		for _, on := range e.runsOn() {
			j.deployment, j.cluster = on.deployment, ClusterPrincipal(on.cluster)
			j.services, j.registriesSaid = m.services(name, on), on.registries != nil
			all = append(all, j)
		}
	}
	return all
}

func inputLeg(name string, d DataInput, kinds map[string]roles.AccountKind) leg {
	return leg{name, ReadHop, d.Mechanism(), d.place(kinds), d.scope(), d.limit(), roles.StorageBlobDataReader,
		roles.ReadBlobs,
		d.InWorkspace() && d.CredentialInStore == nil}
}

func outputLeg(name string, output DataOutput, kinds map[string]roles.AccountKind) leg {
	d, role := output.data(), roles.StorageBlobDataContributor
	if d.Scope == AtPath {
		role = roles.StorageBlobPathWriter
	}
	return leg{name, WriteHop, d.Mechanism(), d.place(kinds), d.scope(), d.limit(), role, roles.WriteBlobs,
		d.CredentialInStore == nil}
}

// needs are one for each invoker to start jobs; for each job, what it needs of the rest of the way; and by the
// article's table, for each leg that identities take, one for the cluster that mounts and one for each invoker who is
// to run the job.
func (p *Plan) needs() (all []Need) {
	all = p.starts()
	for _, j := range p.jobs {
		if len(j.invokers) == 0 {
			continue // no job is to run, so nothing needs to be mounted either
		}
		all = append(all, p.serves(j)...)
		for _, l := range slices.Concat(j.inputs, j.outputs) {
			if !l.byIdentity() {
				continue
			}
			n := Need{j.cluster, MountHop, j.endpoint, j.deployment, l.data, l.by, "", l.granted, l.limit, l.at,
				l.hop == WriteHop}
			if l.by == ByRBAC {
				n.Role = l.role
			}
			all = append(all, n)
			for _, invoker := range j.invokers {
				n.Principal, n.Hop = InvokerPrincipal(invoker), l.hop
				all = append(all, n)
			}
		}
	}
	return all
}

// starts are the needs of whoever is to start jobs: the role, for everybody; or, where invokers are limited to
// endpoints, both of its parts for each endpoint that names the invoker.
func (p *Plan) starts() (all []Need) {
	need := func(invoker, endpoint, role string, at Scope) {
		all = append(all, Need{Principal: InvokerPrincipal(invoker), Hop: InvokeHop, Endpoint: endpoint, By: ByRBAC,
			Role: role, At: at})
	}
	if !p.Model.Role.ByEndpoint() {
		for _, name := range sorted(p.Model.Invokers) {
			need(name, "", p.Model.Role.grantName(), Scope{Level: p.Model.Role.EffectiveScope()})
		}
		return all
	}
	for _, endpoint := range sorted(p.Model.Endpoints) {
		for _, invoker := range p.Model.InvokersOf(p.Model.Endpoints[endpoint]) {
			need(invoker, endpoint, endpointRole, endpointScope(endpoint))
			need(invoker, endpoint, workspaceRole, Scope{Level: AtWorkspace})
		}
	}
	return all
}

// Permissions are what the role of one of the plan's grants allows. They are not known of a role that exists and of
// which only the ID is known.
func (p *Plan) Permissions(g Grant) (_ roles.Permissions, known bool) {
	if g.Scope.InStorage() {
		return storageRoles[g.Role], true
	}
	if !g.Scope.OfInvokers() {
		return mustBuiltIn(g.Role), true
	}
	return p.parts[g.Role], p.Model.Role.Known()
}
