package access_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/access/signin"
	"github.com/batchaccess/batchaccess/internal/arm"
	"github.com/batchaccess/batchaccess/internal/problem"
)

func blobModel() access.Model {
	return simple(access.DataInput{Kind: access.Blob, StorageAccount: "lake", Container: "raw"})
}

func TestAValidModelHasNoProblems(t *testing.T) {
	t.Parallel()
	assert.Empty(t, validate(blobModel()))
}

func TestProblemsNamePathFaultAndRemedy(t *testing.T) {
	t.Parallel()
	input := func(change func(*access.DataInput)) func(*access.Model) {
		return func(m *access.Model) {
			d := m.DataInputs["in"]
			change(&d)
			m.DataInputs["in"] = d
		}
	}
	store := func(change func(*access.DataInput)) func(*access.Model) {
		return input(func(d *access.DataInput) {
			*d = access.DataInput{Kind: access.DataAsset, CredentialInStore: boolPtr(true), DataStore: "s", DataAsset: "a",
				Version: "1"}
			change(d)
		})
	}
	endpoint := func(change func(*access.Endpoint)) func(*access.Model) {
		return func(m *access.Model) {
			e := m.Endpoints["scorer"]
			change(&e)
			m.Endpoints["scorer"] = e
		}
	}
	output := func(d access.DataOutput) func(*access.Model) {
		return func(m *access.Model) { m.DataOutputs = map[string]access.DataOutput{"out": d} }
	}
	for name, c := range map[string]struct {
		change          func(*access.Model)
		path, what, fix string
	}{
		"a name that can't name resources": {func(m *access.Model) {
			m.Invokers["a b"] = access.Invoker{Kind: access.User,
				PrincipalID: objectID(1)}
		}, "invokers.a b", `the name "a b" can't name resources`, "use 1 to 64 letters"},
		"an invoker's kind": {func(m *access.Model) { m.Invokers["alice"] = access.Invoker{Kind: "usr", PrincipalID: alice} },
			"invokers.alice.kind", `unknown value "usr"`, `did you mean "user"?`},
		"an invoker without a kind": {func(m *access.Model) { m.Invokers["alice"] = access.Invoker{PrincipalID: alice} },
			"invokers.alice.kind", "is missing", "use user, group"},
		"a user without an ID": {func(m *access.Model) { m.Invokers["alice"] = access.Invoker{Kind: access.User} },
			"invokers.alice.objectId", "is missing", "write the object ID"},
		"a group without an ID": {func(m *access.Model) { m.Invokers["alice"] = access.Invoker{Kind: access.Group} },
			"invokers.alice.objectId", "is missing", "write the object ID"},
		"an identity's ID that is none": {func(m *access.Model) {
			m.Invokers["mi"] = access.Invoker{Kind: access.ManagedIdentity, PrincipalID: access.Known("mi")}
		}, "invokers.mi.principalId", `"mi" is not a GUID`, "a GUID"},
		"a blank display name of what is made": {func(m *access.Model) {
			m.Invokers["sp"] = access.Invoker{Kind: access.ServicePrincipal, SignIn: "none", DisplayName: " "}
		}, "invokers.sp.displayName", "is blank", "leave it out"},
		"a blank display name to look up": {func(m *access.Model) {
			m.Invokers["alice"] = access.Invoker{Kind: access.Group, DisplayName: "\t"}
		}, "invokers.alice.displayName", "is blank", "leave it out"},
		"an object ID of zeros alone": {func(m *access.Model) {
			m.Invokers["alice"] = access.Invoker{Kind: access.User, PrincipalID: access.Known(noGUID)}
		}, "invokers.alice.objectId", "is the empty GUID", "leave it out"},
		"a client ID of zeros alone": {func(m *access.Model) {
			m.Invokers["sp"] = access.Invoker{Kind: access.ServicePrincipal, PrincipalID: objectID(5),
				ClientID: access.Known(noGUID)}
		}, "invokers.sp.clientId", "is the empty GUID", "leave it out"},
		"a cluster's ID of zeros alone": {func(m *access.Model) {
			m.Clusters["cpu"] = access.Cluster{Existing: true, PrincipalID: access.Known(noGUID)}
		}, "clusters.cpu.principalId", "is the empty GUID", "leave it out"},
		"a sign-in of an existing principal": {func(m *access.Model) {
			m.Invokers["sp"] = access.Invoker{Kind: access.ServicePrincipal, PrincipalID: objectID(1), SignIn: "none"}
		}, "invokers.sp.signIn", "only goes with a service principal that the stack makes", "leave it out"},
		"a display name of a user": {func(m *access.Model) {
			m.Invokers["alice"] = access.Invoker{Kind: access.User, PrincipalID: alice, DisplayName: "A"}
		}, "invokers.alice.displayName", "only goes with", "leave it out"},
		"two credentials alike": {func(m *access.Model) {
			same := signin.FederatedCredential{Issuer: "https://i", Subject: "s"}
			m.Invokers["sp"] = access.Invoker{Kind: access.ServicePrincipal,
				FederatedCredentials: map[string]signin.FederatedCredential{"a": same, "b": same}}
		}, "invokers.sp.federatedCredentials.b", "has the same issuer and subject as " +
			"invokers.sp.federatedCredentials.a", "keep one"},
		"two endpoints alike": {func(m *access.Model) {
			m.Endpoints = map[string]access.Endpoint{"heart": {Cluster: "cpu"}, "Heart": {Cluster: "cpu"}}
		}, "endpoints.heart", "is the same endpoint as endpoints.Heart", "keep one"},
		"two deployments alike": {func(m *access.Model) {
			m.Endpoints = map[string]access.Endpoint{"heart": {Deployments: map[string]access.Deployment{
				"blue": {Cluster: "cpu"}, "BLUE": {Cluster: "cpu"}}}}
		}, "endpoints.heart.deployments.blue", "is the same deployment as endpoints.heart.deployments.BLUE", "keep one"},
		"two clusters alike": {func(m *access.Model) { m.Clusters["other"] = access.Cluster{ComputeName: "CPU"} },
			"clusters.other.computeName", "is the same cluster as clusters.cpu", "keep one"},
		"two accounts alike": {func(m *access.Model) {
			m.StorageAccounts["sea"] = access.Known(strings.ToUpper(storageID("lake").Text()))
		}, "storageAccounts.sea", "is the same account as storageAccounts.lake", "keep one"},
		"a missing kind of input": {input(func(d *access.DataInput) { d.Kind = "" }), "dataInputs.in.kind", "is missing",
			"use dataStore"},
		"a version of a blob": {input(func(d *access.DataInput) { d.Version = "1" }), "dataInputs.in.version",
			"means nothing for blob", "leave it out"},
		"a data store of a blob": {input(func(d *access.DataInput) { d.DataStore = "s" }), "dataInputs.in.dataStore",
			"means nothing for blob", "leave it out"},
		"a blob without container": {input(func(d *access.DataInput) { d.Container = "" }), "dataInputs.in.container",
			"is missing", "write the container"},
		"an account that is none": {input(func(d *access.DataInput) { d.StorageAccount = "lakes" }),
			"dataInputs.in.storageAccount", `no storage account is called "lakes"`, `did you mean "lake"?`},
		"a scope that is none": {input(func(d *access.DataInput) { d.Scope = "blob" }), "dataInputs.in.scope",
			`unknown value "blob"`, "container, account"},
		"a type that is none": {input(func(d *access.DataInput) { d.Type = "mltable" }), "dataInputs.in.type",
			`unknown value "mltable"`, "folder, file"},
		"ACLs on a blob": {input(func(d *access.DataInput) { d.GrantedBy = access.ByACL }), "dataInputs.in.grantedBy",
			`unknown value "acl" for blob`, "adlsGen2 alone"},
		"an unsaid credential": {store(func(d *access.DataInput) { d.CredentialInStore = nil }),
			"dataInputs.in.credentialInStore", "is missing", "say true"},
		"an unsaid data store": {store(func(d *access.DataInput) { d.DataStore = "" }), "dataInputs.in.dataStore",
			"is missing", "write the name of the data store"},
		"an unsaid asset": {store(func(d *access.DataInput) { d.DataAsset = "" }), "dataInputs.in.dataAsset", "is missing",
			"write the name of the data asset"},
		"an unsaid version": {store(func(d *access.DataInput) { d.Version = "" }), "dataInputs.in.version", "is missing",
			"write the version"},
		"an account unsaid": {store(func(d *access.DataInput) { d.CredentialInStore = boolPtr(false) }),
			"dataInputs.in.storageAccount", "is missing", "they need a role on it"},
		"a scope without container": {store(func(d *access.DataInput) {
			d.CredentialInStore, d.StorageAccount, d.Scope = boolPtr(false), "lake", access.AtContainer
		}), "dataInputs.in.container", "is missing, but scope is container", "or set scope to account"},
		"an output's store": {output(access.DataOutput{CredentialInStore: boolPtr(true), Path: "p"}),
			"dataOutputs.out.dataStore", "is missing", "Blob data store"},
		"an output's credential": {output(access.DataOutput{DataStore: "s", Path: "p"}), "dataOutputs.out.credentialInStore",
			"is missing", "say true"},
		"an output's account": {output(access.DataOutput{DataStore: "s", Path: "p", CredentialInStore: boolPtr(false)}),
			"dataOutputs.out.storageAccount", "is missing", "name one of storageAccounts"},
		"an output's path": {output(access.DataOutput{DataStore: "s", CredentialInStore: boolPtr(true)}),
			"dataOutputs.out.path", "is missing", "write the path"},
		"an endpoint's name": {func(m *access.Model) { m.Endpoints["my--scorer"] = access.Endpoint{Cluster: "cpu"} },
			"endpoints.my--scorer", `"my--scorer" is not the name of a batch endpoint`, "3 to 32"},
		"an endpoint's output": {endpoint(func(e *access.Endpoint) { e.Outputs = []string{"out"} }),
			"endpoints.scorer.outputs[0]", `no data output is called "out"`, "there are none"},
		"an endpoint's invoker": {endpoint(func(e *access.Endpoint) { e.Invokers = []string{"alice", "alise"} }),
			"endpoints.scorer.invokers[1]", `no invoker is called "alise"`, `did you mean "alice"?`},
		"an input named twice": {endpoint(func(e *access.Endpoint) { e.Inputs = []string{"in", "in"} }),
			"endpoints.scorer.inputs[1]", `names "in" a second time`, "keep one"},
		"a role's scope": {func(m *access.Model) { m.Role.Scope = "group" }, "role.scope", `unknown value "group"`,
			"workspace, resourceGroup, subscription"},
		"a built-in role renamed": {func(m *access.Model) { m.Role.BuiltIn, m.Role.Name = "Owner", "R" }, "role.builtIn",
			"can't be renamed", "leave out name"},
		"one data store in two letter cases, two ways": {func(m *access.Model) {
			m.DataInputs["a"] = access.DataInput{Kind: access.DataStore, DataStore: "S", Path: "p",
				CredentialInStore: boolPtr(true)}
			m.DataInputs["b"] = access.DataInput{Kind: access.DataStore, DataStore: "s", Path: "p",
				CredentialInStore: boolPtr(false), StorageAccount: "lake"}
		}, "dataInputs.b.dataStore", `data store "s" is described in another way`, "alike"},
		"one data store in two letter cases, the other way round": {func(m *access.Model) {
			m.DataInputs["a"] = access.DataInput{Kind: access.DataStore, DataStore: "s", Path: "p",
				CredentialInStore: boolPtr(true)}
			m.DataInputs["b"] = access.DataInput{Kind: access.DataStore, DataStore: "S", Path: "p",
				CredentialInStore: boolPtr(false), StorageAccount: "lake"}
		}, "dataInputs.b.dataStore", `data store "S" is described in another way`, "alike"},
		"a client ID in other letters for the object ID": {func(m *access.Model) {
			id := "abcdef00-0000-4000-8000-000000000000"
			m.Invokers["robot"] = access.Invoker{Kind: access.ServicePrincipal, PrincipalID: access.Known(id),
				ClientID: access.Known(strings.ToUpper(id))}
		}, "invokers.robot.objectId", "is the client ID", "write the object ID"},
		"one data store, two ways": {func(m *access.Model) {
			m.DataInputs["a"] = access.DataInput{Kind: access.DataStore, DataStore: "s", Path: "p",
				CredentialInStore: boolPtr(true)}
			m.DataInputs["b"] = access.DataInput{Kind: access.DataStore, DataStore: "s", Path: "p",
				CredentialInStore: boolPtr(false), StorageAccount: "lake"}
		}, "dataInputs.b.dataStore", `data store "s" is described in another way`, "alike"},
		"outputs without an identity": {func(m *access.Model) {
			m.DataInputs, m.Clusters["cpu"] = nil, access.Cluster{Identity: access.NoIdentity}
			m.DataOutputs = map[string]access.DataOutput{"out": {DataStore: "s", Path: "p", CredentialInStore: boolPtr(false),
				StorageAccount: "lake"}}
			m.Endpoints["scorer"] = access.Endpoint{Cluster: "cpu", Outputs: []string{"out"}}
		}, "clusters.cpu.identity", "the cluster identity mounts out for endpoint scorer", "systemAssigned"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := blobModel()
			c.change(&m)
			ps := validate(m)
			require.ErrorContains(t, ps.Err(), c.path+": ")
			for _, p := range ps {
				if p.Path == c.path && strings.Contains(p.What, c.what) {
					assert.Contains(t, p.Fix, c.fix)
					assert.False(t, p.Warning)
					return
				}
			}
			require.Fail(t, "not found", "%s: %s among %v", c.path, c.what, ps)
		})
	}
}

