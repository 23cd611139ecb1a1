package components

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/access/signin"
	"github.com/batchaccess/batchaccess/internal/hooks"
)

// A stateBefore is what the stack's state held before this deployment: outputs by URN, no secrets. It is read once.
type stateBefore struct {
	sync.Once
	there     atomic.Bool               // it is known that there is one: a component of it is updated
	resources map[string]map[string]any // nil where nothing was deployed, or nothing of it is known
	err       error

	asked      sync.Once
	hasOutputs bool
	noAnswer   error
}

// ofApplication and ofIdentity are the types of federated credentials.
const (
	ofApplication = "azuread:index/applicationFederatedIdentityCredential:ApplicationFederatedIdentityCredential"
	ofIdentity    = "azure-native:managedidentity:FederatedIdentityCredential"
)

// kept are the outputs of it that renames are found by.
var kept = []string{"issuer", "subject"}

// ask has the engine's own provider read the state.
func (*stateBefore) ask(ctx *pulumi.Context, function, key string) (map[string]any, error) {
	stack := ctx.Stack()
	if ctx.Organization() != "" {
		stack = ctx.Organization() + "/" + ctx.Project() + "/" + stack
	}
	var answer map[string]any
	_, err := ctx.InvokePackageRaw("pulumi:pulumi:"+function, map[string]any{key: stack}, &answer, "")
	outputs, _ := answer["outputs"].(map[string]any)
	return outputs, err
}

// prepare has the engine start its own provider, and asks for the stack's outputs. A hook that were the first to ask
// would wait for that provider, whose start waits for one of the engine's workers, each of which may be in such a hook:
// as many as --parallel says, and the deployment would stand still.
func (s *stateBefore) prepare(ctx *pulumi.Context) {
	s.asked.Do(func() {
		var outputs map[string]any
		outputs, s.noAnswer = s.ask(ctx, "readStackOutputs", "name")
		s.hasOutputs = len(outputs) > 0
	})
}

// read asks the engine for the stack's own state. The engine of CLI 3.276 breaks down where a stack without any is
// asked for its resources (backendClient.GetStackResourceOutputs in pkg/backend/backend.go). So where no component of
// it is updated, and it has no outputs, the state is not known.
func (s *stateBefore) read(ctx *pulumi.Context) (map[string]map[string]any, error) {
	s.Do(func() {
		s.prepare(ctx)
		if !s.there.Load() && !s.hasOutputs {
			s.err = s.noAnswer
			return
		}
		found, err := s.ask(ctx, "readStackResourceOutputs", "stackName")
		if err != nil {
			s.err = err
			return
		}
		s.resources = map[string]map[string]any{}
		for urn, one := range found {
			state, _ := one.(map[string]any)
			all, _ := state["outputs"].(map[string]any)
			s.resources[urn] = map[string]any{}
			for _, key := range kept {
				if value, is := all[key]; is {
					s.resources[urn][key] = value
				}
			}
		}
	})
	return s.resources, s.err
}

// A maker makes things by the names of a map in the arguments.
type maker struct {
	path  string // of the map: invokers
	typ   string // Pulumi's token of what is made
	owner string // the component whose things they are; their own names begin with it
	// names are those that the map holds now, with the name that each had before, if it says so.
	names map[string]string
	// same reports whether what was called old is what is called name now; nil where that can't be seen.
	same func(before map[string]map[string]any, urn, old, name string) bool
	// other is what is said where one goes and one comes, and they are not the same; "" for nothing.
	other string
	// does reports whether what is called name does what the one that goes did; nil where none does. If one does that is
	// there already and stays, other is not said.
	does func(name string) bool
}

// refuseRenamed is the option of what a maker makes that finds a name that changed and is not marked by was: Pulumi
// would make another one, and delete the old one with all that it was given. Of what is to be made alone it asks the
// state which was there before.
func (m maker) refuseRenamed(ctx *pulumi.Context, name string) (pulumi.ResourceOption, error) {
	program := programOf(ctx)
	if !hooks.Off(ctx.Context()) {
		program.before.prepare(ctx)
	}
	program.expect(m, name)
	return beforeCreate(ctx, fmt.Sprintf("%s %s.%s", m.path, m.owner, name),
		func(args *pulumi.ResourceHookArgs) error {
			before, err := program.before.read(ctx)
			if err != nil {
				return ctx.Log.Warn(fmt.Sprintf("%s.%s: whether it was renamed is not known, since the state of this stack can't "+
					"be read: %v; where it was, write was with the old name before you deploy", m.path, name, err), nil)
			}
			problem, warning := m.judge(before, string(args.URN), name)
			if problem != "" {
				return program.renamedBeside(before, fmt.Sprintf("%s: %s.%s", m.owner, m.path, problem))
			}
			if warning != "" {
				return ctx.Log.Warn(m.owner+": "+m.path+"."+warning, nil)
			}
			return nil
		})
}

