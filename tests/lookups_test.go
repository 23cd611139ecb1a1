package tests

import (
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/components"
	"github.com/batchaccess/batchaccess/roles"
)

const (
	factoryID = "/subscriptions/" + subscription + "/resourceGroups/etl/providers/Microsoft.DataFactory/factories/nightly"
	siteID    = "/subscriptions/" + subscription + "/resourceGroups/etl/providers/Microsoft.Web/sites/caller"
	machineID = "/subscriptions/" + subscription + "/resourceGroups/etl/providers/Microsoft.Compute/virtualMachines/box"
	appID     = "abababab-abab-4bab-8bab-abababababab"
	wrongID   = "99999999-9999-4999-8999-999999999999"
)

func identity(principal string) map[string]any {
	return map[string]any{"identity": map[string]any{"type": "SystemAssigned", "principalId": principal}}
}

func store(kind, account, container, credentials string) map[string]any {
	properties := map[string]any{"datastoreType": kind, "accountName": account,
		"credentials": map[string]any{"credentialsType": credentials}}
	if kind == "AzureDataLakeGen2" {
		properties["filesystem"] = container
	} else {
		properties["containerName"] = container
	}
	return map[string]any{"datastoreProperties": properties}
}

func asset(uri string) map[string]any {
	return map[string]any{"dataVersionBaseProperties": map[string]any{"dataType": "uri_folder", "dataUri": uri}}
}

func deploymentOn(compute string) map[string]any {
	return map[string]any{"batchDeploymentProperties": map[string]any{"compute": compute}}
}

// estate is an Azure in which everything has its name.
func estate() map[string]any {
	sp := map[string]any{"objectId": existingSP, "clientId": appID, "displayName": "robot", "type": "Application"}
	mi := map[string]any{"objectId": existingMI, "clientId": bob, "displayName": "worker", "type": "ManagedIdentity"}
	return map[string]any{
		"getUser userPrincipalName=alice@contoso.com": map[string]any{"objectId": alice},
		"getUser mail=alice.b@contoso.com":            map[string]any{"objectId": alice},
		"getUser objectId=" + alice: map[string]any{"objectId": alice,
			"userPrincipalName": "Alice@contoso.com", "mail": "alice.b@contoso.com"},
		"getUser userPrincipalName=hidden@contoso.com": errors.New("unexpected status 403 (403 Forbidden) with error: " +
			"Authorization_RequestDenied: Insufficient privileges"),
		"getGroup displayName=Analysts":    map[string]any{"objectId": staff, "securityEnabled": true},
		"getGroup displayName=Ada''s team": map[string]any{"objectId": staff, "securityEnabled": true},
		"getGroup objectId=" + staff: map[string]any{"objectId": staff,
			"securityEnabled": true, "displayName": "Analysts"},
		"getGroup displayName=Twins":                 errors.New("more than one group has the name"),
		"getGroup displayName=News":                  map[string]any{"objectId": staff, "securityEnabled": false},
		"getServicePrincipal clientId=" + appID:      sp,
		"getServicePrincipal objectId=" + existingSP: sp,
		"getServicePrincipal clientId=" + bob:        mi,
		"getServicePrincipal objectId=" + guidOf("principal",
			identityID): map[string]any{"objectId": guidOf("principal", identityID), "clientId": guidOf("client",
			identityID), "type": "ManagedIdentity"},
		"getServicePrincipal objectId=" + existingMI: mi,
		"getFactory factoryName=nightly":             identity(existingMI),
		"getWebApp name=caller":                      identity(existingMI),
		"getWebApp name=twin": map[string]any{"id": "/subscriptions/" + wrongID +
			"/resourceGroups/etl/providers/Microsoft.Web/sites/twin", "identity": map[string]any{"principalId": existingMI}},
		"getVirtualMachine vmName=box": map[string]any{"location": "westeurope"},
		"getDatastore name=labels":     store("AzureBlob", "shared", "labels", "None"),
		"getDatastore name=lakestore":  store("AzureDataLakeGen2", "lake", "patients", "None"),
		"getDatastore name=keyed":      store("AzureBlob", "elsewhere", "x", "AccountKey"),
		"getDatastore name=signed":     store("AzureBlob", "elsewhere", "x", "Sas"),
		"getDatastore name=certified":  store("AzureDataLakeGen2", "elsewhere", "x", "Certificate"),
		"getDatastore name=silent":     map[string]any{"datastoreProperties": map[string]any{"datastoreType": "AzureBlob"}},
		"getDatastore name=stranger":   store("AzureBlob", "elsewhere", "x", "None"),
		"getDatastore name=files":      store("AzureFile", "shared", "x", "None"),
		"getDatastore name=twin": map[string]any{"id": "/subscriptions/" + wrongID +
			"/resourceGroups/ml/providers/x/workspaces/scoring/datastores/twin", "datastoreProperties": store("AzureBlob",
			"shared", "labels", "None")["datastoreProperties"]},
		"getDatastore name=share":  store("AzureFile", "shared", "x", "AccountKey"),
		"getDatastore name=denied": errors.New("Status=403 Code=\"AuthorizationFailed\""),
		"getDataVersion name=baseline version=3": asset("azureml://subscriptions/" + subscription +
			"/resourcegroups/ml/workspaces/scoring/datastores/labels/paths/base/line"),
		"getDataVersion name=file version=1": map[string]any{
			"dataVersionBaseProperties": map[string]any{"dataType": "uri_file",
				"dataUri": "azureml://datastores/labels/paths/a.csv"}},
		"getDataVersion name=table version=1": map[string]any{
			"dataVersionBaseProperties": map[string]any{"dataType": "mltable",
				"dataUri": "azureml://datastores/labels/paths/a"}},
		"getDataVersion name=web version=1": asset("https://shared.blob.core.windows.net/labels/web"),
		"getDataVersion name=all version=1": asset("azureml://datastores/labels/paths/"),
		"getDataVersion name=far version=1": asset("azureml://subscriptions/" + subscription +
			"/resourcegroups/ml/workspaces/another/datastores/labels/paths/x"),
		"getDataVersion name=far version=2": asset("azureml://subscriptions/" + subscription +
			"/resourcegroups/elsewhere/workspaces/scoring/datastores/labels/paths/x"),
		"getBatchEndpoint endpointName=classifier": map[string]any{
			"batchEndpointProperties": map[string]any{"defaults": map[string]any{"deploymentName": "blue"}}},
		"getBatchEndpoint endpointName=tagger": map[string]any{
			"batchEndpointProperties": map[string]any{"defaults": map[string]any{}}},
		"getBatchDeployment deploymentName=blue endpointName=classifier": deploymentOn(workspaceID + "/computes/OLD"),
		"getBatchDeployment deploymentName=blue endpointName=again": deploymentOn(strings.ToLower(workspaceID) +
			"/computes/old"),
		"getBatchDeployment deploymentName=green endpointName=tagger": deploymentOn(workspaceID + "/computes/GPU-Scoring"),
	}
}