func TestEveryProblemIsReportedAtOnceAndInOrder(t *testing.T) {
	t.Parallel()
	m := blobModel()
	m.WorkspaceID, m.StorageAccounts["lake"], m.Clusters["cpu"] = access.Known("w"), access.Known(
		"l"), access.Cluster{ComputeName: "c"}
	m.Invokers["alice"] = access.Invoker{Kind: access.User, PrincipalID: access.Known("alice")}
	var paths []string
	for _, p := range validate(m) {
		paths = append(paths, p.Path)
	}
	assert.Equal(t, []string{"workspaceId", "invokers.alice.objectId", "clusters.cpu.computeName", "storageAccounts.lake"},
		paths)
}

func TestUnknownIDsPassAndAreNotTheSame(t *testing.T) {
	t.Parallel()
	m := blobModel()
	m.WorkspaceID = access.Later(nil)
	m.StorageAccounts = map[string]access.ID{"lake": access.Later(nil), "sea": access.Later(nil)}
	m.Invokers["alice"] = access.Invoker{Kind: access.User, PrincipalID: access.Later(nil)}
	m.Invokers["bob"] = access.Invoker{Kind: access.User, PrincipalID: access.Later(nil)}
	assert.NoError(t, validate(m).Err())
}

func TestAClusterWithoutIdentityIsNotRefusedForAStoreThatIsYetToBeLookedUp(t *testing.T) {
	t.Parallel()
	m := simple(access.DataInput{Kind: access.DataStore, DataStore: "store", Path: "p"})
	for name, c := range m.Clusters {
		c.Identity = access.NoIdentity
		m.Clusters[name] = c
	}
	ps := validate(m)
	require.NotEmpty(t, ps.With(problem.LookUp), "the data store may hold a credential, and then nobody mounts it")
	assert.Empty(t, ps.WithoutLookUps())
	for name, d := range m.DataInputs {
		d.CredentialInStore, d.StorageAccount = boolPtr(false), keys(m.StorageAccounts)[0]
		m.DataInputs[name] = d
	}
	assert.ErrorContains(t, validate(m).Err(), "is none, but the cluster identity mounts")
}

