package access_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/internal/problem"
	"github.com/batchaccess/batchaccess/internal/randommodel"
)

const identityID = "/subscriptions/" + subscription +
	"/resourceGroups/ml/providers/Microsoft.ManagedIdentity/userAssignedIdentities/mounter"

// twoEndpoints is a model of two clusters whose endpoints read one container, with an edit.
func twoEndpoints(change func(*access.Model)) access.Model {
	m := access.Model{
		WorkspaceID:     workspaceID,
		Invokers:        map[string]access.Invoker{"alice": {Kind: access.User, PrincipalID: objectID(1)}},
		Clusters:        map[string]access.Cluster{"cpu": {}, "gpu": {}},
		StorageAccounts: map[string]access.ID{"lake": storageID("lake")},
		DataInputs:      map[string]access.DataInput{"raw": {Kind: access.Blob, StorageAccount: "lake", Container: "raw"}},
		Endpoints: map[string]access.Endpoint{
			"one": {Cluster: "cpu", Inputs: []string{"raw"}}, "two": {Cluster: "gpu", Inputs: []string{"raw"}},
		},
	}
	change(&m)
	return m
}

func TestOneIdentityIsGrantedOnceWithAllReasons(t *testing.T) {
	t.Parallel()
	output := new(int) // an output of a resource, which is the same pointer wherever it is passed
	user := func(id access.ID) access.Cluster {
		return access.Cluster{Identity: access.UserAssigned, UserAssignedIdentityID: id}
	}
	for name, c := range map[string]struct {
		change func(*access.Model)
		names  string // the identity with several names
	}{
		"two clusters with one user-assigned identity": {func(m *access.Model) {
			m.Clusters["cpu"] = user(access.Known(identityID))
			m.Clusters["gpu"] = user(access.Known(strings.ToUpper(identityID)))
		}, "cluster cpu = cluster gpu"},
		"two clusters with one that is known later": {func(m *access.Model) {
			m.Clusters["cpu"], m.Clusters["gpu"] = user(access.Later(output)), user(access.Later(output))
		}, "cluster cpu = cluster gpu"},
		"two existing clusters with one object ID": {func(m *access.Model) {
			m.Clusters["cpu"] = access.Cluster{Existing: true, PrincipalID: objectID(7)}
			m.Clusters["gpu"] = access.Cluster{Existing: true, PrincipalID: objectID(7)}
		}, "cluster cpu = cluster gpu"},
		"an invoker that is a cluster's identity, by object ID": {func(m *access.Model) {
			m.Invokers["robot"] = access.Invoker{Kind: access.ManagedIdentity,
				PrincipalID: access.Known("ABCDEF00-0000-4000-8000-000000000000")}
			m.Clusters["gpu"] = access.Cluster{Existing: true, PrincipalID: access.Known("abcdef00-0000-4000-8000-000000000000")}
		}, "invoker robot = cluster gpu"},
		"an invoker that is a cluster's identity, as a service principal": {func(m *access.Model) {
			m.Invokers["robot"] = access.Invoker{Kind: access.ServicePrincipal, PrincipalID: objectID(7)}
			m.Clusters["gpu"] = access.Cluster{Existing: true, PrincipalID: objectID(7)}
		}, "invoker robot = cluster gpu"},
		"an invoker that is a cluster's identity, by ARM ID": {func(m *access.Model) {
			m.Invokers["robot"] = access.Invoker{Kind: access.ManagedIdentity, ResourceID: strings.ToLower(identityID)}
			m.Clusters["gpu"] = user(access.Known(identityID))
		}, "invoker robot = cluster gpu"},
		"an invoker that is made, and is a cluster's identity by its name": {func(m *access.Model) {
			m.Invokers["robot"] = access.Invoker{Kind: access.ManagedIdentity, DisplayName: "Mounter"}
			m.Clusters["gpu"] = user(access.Known(identityID))
		}, "invoker robot = cluster gpu"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			plan := compile(twoEndpoints(c.change))
			var found []string
			for _, i := range plan.Identities {
				if len(i.Names) > 1 {
					found = append(found, i.String())
					reasons := 0
					for _, g := range plan.Grants {
						if g.Principal == i.Names[0] && g.Scope.InStorage() {
							reasons = len(g.Reasons)
						}
						assert.NotContains(t, i.Names[1:], g.Principal)
					}
					assert.GreaterOrEqual(t, reasons, 2, "the reasons of both")
				}
			}
			assert.Equal(t, []string{c.names}, found)
			for _, p := range plan.Paths() {
				assert.True(t, p.Works(), p.Outcome())
			}
			assert.Contains(t, plan.Report().Grants, c.names)
		})
	}
}

