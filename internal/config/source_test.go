package config_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/batchaccess/batchaccess/components"
	"github.com/batchaccess/batchaccess/internal/config"
)

// noResources is a mock for programs that make nothing.
type noResources struct{}

func (noResources) NewResource(pulumi.MockResourceArgs) (string, resource.PropertyMap, error) {
	return "", nil, nil
}
func (noResources) Call(pulumi.MockCallArgs) (resource.PropertyMap, error) { return nil, nil }

// load loads a configuration as the engine gives it: by the SDK and in the environment.
func load(t *testing.T, values map[string]string) (*components.BatchEndpointAccessArgs, error) {
	t.Helper()
	return loadIn(t, "", values)
}

// loadIn does the same for a program in a folder with the project's files, and with keys that were set with --secret.
func loadIn(t *testing.T, dir string, values map[string]string,
	secrets ...string) (args *components.BatchEndpointAccessArgs, err error) {
	t.Helper()
	text, marshalErr := json.Marshal(values)
	require.NoError(t, marshalErr)
	t.Setenv(pulumi.EnvConfig, string(text))
	err = pulumi.RunErr(func(ctx *pulumi.Context) error {
		var err error
		args, err = config.Load(ctx)
		return err
	}, pulumi.WithMocks("batchaccess", "dev", noResources{}), func(info *pulumi.RunInfo) {
		info.Config, info.ConfigSecretKeys, info.RootDirectory = values, secrets, dir
	})
	return args, err
}

// asEngine is the sample stack as the engine gives it: objects as JSON.
func asEngine(t *testing.T) map[string]string {
	t.Helper()
	values := map[string]string{}
	for key, value := range devStack(t) {
		if text, ok := value.(string); ok {
			values["batchaccess:"+key] = text
			continue
		}
		if m, is := value.(map[string]any); is && m == nil { // the default in Pulumi.yaml, {}
			value = map[string]any{}
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
	require.ErrorContains(t, err, "location: is required: the stack makes cluster cpu, cluster gpu, managed identity "+
		"scheduler; write a region, such as westeurope")
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

// Pulumi takes a key without a namespace as the project's, and reads keys that the stack does not have from
// Pulumi.yaml.
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
		"location": "westeurope", "protect": true, "workspaceId": "/subscriptions/" +
			"x", "tags": map[string]any{"team": "scoring"},
	}, values)
}

func TestLoadRefusesAProviderOfAnotherSubscription(t *testing.T) {
	values := asEngine(t)
	values["azure-native:subscriptionId"] = "11111111-1111-4111-8111-111111111111"
	_, err := load(t, values)
	require.NoError(t, err)
	values["azure-native:subscriptionId"] = "99999999-9999-4999-8999-999999999999"
	_, err = load(t, values)
	require.ErrorContains(t, err, "azure-native:subscriptionId: is 99999999-9999-4999-8999-999999999999, but the "+
		"workspace lies in 11111111-1111-4111-8111-111111111111; write the workspace's subscription")
}

func TestLoadRefusesAProviderOfAnotherCloud(t *testing.T) {
	values := asEngine(t)
	values["batchaccess:environment"] = "china"
	_, err := load(t, values)
	require.ErrorContains(t, err, "azure-native:environment: is AzureCloud, and the stack lies in AzureChinaCloud; write "+
		"azure-native:environment: china")
	values["azure-native:environment"] = "china"
	_, err = load(t, values)
	require.ErrorContains(t, err, "azuread:environment: is AzureCloud, and the stack lies in AzureChinaCloud")
	t.Setenv("ARM_ENVIRONMENT", "china")
	_, err = load(t, values)
	require.NoError(t, err)
	delete(values, "azure-native:environment")
	t.Setenv("ARM_ENVIRONMENT", "")
	t.Setenv("ARM_METADATA_HOSTNAME", "localhost:1")
	_, err = load(t, values)
	require.NoError(t, err, "the host says where Azure is")
}

// files writes the files of a project.
func files(t *testing.T, texts map[string]string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	for file, text := range texts {
		require.NoError(t, os.WriteFile(filepath.Join(dir, file), []byte(text), 0o600))
	}
	return dir
}

