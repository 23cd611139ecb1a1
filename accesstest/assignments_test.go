package accesstest_test

import (
	"strings"
	"testing"

	"github.com/pulumi/pulumi-azure-native-sdk/authorization/v2"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/accesstest"
	"github.com/batchaccess/batchaccess/components"
	"github.com/batchaccess/batchaccess/roles"
	"github.com/batchaccess/batchaccess/sdks/azuread"
)

const (
	ann        = "33333333-3333-4333-8333-333333333333"
	roleID     = subscription + "/providers/Microsoft.Authorization/roleDefinitions/77777777-7777-4777-8777-777777777777"
	starts     = "Microsoft.MachineLearningServices/workspaces/batchEndpoints/jobs/write"
	polls      = "Microsoft.MachineLearningServices/workspaces/jobs/read"
	scores     = lakeID + "/blobServices/default/containers/scores"
	platform   = "contoso/platform/prod"
	definition = `{"properties": {"roleName": "Scorers", "permissions": [{"actions": ` +
		`["Microsoft.MachineLearningServices/workspaces/batchEndpoints/*"]}]}}`
)

// parts is a stack of single components, and of an assignment of its own.
func parts(ctx *pulumi.Context) error {
	sp, err := components.NewServicePrincipal(ctx, "pipeline", &components.ServicePrincipalArgs{SignIn: "none"})
	if err != nil {
		return err
	}
	cluster, err := components.NewComputeCluster(ctx, "cpu", &components.ComputeClusterArgs{
		WorkspaceID: pulumi.String(workspaceID), Cluster: components.ClusterArgs{Existing: true, ComputeName: "old-cpu"},
	})
	if err != nil {
		return err
	}
	if _, err := components.NewInvokerRole(ctx, "invoker", &components.InvokerRoleArgs{
		Scope: pulumi.String(workspaceID), Invokers: map[string]components.AssigneeArgs{"pipeline": {PrincipalID: sp.ObjectID,
			PrincipalType: "ServicePrincipal"}},
	}); err != nil {
		return err
	}
	if _, err := components.NewStorageReader(ctx, "scores", &components.StorageReaderArgs{
		StorageAccountID: pulumi.String(lakeID), Container: "scores",
		Principals: map[string]components.AssigneeArgs{"cluster": {PrincipalID: cluster.PrincipalID,
			PrincipalType: "ServicePrincipal"}},
	}); err != nil {
		return err
	}
	_, err = authorization.NewRoleAssignment(ctx, "owner", &authorization.RoleAssignmentArgs{
		Scope: pulumi.String(subscription), PrincipalId: pulumi.ToSecret(pulumi.String(ann)).(pulumi.StringOutput),
		PrincipalType:    pulumi.String("User"),
		RoleDefinitionId: pulumi.String(roles.DefinitionID("8e3af657-a8ff-443c-a75c-2fe8c4bcb635")),
	})
	return err
}

func TestPartsAreJudgedByWhatIsAssigned(t *testing.T) {
	t.Parallel()
	stack := accesstest.Run(t, parts)
	var all []string
	for _, a := range stack.Assignments() {
		all = append(all, a.Name+" | "+a.Component+" | "+a.PrincipalType+" | "+a.Role.RoleName+" | "+a.Scope)
		assert.True(t, a.Known)
	}
	made := stack.Assignments()[0].Role.RoleName
	assert.Equal(t, []string{
		"invoker.pipeline | InvokerRole invoker | ServicePrincipal | " + made + " | " + workspaceID,
		"owner |  | User | Owner | " + subscription,
		"scores.cluster | StorageReader scores | ServicePrincipal | Storage Blob Data Reader | " + scores,
	}, all)

	stack.RequireCan(t, "pipeline", starts, workspaceID)
	stack.RequireCan(t, "ServicePrincipal pipeline", "changesCode", workspaceID)
	stack.RequireCan(t, "old-cpu", roles.ReadBlobs, scores)
	stack.RequireCan(t, ann, "Microsoft.Storage/storageAccounts/delete", lakeID)
	stack.RequireCannot(t, "pipeline", polls, workspaceID)
	stack.RequireCannot(t, "pipeline", roles.ReadBlobs, lakeID)
	stack.RequireCannot(t, "pipeline", "grantsAccess", subscription)
	stack.RequireCannot(t, "old-cpu", starts, workspaceID)
	stack.RequireCannot(t, "old-cpu", roles.ReadBlobs, lakeID+"/blobServices/default/containers/payroll")
	stack.RequireCannot(t, ann, roles.ReadBlobs, lakeID)
	stack.RequireCannot(t, "44444444-4444-4444-8444-444444444444", starts, workspaceID)
}

