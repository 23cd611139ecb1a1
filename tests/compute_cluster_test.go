package tests

import (
	"errors"
	"strings"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/components"
)

func computeCluster(cluster components.ClusterArgs, opts ...pulumi.ResourceOption) program {
	return clusterWith(components.ComputeClusterArgs{WorkspaceID: pulumi.String(workspaceID), Cluster: cluster}, opts...)
}

func clusterWith(args components.ComputeClusterArgs, opts ...pulumi.ResourceOption) program {
	return func(ctx *pulumi.Context) (pulumi.Map, error) {
		c, err := components.NewComputeCluster(ctx, "cpu", &args, opts...)
		if err != nil {
			return nil, err
		}
		return pulumi.Map{"computeName": c.ComputeName, "resourceId": c.ResourceID, "principalId": c.PrincipalID}, nil
	}
}

const cpuID = workspaceID + "/computes/cpu"

func TestComputeClusterIsClosedByDefault(t *testing.T) {
	t.Parallel()
	r := run(t, computeCluster(components.ClusterArgs{}))
	assert.Equal(t, []string{"Compute cpu", "ComputeCluster cpu"}, r.names())
	made := r.one(compute, "cpu")
	assert.Equal(t, map[string]any{
		"resourceGroupName": "ml", "workspaceName": "scoring", "computeName": "cpu", "location": "westeurope",
		"identity": map[string]any{"type": "SystemAssigned"},
		"properties": map[string]any{
			"computeType": "AmlCompute", "disableLocalAuth": true,
			"properties": map[string]any{
				"vmSize": "Standard_DS3_v2", "remoteLoginPortPublicAccess": "Disabled",
				"scaleSettings": map[string]any{"minNodeCount": 0.0, "maxNodeCount": 4.0},
			},
		},
	}, made.Inputs.Mappable())
	assert.Equal(t, r.one(components.ComputeClusterToken, "cpu").URN(), made.RPC.GetParent())
	assert.Equal(t, cpuID, r.output("resourceId"))
	assert.Equal(t, "cpu", r.output("computeName"))
	assert.Equal(t, guidOf("system", cpuID), r.output("principalId"))
}

const (
	subnetID = "/subscriptions/" + subscription +
		"/resourceGroups/network/providers/Microsoft.Network/virtualNetworks/ml/subnets/nodes"
	imageID = "/subscriptions/" + subscription + "/resourceGroups/ml/providers/Microsoft.Compute/images/scoring"
)

func TestComputeClusterSettingsArrive(t *testing.T) {
	t.Parallel()
	inner := func(keys ...string) []string { return append([]string{"properties", "properties"}, keys...) }
	for name, c := range map[string]struct {
		cluster components.ClusterArgs
		at      []string
		want    any
	}{
		"computeName": {components.ClusterArgs{ComputeName: "scoring-cpu"}, []string{"computeName"}, "scoring-cpu"},
		"computeName of 16": {components.ClusterArgs{ComputeName: "abcdefghijklmnop"}, []string{"computeName"},
			"abcdefghijklmnop"},
		"location": {components.ClusterArgs{Location: pulumi.String("northeurope")},
			[]string{"properties", "computeLocation"}, "northeurope"},
		"description": {components.ClusterArgs{Description: pulumi.String("d")},
			[]string{"properties", "description"}, "d"},
		"enableLocalAuth": {components.ClusterArgs{EnableLocalAuth: true},
			[]string{"properties", "disableLocalAuth"}, false},
		"vmSize": {components.ClusterArgs{VMSize: pulumi.String("Standard_NC4as_T4_v3")}, inner("vmSize"),
			"Standard_NC4as_T4_v3"},
		"vmPriority": {components.ClusterArgs{VMPriority: pulumi.String("LowPriority")}, inner("vmPriority"),
			"LowPriority"},
		"osType": {components.ClusterArgs{OSType: pulumi.String("Windows")}, inner("osType"), "Windows"},
		"minNodeCount": {components.ClusterArgs{MinNodeCount: pulumi.Int(2)},
			inner("scaleSettings", "minNodeCount"), 2.0},
		"maxNodeCount": {components.ClusterArgs{MaxNodeCount: pulumi.Int(9)},
			inner("scaleSettings", "maxNodeCount"), 9.0},
		"nodeIdleTimeBeforeScaleDown": {components.ClusterArgs{NodeIdleTimeBeforeScaleDown: pulumi.String("PT1H5M")},
			inner("scaleSettings", "nodeIdleTimeBeforeScaleDown"), "PT1H5M"},
		"enableNodePublicIp": {components.ClusterArgs{EnableNodePublicIP: pulumi.Bool(false)}, inner("enableNodePublicIp"),
			false},
		"isolatedNetwork": {components.ClusterArgs{IsolatedNetwork: pulumi.Bool(true)}, inner("isolatedNetwork"),
			true},
		"subnetId": {components.ClusterArgs{SubnetID: pulumi.String(subnetID)}, inner("subnet"),
			map[string]any{"id": subnetID}},
		"virtualMachineImageId": {components.ClusterArgs{VirtualMachineImageID: pulumi.String(imageID)},
			inner("virtualMachineImage"), map[string]any{"id": imageID}},
		"an image of a shared gallery": {components.ClusterArgs{VirtualMachineImageID: pulumi.String(
			"/sharedGalleries/contoso/images/scoring/versions/1.0.0")}, inner("virtualMachineImage"),
			map[string]any{"id": "/sharedGalleries/contoso/images/scoring/versions/1.0.0"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			assert.Equal(t, c.want, run(t, computeCluster(c.cluster)).one(compute, "cpu").at(c.at...))
		})
	}
}

