package tests

import (
	"maps"
	"strings"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/components"
)

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
