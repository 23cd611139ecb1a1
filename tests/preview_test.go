package tests

import (
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/batchaccess/batchaccess/components"
	"github.com/batchaccess/batchaccess/internal/arm"
)

func preview(t *testing.T, p program) *recorder {
	t.Helper()
	r := newRecorder(t)
	r.preview = true
	return r.run(p)
}

// isUnknown reports whether an input will be known only after the deployment.
func (r registration) isUnknown(key string) bool {
	v, ok := r.Inputs[resource.PropertyKey(key)]
	return ok && (v.IsComputed() || v.IsOutput() && !v.OutputValue().Known)
}

func TestAPreviewShowsWhatWillBeMade(t *testing.T) {
	t.Parallel()
	assert.Equal(t, run(t, batchEndpointAccess(environment())).names(),
		preview(t, batchEndpointAccess(environment())).names())
}

func TestAPreviewLeavesUnknownWhatIsUnknown(t *testing.T) {
	t.Parallel()
	r := preview(t, batchEndpointAccess(environment()))
	up := run(t, batchEndpointAccess(environment()))
	for _, name := range []string{"pipeline", "partner", "scheduler", "lake.patients.reader.cluster.cpu",
		"shared.images.reader.cluster.gpu", "shared.images.reader.invoker.partner"} {
		a := r.one(roleAssignment, "access."+name)
		assert.True(t, a.isUnknown("principalId"), name)
		assert.True(t, a.isUnknown("roleAssignmentName"), "%s: a name made of an ID that is not known would be wrong", name)
		assert.False(t, a.isUnknown("scope"), name)
		assert.False(t, a.isUnknown("principalType"), name)
	}
	for _, name := range []string{"access.alice", "access.robot"} {
		a := r.one(roleAssignment, name)
		assert.Equal(t, up.one(roleAssignment, name).at("principalId"), a.at("principalId"), "known before the deployment")
		assert.True(t, a.isUnknown("roleDefinitionId"), "the role is not made yet")
	}
	reader := "access.shared.images.reader.invoker.alice"
	assert.Equal(t, up.one(roleAssignment, reader).Inputs, r.one(roleAssignment, reader).Inputs,
		"nothing of it waits for the deployment")
}

func TestAPreviewKnowsTheRoleAndTheReport(t *testing.T) {
	t.Parallel()
	r, up := preview(t, batchEndpointAccess(environment())), run(t, batchEndpointAccess(environment()))
	assert.Equal(t, up.one(roleDefinition, "access").Inputs, r.one(roleDefinition, "access").Inputs)
	assert.Equal(t, up.output("accessReport"), r.output("accessReport"), "access is reviewed before it is deployed")
	assert.True(t, r.outputs["roleDefinitionId"].IsComputed())
}

// later is an output that is not known in a preview.
func later(ctx *pulumi.Context) (pulumi.StringOutput, error) {
	sp, err := components.NewServicePrincipal(ctx, "later", &components.ServicePrincipalArgs{SignIn: "none"})
	if err != nil {
		return pulumi.StringOutput{}, err
	}
	return sp.ObjectID, nil
}

func TestIDsThatOtherResourcesMakeAreTaken(t *testing.T) {
	t.Parallel()
	p := func(ctx *pulumi.Context) (pulumi.Map, error) {
		id, err := later(ctx)
		if err != nil {
			return nil, err
		}
		args := environment()
		args.Invokers["alice"] = components.InvokerArgs{Kind: "user", ObjectID: id}
		args.WorkspaceID = id.ApplyT(func(string) string { return workspaceID }).(pulumi.StringOutput)
		args.StorageAccounts["lake"] = id.ApplyT(func(string) string { return lakeID }).(pulumi.StringOutput)
		return batchEndpointAccess(args)(ctx)
	}
	a := preview(t, p).one(roleAssignment, "access.lake.patients.reader.invoker.alice")
	for _, key := range []string{"scope", "principalId", "roleAssignmentName", "roleDefinitionId"} {
		assert.True(t, a.isUnknown(key), key)
	}
	up := run(t, p)
	a = up.one(roleAssignment, "access.lake.patients.reader.invoker.alice")
	scope := lakeID + "/blobServices/default/containers/patients"
	assert.Equal(t, scope, a.at("scope"))
	assert.Equal(t, guidOf("servicePrincipal", "later"), a.at("principalId"))
	assert.Equal(t, arm.AssignmentGUID(scope, guidOf("servicePrincipal", "later"), readerGUID),
		a.at("roleAssignmentName"))
	assert.Equal(t, group("ml"), up.one(roleDefinition, "access").at("scope"))
	assert.Equal(t, "ml", up.one(compute, "access.cpu").at("resourceGroupName"))
}

func TestAWrongIDThatIsKnownOnlyLaterIsStillAnError(t *testing.T) {
	t.Parallel()
	err := newRecorder(t).try(func(ctx *pulumi.Context) (pulumi.Map, error) {
		id, err := later(ctx)
		if err != nil {
			return nil, err
		}
		args := environment()
		args.WorkspaceID = id.ApplyT(func(string) string { return lakeID }).(pulumi.StringOutput)
		return batchEndpointAccess(args)(ctx)
	})
	require.Error(t, err)
	assert.ErrorContains(t, err, "is the ID of a Microsoft.Storage/storageAccounts")
}

func TestAPreviewThatKnowsNoPrincipalOfAClusterYetIsNoError(t *testing.T) {
	t.Parallel()
	r := newRecorder(t)
	r.preview, r.echoes = true, true
	r.run(batchEndpointAccess(environment()))
	a := r.one(roleAssignment, "access.lake.patients.reader.cluster.cpu")
	assert.True(t, a.isUnknown("principalId"))
	assert.True(t, a.isUnknown("roleAssignmentName"))
}