// expect has what is to be made judged with the first that is refused.
func (p *program) expect(m maker, name string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.made == nil {
		p.made = map[string]func(map[string]map[string]any) string{}
	}
	p.made[m.owner+"."+name+" "+m.path] = func(before map[string]map[string]any) string {
		urn := name // of nothing that the state has
		for old := range before {
			cut := strings.LastIndex(old, "::")
			if cut < 0 {
				continue
			}
			kind, called := old[:cut], old[cut+2:]
			if (strings.HasSuffix(kind, "$"+m.typ) || strings.HasSuffix(kind, "::"+m.typ)) &&
				strings.HasPrefix(called, m.owner+".") {
				urn = kind + "::" + m.owner + "." + name
			}
		}
		if _, there := before[urn]; there {
			return ""
		}
		problem, _ := m.judge(before, urn, name)
		if problem != "" {
			problem = fmt.Sprintf("%s: %s.%s", m.owner, m.path, problem)
		}
		return problem
	}
}

// renamedBeside is the error of the first that is refused, with all others that are: the deployment ends with it. Those
// that are refused at the same time say only what is wrong with them.
func (p *program) renamedBeside(before map[string]map[string]any, problem string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	all := []string{problem}
	if !p.refused {
		for _, key := range sortedKeys(p.made) {
			if other := p.made[key](before); other != "" && other != problem {
				all = append(all, other)
			}
		}
	}
	p.refused = true
	slices.Sort(all)
	return errors.New(strings.Join(all, "\n"))
}

// judge says what is wrong with making what has the URN, or what whoever deploys has to know of it. Both are "" for
// nothing.
func (m maker) judge(before map[string]map[string]any, urn, name string) (problem, warning string) {
	kind := strings.TrimSuffix(urn, name) // with the owner's name, and the dot
	var gone []string
	for old := range before {
		was, is := strings.CutPrefix(old, kind)
		if _, stays := m.names[was]; is && !stays && !strings.Contains(was, ".") {
			gone = append(gone, was)
		}
	}
	slices.Sort(gone)
	marked := m.names[name]
	ownerWas := false
	for old := range before {
		ownerWas = ownerWas || strings.HasSuffix(old, "::"+m.owner)
	}
	switch {
	case !ownerWas || slices.Contains(gone, marked):
		return "", ""
	case marked != "":
		choice := ""
		if len(gone) > 0 {
			choice = ", or write what it was called: " + strings.Join(gone, ", ")
		}
		return fmt.Sprintf("%s.was: this stack has nothing of this kind that was called %s; take it out%s", name, marked,
			choice), ""
	}
	for _, taken := range m.names { // somebody else says that it was theirs
		gone = slices.DeleteFunc(gone, func(old string) bool { return old == taken })
	}
	for _, old := range gone {
		if m.same != nil && m.same(before, kind+old, old, name) {
			return fmt.Sprintf("%s: is what %s was, and %s goes: pulumi up would delete %s with all that it was given, and "+
				"make another one; if it was renamed, write was: %s; if not, take %s out in a deployment of its own",
				name, old, old, old, old, old), ""
		}
	}
	stays := func(name string) bool {
		_, there := before[kind+name]
		return there && m.does != nil && m.does(name)
	}
	if len(gone) > 0 && m.other != "" && !slices.ContainsFunc(sortedKeys(m.names), stays) {
		return "", fmt.Sprintf("%s is made, and %s deleted: %s; if it was renamed, write was", name, strings.Join(gone, ", "),
			m.other)
	}
	return "", ""
}

// refuseRenamed is the option of an invoker, or cluster, that this stack makes.
func (b *builder) refuseRenamed(ctx *pulumi.Context, of access.Principal) (pulumi.ResourceOption, error) {
	return b.maker(of).refuseRenamed(ctx, of.Name)
}

// expectAll has all that is to be made judged as soon as one is refused.
func (b *builder) expectAll(ctx *pulumi.Context) {
	program := programOf(ctx)
	for name, c := range b.args.Clusters {
		if !c.Existing {
			program.expect(b.maker(access.ClusterPrincipal(name)), name)
		}
	}
	for name, i := range b.args.Invokers {
		if b.args.model(name).Exists() || i.id() != nil {
			continue
		}
		program.expect(b.maker(access.InvokerPrincipal(name)), name)
		typ := ofApplication
		if i.Kind == access.ManagedIdentity {
			typ = ofIdentity
		}
		for key := range i.FederatedCredentials {
			program.expect(federatedRenamed(typ, b.name+"."+name, i.FederatedCredentials), key)
		}
		for key := range i.ClientSecrets {
			program.expect(secretsRotated(b.name+"."+name, i.ClientSecrets), key)
		}
	}
}

