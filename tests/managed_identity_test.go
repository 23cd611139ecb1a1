package tests

import (
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/batchaccess/batchaccess/components"
)

func managedIdentity(args components.ManagedIdentityArgs, opts ...pulumi.ResourceOption) program {
	return func(ctx *pulumi.Context) (pulumi.Map, error) {
		identity, err := components.NewManagedIdentity(ctx, "ident", &args, opts...)
		if err != nil {
			return nil, err
		}
		return pulumi.Map{"resourceId": identity.ResourceID, "principalId": identity.PrincipalID,
			"clientId": identity.ClientID}, nil
	}
}

func TestManagedIdentityIsMade(t *testing.T) {
	t.Parallel()
	r := run(t, managedIdentity(components.ManagedIdentityArgs{
		ResourceGroupName: pulumi.String("ml"), Location: pulumi.String("westeurope"), Tags: pulumi.StringMap{"team": pulumi.String("scoring")},
	}))
	made := r.one(userAssigned, "ident")
	assert.Equal(t, map[string]any{
		"resourceGroupName": "ml", "resourceName": "ident", "location": "westeurope",
		"tags": map[string]any{"team": "scoring"},
	}, made.Inputs.Mappable())
	assert.Equal(t, r.one(components.ManagedIdentityToken, "ident").URN(), made.RPC.GetParent())
	id := group("ml") + "/providers/Microsoft.ManagedIdentity/userAssignedIdentities/ident"
	assert.Equal(t, id, r.output("resourceId"))
	assert.Equal(t, guidOf("principal", id), r.output("principalId"))
	assert.Equal(t, guidOf("client", id), r.output("clientId"))
	assert.Empty(t, r.calls)

	named := run(t, managedIdentity(components.ManagedIdentityArgs{ResourceGroupName: pulumi.String("ml"),
		ResourceName: pulumi.String("caller")}))
	assert.Equal(t, "caller", named.one(userAssigned, "ident").at("resourceName"))
}

func TestManagedIdentityThatExistsIsLookedUp(t *testing.T) {
	t.Parallel()
	r := run(t, managedIdentity(components.ManagedIdentityArgs{ExistingID: pulumi.String(identityID)}))
	assert.Equal(t, []string{"ManagedIdentity ident"}, r.names(), "nothing is made")
	require.Len(t, r.calls, 1)
	assert.Equal(t, map[string]any{"resourceGroupName": "ids", "resourceName": "mounter"}, r.calls[0].Args.Mappable())
	assert.Equal(t, identityID, r.output("resourceId"))
	assert.Equal(t, guidOf("principal", identityID), r.output("principalId"))
	assert.Equal(t, guidOf("client", identityID), r.output("clientId"))
}

func TestManagedIdentityByPrincipalIDIsTaken(t *testing.T) {
	t.Parallel()
	r := run(t, managedIdentity(components.ManagedIdentityArgs{PrincipalID: pulumi.String(existingMI)}))
	assert.Equal(t, []string{"ManagedIdentity ident"}, r.names())
	assert.Empty(t, r.calls)
	assert.Equal(t, existingMI, r.output("principalId"))
	assert.Empty(t, r.output("resourceId"))
	assert.Empty(t, r.output("clientId"))
}

func TestManagedIdentityRefuses(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		args components.ManagedIdentityArgs
		want []string
	}{
		"nothing": {components.ManagedIdentityArgs{},
			[]string{"arguments: ", "resourceGroupName", "existingId", "principalId"}},
		"two ways": {components.ManagedIdentityArgs{ExistingID: pulumi.String(identityID),
			PrincipalID: pulumi.String(existingMI)}, []string{"arguments: "}},
		"a name for a GUID": {components.ManagedIdentityArgs{PrincipalID: pulumi.String("factory")},
			[]string{`principalId: "factory" is not a GUID`}},
		"a storage account": {components.ManagedIdentityArgs{ExistingID: pulumi.String(lakeID)},
			[]string{"existingId: ", "Microsoft.Storage/storageAccounts", "userAssignedIdentities/<name>"}},
		"a malformed ID": {components.ManagedIdentityArgs{ExistingID: pulumi.String("mounter")},
			[]string{`existingId: "mounter" is not the ARM ID`}},
		"several at once": {components.ManagedIdentityArgs{ExistingID: pulumi.String("mounter"),
			PrincipalID: pulumi.String("factory")}, []string{"arguments: ", "existingId: ", "principalId: "}},
		"an empty ARM ID": {components.ManagedIdentityArgs{ExistingID: pulumi.String("")},
			[]string{"existingId: is missing"}},
		"an empty object ID": {components.ManagedIdentityArgs{PrincipalID: pulumi.String("")}, []string{"principalId: "}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := refused(t, managedIdentity(c.args))
			assert.Contains(t, got, `ManagedIdentity "ident"`)
			for _, want := range c.want {
				assert.Contains(t, got, want)
			}
		})
	}
}
