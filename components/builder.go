package components

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/internal/arm"
)

// A builder carries what the steps of one component pass on to later steps.
type builder struct {
	made *BatchEndpointAccess
	name string
	args *BatchEndpointAccessArgs
	plan *access.Plan
	// region of the clusters that are made
	region pulumi.StringPtrInput
	children
	principals    map[access.Principal]pulumi.StringInput
	clientIDs     pulumi.StringMap
	tenantIDs     pulumi.StringMap
	clientSecrets pulumi.StringMapMap
	role          *InvokerRole
	granted       map[string]promise // what clusters with user-assigned identities are granted, by cluster
	services      []*jobService      // for what jobs use beside their data
}

// A promise stands for resources that are registered later than the resources that depend on them.
type promise struct {
	resources pulumi.ResourceArrayOutput
	keep      func(any)
	fail      func(error)
}

func newPromise(ctx *pulumi.Context) promise {
	out, resolve, reject := ctx.NewOutput()
	return promise{out.ApplyT(func(v any) []pulumi.Resource {
		return v.([]pulumi.Resource)
	}).(pulumi.ResourceArrayOutput), resolve, reject}
}

func (b *builder) makeInvokers(ctx *pulumi.Context) error {
	b.clientIDs, b.tenantIDs, b.clientSecrets = pulumi.StringMap{}, pulumi.StringMap{}, pulumi.StringMapMap{}
	for _, name := range sortedKeys(b.args.Invokers) {
		i := b.args.Invokers[name]
		principal, child, display := access.InvokerPrincipal(name), b.name+"."+name, b.args.displayName(ctx, b.name, name)
		if len(i.Members) > 0 {
			continue // makeGroups
		}
		_, grants := b.plan.Model.Invokers[name]
		if !grants && b.args.model(name).Exists() {
			continue // it has ended, and its ID is not needed any more
		}
		if i.id() != nil {
			b.principals[principal] = i.id()
			if i.ClientID != nil {
				b.clientIDs[name] = i.ClientID
			}
			continue
		}
		hook, err := b.refuseRenamed(ctx, principal)
		if err != nil {
			return err
		}
		switch {
		case i.Kind == access.ServicePrincipal:
			sp, err := NewServicePrincipal(ctx, child, &ServicePrincipalArgs{
				DisplayName: pulumi.String(display), FederatedCredentials: b.args.model(name).FederatedCredentials,
				ClientSecrets: i.ClientSecrets, SignIn: i.SignIn, Protect: b.args.Protect,
			}, b.options(append(formerly(was(b.name, i.Was)...), hook)...)...)
			if err != nil {
				return err
			}
			b.made.ServicePrincipals[name] = sp
			b.principals[principal], b.clientIDs[name], b.tenantIDs[name] = sp.ObjectID, sp.ClientID, sp.TenantID
			if len(i.ClientSecrets) > 0 {
				b.clientSecrets[name] = sp.ClientSecrets
			}
		default:
			group, _ := workspaceParts(b.args.WorkspaceID)
			identity, err := NewManagedIdentity(ctx, child, &ManagedIdentityArgs{
				ResourceGroupName: group, ResourceName: pulumi.String(display),
				Location: b.args.Location, Tags: b.args.Tags, Protect: b.args.Protect,
				FederatedCredentials: b.args.model(name).FederatedCredentials,
			}, b.options(append(append(formerly(was(b.name, i.Was)...), hook), b.keepsName(i)...)...)...)
			if err != nil {
				return err
			}
			b.made.ManagedIdentities[name] = identity
			b.principals[principal], b.clientIDs[name] = identity.PrincipalID, identity.ClientID
			if len(i.FederatedCredentials) > 0 {
				b.tenantIDs[name] = identity.TenantID
			}
		}
	}
	return nil
}

// keepsName keeps the resource name that an identity was made with, if it is the default: Azure can't change it, and
// the default contains the invoker's name.
func (b *builder) keepsName(i InvokerArgs) []pulumi.ResourceOption {
	if i.DisplayName != "" {
		return nil
	}
	return []pulumi.ResourceOption{pulumi.IgnoreChanges([]string{"resourceName"})}
}

func (b *builder) makeClusters(ctx *pulumi.Context) error {
	for _, name := range sortedKeys(b.args.Clusters) {
		args := b.args.Clusters[name]
		args.ComputeName = b.plan.Model.Clusters[name].NameOr(name)
		var after pulumi.ResourceArrayInput
		if !args.Existing && args.model().EffectiveIdentity() == access.UserAssigned {
			b.granted[name] = newPromise(ctx)
			after = b.granted[name].resources
		}
		own := formerly(was(b.name, args.Was)...)
		if !args.Existing {
			hook, err := b.refuseRenamed(ctx, access.ClusterPrincipal(name))
			if err != nil {
				return err
			}
			own = append(own, hook)
		}
		cluster, err := newComputeCluster(ctx, b.name+"."+name, &ComputeClusterArgs{
			WorkspaceID: b.args.WorkspaceID, Location: b.args.Location, Cluster: args,
			Tags: b.args.Tags, Protect: b.args.Protect,
		}, b.region, after, nil, b.options(own...)...)
		if err != nil {
			return err
		}
		b.made.Clusters[name] = cluster
		b.principals[access.ClusterPrincipal(name)] = cluster.PrincipalID
		if args.Existing && args.PrincipalID != nil { // if it is plain text, it is known now
			b.principals[access.ClusterPrincipal(name)] = args.PrincipalID
		}
	}
	return nil
}

