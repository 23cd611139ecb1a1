package accesstest_test

import (
	"fmt"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/access/signin"
	"github.com/batchaccess/batchaccess/accesstest"
	"github.com/batchaccess/batchaccess/components"
)

const (
	subscription = "/subscriptions/11111111-1111-4111-8111-111111111111"
	workspaceID  = subscription + "/resourceGroups/ml/providers/Microsoft.MachineLearningServices/workspaces/scoring"
	lakeID       = subscription + "/resourceGroups/data/providers/Microsoft.Storage/storageAccounts/lake"
)

// deploy is another team's stack: its account is an output, and its provider knows the location.
func deploy(ctx *pulumi.Context) error {
	identity, err := components.NewManagedIdentity(ctx, "shared",
		&components.ManagedIdentityArgs{ResourceGroupName: pulumi.String("ml")})
	if err != nil {
		return err
	}
	_, err = components.NewBatchEndpointAccess(ctx, "scoring", &components.BatchEndpointAccessArgs{
		WorkspaceID: pulumi.String(workspaceID),
		Invokers: map[string]components.InvokerArgs{
			"analysts": {Kind: access.Group, ObjectID: pulumi.String("22222222-2222-4222-8222-222222222222")},
			"payroll": {Kind: access.ServicePrincipal,
				ClientSecrets: map[string]signin.ClientSecret{"x": {StartDate: "2026-11-01", EndDate: "2027-05-01"}}},
			"shared": {Kind: access.ManagedIdentity, PrincipalID: identity.PrincipalID},
		},
		Clusters: map[string]components.ClusterArgs{"cpu": {VMSize: pulumi.String("Standard_DS3_v2")},
			"gpu": {Identity: access.UserAssigned, VMSize: pulumi.String("Standard_NC4as_T4_v3")}},
		StorageAccounts: map[string]pulumi.StringInput{"lake": pulumi.ToSecret(pulumi.String(lakeID)).(pulumi.StringOutput)},
		DataInputs: map[string]access.DataInput{
			"scores":  {Kind: access.Blob, StorageAccount: "lake", Container: "scores"},
			"payroll": {Kind: access.Blob, StorageAccount: "lake", Container: "payroll"},
		},
		Endpoints: map[string]access.Endpoint{
			"score": {Cluster: "cpu", Inputs: []string{"scores"}, Invokers: []string{"analysts", "shared"}},
			"pay":   {Cluster: "gpu", Inputs: []string{"payroll"}, Invokers: []string{"payroll"}},
		},
	})
	return err
}

// recorded is a test that may fail.
type recorded struct {
	testing.TB
	says string
}

func (*recorded) Helper() {}

func (r *recorded) Fatalf(format string, args ...any) {
	r.says = fmt.Sprintf(format, args...)
	panic(r)
}

func (r *recorded) Fatal(args ...any) { r.Fatalf("%s", fmt.Sprint(args...)) }

// failure is the message of a test that must fail.
func failure(t *testing.T, test func(testing.TB)) string {
	t.Helper()
	r := &recorded{TB: t}
	require.Panics(t, func() { test(r) }, "the test passes")
	return r.says
}

func TestAnImportingStackSaysWhoMayDoWhat(t *testing.T) {
	t.Parallel()
	stack := accesstest.Run(t, deploy)
	stack.Require(t, access.Assertion{Can: []string{"analysts", "shared"}, Start: "score"})
	stack.Require(t, access.Assertion{Cannot: []string{"analysts"}, Read: "payroll"})
	stack.Require(t, access.Assertion{Only: []string{"payroll", "cluster:gpu"}, Read: "payroll"})
	assert.Equal(t, access.UserAssigned, stack.Model(t, "").Clusters["gpu"].Identity)
	assert.Equal(t, access.Known(lakeID), stack.Model(t, "scoring").StorageAccounts["lake"])

	assert.Contains(t, failure(t, func(t testing.TB) {
		stack.Require(t,
			access.Assertion{Cannot: []string{"analysts"}, Read: "scores"})
	}),
		"invoker analysts: reads by Storage Blob Data Reader on lake/scores")
	assert.Contains(t, failure(t, func(t testing.TB) {
		stack.Require(t,
			access.Assertion{Can: []string{"analysts"}, Read: "payroll"})
	}), "fails at read")
	assert.Contains(t, failure(t, func(t testing.TB) {
		stack.Require(t,
			access.Assertion{Can: []string{"anlysts"}, Read: "payroll"})
	}), `did you mean "analysts"`)
	assert.Contains(t, failure(t, func(t testing.TB) { stack.Model(t, "other") }), "there is scoring")
}

func TestAProgramThatCannotBeJudgedFails(t *testing.T) {
	t.Parallel()
	assert.Contains(t, failure(t, func(t testing.TB) { accesstest.Run(t, func(*pulumi.Context) error { return nil }) }),
		"registers no BatchEndpointAccess")
	assert.Contains(t, failure(t, func(t testing.TB) {
		accesstest.Run(t, func(ctx *pulumi.Context) error {
			_, err := components.NewBatchEndpointAccess(ctx, "x", &components.BatchEndpointAccessArgs{})
			return err
		})
	}), "workspaceId")
}
