package components

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/access/services"
	"github.com/batchaccess/batchaccess/access/signin"
	"github.com/batchaccess/batchaccess/internal/arm"
	"github.com/batchaccess/batchaccess/internal/cloud"
	"github.com/batchaccess/batchaccess/internal/problem"
	"github.com/batchaccess/batchaccess/roles"
	"github.com/batchaccess/batchaccess/sdks/azuread"
)

// BatchEndpointAccessArgs are the arguments of a BatchEndpointAccess; the program's configuration has the same keys.
// The keys of the maps are names: other arguments refer to them, and resources are named after them.
type BatchEndpointAccessArgs struct {
	// WorkspaceID is the ARM ID of the Azure Machine Learning workspace. Required.
	WorkspaceID pulumi.StringInput `pulumi:"workspaceId"`
	// Location of the resources that are made, such as westeurope. Where clusters are made it must be the workspace's,
	// which the preview looks up and compares. Default: for clusters the workspace's, for the rest the provider's.
	Location pulumi.StringPtrInput `pulumi:"location,optional"`
	// Environment is the cloud: public, usgovernment, usgovernmentl5 (the Department of Defense's, with its own Graph) or
	// china. Default: azure-native:environment, azuread:environment, or ARM_ENVIRONMENT, as for the providers.
	Environment string `pulumi:"environment,optional"`
	// Role that every invoker gets. Default: a custom role of the article's 35 actions, at the workspace; with scope
	// endpoint, two roles.
	Role RoleArgs `pulumi:"role,optional"`
	// Invokers are the principals that may start jobs. At least one.
	Invokers map[string]InvokerArgs `pulumi:"invokers"`
	// Clusters are the compute clusters that the jobs run on.
	Clusters map[string]ClusterArgs `pulumi:"clusters,optional"`
	// StorageAccounts are the ARM IDs of the accounts that hold the data.
	StorageAccounts map[string]pulumi.StringInput `pulumi:"storageAccounts,optional"`
	// StorageAccountsWere are the earlier names of accounts here, by their present names, so that a rename replaces
	// nothing.
	StorageAccountsWere map[string]string `pulumi:"storageAccountsWere,optional"`
	// StorageAccountKinds say, by the names of storage accounts, whether they are flat or hierarchical (with a
	// hierarchical namespace: az storage account show --query isHnsEnabled). Required for accounts whose readers or
	// writers are limited to a path. Default: hierarchical for an account with an input of kind adlsGen2, else not
	// known.
	StorageAccountKinds map[string]roles.AccountKind `pulumi:"storageAccountKinds,optional"`
	// Registries are the ARM IDs of Azure Machine Learning registries, of any resource group or subscription, that the
	// models and environments of deployments come from.
	Registries map[string]pulumi.StringInput `pulumi:"registries,optional"`
	// Workspace says what jobs use through the workspace, beside their data, so that the stack grants it and reports
	// it. What it leaves out is not looked at, and nothing is granted for it.
	Workspace services.WorkspaceServices `pulumi:"workspace,optional"`
	// SharedGrants are the assignments that this stack needs and other stacks make, under names of your choice: no
	// resource is made for them, and the preview fails if the other stack does not hold one.
	SharedGrants map[string]access.SharedGrant `pulumi:"sharedGrants,optional"`
	// AssignmentNames are the GUIDs of assignments that somebody made before the stack, by the GUIDs that the stack
	// would give them. Azure can't rename an assignment, so batchaccess adopt imports each with its own name and
	// description.
	AssignmentNames map[string]string `pulumi:"assignmentNames,optional"`
	// DataInputs are what jobs read.
	DataInputs map[string]access.DataInput `pulumi:"dataInputs,optional"`
	// DataOutputs are what jobs write.
	DataOutputs map[string]access.DataOutput `pulumi:"dataOutputs,optional"`
	// Endpoints tie clusters to what their jobs read and write. Default: one per cluster, with everything.
	Endpoints map[string]access.Endpoint `pulumi:"endpoints,optional"`
	// Assertions say what must and must not be possible. An assertion that does not hold is an error.
	Assertions map[string]access.Assertion `pulumi:"assertions,optional"`
	// Tags of every resource that can have tags.
	Tags pulumi.StringMapInput `pulumi:"tags,optional"`
	// CheckPrincipals makes the preview look up every principal that is given by its ID: whether it exists, whether its
	// kind and name are as given, and whether the ID is a service principal's client ID by mistake (Azure would assign
	// a role to that without an error). It needs permission to read the directory. Default: false.
	CheckPrincipals bool `pulumi:"checkPrincipals,optional"`
	// Ended is the latest end of access (until) that has passed. The component sets it, so that its record changes only
	// on the day on which access ends; a value that is given is ignored.
	Ended string `pulumi:"ended,optional"`
	// Protect prevents the deletion of what can't be restored: clusters, identities, applications and groups, whose IDs
	// would not come back. Default: false.
	Protect bool `pulumi:"protect,optional"`
}