// asked is a workspace whose configuration has names only, and no IDs.
func asked() components.BatchEndpointAccessArgs {
	return components.BatchEndpointAccessArgs{
		WorkspaceID: pulumi.String(workspaceID),
		Invokers: map[string]components.InvokerArgs{
			"alice":   {Kind: access.User, UserPrincipalName: "alice@contoso.com"},
			"staff":   {Kind: access.Group, DisplayName: "Analysts"},
			"robot":   {Kind: access.ServicePrincipal, ClientID: pulumi.String(appID)},
			"factory": {Kind: access.ManagedIdentity, ResourceID: factoryID},
			"mounter": {Kind: access.ManagedIdentity, ResourceID: identityID},
		},
		Clusters:        map[string]components.ClusterArgs{"gpu": {ComputeName: "gpu-scoring"}},
		StorageAccounts: map[string]pulumi.StringInput{"lake": pulumi.String(lakeID), "shared": pulumi.String(sharedID)},
		DataInputs: map[string]access.DataInput{
			"labels":    {Kind: access.DataStore, DataStore: "labels", Path: "current"},
			"patients":  {Kind: access.DataStore, DataStore: "lakestore", Path: "x"},
			"archive":   {Kind: access.DataStore, DataStore: "keyed", Path: "2025"},
			"signed":    {Kind: access.DataStore, DataStore: "signed", Path: "2025"},
			"certified": {Kind: access.DataStore, DataStore: "certified", Path: "2025"},
			"baseline":  {Kind: access.DataAsset, DataAsset: "baseline", Version: "3"},
		},
		DataOutputs: map[string]access.DataOutput{"scores": {DataStore: "labels", Path: "out"}},
		Endpoints: map[string]access.Endpoint{
			"classifier": {Inputs: []string{"labels", "patients", "archive", "baseline"}, Outputs: []string{"scores"}},
			"tagger":     {Deployment: "green", Inputs: []string{"labels"}, Invokers: []string{"alice"}},
		},
		// It is known only when the look-ups are made.
		Assertions: map[string]access.Assertion{"lake": {Can: []string{"staff", "cluster:OLD"}, Read: "patients"}},
	}
}

