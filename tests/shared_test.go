package tests

import (
	"slices"
	"strings"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/components"
)

// Two workspaces use one lake. Azure allows no two equal assignments, so the second component uses the first one's.
func TestTwoComponentsOverOneLakeAssignOnce(t *testing.T) {
	t.Parallel()
	one := func(workspace, who string) *components.BatchEndpointAccessArgs {
		return &components.BatchEndpointAccessArgs{
			WorkspaceID: pulumi.String(strings.Replace(workspaceID, "/workspaces/", "/workspaces/"+workspace, 1)),
			Location:    pulumi.String("westeurope"),
			Invokers: map[string]components.InvokerArgs{
				"alice": {Kind: access.User, ObjectID: pulumi.String(who)},
			},
			Clusters:        map[string]components.ClusterArgs{"cpu": {}},
			StorageAccounts: map[string]pulumi.StringInput{"lake": pulumi.String(lakeID)},
			DataInputs: map[string]access.DataInput{
				"raw": {Kind: access.Blob, StorageAccount: "lake", Container: "raw"},
			},
		}
	}
	r := run(t, func(ctx *pulumi.Context) (pulumi.Map, error) {
		if _, err := components.NewBatchEndpointAccess(ctx, "first", one("a", alice)); err != nil {
			return nil, err
		}
		_, err := components.NewBatchEndpointAccess(ctx, "second", one("b", strings.ToUpper(alice)))
		return nil, err
	})
	onLake := map[any]int{}
	for _, reg := range r.ofType(roleAssignment) {
		scope, _ := reg.at("scope").(string)
		principal, _ := reg.at("principalId").(string)
		if strings.HasPrefix(scope, lakeID) && strings.EqualFold(principal, alice) {
			onLake[reg.at("roleAssignmentName")]++
		}
	}
	assert.Len(t, onLake, 1)
	for name, n := range onLake {
		assert.Equal(t, 1, n, name)
	}
	var names []string
	for _, reg := range r.ofType(roleAssignment) {
		names = append(names, reg.Name)
	}
	assert.Len(t, names, 5, "alice at two workspaces, alice at the lake once, and two cluster identities: %v", names)
}