// InvokerArgs are a principal that may start jobs.
type InvokerArgs struct {
	// Kind is user, group, servicePrincipal or managedIdentity. Required.
	Kind access.PrincipalKind `pulumi:"kind"`
	// Was is the invoker's earlier name here, so that a rename replaces nothing.
	Was string `pulumi:"was,optional"`
	// ObjectID of a user, a group or an existing service principal, as Entra shows it. Without it, a principal with
	// another name or ID is looked up; without any, a service principal is made.
	ObjectID pulumi.StringInput `pulumi:"objectId,optional"`
	// PrincipalID is the object ID of an existing managed identity. Without it, an identity with another ID is looked
	// up; without any, a user-assigned identity is made.
	PrincipalID pulumi.StringInput `pulumi:"principalId,optional"`
	// ClientID is the application (client) ID of an existing service principal or managed identity. Without the object
	// ID, the principal is looked up by it.
	ClientID pulumi.StringInput `pulumi:"clientId,optional"`
	// UserPrincipalName of a user. Without objectId, the user is looked up by it.
	UserPrincipalName string `pulumi:"userPrincipalName,optional"`
	// Mail of a user. Without objectId and userPrincipalName, the user is looked up by it.
	Mail string `pulumi:"mail,optional"`
	// ResourceID is the ARM ID of a user-assigned managed identity, or of a Data Factory, App Service, Function App or
	// virtual machine whose system-assigned identity invokes. Without principalId, the identity is looked up by it.
	ResourceID string `pulumi:"resourceId,optional"`
	// DisplayName of a principal that the stack makes, or of a group that exists (without its object ID, the group is
	// looked up by it). For a managed identity it is the resource name: 3 to 128 letters, digits, hyphens and
	// underscores. Default: the names of component, stack and invoker with hyphens between them.
	DisplayName string `pulumi:"displayName,optional"`
	// Members are the names of invokers in a group that the stack makes: users and service principals, each in one
	// group at most. Each member has what the group is granted, without an assignment of its own.
	Members []string `pulumi:"members,optional"`
	// Until is the last day of the invoker's access, which ends at midnight UTC, such as 2027-03-31. After it nothing
	// is granted to the invoker; what was made for it stays. The last day of a group that the stack makes holds for its
	// members too. Default: no end.
	Until string `pulumi:"until,optional"`
	// MembersUntil are the last days of members in the group, by their names: after that day a member has only its own
	// grants.
	MembersUntil map[string]string `pulumi:"membersUntil,optional"`
	// ManagedIdentities allows managed identities as members too. Their tokens are cached for up to 24 hours, so they
	// gain and lose the group's access that much later. Default: false.
	ManagedIdentities bool `pulumi:"managedIdentities,optional"`
	// FederatedCredentials by name, at most 20, for a service principal or a managed identity that the stack makes.
	FederatedCredentials map[string]signin.FederatedCredential `pulumi:"federatedCredentials,optional"`
	// ClientSecrets by name for a service principal that the stack makes: at most two, so that one overlaps the other
	// in a rotation.
	ClientSecrets map[string]signin.ClientSecret `pulumi:"clientSecrets,optional"`
	// SignIn is none for a service principal that the stack makes without a way to sign in.
	SignIn string `pulumi:"signIn,optional"`
	// Owner is the person or team that answers for it: free text of one line, at most 200 characters. explain and
	// review show it; it is not sent to Azure. Default: none.
	Owner string `pulumi:"owner,optional"`
	// Caller is the service that starts jobs as a managed identity: dataFactory, synapse, logicApp, functionApp (App
	// Service too) or virtualMachine. howToInvoke then shows how to start jobs from there. Default: the service that
	// resourceId is of; else the Azure CLI.
	Caller signin.Caller `pulumi:"caller,optional"`
}

