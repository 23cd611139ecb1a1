package components

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/internal/arm"
	"github.com/batchaccess/batchaccess/internal/problem"
	ml "github.com/batchaccess/batchaccess/sdks/machinelearningservices"
)

// ClusterArgs describe a compute cluster of a workspace: a new one, or one that exists. By default a new one has no SSH
// and no local authentication, and no node runs while no job does.
type ClusterArgs struct {
	// Was is the cluster's earlier name here, so that a rename replaces nothing. Without ComputeName it is also the
	// name in the workspace, which Azure can't change: keep Was as long as the cluster exists.
	Was string `pulumi:"was,optional"`
	// Existing is true for a cluster that exists: it is looked up, and must have a managed identity.
	Existing bool `pulumi:"existing,optional"`
	// PrincipalID is the object ID of an existing cluster's default identity. Default: it is looked up.
	PrincipalID pulumi.StringInput `pulumi:"principalId,optional"`
	// ComputeName in the workspace: 3 to 32 letters, digits and hyphens. Default: the cluster's name here.
	ComputeName string `pulumi:"computeName,optional"`
	// Identity of a new cluster: systemAssigned, userAssigned, or none, which can't mount data. Azure does not support
	// system-assigned and user-assigned at once. Default: systemAssigned.
	Identity access.ClusterIdentity `pulumi:"identity,optional"`
	// UserAssignedIdentityID is the ARM ID of the identity for userAssigned. Default: one is made.
	UserAssignedIdentityID pulumi.StringInput `pulumi:"userAssignedIdentityId,optional"`
	// MoreIdentityIDs are the ARM IDs of further user-assigned identities that exist, for the code of jobs. Azure takes
	// a cluster's first identity as the default one, which alone mounts data and gets the grants. The IDs are sent in
	// alphabetical order, so each must come after the default one in that order. Default: none.
	MoreIdentityIDs []pulumi.StringInput `pulumi:"moreIdentityIds,optional"`
	// Location of the nodes, such as westeurope. Default: the workspace's.
	Location pulumi.StringPtrInput `pulumi:"location,optional"`
	// Description of the cluster.
	Description pulumi.StringPtrInput `pulumi:"description,optional"`
	// VMSize of the nodes. Default: Standard_DS3_v2, the size that the Azure CLI takes.
	VMSize pulumi.StringPtrInput `pulumi:"vmSize,optional"`
	// VMPriority is Dedicated or LowPriority. Default: Azure's, Dedicated.
	VMPriority pulumi.StringPtrInput `pulumi:"vmPriority,optional"`
	// MinNodeCount is the number of nodes that are kept while nothing runs. Default: 0, so that an idle cluster costs
	// nothing.
	MinNodeCount pulumi.IntPtrInput `pulumi:"minNodeCount,optional"`
	// MaxNodeCount is the number of nodes that jobs may scale to. Default: 4.
	MaxNodeCount pulumi.IntPtrInput `pulumi:"maxNodeCount,optional"`
	// NodeIdleTimeBeforeScaleDown as an ISO 8601 duration such as PT5M. Default: Azure's, two minutes.
	NodeIdleTimeBeforeScaleDown pulumi.StringPtrInput `pulumi:"nodeIdleTimeBeforeScaleDown,optional"`
	// SubnetID is the ARM ID of the subnet for the nodes, in the workspace's subscription. Default: none.
	SubnetID pulumi.StringInput `pulumi:"subnetId,optional"`
	// EnableNodePublicIP gives nodes a public address. Default: Azure's, true; false needs a private endpoint.
	EnableNodePublicIP pulumi.BoolPtrInput `pulumi:"enableNodePublicIp,optional"`
	// IsolatedNetwork keeps nodes apart from the workspace's network.
	IsolatedNetwork pulumi.BoolPtrInput `pulumi:"isolatedNetwork,optional"`
	// OSType is Linux or Windows. Default: Azure's, Linux.
	OSType pulumi.StringPtrInput `pulumi:"osType,optional"`
	// VirtualMachineImageID is the ARM ID of a custom image for the nodes.
	VirtualMachineImageID pulumi.StringInput `pulumi:"virtualMachineImageId,optional"`
	// SSH opens the nodes to SSH. Default: closed.
	SSH *SSHArgs `pulumi:"ssh,optional"`
	// EnableLocalAuth allows authentication by local accounts. Default: false.
	EnableLocalAuth bool `pulumi:"enableLocalAuth,optional"`
	// Owner is the person or team that answers for it: free text of one line, at most 200 characters. explain and
	// review show it; it is not sent to Azure. Default: none.
	Owner string `pulumi:"owner,optional"`
}