func TestComputeClusterOpensSSHOnlyWhenAsked(t *testing.T) {
	t.Parallel()
	r := run(t, computeCluster(components.ClusterArgs{SSH: &components.SSHArgs{AdminUserName: pulumi.String("admin"),
		AdminUserSSHPublicKey: pulumi.String("ssh-ed25519 AAAA")}}))
	properties := r.one(compute, "cpu").at("properties", "properties").(map[string]any)
	assert.Equal(t, "Enabled", properties["remoteLoginPortPublicAccess"])
	assert.Equal(t, map[string]any{"adminUserName": "admin", "adminUserSshPublicKey": "ssh-ed25519 AAAA"},
		properties["userAccountCredentials"], "a key, never a password")
}

func TestComputeClusterIdentities(t *testing.T) {
	t.Parallel()
	made := group("ml") + "/providers/Microsoft.ManagedIdentity/userAssignedIdentities/scoring-cpu-identity"
	for name, c := range map[string]struct {
		cluster   components.ClusterArgs
		identity  any
		principal string
		names     []string
	}{
		"system-assigned": {components.ClusterArgs{Identity: access.SystemAssigned}, map[string]any{"type": "SystemAssigned"},
			guidOf("system", cpuID),
			[]string{"Compute cpu", "ComputeCluster cpu"}},
		"user-assigned, made": {components.ClusterArgs{Identity: access.UserAssigned},
			map[string]any{"type": "UserAssigned", "userAssignedIdentities": []any{made}}, guidOf("principal", made),
			[]string{"Compute cpu", "ComputeCluster cpu", "ManagedIdentity cpu.identity", "UserAssignedIdentity cpu.identity"}},
		"user-assigned, existing": {components.ClusterArgs{Identity: access.UserAssigned,
			UserAssignedIdentityID: pulumi.String(identityID)},
			map[string]any{"type": "UserAssigned", "userAssignedIdentities": []any{identityID}}, guidOf("principal", identityID),
			[]string{"Compute cpu", "ComputeCluster cpu", "ManagedIdentity cpu.identity"}},
		"none": {components.ClusterArgs{Identity: access.NoIdentity}, nil, "", []string{"Compute cpu", "ComputeCluster cpu"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := run(t, computeCluster(c.cluster))
			assert.Equal(t, c.names, r.names())
			assert.Equal(t, c.identity, r.one(compute, "cpu").at("identity"))
			assert.Equal(t, c.principal, r.output("principalId"))
		})
	}
}