func TestIdentitiesThatCannotBeAreProblemsWithBothPaths(t *testing.T) {
	t.Parallel()
	output := new(int)
	for name, c := range map[string]struct {
		change          func(*access.Model)
		path, other     string
		what            string
		isContradiction bool
	}{
		"one user by name in two spellings": {func(m *access.Model) {
			m.Invokers["ada"] = access.Invoker{Kind: access.User, UserPrincipalName: "Ada@contoso.com"}
			m.Invokers["lovelace"] = access.Invoker{Kind: access.User, UserPrincipalName: "ada@CONTOSO.com"}
		}, "invokers.lovelace.userPrincipalName", "invokers.ada", "is the same principal", true},
		"two groups by one display name": {func(m *access.Model) {
			m.Invokers["a"] = access.Invoker{Kind: access.Group, DisplayName: "Scoring analysts"}
			m.Invokers["b"] = access.Invoker{Kind: access.Group, DisplayName: "scoring Analysts"}
		}, "invokers.b.displayName", "invokers.a", "is the same principal", true},
		"one output for two invokers": {func(m *access.Model) {
			m.Invokers["a"] = access.Invoker{Kind: access.User, PrincipalID: access.Later(output)}
			m.Invokers["b"] = access.Invoker{Kind: access.User, PrincipalID: access.Later(output)}
		}, "invokers.b.objectId", "invokers.a", "is the same principal", true},
		"a group that is made under the name of one that exists": {func(m *access.Model) {
			m.Invokers["a"] = access.Invoker{Kind: access.Group, DisplayName: "Scoring analysts"}
			m.Invokers["b"] = access.Invoker{Kind: access.Group, DisplayName: "scoring Analysts", Members: []string{"alice"}}
		}, "invokers.b.displayName", "invokers.a", "is the name by which", true},
		"one application by client ID": {func(m *access.Model) {
			m.Invokers["a"] = access.Invoker{Kind: access.ServicePrincipal, ClientID: objectID(5)}
			m.Invokers["b"] = access.Invoker{Kind: access.ServicePrincipal, PrincipalID: objectID(6), ClientID: objectID(5)}
		}, "invokers.b.clientId", "invokers.a", "is the same principal", true},
		"a cluster's identity that is a user": {func(m *access.Model) {
			m.Clusters["gpu"] = access.Cluster{Existing: true, PrincipalID: objectID(1)}
		}, "clusters.gpu.principalId", "invokers.alice", "which is a user", true},
		"made identities that differ in letter case": {func(m *access.Model) {
			m.Invokers["Robot"] = access.Invoker{Kind: access.ManagedIdentity}
			m.Invokers["robot"] = access.Invoker{Kind: access.ManagedIdentity}
		}, "invokers.robot", "invokers.Robot", "letter case makes no difference between managed identities", true},
		"made identities of one display name": {func(m *access.Model) {
			m.Invokers["a"] = access.Invoker{Kind: access.ManagedIdentity, DisplayName: "Robot"}
			m.Invokers["b"] = access.Invoker{Kind: access.ManagedIdentity, DisplayName: "robot"}
		}, "invokers.b", "invokers.a", "under the same name", true},
		"an identity that is made, and one that exists by its name": {func(m *access.Model) {
			m.Invokers["a"] = access.Invoker{Kind: access.ManagedIdentity, DisplayName: "Mounter"}
			m.Invokers["b"] = access.Invoker{Kind: access.ManagedIdentity, ResourceID: identityID}
		}, "invokers.b.resourceId", "invokers.a", "is the same principal", true},
		"an identity of two object IDs": {func(m *access.Model) {
			m.Invokers["robot"] = access.Invoker{Kind: access.ManagedIdentity, PrincipalID: objectID(5), ResourceID: identityID}
			m.Clusters["cpu"] = access.Cluster{Existing: true, PrincipalID: objectID(6),
				UserAssignedIdentityID: access.Known(identityID)}
		}, "clusters.cpu.userAssignedIdentityId", "invokers.robot", "but another object ID", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, p := range validate(twoEndpoints(c.change)).With(problem.Contradiction) {
				if p.Path == c.path {
					assert.Contains(t, p.What, c.what)
					assert.Contains(t, p.What, c.other)
					assert.NotEmpty(t, p.Fix)
					assert.False(t, p.Warning)
					return
				}
			}
			require.Fail(t, "not found", validate(twoEndpoints(c.change)))
		})
	}
}