// SSHArgs open a cluster's nodes to SSH with a key; passwords are not possible.
type SSHArgs struct {
	// AdminUserName that may log in. Required.
	AdminUserName pulumi.StringInput `pulumi:"adminUserName"`
	// AdminUserSSHPublicKey, in OpenSSH's form. Required.
	AdminUserSSHPublicKey pulumi.StringInput `pulumi:"adminUserSshPublicKey"`
}

// ComputeClusterArgs are the arguments of a ComputeCluster.
type ComputeClusterArgs struct {
	// WorkspaceID is the ARM ID of the workspace. Required.
	WorkspaceID pulumi.StringInput `pulumi:"workspaceId"`
	// Location of the workspace, such as westeurope: it is looked up and compared, because Azure makes a cluster
	// elsewhere without an error, and its identity then does not work. For nodes elsewhere set Cluster.Location.
	// Default: looked up.
	Location pulumi.StringPtrInput `pulumi:"location,optional"`
	// Cluster describes the cluster.
	Cluster ClusterArgs `pulumi:"cluster,optional"`
	// Tags of a new cluster, and of an identity that is made for it.
	Tags pulumi.StringMapInput `pulumi:"tags,optional"`
	// Protect prevents the deletion of a new cluster: a system-assigned identity would not come back.
	Protect bool `pulumi:"protect,optional"`
}

// ComputeCluster is a compute cluster and the managed identity that mounts data for its jobs.
type ComputeCluster struct {
	pulumi.ResourceState

	// ComputeName is its name in the workspace.
	ComputeName pulumi.StringOutput `pulumi:"computeName"`
	// ResourceID is its ARM ID.
	ResourceID pulumi.StringOutput `pulumi:"resourceId"`
	// PrincipalID is the object ID of the cluster identity; empty for a new cluster with identity none.
	PrincipalID pulumi.StringOutput `pulumi:"principalId"`

	// Compute is the cluster that was made; nil where it exists.
	Compute *ml.Compute
	// Identity is its user-assigned identity; nil where it has none, or exists.
	Identity *ManagedIdentity
}

// NewComputeCluster makes or looks up the cluster. Errors name each wrong argument and its remedy, all at once, before
// any resource is registered. Only the look-up shows that an existing cluster has no identity.
func NewComputeCluster(
	ctx *pulumi.Context, name string, args *ComputeClusterArgs, opts ...pulumi.ResourceOption,
) (*ComputeCluster, error) {
	if args == nil {
		args = &ComputeClusterArgs{}
	}
	model := args.Cluster.model()
	model.ComputeName = model.NameOr(name)
	ps := slices.Concat(checkARMID("workspaceId", args.WorkspaceID, arm.Workspace), model.Problems(),
		args.Cluster.check(args.WorkspaceID),
		warnOfRegion("location", args.Location))
	if err := fail("ComputeCluster", name, withTexts(ps, args)); err != nil {
		return nil, err
	}
	location := args.Location
	if !args.Cluster.Existing {
		found, wrong, err := clusterRegion(ctx, args.WorkspaceID, args.Location, opts)
		if err == nil {
			err = fail("ComputeCluster", name, wrong)
		}
		if err != nil {
			return nil, err
		}
		location, ps = found, append(ps, wrong...)
	}
	return newComputeCluster(ctx, name, args, location, nil, ps, opts...)
}

