package estate_test

import (
	"context"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/internal/arm"
	azureclient "github.com/batchaccess/batchaccess/internal/azure"
	"github.com/batchaccess/batchaccess/internal/config"
	"github.com/batchaccess/batchaccess/internal/estate"
	"github.com/batchaccess/batchaccess/roles"
	"github.com/batchaccess/batchaccess/sandbox/azure"
)

const (
	subscription = "/subscriptions/11111111-1111-4111-8111-111111111111"
	workspace    = subscription + "/resourceGroups/ml/providers/Microsoft.MachineLearningServices/workspaces/scoring"
	lake         = subscription + "/resourceGroups/data/providers/Microsoft.Storage/storageAccounts/lake"
	ann          = "33333333-3333-4333-8333-333333333333"
	team         = "55555555-5555-4555-8555-555555555555"
	robot        = "44444444-4444-4444-8444-444444444444"
	boss         = "66666666-6666-4666-8666-666666666666"
	cpu          = "77777777-7777-4777-8777-777777777777"
	starter      = "99999999-9999-4999-8999-999999999999"
)

func builtIn(name string) string {
	d, _ := roles.BuiltIn(name)
	return d.ID
}

// guid is a GUID that a person's tool made up.
func guid(n string) string { return "abcdefab-0000-4000-8000-" + strings.Repeat("0", 12-len(n)) + n }

// byHand is access that no stack made.
func byHand() azure.Seed {
	patients := arm.Container(lake, "patients")
	reader, contributor := builtIn(roles.StorageBlobDataReader), builtIn(roles.StorageBlobDataContributor)
	return azure.Seed{
		Workspaces:      []azure.Workspace{{ID: workspace, Location: "westeurope"}},
		StorageAccounts: []azure.StorageAccount{{ID: lake, Containers: []string{"patients", "scores", "old"}}},
		Datastores: []azure.Datastore{
			{WorkspaceID: workspace, Name: "patients", AccountID: lake, Container: "patients"},
			{WorkspaceID: workspace, Name: "scores", AccountID: lake, Container: "scores"},
			{WorkspaceID: workspace, Name: "archive", AccountID: lake, Container: "old", HasCredentials: true},
		},
		Users: []azure.User{
			{ObjectID: ann, UserPrincipalName: "ann@contoso.com", DisplayName: "Ann"},
			{ObjectID: boss, UserPrincipalName: "boss@contoso.com", DisplayName: "Boss"},
		},
		Groups:            []azure.Group{{ObjectID: team, DisplayName: "Scoring # analysts"}},
		ServicePrincipals: []azure.ServicePrincipal{{ObjectID: robot, DisplayName: "yes", Type: "ManagedIdentity"}},
		Computes: []azure.Compute{
			{WorkspaceID: workspace, Name: "cpu", SystemAssignedPrincipalID: cpu}, {WorkspaceID: workspace, Name: "bare"},
		},
		Endpoints: []azure.Endpoint{
			{WorkspaceID: workspace, Name: "heart", DefaultDeployment: "blue",
				Deployments: []azure.Deployment{{Name: "blue", ComputeName: "cpu"}}},
			{WorkspaceID: workspace, Name: "broken", DefaultDeployment: "red",
				Deployments: []azure.Deployment{{Name: "red", ComputeName: "bare"}}},
		},
		RoleDefinitions: []azure.RoleDefinition{{ID: starter, RoleName: "it's ours", AssignableScopes: []string{workspace},
			Permissions: []azure.Permission{{Actions: roles.InvokerActions()}}}},
		RoleAssignments: []azure.RoleAssignment{
			{ID: guid("1"), Scope: workspace, RoleID: starter, PrincipalID: ann, PrincipalType: "User"},
			{ID: guid("2"), Scope: workspace, RoleID: starter, PrincipalID: team, PrincipalType: "Group"},
			{ID: guid("3"), Scope: workspace, RoleID: starter, PrincipalID: robot, PrincipalType: "ServicePrincipal"},
			{ID: guid("4"), Scope: subscription, RoleID: builtIn(roles.Owner), PrincipalID: boss, PrincipalType: "User"},
			{ID: guid("5"), Scope: patients, RoleID: reader, PrincipalID: cpu, PrincipalType: "ServicePrincipal"},
			{ID: guid("6"), Scope: patients, RoleID: reader, PrincipalID: ann, PrincipalType: "User"},
			{ID: guid("7"), Scope: patients, RoleID: reader, PrincipalID: team, PrincipalType: "Group"},
			{ID: guid("8"), Scope: lake, RoleID: contributor, PrincipalID: robot, PrincipalType: "ServicePrincipal"},
		},
	}
}