// id returns the ID of an existing principal; nil if the principal is to be made.
func (a InvokerArgs) id() pulumi.StringInput {
	if a.PrincipalID != nil {
		return a.PrincipalID
	}
	return a.ObjectID
}

// BatchEndpointAccess makes everything by which principals may start batch jobs in a workspace and identities read the
// data.
type BatchEndpointAccess struct {
	pulumi.ResourceState

	// RoleDefinitionID is the ARM ID of the invokers' role at the workspace, its resource group or its subscription.
	RoleDefinitionID pulumi.StringOutput `pulumi:"roleDefinitionId"`
	// EndpointRoleDefinitionID is the ARM ID of the invokers' role at endpoints, with role.scope endpoint; else "".
	EndpointRoleDefinitionID pulumi.StringOutput `pulumi:"endpointRoleDefinitionId"`
	// PrincipalIDs are the object IDs of the invokers, by name.
	PrincipalIDs pulumi.StringMapOutput `pulumi:"principalIds"`
	// ClientIDs are the client IDs of the invokers, by name, as far as they have one that is known.
	ClientIDs pulumi.StringMapOutput `pulumi:"clientIds"`
	// ClientSecrets are the secrets of the service principals made here, by invoker and name. The whole map is a Pulumi
	// secret.
	ClientSecrets pulumi.StringMapMapOutput `pulumi:"clientSecrets" provider:"secret"`
	// ClusterPrincipalIDs are the object IDs of the cluster identities, by cluster.
	ClusterPrincipalIDs pulumi.StringMapOutput `pulumi:"clusterPrincipalIds"`
	// AccessReport is the access.Report of the model: the grants, and which paths from invoker to data work.
	AccessReport pulumi.MapOutput `pulumi:"accessReport"`
	// HowToInvoke is, by invoker, a complete text that starts a job at each of its endpoints, in the form for its
	// caller: a workflow of GitHub Actions, a pipeline of Azure Pipelines, a job of GitLab, a pipeline with Web
	// activities, actions of a Logic App, Python, or a script for a shell. It holds no secret.
	HowToInvoke pulumi.StringMapOutput `pulumi:"howToInvoke"`
	// ACLCommands set the POSIX ACLs of the data inputs that are granted by ACLs; empty if there are none.
	ACLCommands pulumi.StringArrayOutput `pulumi:"aclCommands"`

	// The child components and resources: the role; EndpointRole, only with role.scope endpoint; and, by their names in
	// the arguments, what was made for invokers, and the clusters. The keys of Readers and Contributors are the names
	// of their resources.
	Role              *InvokerRole
	EndpointRole      *InvokerRole
	ServicePrincipals map[string]*ServicePrincipal
	ManagedIdentities map[string]*ManagedIdentity
	Groups            map[string]*azuread.Group
	GroupMembers      map[string]map[string]*azuread.GroupMember // by group and member
	Clusters          map[string]*ComputeCluster
	Readers           map[string]*StorageReader
	Contributors      map[string]*StorageContributor
}