// Members have what is assigned to their group, and to a group that contains it.
func TestMembersHaveWhatTheirGroupIsAssigned(t *testing.T) {
	t.Parallel()
	stack := accesstest.Run(t, func(ctx *pulumi.Context) error {
		made := map[string]*azuread.Group{}
		for _, name := range []string{"scorers", "all"} {
			group, err := azuread.NewGroup(ctx, name, &azuread.GroupArgs{DisplayName: pulumi.String(name),
				SecurityEnabled: pulumi.Bool(true)})
			if err != nil {
				return err
			}
			made[name] = group
		}
		for name, in := range map[string]struct{ group, member pulumi.StringInput }{
			"ann": {made["scorers"].ObjectId, pulumi.String(ann)}, "scorers": {made["all"].ObjectId, made["scorers"].ObjectId},
		} {
			if _, err := azuread.NewGroupMember(ctx, name, &azuread.GroupMemberArgs{GroupObjectId: in.group,
				MemberObjectId: in.member}); err != nil {
				return err
			}
		}
		for name, container := range map[string]string{"scorers": "images", "all": "scores"} {
			if _, err := components.NewStorageReader(ctx, name, &components.StorageReaderArgs{
				StorageAccountID: pulumi.String(lakeID), Container: container,
				Principals: map[string]components.AssigneeArgs{"them": {PrincipalID: made[name].ObjectId, PrincipalType: "Group"}},
			}); err != nil {
				return err
			}
		}
		return nil
	})
	images := lakeID + "/blobServices/default/containers/images"
	stack.RequireCan(t, ann, roles.ReadBlobs, images)
	stack.RequireCan(t, ann, roles.ReadBlobs, scores)
	stack.RequireCan(t, "scorers", roles.ReadBlobs, scores)
	stack.RequireCannot(t, "all", roles.ReadBlobs, images)
	stack.RequireCannot(t, ann, roles.ReadBlobs, lakeID+"/blobServices/default/containers/payroll")
}

func TestARequirementThatDoesNotHoldFails(t *testing.T) {
	t.Parallel()
	stack := accesstest.Run(t, parts)
	for name, c := range map[string]struct {
		test func(testing.TB)
		says []string
	}{
		"can, by no entry of the role": {func(t testing.TB) { stack.RequireCan(t, "pipeline", polls, workspaceID) },
			[]string{"pipeline can't do " + polls, "it has: Batch Endpoint Invoker"}},
		"can, at a wider scope": {func(t testing.TB) { stack.RequireCan(t, "old-cpu", roles.ReadBlobs, lakeID) },
			[]string{"it has: Storage Blob Data Reader on " + scores}},
		"can, and holds nothing": {func(t testing.TB) {
			stack.RequireCan(t, "44444444-4444-4444-8444-444444444444",
				starts, workspaceID)
		}, []string{"is assigned no role"}},
		"cannot, and is assigned it": {func(t testing.TB) { stack.RequireCannot(t, "pipeline", starts, workspaceID) },
			[]string{"pipeline may do " + starts, "by invoker.pipeline of InvokerRole invoker"}},
		"cannot, and has it below": {func(t testing.TB) {
			stack.RequireCannot(t, "old-cpu", roles.ReadBlobs,
				subscription)
		}, []string{"Storage Blob Data Reader on " + scores, "scores.cluster of StorageReader scores"}},
		"cannot, and inherits it": {func(t testing.TB) { stack.RequireCannot(t, ann, "grantsAccess", scores) },
			[]string{"Owner on " + subscription}},
		"cannot read secrets, and can": {func(t testing.TB) {
			stack.RequireCannot(t, "pipeline", "readsSecrets",
				workspaceID)
		}, []string{"listStorageAccountKeys/action"}},
		"a principal that is not there": {func(t testing.TB) { stack.RequireCannot(t, "pipelin", starts, workspaceID) },
			[]string{`"pipelin" is the name of 0 principals`, "Compute old-cpu, ServicePrincipal pipeline"}},
		"a word that is no action": {func(t testing.TB) { stack.RequireCannot(t, "pipeline", "read", workspaceID) },
			[]string{`"read" is neither an action`}},
		"an action with a wildcard": {func(t testing.TB) {
			stack.RequireCannot(t, "pipeline", "Microsoft.Storage/*",
				workspaceID)
		}, []string{"neither an action in full"}},
		"a scope by its name": {func(t testing.TB) { stack.RequireCannot(t, "pipeline", starts, "scoring") },
			[]string{`"scoring" is no scope`}},
		"an assertion of a model, of none": {func(t testing.TB) {
			stack.Require(t,
				access.Assertion{Can: []string{"pipeline"}, Start: "x"})
		}, []string{"there is no model to judge"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, says := range c.says {
				assert.Contains(t, failure(t, c.test), says)
			}
		})
	}
}

