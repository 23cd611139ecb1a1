package provider

import (
	"encoding/json"
	"fmt"
	"maps"
	"path/filepath"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/property"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/access/signin"
	"github.com/batchaccess/batchaccess/components"
	"github.com/batchaccess/batchaccess/internal/config"
)

// inGo are the requests that the engine gets from a Go program.
func inGo(t *testing.T, program pulumi.RunFunc) []string {
	t.Helper()
	r := &recorder{}
	require.NoError(t, pulumi.RunErr(program, pulumi.WithMocks("project", "stack", r)))
	return r.sorted()
}

func TestTheSampleIsTheSameResourcesInEveryLanguage(t *testing.T) {
	t.Parallel()
	values, err := config.ReadStack(filepath.Join("..", ".."), "dev")
	require.NoError(t, err)
	archive := values["dataInputs"].(map[string]any)["archive"].(map[string]any)
	// a number in the stack's YAML, which config reads as text and languages with types refuse
	archive["path"] = fmt.Sprint(archive["path"])

	maps.DeleteFunc(values, func(_ string, v any) bool { // defaults of Pulumi.yaml, which no language sets
		m, is := v.(map[string]any)
		return is && m == nil
	})

	args, problems := config.Decode(values)
	require.NoError(t, problems.Err())
	want := inGo(t, func(ctx *pulumi.Context) error {
		_, err := components.NewBatchEndpointAccess(ctx, "access", args)
		return err
	})
	assert.Greater(t, len(want), 30)

	byPlugin := &recorder{}
	construct := request(t, components.BatchEndpointAccessToken, "access", values)
	construct.AdditionalSecretOutputs = []string{"clientSecrets"} // as languages do that go by the schema
	made, err := serve(t, byPlugin).Construct(construct)
	require.NoError(t, err)
	assert.Equal(t, want, byPlugin.sorted())

	secrets := made.State.Get("clientSecrets")
	assert.True(t, secrets.Secret())
	assert.Equal(t, "value of access.partner.2026", secrets.AsMap().Get("partner").AsMap().Get("2026").AsString())
	assert.Equal(t, property.New("clientId of access.pipeline"), made.State.Get("clientIds").AsMap().Get("pipeline"))
	assert.True(t, made.State.Get("accessReport").IsMap(), "outputs that the engine does not keep reach the caller too")
}

func TestEachComponentIsTheSameInEveryLanguage(t *testing.T) {
	t.Parallel()
	id, lake := pulumi.String(workspace), pulumi.ToSecret(pulumi.String(account)).(pulumi.StringOutput)
	assignees := map[string]components.AssigneeArgs{"someone": {PrincipalID: pulumi.String(someone),
		PrincipalType: "User"}}
	tests := map[string]struct {
		inputs string
		inGo   func(ctx *pulumi.Context, options pulumi.ResourceOption) error
	}{
		components.BatchEndpointAccessToken: {
			`{"workspaceId": "` + workspace + `", "invokers": {"a": {"kind": "user", "objectId": "` + someone + `"}}}`,
			func(ctx *pulumi.Context, options pulumi.ResourceOption) error {
				_, err := components.NewBatchEndpointAccess(ctx, "it", &components.BatchEndpointAccessArgs{
					WorkspaceID: id, Invokers: map[string]components.InvokerArgs{"a": {Kind: access.User,
						ObjectID: pulumi.String(someone)}},
				}, options)
				return err
			},
		},
		components.ComputeClusterToken: {
			`{"workspaceId": "` + workspace + `", "cluster": {"computeName": "cpu", "maxNodeCount": 2, ` +
				`"identity": "userAssigned", "isolatedNetwork": true}}`,
			func(ctx *pulumi.Context, options pulumi.ResourceOption) error {
				_, err := components.NewComputeCluster(ctx, "it", &components.ComputeClusterArgs{WorkspaceID: id,
					Cluster: components.ClusterArgs{
						ComputeName: "cpu", MaxNodeCount: pulumi.Int(2), Identity: access.UserAssigned,
						IsolatedNetwork: pulumi.Bool(true),
					}}, options)
				return err
			},
		},
		components.InvokerRoleToken: {
			`{"scope": "` + workspace + `", "additions": ["pollJobs"], "invokers": {"someone": {"principalId": "` + someone +
				`", "principalType": "User"}}}`,
			func(ctx *pulumi.Context, options pulumi.ResourceOption) error {
				_, err := components.NewInvokerRole(ctx, "it", &components.InvokerRoleArgs{Scope: id,
					Additions: []string{"pollJobs"}, Invokers: assignees}, options)
				return err
			},
		},
		components.ManagedIdentityToken: {
			`{"resourceGroupName": "rg", "resourceName": "ident", "tags": {"team": "scoring"}}`,
			func(ctx *pulumi.Context, options pulumi.ResourceOption) error {
				_, err := components.NewManagedIdentity(ctx, "it", &components.ManagedIdentityArgs{
					ResourceGroupName: pulumi.String("rg"), ResourceName: pulumi.String("ident"),
					Tags: pulumi.StringMap{"team": pulumi.String("scoring")},
				}, options)
				return err
			},
		},
		components.ServicePrincipalToken: {
			`{"clientSecrets": {"2026": {"startDate": "2026-11-01", "endDate": "2027-11-01"}}}`,
			func(ctx *pulumi.Context, options pulumi.ResourceOption) error {
				_, err := components.NewServicePrincipal(ctx, "it", &components.ServicePrincipalArgs{
					ClientSecrets: map[string]signin.ClientSecret{"2026": {StartDate: "2026-11-01", EndDate: "2027-11-01"}},
				}, options)
				return err
			},
		},
		components.StorageContributorToken: {
			`{"storageAccountId": "` + account + `", "principals": {"someone": {"principalId": "` + someone + `", ` +
				`"principalType": "User"}}}`,
			func(ctx *pulumi.Context, options pulumi.ResourceOption) error {
				_, err := components.NewStorageContributor(ctx, "it", &components.StorageContributorArgs{
					StorageAccountID: lake, Principals: assignees,
				}, options)
				return err
			},
		},
		components.StorageReaderToken: {
			`{"storageAccountId": "` + account + `", "principals": {"someone": {"principalId": "` + someone +
				`", "principalType": "User"}}}`,
			func(ctx *pulumi.Context, options pulumi.ResourceOption) error {
				_, err := components.NewStorageReader(ctx, "it", &components.StorageReaderArgs{StorageAccountID: lake,
					Principals: assignees}, options)
				return err
			},
		},
	}
	require.Len(t, tests, len(Components))
	for token, test := range tests {
		t.Run(token, func(t *testing.T) {
			t.Parallel()
			want := inGo(t, func(ctx *pulumi.Context) error { return test.inGo(ctx, pulumi.Protect(true)) })
			assert.Greater(t, len(want), 1, "the component has children")
			for _, resource := range want {
				assert.Contains(t, resource, `"protect":true`)
			}

			var inputs map[string]any
			require.NoError(t, json.Unmarshal([]byte(test.inputs), &inputs))
			construct := request(t, token, "it", inputs)
			if id, ok := construct.Inputs.GetOk("storageAccountId"); ok { // a secret, to the Go program too
				construct.Inputs = construct.Inputs.Set("storageAccountId", id.WithSecret(true))
			}
			yes := true
			construct.Protect = &yes
			byPlugin := &recorder{}
			made, err := serve(t, byPlugin).Construct(construct)
			require.NoError(t, err)
			assert.Equal(t, want, byPlugin.sorted())
			assert.Equal(t, construct.Urn, made.Urn)
		})
	}
}
