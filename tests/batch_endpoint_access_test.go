package tests

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/components"
)

func TestAnEnvironmentIsMadeOfExactlyThis(t *testing.T) {
	t.Parallel()
	want := []string{
		"BatchEndpointAccess access",
		// Principals that the stack makes; alice, staff, robot and factory exist.
		"ServicePrincipal access.pipeline", "Application access.pipeline", "ServicePrincipal access.pipeline",
		"ApplicationFederatedIdentityCredential access.pipeline.main",
		"ServicePrincipal access.partner", "Application access.partner", "ServicePrincipal access.partner",
		"ApplicationPassword access.partner.2026",
		"ManagedIdentity access.scheduler", "UserAssignedIdentity access.scheduler",
		"ComputeCluster access.cpu", "Compute access.cpu",
		"ComputeCluster access.gpu", "Compute access.gpu", "ManagedIdentity access.gpu.identity", "UserAssignedIdentity " +
			"access.gpu.identity",
		"InvokerRole access", "RoleDefinition access",
	}
	for _, invoker := range []string{"alice", "staff", "pipeline", "partner", "robot", "scheduler", "factory"} {
		want = append(want, "RoleAssignment access."+invoker)
	}
	for reader, principals := range map[string][]string{
		"access.lake.patients.reader": {"cluster.cpu", "invoker.alice", "invoker.staff", "invoker.pipeline",
			"invoker.factory"},
		"access.shared.images.reader": {"cluster.gpu", "invoker.alice", "invoker.partner", "invoker.scheduler",
			"invoker.robot"},
		"access.shared.scores.contributor": {"cluster.cpu", "invoker.alice", "invoker.staff", "invoker.pipeline",
			"invoker.factory"},
		// The data asset of the classifier and the data store of the tagger lie in one container.
		"access.shared.labels.reader": {"cluster.cpu", "cluster.gpu", "invoker.alice", "invoker.staff", "invoker.pipeline",
			"invoker.factory",
			"invoker.partner", "invoker.scheduler", "invoker.robot"},
	} {
		kind := "StorageReader "
		if strings.HasSuffix(reader, ".contributor") {
			kind = "StorageContributor "
		}
		want = append(want, kind+reader)
		for _, p := range principals {
			want = append(want, "RoleAssignment "+reader+"."+p)
		}
	}
	slices.Sort(want)
	assert.Equal(t, want, run(t, batchEndpointAccess(environment())).names())
}

func TestChildrenHaveParentsAndOneProviderVersion(t *testing.T) {
	t.Parallel()
	r := run(t, batchEndpointAccess(environment()))
	components := map[string]string{} // URN -> name
	for _, reg := range r.registered {
		if !reg.RPC.GetCustom() {
			components[reg.URN()] = reg.Name
		}
	}
	for _, reg := range r.registered {
		if reg.Type == "batchaccess:index:BatchEndpointAccess" {
			continue
		}
		parent, ok := components[reg.RPC.GetParent()]
		require.True(t, ok, "%s %s has no component for a parent but %q", reg.Type, reg.Name, reg.RPC.GetParent())
		assert.True(t, strings.HasPrefix(reg.Name, parent), "%s is named after its parent %s", reg.Name, parent)
		switch {
		case strings.HasPrefix(reg.Type, "azure-native:"):
			assert.Equal(t, "2.92.3", reg.RPC.GetVersion(), reg.Name)
		case strings.HasPrefix(reg.Type, "azuread:"):
			assert.Equal(t, "6.10.0", reg.RPC.GetVersion(), reg.Name)
		}
	}
}

