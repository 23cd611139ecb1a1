package config_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/batchaccess/batchaccess/components"
	"github.com/batchaccess/batchaccess/config"
)

// noResources is a mock for programs that make nothing.
type noResources struct{}

func (noResources) NewResource(pulumi.MockResourceArgs) (string, resource.PropertyMap, error) {
	return "", nil, nil
}
func (noResources) Call(pulumi.MockCallArgs) (resource.PropertyMap, error) { return nil, nil }

// load loads a configuration as the engine would hand it over: by the SDK and in the environment.
func load(t *testing.T, values map[string]string) (args *components.BatchEndpointAccessArgs, err error) {
	t.Helper()
	text, marshalErr := json.Marshal(values)
	require.NoError(t, marshalErr)
	t.Setenv(pulumi.EnvConfig, string(text))
	err = pulumi.RunErr(func(ctx *pulumi.Context) error {
		var err error
		args, err = config.Load(ctx)
		return err
	}, pulumi.WithMocks("batchaccess", "dev", noResources{}), func(info *pulumi.RunInfo) { info.Config = values })
	return args, err
}

// asEngine is the sample stack as the engine hands it over: objects as JSON.
func asEngine(t *testing.T) map[string]string {
	t.Helper()
	values := map[string]string{}
	for key, value := range devStack(t) {
		if text, ok := value.(string); ok {
			values["batchaccess:"+key] = text
			continue
		}
		text, err := json.Marshal(value)
		require.NoError(t, err)
		values["batchaccess:"+key] = string(text)
	}
	delete(values, "batchaccess:location")
	values["azure-native:location"] = "westeurope"
	return values
}

func TestLoadReadsWhatTheEngineHandsOver(t *testing.T) {
	values := asEngine(t)
	args, err := load(t, values)
	require.NoError(t, err)
	want, ps := config.Decode(devStack(t))
	require.Empty(t, ps)
	assert.Equal(t, want, args, "the same as without the engine")
}

func TestLoadTakesTheProvidersLocationUnlessThereIsOne(t *testing.T) {
	values := asEngine(t)
	values["batchaccess:location"] = "" // the default in Pulumi.yaml
	delete(values, "azure-native:location")
	_, err := load(t, values)
	require.ErrorContains(t, err, "location: is required: the stack makes cluster cpu, cluster gpu, managed identity scheduler; write a region, such as westeurope")
	values["azure-native:location"] = "westeurope"
	args, err := load(t, values)
	require.NoError(t, err)
	assert.Equal(t, pulumi.String("westeurope"), args.Location)
	values["batchaccess:location"] = "northeurope"
	args, err = load(t, values)
	require.NoError(t, err)
	assert.Equal(t, pulumi.String("northeurope"), args.Location)
}

func TestLoadNamesAKeyThatItDoesNotKnow(t *testing.T) {
	values := asEngine(t)
	values["batchaccess:invoker"] = "{}"
	values["other:invokerz"] = "not ours"
	values["batchaccess:clusters"] = `{"cpu": {"vmSiz": "x"}}`
	_, err := load(t, values)
	require.ErrorContains(t, err, "the configuration of stack dev")
	require.ErrorContains(t, err, `invoker: unknown key; did you mean "invokers"?`)
	require.ErrorContains(t, err, `clusters.cpu.vmSiz: unknown key; did you mean "vmSize"?`)
	assert.NotContains(t, err.Error(), "invokerz")
}

func TestLoadNamesAValueThatIsNoJSON(t *testing.T) {
	values := asEngine(t)
	values["batchaccess:clusters"] = `{"cpu": `
	_, err := load(t, values)
	require.ErrorContains(t, err, "batchaccess:clusters: is not the JSON of an object")
	assert.ErrorContains(t, err, "Pulumi.dev.yaml")
}

func TestReadStackReadsAFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := filepath.Join(dir, "Pulumi.x.yaml")
	require.NoError(t, os.WriteFile(filepath.Join(dir, "Pulumi.yaml"), []byte("name: batchaccess\nruntime: go\n"), 0o600))
	require.NoError(t, os.WriteFile(file, []byte(`
config:
  azure-native:location: westeurope
  other:key: 1
  batchaccess:workspaceId: { secure: v1:abc }
  batchaccess:invokers: { 1: { kind: user, objectId: { secure: v1:def } } }
`), 0o600))
	values, err := config.ReadStack(dir, "x")
	require.NoError(t, err)
	assert.Equal(t, map[string]any{
		"location": "westeurope", "workspaceId": config.Unknown,
		"invokers": map[string]any{"1": map[string]any{"kind": "user", "objectId": config.Unknown}},
	}, values, "what is encrypted is unknown")

	_, err = config.ReadStack(dir, "none")
	require.ErrorContains(t, err, "name a stack that has a Pulumi.<stack>.yaml")
	require.NoError(t, os.WriteFile(file, []byte("config: ["), 0o600))
	_, err = config.ReadStack(dir, "x")
	require.ErrorContains(t, err, "reading "+file)
}

// Pulumi takes a key without a namespace as the project's, and what the stack does not say from Pulumi.yaml.
func TestReadStackReadsWhatPulumiReads(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for file, text := range map[string]string{
		"Pulumi.yaml": `
name: access
config:
  azure-native:location: westeurope
  access:location: { type: string, default: "" }
  protect: { type: boolean, default: true }
  workspaceId: { type: string }
  tags: { type: object, default: { team: platform } }
`,
		"Pulumi.dev.yaml": "config: { workspaceId: /subscriptions/x, access:tags: { team: scoring }, other:invokers: {} }\n",
	} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, file), []byte(text), 0o600))
	}
	values, err := config.ReadStack(dir, "dev")
	require.NoError(t, err)
	assert.Equal(t, map[string]any{
		"location": "westeurope", "protect": true, "workspaceId": "/subscriptions/x", "tags": map[string]any{"team": "scoring"},
	}, values)
}

func TestLoadRefusesAProviderOfAnotherSubscription(t *testing.T) {
	values := asEngine(t)
	values["azure-native:subscriptionId"] = "11111111-1111-4111-8111-111111111111"
	_, err := load(t, values)
	require.NoError(t, err)
	values["azure-native:subscriptionId"] = "99999999-9999-4999-8999-999999999999"
	_, err = load(t, values)
	require.ErrorContains(t, err, "azure-native:subscriptionId: is 99999999-9999-4999-8999-999999999999, but the workspace lies in 11111111-1111-4111-8111-111111111111; write the workspace's subscription")
}