// NewBatchEndpointAccess makes everything that the model needs. First it looks up what the arguments name without an
// ID. If anything is wrong with them, the error names each place and its remedy, before any resource is registered.
func NewBatchEndpointAccess(
	ctx *pulumi.Context, name string, args *BatchEndpointAccessArgs, opts ...pulumi.ResourceOption,
) (*BatchEndpointAccess, error) {
	if args == nil {
		args = &BatchEndpointAccessArgs{}
	}
	if environment := environmentOf(ctx); args.Environment == "" && environment != "" {
		args = args.copy()
		args.Environment = environment
	}
	args = args.At(time.Now())
	names := args.derivedNames(ctx, name)
	if args.Location == nil { // otherwise Compile has checked it
		names = append(names, args.federatedRegion(nativeLocation(ctx))...)
	}
	complete, err := args.complete(ctx, opts)
	args, plan, ps := complete.args, complete.plan, complete.problems
	if err == nil && ps.Err() == nil {
		var shared access.Problems
		shared, err = args.checkShared(ctx, plan, opts)
		ps = append(ps, shared...)
	}
	if err != nil {
		ps = append(ps, problem.Of(err))
	}
	if err := fail("BatchEndpointAccess", name, ps, names); err != nil {
		return nil, err
	}
	a := &BatchEndpointAccess{}
	if err := register(ctx, BatchEndpointAccessToken, name, inputsOf(args), a, opts); err != nil {
		return nil, err
	}
	// InvokerRole and ServicePrincipal give their own warnings about the role and sign-ins.
	ps = append(ps, args.Model().Ends(time.Now())...)
	if err := warn(ctx, a, ps.Without(problem.Role, problem.SignIn)); err != nil {
		return nil, err
	}
	c, err := childrenOf(a, opts)
	if err != nil {
		return nil, err
	}
	a.ServicePrincipals, a.ManagedIdentities = map[string]*ServicePrincipal{}, map[string]*ManagedIdentity{}
	a.Groups, a.GroupMembers = map[string]*azuread.Group{}, map[string]map[string]*azuread.GroupMember{}
	a.Clusters = map[string]*ComputeCluster{}
	a.Readers, a.Contributors = map[string]*StorageReader{}, map[string]*StorageContributor{}
	programOf(ctx).keepNames(args.AssignmentNames)
	b := &builder{
		made: a, name: name, args: args, plan: plan, region: complete.region, children: c,
		principals: map[access.Principal]pulumi.StringInput{}, granted: map[string]promise{},
	}
	b.expectAll(ctx)
	for _, step := range []func(*pulumi.Context) error{b.makeInvokers, b.makeGroups, b.makeClusters, b.makeRole,
		b.makeReaders, b.makeServices} {
		if err := step(ctx); err != nil {
			for _, granted := range b.granted {
				granted.fail(err)
			}
			return nil, err
		}
	}
	if err := b.outputs(a); err != nil {
		return nil, err
	}
	return a, ctx.RegisterResourceOutputs(a, a.ids())
}

// ids returns the outputs that the engine keeps with the component. The texts that are derived from the model are
// large, and a stack that exports them keeps them anyway.
func (a *BatchEndpointAccess) ids() pulumi.Map {
	all := pulumi.Map{
		"roleDefinitionId": a.RoleDefinitionID, "principalIds": a.PrincipalIDs, "clientIds": a.ClientIDs,
		"clientSecrets": a.ClientSecrets, "clusterPrincipalIds": a.ClusterPrincipalIDs,
	}
	if a.EndpointRole != nil { // so that the state of a stack without one does not change
		all["endpointRoleDefinitionId"] = a.EndpointRoleDefinitionID
	}
	return all
}

// Outputs returns the component's outputs by the names that stacks export them under.
func (a *BatchEndpointAccess) Outputs() pulumi.Map {
	all := a.ids()
	all["accessReport"], all["howToInvoke"], all["aclCommands"] = a.AccessReport, a.HowToInvoke, a.ACLCommands
	return all
}

// Model returns the arguments as a model of package access.
func (args *BatchEndpointAccessArgs) Model() access.Model {
	m := access.Model{
		WorkspaceID:     idOf(args.WorkspaceID),
		Environment:     args.Environment,
		Role:            args.Role.model(),
		Invokers:        map[string]access.Invoker{},
		Clusters:        map[string]access.Cluster{},
		StorageAccounts: map[string]access.ID{}, StorageAccountsWere: args.StorageAccountsWere,
		StorageAccountKinds: args.StorageAccountKinds,
		Services:            args.Workspace,
		SharedGrants:        args.SharedGrants,
		DataInputs:          args.DataInputs,
		DataOutputs:         args.DataOutputs,
		Endpoints:           args.Endpoints,
		Assertions:          args.Assertions,
		Ended:               args.Ended,
	}
	for name := range args.Invokers {
		m.Invokers[name] = args.model(name)
	}
	for name, c := range args.Clusters {
		m.Clusters[name] = c.model()
	}
	for name, id := range args.StorageAccounts {
		m.StorageAccounts[name] = idOf(id)
	}
	for name, id := range args.Registries {
		if m.Registries == nil {
			m.Registries = map[string]access.ID{}
		}
		m.Registries[name] = idOf(id)
	}
	return m
}

// model returns one invoker as package access has it.
func (args *BatchEndpointAccessArgs) model(invoker string) access.Invoker {
	i := args.Invokers[invoker]
	return access.Invoker{
		Kind: i.Kind, Was: i.Was, PrincipalID: idOf(i.id()), ClientID: idOf(i.ClientID), DisplayName: i.DisplayName,
		UserPrincipalName: i.UserPrincipalName, Mail: i.Mail, ResourceID: i.ResourceID,
		Members: i.Members, ManagedIdentities: i.ManagedIdentities, Until: i.Until, MembersUntil: i.MembersUntil,
		FederatedCredentials: inCloud(args.Environment, i.FederatedCredentials),
		ClientSecrets:        i.ClientSecrets, SignIn: i.SignIn, Owner: i.Owner, Caller: i.Caller,
	}
}