func TestAssignmentsWaitForWhatTheyAreMadeOf(t *testing.T) {
	t.Parallel()
	r := run(t, batchEndpointAccess(environment()))
	role := r.one(roleDefinition, "access").URN()
	for name, principal := range map[string]registration{
		"pipeline": r.one(servicePrincipal, "access.pipeline"), "partner": r.one(servicePrincipal, "access.partner"),
		"scheduler": r.one(userAssigned, "access.scheduler"),
	} {
		a := r.one(roleAssignment, "access."+name)
		assert.Contains(t, a.dependsOn("principalId"), principal.URN(), name)
		assert.Contains(t, a.dependsOn("roleAssignmentName"), principal.URN(), name)
		assert.Contains(t, a.dependsOn("roleDefinitionId"), role, name)
	}
	assert.Empty(t, r.one(roleAssignment, "access.alice").dependsOn("principalId"),
		"a principal that exists is there already")
	assert.Contains(t, r.one(roleAssignment, "access.lake.patients.reader.cluster.cpu").dependsOn("principalId"),
		r.one(compute, "access.cpu").URN())
	assert.Contains(t, r.one(roleAssignment, "access.shared.images.reader.cluster.gpu").dependsOn("principalId"),
		r.one(userAssigned, "access.gpu.identity").URN())
	assert.Contains(t, r.one(compute, "access.gpu").dependsOn("identity"),
		r.one(userAssigned, "access.gpu.identity").URN())
}

func TestReorderingTheConfigurationChangesNothing(t *testing.T) {
	t.Parallel()
	reordered := environment()
	endpoints := map[string]access.Endpoint{}
	for name, e := range reordered.Endpoints {
		for _, list := range []*[]string{&e.Inputs, &e.Outputs, &e.Invokers} {
			*list = slices.Clone(*list)
			slices.Reverse(*list)
		}
		endpoints[name] = e
	}
	reordered.Endpoints = endpoints
	index := func(r *recorder) map[string]any {
		all := map[string]any{}
		for _, reg := range r.registered {
			if reg.Type != components.BatchEndpointAccessToken { // its inputs are the configuration itself
				all[reg.URN()] = reg.Inputs.Mappable()
			}
		}
		return all
	}
	first, second := run(t, batchEndpointAccess(environment())), run(t, batchEndpointAccess(reordered))
	assert.Equal(t, index(first), index(second))
	assert.Equal(t, first.output("accessReport"), second.output("accessReport"))
}

func TestAnInvokerMoreLeavesTheOthersAlone(t *testing.T) {
	t.Parallel()
	before := run(t, batchEndpointAccess(environment()))
	args := environment()
	args.Invokers["aaa"] = components.InvokerArgs{Kind: access.User, ObjectID: pulumi.String(bob)}
	after := run(t, batchEndpointAccess(args))
	for _, reg := range before.registered {
		if reg.RPC.GetCustom() {
			assert.Equal(t, reg.Inputs.Mappable(), after.one(reg.Type, reg.Name).Inputs.Mappable(), reg.Name)
		}
	}
	assert.Len(t, after.registered, len(before.registered)+1)
}

func TestProtectKeepsWhatWouldNotComeBack(t *testing.T) {
	t.Parallel()
	costly := []string{application, servicePrincipal, userAssigned, compute}
	args := environment()
	for _, protect := range []bool{true, false} {
		args.Protect = protect
		for _, reg := range run(t, batchEndpointAccess(args)).registered {
			assert.Equal(t, protect && slices.Contains(costly, reg.Type), reg.RPC.GetProtect(), "protect %v: %s %s", protect,
				reg.Type, reg.Name)
		}
	}
}

func TestTagsAndLocationReachWhatCanHaveThem(t *testing.T) {
	t.Parallel()
	r := run(t, batchEndpointAccess(environment()))
	for _, token := range []string{compute, userAssigned} {
		for _, reg := range r.ofType(token) {
			assert.Equal(t, map[string]any{"team": "scoring"}, reg.at("tags"), reg.Name)
			assert.Equal(t, "westeurope", reg.at("location"), reg.Name)
		}
	}
	args := environment()
	gpu := args.Clusters["gpu"]
	gpu.Location = pulumi.String("northeurope")
	args.Clusters["gpu"] = gpu
	made := run(t, batchEndpointAccess(args)).one(compute, "access.gpu")
	assert.Equal(t, "westeurope", made.at("location"), "the workspace's region (facts/compute-clusters.md)")
	assert.Equal(t, "northeurope", made.at("properties", "computeLocation"), "where the nodes are")
}