// newComputeCluster makes the cluster in the region. It depends on the assignments in after, which its user-assigned
// identity gets, so that a cluster that changes its identity has access at once. No other part of the component waits
// for them. It logs warnings.
func newComputeCluster(
	ctx *pulumi.Context, name string, args *ComputeClusterArgs, region pulumi.StringPtrInput,
	after pulumi.ResourceArrayInput, ps access.Problems, opts ...pulumi.ResourceOption,
) (*ComputeCluster, error) {
	cluster := &ComputeCluster{}
	if err := register(ctx, ComputeClusterToken, name, inputsOf(args), cluster, opts); err != nil {
		return nil, err
	}
	if err := warn(ctx, cluster, ps); err != nil {
		return nil, err
	}
	c, err := childrenOf(cluster, opts)
	if err != nil {
		return nil, err
	}
	compute := args.Cluster.model().NameOr(name)
	cluster.ComputeName = pulumi.String(compute).ToStringOutput()
	if args.Cluster.Existing {
		cluster.lookup(ctx, c, args, compute)
	} else if err := cluster.make(ctx, c, name, args, region, compute, after, aliased(opts)); err != nil {
		return nil, err
	}
	return cluster, ctx.RegisterResourceOutputs(cluster, pulumi.Map{
		"computeName": cluster.ComputeName, "resourceId": cluster.ResourceID, "principalId": cluster.PrincipalID,
	})
}

func (cluster *ComputeCluster) lookup(ctx *pulumi.Context, c children, args *ComputeClusterArgs, compute string) {
	if !args.Cluster.lookedUp() {
		cluster.PrincipalID = args.Cluster.PrincipalID.ToStringOutput()
		cluster.ResourceID = derive(func(v []string) (string, error) { return v[0] + "/computes/" + compute, nil },
			args.WorkspaceID).ToStringOutput()
		return
	}
	group, workspace := workspaceParts(args.WorkspaceID)
	found := ml.LookupComputeOutput(ctx, ml.LookupComputeOutputArgs{
		ResourceGroupName: group, WorkspaceName: workspace, ComputeName: pulumi.String(compute),
	}, c.lookup()...)
	cluster.ResourceID = found.Id()
	cluster.PrincipalID = found.Identity().ApplyT(func(identity *ml.ManagedServiceIdentityResponse) (string, error) {
		return defaultPrincipal(compute, identity)
	}).(pulumi.StringOutput)
}

// defaultPrincipal returns the principal of a cluster's default identity: the system-assigned one if there is one, else
// the only user-assigned one. The error is a problem.Problem.
func defaultPrincipal(compute string, identity *ml.ManagedServiceIdentityResponse) (string, error) {
	cluster := fmt.Sprintf("compute cluster %q ", compute)
	switch {
	case identity != nil && identity.PrincipalId != "":
		return identity.PrincipalId, nil
	// user-assigned ones do not mount then
	case identity != nil && strings.Contains(strings.ToLower(identity.Type), "systemassigned"):
		return "", problem.Problem{What: cluster + "gives no principal ID of its system-assigned identity",
			Fix: "try again when no update of it is running"}
	case identity == nil || len(identity.UserAssignedIdentities) == 0:
		return "", problem.Problem{What: cluster + "has no managed identity, so no job on it can mount data",
			Fix: "assign one (az ml compute update --name " + compute +
				" --identity-type SystemAssigned) or wait until an update of the cluster is over"}
	case len(identity.UserAssignedIdentities) > 1:
		return "", problem.Problem{Fix: "write principalId, the object ID of the default one, which Azure takes to be " +
			"the first that the cluster was given (az ml compute show), or leave it one", What: fmt.Sprintf("%shas %d "+
			"user-assigned identities and no system-assigned one, so which of them mounts data is not "+
			"known", cluster, len(identity.UserAssignedIdentities))}
	}
	for _, one := range identity.UserAssignedIdentities {
		if one.PrincipalId != "" {
			return one.PrincipalId, nil
		}
	}
	return "", problem.Problem{What: cluster + "gives no principal ID of its user-assigned identity",
		Fix: "try again when no update of it is running"}
}