func TestLoadRefusesWhatExplainRefuses(t *testing.T) {
	dir := files(t, map[string]string{
		"Pulumi.yaml":     "name: batchaccess\nruntime: go\n",
		"Pulumi.dev.yaml": "config: {'batchaccess:dataInputs': {a: {version: 1e3, path: 010}, b: {version: 2025-01-31}}}",
	})
	values := asEngine(t) // as Pulumi 3.259 gives these
	values["batchaccess:dataInputs"] = `{"a": {"version": 1000, "path": 8}, "b": {"version": "2025-01-31 00:00:00 ` +
		`+0000 UTC"}}`
	_, err := loadIn(t, dir, values)
	require.ErrorContains(t, err, "dataInputs.a.version: is 1e3, which YAML reads as 1000; write text, in quotes")
	require.ErrorContains(t, err, "dataInputs.a.path: is 010, which YAML reads as 8; write text, in quotes")
	require.ErrorContains(t, err, "dataInputs.b.version: is the date 2025-01-31 00:00:00 +0000 UTC, which YAML read as "+
		"a time; write text, in quotes")

	values["batchaccess:dataInputs"] = `{"a": {"version": "7", "path": "p"}}` // set to something else than in the file
	_, err = loadIn(t, dir, values)
	assert.NotContains(t, err.Error(), "dataInputs.a.version")
}

func TestEndpointsThatAreEmptyAreNotAll(t *testing.T) {
	t.Parallel()
	project, err := os.ReadFile("../../Pulumi.yaml")
	require.NoError(t, err)
	for text, want := range map[string]string{"{}": "endpoints: is empty; name the endpoints",
		"": "endpoints: has no value"} {
		dir := files(t, map[string]string{"Pulumi.yaml": string(project),
			"Pulumi.dev.yaml": "config:\n  endpoints: " + text + "\n"})
		values, err := config.ReadStack(dir, "dev")
		require.NoError(t, err)
		_, ps := config.Decode(values)
		assert.ErrorContains(t, ps.Err(), want)
	}
	dir := files(t, map[string]string{"Pulumi.yaml": string(project), "Pulumi.dev.yaml": "config: {}\n"})
	values, err := config.ReadStack(dir, "dev")
	require.NoError(t, err)
	_, ps := config.Decode(values)
	assert.NotContains(t, ps.Err().Error(), "endpoints:", "the default of Pulumi.yaml")
}

func TestLoadTakesTheDefaultOfPulumiYAMLForNotGiven(t *testing.T) {
	project, err := os.ReadFile("../../Pulumi.yaml")
	require.NoError(t, err)
	values := asEngine(t)
	values["batchaccess:endpoints"] = "{}"
	delete(values, "batchaccess:assertions")
	_, err = loadIn(t, files(t, map[string]string{"Pulumi.yaml": string(project), "Pulumi.dev.yaml": "config: {}\n"}),
		values)
	require.NoError(t, err)
	_, err = loadIn(t, files(t, map[string]string{"Pulumi.yaml": string(project),
		"Pulumi.dev.yaml": "config: {endpoints: {}}\n"}), values)
	require.ErrorContains(t, err, "endpoints: is empty")
}

func TestLoadReadsDatesAsYAMLHandsThemOver(t *testing.T) {
	values := asEngine(t)
	values["batchaccess:invokers"] = `{"p": {"kind": "servicePrincipal", "clientSecrets": {"s": ` +
		`{"startDate": "2026-11-01 00:00:00 +0000 UTC", "endDate": "2027-05-01"}}}}`
	values["batchaccess:endpoints"] = `{"score": {"cluster": "cpu"}}`
	delete(values, "batchaccess:assertions")
	args, err := load(t, values)
	require.NoError(t, err)
	assert.Equal(t, "2026-11-01T00:00:00Z", args.Invokers["p"].ClientSecrets["s"].StartDate)
}

func TestLoadTakesNoValueForNone(t *testing.T) {
	for key, what := range map[string]string{
		"endpoints": "endpoints: has no value", "workspaceId": "workspaceId: is missing", "protect": "protect: has no value",
	} {
		values := asEngine(t)
		values["batchaccess:"+key] = "null" // as Pulumi gives a YAML key without a value
		_, err := load(t, values)
		require.ErrorContains(t, err, what)
	}
	values := asEngine(t)
	values["batchaccess:assertions"] = ""
	_, err := load(t, values)
	require.ErrorContains(t, err, "batchaccess:assertions: is not the JSON of an object")
}

func TestWhatIsSetWithSecretStaysSecret(t *testing.T) {
	values := asEngine(t)
	args, err := loadIn(t, "", values, "batchaccess:workspaceId", "batchaccess:storageAccounts", "batchaccess:tags")
	require.NoError(t, err)
	for name, in := range map[string]pulumi.Input{
		"workspaceId": args.WorkspaceID, "storageAccounts": args.StorageAccounts["lake"], "tags": args.Tags,
	} {
		output, is := in.(pulumi.Output)
		require.True(t, is, name)
		assert.True(t, pulumi.IsSecret(output), name)
	}
	_, err = loadIn(t, "", values, "batchaccess:endpoints", "batchaccess:protect")
	require.ErrorContains(t, err, "endpoints: is set with --secret, but holds what decides which resources are made and "+
		"stands in previews, "+
		"such as endpoints.heart-classifier.cluster; set it without --secret")
}