func TestComputeClusterThatExistsIsLookedUp(t *testing.T) {
	t.Parallel()
	user := func(ids ...string) map[string]any {
		m := map[string]any{}
		for _, id := range ids {
			m[id] = map[string]any{"principalId": guidOf("principal", id), "clientId": guidOf("client", id)}
		}
		return m
	}
	for name, c := range map[string]struct {
		identity  map[string]any
		principal string
		err       []string
	}{
		"with a system-assigned identity": {map[string]any{"type": "SystemAssigned", "principalId": existingMI}, existingMI,
			nil},
		"with a user-assigned one": {map[string]any{"type": "UserAssigned", "principalId": "",
			"userAssignedIdentities": user("/a")}, guidOf("principal", "/a"), nil},
		"with both": {map[string]any{"type": "SystemAssigned,UserAssigned", "principalId": existingMI,
			"userAssignedIdentities": user("/a", "/b")}, existingMI, nil},
		"with two user-assigned ones": {map[string]any{"type": "UserAssigned", "userAssignedIdentities": user("/a", "/b")},
			"", []string{`"old"`, "2 user-assigned identities", "leave it one"}},
		"with none":         {nil, "", []string{`"old" has no managed identity`, "az ml compute update"}},
		"with an empty one": {map[string]any{"type": "None"}, "", []string{`"old" has no managed identity`}},
		"while it is updated": {map[string]any{"type": "UserAssigned",
			"userAssignedIdentities": map[string]any{"/a": map[string]any{"principalId": "", "clientId": ""}}}, "",
			[]string{`"old"`, "try again"}},
		"with both, while it is updated": {map[string]any{"type": "SystemAssigned, UserAssigned", "principalId": "",
			"userAssignedIdentities": user("/a")}, "",
			[]string{`"old" gives no principal ID of its system-assigned identity; try again`}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRecorder(t)
			answer := map[string]any{"id": workspaceID + "/computes/old", "name": "old"}
			if c.identity != nil {
				answer["identity"] = c.identity
			}
			r.computes = map[string]resource.PropertyMap{"old": resource.NewPropertyMapFromMap(answer)}
			err := r.try(computeCluster(components.ClusterArgs{Existing: true, ComputeName: "old"}))
			assert.Empty(t, r.ofType(compute), "an existing cluster is not made")
			require.Len(t, r.calls, 1)
			assert.Equal(t, map[string]any{"resourceGroupName": "ml", "workspaceName": "scoring", "computeName": "old"},
				r.calls[0].Args.Mappable())
			if c.err != nil {
				require.Error(t, err)
				for _, want := range c.err {
					assert.ErrorContains(t, err, want)
				}
				return
			}
			require.NoError(t, err)
			assert.Equal(t, c.principal, r.output("principalId"))
			assert.Equal(t, workspaceID+"/computes/old", r.output("resourceId"))
		})
	}
}

