package tests

import (
	"strings"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/stretchr/testify/assert"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/components"
)

// Two workspaces over one lake: Azure allows no two assignments alike, so the second component takes the first one's.
func TestTwoComponentsOverOneLakeAssignOnce(t *testing.T) {
	t.Parallel()
	one := func(workspace, who string) *components.BatchEndpointAccessArgs {
		return &components.BatchEndpointAccessArgs{
			WorkspaceID: pulumi.String(strings.Replace(workspaceID, "/workspaces/", "/workspaces/"+workspace, 1)),
			Location:    pulumi.String("westeurope"),
			Invokers: map[string]components.InvokerArgs{
				"alice": {Kind: access.User, ObjectID: pulumi.String(who)},
			},
			Clusters:        map[string]components.ClusterArgs{"cpu": {}},
			StorageAccounts: map[string]pulumi.StringInput{"lake": pulumi.String(lakeID)},
			DataInputs: map[string]access.DataInput{
				"raw": {Kind: access.Blob, StorageAccount: "lake", Container: "raw"},
			},
		}
	}
	r := run(t, func(ctx *pulumi.Context) (pulumi.Map, error) {
		if _, err := components.NewBatchEndpointAccess(ctx, "first", one("a", alice)); err != nil {
			return nil, err
		}
		_, err := components.NewBatchEndpointAccess(ctx, "second", one("b", strings.ToUpper(alice)))
		return nil, err
	})
	onLake := map[any]int{}
	for _, reg := range r.ofType(roleAssignment) {
		scope, _ := reg.at("scope").(string)
		principal, _ := reg.at("principalId").(string)
		if strings.HasPrefix(scope, lakeID) && strings.EqualFold(principal, alice) {
			onLake[reg.at("roleAssignmentName")]++
		}
	}
	assert.Len(t, onLake, 1)
	for name, n := range onLake {
		assert.Equal(t, 1, n, name)
	}
	var names []string
	for _, reg := range r.ofType(roleAssignment) {
		names = append(names, reg.Name)
	}
	assert.Len(t, names, 5, "alice at two workspaces, alice at the lake once, and two cluster identities: %v", names)
}
