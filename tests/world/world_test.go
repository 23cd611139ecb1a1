// Package world exports what one sandbox has, and rehearses stacks in another that has just that.
package world_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gopkg.in/yaml.v3"

	azureclient "github.com/batchaccess/batchaccess/internal/azure"
	"github.com/batchaccess/batchaccess/internal/config"
	"github.com/batchaccess/batchaccess/internal/estate"
	"github.com/batchaccess/batchaccess/internal/world"
	"github.com/batchaccess/batchaccess/roles"
	"github.com/batchaccess/batchaccess/sandbox/azure"
	"github.com/batchaccess/batchaccess/sandbox/rehearsal"
	"github.com/batchaccess/batchaccess/tests/internal/inprocess"
)

const (
	worldGroup     = "/subscriptions/11111111-1111-4111-8111-111111111111/resourceGroups/ml/providers/"
	worldWorkspace = worldGroup + "Microsoft.MachineLearningServices/workspaces/scoring"
	worldLake      = worldGroup + "Microsoft.Storage/storageAccounts/lake"
	worldIdentity  = worldGroup + "Microsoft.ManagedIdentity/userAssignedIdentities/robot"
	ann            = "33333333-3333-4333-8333-333333333333"
	team           = "55555555-5555-4555-8555-555555555555"
	cpuPrincipal   = "77777777-7777-4777-8777-777777777777"
	robotPrincipal = "44444444-4444-4444-8444-444444444444"
)

// worldStack is a stack in a workspace that has some of its resources already.
const worldStack = `
workspaceId: ` + worldWorkspace + `
location: westeurope
invokers:
  ann: { kind: user, objectId: ` + ann + ` }
  team: { kind: group, objectId: ` + team + ` }
  robot: { kind: managedIdentity, principalId: ` + robotPrincipal + `, resourceId: ` + worldIdentity + ` }
  bot: { kind: servicePrincipal, signIn: none }
clusters:
  cpu: { existing: true }
  gpu: {}
storageAccounts: { lake: ` + worldLake + ` }
dataInputs:
  patients: { kind: dataStore, dataStore: patients, path: in, credentialInStore: false, storageAccount: lake,
    container: patients }
  images: { kind: blob, storageAccount: lake, container: images }
  base: { kind: dataAsset, dataAsset: base, version: "3", dataStore: patients, path: base, credentialInStore: false,
    storageAccount: lake, container: patients }
endpoints:
  heart: { cluster: cpu, inputs: [patients, base] }
  tagger: { inputs: [images], deployments: { blue: { cluster: gpu }, red: { cluster: cpu } } }
`

func worldValues(t *testing.T, edits ...string) map[string]any {
	t.Helper()
	var values map[string]any
	text := strings.NewReplacer(edits...).Replace(worldStack)
	require.True(t, len(edits) == 0 || text != worldStack, "no edit was made")
	require.NoError(t, yaml.Unmarshal([]byte(text), &values))
	return values
}

// realAzure has everything that the stack refers to, and more.
func realAzure() azure.Seed {
	runs := func(name, cluster string) azure.Deployment { return azure.Deployment{Name: name, ComputeName: cluster} }
	return azure.Seed{
		Workspaces: []azure.Workspace{{ID: worldWorkspace, Location: "westeurope"}},
		StorageAccounts: []azure.StorageAccount{{ID: worldLake,
			Containers: []string{"patients", "images", "elsewhere"}}},
		Datastores: []azure.Datastore{
			{WorkspaceID: worldWorkspace, Name: "patients", AccountID: worldLake, Container: "patients"},
			{WorkspaceID: worldWorkspace, Name: "other", AccountID: worldLake, Container: "elsewhere", HasCredentials: true},
		},
		DataAssets: []azure.DataAsset{{WorkspaceID: worldWorkspace, Name: "base", Version: "3", Datastore: "patients",
			Path: "base"}},
		Users:  []azure.User{{ObjectID: ann, UserPrincipalName: "ann@contoso.com", DisplayName: "Ann"}},
		Groups: []azure.Group{{ObjectID: team, DisplayName: "Scoring"}},
		UserAssignedIdentities: []azure.UserAssignedIdentity{{ID: worldIdentity, PrincipalID: robotPrincipal,
			ClientID: "88888888-8888-4888-8888-888888888888", Location: "westeurope"}},
		Computes: []azure.Compute{
			{WorkspaceID: worldWorkspace, Name: "cpu", SystemAssignedPrincipalID: cpuPrincipal},
			{WorkspaceID: worldWorkspace, Name: "gpu", SystemAssignedPrincipalID: "99999999-9999-4999-8999-999999999999"},
			{WorkspaceID: worldWorkspace, Name: "bare"},
		},
		Endpoints: []azure.Endpoint{
			{WorkspaceID: worldWorkspace, Name: "heart", DefaultDeployment: "first",
				Deployments: []azure.Deployment{runs("first", "cpu"), runs("second", "bare")}},
			{WorkspaceID: worldWorkspace, Name: "tagger", DefaultDeployment: "blue",
				Deployments: []azure.Deployment{runs("blue", "gpu"), runs("red", "cpu")}},
		},
	}
}