type caller struct{ azure *azure.Azure }

func (c caller) GetToken(ctx context.Context, o policy.TokenRequestOptions) (azcore.AccessToken, error) {
	token, err := c.azure.SignIn(ctx, c.azure.Deployer().ObjectID, strings.TrimSuffix(o.Scopes[0], "/.default"))
	return azcore.AccessToken{Token: token, ExpiresOn: time.Now().Add(time.Hour)}, err
}

// transport answers in Azure's place at one address.
type transport struct {
	*http.Client
	at     string
	status int
}

func (t transport) Do(req *http.Request) (*http.Response, error) {
	if t.at != "" && strings.Contains(req.URL.Path, t.at) {
		return &http.Response{StatusCode: t.status, Header: http.Header{}, Request: req, Body: http.NoBody}, nil
	}
	return t.Client.Do(req)
}

func read(t *testing.T, seed azure.Seed, id string, through transport) (*estate.Estate, error) {
	t.Helper()
	a, err := azure.Start(t.Context(), azure.Options{})
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, a.Close()) })
	require.NoError(t, a.Seed(seed))
	c, err := azureclient.Discover(t.Context(), a.Client(), a.Host())
	require.NoError(t, err)
	through.Client = a.Client()
	return estate.Read(t.Context(), azureclient.NewClient(caller{a}, c, through, nil), id)
}

func stackOf(t *testing.T, seed azure.Seed) *estate.Stack {
	t.Helper()
	e, err := read(t, seed, workspace, transport{})
	require.NoError(t, err)
	s, err := e.Stack()
	require.NoError(t, err)
	return s
}

func TestAStackGrantsWhatIsThere(t *testing.T) {
	t.Parallel()
	s := stackOf(t, byHand())
	assert.Empty(t, s.Missing, "a grant that Azure does not have")
	assert.Equal(t, access.Endpoint{Cluster: "cpu", Inputs: []string{"patients"},
		Invokers: []string{"ann", "scoring-analysts"}}, s.Model.Endpoints["heart"])
	assert.Len(t, s.Model.Endpoints, 1)
	assert.Len(t, s.Names, 6, "three roles, three readers, each under the name that it has")
	for _, name := range s.Names {
		assert.Contains(t, "123567", name[len(name)-1:])
	}
	beyond, left := strings.Join(s.NotKept, "\n"), strings.Join(s.Left, "\n")
	assert.Contains(t, beyond, "boss@contoso.com has Owner at "+subscription+", which may start jobs")
	assert.Contains(t, beyond, "yes has Storage Blob Data Contributor at "+lake+", which may read data and may write data")
	for _, said := range []string{"endpoint broken, deployment red: it has no managed identity",
		"data store archive holds",
		"endpoint broken: it has no deployment"} {
		assert.Contains(t, left, said)
	}
}

