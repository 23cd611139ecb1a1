package provider

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/blang/semver"
	p "github.com/pulumi/pulumi-go-provider"
	"github.com/pulumi/pulumi-go-provider/integration"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/common/tokens"
	"github.com/pulumi/pulumi/sdk/v3/go/property"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/batchaccess/batchaccess/components"
	"github.com/batchaccess/batchaccess/internal/hooks"
	"github.com/batchaccess/batchaccess/internal/problem"
)

// recorder stands for the engine: it makes every resource, and keeps the requests.
type recorder struct {
	lock      sync.Mutex
	resources []string
}

func (r *recorder) NewResource(args pulumi.MockResourceArgs) (string, resource.PropertyMap, error) {
	r.lock.Lock()
	defer r.lock.Unlock()
	r.resources = append(r.resources, asked(args.RegisterRPC))
	state := args.Inputs.Copy()
	for _, output := range []resource.PropertyKey{"clientId", "objectId", "principalId", "applicationTenantId", "value"} {
		if _, given := state[output]; !given {
			state[output] = resource.NewProperty(string(output) + " of " + args.Name)
		}
	}
	if identity := state["identity"]; identity.IsObject() { // of a cluster: Azure answers with its identity
		who := identity.ObjectValue().Copy()
		delete(who, "userAssignedIdentities") // a list in the request, a map in the answer
		who["principalId"] = resource.NewProperty("principalId of " + args.Name)
		state["identity"] = resource.NewProperty(who)
	}
	return args.Name + "_id", state, nil
}

// asked are all requests to the engine, without the place in the source, and without hooks, which this engine does not
// have.
func asked(request *pulumirpc.RegisterResourceRequest) string {
	request = proto.CloneOf(request)
	request.SourcePosition, request.StackTrace, request.Hooks = nil, nil, nil
	text, err := protojson.Marshal(request)
	if err != nil {
		panic(err)
	}
	var values any // protojson varies its white space
	if err := json.Unmarshal(text, &values); err != nil {
		panic(err)
	}
	if text, err = json.Marshal(values); err != nil {
		panic(err)
	}
	return string(text)
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
	s, err := integration.NewServer(hooks.Without(t.Context()), Name, semver.MustParse(Version),
		integration.WithProvider(New([]byte("{}"))), integration.WithMocks(r))
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
	stack := resource.DefaultRootStackURN("stack", "project")
	return p.ConstructRequest{Urn: resource.NewURN("stack", "project", "", tokens.Type(token), name), Parent: stack,
		Inputs: values}
}

const (
	workspace = "/subscriptions/11111111-1111-4111-8111-111111111111/resourceGroups/rg/providers/" +
		"Microsoft.MachineLearningServices/workspaces/ws"
	account = "/subscriptions/11111111-1111-4111-8111-111111111111/resourceGroups/rg/providers/Microsoft.Storage/" +
		"storageAccounts/lake"
	someone = "22222222-2222-4222-8222-222222222222"
)

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
		"misspelt arguments": {components.BatchEndpointAccessToken, map[string]any{
			"workspaceID": workspace,
			"invokers": map[string]any{"a": map[string]any{"kind": "servicePrincipal",
				"federatedCredentials": map[string]any{
					"main": map[string]any{"github": map[string]any{"repo": "contoso/scoring"}},
				}}},
			"tags": map[string]any{"any": "key"},
		}, []string{`BatchEndpointAccess "it"`, "\nworkspaceID: is no argument here; write one of assertions, " +
			"", "\ninvokers.a.federatedCredentials.main.github.repo: is no argument here; write one of branch, "}},
		"nothing where something limits": {components.BatchEndpointAccessToken, map[string]any{
			"workspaceId": workspace, "location": nil,
			"invokers": map[string]any{
				"a": map[string]any{"kind": "user", "objectId": someone, "displayName": ""},
				"g": map[string]any{"kind": "group", "members": []any{""}},
			},
			"clusters":  map[string]any{"cpu": map[string]any{"maxNodeCount": 1.5, "identity": ""}},
			"endpoints": map[string]any{"score": map[string]any{"cluster": "cpu", "invokers": nil}},
			"role":      map[string]any{"additions": nil, "name": ""},
		}, []string{
			"\nendpoints.score.invokers: is empty", "\ninvokers.a.displayName: is empty", "\ninvokers.g.members[0]: is empty",
			"\nclusters.cpu.maxNodeCount: 1.5 is no whole number", "\nclusters.cpu.identity: is empty", "\nlocation: is empty",
			"\nrole.additions: is empty", "\nrole.name: is empty",
		}},
		"an empty container is not the account": {components.StorageReaderToken, map[string]any{
			"storageAccountId": account, "container": "",
			"principals": map[string]any{"a": map[string]any{"principalId": someone, "principalType": "User"}},
		}, []string{"\ncontainer: is empty; give a value, or leave it out"}},
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
			assert.NotContains(t, err.Error(), "tags.any")
			assert.Empty(t, r.sorted(), "nothing is made")
		})
	}
}