func TestComputeClusterRefuses(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		cluster components.ClusterArgs
		want    []string
	}{
		"a name of 33 characters": {components.ClusterArgs{ComputeName: strings.Repeat("a", 33)},
			[]string{"computeName: ", "(33 characters)", "use 3 to 32"}},
		"a name of two characters": {components.ClusterArgs{ComputeName: "ab"}, []string{"computeName: "}},
		"both identities": {components.ClusterArgs{Identity: access.BothAssigned},
			[]string{"identity: a compute cluster takes", "does not support both"}},
		"an unknown identity": {components.ClusterArgs{Identity: "system"},
			[]string{`identity: unknown value "system"`, "systemAssigned"}},
		"an ID that does not go": {components.ClusterArgs{UserAssignedIdentityID: pulumi.String(identityID)},
			[]string{"userAssignedIdentityId: is given, but identity is systemAssigned", "set identity to userAssigned"}},
		"a storage account as one": {components.ClusterArgs{Identity: access.UserAssigned,
			UserAssignedIdentityID: pulumi.String(lakeID)}, []string{"userAssignedIdentityId: "}},
		"an unknown priority": {components.ClusterArgs{VMPriority: pulumi.String("Spot")},
			[]string{`vmPriority: unknown value "Spot"; use Dedicated, LowPriority`}},
		"an unknown system": {components.ClusterArgs{OSType: pulumi.String("BSD")},
			[]string{`osType: unknown value "BSD"; use Linux, Windows`}},
		"minutes without a unit": {components.ClusterArgs{NodeIdleTimeBeforeScaleDown: pulumi.String("5")},
			[]string{`nodeIdleTimeBeforeScaleDown: "5"`, "PT5M"}},
		"an empty duration": {components.ClusterArgs{NodeIdleTimeBeforeScaleDown: pulumi.String("PT")},
			[]string{"nodeIdleTimeBeforeScaleDown: "}},
		"fewer than no nodes": {components.ClusterArgs{MinNodeCount: pulumi.Int(-1)},
			[]string{"minNodeCount: -1 is below zero"}},
		"fewer, by a pointer": {components.ClusterArgs{MinNodeCount: pulumi.IntPtr(-1)},
			[]string{"minNodeCount: -1 is below zero"}},
		"a priority and a system": {components.ClusterArgs{VMPriority: pulumi.String("Spot"), OSType: pulumi.String("BSD")},
			[]string{"use Dedicated, LowPriority\nosType: unknown value"}},
		"no node at all": {components.ClusterArgs{MaxNodeCount: pulumi.Int(0)},
			[]string{"maxNodeCount: 0 leaves no node"}},
		"more at least than at most": {components.ClusterArgs{MinNodeCount: pulumi.Int(5)},
			[]string{"minNodeCount: 5 is more than maxNodeCount, 4"}},
		"half of SSH": {components.ClusterArgs{SSH: &components.SSHArgs{AdminUserName: pulumi.String("a")}},
			[]string{"ssh: takes adminUserName and adminUserSshPublicKey; give both"}},
		"settings of an existing": {components.ClusterArgs{Existing: true, VMSize: pulumi.String("x")},
			[]string{"existing: is set"}},
		"an identity of an existing": {components.ClusterArgs{Existing: true, Identity: access.SystemAssigned},
			[]string{"an existing cluster keeps the identity"}},
		"a network for a subnet": {components.ClusterArgs{SubnetID: pulumi.String(strings.TrimSuffix(subnetID,
			"/subnets/nodes"))}, []string{"subnetId: ", "is not the ARM ID of a subnet", "subnets/<subnet>"}},
		"a name for a subnet":   {components.ClusterArgs{SubnetID: pulumi.String("nodes")}, []string{`subnetId: "nodes"`}},
		"a subnet with a slash": {components.ClusterArgs{SubnetID: pulumi.String(subnetID + "/")}, []string{"subnetId: "}},
		"a subnet of another subscription": {components.ClusterArgs{SubnetID: pulumi.String(strings.Replace(subnetID,
			subscription, "99999999-9999-4999-8999-999999999999", 1))},
			[]string{"subnetId: ", "99999999-9999-4999-8999-999999999999", "name a subnet of the subscription " + subscription}},
		"a name for an image": {components.ClusterArgs{VirtualMachineImageID: pulumi.String("ubuntu")},
			[]string{`virtualMachineImageId: "ubuntu" is not the ARM ID of an image`}},
		"an account for an image": {components.ClusterArgs{VirtualMachineImageID: pulumi.String(lakeID)},
			[]string{"virtualMachineImageId: "}},
		"several at once": {components.ClusterArgs{ComputeName: "a", OSType: pulumi.String("BSD"),
			MaxNodeCount: pulumi.Int(0)}, []string{"computeName: ", "osType: ", "maxNodeCount: "}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := refused(t, computeCluster(c.cluster))
			assert.Contains(t, got, `ComputeCluster "cpu"`)
			for _, want := range c.want {
				assert.Contains(t, got, want)
			}
		})
	}
	assert.Contains(t, refused(t, clusterWith(components.ComputeClusterArgs{})), "workspaceId: is missing")
	assert.Contains(t, refused(t, clusterWith(components.ComputeClusterArgs{WorkspaceID: pulumi.String(lakeID)})),
		"workspaceId: ")
}

// facts/compute-clusters.md: location must be the workspace's, or the identity does not work, without an error;
// computeLocation decides where the nodes are.
func TestAClusterLiesWhereItsWorkspaceDoesAndItsNodesWhereTheyAreAskedFor(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		workspace, nodes    pulumi.StringPtrInput
		location, elsewhere any
	}{
		"nothing is said":             {nil, nil, "westeurope", nil},
		"the workspace's":             {pulumi.String("westeurope"), nil, "westeurope", nil},
		"the nodes' alone":            {nil, pulumi.String("westeurope"), "westeurope", nil},
		"the nodes' alone, elsewhere": {nil, pulumi.String("northeurope"), "westeurope", "northeurope"},
		"both, and the same":          {pulumi.String("westeurope"), pulumi.String("West Europe"), "westeurope", nil},
		"both, and different": {pulumi.String("westeurope"), pulumi.String("northeurope"), "westeurope",
			"northeurope"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := run(t, func(ctx *pulumi.Context) (pulumi.Map, error) {
				cluster, err := components.NewComputeCluster(ctx, "cpu", &components.ComputeClusterArgs{
					WorkspaceID: pulumi.String(workspaceID), Location: c.workspace, Cluster: components.ClusterArgs{Location: c.nodes},
				})
				if err != nil {
					return nil, err
				}
				return pulumi.Map{"principalId": cluster.PrincipalID}, nil
			})
			made := r.one(compute, "cpu")
			assert.Equal(t, []any{c.location, c.elsewhere}, []any{made.at("location"), made.at("properties", "computeLocation")})
		})
	}
}