// At returns the arguments for a time: what has ended by then is granted no more.
func (args *BatchEndpointAccessArgs) At(now time.Time) *BatchEndpointAccessArgs {
	at := *args
	at.Ended = args.Model().LastEnd(now)
	return &at
}

// Compile works out the plan of the arguments, and returns everything that is wrong with them, in the model and beside
// it. There is no plan if anything except a violated assertion prevents the deployment.
func (args *BatchEndpointAccessArgs) Compile() (*access.Plan, access.Problems) {
	plan, ps := access.Compile(args.Model())
	own := args.problems()
	if own.Err() != nil {
		plan = nil
	}
	return plan, append(ps, own...)
}

// Validate returns everything that is wrong with the arguments.
func (args *BatchEndpointAccessArgs) Validate() access.Problems {
	_, ps := args.Compile()
	return ps
}

// problems returns what is wrong with arguments that are not in the model.
func (args *BatchEndpointAccessArgs) problems() (ps access.Problems) {
	if args.Endpoints != nil && len(args.Endpoints) == 0 {
		ps.Add("endpoints", "name the endpoints, or leave it out to have one for each cluster, with everything", "is empty")
	}
	if _, known := cloud.ByEnvironment(args.Environment); !known {
		ps.Add("environment", problem.DidYouMean(args.Environment, cloud.Environments()), "the cloud %q is not known",
			args.Environment)
	}
	ps = append(ps, warnOfRegion("location", args.Location)...)
	for _, name := range sortedKeys(args.Invokers) {
		i := args.Invokers[name]
		right, wrong, given := "objectId", "principalId", i.PrincipalID
		if i.Kind == access.ManagedIdentity {
			right, wrong, given = "principalId", "objectId", i.ObjectID
		}
		if given != nil {
			ps.Add("invokers."+name+"."+wrong, "write "+right, "does not go with kind %s", i.Kind)
		}
	}
	ps = append(ps, checkAssignmentNames(args.AssignmentNames)...)
	for _, name := range sortedKeys(args.Clusters) {
		ps = append(ps, args.Clusters[name].check(args.WorkspaceID).Below("clusters."+name)...)
	}
	ps = append(ps, args.federatedRegion("")...)
	m := args.Model()
	at, _ := m.RoleScopeID()
	ps = append(ps, checkAssignableScope("role.assignableScope", args.Role.AssignableScope, m.Role, at)...)
	return withTexts(ps, args)
}

// derivedNames checks the default names in Entra and Azure: they contain the names of the component and the stack.
func (args *BatchEndpointAccessArgs) derivedNames(ctx *pulumi.Context, component string) (ps access.Problems) {
	for _, name := range sortedKeys(args.Invokers) {
		i, path, display := args.model(name), "invokers."+name+".displayName", args.displayName(ctx, component, name)
		switch {
		case i.Exists():
		case i.Kind != access.ManagedIdentity:
			ps = append(ps, checkDirectoryNames(ctx, path, component+"."+name, display)...)
		case i.DisplayName == "" && !arm.IsIdentityName(display):
			ps.Add(path, "write one of 3 to 128 letters, digits, hyphens and underscores",
				"is not given, and the default, %q, can't name a managed identity", display)
		}
	}
	return ps
}

// federatedRegion refuses managed identities with federated credentials in a region where Azure does not allow them.
func (args *BatchEndpointAccessArgs) federatedRegion(byDefault string) access.Problems {
	for _, name := range sortedKeys(args.Invokers) {
		if i := args.model(name); i.Kind == access.ManagedIdentity && !i.Exists() {
			if ps := checkFederatedRegion("location", args.Location, byDefault, i.FederatedCredentials); ps != nil {
				return ps
			}
		}
	}
	return nil
}

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

// displayName is the display name in Entra of what is made for an invoker.
func (args *BatchEndpointAccessArgs) displayName(ctx *pulumi.Context, component, invoker string) string {
	return cmp.Or(args.Invokers[invoker].DisplayName, component+"-"+ctx.Stack()+"-"+invoker)
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

// calledBefore is what the component of a grant was called, if it had another name: by the name that the account is
// said to have had, or, where nobody says so, by the state before, in which one that goes assigned the same there.
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