// starters assigns a role that another stack made.
func starters(said string) pulumi.RunFunc {
	return func(ctx *pulumi.Context) error {
		other, err := pulumi.NewStackReference(ctx, platform, nil)
		if err != nil {
			return err
		}
		_, err = components.NewInvokerRole(ctx, "invoker", &components.InvokerRoleArgs{
			Scope: pulumi.String(workspaceID), RoleDefinitionID: other.GetStringOutput(
				pulumi.String("roleDefinitionId")), Definition: said,
			Invokers: map[string]components.AssigneeArgs{"ann": {PrincipalID: pulumi.String(ann), PrincipalType: "User"}},
		})
		return err
	}
}

func TestARoleOfAnotherStackIsJudgedByWhatIsSaidOfIt(t *testing.T) {
	t.Parallel()
	outputs := accesstest.StackOutputs(platform, map[string]any{"roleDefinitionId": roleID})
	given := accesstest.Run(t, starters(definition), outputs)
	given.RequireCan(t, ann, starts, workspaceID)
	given.RequireCannot(t, ann, polls, workspaceID)

	unknown := accesstest.Run(t, starters(""), outputs)
	assert.False(t, unknown.Assignments()[0].Known)
	assert.Contains(t, failure(t, func(t testing.TB) { unknown.RequireCan(t, ann, starts, workspaceID) }),
		"of which it is not known what it allows")
	assert.Contains(t, failure(t, func(t testing.TB) { unknown.RequireCannot(t, ann, polls, workspaceID) }),
		"of which it is not known what it allows")
	unknown.RequireCannot(t, ann, roles.ReadBlobs, lakeID)
}

func TestTheOutputsOfAnotherStackAreNotMadeUp(t *testing.T) {
	t.Parallel()
	_, err := accesstest.Try(starters(""))
	require.ErrorContains(t, err, `the program refers to stack "`+platform+`", of which the test says nothing`)
	require.ErrorContains(t, err, "accesstest.StackOutputs")
	_, err = accesstest.Try(starters(""), accesstest.StackOutputs(platform, map[string]any{"roleId": roleID}))
	require.ErrorContains(t, err, `output "roleDefinitionId" does not exist on stack "`+platform+`"`)
}

// A condition may take away what the role gives. So such an assignment satisfies no RequireCan, and fails
// RequireCannot.
func TestAConditionIsNotJudged(t *testing.T) {
	t.Parallel()
	stack := accesstest.Run(t, func(ctx *pulumi.Context) error {
		_, err := authorization.NewRoleAssignment(ctx, "reader", &authorization.RoleAssignmentArgs{
			Scope: pulumi.String(lakeID), PrincipalId: pulumi.String(ann), Condition: pulumi.String("@Resource[x] " +
				"StringEquals 'y'"),
			RoleDefinitionId: pulumi.String(roles.DefinitionID("2a2b9908-6ea1-4ae2-8e65-a410df84e7d1")),
		})
		return err
	})
	assert.Contains(t, failure(t, func(t testing.TB) { stack.RequireCan(t, ann, roles.ReadBlobs, lakeID) }),
		"under a condition")
	assert.Contains(t, failure(t, func(t testing.TB) { stack.RequireCannot(t, ann, roles.ReadBlobs, lakeID) }),
		"under a condition")
}

// An ID that the mocks make up is in no Azure, so a model must not treat it as an existing one.
func TestAModelHoldsNoIDThatWasMadeUp(t *testing.T) {
	t.Parallel()
	m := accesstest.Run(t, deploy).Model(t, "")
	assert.True(t, m.Invokers["shared"].PrincipalID.Later())
	assert.Equal(t, access.Known("22222222-2222-4222-8222-222222222222"), m.Invokers["analysts"].PrincipalID)
}

func TestTwoPrincipalsOfOneNameNeedTheirTypes(t *testing.T) {
	t.Parallel()
	stack := accesstest.Run(t, func(ctx *pulumi.Context) error {
		sp, err := components.NewServicePrincipal(ctx, "robot", &components.ServicePrincipalArgs{SignIn: "none"})
		if err != nil {
			return err
		}
		if _, err := components.NewManagedIdentity(ctx, "robot",
			&components.ManagedIdentityArgs{ResourceGroupName: pulumi.String("ml"),
				Location: pulumi.String("westeurope")}); err != nil {
			return err
		}
		_, err = components.NewInvokerRole(ctx, "invoker", &components.InvokerRoleArgs{
			Scope: pulumi.String(workspaceID), Invokers: map[string]components.AssigneeArgs{"robot": {PrincipalID: sp.ObjectID,
				PrincipalType: "ServicePrincipal"}},
		})
		return err
	})
	stack.RequireCan(t, "ServicePrincipal robot", starts, workspaceID)
	stack.RequireCannot(t, "UserAssignedIdentity robot", starts, workspaceID)
	assert.Contains(t, failure(t, func(t testing.TB) { stack.RequireCan(t, "robot", starts, workspaceID) }),
		`"robot" is the name of 2 principals`)
}