func TestWhatDecidesWhatIsMadeIsPlainAndInTheOpen(t *testing.T) {
	t.Parallel()
	text := property.New("raw")
	for name, value := range map[string]property.Value{
		"is known only after": property.New(property.Computed), "is a secret": text.WithSecret(true),
	} {
		var ps problem.List
		check("", property.NewMap(map[string]property.Value{
			"container": value, "storageAccountId": value, // an Input takes both
		}), reflect.TypeFor[components.StorageReaderArgs](), &ps)
		require.Len(t, ps, 1, name)
		assert.Equal(t, "container", ps[0].Path, name)
		assert.Contains(t, ps[0].What, name)
	}
}

// Two components that grant the same by an ID that is known only in the deployment are refused there, unless one
// depends on the other: then it is granted once.
func TestTwoComponentsThatGrantTheSameByAnIDThatIsKnownLater(t *testing.T) {
	t.Parallel()
	for _, depends := range []bool{false, true} {
		r := &recorder{}
		s := serve(t, r)
		for _, dry := range []bool{true, false} {
			require.NoError(t, s.Configure(p.ConfigureRequest{}))
			var first p.ConstructRequest
			for i, name := range []string{"first", "second"} {
				c := request(t, components.StorageReaderToken, name, map[string]any{"storageAccountId": account,
					"container": "rows", "principals": map[string]any{"a": map[string]any{"principalType": "User"}}})
				id := property.New(someone)
				if dry {
					id = property.New(property.Computed)
				}
				of := c.Inputs.Get("principals").AsMap()
				c.Inputs = c.Inputs.Set("principals", property.New(of.Set("a",
					property.New(of.Get("a").AsMap().Set("principalId", id.WithDependencies(
						[]resource.URN{resource.NewURN("stack", "project", "", "t:m:Maker", name)}))))))
				c.DryRun = dry
				if i == 0 {
					first = c
				} else if depends {
					c.Dependencies = []resource.URN{first.Urn}
				}
				_, err := s.Construct(c)
				if i == 0 || dry || depends {
					require.NoError(t, err)
				} else {
					require.ErrorContains(t, err, "StorageReader first of this program assigns the same role there")
				}
			}
		}
		made := slices.DeleteFunc(r.sorted(), func(line string) bool {
			return !strings.Contains(line, ":RoleAssignment") || !strings.Contains(line, someone)
		})
		assert.Len(t, made, 1, "depends: %v", depends)
	}
}

// Two components that grant the same are refused in the preview, unless one depends on the other: then it is granted
// once. The order of the requests is not fixed.
func TestTwoComponentsThatGrantTheSameSayWhichComesFirst(t *testing.T) {
	t.Parallel()
	access := func(name, workspaceName string) p.ConstructRequest {
		return request(t, components.BatchEndpointAccessToken, name, map[string]any{
			"workspaceId": strings.Replace(workspace, "/ws", "/"+workspaceName, 1), "location": "westeurope",
			"invokers":        map[string]any{"a": map[string]any{"kind": "user", "objectId": someone}},
			"clusters":        map[string]any{"cpu": map[string]any{}},
			"storageAccounts": map[string]any{"lake": account},
			"dataInputs": map[string]any{"rows": map[string]any{"kind": "blob", "storageAccount": "lake",
				"container": "rows"}},
			"endpoints": map[string]any{"score": map[string]any{"cluster": "cpu", "inputs": []any{"rows"}}},
		})
	}
	reader := request(t, components.StorageReaderToken, "readers", map[string]any{
		"storageAccountId": account, "container": "rows",
		"principals": map[string]any{"a": map[string]any{"principalId": strings.ToUpper(someone), "principalType": "User"}},
	})
	for name, c := range map[string]struct {
		first, second p.ConstructRequest
		depends       bool
		refused       string // "" if both are made
	}{
		"neither depends": {access("one", "a"), access("two", "b"), false, "BatchEndpointAccess one of this program"},
		"neither depends, the other way": {access("two", "b"), access("one", "a"), false,
			"BatchEndpointAccess two of this program"},
		"the second depends on the first": {access("one", "a"), access("two", "b"), true, ""},
		"another component":               {reader, access("one", "a"), false, "StorageReader readers of this program"},
		"another component, dependent":    {access("one", "a"), reader, true, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := &recorder{}
			s := serve(t, r)
			for _, dry := range []bool{true, false} {
				require.NoError(t, s.Configure(p.ConfigureRequest{}))
				c.first.DryRun, c.second.DryRun = dry, dry
				_, err := s.Construct(c.first)
				require.NoError(t, err)
				if c.depends {
					c.second.Dependencies = []resource.URN{c.first.Urn}
				}
				_, err = s.Construct(c.second)
				if c.refused == "" {
					require.NoError(t, err)
				} else {
					require.ErrorContains(t, err, c.refused)
					require.ErrorContains(t, err, "have this component depend on that one (dependsOn, in Python depends_on)")
				}
			}
			if c.refused == "" {
				lake := 0
				for _, made := range r.sorted() {
					if strings.Contains(made, ":RoleAssignment") && strings.Contains(made, someone) &&
						strings.Contains(made, account) {
						lake++
					}
				}
				assert.Equal(t, 2, lake, "once in the preview, once in the deployment")
			}
		})
	}
}
