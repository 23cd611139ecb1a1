package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/blang/semver"
	"github.com/pulumi/pulumi/pkg/v3/codegen/schema"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/batchaccess/batchaccess/components"
	"github.com/batchaccess/batchaccess/plugin/provider"
)

const committed = "../schema.json"

func TestTheCommittedSchemaIsWhatTheComponentsSay(t *testing.T) {
	t.Parallel()
	want, err := generate("../..")
	require.NoError(t, err)
	got, err := os.ReadFile(committed)
	require.NoError(t, err)
	assert.Equal(t, string(want), string(got), "run `go generate ./...` in plugin/")
}

func spec(t *testing.T) schema.PackageSpec {
	t.Helper()
	text, err := os.ReadFile(committed)
	require.NoError(t, err)
	var s schema.PackageSpec
	require.NoError(t, json.Unmarshal(text, &s))
	return s
}

// noPackages finds nothing: the schema refers to no other package.
type noPackages struct{}

func (noPackages) LoadPackage(name string, _ *semver.Version) (*schema.Package, error) {
	return nil, fmt.Errorf("the schema refers to package %s", name)
}

func (n noPackages) LoadPackageV2(_ context.Context, d *schema.PackageDescriptor) (*schema.Package, error) {
	return n.LoadPackage(d.Name, d.Version)
}

func TestPulumiAcceptsTheSchema(t *testing.T) {
	t.Parallel()
	_, diagnostics, err := schema.BindSpec(spec(t), noPackages{}, schema.ValidationOptions{})
	require.NoError(t, err)
	assert.Empty(t, diagnostics)
}

// This list is written from the components, not from the generator: what a reader of the Go types expects of the
// schema.
func TestWhatIsPlainRequiredAndSecret(t *testing.T) {
	t.Parallel()
	s := spec(t)
	all := s.Resources[components.BatchEndpointAccessToken]
	assert.Equal(t, []string{"workspaceId", "invokers"}, all.RequiredInputs)
	tests := map[string]struct {
		property      schema.PropertySpec
		plain, secret bool
	}{
		"an ID":                     {all.InputProperties["workspaceId"], false, false},
		"what decides on resources": {all.InputProperties["invokers"], true, false},
		"a switch":                  {all.InputProperties["protect"], true, false},
		"a struct":                  {all.InputProperties["role"], true, false},
		"IDs by name":               {all.InputProperties["storageAccounts"], true, false},
		"an ID in a plain map":      {s.Types["batchaccess:index:Invoker"].Properties["objectId"], false, false},
		"a kind in a plain map":     {s.Types["batchaccess:index:Invoker"].Properties["kind"], true, false},
		"client secrets":            {all.Properties["clientSecrets"], false, true},
		"client secrets of one": {s.Resources[components.ServicePrincipalToken].Properties["clientSecrets"], false,
			true},
		"client IDs, which are no secret": {all.Properties["clientIds"], false, false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			assert.NotEmpty(t, test.property.Description)
			assert.Equal(t, test.plain, test.property.Plain)
			assert.Equal(t, test.secret, test.property.Secret)
		})
	}
	accounts := all.InputProperties["storageAccounts"]
	assert.False(t, accounts.AdditionalProperties.Plain, "the IDs in it may be outputs of other resources")
}

func TestDescriptionsCallPropertiesAsTheSchemaDoes(t *testing.T) {
	t.Parallel()
	s := spec(t)
	credential := s.Types["batchaccess:index:GitHubSubject"]
	assert.Equal(t, "repositoryId is GitHub's number of the repository. Give it with ownerId.",
		credential.Properties["repositoryId"].Description)
	assert.Contains(t, credential.Properties["ownerId"].Description, "Give it with repositoryId for the immutable")
	assert.Contains(t, s.Types["batchaccess:index:Assertion"].Properties["how"].Description,
		"beside cannot or only and read.")
	assert.Contains(t, s.Types["batchaccess:index:GitLabSubject"].Description, "pipelines of a GitLab project:")
	var values []any
	for _, v := range s.Types["batchaccess:index:PrincipalKind"].Enum {
		values = append(values, v.Value)
	}
	assert.Equal(t, []any{"user", "group", "servicePrincipal", "managedIdentity"}, values)
}

func TestWhatASchemaCantSayIsRefused(t *testing.T) {
	t.Parallel()
	type Args struct {
		Undescribed string              `pulumi:"undescribed"`
		Lax         string              `pulumi:"lax,optional"`
		Number      pulumi.Float64Input `pulumi:"number"`
		Channel     chan int            `pulumi:"channel"`
	}
	docs, err := readSource(filepath.Join("..", "..", "access"))
	require.NoError(t, err)
	docs.fields["Args"] = map[string]string{"Lax": "Lax. Required.", "Number": "Number.", "Channel": "Channel."}
	_, err = specOf([]provider.Component{{Token: "batchaccess:index:X", Args: reflect.TypeFor[Args](),
		Result: reflect.TypeFor[struct{}]()}}, docs)
	require.Error(t, err)
	for _, want := range []string{
		"Args.Undescribed: has no doc comment", "Args.Lax: its doc comment says that it is required",
		"pulumi.Float64Input: is not among", "chan int: has no type in a schema",
	} {
		assert.Contains(t, err.Error(), want)
	}
	assert.Len(t, strings.Split(err.Error(), "\n"), 4)
}
