package tests

import (
	"strings"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gopkg.in/yaml.v3"

	"github.com/batchaccess/batchaccess/components"
	"github.com/batchaccess/batchaccess/internal/config"
	"github.com/batchaccess/batchaccess/internal/problem"
)

const twoWildcards = `{"properties": {"roleName": "R", "permissions": [{"actions": ` +
	`["Microsoft.MachineLearningServices/*/read*"]}]}}`
const elsewhere = `{"properties": {"roleName": "R", "assignableScopes": ` +
	`["/subscriptions/22222222-2222-4222-8222-222222222222"], "permissions": [{"actions": ["*"]}]}}`

// badInput has every case of bad input: a change to a good configuration, and the path, the fault and the remedy that
// the error must name.
var badInput = map[string]struct {
	yaml            string // replaces keys of the good configuration; null removes a key
	path, what, fix string
}{
	"missing workspace": {`workspaceId: null`, "workspaceId", "is missing",
		"/providers/Microsoft.MachineLearningServices/workspaces/<name>"},
	"malformed ARM ID": {`workspaceId: scoring`, "workspaceId", `"scoring" is not the ARM ID`,
		"write /subscriptions/<id>"},
	"subscription that is no GUID": {
		`workspaceId: /subscriptions/dev/resourceGroups/g/providers/Microsoft.MachineLearningServices/workspaces/w`,
		"workspaceId", `the subscription "dev" is not a GUID`, "write /subscriptions/<id>",
	},
	"workspace for storage account": {`storageAccounts: {lake: ` + workspaceID + `}`, "storageAccounts.lake",
		"is the ID of a Microsoft.MachineLearningServices/workspaces", "Microsoft.Storage/storageAccounts/<name>"},
	"object ID that is not a GUID": {`invokers: {alice: {kind: user, objectId: alice@contoso.com}}`,
		"invokers.alice.objectId", `"alice@contoso.com" is not a GUID`, "write the object ID that Entra shows"},
	"client ID with a display name": {`invokers: {robot: {kind: servicePrincipal, objectId: ` + existingSP +
		`, clientId: Robot}}`, "invokers.robot.clientId", `"Robot" is not a GUID`, "not the display name"},
	"client ID as object ID": {`invokers: {robot: {kind: servicePrincipal, objectId: ` + existingSP +
		`, clientId: ` + existingSP + `}}`, "invokers.robot.objectId", "is the client ID", "az ad sp show"},
	"unknown input kind": {`dataInputs: {raw: {kind: blobs, storageAccount: lake, container: raw}}`,
		"dataInputs.raw.kind", `unknown value "blobs"`, `did you mean "blob"?`},
	"ADLS Gen1": {`dataInputs: {raw: {kind: adlsGen1, storageAccount: lake, container: raw}}`,
		"dataInputs.raw.kind", "retired on 2024-02-29", "Gen2"},
	"credential in store on a blob": {
		`dataInputs: {raw: {kind: blob, storageAccount: lake, container: raw, credentialInStore: true}}`,
		"dataInputs.raw.credentialInStore", "means nothing for blob", "leave it out",
	},
	"same principal twice": {`invokers: {alice: {kind: user, objectId: ` + alice +
		`}, bob: {kind: user, objectId: ` + strings.ToUpper(alice) +
		`}}`, "invokers.bob.objectId", "is the same principal as invokers.alice", "keep one"},
	"endpoint naming no cluster": {`endpoints: {classifier: {cluster: cpus, inputs: [raw]}}`,
		"endpoints.classifier.cluster", `no cluster is called "cpus"`, `did you mean "cpu"?`},
	"endpoint naming no input": {`endpoints: {classifier: {cluster: cpu, inputs: [row]}}`,
		"endpoints.classifier.inputs[0]", `no data input is called "row"`, `did you mean "raw"?`},
	"role with two wildcards": {`role: {definition: '` + twoWildcards + `'}`,
		"role.definition.permissions[0].actions[0]", "more than one wildcard", "Azure allows one"},
	"role outside its scopes": {`role: {definition: '` + elsewhere + `'}`, "role.definition",
		"outside its assignable scopes", "add the scope to assignableScopes"},
	"ID of a role that is none": {`role: {roleDefinitionId: Scorers}`, "role.roleDefinitionId",
		`"Scorers" is not the ARM ID`, "roleDefinitions/<GUID>"},
	"existing role with a name": {`role: {name: Scorers, roleDefinitionId: ` + roleIDs + alice + `}`,
		"role.roleDefinitionId", "can't be renamed", "leave out name"},
	"unknown built-in role": {`role: {builtIn: Reader}`, "role.builtIn", `unknown value "Reader"`,
		"Contributor"},
	"secret lifetime of zero": {
		`invokers: {p: {kind: servicePrincipal, clientSecrets: {s: {startDate: 2026-11-01, endDate: 2026-11-01}}}}`,
		"invokers.p.clientSecrets.s.endDate", "no time", "at least one day",
	},
	"secret lifetime of ten years": {
		`invokers: {p: {kind: servicePrincipal, clientSecrets: {s: {startDate: 2026-11-01, endDate: 2036-11-01}}}}`,
		"invokers.p.clientSecrets.s.endDate", "3653 days", "at most 731 days",
	},
	"empty invoker map": {`invokers: {}`, "invokers", "is empty", "declare at least one principal"},
	"no way to sign in": {`invokers: {p: {kind: servicePrincipal}}`, "invokers.p", "has no way to sign in",
		"federatedCredentials (preferred)"},
	"credentials of a user": {`invokers: {alice: {kind: user, objectId: ` + alice +
		`, clientSecrets: {s: {startDate: 2026-11-01, endDate: 2027-01-01}}}}`, "invokers.alice.clientSecrets", "only goes " +
		"with a service principal", "leave it out"},
	"principal ID of a user": {`invokers: {alice: {kind: user, principalId: ` + alice + `}}`,
		"invokers.alice.principalId", "does not go with kind user", "write objectId"},
	"object ID of an identity": {`invokers: {mi: {kind: managedIdentity, objectId: ` + alice + `}}`,
		"invokers.mi.objectId", "does not go with kind managedIdentity", "write principalId"},
	"cluster without identity": {`clusters: {cpu: {identity: none}}`, "clusters.cpu.identity",
		"the cluster identity mounts raw", "systemAssigned"},
	"unknown setting of a cluster": {`clusters: {cpu: {vmPriority: Spot}}`, "clusters.cpu.vmPriority",
		`unknown value "Spot"`, "Dedicated, LowPriority"},
	"storage account that is unnamed": {`dataInputs: {raw: {kind: blob, container: raw}}`, "dataInputs.raw.storageAccount",
		"is missing", "name one of storageAccounts"},
	"assertion that does not hold": {`assertions: {closed: {cannot: [alice], read: raw}}`, "assertions.closed",
		"does not hold: invoker alice: reads by Storage Blob Data Reader on lake/raw", "change the assertion"},
	"assertion of nobody known": {`assertions: {closed: {cannot: [alicia], read: raw}}`,
		"assertions.closed.cannot[0]", `is called "alicia"`, `did you mean "alice"?`},
	"container in capitals": {`dataInputs: {raw: {kind: blob, storageAccount: lake, container: Raw}}`,
		"dataInputs.raw.container", `"Raw" is not the name of a container`, "lower-case"},

	"cluster name of 2 characters": {
		`clusters: {cpu: {computeName: ab}}`, "clusters.cpu.computeName", "2 characters", "use 3 to 32",
	},
}