// answered is the same with every ID and place written down: the expected result of the look-ups.
func answered() components.BatchEndpointAccessArgs {
	args := asked()
	for name, id := range map[string]string{"alice": alice, "staff": staff, "robot": existingSP} {
		i := args.Invokers[name]
		i.ObjectID = pulumi.String(id)
		args.Invokers[name] = i
	}
	for name, ids := range map[string][2]string{"factory": {existingMI},
		"mounter": {guidOf("principal", identityID), guidOf("client", identityID)}} {
		i := args.Invokers[name]
		i.PrincipalID = pulumi.String(ids[0])
		if ids[1] != "" {
			i.ClientID = pulumi.String(ids[1])
		}
		args.Invokers[name] = i
	}
	args.Clusters["OLD"] = components.ClusterArgs{Existing: true, PrincipalID: pulumi.String(existingMI)}
	args.DataInputs = map[string]access.DataInput{
		"labels": {Kind: access.DataStore, DataStore: "labels", Path: "current", CredentialInStore: no(),
			StorageAccount: "shared", Container: "labels"},
		"patients": {Kind: access.DataStore, DataStore: "lakestore", Path: "x", CredentialInStore: no(),
			StorageAccount: "lake", Container: "patients"},
		"archive":   {Kind: access.DataStore, DataStore: "keyed", Path: "2025", CredentialInStore: yes()},
		"signed":    {Kind: access.DataStore, DataStore: "signed", Path: "2025", CredentialInStore: yes()},
		"certified": {Kind: access.DataStore, DataStore: "certified", Path: "2025", CredentialInStore: yes()},
		"baseline": {Kind: access.DataAsset, DataAsset: "baseline", Version: "3", DataStore: "labels", Path: "base/line",
			CredentialInStore: no(), StorageAccount: "shared", Container: "labels"},
	}
	args.DataOutputs = map[string]access.DataOutput{"scores": {DataStore: "labels", Path: "out", CredentialInStore: no(),
		StorageAccount: "shared", Container: "labels"}}
	args.Endpoints = map[string]access.Endpoint{
		"classifier": {Cluster: "OLD", Inputs: []string{"labels", "patients", "archive", "baseline"},
			Outputs: []string{"scores"}},
		"tagger": {Cluster: "gpu", Deployment: "green", Inputs: []string{"labels"}, Invokers: []string{"alice"}},
	}
	return args
}