type worldCaller struct{ azure *azure.Azure }

func (c worldCaller) GetToken(ctx context.Context, o policy.TokenRequestOptions) (azcore.AccessToken, error) {
	token, err := c.azure.SignIn(ctx, c.azure.Deployer().ObjectID, strings.TrimSuffix(o.Scopes[0], "/.default"))
	return azcore.AccessToken{Token: token, ExpiresOn: time.Now().Add(time.Hour)}, err
}

// readsOnly notes every request that changes something.
type readsOnly struct {
	*http.Client
	t *testing.T
}

func (r readsOnly) Do(req *http.Request) (*http.Response, error) {
	asks := req.Method == http.MethodGet || strings.HasSuffix(req.URL.Path, "/directoryObjects/getByIds")
	assert.True(r.t, asks, "%s %s", req.Method, req.URL.Path)
	return r.Client.Do(req)
}

// altered replaces a text in each answer by another, for each of these pairs.
type altered struct {
	readsOnly
	texts []string
}

func (a altered) Do(req *http.Request) (*http.Response, error) {
	resp, err := a.readsOnly.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	resp.Body = io.NopCloser(strings.NewReader(strings.NewReplacer(a.texts...).Replace(string(text))))
	return resp, err
}

// exported is the file that export writes of an Azure, for a stack with edits.
func exported(t *testing.T, seed azure.Seed, edits ...string) []byte {
	t.Helper()
	w, err := export(t, seed, nil, edits...)
	require.NoError(t, err)
	var text bytes.Buffer
	require.NoError(t, w.Write(&text))
	return text.Bytes()
}

// export exports an Azure whose answers are altered.
func export(t *testing.T, seed azure.Seed, texts []string, edits ...string) (*world.World, error) {
	t.Helper()
	a, err := azure.Start(t.Context(), azure.Options{})
	require.NoError(t, err)
	defer func() { assert.NoError(t, a.Close()) }()
	require.NoError(t, a.Seed(seed))
	reader, _ := roles.BuiltIn("Reader") // export needs it; the deployer has less
	for i, id := range append(seed.SubscriptionIDs, "11111111-1111-4111-8111-111111111111") {
		require.NoError(t, a.Seed(azure.Seed{SubscriptionIDs: []string{id}, RoleAssignments: []azure.RoleAssignment{{
			ID: fmt.Sprintf("cccccccc-0000-4000-8000-%012d", i), Scope: "/subscriptions/" + id, RoleID: reader.ID,
			PrincipalID: a.Deployer().ObjectID, PrincipalType: "ServicePrincipal"}}}))
	}
	c, err := azureclient.Discover(t.Context(), a.Client(), a.Host())
	require.NoError(t, err)
	model, problems := config.Model(worldValues(t, edits...))
	require.NoError(t, problems.Err())
	client := azureclient.NewClient(worldCaller{a}, c, altered{readsOnly{a.Client(), t}, texts}, nil)
	return estate.Export(t.Context(), client, model)
}