const goodConfiguration = `
location: westeurope
workspaceId: ` + workspaceID + `
invokers: {alice: {kind: user, objectId: ` + alice + `}}
clusters: {cpu: {}}
storageAccounts: {lake: ` + lakeID + `}
dataInputs: {raw: {kind: blob, storageAccount: lake, container: raw}}
`

// laidOver is the good configuration with some keys replaced.
func laidOver(t *testing.T, texts ...string) map[string]any {
	t.Helper()
	values := map[string]any{}
	require.NoError(t, yaml.Unmarshal([]byte(goodConfiguration), &values))
	for _, text := range texts {
		var over map[string]any
		require.NoError(t, yaml.Unmarshal([]byte(text), &over))
		for key, value := range over {
			values[key] = value
		}
	}
	return values
}

func TestGoodConfigurationIsGood(t *testing.T) {
	t.Parallel()
	args, ps := config.Decode(laidOver(t))
	require.Empty(t, ps)
	run(t, batchEndpointAccess(*args))
}

func TestBadInputIsNamedWithItsRemedy(t *testing.T) {
	t.Parallel()
	for name, c := range badInput {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			args, ps := config.Decode(laidOver(t, c.yaml))
			var found *problem.Problem
			for _, p := range ps {
				if p.Path == c.path && strings.Contains(p.What, c.what) {
					found = &p
				}
			}
			require.NotNil(t, found, "no problem at %s with %q among: %v", c.path, c.what, ps)
			assert.Contains(t, found.Fix, c.fix)
			assert.False(t, found.Warning)

			got := refused(t, batchEndpointAccess(*args))
			assert.Contains(t, got, `BatchEndpointAccess "access"`)
			assert.Contains(t, got, found.String())
		})
	}
}