// Two components may get one ID in ways that Go can't compare. Then the deployment waits for it, and assigns once. Only
// a preview in which even then it is not known warns, with the names of both.
func TestTwoComponentsThatGetOneIDInTwoWaysAssignOnce(t *testing.T) {
	t.Parallel()
	const bob = "b0b00000-0000-4000-8000-000000000000"
	type grant struct {
		account, principal pulumi.StringInput
		container          string
		contributor        bool
	}
	plain := func(id string) pulumi.StringInput { return pulumi.String(id) }
	output := func(id string) pulumi.StringOutput { return pulumi.String(id).ToStringOutput() }
	later := func(ctx *pulumi.Context, id string) pulumi.StringInput { // an output of what is made
		if ctx.DryRun() {
			return pulumi.UnsafeUnknownOutput(nil).ApplyT(func(any) string { return id }).(pulumi.StringOutput)
		}
		return output(id)
	}
	made := func(t *testing.T, ctx *pulumi.Context, name string) pulumi.StringOutput {
		t.Helper()
		sp, err := components.NewServicePrincipal(ctx, name, &components.ServicePrincipalArgs{
			DisplayName: pulumi.String(name), SignIn: "none"})
		require.NoError(t, err)
		return sp.ObjectID
	}
	for name, c := range map[string]struct {
		grants     func(t *testing.T, ctx *pulumi.Context) [2]grant
		once, warn bool
	}{
		"text and an output": {func(_ *testing.T, _ *pulumi.Context) [2]grant {
			return [2]grant{{plain(lakeID), plain(alice), "raw", false},
				{plain(lakeID), output(strings.ToUpper(alice)), "raw", false}}
		}, true, false},
		"an output and text": {func(_ *testing.T, _ *pulumi.Context) [2]grant {
			return [2]grant{{plain(lakeID), output(alice), "raw", false}, {plain(lakeID), plain(alice), "raw", false}}
		}, true, false},
		"two outputs": {func(_ *testing.T, _ *pulumi.Context) [2]grant {
			return [2]grant{{output(lakeID), output(alice), "raw", false}, {output(lakeID), output(alice), "raw", false}}
		}, true, false},
		"two outputs of others": {func(_ *testing.T, _ *pulumi.Context) [2]grant {
			return [2]grant{{plain(lakeID), output(alice), "raw", false}, {plain(lakeID), output(bob), "raw", false}}
		}, false, false},
		"later, one": {func(_ *testing.T, ctx *pulumi.Context) [2]grant {
			return [2]grant{{plain(lakeID), later(ctx, alice), "raw", false},
				{plain(lakeID), later(ctx, alice), "raw", false}}
		}, true, true},
		"later, two": {func(_ *testing.T, ctx *pulumi.Context) [2]grant {
			return [2]grant{{plain(lakeID), later(ctx, alice), "raw", false}, {plain(lakeID), later(ctx, bob), "raw", false}}
		}, false, true},
		"later, and text": {func(_ *testing.T, ctx *pulumi.Context) [2]grant {
			return [2]grant{{plain(lakeID), plain(alice), "raw", false}, {plain(lakeID), later(ctx, alice), "raw", false}}
		}, true, true},
		"an account that is made": {func(_ *testing.T, ctx *pulumi.Context) [2]grant {
			return [2]grant{{later(ctx, lakeID), plain(alice), "raw", false}, {plain(lakeID), plain(alice), "raw", false}}
		}, true, true},
		"one account, one output": {func(_ *testing.T, ctx *pulumi.Context) [2]grant {
			lake := later(ctx, lakeID)
			return [2]grant{{lake, plain(alice), "raw", false}, {lake, plain(alice), "raw", false}}
		}, true, false},
		"one account, another container": {func(_ *testing.T, ctx *pulumi.Context) [2]grant {
			lake := later(ctx, lakeID)
			return [2]grant{{lake, later(ctx, alice), "raw", false}, {lake, later(ctx, alice), "out", false}}
		}, false, false},
		"the whole account, and a container": {func(_ *testing.T, ctx *pulumi.Context) [2]grant {
			return [2]grant{{later(ctx, lakeID), plain(alice), "", false}, {later(ctx, lakeID), plain(alice), "raw", false}}
		}, false, false},
		"another role": {func(_ *testing.T, ctx *pulumi.Context) [2]grant {
			return [2]grant{{plain(lakeID), later(ctx, alice), "raw", false}, {plain(lakeID), later(ctx, alice), "raw", true}}
		}, false, false},
		"two that are made": {func(t *testing.T, ctx *pulumi.Context) [2]grant {
			return [2]grant{{plain(lakeID), made(t, ctx, "one"), "raw", false},
				{plain(lakeID), made(t, ctx, "two"), "raw", false}}
		}, false, false},
		"one that is made": {func(t *testing.T, ctx *pulumi.Context) [2]grant {
			one := made(t, ctx, "one")
			return [2]grant{{plain(lakeID), one, "raw", false}, {plain(lakeID), one, "raw", false}}
		}, true, false},
		"one that is made, and a text": {func(t *testing.T, ctx *pulumi.Context) [2]grant {
			return [2]grant{{plain(lakeID), made(t, ctx, "one"), "raw", false}, {plain(lakeID), plain(bob), "raw", false}}
		}, false, false},
		"an identity that is made, and a text": {func(t *testing.T, ctx *pulumi.Context) [2]grant {
			identity, err := components.NewManagedIdentity(ctx, "one", &components.ManagedIdentityArgs{
				ResourceGroupName: pulumi.String("rg"), Location: pulumi.String("westeurope")})
			require.NoError(t, err)
			return [2]grant{{plain(lakeID), identity.PrincipalID, "raw", false}, {plain(lakeID), plain(bob), "raw", false}}
		}, false, false},
		"a cluster that is made, and a text": {func(t *testing.T, ctx *pulumi.Context) [2]grant {
			cluster, err := components.NewComputeCluster(ctx, "one", &components.ComputeClusterArgs{
				WorkspaceID: pulumi.String(workspaceID), Location: pulumi.String("westeurope")})
			require.NoError(t, err)
			return [2]grant{{plain(lakeID), plain(bob), "raw", false}, {plain(lakeID), cluster.PrincipalID, "raw", false}}
		}, false, false},
		"one that is made, by way of an apply": {func(t *testing.T, ctx *pulumi.Context) [2]grant {
			one := made(t, ctx, "one")
			again := one.ApplyT(strings.ToUpper).(pulumi.StringOutput)
			return [2]grant{{plain(lakeID), one, "raw", false}, {plain(lakeID), again, "raw", false}}
		}, true, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, preview := range []bool{true, false} {
				r := newRecorder(t)
				r.preview = preview
				r.run(func(ctx *pulumi.Context) (pulumi.Map, error) {
					for i, g := range c.grants(t, ctx) {
						called := []string{"first", "second"}[i]
						who := map[string]components.AssigneeArgs{"a": {PrincipalID: g.principal, PrincipalType: "User"}}
						var err error
						if g.contributor {
							_, err = components.NewStorageContributor(ctx, called, &components.StorageContributorArgs{
								StorageAccountID: g.account, Container: g.container, Principals: who})
						} else {
							_, err = components.NewStorageReader(ctx, called, &components.StorageReaderArgs{
								StorageAccountID: g.account, Container: g.container, Principals: who})
						}
						require.NoError(t, err)
					}
					return nil, nil
				})
				want := 2
				if c.once && (!preview || !c.warn) {
					want = 1
				}
				assert.Len(t, r.ofType(roleAssignment), want, "preview %v", preview)
				warnings := slices.DeleteFunc(slices.Clone(r.logs), func(line string) bool {
					return !strings.Contains(line, "may be one assignment in Azure")
				})
				if !preview || !c.warn {
					assert.Empty(t, warnings)
				} else if assert.Len(t, warnings, 1) {
					assert.Contains(t, warnings[0], "warning: StorageReader first.a and StorageReader second.a may be one")
					assert.Contains(t, warnings[0], "it is made once, as StorageReader first.a. Give both components the same")
				}
			}
		})
	}
}