func (cluster *ComputeCluster) make(
	ctx *pulumi.Context, c children, name string, args *ComputeClusterArgs, region pulumi.StringPtrInput, compute string,
	after pulumi.ResourceArrayInput, renamed bool,
) error {
	group, workspace := workspaceParts(args.WorkspaceID)
	a := args.Cluster
	if id, known := plain(args.WorkspaceID); known {
		if other := programOf(ctx).once(id+"/computes/"+compute, name); other != "" {
			return fmt.Errorf("making compute cluster %q: %s makes the compute cluster %s of the same workspace too; give one "+
				"of them another computeName", name, other, compute)
		}
	}
	taken, err := refuseTaken(ctx, ComputeClusterToken, name, renamed, idEnd("/resourcegroups/", "resourceGroupName",
		"/providers/microsoft.machinelearningservices/workspaces/", "workspaceName", "/computes/", "computeName"))
	if err != nil {
		return err
	}
	identity, principal, err := cluster.identity(ctx, c, name, args, group, derive(func(v []string) (string,
		error) {
		return identityOfCompute(v[0], compute), nil
	}, workspace))
	if err != nil {
		return err
	}
	location, nodes := a.places(region)
	// The subscription comes from the provider and is no input: azure-native would use a workspace of the same name in
	// it.
	subscription := derive(func(v []string) (string, error) {
		id, err := arm.Parse(v[0], arm.Workspace)
		return strings.ToLower(id.SubscriptionID), err
	}, args.WorkspaceID)
	own := append(protectIf(args.Protect), taken, pulumi.DeleteBeforeReplace(true),
		pulumi.ReplaceOnChanges(fixedInCluster), pulumi.ReplacementTrigger(subscription))
	if after != nil {
		own = append(own, pulumi.DependsOnInputs(after))
	}
	made, err := ml.NewCompute(ctx, name, &ml.ComputeArgs{
		ResourceGroupName: group,
		WorkspaceName:     workspace,
		ComputeName:       pulumi.String(compute),
		Location:          location,
		Identity:          identity,
		Tags:              args.Tags,
		Properties:        a.properties(nodes),
	}, c.azureNative(ml.Compute{}, ml.ComputeArgs{}, own...)...)
	if err != nil {
		return fmt.Errorf("making compute cluster %q: %w", name, err)
	}
	cluster.Compute, cluster.ResourceID = made, made.ID().ToStringOutput()
	cluster.PrincipalID = principal
	switch a.model().EffectiveIdentity() {
	case access.SystemAssigned:
		cluster.PrincipalID = made.Identity.ApplyT(func(identity *ml.ManagedServiceIdentityResponse) (pulumi.StringOutput,
			error) {
			principal, err := defaultPrincipal(compute, identity)
			if err != nil && ctx.DryRun() { // a preview may not know the identity yet
				unknown := pulumi.UnsafeUnknownOutput([]pulumi.Resource{made})
				return unknown.ApplyT(func(any) string { return "" }).(pulumi.StringOutput), nil
			}
			return pulumi.String(principal).ToStringOutput(), err
		}).(pulumi.StringOutput)
		programOf(ctx).makes(cluster.PrincipalID)
	}
	return nil
}

// fixedInCluster are the inputs that Azure can't change in a cluster: it changes only scale, identity and tags
// (facts/compute-clusters.md). The old cluster has to go before one of the same name can be made.
var fixedInCluster = []string{
	"location", "properties.computeLocation", "properties.description", "properties.disableLocalAuth",
	"properties.properties.vmSize", "properties.properties.vmPriority", "properties.properties.osType",
	"properties.properties.subnet", "properties.properties.enableNodePublicIp", "properties.properties.isolatedNetwork",
	"properties.properties.remoteLoginPortPublicAccess", "properties.properties.userAccountCredentials",
	"properties.properties.virtualMachineImage",
}