// An answer in an unknown form is not exported as a known one.
func TestAnAnswerThatIsNotKnownIsNotExported(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		texts []string
		says  string
	}{
		"as it is":                {nil, ""},
		"another mode":            {[]string{"LegacyRegistryPermissions", "X"}, "a roleAssignmentMode that is known here"},
		"no mode":                 {[]string{"roleAssignmentMode", "mode"}, "a roleAssignmentMode that is known here"},
		"whether it has an admin": {[]string{"adminUserEnabled", "admin"}, "lacks adminUserEnabled"},
		"no tenant":               {[]string{"tenantId", "tenant"}, "lacks its location or its tenant"},
		"an identity's principal": {[]string{"clientId", "client"}, "the answer of Azure for the identity"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := export(t, wholeAzure(), c.texts, wholeEdits...)
			if c.says == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, c.says)
		})
	}
}

// If the real Azure is as the stack says, its rehearsal passes. If not, the rehearsal finds the difference; a rehearsal
// that guesses can't.
func TestARehearsalInTheRealWorld(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*azure.Seed)
		fails  string // an endpoint and an input with which somebody fails; "" for nobody
	}{
		"as the stack says": {func(*azure.Seed) {}, ""},
		"the endpoint runs on another cluster": {func(s *azure.Seed) { s.Endpoints[0].Deployments[0].ComputeName = "bare" },
			"heart patients"},
		"another deployment is the default": {func(s *azure.Seed) { s.Endpoints[0].DefaultDeployment = "second" },
			"heart base"},
		"a deployment runs elsewhere": {func(s *azure.Seed) { s.Endpoints[1].Deployments[1].ComputeName = "bare" },
			"tagger/red images"},
		"the data store is in another container": {func(s *azure.Seed) { s.Datastores[0].Container = "elsewhere" },
			"heart patients"},
		"the data asset is in another store": {func(s *azure.Seed) {
			s.DataAssets[0].Datastore, s.Datastores[1].HasCredentials = "other", false
		}, "heart base"},
		"the cluster has no identity": {func(s *azure.Seed) { s.Computes[0].SystemAssignedPrincipalID = "" },
			"refused"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			seed := realAzure()
			c.change(&seed)
			w, err := world.Parse(exported(t, seed))
			require.NoError(t, err)
			report, err := inprocess.RehearseIn(t.Context(), worldValues(t), w)
			if c.fails == "refused" {
				require.Error(t, err)
				return
			}
			require.NoError(t, err)
			said := strings.Join(report.NotChecked, "\n")
			assert.NotContains(t, said, "that the endpoint exists")
			assert.NotContains(t, said, "that their IDs are right")
			assert.Contains(t, said, "what has changed in Azure since")
			var failed []string
			for _, o := range report.Failures() {
				failed = append(failed, o.Endpoint+" "+o.Input)
			}
			if c.fails == "" {
				assert.Empty(t, failed)
				assert.True(t, report.Passed())
				return
			}
			assert.Contains(t, failed, c.fails)
		})
	}
}

