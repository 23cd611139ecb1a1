package provider

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"github.com/blang/semver"
	p "github.com/pulumi/pulumi-go-provider"
	"github.com/pulumi/pulumi-go-provider/integration"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/common/tokens"
	"github.com/pulumi/pulumi/sdk/v3/go/property"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/batchaccess/batchaccess/components"
	"github.com/batchaccess/batchaccess/config"
)

// recorder stands for the engine: it makes every resource, and keeps what was asked for.
type recorder struct {
	lock      sync.Mutex
	resources []string
}

func (r *recorder) NewResource(args pulumi.MockResourceArgs) (string, resource.PropertyMap, error) {
	r.lock.Lock()
	defer r.lock.Unlock()
	r.resources = append(r.resources, fmt.Sprint(args.TypeToken, " ", args.Name, " ", args.Inputs,
		args.RegisterRPC.GetProtect(), args.RegisterRPC.GetDeleteBeforeReplace(), args.RegisterRPC.GetVersion(), args.RegisterRPC.GetReplaceOnChanges()))
	state := args.Inputs.Copy()
	for _, output := range []resource.PropertyKey{"clientId", "objectId", "principalId", "applicationTenantId", "value"} {
		if _, given := state[output]; !given {
			state[output] = resource.NewProperty(string(output) + " of " + args.Name)
		}
	}
	if identity := state["identity"]; identity.IsObject() { // of a cluster: Azure answers with who it is
		who := identity.ObjectValue().Copy()
		who["principalId"] = resource.NewProperty("principalId of " + args.Name)
		state["identity"] = resource.NewProperty(who)
	}
	return args.Name + "_id", state, nil
}

func (r *recorder) Call(args pulumi.MockCallArgs) (resource.PropertyMap, error) {
	return args.Args, nil
}

func (r *recorder) sorted() []string {
	r.lock.Lock()
	defer r.lock.Unlock()
	return slices.Sorted(slices.Values(r.resources))
}

func serve(t *testing.T, r *recorder) integration.Server {
	t.Helper()
	s, err := integration.NewServer(t.Context(), Name, semver.MustParse(Version), integration.WithProvider(New([]byte("{}"))), integration.WithMocks(r))
	require.NoError(t, err)
	return s
}

func request(t *testing.T, token, name string, inputs map[string]any) p.ConstructRequest {
	t.Helper()
	text, err := json.Marshal(inputs) // YAML's dates become text
	require.NoError(t, err)
	var plain map[string]any
	require.NoError(t, json.Unmarshal(text, &plain))
	values := resource.FromResourcePropertyMap(resource.NewPropertyMapFromMap(plain))
	return p.ConstructRequest{Urn: resource.NewURN("stack", "project", "", tokens.Type(token), name), Inputs: values}
}

func TestTheSampleIsTheSameResourcesInEveryLanguage(t *testing.T) {
	t.Parallel()
	values, err := config.ReadStack(filepath.Join("..", "..", "Pulumi.dev.yaml"), Name)
	require.NoError(t, err)
	archive := values["dataInputs"].(map[string]any)["archive"].(map[string]any)
	archive["path"] = fmt.Sprint(archive["path"]) // a number in the stack's YAML, which config reads as text and languages with types refuse

	args, problems := config.Decode(values)
	require.NoError(t, problems.Err())
	inGo := &recorder{}
	require.NoError(t, pulumi.RunErr(func(ctx *pulumi.Context) error {
		_, err := components.NewBatchEndpointAccess(ctx, "access", args)
		return err
	}, pulumi.WithMocks("project", "stack", inGo)))

	byPlugin := &recorder{}
	made, err := serve(t, byPlugin).Construct(request(t, components.BatchEndpointAccessToken, "access", values))
	require.NoError(t, err)
	assert.Equal(t, inGo.sorted(), byPlugin.sorted())
	assert.Greater(t, len(byPlugin.sorted()), 30)

	secrets := made.State.Get("clientSecrets")
	assert.True(t, secrets.Secret())
	assert.Equal(t, "value of access.partner.2026", secrets.AsMap().Get("partner").AsMap().Get("2026").AsString())
	assert.Equal(t, property.New("clientId of access.pipeline"), made.State.Get("clientIds").AsMap().Get("pipeline"))
	assert.True(t, made.State.Get("accessReport").IsMap(), "outputs that the engine does not keep reach the caller too")
}

const (
	workspace = "/subscriptions/11111111-1111-4111-8111-111111111111/resourceGroups/rg/providers/Microsoft.MachineLearningServices/workspaces/ws"
	account   = "/subscriptions/11111111-1111-4111-8111-111111111111/resourceGroups/rg/providers/Microsoft.Storage/storageAccounts/lake"
	someone   = "22222222-2222-4222-8222-222222222222"
)

func TestEveryComponentIsMadeUnderItsToken(t *testing.T) {
	t.Parallel()
	assignees := map[string]any{"someone": map[string]any{"principalId": someone, "principalType": "User"}}
	tests := map[string]map[string]any{
		components.BatchEndpointAccessToken: {"workspaceId": workspace, "invokers": map[string]any{"a": map[string]any{"kind": "user", "objectId": someone}}},
		components.ComputeClusterToken:      {"workspaceId": workspace, "cluster": map[string]any{"computeName": "cpu", "maxNodeCount": 2}},
		components.InvokerRoleToken:         {"scope": workspace, "invokers": assignees},
		components.ManagedIdentityToken:     {"resourceGroupName": "rg"},
		components.ServicePrincipalToken:    {"signIn": "none"},
		components.StorageReaderToken:       {"storageAccountId": account, "principals": assignees},
	}
	require.Len(t, tests, len(Components))
	for token, inputs := range tests {
		t.Run(token, func(t *testing.T) {
			t.Parallel()
			r := &recorder{}
			made, err := serve(t, r).Construct(request(t, token, "it", inputs))
			require.NoError(t, err)
			assert.Equal(t, tokens.Type(token), made.Urn.Type())
			assert.Equal(t, "it", made.Urn.Name())
			assert.Greater(t, len(r.sorted()), 1, "the component has children")
		})
	}
}

func TestWhatIsWrongNamesTheComponentTheArgumentAndTheRemedy(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		token  string
		inputs map[string]any
		want   []string
	}{
		"a wrong value": {components.StorageReaderToken, map[string]any{"storageAccountId": account},
			[]string{`StorageReader "it"`, "principals: is empty; give the principals"}},
		"an unknown component": {"batchaccess:index:Wheel", nil, []string{"has no component batchaccess:index:Wheel"}},
		"the empty list of an assertion is nobody": {components.BatchEndpointAccessToken, map[string]any{
			"workspaceId": workspace, "invokers": map[string]any{"a": map[string]any{"kind": "user", "objectId": someone}},
			"clusters":   map[string]any{"cpu": map[string]any{}},
			"endpoints":  map[string]any{"e": map[string]any{"cluster": "cpu"}},
			"assertions": map[string]any{"none": map[string]any{"only": []any{}, "start": "score"}},
		}, []string{"assertions.none"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := &recorder{}
			_, err := serve(t, r).Construct(request(t, test.token, "it", test.inputs))
			require.Error(t, err)
			for _, want := range test.want {
				assert.Contains(t, err.Error(), want)
			}
			assert.Empty(t, r.sorted(), "nothing is made")
		})
	}
}