func inEstate(t *testing.T) *recorder {
	t.Helper()
	r := newRecorder(t)
	r.world = estate()
	r.computes = existingCompute("OLD")
	return r
}

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
			r.world["getRoleAssignment roleAssignmentName="+components.AssignmentGUID(workspaceID, bob, owner.ID)+" scope="+
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

func TestALookUpThatFailsNamesThePlaceAndTheRemedy(t *testing.T) {
	t.Parallel()
	invoker := func(i components.InvokerArgs) func(*components.BatchEndpointAccessArgs) {
		return func(a *components.BatchEndpointAccessArgs) {
			a.Invokers = map[string]components.InvokerArgs{"who": i}
			a.Endpoints["tagger"] = access.Endpoint{Deployment: "green"}
		}
	}
	check := func(i components.InvokerArgs) func(*components.BatchEndpointAccessArgs) {
		return func(a *components.BatchEndpointAccessArgs) {
			invoker(i)(a)
			a.CheckPrincipals = true
		}
	}
	input := func(d access.DataInput) func(*components.BatchEndpointAccessArgs) {
		return func(a *components.BatchEndpointAccessArgs) {
			a.DataInputs = maps.Clone(a.DataInputs)
			a.DataInputs["labels"] = d
		}
	}
	for name, c := range map[string]struct {
		change func(*components.BatchEndpointAccessArgs)
		want   []string
	}{
		"a user who is not there": {invoker(components.InvokerArgs{Kind: access.User, UserPrincipalName: "alic@contoso.com"}),
			[]string{"invokers.who.userPrincipalName: the user alic@contoso.com can't be looked up",
				"correct the name, or write objectId"}},
		"an ID that looks like a denial": {invoker(components.InvokerArgs{Kind: access.ServicePrincipal,
			ClientID: pulumi.String("40340340-4403-4034-8403-403403403403")}), []string{"can't be looked up: " +
			"getServicePrincipal"}},
		"a mail that nobody has": {invoker(components.InvokerArgs{Kind: access.User, Mail: "nobody@contoso.com"}),
			[]string{"invokers.who.mail: the user nobody@contoso.com can't be looked up"}},
		"no permission to read users": {invoker(components.InvokerArgs{Kind: access.User,
			UserPrincipalName: "hidden@contoso.com"}), []string{"invokers.who.userPrincipalName: the user hidden@contoso.com " +
			"can't be looked up: no permission", "give whoever deploys the Microsoft Graph permission User.Read.All, or " +
			"correct the name"}},
		"a group that is not there": {invoker(components.InvokerArgs{Kind: access.Group, DisplayName: "Analyst"}),
			[]string{`invokers.who.displayName: the group "Analyst" can't be looked up`, "names of groups need not be unique"}},
		"several groups of one name": {invoker(components.InvokerArgs{Kind: access.Group, DisplayName: "Twins"}),
			[]string{`invokers.who.displayName: the group "Twins" can't be looked up: `, "names of groups need not be unique"}},
		"a group that is not for security": {invoker(components.InvokerArgs{Kind: access.Group, DisplayName: "News"}),
			[]string{"invokers.who.displayName", "not security-enabled", "use a security group"}},
		"a client ID that is not there": {invoker(components.InvokerArgs{Kind: access.ServicePrincipal,
			ClientID: pulumi.String(wrongID)}), []string{"invokers.who.clientId: the service principal with the client ID " +
			wrongID + " can't be looked up"}},
		"an object ID given as client ID": {invoker(components.InvokerArgs{Kind: access.ServicePrincipal,
			ClientID: pulumi.String(existingSP)}), []string{"invokers.who.clientId: " + existingSP +
			` is the object ID of "robot"`, "write objectId: " + existingSP + " in place of clientId"}},
		"a client ID given as object ID": {check(components.InvokerArgs{Kind: access.ServicePrincipal,
			ObjectID: pulumi.String(appID)}), []string{"invokers.who.objectId: " + appID +
			` is the client ID of "robot"`, "write objectId: " + existingSP}},
		"a managed identity as application": {
			invoker(components.InvokerArgs{Kind: access.ServicePrincipal, ClientID: pulumi.String(bob)}),
			[]string{`invokers.who.clientId: "worker" is of type ManagedIdentity in Entra, but kind is servicePrincipal; ` +
				`write kind: managedIdentity`},
		},
		"an application as managed identity": {invoker(components.InvokerArgs{Kind: access.ManagedIdentity,
			ClientID: pulumi.String(appID)}), []string{`"robot" is of type Application in Entra`, "write kind: " +
			"servicePrincipal"}},
		"a user given as a group": {check(components.InvokerArgs{Kind: access.Group, ObjectID: pulumi.String(alice)}),
			[]string{"invokers.who.objectId: " + alice + " is a user, but kind is group"}},
		"a group given as a user": {check(components.InvokerArgs{Kind: access.User, ObjectID: pulumi.String(staff)}),
			[]string{"is a group, but kind is user", "write kind: group"}},
		"a service principal given as user": {check(components.InvokerArgs{Kind: access.User,
			ObjectID: pulumi.String(existingSP)}), []string{"is a servicePrincipal, but kind is user"}},
		"a client ID given as user": {check(components.InvokerArgs{Kind: access.User, ObjectID: pulumi.String(appID)}),
			[]string{"invokers.who.objectId: " + appID + " is a servicePrincipal, but kind is user"}},
		"an identity given as a group": {check(components.InvokerArgs{Kind: access.Group,
			ObjectID: pulumi.String(existingMI)}), []string{"invokers.who.objectId: " + existingMI +
			" is a managedIdentity, but kind is group; write kind: managedIdentity, or the object ID of a group"}},
		"a user given as identity": {check(components.InvokerArgs{Kind: access.ManagedIdentity,
			PrincipalID: pulumi.String(alice)}), []string{"invokers.who.principalId: " + alice +
			" is a user, but kind is managedIdentity"}},
		"an object ID of nothing": {check(components.InvokerArgs{Kind: access.User, ObjectID: pulumi.String(wrongID)}),
			[]string{"invokers.who.objectId: a user with the object ID " + wrongID + " can't be looked up",
				"enterprise applications"}},
		"a resource without identity": {invoker(components.InvokerArgs{Kind: access.ManagedIdentity, ResourceID: machineID}),
			[]string{"invokers.who.resourceId: " + machineID + " has no system-assigned identity; turn it on"}},
		"a resource that is not there": {invoker(components.InvokerArgs{Kind: access.ManagedIdentity,
			ResourceID: siteID + "x"}), []string{"invokers.who.resourceId: the resource " + siteID +
			"x can't be looked up", "or write principalId"}},
		"a data store that is gone": {input(access.DataInput{Kind: access.DataStore, DataStore: "gone", Path: "x"}),
			[]string{`dataInputs.labels.dataStore: the data store "gone" can't be looked up`,
				"correct the name (az ml datastore list), or write credentialInStore"}},
		"no permission to read the store": {input(access.DataInput{Kind: access.DataStore, DataStore: "denied", Path: "x"}),
			[]string{"dataInputs.labels.dataStore", "no permission", "give whoever deploys Reader on the workspace"}},
		"a store at an unknown account": {
			input(access.DataInput{Kind: access.DataStore, DataStore: "stranger", Path: "x"}),
			[]string{`dataInputs.labels.storageAccount: the data store "stranger" points to the storage account elsewhere, ` +
				`which is none of storageAccounts`, "az storage account show --name elsewhere --query id"},
		},
		"a store of files": {input(access.DataInput{Kind: access.DataStore, DataStore: "files", Path: "x"}),
			[]string{"dataInputs.labels.dataStore", "of type AzureFile and holds no credential"}},
		"another account than is said": {
			input(access.DataInput{Kind: access.DataStore, DataStore: "labels", Path: "x", StorageAccount: "lake"}),
			[]string{`dataInputs.labels.storageAccount: is lake, but the data store "labels" points to account shared; ` +
				`write shared`},
		},
		"another container than is said": {input(access.DataInput{Kind: access.DataStore, DataStore: "labels", Path: "x",
			Container: "other"}), []string{"dataInputs.labels.container: is other, but", "points to container labels"}},
		"a credential that is denied": {input(access.DataInput{Kind: access.DataStore, DataStore: "keyed", Path: "x",
			CredentialInStore: no()}), []string{"dataInputs.labels.credentialInStore: is false, but the data store", "write " +
			"true, or leave it out"}},
		"a store that does not say": {input(access.DataInput{Kind: access.DataStore, DataStore: "silent", Path: "x"}),
			[]string{"dataInputs.labels.dataStore: the workspace does not say whether"}},
		"two principals in one": {check(components.InvokerArgs{Kind: access.ServicePrincipal,
			ObjectID: pulumi.String(existingSP), ClientID: pulumi.String(bob)}), []string{"invokers.who.objectId: is another " +
			"principal than clientId " + bob + "; write clientId: " + appID}},
		"a mail that holds a number": {invoker(components.InvokerArgs{Kind: access.User, Mail: "403@contoso.com"}),
			[]string{"invokers.who.mail: the user 403@contoso.com can't be looked up: getUser",
				`az ad user list --filter "mail eq '403@contoso.com'"`}},
		"another user's ID": {
			check(components.InvokerArgs{Kind: access.User, ObjectID: pulumi.String(alice),
				UserPrincipalName: "bob@contoso.com"}),
			[]string{`invokers.who.userPrincipalName: is "bob@contoso.com", but objectId ` + alice +
				` is "Alice@contoso.com"; write Alice@contoso.com, or leave out objectId to have the name looked up`},
		},
		"another mail's ID": {check(components.InvokerArgs{Kind: access.User, ObjectID: pulumi.String(alice),
			Mail: "bob@contoso.com"}), []string{`invokers.who.mail: is "bob@contoso.com"`}},
		"another group's ID": {check(components.InvokerArgs{Kind: access.Group, ObjectID: pulumi.String(staff),
			DisplayName: "Owners"}), []string{`invokers.who.displayName: is "Owners", but objectId ` + staff +
			` is "Analysts"`}},
		"another resource's ID": {check(components.InvokerArgs{Kind: access.ManagedIdentity,
			PrincipalID: pulumi.String(existingMI), ResourceID: identityID}), []string{"invokers.who.principalId: " +
			existingMI + " is not the identity of " + identityID + "; write principalId: " + guidOf("principal", identityID)}},
		"a resource of the same name": {invoker(components.InvokerArgs{Kind: access.ManagedIdentity,
			ResourceID: strings.ReplaceAll(siteID, "caller", "twin")}), []string{"invokers.who.resourceId: was looked up in " +
			"subscription " + wrongID, "set azure-native:subscriptionId to " + subscription}},
		"a store of the same name": {input(access.DataInput{Kind: access.DataStore, DataStore: "twin", Path: "x"}),
			[]string{"dataInputs.labels.dataStore: was looked up in subscription " + wrongID,
				"set azure-native:subscriptionId to " + subscription}},
		"an asset that is a table": {
			input(access.DataInput{Kind: access.DataAsset, DataAsset: "table", Version: "1"}),
			[]string{`dataInputs.labels.dataAsset: version 1 of the data asset "table" is of type mltable, which batch ` +
				`endpoints do not take`},
		},
		"a file that is said to be a folder": {
			input(access.DataInput{Kind: access.DataAsset, DataAsset: "file", Version: "1", Type: "folder"}),
			[]string{`dataInputs.labels.type: is folder, but version 1 of the data asset "file" is a file; leave it out`},
		},
		"an asset that lies elsewhere": {
			input(access.DataInput{Kind: access.DataAsset, DataAsset: "file", Version: "1", Path: "b.csv"}),
			[]string{`dataInputs.labels.path: is b.csv, but version 1 of the data asset "file" lies at a.csv; write a.csv`},
		},
		"an asset of another data store": {
			input(access.DataInput{Kind: access.DataAsset, DataAsset: "file", Version: "1", DataStore: "keyed",
				Scope: access.AtPath, Container: "labels"}),
			[]string{`dataInputs.labels.dataStore: is keyed, but version 1 of the data asset "file" lies in labels`},
		},
		"an asset that is all of its data store": {
			input(access.DataInput{Kind: access.DataAsset, DataAsset: "all", Version: "1", Scope: access.AtPath,
				Container: "labels"}),
			[]string{`dataInputs.labels.scope: is path, but version 1 of the data asset "all" is all of its data store`},
		},
		"an asset that is gone": {input(access.DataInput{Kind: access.DataAsset, DataAsset: "baseline", Version: "4"}),
			[]string{`dataInputs.labels.dataAsset: version 4 of the data asset "baseline" can't be looked up`}},
		"an asset in no data store": {input(access.DataInput{Kind: access.DataAsset, DataAsset: "web", Version: "1"}),
			[]string{"dataInputs.labels.dataAsset", "lies in no data store, but at " +
				"https://shared.blob.core.windows.net/labels/web", "kind blob or adlsGen2"}},
		"an asset of another workspace": {input(access.DataInput{Kind: access.DataAsset, DataAsset: "far", Version: "1"}),
			[]string{"lies in a data store of another workspace, another"}},
		"an endpoint that is not there": {
			func(a *components.BatchEndpointAccessArgs) { a.Endpoints["clasifier"] = access.Endpoint{} },
			[]string{`endpoints.clasifier: the batch endpoint "clasifier" can't be looked up`},
		},
		"an asset of one of the same name": {input(access.DataInput{Kind: access.DataAsset, DataAsset: "far", Version: "2"}),
			[]string{"lies in a data store of another workspace, scoring in subscriptions/"}},
		"no default deployment": {func(a *components.BatchEndpointAccessArgs) { a.Endpoints["tagger"] = access.Endpoint{} },
			[]string{`endpoints.tagger: the batch endpoint "tagger" has no default deployment; write deployment or cluster`}},
		"a deployment that is not there": {func(a *components.BatchEndpointAccessArgs) {
			a.Endpoints["tagger"] = access.Endpoint{Deployment: "red"}
		}, []string{`endpoints.tagger: the deployment "red" of the batch endpoint "tagger" can't be looked up`}},
		"a cluster that is not there": {func(a *components.BatchEndpointAccessArgs) {
			a.Clusters["cpu"] = components.ClusterArgs{Existing: true}
		}, []string{`clusters.cpu: the compute cluster "cpu" can't be looked up`, "leave out existing to have it made"}},
		"several at once": {func(a *components.BatchEndpointAccessArgs) {
			invoker(components.InvokerArgs{Kind: access.User, UserPrincipalName: "alic@contoso.com"})(a)
			input(access.DataInput{Kind: access.DataStore, DataStore: "gone", Path: "x"})(a)
		}, []string{"invokers.who.userPrincipalName: ", "dataInputs.labels.dataStore: "}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			args := asked()
			c.change(&args)
			r := inEstate(t)
			err := r.try(batchEndpointAccess(args))
			require.Error(t, err)
			assert.Empty(t, r.names(), "nothing is registered")
			for _, want := range c.want {
				assert.ErrorContains(t, err, want)
			}
		})
	}
}