func TestPrincipalsThatOnlyLookAlikeStayApart(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*access.Model){
		"IDs of which nothing is known": func(m *access.Model) {
			m.Clusters["cpu"] = access.Cluster{Existing: true, PrincipalID: access.Later(nil)}
			m.Clusters["gpu"] = access.Cluster{Existing: true, PrincipalID: access.Later(nil)}
		},
		"outputs of two resources": func(m *access.Model) {
			m.Clusters["cpu"] = access.Cluster{Existing: true, PrincipalID: access.Later(new(int))}
			m.Clusters["gpu"] = access.Cluster{Existing: true, PrincipalID: access.Later(new(int))}
		},
		"a display name beside two IDs": func(m *access.Model) {
			m.Invokers["a"] = access.Invoker{Kind: access.Group, PrincipalID: objectID(5), DisplayName: "Analysts"}
			m.Invokers["b"] = access.Invoker{Kind: access.Group, PrincipalID: objectID(6), DisplayName: "Analysts"}
		},
		"a managed identity that is made, and one of its name elsewhere": func(m *access.Model) {
			m.Invokers["a"] = access.Invoker{Kind: access.ManagedIdentity, DisplayName: "mounter"}
			m.Invokers["b"] = access.Invoker{Kind: access.ManagedIdentity,
				ResourceID: strings.Replace(identityID, "/ml/", "/other/", 1)}
		},
		"a service principal and a managed identity that are made": func(m *access.Model) {
			m.Invokers["Robot"] = access.Invoker{Kind: access.ServicePrincipal, SignIn: "none"}
			m.Invokers["robot"] = access.Invoker{Kind: access.ManagedIdentity}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, i := range compile(twoEndpoints(change)).Identities {
				assert.Len(t, i.Names, 1, i)
			}
		})
	}
}

// An assertion that names an identity means it under all of its names.
func TestOnlyMeansTheIdentityByAnyOfItsNames(t *testing.T) {
	t.Parallel()
	m := twoEndpoints(func(m *access.Model) {
		m.Clusters["cpu"] = access.Cluster{Existing: true, PrincipalID: objectID(7)}
		m.Clusters["gpu"] = access.Cluster{Existing: true, PrincipalID: objectID(7)}
		m.Assertions = map[string]access.Assertion{
			"both": {Only: []string{"alice", "cluster:cpu"}, Read: "raw"}, "less": {Only: []string{"alice"}, Read: "raw"},
		}
	})
	verdicts := compile(m).Verdicts
	assert.True(t, verdicts[0].Holds, verdicts[0].Because)
	assert.False(t, verdicts[1].Holds)
}

// Two identities are the same here if Azure would give them the same object ID. The test knows nothing of how Compile
// finds that.
func TestNoIdentityIsGrantedTwiceAndNoneGoesWithout(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		m, azure := randommodel.Shared(t)
		plan, problems := access.Compile(m)
		if plan == nil {
			t.Fatalf("the generator drew a model that is not valid: %v", problems.Err())
		}
		granted := map[string]access.Grant{}
		for _, g := range plan.Grants {
			key := fmt.Sprint(azure[g.Principal], g.Role, g.Scope)
			if other, twice := granted[key]; twice {
				t.Fatalf("%s is granted %s twice, also as %s", g.Principal, g, other.Principal)
			}
			granted[key] = g
		}
		for _, n := range plan.Needs {
			if n.Role == "" {
				continue
			}
			met, group := false, m.Groups()[n.Principal.Name]
			for _, g := range plan.Grants {
				holds := azure[g.Principal] == azure[n.Principal] || !n.Principal.IsCluster() &&
					g.Principal == access.InvokerPrincipal(group)
				met = met || holds && g.Scope.Contains(n.At) &&
					(g.Role == n.Role || g.Role == "Storage Blob Data Contributor")
			}
			if !met {
				t.Fatalf("nothing meets %+v", n)
			}
		}
		for _, path := range plan.Paths() {
			if path.Declared && !path.Works() {
				t.Fatalf("%s on %s with %s %s", path.Invoker, path.Target(), path.Input, path.Outcome())
			}
		}
	})
}