func TestWarningsDoNotStopADeployment(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*access.Model)
		path   string
		what   string
	}{
		"a role that lacks actions": {func(m *access.Model) { m.Role.BuiltIn = "AzureML Data Scientist" }, "role.builtIn",
			"computes/listKeys/action"},
		"a registry out of reach": {func(m *access.Model) { m.Role.Additions = []string{"readRegistryAssets"} },
			"role.additions", "no effect at a workspace"},
		"an input that nobody reads": {func(m *access.Model) {
			m.DataInputs["more"] = access.DataInput{Kind: access.Blob, StorageAccount: "lake", Container: "raw"}
		}, "dataInputs.more", "no endpoint reads it"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := blobModel()
			c.change(&m)
			ps := validate(m)
			require.NoError(t, ps.Err())
			require.Len(t, ps.Warnings(), 1)
			assert.Equal(t, c.path, ps.Warnings()[0].Path)
			assert.Contains(t, ps.Warnings()[0].What, c.what)
			assert.NotEmpty(t, ps.Warnings()[0].Fix)
		})
	}
}

func TestDidYouMean(t *testing.T) {
	t.Parallel()
	known := []string{"dataStore", "dataAsset", "blob"}
	for word, want := range map[string]string{
		"datastore":  `did you mean "dataStore"? use dataStore, dataAsset, blob`,
		"dataAssets": `did you mean "dataAsset"? use dataStore, dataAsset, blob`,
		"blobs":      `did you mean "blob"? use dataStore, dataAsset, blob`,
		"mltable":    "use dataStore, dataAsset, blob",
		"":           "use dataStore, dataAsset, blob",
	} {
		assert.Equal(t, want, problem.DidYouMean(word, known), word)
	}
	assert.Equal(t, "there are none to choose from", problem.DidYouMean("x", nil))
}