// identity returns the cluster's identity and the principal of its user-assigned one. If no identity is given, it makes
// one.
func (cluster *ComputeCluster) identity(
	ctx *pulumi.Context, c children, name string, args *ComputeClusterArgs, group, identityName pulumi.StringInput,
) (ml.ManagedServiceIdentityPtrInput, pulumi.StringOutput, error) {
	a, none := args.Cluster, pulumi.String("").ToStringOutput()
	types := map[access.ClusterIdentity]string{
		access.SystemAssigned: "SystemAssigned", access.UserAssigned: "UserAssigned",
	}
	kind := a.model().EffectiveIdentity()
	switch kind {
	case access.NoIdentity:
		return nil, none, nil
	case access.SystemAssigned:
		return ml.ManagedServiceIdentityArgs{Type: pulumi.String(types[kind])}, none, nil
	}
	location, _ := a.places(args.Location)
	own := &ManagedIdentityArgs{ExistingID: a.UserAssignedIdentityID}
	if a.UserAssignedIdentityID == nil {
		own = &ManagedIdentityArgs{ResourceGroupName: group, ResourceName: pointer(identityName), Location: location,
			Tags: args.Tags, Protect: args.Protect}
	}
	assigned, err := NewManagedIdentity(ctx, name+".identity", own, c.options()...)
	if err != nil {
		return nil, none, err
	}
	cluster.Identity = assigned
	return ml.ManagedServiceIdentityArgs{
		Type:                   pulumi.String(types[kind]),
		UserAssignedIdentities: a.identities(assigned.ResourceID),
	}, assigned.PrincipalID, nil
}

// identities returns all user-assigned identities, the default one first. An error if Azure would take another as the
// first is given when all IDs are known.
func (a ClusterArgs) identities(first pulumi.StringOutput) pulumi.StringArrayInput {
	all := append(pulumi.StringArray{first}, a.MoreIdentityIDs...)
	if len(all) == 1 {
		return all
	}
	return all.ToStringArrayOutput().ApplyT(func(ids []string) ([]string, error) {
		if p, wrong := arm.CheckDefaultIdentity(ids[0], ids[1:]...); wrong {
			return nil, p.At("moreIdentityIds")
		}
		return ids, nil
	}).(pulumi.StringArrayOutput)
}

// places returns the region of the cluster resource, and that of its nodes if it is another; else nil, so that a
// cluster that was made without it does not change.
func (a ClusterArgs) places(region pulumi.StringPtrInput) (location, nodes pulumi.StringPtrInput) {
	own := a.Location
	switch {
	case region == nil:
		return own, nil
	case own == nil || idOf(own) == idOf(region):
		return region, nil
	}
	ownText, known := plain(own)
	text, alsoKnown := plain(region)
	switch {
	case known && alsoKnown && sameRegion(ownText, text):
		return region, nil
	case known && alsoKnown:
		return region, own
	}
	both := pulumi.StringArray{own.ToStringPtrOutput().Elem(), region.ToStringPtrOutput().Elem()}
	nodes = both.ToStringArrayOutput().ApplyT(func(v []string) *string {
		if sameRegion(v[0], v[1]) {
			return nil
		}
		return &v[0]
	}).(pulumi.StringPtrOutput)
	return region, nodes
}

// sameRegion compares regions as Azure does: West Europe is westeurope.
func sameRegion(a, b string) bool {
	plain := func(s string) string { return strings.ToLower(strings.ReplaceAll(s, " ", "")) }
	return plain(a) == plain(b)
}

