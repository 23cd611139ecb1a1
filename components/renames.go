package components

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/access/signin"
)

// ofApplication and ofIdentity are the types of federated credentials.
const (
	ofApplication = "azuread:index/applicationFederatedIdentityCredential:ApplicationFederatedIdentityCredential"
	ofIdentity    = "azure-native:managedidentity:FederatedIdentityCredential"
)

// A maker makes one thing for each name of a map in the arguments.
type maker struct {
	path  string // of the map, such as invokers
	typ   string // Pulumi's token of what is made
	owner string // the component's name, with which the things' names begin
	// names are the present names in the map, each with its earlier name if was gives one.
	names map[string]string
	// same reports whether the thing with the old name is the one with the present name; nil if that can't be seen.
	same func(before deployed, urn, old, name string) bool
	// other is the warning if one goes and one comes and they are not the same; "" for none.
	other string
	// never says, by name, why a thing can't be made at all, though one that was made before may stay.
	never map[string]string
	// does reports whether the named thing does what the deleted one did; nil if none does. If one that stays does,
	// other is not reported.
	does func(name string) bool
	// keepsName is set if what is renamed keeps the name in Azure with which it was made, which nothing else may have.
	keepsName bool
}

// refuseRenamed returns the option of a thing by which a preview finds a name that changed without was: Pulumi would
// make another thing and delete the old one with all that it was given. It reads the state only for a thing that is to
// be created.
func (m maker) refuseRenamed(ctx *pulumi.Context, name string) (pulumi.ResourceOption, error) {
	program := programOf(ctx)
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
				return program.renamedBeside(before, m.says(problem))
			}
			if warning != "" {
				return ctx.Log.Warn(m.says(warning), nil)
			}
			return nil
		})
}

// expect registers a thing to be judged together with the first one that is refused.
func (p *program) expect(m maker, name string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.made == nil {
		p.made = map[string]func(deployed) string{}
	}
	p.made[m.owner+"."+name+" "+m.path] = func(before deployed) string {
		urn := before.urn(m.typ, m.owner, name)
		if _, there := before.outputs[urn]; there {
			return ""
		}
		problem, _ := m.judge(before, urn, name)
		if was := m.names[name]; was == "" || !slices.Contains(before.own[strings.TrimSuffix(urn, name)], was) {
			problem = cmp.Or(m.never[name], problem)
		}
		if problem == "" {
			return ""
		}
		return m.says(problem)
	}
}

// says returns a problem with one of the names, with its path.
func (m maker) says(problem string) string { return fmt.Sprintf("%s: %s.%s", m.owner, m.path, problem) }

// refuseNever returns the option of a thing that can't be made any more: a preview that would make it fails. One that
// was made before stays as it is.
func (m maker) refuseNever(ctx *pulumi.Context, what, name string) (pulumi.ResourceOption, error) {
	program := programOf(ctx)
	return beforeCreate(ctx, what+" "+m.owner+"."+name, func(*pulumi.ResourceHookArgs) error {
		before, err := program.before.read(ctx)
		if err != nil { // the others can't be judged either
			return errors.New(m.says(m.never[name]))
		}
		return program.renamedBeside(before, m.says(m.never[name]))
	})
}