// places makes the resources that the components are for, as a stack does that is deployed as a whole.
func places(ctx *pulumi.Context) error {
	made := func(token, name string, inputs pulumi.Map) (pulumi.StringOutput, error) {
		r := &struct{ pulumi.CustomResourceState }{}
		err := ctx.RegisterResource(token, name, inputs, r)
		return r.ID().ToStringOutput(), err
	}
	lake, err := made("azure-native:storage/v20230501:StorageAccount", "lake",
		pulumi.Map{"accountName": pulumi.String("contosolake"), "resourceGroupName": pulumi.String("data")})
	if err != nil {
		return err
	}
	workspace, err := made("azure-native:machinelearningservices:Workspace", "scoring",
		pulumi.Map{"resourceGroupName": pulumi.String("ml")})
	if err != nil {
		return err
	}
	mounter, err := made("azure-native:managedidentity:UserAssignedIdentity", "mounter",
		pulumi.Map{"resourceGroupName": pulumi.String("ml")})
	if err != nil {
		return err
	}
	if _, err := components.NewStorageReader(ctx, "scores", &components.StorageReaderArgs{
		StorageAccountID: lake, Container: "scores", Principals: map[string]components.AssigneeArgs{
			"ann": {PrincipalID: pulumi.String(ann), PrincipalType: "User"}},
	}); err != nil {
		return err
	}
	_, err = components.NewBatchEndpointAccess(ctx, "access", &components.BatchEndpointAccessArgs{
		WorkspaceID: workspace,
		Location:    pulumi.String("westeurope"),
		Invokers:    map[string]components.InvokerArgs{"ann": {Kind: access.User, ObjectID: pulumi.String(ann)}},
		Clusters: map[string]components.ClusterArgs{"cpu": {Identity: access.UserAssigned,
			UserAssignedIdentityID: mounter}},
		StorageAccounts: map[string]pulumi.StringInput{"lake": lake},
		DataInputs: map[string]access.DataInput{"images": {Kind: access.Blob, StorageAccount: "lake",
			Container: "images"}},
	})
	return err
}

func TestWhatTheProgramMakesItselfIsAScope(t *testing.T) {
	t.Parallel()
	stack := accesstest.Run(t, places)
	stack.Require(t, access.Assertion{Only: []string{"ann", "cluster:cpu"}, Read: "images"})
	lake := stack.ID(t, "StorageAccount lake")
	assert.True(t, strings.HasSuffix(lake, "/resourceGroups/data/providers/Microsoft.Storage/storageAccounts/contosolake"),
		lake)
	stack.RequireCan(t, ann, roles.ReadBlobs, lake+"/blobServices/default/containers/scores")
	stack.RequireCannot(t, ann, roles.WriteBlobs, lake)
	stack.RequireCan(t, ann, starts, stack.ID(t, "Workspace scoring"))
	m := stack.Model(t, "")
	for _, id := range []access.ID{m.WorkspaceID, m.StorageAccounts["lake"], m.Clusters["cpu"].UserAssignedIdentityID} {
		assert.True(t, id.Later(), "as at a preview")
	}
	assert.Contains(t, failure(t, func(t testing.TB) { stack.ID(t, "lake") }),
		`no ID was made up for "lake"; there is one of StorageAccount lake, UserAssignedIdentity mounter, Workspace scoring`)
}

func TestARoleActsOnlyOnWhatThereIsBelowItsScope(t *testing.T) {
	t.Parallel()
	const bob = "abababab-abab-4bab-8bab-abababababab"
	stack := accesstest.Run(t, func(ctx *pulumi.Context) error {
		for name, role := range map[string]string{
			"blobs": roles.DefinitionID(strings.ToUpper("ba92f5b4-2d11-453d-a403-e96b0029c9fe")), "owns": roles.DefinitionID(
				"8e3af657-a8ff-443c-a75c-2fe8c4bcb635"),
		} {
			if _, err := authorization.NewRoleAssignment(ctx, name, &authorization.RoleAssignmentArgs{
				Scope: pulumi.String(workspaceID), PrincipalId: pulumi.String(
					strings.ToUpper(bob)), PrincipalType: pulumi.String("User"), RoleDefinitionId: pulumi.String(role),
			}); err != nil {
				return err
			}
		}
		return nil
	})
	for _, a := range stack.Assignments() {
		assert.True(t, a.Known, a)
	}
	stack.RequireCan(t, bob, starts, workspaceID)
	stack.RequireCannot(t, bob, roles.WriteBlobs, workspaceID)
	assert.Contains(t, failure(t, func(t testing.TB) { stack.RequireCan(t, bob, roles.WriteBlobs, workspaceID) }),
		"can't do")
}