func (a ClusterArgs) properties(nodes pulumi.StringPtrInput) ml.AmlComputePtrInput {
	p := ml.AmlComputePropertiesArgs{
		VmSize: a.VMSize, VmPriority: a.VMPriority, OsType: a.OSType,
		EnableNodePublicIp: a.EnableNodePublicIP, IsolatedNetwork: a.IsolatedNetwork,
		RemoteLoginPortPublicAccess: pulumi.String("Disabled"),
	}
	if p.VmSize == nil {
		p.VmSize = pulumi.String("Standard_DS3_v2")
	}
	scale := ml.ScaleSettingsArgs{
		MinNodeCount: a.MinNodeCount, MaxNodeCount: pulumi.Int(defaultMaxNodes),
		NodeIdleTimeBeforeScaleDown: a.NodeIdleTimeBeforeScaleDown,
	}
	if scale.MinNodeCount == nil {
		scale.MinNodeCount = pulumi.Int(0)
	}
	if a.MaxNodeCount != nil {
		scale.MaxNodeCount = a.MaxNodeCount.ToIntPtrOutput().Elem()
	}
	p.ScaleSettings = scale
	if a.SubnetID != nil {
		p.Subnet = ml.ResourceIdArgs{Id: a.SubnetID}
	}
	if a.VirtualMachineImageID != nil {
		p.VirtualMachineImage = ml.VirtualMachineImageArgs{Id: a.VirtualMachineImageID}
	}
	if a.SSH != nil {
		p.RemoteLoginPortPublicAccess = pulumi.String("Enabled")
		p.UserAccountCredentials = ml.UserAccountCredentialsArgs{AdminUserName: a.SSH.AdminUserName,
			AdminUserSshPublicKey: pointer(a.SSH.AdminUserSSHPublicKey)}
	}
	return ml.AmlComputeArgs{
		ComputeType:      pulumi.String("AmlCompute"),
		ComputeLocation:  nodes,
		Description:      a.Description,
		DisableLocalAuth: pulumi.Bool(!a.EnableLocalAuth),
		Properties:       p,
	}
}

const defaultMaxNodes = 4

var idleForm = regexp.MustCompile(`^PT(\d+H)?(\d+M)?(\d+S)?$`)

// check refuses plain values that Azure would refuse or ignore in this workspace.
func (a ClusterArgs) check(workspaceID pulumi.StringInput) (ps access.Problems) {
	for _, s := range []struct {
		key     string
		in      pulumi.StringPtrInput
		allowed []string
	}{{"vmPriority", a.VMPriority, []string{"Dedicated", "LowPriority"}}, {"osType", a.OSType,
		[]string{"Linux", "Windows"}}} {
		if v, ok := plain(s.in); ok && !slices.Contains(s.allowed, v) {
			ps.Add(s.key, problem.DidYouMean(v, s.allowed), "unknown value %q", v)
		}
	}
	if v, ok := plain(a.VMSize); ok && v != "" {
		ps = append(ps, warnOfSize(v)...)
	}
	ps = append(ps, warnOfRegion("location", a.Location)...)
	if v, ok := plain(a.NodeIdleTimeBeforeScaleDown); ok && (v == "PT" || !idleForm.MatchString(v)) {
		ps.Add("nodeIdleTimeBeforeScaleDown", "write one such as PT5M", "%q is not an ISO 8601 duration", v)
	}
	low, lowKnown := literalInt(a.MinNodeCount, 0)
	high, highKnown := literalInt(a.MaxNodeCount, defaultMaxNodes)
	if lowKnown && low < 0 {
		ps.Add("minNodeCount", "use 0 to scale to nothing", "%d is below zero", low)
	}
	if highKnown && high < 1 {
		ps.Add("maxNodeCount", "use 1 or more", "%d leaves no node to run on", high)
	} else if lowKnown && highKnown && low > high {
		ps.Add("minNodeCount", "lower it", "%d is more than maxNodeCount, %d", low, high)
	}
	ps = append(ps, checkSubnet("subnetId", a.SubnetID, workspaceID)...)
	if v, ok := plain(a.VirtualMachineImageID); ok && !imageForm.MatchString(v) {
		ps.Add("virtualMachineImageId", "write the ARM ID of an image, or of an image of a gallery",
			"%q is not the ARM ID of an image", v)
	}
	if a.SSH != nil && (a.SSH.AdminUserName == nil || a.SSH.AdminUserSSHPublicKey == nil) {
		ps.Add("ssh", "give both, or leave ssh out to keep it closed", "takes adminUserName and adminUserSshPublicKey")
	}
	if a.Existing && !inputsOnly(inputsOf(a), "existing", "was", "computeName", "principalId", "identity",
		"userAssignedIdentityId", "moreIdentityIds") {
		ps.Add("existing", "leave them out, all but computeName and principalId", "is set, so the cluster keeps its settings")
	}
	return ps
}

