package components

import (
	"cmp"
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
		ps.Add("environment", problem.DidYouMean(args.Environment, cloud.Environments())+
			"; for a cloud that Azure has added, leave it out and name the host of its metadata in ARM_METADATA_HOSTNAME: "+
			"then the commands find it, and howToInvoke prints the addresses of public Azure", "the cloud %q is not known",
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
		ps = append(ps, warnOfIssuers(i.FederatedCredentials).Below("invokers."+name)...)
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
	type identity struct {
		path  string
		given bool // the name, and not a default
	}
	identities := map[string]identity{} // those that are made, all beside the workspace, by their names
	workspace, err := arm.Parse(idOf(args.WorkspaceID).Text(), arm.Workspace)
	for _, name := range sortedKeys(args.Clusters) {
		if c := args.Clusters[name]; err == nil && c.makesIdentity() {
			of := identityOfCompute(workspace.Name, c.model().NameOr(name))
			identities[strings.ToLower(of)] = identity{path: "clusters." + name}
		}
	}
	for _, name := range sortedKeys(args.Invokers) {
		i, path, display := args.model(name), "invokers."+name, args.displayName(ctx, component, name)
		other, taken := identities[strings.ToLower(display)]
		switch {
		case i.Exists():
		case i.Kind != access.ManagedIdentity:
			ps = append(ps, checkDirectoryNames(ctx, path+".displayName", component+"."+name, display)...)
		case i.DisplayName == "" && !arm.IsIdentityName(display):
			ps.Add(path+".displayName", "write one of 3 to 128 letters, digits, hyphens and underscores",
				"is not given, and the default, %q, can't name a managed identity", display)
		case !taken:
			identities[strings.ToLower(display)] = identity{path, i.DisplayName != ""}
		case other.given != (i.DisplayName != "") || !strings.HasPrefix(other.path, "invokers."): // else Compile says so
			ps.AddCode(problem.Contradiction, path+".displayName", "write another one",
				"would be made under the same name as the identity of %s: %s", other.path, display)
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

// displayName is the display name in Entra of what is made for an invoker.
func (args *BatchEndpointAccessArgs) displayName(ctx *pulumi.Context, component, invoker string) string {
	return cmp.Or(args.Invokers[invoker].DisplayName, component+"-"+ctx.Stack()+"-"+invoker)
}