func TestWhatIsSecretInsideOfAnObjectIsSecretAlone(t *testing.T) {
	const project = "name: batchaccess\nruntime: go\n"
	values := asEngine(t)
	values["batchaccess:invokers"] = `{"a": {"kind": "user", "objectId": "33333333-3333-4333-8333-333333333333"}, ` +
		`"b": {"kind": "group", "objectId": "22222222-2222-4222-8222-222222222222"}}`
	delete(values, "batchaccess:endpoints")
	delete(values, "batchaccess:assertions")
	dir := files(t, map[string]string{"Pulumi.yaml": project, "Pulumi.dev.yaml": `
config:
  batchaccess:invokers: { a: { kind: user, objectId: { secure: v1:abc } }, b: { kind: group, objectId: ` +
		`22222222-2222-4222-8222-222222222222 } }
`})
	args, err := loadIn(t, dir, values, "batchaccess:invokers")
	require.NoError(t, err)
	id, is := args.Invokers["a"].ObjectID.(pulumi.StringOutput)
	require.True(t, is)
	assert.True(t, pulumi.IsSecret(id))
	assert.Equal(t, pulumi.String("22222222-2222-4222-8222-222222222222"), args.Invokers["b"].ObjectID)

	dir = files(t, map[string]string{"Pulumi.yaml": project, "Pulumi.dev.yaml": `
config:
  batchaccess:invokers: { a: { kind: { secure: v1:abc }, objectId: 33333333-3333-4333-8333-333333333333 } }
`})
	_, err = loadIn(t, dir, values, "batchaccess:invokers")
	require.ErrorContains(t, err, "invokers.a.kind: is set with --secret, but holds what decides which resources are made")
	assert.Equal(t, 1, strings.Count(err.Error(), "invokers."), "its consequences are none: %v", err)
	read, err := config.ReadStack(dir, "dev")
	require.NoError(t, err)
	_, ps := config.Decode(read)
	require.ErrorContains(t, ps.Err(), "invokers.a.kind: is set with --secret, but holds what decides which resources "+
		"are made", "explain says the same")
}

func TestKeysThatNobodyReadsAreReported(t *testing.T) {
	dir := files(t, map[string]string{
		"Pulumi.yaml": "name: batchaccess\nruntime: go\n",
		"Pulumi.dev.yaml": `
config:
  batchacess:invokers: {}
  Batchaccess:protect: true
  scoring:endpoints: { e: { cluster: cpu } }
  azure-native:location: westeurope
  other:tags: {}
`,
	})
	read, err := config.ReadStack(dir, "dev")
	require.NoError(t, err)
	_, ps := config.Decode(read)
	const near = "batchacess:invokers: stands in the namespace batchacess, which nobody reads: the project is called " +
		"batchaccess; write batchaccess:invokers"
	require.ErrorContains(t, ps.Err(), near)
	require.ErrorContains(t, ps.Err(), "write batchaccess:protect")
	left, err := config.Leftovers(dir, "dev")
	require.NoError(t, err)
	require.Len(t, left, 1)
	assert.Equal(t, "scoring:endpoints", left[0].Path)
	assert.True(t, left[0].Warning)

	values := asEngine(t)
	values["batchacess:invokers"] = "{}"
	_, err = load(t, values)
	require.ErrorContains(t, err, near)
}

func TestAFileThatIsNoYAMLIsReportedWithLineFaultAndRemedy(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ text, line, fault, fix string }{
		"a key twice": {"config:\n  a:b: 1\n  a:b: 2\n", "line 3", "already defined at line 2", "keep one of the two"},
		"a tab":       {"config:\n  a:b:\n\t\tc: 1\n", "line 3", "cannot start any token", "indent with spaces"},
		"an open bracket": {"config:\n  a:b: [1\n  a:c: 2\n", "line 2", "did not find expected ',' or ']'",
			"close the bracket"},
		"a colon":        {"config:\n  a:b: c: d\n", "line 2", "mapping values are not allowed", "in quotes"},
		"open quotes":    {"config:\n  a:b: \"c\n", "line 2", "unexpected end of stream", "close the quotes"},
		"an anchor":      {"config:\n  a:b: *c\n", "line 2", "unknown anchor 'c'", "in quotes"},
		"a list of keys": {"config: [a]\n", "line 1", "cannot unmarshal", "write `name: value` lines"},
		"an open brace": {"config:\n  a:b:\n    c: {d: 1\n  a:c: 2\n", "line 3", "did not find expected ',' or '}'",
			"close the bracket"},
		"indentation": {"config:\n    a:b: 1\n  a:c: 2\n", "line 3", "did not find expected key", "indentation"},
		"no colon":    {"config:\n  a:b: 1\n  what\n", "line 3", "could not find expected ':'", "write `name: value`"},
		"no config": {"batchaccess:invokers: {}\n", "line 1", "the key batchaccess:invokers stands outside of config",
			"write `config:` above it"},
		"no config at all": {"workspaceId: x\n", "line 1", "the key workspaceId stands outside of config",
			"write `config:` above it"},

		"config misspelt": {"confg:\n  batchaccess:clusters: {}\n", "line 1",
			"batchaccess:clusters stands below the key confg", "write `config:` in place of confg"},

		"a second document": {"config:\n  a:b: 1\n---\nconfig:\n  batchaccess:assertions: {}\n", "line 4",
			"a second document begins, which nobody reads", "take out the ---"},

		"beside config": {"config:\n  a:b: 1\nbatchaccess:clusters: {}\n", "line 3",
			"the key batchaccess:clusters stands outside of config", "indent it"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := files(t, map[string]string{"Pulumi.yaml": "name: batchaccess\n", "Pulumi.x.yaml": c.text})
			_, err := config.ReadStack(dir, "x")
			require.ErrorContains(t, err, "reading "+filepath.Join(dir, "Pulumi.x.yaml")+": "+c.line+": ")
			require.ErrorContains(t, err, c.fault)
			require.ErrorContains(t, err, c.fix)
		})
	}
}

