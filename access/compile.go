package access

import (
	"slices"

	"github.com/batchaccess/batchaccess/internal/problem"
	"github.com/batchaccess/batchaccess/roles"
)

// A Plan is everything that a model needs, worked out once. All else that is known about a model is computed from its
// plan.
type Plan struct {
	Model      Model
	Identities []Identity // one for each principal of Azure, by their first names
	Needs      []Need     // what each identity must be able to do, and why
	Grants     []Grant    // the least role assignments that meet the needs
	ACLs       []ACL      // the POSIX permissions that meet the other needs; no stack can set them
	Verdicts   []Verdict  // whether each assertion holds, by their names

	jobs     []job
	identity map[Principal]Principal // from each name of an identity to its first name
	groups   map[string]string       // the group that the stack makes, by member
	// role is what the invokers are given, as far as that is known. roleLacks are those of the 35 actions that the role
	// does not allow, and roleMayLack those of which it is undecided whether it does.
	role                   roles.Definition
	roleLacks, roleMayLack []string
	// parts holds what the invokers' roles allow, by the role names that grants use.
	parts map[string]roles.Permissions
}

// Compile works out, in one pass, everything that the model needs, or everything that is wrong with it. The problems
// include warnings. There is no plan where any problem is neither a warning nor a violated assertion.
//
// Access that has ended (Model.Ended) is checked like the rest, and is neither in the plan nor in the plan's model.
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
	// Path limits the role to a folder (it ends in a slash) or to a file; "" for the whole place.
	Path  string `json:"path,omitempty"`
	place Place
	// output is set where Data names a data output.
	output bool
}

// reason says in a few words why the identity needs it.
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

// target is what a job is started on: an endpoint, or one deployment of an endpoint that has several.
func target(endpoint, deployment string) string {
	if deployment == "" {
		return endpoint
	}
	return endpoint + "/" + deployment
}

// A job is one deployment of an endpoint: where its jobs run, which data they use, and for whom.
type job struct {
	endpoint, deployment string
	cluster              Principal
	inputs, outputs      []leg
	services             []service
	registriesSaid       bool     // whether the model says which registries it uses
	invokers             []string // who may start it, groups that the stack makes included
	declared             map[string]bool
}

// A leg is what lies between a job and one thing that it reads or writes.
type leg struct {
	data       string
	hop        HopKind // of the job identity: ReadHop or WriteHop
	by         Mechanism
	at         Place
	granted    Scope  // where roles are granted for it
	limit      string // the path that they are limited to; "" for none
	role       string // the narrowest one that allows it
	dataAction string // the data action that the role is granted for
	lookedUp   bool   // a look-up decides whether identities access it
}

// limits returns the paths that its grants are limited to.
func (l leg) limits() []string {
	if l.limit == "" {
		return nil
	}
	return []string{l.limit}
}

// byIdentity reports whether identities access the data: the cluster's mounts it, the job's reads or writes it.
func (l leg) byIdentity() bool { return l.by == ByRBAC || l.by == ByACL }

// jobs walks endpoints, deployments and data. Nothing else does.
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

// needs returns one need to start jobs for each invoker; the needs of each job for services; and, by the article's
// table, for each leg that identities access, one need for the cluster that mounts and one for each invoker who may run
// the job.
func (p *Plan) needs() (all []Need) {
	all = p.starts()
	for _, j := range p.jobs {
		if len(j.invokers) == 0 {
			continue // nobody may start a job, so nothing is mounted either
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

// starts returns what invokers need to start jobs: the role; or, where invokers are limited to endpoints, both of its
// parts for each endpoint that names the invoker.
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

// Permissions returns what the role of one of the plan's grants allows. known is false for an existing role of which
// the model has only the ID.
func (p *Plan) Permissions(g Grant) (_ roles.Permissions, known bool) {
	if g.Scope.InStorage() {
		return storageRoles[g.Role], true
	}
	if !g.Scope.OfInvokers() {
		return mustBuiltIn(g.Role), true
	}
	return p.parts[g.Role], p.Model.Role.Known()
}