func (b *builder) makeRole(ctx *pulumi.Context) error {
	scope := derive(func(v []string) (string, error) {
		if _, err := arm.Parse(v[0], arm.Workspace); err != nil {
			return "", fmt.Errorf("workspaceId: %w", err)
		}
		at, _ := access.Model{WorkspaceID: access.Known(v[0]), Role: b.plan.Model.Role}.RoleScopeID()
		return at, nil
	}, b.args.WorkspaceID)
	invokers, endpoints := map[string]AssigneeArgs{}, map[string]map[string]AssigneeArgs{}
	for _, g := range b.plan.Grants {
		switch to := invokers; {
		case !g.Scope.OfInvokers() || g.HeldBy != "":
		case g.Scope.Level == access.AtEndpoint:
			if to = endpoints[g.Scope.Endpoint]; to == nil {
				to = map[string]AssigneeArgs{}
				endpoints[g.Scope.Endpoint] = to
			}
			fallthrough
		default:
			to[g.Principal.Name] = b.assignee(g.Principal)
		}
	}
	name, part := b.name, access.Level("")
	if b.plan.Model.Role.ByEndpoint() {
		// The parts have different names, so that if the scope changes, the new roles and assignments exist before the
		// old ones go.
		name, part = b.name+".workspace", access.AtWorkspace
		at, err := NewInvokerRole(ctx, b.name+".endpoint", &InvokerRoleArgs{
			Scope: scope, AssignableScope: b.args.Role.AssignableScope, Part: access.AtEndpoint,
			Name: b.args.Role.Name, Additions: b.args.Role.Additions, Endpoints: endpoints,
		}, b.options()...)
		if err != nil {
			return err
		}
		b.made.EndpointRole = at
	}
	role, err := NewInvokerRole(ctx, name, &InvokerRoleArgs{
		Part:  part,
		Scope: scope, AssignableScope: b.args.Role.AssignableScope,
		Name: b.args.Role.Name, Additions: b.args.Role.Additions, BuiltIn: b.args.Role.BuiltIn,
		RoleDefinitionID: b.args.Role.RoleDefinitionID, Definition: b.args.Role.Definition, Invokers: invokers,
	}, b.options()...)
	b.role, b.made.Role = role, role
	return err
}

// makeReaders makes one StorageReader or StorageContributor for each place, with all principals that need the role
// there.
func (b *builder) makeReaders(ctx *pulumi.Context) error {
	readers, contributors := map[string]*StorageReaderArgs{}, map[string]*StorageReaderArgs{}
	before := map[string][]string{} // each principal's earlier names
	for _, g := range b.plan.Grants {
		if !g.Scope.InStorage() || g.HeldBy != "" || g.OfService() {
			continue // makeServices makes it
		}
		child, of := b.child(g), readers
		if g.Writes() {
			of = contributors
		}
		if of[child] == nil {
			before[child] = b.calledBefore(ctx, child, g)
			of[child] = &StorageReaderArgs{
				StorageAccountID: b.args.StorageAccounts[g.Scope.StorageAccount], Container: g.Scope.Container,
				Principals: map[string]AssigneeArgs{},
			}
		}
		to := b.placed(g.Principal)
		if to.Paths = g.Paths; len(g.Paths) > 0 {
			of[child].AccountKind = b.plan.Model.KindOf(g.Scope.StorageAccount)
		}
		of[child].Principals[g.Principal.Kind+"."+g.Principal.Name] = to
	}
	for _, child := range sortedKeys(readers) {
		made, err := NewStorageReader(ctx, child, readers[child], b.options(formerly(before[child]...)...)...)
		if err != nil {
			return err
		}
		b.made.Readers[child] = made
	}
	for _, child := range sortedKeys(contributors) {
		made, err := NewStorageContributor(ctx, child, (*StorageContributorArgs)(contributors[child]),
			b.options(formerly(before[child]...)...)...)
		if err != nil {
			return err
		}
		b.made.Contributors[child] = made
	}
	return nil
}