func TestContainerNames(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]bool{
		"raw": true, "a-b": true, "123": true, "$root": true, "$logs": true, "$web": true, strings.Repeat("a", 63): true,
		"ra": false, "Raw": false, "a--b": false, "-ab": false, "ab-": false, "a_b": false, "": false, strings.Repeat("a",
			64): false,
	} {
		assert.Equal(t, want, arm.IsContainerName(name), name)
	}
	assert.True(t, arm.IsContainerName(strings.Repeat("a-", 31)+"a"), "63 characters with hyphens")
	assert.False(t, arm.IsContainerName(strings.Repeat("a-", 40)+"a"), "81 characters with hyphens")
}

// A path becomes a part of a URI, so nothing in it may mean something else there.
func TestPathsAreInsideTheirContainer(t *testing.T) {
	t.Parallel()
	problemsOf := func(path string) access.Problems {
		m := twoEndpoints(func(m *access.Model) {
			for name, d := range m.DataInputs {
				if d.Kind == access.Blob || d.Kind == access.ADLSGen2 {
					d.Path = path
					m.DataInputs[name] = d
				}
			}
		})
		return validate(m).Without(problem.LookUp)
	}
	for path, want := range map[string]string{
		"a/b": "", "/a/b/": "", "a b/c": "", "a%20b": "", "2025-11/..b": "", "a+b": "", "größe": "",
		"..": "leaves its folder", "a/../b": "leaves its folder", "./a": "leaves its folder", "a/%2e%2E/b": "leaves its " +
			"folder",
		"a%2f..%2fb": "leaves its folder", "a?sig=x": "? or #", "a#b": "? or #", "100%": "begins no escape",
		"//host/a": "without a name", "a//b": "without a name", "a/*": "wildcard", " a": "space", "a\n": "control character",
		`a\b`: "backslash", "https://x/a": "is a URI", "AzureML:a:1": "is a URI",
		"subscriptions/s/resourceGroups/g/providers/p": "is an ARM ID",
	} {
		ps := problemsOf(path)
		if want == "" {
			assert.Empty(t, ps, "%q", path)
			continue
		}
		if assert.NotEmpty(t, ps, "%q", path) {
			assert.Contains(t, ps[0].What, want, "%q", path)
			assert.NotEmpty(t, ps[0].Fix, "%q", path)
		}
	}
}

func TestMailAndPrincipalNamesHaveOneDomain(t *testing.T) {
	t.Parallel()
	for name, right := range map[string]bool{
		"a@contoso.com": true, "a.b#EXT#@contoso.onmicrosoft.com": true, "a": false, "a@": false, "@b": false, "a@b@c": false,
		"a@b ": false, " a@b": false, "a b@c": false,
	} {
		for _, i := range []access.Invoker{{UserPrincipalName: name}, {Mail: name}} {
			i.Kind = access.User
			ps := validate(twoEndpoints(func(m *access.Model) { m.Invokers["someone"] = i })).Without(problem.LookUp)
			assert.Equal(t, right, len(ps) == 0, "%q: %v", name, ps)
		}
	}
}