// regional is a program with one new cluster, as a component of its own or inside BatchEndpointAccess.
func regional(whole bool, workspace pulumi.StringInput, location pulumi.StringPtrInput) program {
	if !whole {
		return clusterWith(components.ComputeClusterArgs{WorkspaceID: workspace, Location: location})
	}
	return batchEndpointAccess(components.BatchEndpointAccessArgs{WorkspaceID: workspace, Location: location,
		Invokers: map[string]components.InvokerArgs{"ada": {Kind: access.User, ObjectID: pulumi.String(alice)}},
		Clusters: map[string]components.ClusterArgs{"cpu": {}}})
}

// facts/compute-clusters.md: with another location than the workspace's, Azure makes the cluster, and its identity does
// not work.
func TestWhereTheWorkspaceLiesIsFoundBeforeAnyClusterIsMade(t *testing.T) {
	t.Parallel()
	denied := errors.New("AuthorizationFailed: no workspaces/read")
	said := func(s string) pulumi.StringPtrInput { return pulumi.StringPtr(s) }
	later := func(s string) pulumi.StringPtrInput { return pulumi.StringPtr(s).ToStringPtrOutput() }
	known, output := pulumi.String(workspaceID), pulumi.String(workspaceID).ToStringOutput()
	for name, c := range map[string]struct {
		workspace  pulumi.StringInput
		said       pulumi.StringPtrInput
		found      string
		err        error
		wrong, log string
		want       any
	}{
		"looked up":                {known, nil, "norwayeast", nil, "", "", "norwayeast"},
		"said":                     {known, said("norwayeast"), "norwayeast", nil, "", "", "norwayeast"},
		"said in the portal's way": {known, said("Norway East"), "norwayeast", nil, "", "", "Norway East"},
		"another": {known, said("westeurope"), "norwayeast", nil, "the workspace lies in norwayeast", "",
			nil},
		"a region of no list": {known, said("marsnorth"), "marsnorth", nil, "",
			`"marsnorth" is no region that is known here, so Azure decides`, "marsnorth"},
		"not to be looked up": {known, nil, "", denied,
			"location: the region of the workspace scoring can't be looked up: no permission", "", nil},
		"said, and not to be looked up": {known, said("westeurope"), "", denied, "", "westeurope is assumed",
			"westeurope"},
		"not answered":           {known, nil, "", nil, "holds no region", "", nil},
		"said, and not answered": {known, said("westeurope"), "", nil, "", "holds no region", "westeurope"},
		"said later":             {known, later("norwayeast"), "norwayeast", nil, "", "", "norwayeast"},
		"said later, another": {known, later("westeurope"), "norwayeast", nil, "the workspace lies in norwayeast",
			"", nil},
		"a workspace known later": {output, nil, "norwayeast", nil, "", "", "norwayeast"},
		"that, and another": {output, said("westeurope"), "norwayeast", nil, "the workspace lies in norwayeast",
			"", nil},
		"that, and not to be looked up": {output, said("westeurope"), "", denied, "", "westeurope is assumed", "westeurope"},
		"that, and nothing said":        {output, nil, "", denied, "can't be looked up: no permission", "", nil},
	} {
		for part, whole := range map[string]bool{" by itself": false, " with all": true} {
			t.Run(name+part, func(t *testing.T) {
				t.Parallel()
				r := newRecorder(t)
				r.region = func() (string, error) { return c.found, c.err }
				err := r.try(regional(whole, c.workspace, c.said))
				made := map[string]any{}
				for _, reg := range r.registered {
					made[reg.Type] = reg.Inputs.Mappable()["location"]
				}
				if c.wrong != "" {
					require.ErrorContains(t, err, c.wrong)
					assert.NotContains(t, made, compute)
					if knownNow(c.said) && c.workspace == known {
						assert.Empty(t, r.names(), "nothing is registered")
					}
					return
				}
				require.NoError(t, err)
				assert.Equal(t, c.want, made[compute])
				warnings := strings.Join(r.logs, "\n")
				if c.log == "" {
					assert.NotContains(t, warnings, "location: ")
				}
				assert.Contains(t, warnings, c.log)
			})
		}
	}
}