// calledBefore returns the earlier names of a grant's component: with the earlier name of the account (was) or, if none
// is given, by the state before, in which a deleted component assigned the same role there.
func (b *builder) calledBefore(ctx *pulumi.Context, child string, g access.Grant) []string {
	if account := b.args.StorageAccountsWere[g.Scope.StorageAccount]; account != "" {
		return []string{b.name + "." + account + strings.TrimPrefix(child, b.name+"."+g.Scope.StorageAccount)}
	}
	before := programOf(ctx).before.known(ctx)
	account := idOf(b.args.StorageAccounts[g.Scope.StorageAccount])
	if before.names[child] || !account.Given() || account.Later() || g.OfService() {
		return nil
	}
	token := StorageReaderToken
	if g.Writes() {
		token = StorageContributorToken
	}
	for _, name := range before.at[typeAndScope{token, slashless(arm.Container(account.Text(), g.Scope.Container))}] {
		stays := func(g access.Grant) bool { return g.Scope.InStorage() && b.child(g) == name }
		if strings.HasPrefix(name, b.name+".") && !slices.ContainsFunc(b.plan.Grants, stays) {
			return []string{name}
		}
	}
	return nil
}

// placed returns a principal that a role is assigned to at a place, with the names that it may have had. An identity
// goes by its first name: if another name has become the first, the assignment had one of the others.
func (b *builder) placed(p access.Principal) AssigneeArgs {
	to := b.assignee(p)
	to.alsoWas = nil
	for _, identity := range b.plan.Identities {
		if identity.Names[0] != p {
			continue
		}
		for _, name := range identity.Names {
			for _, before := range b.assignee(name).alsoWas {
				to.alsoWas = append(to.alsoWas, name.Kind+"."+before)
			}
			if name != p {
				to.alsoWas = append(to.alsoWas, name.Kind+"."+name.Name)
			}
		}
	}
	return to
}

// makeServices makes one component for each service role at each place. Then it releases the clusters that wait for
// their assignments.
func (b *builder) makeServices(ctx *pulumi.Context) error {
	services, before := map[string]*jobServiceArgs{}, map[string][]string{}
	for _, g := range b.plan.Grants {
		if g.HeldBy != "" || !g.OfService() {
			continue
		}
		child := b.child(g)
		if services[child] == nil {
			before[child] = b.calledBefore(ctx, child, g)
			services[child] = &jobServiceArgs{role: g.Role, principals: map[string]AssigneeArgs{},
				scope: b.args.StorageAccounts[g.Scope.StorageAccount], scopeType: arm.StorageAccount}
			switch g.Scope.Level {
			case access.AtRegistry:
				services[child].scope, services[child].scopeType = b.args.Registries[g.Scope.Registry], arm.MLRegistry
			case access.AtImages:
				services[child].scope = pulumi.String(b.args.Workspace.ContainerRegistry)
				services[child].scopeType = arm.ContainerRegistry
			}
		}
		to := b.placed(g.Principal)
		services[child].principals[g.Principal.Kind+"."+g.Principal.Name] = to
	}
	for _, child := range sortedKeys(services) {
		made, err := newJobService(ctx, child, services[child], b.options(formerly(before[child]...)...)...)
		if err != nil {
			return err
		}
		b.services = append(b.services, made)
	}
	for cluster, granted := range b.granted {
		granted.keep(b.assignedTo(cluster))
	}
	return nil
}

// assignedTo returns the storage assignments of a cluster's identity, under all its names, and of its groups, with its
// membership in them.
func (b *builder) assignedTo(cluster string) (all []pulumi.Resource) {
	holders := b.plan.Holders(access.ClusterPrincipal(cluster))
	for _, holder := range holders {
		all = append(all, b.assignments(holder)...)
		if member := b.made.GroupMembers[holder.Name][holders[0].Name]; member != nil && !holder.IsCluster() {
			all = append(all, member)
		}
	}
	return all
}

func (b *builder) assignments(principal access.Principal) (all []pulumi.Resource) {
	key := principal.Kind + "." + principal.Name
	for _, s := range b.services {
		if a := s.assignments[key]; a != nil {
			all = append(all, a)
		}
	}
	for _, name := range sortedKeys(b.made.Readers) {
		if a := b.made.Readers[name].Assignments[key]; a != nil {
			all = append(all, a)
		}
	}
	for _, name := range sortedKeys(b.made.Contributors) {
		if a := b.made.Contributors[name].Assignments[key]; a != nil {
			all = append(all, a)
		}
	}
	return all
}

// assignee describes an assignment by principal and role alone. The reasons change with the model, and that must not
// change an assignment in Azure: they are in the access report.
func (b *builder) assignee(p access.Principal) AssigneeArgs {
	kind, before := access.ManagedIdentity, b.args.Clusters[p.Name].Was
	if !p.IsCluster() {
		kind, before = b.args.Invokers[p.Name].Kind, b.args.Invokers[p.Name].Was
	}
	to := AssigneeArgs{PrincipalID: b.principals[p], PrincipalType: kind.PrincipalType()}
	if before != "" {
		to.alsoWas = []string{before}
	}
	return to
}