func TestAllThatIsWrongIsReportedAtOnce(t *testing.T) {
	t.Parallel()
	args, ps := config.Decode(laidOver(t, badInput["malformed ARM ID"].yaml, badInput["object ID that is not a GUID"].yaml,
		badInput["cluster name of 2 characters"].yaml,
		badInput["unknown input kind"].yaml, badInput["workspace for storage account"].yaml))
	var paths []string
	for _, p := range ps {
		if !p.Warning {
			paths = append(paths, p.Path)
		}
	}
	assert.Equal(t, []string{"workspaceId", "invokers.alice.objectId", "clusters.cpu.computeName", "storageAccounts.lake",
		"dataInputs.raw.kind"}, paths, "each once, in the order of the configuration")
	got := refused(t, batchEndpointAccess(*args))
	for _, path := range paths {
		assert.Contains(t, got, path+": ")
	}
}

func TestNoArgumentsAtAllIsAnErrorAndNoPanic(t *testing.T) {
	t.Parallel()
	for name, p := range map[string]func(ctx *pulumi.Context) error{
		"BatchEndpointAccess": func(ctx *pulumi.Context) error {
			_, err := components.NewBatchEndpointAccess(ctx, "x", nil)
			return err
		},
		"InvokerRole": func(ctx *pulumi.Context) error {
			_, err := components.NewInvokerRole(ctx, "x", nil)
			return err
		},
		"ServicePrincipal": func(ctx *pulumi.Context) error {
			_, err := components.NewServicePrincipal(ctx, "x", nil)
			return err
		},
		"ManagedIdentity": func(ctx *pulumi.Context) error {
			_, err := components.NewManagedIdentity(ctx, "x", nil)
			return err
		},
		"ComputeCluster": func(ctx *pulumi.Context) error {
			_, err := components.NewComputeCluster(ctx, "xy", nil)
			return err
		},
		"StorageReader": func(ctx *pulumi.Context) error {
			_, err := components.NewStorageReader(ctx, "x", nil)
			return err
		},
		"StorageContributor": func(ctx *pulumi.Context) error {
			_, err := components.NewStorageContributor(ctx, "x", nil)
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := refused(t, func(ctx *pulumi.Context) (pulumi.Map, error) { return nil, p(ctx) })
			assert.Contains(t, got, name)
		})
	}
}

func TestInvokerRoleRefuses(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		args components.InvokerRoleArgs
		want []string
	}{
		"no scope": {components.InvokerRoleArgs{}, []string{"scope: is missing; give the ARM ID"}},
		"two wildcards": {components.InvokerRoleArgs{Scope: pulumi.String(workspaceID), Definition: twoWildcards},
			[]string{"definition.permissions[0].actions[0]: ", "more than one wildcard"}},
		"no JSON": {components.InvokerRoleArgs{Scope: pulumi.String(workspaceID), Definition: "role"},
			[]string{"definition: "}},
		"an unknown key": {components.InvokerRoleArgs{Scope: pulumi.String(workspaceID),
			Definition: `{"properties": {"name": "R"}}`}, []string{"definition: ", "name"}},
		"outside its scopes": {components.InvokerRoleArgs{Scope: pulumi.String(workspaceID), Definition: elsewhere},
			[]string{"definition: ", "outside its assignable scopes"}},
		"a long name": {components.InvokerRoleArgs{Scope: pulumi.String(workspaceID), Name: strings.Repeat("n", 513)},
			[]string{"name: ", "513 characters", "512"}},
		"unknown addition": {components.InvokerRoleArgs{Scope: pulumi.String(workspaceID), Additions: []string{"pollJob"}},
			[]string{`additions[0]: unknown value "pollJob"`, `did you mean "pollJobs"?`}},
		"a renamed built-in": {components.InvokerRoleArgs{Scope: pulumi.String(workspaceID), BuiltIn: "Owner", Name: "Boss"},
			[]string{"builtIn: "}},
		"an assignee's name": {components.InvokerRoleArgs{Scope: pulumi.String(workspaceID),
			Invokers: map[string]components.AssigneeArgs{"a": {PrincipalID: pulumi.String("a"), PrincipalType: "user"}}},
			[]string{`invokers.a.principalId: "a" is not a GUID`, `invokers.a.principalType: unknown value "user"; use User`}},
		"several at once": {components.InvokerRoleArgs{Additions: []string{"x"},
			Invokers: map[string]components.AssigneeArgs{"a": {}}}, []string{"scope: ", "additions[0]: " +
			"", "invokers.a.principalId: ", "invokers.a.principalType: "}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := refused(t, invokerRole(c.args))
			assert.Contains(t, got, `InvokerRole "role"`)
			for _, want := range c.want {
				assert.Contains(t, got, want)
			}
		})
	}
}
