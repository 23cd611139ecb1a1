package tests

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/components"
	"github.com/batchaccess/batchaccess/internal/arm"
	"github.com/batchaccess/batchaccess/roles"
)

func TestWhatIsNamedComesToTheSameAsWhatIsWrittenDown(t *testing.T) {
	t.Parallel()
	for name, preview := range map[string]bool{"up": false, "preview": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			byName, byID := inEstate(t), newRecorder(t)
			byName.preview, byID.preview = preview, preview
			byName.run(batchEndpointAccess(asked()))
			byID.run(batchEndpointAccess(answered()))
			require.Len(t, byID.calls, 1, "what is written down is not looked up, but for the region of the workspace")
			assert.Equal(t, "azure-native:machinelearningservices:getWorkspace", byID.calls[0].Token)
			assert.Equal(t, byID.names(), byName.names())
			want := map[string]any{}
			for _, reg := range byID.registered {
				want[reg.URN()] = reg.Inputs.Mappable()
			}
			got := map[string]any{}
			for _, reg := range byName.registered {
				got[reg.URN()] = reg.Inputs.Mappable()
			}
			assert.Equal(t, want, got, "the component's own inputs too: they are what can be written down")
		})
	}
}

func TestPrincipalsAreLookedUpWhereTheWorkspaceIsNotKnownYet(t *testing.T) {
	t.Parallel()
	args := asked()
	args.WorkspaceID = pulumi.String(workspaceID).ToStringOutput()
	args.DataInputs, args.DataOutputs, args.Endpoints, args.Assertions = nil, nil, nil, nil
	args.Clusters = map[string]components.ClusterArgs{"OLD": {Existing: true}}
	r := inEstate(t).run(batchEndpointAccess(args))
	assert.Equal(t, existingMI, r.output("principalIds").(map[string]any)["factory"])
	assert.Equal(t, map[string]any{"OLD": existingMI}, r.output("clusterPrincipalIds"))
}

func TestTheCallersProvidersAreAsked(t *testing.T) {
	t.Parallel()
	providers := func(ctx *pulumi.Context) (native, entra pulumi.ProviderResource, err error) {
		n, e := &struct{ pulumi.ProviderResourceState }{}, &struct{ pulumi.ProviderResourceState }{}
		err = errors.Join(ctx.RegisterResource(azureProvider, "native", nil, n),
			ctx.RegisterResource(azureadProvider, "entra", nil, e))
		return n, e, err
	}
	for name, given := range map[string]func(*pulumi.Context, pulumi.ProviderResource,
		pulumi.ProviderResource) (pulumi.ResourceOption, error){
		"providers": func(_ *pulumi.Context, native, entra pulumi.ProviderResource) (pulumi.ResourceOption, error) {
			return pulumi.Providers(native, entra), nil
		},
		"one provider": func(_ *pulumi.Context, native, _ pulumi.ProviderResource) (pulumi.ResourceOption, error) {
			return pulumi.Provider(native), nil
		},
		"the parent's": func(ctx *pulumi.Context, native, entra pulumi.ProviderResource) (pulumi.ResourceOption, error) {
			parent := &pulumi.ResourceState{}
			return pulumi.Parent(parent), ctx.RegisterComponentResource("batchaccess:index:Parent", "parent", parent,
				pulumi.Providers(native, entra))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := inEstate(t)
			args := asked()
			args.Invokers["shares"] = components.InvokerArgs{Kind: access.User, ObjectID: pulumi.String(bob)}
			args.Role.BuiltIn = roles.Owner
			owner, _ := roles.BuiltIn(roles.Owner)
			r.world["getRoleAssignment roleAssignmentName="+arm.AssignmentGUID(workspaceID, bob, owner.ID)+" scope="+
				workspaceID] = map[string]any{"description": "theirs [batchaccess:ours/other/a.shares]"}
			args.SharedGrants = map[string]access.SharedGrant{"role": {By: "ours/other", Principal: "shares"}}
			r.run(func(ctx *pulumi.Context) (pulumi.Map, error) {
				native, entra, err := providers(ctx)
				require.NoError(t, err)
				option, err := given(ctx, native, entra)
				require.NoError(t, err)
				return batchEndpointAccess(args, option)(ctx)
			})
			require.NotEmpty(t, r.calls)
			assert.True(t, slices.ContainsFunc(r.calls, func(call pulumi.MockCallArgs) bool {
				return strings.Contains(call.Token, "getRoleAssignment")
			}))
			for _, call := range r.calls {
				want := "::native::"
				if strings.HasPrefix(call.Token, "azuread:") {
					if want = "::entra::"; name == "one provider" {
						want = "" // Pulumi's own
					}
				}
				assert.Contains(t, call.Provider, want, call.Token)
			}
		})
	}
}

// Whoever has the 35 actions may point a data store elsewhere, or an endpoint at another cluster. A look-up then grants
// access at the new place. An assertion stops that, and so does a value that is written down.
func TestWhatWasPointedElsewhereDoesNotGetPastAnAssertion(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		key, gains string
		now        map[string]any
	}{
		"as it was": {},
		"a data store at the lake": {"getDatastore name=labels", "invoker alice",
			store("AzureDataLakeGen2", "lake", "patients", "None")},
		"an endpoint on another cluster": {"getBatchDeployment deploymentName=blue endpointName=classifier", "cluster gpu",
			deploymentOn(workspaceID + "/computes/GPU-Scoring")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			args := asked()
			args.DataOutputs = nil
			args.Endpoints = map[string]access.Endpoint{
				"classifier": {Inputs: []string{"patients"}, Invokers: []string{"staff"}}, "tagger": {Deployment: "green",
					Inputs: []string{"labels"}, Invokers: []string{"alice"}},
			}
			args.Assertions = map[string]access.Assertion{"lake": {Only: []string{"staff", "cluster:OLD"}, Read: "patients"}}
			args.Clusters["OLD"] = components.ClusterArgs{Existing: true}
			r := inEstate(t)
			if c.key == "" {
				r.run(batchEndpointAccess(args))
				return
			}
			require.Contains(t, r.world, c.key)
			r.world[c.key] = c.now
			err := r.try(batchEndpointAccess(args))
			require.ErrorContains(t, err, "assertions.lake")
			assert.ErrorContains(t, err, c.gains)
			assert.Empty(t, r.names(), "nothing is registered")
		})
	}
}