func TestAnEmptySecondDocumentIsNone(t *testing.T) {
	t.Parallel()
	for _, end := range []string{"---\n", "...\n", "---\n# a comment\n", "---\n~\n"} {
		values, err := config.ReadStackText([]byte("---\n"+ownKeys("location: x")+end), "Pulumi.x.yaml", "batchaccess")
		require.NoError(t, err, end)
		assert.Equal(t, "x", values["location"], end)
	}
}

func TestTheCloudIsThatOfTheProviders(t *testing.T) {
	for name, c := range map[string]struct{ config, variable, want string }{
		"public, by default":          {"", "", ""},
		"public, as it is said":       {"azure-native:environment: public", "usgovernment", ""},
		"azure-native's":              {"azure-native:environment: usgovernment", "china", "usgovernment"},
		"azuread's, other word":       {"azuread:environment: usgovernmentl4", "", "usgovernment"},
		"the variable's":              {"", "china", "china"},
		"the Department of Defense's": {"azuread:environment: dod", "", "usgovernmentl5"},
		"its Graph, which azuread alone names": {
			"azure-native:environment: usgovernment\n  azuread:environment: usgovernmentl5", "", "usgovernmentl5"},
		"its Graph, named around the stack": {"azure-native:environment: usgovernment", "dod", "usgovernmentl5"},
		"a wider word says nothing more": {
			"azure-native:environment: usgovernmentl5\n  azuread:environment: usgovernment", "", "usgovernmentl5"},
		"the stack's own":       {"x:environment: china", "usgovernment", "china"},
		"one that is not known": {"azure-native:environment: moon", "", "moon"},
		"the same by other words": {"x:environment: AzureUSGovernment\n  azure-native:environment: usgovernment\n" +
			"  azuread:environment: dod", "", "AzureUSGovernment"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("ARM_ENVIRONMENT", c.variable)
			dir := t.TempDir()
			require.NoError(t, os.WriteFile(filepath.Join(dir, "Pulumi.yaml"), []byte("name: x\nruntime: go\n"), 0o600))
			require.NoError(t, os.WriteFile(filepath.Join(dir, "Pulumi.s.yaml"),
				[]byte("config:\n  "+c.config+"\n  x:tags: {}\n"), 0o600))
			got, err := config.Environment(dir, "s")
			require.NoError(t, err)
			assert.Equal(t, c.want, got)
		})
	}
	for name, text := range map[string]string{
		"of both providers":     "azure-native:environment: china\n  azuread:environment: usgovernment",
		"of stack and provider": "x:environment: china\n  azure-native:environment: usgovernment",
		"of stack and azuread":  "x:environment: public\n  azuread:environment: dod",
	} {
		dir := t.TempDir()
		require.NoError(t, os.WriteFile(filepath.Join(dir, "Pulumi.yaml"), []byte("name: x\nruntime: go\n"), 0o600))
		require.NoError(t, os.WriteFile(filepath.Join(dir, "Pulumi.s.yaml"),
			[]byte("config:\n  "+text+"\n  x:tags: {}\n"), 0o600))
		_, err := config.Environment(dir, "s")
		require.ErrorContains(t, err, "a stack lies in one cloud; write the same cloud", name)
	}
	_, ps := config.Decode(map[string]any{"environment": "usgov"})
	assert.Contains(t, ps.Err().Error(), `environment: the cloud "usgov" is not known; use public, usgovernment, china`)
}
