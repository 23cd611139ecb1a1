package stack

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/uuid"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/internal/config"
	"github.com/batchaccess/batchaccess/internal/plans"
)

const secretText = "p4ssw0rd"

// cloud answers every resource with the outputs that the program asks for, and keeps the test's exports.
type cloud struct {
	mu         sync.Mutex
	registered []string
	outputs    resource.PropertyMap
}

func (c *cloud) Call(args pulumi.MockCallArgs) (resource.PropertyMap, error) {
	return nil, fmt.Errorf("the sample looks nothing up, but %s", args.Token)
}

func (c *cloud) NewResource(args pulumi.MockResourceArgs) (string, resource.PropertyMap, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if args.TypeToken == "tests:index:Probe" {
		c.outputs = args.Inputs
		return "", nil, nil
	}
	c.registered = append(c.registered, args.TypeToken)
	id := uuid.NewSHA1(uuid.NameSpaceOID, []byte(args.TypeToken+args.Name)).String()
	out := args.Inputs.Copy()
	for _, key := range []string{"principalId", "clientId", "objectId", "applicationTenantId"} {
		if _, ok := out[resource.PropertyKey(key)]; !ok && args.Custom {
			out[resource.PropertyKey(key)] = resource.NewProperty(id)
		}
	}
	if strings.HasSuffix(args.TypeToken, ":ApplicationPassword") {
		out["value"] = resource.MakeSecret(resource.NewProperty(secretText))
	}
	if strings.HasSuffix(args.TypeToken, ":Compute") {
		out["identity"] = resource.NewProperty(resource.PropertyMap{"type": resource.NewProperty("SystemAssigned"),
			"principalId": resource.NewProperty(id)})
	}
	return id, out, nil
}

// sample is the configuration in Pulumi.dev.yaml as the engine gives it to a program.
func sample(t *testing.T) (forEngine map[string]string, model access.Model) {
	t.Helper()
	values, err := config.ReadStack("..", "dev")
	require.NoError(t, err)
	args, ps := config.Decode(values)
	require.Empty(t, ps)
	forEngine = map[string]string{}
	for key, value := range values {
		if m, is := value.(map[string]any); is && m == nil { // the default of Pulumi.yaml
			value = map[string]any{}
		}
		text, ok := value.(string)
		if !ok {
			encoded, err := json.Marshal(value)
			require.NoError(t, err)
			text = string(encoded)
		}
		forEngine["batchaccess:"+key] = text
	}
	return forEngine, args.Model()
}

// run runs the program and returns its exports.
func run(values map[string]string) (*cloud, error) {
	c := &cloud{}
	return c, pulumi.RunErr(func(ctx *pulumi.Context) error {
		if err := Deploy(ctx); err != nil {
			return err
		}
		exported := pulumi.Map{}
		for name, output := range ctx.GetCurrentExportMap() {
			exported[name] = output
		}
		return ctx.RegisterComponentResourceV2("tests:index:Probe", "probe", exported, &pulumi.ResourceState{})
	}, pulumi.WithMocks("batchaccess", "dev", c), func(info *pulumi.RunInfo) { info.Config = values })
}

func TestTheSampleExportsWhatOthersUse(t *testing.T) {
	t.Parallel()
	values, model := sample(t)
	c, err := run(values)
	require.NoError(t, err)

	var names []string
	for name := range c.outputs {
		names = append(names, string(name))
	}
	slices.Sort(names)
	assert.Equal(t, []string{"accessReport", "aclCommands", "clientIds", "clientSecrets", "clusterPrincipalIds",
		"howToInvoke", "principalIds", "roleDefinitionId"}, names)

	want, err := json.Marshal(plans.Of(model).Report())
	require.NoError(t, err)
	got, err := json.Marshal(c.outputs["accessReport"].Mappable())
	require.NoError(t, err)
	assert.JSONEq(t, string(want), string(got))

	assert.Len(t, c.outputs["principalIds"].ObjectValue(), len(model.Invokers))
	assert.Len(t, c.outputs["clusterPrincipalIds"].ObjectValue(), len(model.Clusters))
	assert.Len(t, c.outputs["howToInvoke"].ObjectValue(), len(model.Invokers))
	assert.NotEmpty(t, c.outputs["roleDefinitionId"].StringValue())
}

func TestTheSampleShowsItsSecretNowhereInPlain(t *testing.T) {
	t.Parallel()
	values, _ := sample(t)
	c, err := run(values)
	require.NoError(t, err)
	require.True(t, c.outputs["clientSecrets"].IsSecret())
	assert.Contains(t, fmt.Sprint(c.outputs["clientSecrets"].SecretValue().Element.Mappable()), secretText)
	for name, output := range c.outputs {
		if name != "clientSecrets" {
			assert.False(t, output.ContainsSecrets(), name)
			assert.NotContains(t, fmt.Sprint(output.Mappable()), secretText, name)
		}
	}
}

func TestABadConfigurationRegistersNothing(t *testing.T) {
	t.Parallel()
	values, _ := sample(t)
	values["batchaccess:workspaceId"] = "scoring"
	values["batchaccess:protect"] = "maybe"
	c, err := run(values)
	require.ErrorContains(t, err, `workspaceId: "scoring" is not the ARM ID`)
	require.ErrorContains(t, err, "protect: ")
	assert.Empty(t, c.registered)
}