// knownNow reports whether an input was given as plain text, or not at all.
func knownNow(in pulumi.StringPtrInput) bool {
	_, output := in.(pulumi.StringPtrOutput)
	return !output
}

func TestWhereTheWorkspaceLiesIsAskedForNewClustersAlone(t *testing.T) {
	t.Parallel()
	r := newRecorder(t)
	r.computes = existingCompute("cpu")
	r.run(computeCluster(components.ClusterArgs{Existing: true}))
	for _, call := range r.calls {
		assert.NotContains(t, call.Token, "getWorkspace")
	}
}

func TestARegionAndWhatElseIsFoundToBeWrongAreSaidAtOnce(t *testing.T) {
	t.Parallel()
	args := asked()
	args.Location = pulumi.String("northeurope")
	r := inEstate(t)
	for key := range r.world {
		if strings.HasPrefix(key, "getUser") {
			r.world[key] = errors.New("no such user")
		}
	}
	err := r.try(batchEndpointAccess(args))
	require.ErrorContains(t, err, "location: is northeurope, but the workspace lies in westeurope")
	assert.ErrorContains(t, err, "no such user")
	assert.Empty(t, r.names())
}

func TestAClusterWithSeveralIdentitiesGrantsToTheFirst(t *testing.T) {
	t.Parallel()
	identity := func(name string) string {
		return group("ids") + "/providers/Microsoft.ManagedIdentity/userAssignedIdentities/" + name
	}
	text := func(name string) pulumi.StringInput { return pulumi.String(identity(name)) }
	later := func(name string) pulumi.StringInput { return pulumi.String(identity(name)).ToStringOutput() }
	several := func(first pulumi.StringInput, more ...pulumi.StringInput) components.ClusterArgs {
		return components.ClusterArgs{Identity: access.UserAssigned, UserAssignedIdentityID: first, MoreIdentityIDs: more}
	}
	r := run(t, computeCluster(several(text("a"), text("c"), later("b"))))
	assert.Equal(t, guidOf("principal", identity("a")), r.output("principalId"))
	assert.Equal(t, []any{identity("a"), identity("c"), identity("b")},
		r.one(compute, "cpu").at("identity", "userAssignedIdentities"))
	assert.Contains(t, strings.Join(r.logs, "\n"), "can sign in as each of these identities")

	for name, c := range map[string]struct {
		cluster components.ClusterArgs
		want    string
	}{
		"the default comes second": {several(text("b"), text("a")), "moreIdentityIds[0]: a stands before"},
		"the letter case decides":  {several(text("a"), text("B")), "moreIdentityIds[0]: B stands before"},
		"twice the same":           {several(text("a"), text("b"), text("b")), "moreIdentityIds[1]: is the same identity"},
		"the default again":        {several(text("a"), text("a")), "is the same identity as userAssignedIdentityId"},
		"no ARM ID":                {several(text("a"), pulumi.String("b")), "moreIdentityIds[0]: "},
		"an empty one":             {several(text("a"), pulumi.String("")), "moreIdentityIds[0]: is empty"},
		"one of another type":      {several(text("a"), pulumi.String(lakeID)), "moreIdentityIds[0]: "},
		"beside the system's": {components.ClusterArgs{MoreIdentityIDs: several(nil, text("a")).MoreIdentityIDs},
			"set identity to userAssigned"},
		"of a cluster that exists": {components.ClusterArgs{Existing: true,
			MoreIdentityIDs: several(nil, text("a")).MoreIdentityIDs}, "moreIdentityIds"},
		"the default, known later": {several(later("b"), text("a")), "a stands before"},
		"another, known later":     {several(text("b"), later("a")), "a stands before"},
		"before one that is made": {several(nil,
			pulumi.String(group("a")+"/providers/Microsoft.ManagedIdentity/userAssignedIdentities/x")), "x stands before"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRecorder(t)
			require.ErrorContains(t, r.try(computeCluster(c.cluster)), c.want)
			for _, reg := range r.registered {
				assert.NotEqual(t, compute, reg.Type, "no cluster is made")
			}
		})
	}
}
