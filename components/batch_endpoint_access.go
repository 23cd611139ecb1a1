package components

import (
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/internal/problem"
	"github.com/batchaccess/batchaccess/sdks/azuread"
)

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
	if names.Err() != nil { // nothing is asked while anything is wrong
		_, ps := args.Compile()
		return nil, fail("BatchEndpointAccess", name, ps.WithoutLookUps(), names)
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
	if err := fail("BatchEndpointAccess", name, ps); err != nil {
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
