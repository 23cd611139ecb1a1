package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/batchaccess/batchaccess/roles"
	"github.com/batchaccess/batchaccess/sandbox/azure"
)

const (
	handMade = "/subscriptions/11111111-1111-4111-8111-111111111111/resourceGroups/ml/providers/" +
		"Microsoft.MachineLearningServices/workspaces/scoring"
	handLake = "/subscriptions/11111111-1111-4111-8111-111111111111/resourceGroups/data/providers/" +
		"Microsoft.Storage/storageAccounts/lake"
)

// A stack takes in access that no stack made, under the names that its assignments have, and nothing changes in Azure.
func TestInitThenAdoptTakesWhatIsThere(t *testing.T) {
	t.Parallel()
	dir := projectWith(t, nil)
	state := filepath.Join(dir, ".batchaccess", "sandbox", "azure")
	require.NoError(t, os.MkdirAll(state, 0o700))
	a, err := azure.Start(t.Context(), azure.Options{StateFile: filepath.Join(state, "state.json")})
	require.NoError(t, err)
	reader, _ := roles.BuiltIn(roles.StorageBlobDataReader)
	const ann, cpu = "33333333-3333-4333-8333-333333333333", "77777777-7777-4777-8777-777777777777"
	const team, gpu = "44444444-4444-4444-8444-444444444444", "88888888-8888-4888-8888-888888888888"
	const starter = "99999999-9999-4999-8999-999999999999"
	patients := handLake + "/blobServices/default/containers/patients"
	by := func(n int, principal, kind, role, scope, description string) azure.RoleAssignment {
		return azure.RoleAssignment{ID: fmt.Sprintf("abcdefab-0000-4000-8000-%012d", n), Scope: scope, RoleID: role,
			PrincipalID: principal, PrincipalType: kind, Description: description}
	}
	require.NoError(t, a.Seed(azure.Seed{
		Workspaces:      []azure.Workspace{{ID: handMade, Location: "westeurope"}},
		StorageAccounts: []azure.StorageAccount{{ID: handLake, Containers: []string{"patients"}}},
		Datastores: []azure.Datastore{
			{WorkspaceID: handMade, Name: "patients", AccountID: handLake, Container: "patients"},
		},
		Users:  []azure.User{{ObjectID: ann, UserPrincipalName: "ann@contoso.com", DisplayName: "Ann"}},
		Groups: []azure.Group{{ObjectID: team, DisplayName: "Scoring team"}},
		Computes: []azure.Compute{{WorkspaceID: handMade, Name: "cpu", SystemAssignedPrincipalID: cpu},
			{WorkspaceID: handMade, Name: "gpu", SystemAssignedPrincipalID: gpu}},
		Endpoints: []azure.Endpoint{
			{WorkspaceID: handMade, Name: "heart", DefaultDeployment: "blue",
				Deployments: []azure.Deployment{{Name: "blue", ComputeName: "cpu"}}},
			{WorkspaceID: handMade, Name: "lung", DefaultDeployment: "blue",
				Deployments: []azure.Deployment{{Name: "blue", ComputeName: "gpu"}, {Name: "green", ComputeName: "cpu"}}},
		},
		RoleDefinitions: []azure.RoleDefinition{{ID: starter, RoleName: "starters", AssignableScopes: []string{handMade},
			Permissions: []azure.Permission{{Actions: roles.InvokerActions()}}}},
		RoleAssignments: []azure.RoleAssignment{
			by(1, ann, "User", starter, handMade, "by hand"), by(2, ann, "User", reader.ID, patients, ""),
			by(3, cpu, "ServicePrincipal", reader.ID, patients, "the cluster, says Bob"),
			by(4, team, "Group", starter, handMade, ""), by(5, team, "Group", reader.ID, patients, "of the team"),
			by(6, gpu, "ServicePrincipal", reader.ID, patients, ""),
		},
	}))
	before := a.Inventory()
	require.NoError(t, a.Close())

	file := filepath.Join(dir, "Pulumi.prod.yaml")
	ask := func(more ...string) (int, string, string) {
		return execute(t, append([]string{"sandbox", "--dir", dir, "--", "batchaccess", "init", "--dir", dir, "--stack",
			"prod", "--workspace", handMade}, more...)...)
	}
	code, stdout, stderr := ask()
	assert.Equal(t, exitFailed, code, stderr)
	assert.Contains(t, stderr, "nothing is written yet; add --yes")
	assert.Contains(t, stdout, "heart: { cluster: cpu, inputs: [patients], invokers: [ann, scoring-team] }")
	assert.NoFileExists(t, file)
	text := stdout
	code, stdout, stderr = ask("--json")
	assert.Equal(t, exitFailed, code, stderr)
	var said any
	require.NoError(t, json.Unmarshal([]byte(stdout), &said))
	assert.Empty(t, conforms("init", schemaOf(reflect.TypeFor[initForm]()), said))
	assert.Equal(t, text, said.(map[string]any)["text"])
	assert.NoFileExists(t, file)
	code, _, stderr = ask("--yes")
	require.Zero(t, code, stderr)

	code, stdout, stderr = execute(t, "sandbox", "--dir", dir, "--", "sh", "-c",
		"batchaccess adopt --stack prod --yes --dir "+dir+" >&2 && "+
			"pulumi preview --stack prod --diff --expect-no-changes --non-interactive")
	assert.Zero(t, code, stdout+stderr)
	assert.Contains(t, stdout, "unchanged")

	a, err = azure.Start(t.Context(), azure.Options{StateFile: filepath.Join(state, "state.json")})
	require.NoError(t, err)
	defer func() { require.NoError(t, a.Close()) }()
	assert.Equal(t, before, a.Inventory(), "nothing was made in Azure, and nothing taken away")
}

func TestInitLosesNothing(t *testing.T) {
	t.Parallel()
	text := []byte("config: {}\n")
	file := filepath.Join(t.TempDir(), "Pulumi.prod.yaml")
	require.NoError(t, mayInit(file, false))
	require.NoError(t, os.WriteFile(file, signed(text), 0o600))
	require.NoError(t, mayInit(file, false), "its own")
	for name, there := range map[string][]byte{
		"edited": append(signed(text), "# mine\n"...), "somebody's": text, "empty": {}, "the mark alone": []byte(initMark),
	} {
		require.NoError(t, os.WriteFile(file, there, 0o600))
		require.ErrorContains(t, mayInit(file, false), "is not what batchaccess init wrote", name)
		require.NoError(t, mayInit(file, true), name)
	}
	require.Error(t, mayInit(filepath.Dir(file), false), "a folder")
}

func TestInitIsAskedRightly(t *testing.T) {
	t.Parallel()
	dir := projectWith(t, map[string]string{"dev": oneUser})
	for name, c := range map[string]struct {
		args []string
		says string
	}{
		"no stack":     {[]string{"--workspace", handMade}, `--stack: "" names no stack`},
		"a path":       {[]string{"--workspace", handMade, "--stack", "../dev"}, "names no stack"},
		"no workspace": {[]string{"--stack", "prod"}, `--workspace: "" is not the ARM ID`},
		"another kind": {[]string{"--stack", "prod", "--workspace", handLake}, "is the ID of a Microsoft.Storage"},
		"a file":       {[]string{"--stack", "dev", "--workspace", handMade, "--yes"}, "is not what batchaccess init wrote"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			code, stdout, stderr := execute(t, append([]string{"init", "-C", dir}, c.args...)...)
			assert.Equal(t, exitUsage, code)
			assert.Empty(t, stdout)
			assert.Contains(t, stderr, c.says)
		})
	}
}