func TestAWorldThatIsNotTheStacks(t *testing.T) {
	t.Parallel()
	w, err := world.Parse(exported(t, realAzure()))
	require.NoError(t, err)
	for name, c := range map[string]struct {
		edits   []string
		tenants map[string]string
		says    []string
	}{
		"another tenant": {nil, map[string]string{"azuread:tenantId": "aaaaaaaa-1111-4111-8111-111111111111",
			"azure-native:tenantId": strings.ToUpper(w.TenantID), "ARM_TENANT_ID": ""}, []string{
			"azuread:tenantId: the world is of tenant " + w.TenantID +
				", and this is aaaaaaaa-1111-4111-8111-111111111111; use"}},
		"another workspace": {[]string{"workspaces/scoring", "workspaces/other"}, nil, []string{
			"workspaceId: the world is of workspace " + worldWorkspace}},
		"an account": {[]string{"storageAccounts/lake", "storageAccounts/pond"}, nil, []string{
			"storageAccounts.lake: the world has no storage account"}},
		"a container": {[]string{"container: images", "container: pictures"}, nil, []string{
			"dataInputs.images.container: the storage account lake of the world has no container pictures; make it"}},
		"a data store": {[]string{"dataStore: patients, path: in", "dataStore: people, path: in"}, nil, []string{
			"dataInputs.patients.dataStore: the workspace of the world has no data store people"}},
		"a version of a data asset": {[]string{`version: "3"`, `version: "4"`}, nil, []string{
			"dataInputs.base.dataAsset: the workspace of the world has no data asset base, version 4"}},
		"an endpoint, a deployment, and a cluster": {[]string{"heart: {", "hart: {", "red: {", "green: {",
			"cpu: { existing: true }", "cpu: { existing: true, computeName: cpu-two }"}, nil, []string{
			"endpoints.hart: the workspace of the world has no batch endpoint hart; make it",
			"endpoints.tagger.deployments.green: the batch endpoint tagger of the world has no deployment green",
			"clusters.cpu: the workspace of the world has no compute cluster cpu-two"}},
		"a principal": {[]string{ann, "aaaaaaaa" + ann[8:]}, nil,
			[]string{"invokers.ann.objectId: the directory of"}},
		"another kind": {[]string{"kind: user", "kind: group"}, nil,
			[]string{"invokers.ann.kind: in the world " + ann}},
		"another identity": {[]string{"robot }", "robots }"}, nil,
			[]string{"invokers.robot.resourceId: the world has no"}},
		"an identity's other": {[]string{robotPrincipal, cpuPrincipal}, nil, []string{"invokers.robot.principalId: "}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			model, problems := config.Model(worldValues(t, c.edits...))
			require.NoError(t, problems.Err())
			seed, err := rehearsal.SeedFrom(w, model, c.tenants, "")
			require.Error(t, err)
			assert.Empty(t, seed.Workspaces)
			for _, says := range c.says {
				assert.Contains(t, err.Error(), says)
			}
			assert.Equal(t, len(c.says), strings.Count(err.Error(), "\n"), err)
		})
	}
}

func TestAWorldThatIsCutShort(t *testing.T) {
	t.Parallel()
	text := exported(t, realAzure())
	_, err := world.Parse(text)
	require.NoError(t, err)
	whole := bytes.TrimRight(text, "\n")
	for n := range len(whole) {
		_, err := world.Parse(whole[:n])
		require.ErrorContains(t, err, "write it again with batchaccess export", "%d of %d bytes", n, len(whole))
	}
	for name, c := range map[string]struct{ old, now, says string }{
		"a newer one":   {`"version": 2`, `"version": 3`, "has version 3, and this batchaccess reads 2: use the batchaccess"},
		"an older one":  {`"version": 2`, `"version": 1`, "has version 1"},
		"no version":    {`"version": 2,`, "", "it has no version"},
		"a list is out": {`"dataStores": [`, `"dataStore": [`, "unknown field"},
		"a tenant":      {`"tenantId": "`, `"tenantId": "", "environment": "`, "tenantId: the file lacks it"},
		"twice":         {`"name": "bare"`, `"name": "CPU"`, "clusters: cpu is there twice"},
		"another file":  {string(text), `{"version": 2}`, "principals: the file lacks it"},
		"more":          {string(text), string(text) + "{}", "cut short, or no JSON"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Contains(t, string(text), c.old)
			_, err := world.Parse([]byte(strings.Replace(string(text), c.old, c.now, 1)))
			require.ErrorContains(t, err, c.says)
			assert.Contains(t, err.Error(), "batchaccess export")
		})
	}
}

// An accepted file, written again, is read as the same world.
func FuzzWorld(f *testing.F) {
	f.Add([]byte(`{"version": 1}`))
	f.Add([]byte(`{"version": 2, "tenantId": "t", "workspace": {"id": "w", "location": "l"}, "endpoints": [],` +
		`"clusters": [], "dataStores": [], "dataAssets": [], "storageAccounts": [], "userAssignedIdentities": [],` +
		`"principals": [], "groups": [], "registries": [], "containerRegistries": [], "roleAssignments": [],` +
		`"roleDefinitions": []}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		w, err := world.Parse(text)
		if err != nil {
			return
		}
		var out bytes.Buffer
		require.NoError(t, w.Write(&out))
		again, err := world.Parse(out.Bytes())
		require.NoError(t, err)
		assert.Equal(t, w, again)
	})
}
