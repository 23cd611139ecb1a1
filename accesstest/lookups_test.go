package accesstest_test

import (
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/accesstest"
	"github.com/batchaccess/batchaccess/components"
	"github.com/batchaccess/batchaccess/internal/arm"
)

func named(input access.DataInput) pulumi.RunFunc {
	return func(ctx *pulumi.Context) error {
		_, err := components.NewBatchEndpointAccess(ctx, "scoring", &components.BatchEndpointAccessArgs{
			WorkspaceID: pulumi.String(workspaceID),
			Invokers: map[string]components.InvokerArgs{
				"ada":   {Kind: access.User, UserPrincipalName: "ada@contoso.com"},
				"bob":   {Kind: access.User, Mail: "bob@contoso.com"},
				"staff": {Kind: access.Group, DisplayName: "Ada's staff"},
				"robot": {Kind: access.ServicePrincipal, ClientID: pulumi.String("55555555-5555-4555-8555-555555555555")},
				"factory": {
					Kind: access.ManagedIdentity,
					ResourceID: "/subscriptions/11111111-1111-4111-8111-111111111111/resourceGroups/etl/providers/" +
						"Microsoft.DataFactory/factories/nightly",
				},
				"site": {
					Kind: access.ManagedIdentity,
					ResourceID: "/subscriptions/11111111-1111-4111-8111-111111111111/resourceGroups/etl/providers/Microsoft.Web/" +
						"sites/nightly",
				},
			},
			Clusters:        map[string]components.ClusterArgs{"cpu": {Existing: true}},
			StorageAccounts: map[string]pulumi.StringInput{"lake": pulumi.String(lakeID)},
			DataInputs:      map[string]access.DataInput{"scores": input},
			CheckPrincipals: true,
		})
		return err
	}
}

func TestPrincipalsThatAreOnlyNamedAreJudgedByTheirNames(t *testing.T) {
	t.Parallel()
	stack := accesstest.Run(t, named(access.DataInput{Kind: access.Blob, StorageAccount: "lake", Container: "scores"}))
	stack.Require(t, access.Assertion{Can: []string{"ada", "bob", "staff", "robot", "factory", "site"}, Read: "scores"})
	assert.True(t, stack.Model(t, "").Invokers["ada"].PrincipalID.Later(), "mocks don't know it")
	const reads = "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/read"
	for _, who := range []string{"User ada@contoso.com", "bob@contoso.com", "Group Ada's staff",
		"55555555-5555-4555-8555-555555555555", "Factory nightly", "WebApp nightly", "Compute cpu"} {
		if arm.IsGUID(who) {
			who = "ServicePrincipal " + who
		}
		stack.RequireCan(t, who, reads, lakeID+"/blobServices/default/containers/scores")
	}
}

func TestMocksDoNotMakeUpWhatAWorkspaceHolds(t *testing.T) {
	t.Parallel()
	_, err := accesstest.Try(named(access.DataInput{Kind: access.DataStore, DataStore: "labels", Path: "x"}))
	require.ErrorContains(t, err, "dataInputs.scores.dataStore: ")
	assert.ErrorContains(t, err, "write down what it answers, as batchaccess pin does")
}