func TestTheRoleIsAssignedWhereTheModelSays(t *testing.T) {
	t.Parallel()
	for scope, want := range map[access.Level]string{
		"": workspaceID, access.AtWorkspace: workspaceID, access.AtResourceGroup: group(
			"ml"), access.AtSubscription: "/subscriptions/" + subscription,
	} {
		t.Run(string(scope), func(t *testing.T) {
			t.Parallel()
			args := environment()
			args.Role.Scope = scope
			r := run(t, batchEndpointAccess(args))
			defined := want
			if want == workspaceID {
				defined = group("ml") // a narrow assignment of a role that is assignable at the group
			}
			assert.Equal(t, defined, r.one(roleDefinition, "access").at("scope"))
			assert.Equal(t, []any{defined}, r.one(roleDefinition, "access").at("assignableScopes"))
			for _, invoker := range []string{"alice", "pipeline"} {
				assert.Equal(t, want, r.one(roleAssignment, "access."+invoker).at("scope"))
			}
		})
	}
}

func TestTheRoleOfTheModelReachesTheRoleComponent(t *testing.T) {
	t.Parallel()
	args := environment()
	args.Role = components.RoleArgs{Name: "Starters", Additions: []string{"pollJobs"}}
	role := run(t, batchEndpointAccess(args)).one(roleDefinition, "access")
	assert.Equal(t, "Starters", role.at("roleName"))
	assert.Len(t, permissionsOf(t, role)[0].Actions, 38)

	args.Role = components.RoleArgs{BuiltIn: "Contributor"}
	r := run(t, batchEndpointAccess(args))
	assert.Empty(t, r.ofType(roleDefinition))
	assert.Equal(t, roleIDs+"b24988ac-6180-42a0-ab88-20f7382dd24c",
		r.one(roleAssignment, "access.alice").at("roleDefinitionId"))
	assert.Equal(t, roleIDs+"b24988ac-6180-42a0-ab88-20f7382dd24c", r.output("roleDefinitionId"))
}

func TestDisplayNamesAreTheInvokersUnlessGiven(t *testing.T) {
	t.Parallel()
	args := environment()
	partner := args.Invokers["partner"]
	partner.DisplayName = "Partner GmbH"
	args.Invokers["partner"] = partner
	r := run(t, batchEndpointAccess(args))
	assert.Equal(t, "access-test-pipeline", r.one(application, "access.pipeline").at("displayName"))
	assert.Equal(t, "Partner GmbH", r.one(application, "access.partner").at("displayName"))
}

func TestTheRecordedInputsKeepFalseApartFromNotSet(t *testing.T) {
	t.Parallel()
	component := run(t, batchEndpointAccess(environment())).ofType(components.BatchEndpointAccessToken)
	require.Len(t, component, 1)
	assert.Equal(t, false, component[0].at("dataInputs", "labels", "credentialInStore"))
	assert.Equal(t, true, component[0].at("dataInputs", "archive", "credentialInStore"))
	assert.Nil(t, component[0].at("dataInputs", "images", "credentialInStore"))
}