// renamedBeside returns the error of the first thing that is refused, together with all others, because the deployment
// ends with it. Things that are refused at the same time report only their own problem.
func (p *program) renamedBeside(before deployed, problem string) error {
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

// judge returns the problem with making the thing with the URN, or a warning about it. Both are "" for nothing.
func (m maker) judge(before deployed, urn, name string) (problem, warning string) {
	kind := strings.TrimSuffix(urn, name) // with the owner's name and the dot
	gone := slices.DeleteFunc(slices.Clone(before.own[kind]), func(was string) bool {
		_, stays := m.names[was]
		return stays
	})
	slices.Sort(gone)
	marked := m.names[name]
	switch {
	case !before.names[m.owner] || slices.Contains(gone, marked):
		return "", ""
	case marked != "":
		choice := ""
		if len(gone) > 0 {
			choice = ", or write what it was called: " + strings.Join(gone, ", ")
		}
		return fmt.Sprintf("%s.was: this stack has nothing of this kind that was called %s; take it out%s", name, marked,
			choice), ""
	}
	if m.keepsName {
		for _, other := range before.own[kind] {
			if other != name && before.called(kind+other, name) {
				return fmt.Sprintf("%s: its name in Azure is that of %s, which was called so before; choose another name", name,
					other), ""
			}
		}
	}
	for _, taken := range m.names { // another entry has it as its earlier name
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
		return slices.Contains(before.own[kind], name) && m.does != nil && m.does(name)
	}
	if len(gone) > 0 && m.other != "" && !slices.ContainsFunc(sortedKeys(m.names), stays) {
		return "", fmt.Sprintf("%s is made, and %s deleted: %s; if it was renamed, write was", name, strings.Join(gone, ", "),
			m.other)
	}
	return "", ""
}

// refuseRenamed returns the option of an invoker or cluster that this stack makes.
func (b *builder) refuseRenamed(ctx *pulumi.Context, of access.Principal) (pulumi.ResourceOption, error) {
	return b.maker(of).refuseRenamed(ctx, of.Name)
}

// expectAll registers everything that is to be made, so that it is judged as soon as one thing is refused.
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
			program.expect(secretsRotated(b.name+"."+name, i.ClientSecrets, time.Now()), key)
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
		m.typ = groupToken
	}
	for name, i := range b.args.Invokers {
		m.names[name] = i.Was
	}
	return m
}

// grantedTheSame reports whether this stack assigns the same to the new name as it had assigned to the old one.
func (b *builder) grantedTheSame(of access.Principal) func(deployed, string, string, string) bool {
	return func(before deployed, _, old, _ string) bool {
		var now, then []string
		for _, g := range b.plan.Grants {
			if g.Principal == of && g.HeldBy == "" {
				now = append(now, b.assignmentOf(g, old))
			}
		}
		for urn := range before.outputs {
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

// assignmentOf returns the resource name of a grant's assignment, if its principal has the given name.
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

// assignsRole reports whether a resource of that name assigns the invokers' role, or one of its parts, to the
// principal.
func (b *builder) assignsRole(name, principal string) bool {
	endpoint, at := strings.CutPrefix(name, b.name+".endpoint.")
	endpoint, is := strings.CutSuffix(endpoint, "."+principal)
	return name == b.name+"."+principal || name == b.name+".workspace."+principal ||
		at && is && !strings.Contains(endpoint, ".")
}

// child returns the name of the component that makes a grant other than of the invokers' role.
func (b *builder) child(g access.Grant) string { return b.name + "." + g.ResourceName() }

// federatedRenamed finds federated credentials that were renamed: Entra refuses a second one with the same claims.
func federatedRenamed(typ, owner string, credentials map[string]signin.FederatedCredential) maker {
	m := maker{path: "federatedCredentials", typ: typ, owner: owner, names: map[string]string{},
		keepsName: true}
	for name, f := range credentials {
		m.names[name] = f.Was
	}
	m.same = func(before deployed, urn, _, name string) bool {
		issuer, subject, _ := credentials[name].Claims()
		return before.outputs[urn]["issuer"] == issuer && before.outputs[urn]["subject"] == subject
	}
	return m
}

// secretsRotated finds client secrets that replace others in one step, and those that have ended, which Entra does not
// make. It can't see whether one was renamed: a leaked secret may be rotated with the same dates.
func secretsRotated(owner string, secrets map[string]signin.ClientSecret, now time.Time) maker {
	m := maker{path: "clientSecrets", typ: "azuread:index/applicationPassword:ApplicationPassword", owner: owner,
		names: map[string]string{},
		other: "whoever signs in with the old secret can't until given the new one; to rotate without a gap, keep both, " +
			"hand the new one out, and take the old one out in a second deployment"}
	m.never = map[string]string{}
	for name, s := range secrets {
		m.names[name] = s.Was
		if _, end, wrong := s.Period(); wrong == nil && !end.After(now) {
			m.never[name] = fmt.Sprintf("%s.endDate: the secret ended on %s, and Entra does not make a secret that has ended; "+
				"write a successor's dates, or take the secret out", name, end.Format(time.DateOnly))
		}
	}
	m.does = func(name string) bool { return secrets[name].ValidAt(now) }
	return m
}