func TestThingsAreAskedForOnce(t *testing.T) {
	t.Parallel()
	args := asked()
	r := inEstate(t).run(batchEndpointAccess(args))
	assert.Equal(t, asked(), args, "the caller's arguments are left alone")
	calls := map[string]int{}
	for _, call := range r.calls {
		calls[call.Token]++
	}
	assert.Equal(t, map[string]int{
		"azuread:index/getUser:getUser": 1, "azuread:index/getGroup:getGroup": 1, "azuread:index/getServicePrincipal:" +
			"getServicePrincipal": 1,
		"azure-native:datafactory:getFactory": 1, "azure-native:managedidentity:getUserAssignedIdentity": 1,
		"azure-native:machinelearningservices:getDatastore": 7, "azure-native:machinelearningservices:getDataVersion": 1,
		"azure-native:machinelearningservices:getBatchEndpoint": 1, "azure-native:machinelearningservices:" +
			"getBatchDeployment": 2,
		"azure-native:machinelearningservices:getCompute": 1, "azure-native:machinelearningservices:getWorkspace": 1,
	}, calls)
}

func TestWhatIsGivenIsCheckedWhereThatIsAskedFor(t *testing.T) {
	t.Parallel()
	args := answered()
	args.CheckPrincipals = true
	args.Invokers["made"] = components.InvokerArgs{Kind: access.ManagedIdentity}
	r := inEstate(t).run(batchEndpointAccess(args))
	const resources, region = 2, 1 // the cluster, for its identity, and the workspace, for its location
	assert.Len(t, r.calls, len(args.Invokers)-1+resources+region, "all but the one that is made")
}

// Azure compares the names of computes without case, and answers the spelling with which each deployment was made.
func TestAClusterThatEndpointsNameIsCalledTheSameEveryTime(t *testing.T) {
	t.Parallel()
	for range 20 {
		args := asked()
		args.Assertions = nil
		args.Endpoints["again"] = access.Endpoint{Deployment: "blue", Inputs: []string{"labels"}}
		r := inEstate(t)
		r.computes["old"] = r.computes["OLD"]
		r.run(batchEndpointAccess(args))
		assert.Contains(t, r.output("clusterPrincipalIds"), "old",
			"by the first of the endpoints, in the order of their names")
	}
}

func TestAFileIsLookedUpAsOne(t *testing.T) {
	t.Parallel()
	args := asked()
	args.DataInputs["one"] = access.DataInput{Kind: access.DataAsset, DataAsset: "file", Version: "1", Path: "/a.csv"}
	r := inEstate(t).run(batchEndpointAccess(args))
	for _, reg := range r.registered {
		if reg.Type == components.BatchEndpointAccessToken {
			assert.Equal(t, "file", reg.at("dataInputs", "one", "type"))
			assert.Nil(t, reg.at("dataInputs", "baseline", "type"), "a folder is the default")
			assert.Equal(t, "/a.csv", reg.at("dataInputs", "one", "path"), "what is written stays")
		}
	}
}

func TestGrantsAreLimitedToWhereTheWorkspaceSaysThatAnAssetLies(t *testing.T) {
	t.Parallel()
	args := asked()
	args.StorageAccountKinds = map[string]roles.AccountKind{"shared": roles.Flat}
	args.DataInputs = map[string]access.DataInput{"baseline": {Kind: access.DataAsset, DataAsset: "baseline", Version: "3",
		DataStore: "labels", CredentialInStore: no(), StorageAccount: "shared", Container: "labels", Scope: access.AtPath}}
	args.DataOutputs, args.Assertions = nil, nil
	args.Endpoints = map[string]access.Endpoint{"classifier": {Inputs: []string{"baseline"}}}
	r := inEstate(t).run(batchEndpointAccess(args))
	limited := 0
	for _, reg := range r.registered {
		if text, is := reg.at("condition").(string); is {
			limited++
			assert.Contains(t, text, "StringStartsWith 'base/line/'")
		}
	}
	assert.Positive(t, limited)
}

func TestAStoreOfAnyTypeMayHoldACredential(t *testing.T) {
	t.Parallel()
	args := asked()
	args.DataInputs["files"] = access.DataInput{Kind: access.DataStore, DataStore: "share", Path: "x"}
	r := inEstate(t).run(batchEndpointAccess(args))
	for _, reg := range r.registered {
		if reg.Type == components.BatchEndpointAccessToken {
			assert.Equal(t, true, reg.at("dataInputs", "files", "credentialInStore"))
		}
	}
}

func TestAQuoteInTheNameOfAGroupIsPartOfIt(t *testing.T) {
	t.Parallel()
	args := asked()
	args.Invokers["staff"] = components.InvokerArgs{Kind: access.Group, DisplayName: "Ada's team"}
	r := inEstate(t).run(batchEndpointAccess(args))
	assert.Equal(t, staff, r.output("principalIds").(map[string]any)["staff"])
}