func (b *builder) maker(of access.Principal) maker {
	m := maker{path: "invokers", typ: ServicePrincipalToken, owner: b.name, names: map[string]string{},
		same:  b.grantedTheSame(of),
		other: "what one was given the other is not, and what uses it has to sign in as another"}
	if of.IsCluster() {
		m.path, m.typ = "clusters", ComputeClusterToken
		m.other = "what its identity was given elsewhere is lost; what becomes of jobs that run on it is not known"
		for name, c := range b.args.Clusters {
			m.names[name] = c.Was
		}
		return m
	}
	switch b.args.Invokers[of.Name].Kind {
	case access.ManagedIdentity:
		m.typ = ManagedIdentityToken
	case access.Group:
		m.typ = "azuread:index/group:Group"
	}
	for name, i := range b.args.Invokers {
		m.names[name] = i.Was
	}
	return m
}

// grantedTheSame reports whether what this stack had assigned to one that goes is what it assigns to this one.
func (b *builder) grantedTheSame(of access.Principal) func(map[string]map[string]any, string, string, string) bool {
	return func(before map[string]map[string]any, _, old, _ string) bool {
		var now, then []string
		for _, g := range b.plan.Grants {
			if g.Principal == of && g.HeldBy == "" {
				now = append(now, b.assignmentOf(g, old))
			}
		}
		for urn := range before {
			name := urn[strings.LastIndex(urn, "::")+2:]
			role := !of.IsCluster() && b.assignsRole(name, old)
			data := strings.HasPrefix(name, b.name+".") && strings.HasSuffix(name, "."+of.Kind+"."+old)
			if strings.Contains(urn, ":RoleAssignment::") && (role || data) {
				then = append(then, name)
			}
		}
		slices.Sort(now)
		slices.Sort(then)
		return slices.Equal(slices.Compact(now), then)
	}
}

// assignmentOf is the name of the resource of a grant, if its principal is called so.
func (b *builder) assignmentOf(g access.Grant, principal string) string {
	switch {
	case g.Scope.Level == access.AtEndpoint:
		return b.name + ".endpoint." + g.Scope.Endpoint + "." + principal
	case g.Scope.OfInvokers() && b.plan.Model.Role.ByEndpoint():
		return b.name + ".workspace." + principal
	case g.Scope.OfInvokers():
		return b.name + "." + principal
	}
	return b.child(g) + "." + g.Principal.Kind + "." + principal
}

// assignsRole reports whether a resource of that name assigns the invokers' role, or one of its parts, to a principal.
func (b *builder) assignsRole(name, principal string) bool {
	endpoint, at := strings.CutPrefix(name, b.name+".endpoint.")
	endpoint, is := strings.CutSuffix(endpoint, "."+principal)
	return name == b.name+"."+principal || name == b.name+".workspace."+principal ||
		at && is && !strings.Contains(endpoint, ".")
}

// child is the name of the component that makes a grant which is not of the invokers' role.
func (b *builder) child(g access.Grant) string { return b.name + "." + g.ResourceName() }

// federatedRenamed finds federated credentials that were renamed: Entra takes no second one of the same claims.
func federatedRenamed(typ, owner string, credentials map[string]signin.FederatedCredential) maker {
	m := maker{path: "federatedCredentials", typ: typ, owner: owner, names: map[string]string{}}
	for name, f := range credentials {
		m.names[name] = f.Was
	}
	m.same = func(before map[string]map[string]any, urn, _, name string) bool {
		issuer, subject, _ := credentials[name].Claims()
		return before[urn]["issuer"] == issuer && before[urn]["subject"] == subject
	}
	return m
}

// secretsRotated finds client secrets that take the place of others in one step. Whether one was renamed can't be seen:
// one that leaked is rotated with the dates that it had.
func secretsRotated(owner string, secrets map[string]signin.ClientSecret) maker {
	m := maker{path: "clientSecrets", typ: "azuread:index/applicationPassword:ApplicationPassword", owner: owner,
		names: map[string]string{},
		other: "whoever signs in with the old secret can't until given the new one; to rotate without a gap, keep both, " +
			"hand the new one out, and take the old one out in a second deployment"}
	for name, s := range secrets {
		m.names[name] = s.Was
	}
	now := time.Now()
	m.does = func(name string) bool { return secrets[name].ValidAt(now) }
	return m
}