func TestAClusterWithoutIdentityIsRefusedBeforeAnythingIsMade(t *testing.T) {
	t.Parallel()
	r := inEstate(t)
	delete(r.computes["OLD"], "identity")
	err := r.try(batchEndpointAccess(asked()))
	assert.ErrorContains(t, err,
		`clusters.OLD: compute cluster "OLD" has no managed identity, so no job on it can mount data; assign one`)
	assert.Empty(t, r.names())
}

func TestOtherMistakesComeBeforeAnythingIsAsked(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*components.BatchEndpointAccessArgs)
		want   string
	}{
		"two names": {func(a *components.BatchEndpointAccessArgs) {
			a.Invokers["alice"] = components.InvokerArgs{Kind: access.User, UserPrincipalName: "a@b", Mail: "a@b"}
		}, "invokers.alice.mail: names the principal a second time, beside userPrincipalName; keep one of the two"},
		"a name of another kind": {func(a *components.BatchEndpointAccessArgs) {
			a.Invokers["alice"] = components.InvokerArgs{Kind: access.Group, UserPrincipalName: "a@b"}
		}, "invokers.alice.userPrincipalName: only goes with kind user"},
		"a display name for a principal name": {func(a *components.BatchEndpointAccessArgs) {
			a.Invokers["alice"] = components.InvokerArgs{Kind: access.User, UserPrincipalName: "Alice B"}
		}, `invokers.alice.userPrincipalName: "Alice B" has no domain; write it as name@domain`},
		"a resource without such an identity": {func(a *components.BatchEndpointAccessArgs) {
			a.Invokers["alice"] = components.InvokerArgs{Kind: access.ManagedIdentity, ResourceID: lakeID}
		}, "invokers.alice.resourceId: "},
		"a resource in another subscription": {func(a *components.BatchEndpointAccessArgs) {
			a.Invokers["alice"] = components.InvokerArgs{Kind: access.ManagedIdentity,
				ResourceID: "/subscriptions/" + wrongID + "/resourceGroups/etl/providers/Microsoft.Web/sites/caller"}
		}, "lies in another subscription than the workspace"},
		"a client ID that is not known yet": {func(a *components.BatchEndpointAccessArgs) {
			a.Invokers["alice"] = components.InvokerArgs{Kind: access.ServicePrincipal,
				ClientID: pulumi.String(appID).ToStringOutput()}
		}, "invokers.alice.clientId: is known only after a deployment, so it can't be looked up; write it in plain text, " +
			"or give objectId"},
		"a workspace that is not known yet": {func(a *components.BatchEndpointAccessArgs) {
			a.WorkspaceID = pulumi.String(workspaceID).ToStringOutput()
		}, "workspaceId: is known only after a deployment, so the workspace can't be asked about data stores and endpoints"},
		"a principal of a new cluster": {func(a *components.BatchEndpointAccessArgs) {
			a.Clusters["gpu"] = components.ClusterArgs{ComputeName: "gpu-scoring", PrincipalID: pulumi.String(alice)}
		}, "clusters.gpu.principalId: only goes with a cluster that exists"},
		"a principal that is no ID": {func(a *components.BatchEndpointAccessArgs) {
			a.Clusters["gpu"] = components.ClusterArgs{ComputeName: "gpu-scoring", Existing: true,
				PrincipalID: pulumi.String("me")}
		}, `clusters.gpu.principalId: "me" is not a GUID`},
		"an input that nothing names": {func(a *components.BatchEndpointAccessArgs) {
			a.DataInputs["labels"] = access.DataInput{Kind: access.DataStore, Path: "x"}
		}, "dataInputs.labels.dataStore: is missing; write the name of the data store in the workspace"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			args := asked()
			c.change(&args)
			r := inEstate(t)
			err := r.try(batchEndpointAccess(args))
			assert.ErrorContains(t, err, c.want)
			assert.Empty(t, r.names())
		})
	}
}
