package changes

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	azureclient "github.com/batchaccess/batchaccess/internal/azure"
	"github.com/batchaccess/batchaccess/internal/config"
	"github.com/batchaccess/batchaccess/internal/estate"
	"github.com/batchaccess/batchaccess/internal/world"
	"github.com/batchaccess/batchaccess/roles"
	"github.com/batchaccess/batchaccess/sandbox/azure"
	"github.com/batchaccess/batchaccess/sandbox/rehearsal"
)

// inWorld is a stack in an existing workspace. As the stack says, tagger's deployment runs on the cluster cpu; heart's,
// for which the stack says the same, runs on a cluster without an identity.
const inWorld = `config:
  azure-native:location: westeurope
  batchaccess:workspaceId: ` + workspace + `
  batchaccess:location: westeurope
  batchaccess:invokers:
    ann: { kind: user, objectId: 33333333-3333-4333-8333-333333333333 }
    bob: { kind: user, objectId: 44444444-4444-4444-8444-444444444444 }
  batchaccess:clusters:
    cpu: { existing: true }
  batchaccess:storageAccounts:
    lake: ` + group + `Microsoft.Storage/storageAccounts/lake
  batchaccess:dataInputs:
    images: { kind: blob, storageAccount: lake, container: images }
  batchaccess:endpoints:
    heart: { cluster: cpu, inputs: [images] }
    tagger: { cluster: cpu, inputs: [images] }
`

// owner may read everything that export asks for.
type owner struct{ azure *azure.Azure }

func (o owner) GetToken(ctx context.Context, options policy.TokenRequestOptions) (azcore.AccessToken, error) {
	token, err := o.azure.SignIn(ctx, o.azure.Deployer().ObjectID, strings.TrimSuffix(options.Scopes[0], "/.default"))
	return azcore.AccessToken{Token: token, ExpiresOn: time.Now().Add(time.Hour)}, err
}

// A change is rehearsed in the world that export has written, and not in one that is guessed from the stack: the
// clusters of its endpoints decide who can start what before and after.
func TestAChangeIsRehearsedInTheWorldOfAnExport(t *testing.T) {
	t.Parallel()
	old := inWorldVersion(t, inWorld)
	now := inWorldVersion(t, strings.Replace(inWorld,
		"    bob: { kind: user, objectId: 44444444-4444-4444-8444-444444444444 }\n", "", 1))
	a, err := azure.Start(t.Context(), azure.Options{})
	require.NoError(t, err)
	defer func() { assert.NoError(t, a.Close()) }()
	lake := group + "Microsoft.Storage/storageAccounts/lake"
	reader, _ := roles.BuiltIn("Reader")
	runs := func(cluster string) []azure.Deployment {
		return []azure.Deployment{{Name: "blue", ComputeName: cluster}}
	}
	require.NoError(t, a.Seed(azure.Seed{
		Workspaces:      []azure.Workspace{{ID: workspace, Location: "westeurope"}},
		StorageAccounts: []azure.StorageAccount{{ID: lake, Containers: []string{"images"}}},
		Users: []azure.User{
			{ObjectID: "33333333-3333-4333-8333-333333333333", UserPrincipalName: "ann@contoso.com", DisplayName: "Ann"},
			{ObjectID: "44444444-4444-4444-8444-444444444444", UserPrincipalName: "bob@contoso.com", DisplayName: "Bob"},
		},
		Computes: []azure.Compute{{WorkspaceID: workspace, Name: "bare"},
			{WorkspaceID: workspace, Name: "cpu", SystemAssignedPrincipalID: "77777777-7777-4777-8777-777777777777"}},
		Endpoints: []azure.Endpoint{
			{WorkspaceID: workspace, Name: "heart", DefaultDeployment: "blue", Deployments: runs("bare")},
			{WorkspaceID: workspace, Name: "tagger", DefaultDeployment: "blue", Deployments: runs("cpu")},
		},
		RoleAssignments: []azure.RoleAssignment{{ID: "cccccccc-0000-4000-8000-000000000000",
			Scope: "/subscriptions/11111111-1111-4111-8111-111111111111", RoleID: reader.ID,
			PrincipalID: a.Deployer().ObjectID, PrincipalType: "ServicePrincipal"}},
	}))
	c, err := azureclient.Discover(t.Context(), a.Client(), a.Host())
	require.NoError(t, err)
	exported, err := estate.Export(t.Context(), azureclient.NewClient(owner{a}, c, a.Client(), nil), old.Model)
	require.NoError(t, err)
	var file bytes.Buffer
	require.NoError(t, exported.Write(&file))
	w, err := world.Parse(file.Bytes())
	require.NoError(t, err)

	report, err := rehearsal.Change(t.Context(), rehearsal.ChangeOptions{
		Stack: stack, Old: old, New: now, World: w, StateDir: t.TempDir(),
	})
	require.NoError(t, err)
	assert.Empty(t, report.Failed)
	assert.Equal(t, []int{2, 1}, []int{report.Before, report.After}, "heart runs on a cluster without an identity: %+v",
		report)
	require.Len(t, report.Lost, 1)
	assert.Equal(t, "bob", report.Lost[0].Invoker)
	assert.Empty(t, report.Gained)
	assert.Contains(t, strings.Join(report.Broken, "\n"), "heart", "and explain says of it that it works")
}

func inWorldVersion(t *testing.T, text string) rehearsal.Version {
	t.Helper()
	dir := project(t)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "Pulumi."+stack+".yaml"), []byte(text), 0o600))
	values, err := config.ReadStack(dir, stack)
	require.NoError(t, err)
	model, problems := config.Model(values)
	require.NoError(t, problems.Err())
	return rehearsal.Version{ProjectDir: dir, Model: model, Location: "westeurope"}
}