// A cluster that changes to another identity finds everything granted to that identity, whatever its name in the
// configuration, and whether it has the role itself or by a group. The engine may make everything else in any order.
func TestAClusterWaitsForWhatItsUserAssignedIdentityIsGranted(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*components.BatchEndpointAccessArgs){
		"an identity of its own": func(*components.BatchEndpointAccessArgs) {},
		"the identity of an invoker": func(args *components.BatchEndpointAccessArgs) {
			args.Invokers["factory"] = components.InvokerArgs{Kind: access.ManagedIdentity,
				ResourceID: identityID}
			args.Clusters["gpu"] = components.ClusterArgs{Identity: access.UserAssigned,
				UserAssignedIdentityID: pulumi.String(identityID)}
		},
		"one of a group that the stack makes": func(args *components.BatchEndpointAccessArgs) {
			args.Invokers["factory"] = components.InvokerArgs{Kind: access.ManagedIdentity,
				ResourceID: identityID}
			args.Invokers["all"] = components.InvokerArgs{Kind: access.Group, ManagedIdentities: true,
				Members: []string{"factory"}}
			args.Endpoints["tagger"] = access.Endpoint{Cluster: "gpu", Inputs: []string{"images", "labels"},
				Invokers: []string{"all"}}
			args.Clusters["gpu"] = components.ClusterArgs{Identity: access.UserAssigned,
				UserAssignedIdentityID: pulumi.String(identityID)}
		},
		"one that another cluster has": func(args *components.BatchEndpointAccessArgs) {
			for _, cluster := range []string{"cpu", "gpu"} {
				args.Clusters[cluster] = components.ClusterArgs{Identity: access.UserAssigned,
					UserAssignedIdentityID: pulumi.String(identityID)}
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			args := environment()
			args.Assertions = nil
			change(&args)
			r := run(t, batchEndpointAccess(args))
			waits := r.one(compute, "access.gpu").RPC.GetDependencies()
			of := map[string]bool{guidOf("principal", identityID): true}
			if args.Clusters["gpu"].UserAssignedIdentityID == nil {
				of[guidOf("principal", group("ml")+"/providers/Microsoft.ManagedIdentity/userAssignedIdentities/"+
					"scoring-gpu-scoring-identity")] = true
			}
			if len(args.Invokers["all"].Members) > 0 {
				of[guidOf("group", "access.all")] = true
				assert.Contains(t, waits, r.one("azuread:index/groupMember:GroupMember", "access.all.factory").URN(),
					"before it is a member, it holds nothing by the group")
			}
			places := map[string]bool{}
			for _, reg := range r.ofType(roleAssignment) {
				if scope := text(reg.Inputs, "scope"); strings.Contains(scope, "/Microsoft.Storage/") &&
					of[text(reg.Inputs, "principalId")] {
					assert.Contains(t, waits, reg.URN())
					places[scope[strings.LastIndex(scope, "/")+1:]] = true
				}
			}
			assert.Subset(t, slices.Collect(maps.Keys(places)), []string{"images", "labels"}, "what it is granted is looked at")
		})
	}
}

// An identity's assignments are named after its first name in the configuration. If a name is added, or another one
// becomes the first, the assignments stay: each has the other names as aliases.
func TestAnAssignmentMayHaveBeenCalledByAnyNameOfItsIdentity(t *testing.T) {
	t.Parallel()
	shared := func(was string) components.ClusterArgs {
		return components.ClusterArgs{Identity: access.UserAssigned, UserAssignedIdentityID: pulumi.String(identityID),
			Was: was}
	}
	const of = "access.shared.images.reader."
	for name, c := range map[string]struct {
		change func(*components.BatchEndpointAccessArgs)
		is     string
		was    []string
	}{
		"three clusters": {func(args *components.BatchEndpointAccessArgs) {
			args.Clusters["cpu"], args.Clusters["gpu"], args.Clusters["tpu"] = shared(""), shared(""), shared("")
		}, "cluster.cpu", []string{"cluster.gpu", "cluster.tpu"}},
		"of which two were renamed": {func(args *components.BatchEndpointAccessArgs) {
			args.Clusters["cpu"], args.Clusters["gpu"] = shared("small"), shared("big")
		}, "cluster.cpu", []string{"cluster.small", "cluster.big", "cluster.gpu"}},
		"an invoker that was renamed, and two clusters": {func(args *components.BatchEndpointAccessArgs) {
			args.Invokers["factory"] = components.InvokerArgs{Kind: access.ManagedIdentity, ResourceID: identityID,
				Was: "adf"}
			args.Clusters["cpu"], args.Clusters["gpu"] = shared(""), shared("")
		}, "invoker.factory", []string{"invoker.adf", "cluster.cpu", "cluster.gpu"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			args := environment()
			args.Assertions = nil
			c.change(&args)
			var was []string
			for _, alias := range run(t, batchEndpointAccess(args)).one(roleAssignment, of+c.is).RPC.GetAliases() {
				if name := alias.GetSpec().GetName(); name != "" {
					was = append(was, strings.TrimPrefix(name, of))
				}
			}
			assert.Equal(t, c.was, was)
		})
	}
}
