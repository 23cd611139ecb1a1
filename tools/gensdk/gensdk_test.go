package main

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/pulumi/pulumi/pkg/v3/codegen/schema"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var sdks = filepath.Join("..", "..", "sdks")

func TestGeneratedSDKsMatchTheirSchemas(t *testing.T) {
	t.Parallel()
	stale, err := run(sdks, true)
	require.NoError(t, err)
	assert.Empty(t, stale, "run `go generate ./sdks` in the project")
}

func TestRunWritesWhatCheckThenFindsFresh(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	require.NoError(t, os.CopyFS(filepath.Join(folder, "schemas"), os.DirFS(filepath.Join(sdks, "schemas"))))

	stale, err := run(folder, true)
	require.NoError(t, err)
	assert.Contains(t, stale, filepath.Join(folder, "azuread", "group.go")+": missing")

	_, err = run(folder, false)
	require.NoError(t, err)
	stale, err = run(folder, true)
	require.NoError(t, err)
	assert.Empty(t, stale)
}

func TestDifferencesNamesEveryKindOfStaleFile(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	require.NoError(t, replace(folder, map[string][]byte{"same.go": []byte("a"), "internal/old.go": nil,
		"changed.go": []byte("b")}))

	stale, err := differences(folder, map[string][]byte{"same.go": []byte("a"), "changed.go": []byte("c"), "new.go": nil})
	require.NoError(t, err)
	assert.Equal(t, []string{
		filepath.Join(folder, "changed.go") + ": changed",
		filepath.Join(folder, "internal", "old.go") + ": no longer generated",
		filepath.Join(folder, "new.go") + ": missing",
	}, stale)
}

// Two SDKs that register the same module at the same version do not start, so ours leave that to the real ones.
func TestGeneratedSDKsRegisterNothingThatTheRealOnesDo(t *testing.T) {
	t.Parallel()
	for _, s := range generated {
		files, err := generate(sdks, s)
		require.NoError(t, err)
		require.NotEmpty(t, files)
		for name, content := range files {
			assert.NotContains(t, string(content), "RegisterResourceModule", "%s/%s", s.folder, name)
			assert.NotContains(t, string(content), "RegisterResourcePackage", "%s/%s", s.folder, name)
		}
	}
}

func TestBindRefusesASchemaThatIsNotWhole(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ body, says string }{
		"not JSON": {`{`, "parsing the package schema"},
		"a type missing": {`{"name":"p","resources":{"p:index:R":{"properties":{"x":{"$ref":"#/types/p:index:T"}}}}}`,
			"p:index:T"},
		"another package": {
			`{"name":"p","resources":{"p:index:R":{"properties":{"x":{"$ref":"/q/v1.0.0/schema.json#/types/q:index:T"}}}}}`,
			`package "q"`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "schema.json")
			require.NoError(t, os.WriteFile(path, []byte(tc.body), 0o600))
			_, err := bind(path)
			require.Error(t, err)
			assert.ErrorContains(t, err, tc.says)
		})
	}
}

