package rehearsal

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/internal/world"
)

// A world has only what exists: resources that the program makes are not in it.
func TestAWorldIsRefusedForAProgramThatMakesItsPlaces(t *testing.T) {
	t.Parallel()
	there := access.Known("/subscriptions/11111111-1111-4111-8111-111111111111/resourceGroups/rg/providers/" +
		"Microsoft.Storage/storageAccounts/lake")
	for name, c := range map[string]struct {
		model access.Model
		says  string
	}{
		"the workspace": {access.Model{WorkspaceID: access.Later(1)}, "(workspaceId)"},
		"an account": {access.Model{WorkspaceID: there, StorageAccounts: map[string]access.ID{"b": access.Later(1),
			"a": there}}, "(storageAccounts.b)"},
		"all of it, in order": {access.Model{WorkspaceID: access.Later(1),
			StorageAccounts: map[string]access.ID{"b": access.Later(1),
				"a": access.Later(2)}}, "(workspaceId, storageAccounts.a, storageAccounts.b)"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := Run(t.Context(), Options{Model: c.model, World: &world.World{}, Inputs: map[string]any{}})
			require.ErrorContains(t, err, "--world: the file is of a workspace and accounts that exist")
			require.ErrorContains(t, err, c.says+"; leave out --world, or give their IDs in plain text")
		})
	}
}

// A resource that a program makes does not exist before, nor does anything in it.
func TestWhatAProgramMakesIsNotSeeded(t *testing.T) {
	t.Parallel()
	const group = "/subscriptions/11111111-1111-4111-8111-111111111111/resourceGroups/rg/providers/"
	workspace := access.Known(group + "Microsoft.MachineLearningServices/workspaces/ws")
	lake, archive := access.Known(group+"Microsoft.Storage/storageAccounts/lake"), access.Later("archive")
	model := func(workspace, lake access.ID) access.Model {
		return access.Model{
			WorkspaceID: workspace, StorageAccounts: map[string]access.ID{"lake": lake, "archive": archive},
			Invokers: map[string]access.Invoker{
				"ann": {Kind: access.User, PrincipalID: access.Known("33333333-3333-4333-8333-333333333333")},
				"bot": {Kind: access.ManagedIdentity, PrincipalID: access.Later("bot")},
			},
			Clusters: map[string]access.Cluster{"cpu": {}},
			DataInputs: map[string]access.DataInput{
				"rows": {Kind: access.Blob, StorageAccount: "lake", Container: "rows"},
				"old":  {Kind: access.Blob, StorageAccount: "archive", Container: "old"},
			},
			DataOutputs: map[string]access.DataOutput{"out": {StorageAccount: "archive", Container: "out"}},
			Endpoints:   map[string]access.Endpoint{"score": {Cluster: "cpu", Inputs: []string{"rows"}}},
		}
	}
	for name, c := range map[string]struct {
		workspace, lake                access.ID
		workspaces, accounts, endpoint bool
	}{
		"the workspace and an account are there": {workspace, lake, true, true, true},
		"the workspace is there":                 {workspace, access.Later("lake"), true, false, true},
		"an account is there":                    {access.Later("ws"), lake, false, true, false},
		"the program makes all of it":            {access.Later("ws"), access.Later("lake"), false, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := model(c.workspace, c.lake)
			_, err := Seed(m, "")
			require.ErrorContains(t, err, "is known only after deployment")
			s, err := SeedBefore(m, "")
			require.NoError(t, err)
			assert.Equal(t, c.workspaces, len(s.Workspaces) == 1)
			assert.Equal(t, c.endpoint, len(s.Endpoints) > 0)
			var accounts []string
			for _, a := range s.StorageAccounts {
				accounts = append(accounts, a.ID)
				assert.Equal(t, []string{"rows"}, a.Containers)
			}
			assert.Equal(t, c.accounts, len(accounts) == 1, accounts)
			var users []string
			for _, u := range s.Users {
				users = append(users, u.DisplayName)
			}
			assert.Contains(t, users, "ann")
			assert.Empty(t, s.ServicePrincipals, "the program makes it")
			assert.Equal(t, model(c.workspace, c.lake), m, "what is given stays as it is")
		})
	}
}