// checkSubnet refuses an ID that is no subnet's, and a subnet in another subscription than the workspace's, which Azure
// refuses (facts/compute-clusters.md, Network). Azure checks what is known only later.
func checkSubnet(path string, subnetID pulumi.StringPtrInput, workspaceID pulumi.StringInput) (ps access.Problems) {
	subnet, known := plain(subnetID)
	if !known {
		return nil
	}
	if !subnetForm.MatchString(subnet) {
		ps.Add(path, "write /subscriptions/<id>/resourceGroups/<group>/providers/Microsoft.Network/"+
			"virtualNetworks/<network>/subnets/<subnet>", "%q is not the ARM ID of a subnet", subnet)
		return ps
	}
	workspace, err := arm.Parse(idOf(workspaceID).Text(), arm.Workspace)
	if its := subnetForm.FindStringSubmatch(subnet)[1]; err == nil && !strings.EqualFold(its, workspace.SubscriptionID) {
		ps.Add(path, "name a subnet of the subscription "+workspace.SubscriptionID+", or leave it out",
			"lies in the subscription %s, and the nodes of a cluster only join a network of the workspace's own", its)
	}
	return ps
}

// subnetForm and imageForm match the ARM IDs of a subnet, and of an image in a group or a gallery, shared or not.
var (
	subnetForm = regexp.MustCompile(`(?i)^/subscriptions/([0-9a-f-]{36})/resourceGroups/[^/\s]+/providers/` +
		`Microsoft\.Network/virtualNetworks/[^/\s]+/subnets/[^/\s]+$`)
	imageForm = regexp.MustCompile(`(?i)^(/subscriptions/[0-9a-f-]{36}/resourceGroups/[^/\s]+/providers/` +
		`Microsoft\.Compute|/communityGalleries/[^/\s]+|/sharedGalleries/[^/\s]+)(/[^/\s]+){2,}$`)
)

func inputsOnly(m pulumi.Map, allowed ...string) bool {
	for key := range m {
		if !slices.Contains(allowed, key) {
			return false
		}
	}
	return true
}

// model returns the cluster as package access has it.
func (a ClusterArgs) model() access.Cluster {
	var more []access.ID
	for _, id := range a.MoreIdentityIDs {
		more = append(more, idOf(id))
	}
	return access.Cluster{
		MoreIdentityIDs: more,
		ComputeName:     a.ComputeName, Was: a.Was, Existing: a.Existing, Identity: a.Identity,
		UserAssignedIdentityID: idOf(a.UserAssignedIdentityID), PrincipalID: idOf(a.PrincipalID), Owner: a.Owner,
	}
}

// makesIdentity reports whether a user-assigned identity is made for the cluster.
func (a ClusterArgs) makesIdentity() bool {
	return !a.Existing && a.Identity == access.UserAssigned && a.UserAssignedIdentityID == nil
}

// identityOfCompute is the name of the identity that is made for a cluster.
func identityOfCompute(workspace, compute string) string {
	return workspace + "-" + compute + "-identity"
}

// lookedUp reports whether the cluster's identity has to be looked up.
func (a ClusterArgs) lookedUp() bool { return a.Existing && a.PrincipalID == nil }