// The schemas have these properties of the real plugins. Otherwise we would send what they refuse, show what they keep
// secret, or let a stand-in update what they replace.
func TestSchemasHoldToTheRealPackages(t *testing.T) {
	t.Parallel()
	type facts struct{ required, replaces, secrets []string }
	for file, tc := range map[string]struct {
		name, version string
		resources     map[string]facts
		functions     map[string][]string // token to required inputs
	}{
		"azuread.json": {
			name: "azuread", version: "6.10.0",
			resources: map[string]facts{
				"azuread:index/application:Application": {required: []string{"displayName"},
					replaces: []string{"templateId"}},
				"azuread:index/servicePrincipal:ServicePrincipal": {required: []string{"clientId"}, replaces: []string{"clientId"}},
				"azuread:index/applicationPassword:ApplicationPassword": {
					required: []string{"applicationId"},
					replaces: []string{"applicationId", "displayName", "endDate", "endDateRelative", "rotateWhenChanged", "startDate"},
					secrets:  []string{"value"},
				},
				"azuread:index/applicationFederatedIdentityCredential:ApplicationFederatedIdentityCredential": {
					required: []string{"applicationId", "audiences", "displayName", "issuer", "subject"},
					replaces: []string{"applicationId", "displayName"},
				},
				"azuread:index/group:Group": {
					required: []string{"displayName"},
					replaces: []string{"assignableToRole", "behaviors", "mailNickname", "provisioningOptions", "types"},
				},
				"azuread:index/groupMember:GroupMember": {
					required: []string{"groupObjectId", "memberObjectId"},
					replaces: []string{"groupObjectId", "memberObjectId"},
				},
			},
			functions: map[string][]string{
				"azuread:index/getUser:getUser": nil, "azuread:index/getGroup:getGroup": nil,
				"azuread:index/getServicePrincipal:getServicePrincipal": nil, "azuread:index/getClientConfig:getClientConfig": nil,
			},
		},
		"azure-native-machinelearningservices.json": {
			name: "azure-native", version: "2.92.3",
			resources: map[string]facts{
				"azure-native:machinelearningservices:Compute": {
					required: []string{"resourceGroupName", "workspaceName"},
					replaces: []string{"computeName", "resourceGroupName", "workspaceName"},
				},
			},
			functions: map[string][]string{
				"azure-native:machinelearningservices:getCompute":       {"computeName", "resourceGroupName", "workspaceName"},
				"azure-native:machinelearningservices:getWorkspace":     {"resourceGroupName", "workspaceName"},
				"azure-native:machinelearningservices:getDatastore":     {"name", "resourceGroupName", "workspaceName"},
				"azure-native:machinelearningservices:getBatchEndpoint": {"endpointName", "resourceGroupName", "workspaceName"},
				"azure-native:machinelearningservices:getBatchDeployment": {"deploymentName", "endpointName", "resourceGroupName",
					"workspaceName"},
				"azure-native:machinelearningservices:getDataVersion": {"name", "resourceGroupName", "version", "workspaceName"},
			},
		},
	} {
		t.Run(file, func(t *testing.T) {
			t.Parallel()
			spec := read(t, file)
			assert.Equal(t, tc.name, spec.Name)
			assert.Equal(t, tc.version, spec.Version)

			assert.ElementsMatch(t, slices.Collect(maps.Keys(tc.resources)), slices.Collect(maps.Keys(spec.Resources)))
			for token, want := range tc.resources {
				r := spec.Resources[token]
				assert.ElementsMatch(t, want.required, r.RequiredInputs, "%s: required", token)
				assert.ElementsMatch(t, want.replaces, names(r.InputProperties, func(p schema.PropertySpec) bool {
					return p.WillReplaceOnChanges
				}), "%s: replaces", token)
				assert.ElementsMatch(t, want.secrets, names(r.Properties, func(p schema.PropertySpec) bool {
					return p.Secret
				}), "%s: secrets", token)
			}

			assert.ElementsMatch(t, slices.Collect(maps.Keys(tc.functions)), slices.Collect(maps.Keys(spec.Functions)))
			for token, want := range tc.functions {
				var required []string
				if inputs := spec.Functions[token].Inputs; inputs != nil {
					required = inputs.Required
				}
				assert.ElementsMatch(t, want, required, "%s: required", token)
			}
		})
	}
}

func TestUserAssignedIdentitiesAreAListGoingInAndAMapComingOut(t *testing.T) {
	t.Parallel()
	types := read(t, "azure-native-machinelearningservices.json").Types
	property := func(name string) schema.PropertySpec {
		return types["azure-native:machinelearningservices:"+name].Properties["userAssignedIdentities"]
	}
	assert.Equal(t, "array", property("ManagedServiceIdentity").Type)
	assert.Equal(t, "object", property("ManagedServiceIdentityResponse").Type)
}

func TestTheOnlyKindOfComputeIsACluster(t *testing.T) {
	t.Parallel()
	types := read(t, "azure-native-machinelearningservices.json").Types
	for _, name := range []string{"AmlCompute", "AmlComputeResponse"} {
		cluster := types["azure-native:machinelearningservices:"+name]
		assert.Equal(t, "AmlCompute", cluster.Properties["computeType"].Const, name)
		assert.Contains(t, cluster.Required, "computeType", name)
	}
}

func read(t *testing.T, file string) schema.PackageSpec {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(sdks, "schemas", file))
	require.NoError(t, err)
	var spec schema.PackageSpec
	require.NoError(t, json.Unmarshal(data, &spec))
	return spec
}

// names returns the properties with that mark.
func names(properties map[string]schema.PropertySpec, has func(schema.PropertySpec) bool) []string {
	var found []string
	for name, p := range properties {
		if has(p) {
			found = append(found, name)
		}
	}
	return found
}