// The YAML, read again, has every text that was written.
func TestTheFileIsReadBack(t *testing.T) {
	t.Parallel()
	s := stackOf(t, byHand())
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "Pulumi.yaml"), []byte("name: own\nruntime: go\n"), 0o600))
	text := s.YAML("own", "")
	require.NoError(t, os.WriteFile(filepath.Join(dir, "Pulumi.prod.yaml"), text, 0o600))
	values, err := config.ReadStack(dir, "prod")
	require.NoError(t, err)
	invokers, _ := values["invokers"].(map[string]any)
	assert.Contains(t, invokers, "yes", string(text))
	assert.Contains(t, invokers, "scoring-analysts")
	role, _ := values["role"].(map[string]any)
	d, wrong := roles.Parse([]byte(role["definition"].(string)))
	require.NoError(t, wrong.Err())
	assert.Equal(t, "it's ours", d.RoleName)
	names, _ := values["assignmentNames"].(map[string]any)
	assert.Len(t, names, 6)
}

func TestWhatCannotBeReadIsAnError(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		id, at string
		status int
		says   string
	}{
		"no such workspace":     {id: workspace + "x", says: "Azure has no workspace"},
		"another kind of ID":    {id: lake, says: "--workspace: \"" + lake + "\" is the ID of a Microsoft.Storage"},
		"no ID":                 {id: "scoring", says: "is not the ARM ID"},
		"endpoints refused":     {workspace, "/batchEndpoints", 403, "may not read"},
		"deployments refused":   {workspace, "/deployments", 403, "it takes Reader"},
		"computes gone":         {workspace, "/computes", 404, "has nothing there (404)"},
		"stores refused":        {workspace, "/datastores", 403, "may not read"},
		"accounts refused":      {workspace, "/storageAccounts", 403, "may not read"},
		"assignments refused":   {workspace, "/roleAssignments", 403, "may not read"},
		"a role that is hidden": {workspace, "/roleDefinitions/" + starter, 404, "is not found"},
		"the directory refuses": {workspace, "/directoryObjects", 403, "Directory.Read.All"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := read(t, byHand(), c.id, transport{at: c.at, status: c.status})
			require.ErrorContains(t, err, c.says)
		})
	}
}

// Whatever is removed from Azure, the stack grants nothing that Azure does not have, and leaves out nothing silently.
func TestEveryAssignmentIsKeptOrNamed(t *testing.T) {
	t.Parallel()
	all := byHand().RoleAssignments
	for without := range all {
		t.Run(all[without].ID, func(t *testing.T) {
			t.Parallel()
			seed := byHand()
			seed.RoleAssignments = append(append([]azure.RoleAssignment{}, all[:without]...), all[without+1:]...)
			s := stackOf(t, seed)
			assert.Empty(t, s.Missing)
			said := strings.Join(s.NotKept, "\n")
			for _, name := range s.Names {
				said += "\n" + name
			}
			for _, a := range seed.RoleAssignments {
				assert.Contains(t, said, a.ID)
			}
		})
	}
}

// Assignments at one endpoint, or with a condition, are narrower than what init writes: they are named.
func TestNarrowAssignmentsAreNamed(t *testing.T) {
	t.Parallel()
	seed := byHand()
	const path = "@Resource[Microsoft.Storage/storageAccounts/blobServices/containers/blobs:path] StringStartsWith 'in/'"
	seed.RoleAssignments = append(seed.RoleAssignments,
		azure.RoleAssignment{ID: guid("21"), Scope: workspace + "/batchEndpoints/heart", RoleID: starter, PrincipalID: boss,
			PrincipalType: "User"},
		azure.RoleAssignment{ID: guid("22"), Scope: arm.Container(lake, "patients"), PrincipalID: robot,
			RoleID: builtIn(roles.StorageBlobDataReader), PrincipalType: "ServicePrincipal", Condition: path})
	s := stackOf(t, seed)
	assert.Empty(t, s.Missing)
	said := strings.Join(s.NotKept, "\n")
	assert.Contains(t, said, guid("21"))
	assert.Regexp(t, "on a condition, which init does not write.*"+guid("22"), said)
	assert.NotContains(t, s.Model.Endpoints["heart"].Invokers, "boss")
}
