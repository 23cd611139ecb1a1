package access_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/roles"
)

// wholeWay is a model with two invokers, one of whom each endpoint names, on a cluster each, in a workspace whose own
// account is own.
func wholeWay(w access.WorkspaceServices) access.Model {
	return access.Model{
		WorkspaceID: workspaceID, Services: w,
		Invokers: map[string]access.Invoker{
			"alice": {Kind: access.User, PrincipalID: objectID(1)}, "bob": {Kind: access.User, PrincipalID: objectID(2)},
			"idle": {Kind: access.User, PrincipalID: objectID(3)},
		},
		Clusters:        map[string]access.Cluster{"cpu": {}, "gpu": {}, "spare": {}},
		StorageAccounts: map[string]access.ID{"lake": storageID("lake"), "own": storageID("own")},
		DataInputs: map[string]access.DataInput{
			"rows":  {Kind: access.Blob, StorageAccount: "lake", Container: "rows"},
			"inOwn": {Kind: access.Blob, StorageAccount: "own", Container: "rows"},
		},
		Endpoints: map[string]access.Endpoint{
			"tagger": {Cluster: "cpu", Inputs: []string{"rows"}, Invokers: []string{"alice"}},
			"scorer": {Cluster: "gpu", Inputs: []string{"inOwn"}, Invokers: []string{"bob"}},
			"nobody": {Cluster: "spare", Invokers: []string{}},
		},
	}
}

var byIdentity = access.WorkspaceServices{SystemDatastoresAuthMode: access.ByIdentity, StorageAccount: "own"}

func grantsOn(p *access.Plan, account string) (all []string) {
	for _, g := range p.Grants {
		if g.Scope.StorageAccount == account {
			all = append(all, g.Principal.String()+": "+g.String())
		}
	}
	return all
}

func TestStoresOfTheWorkspaceThatIdentitiesOpenAreGrantedToWhoUsesThem(t *testing.T) {
	t.Parallel()
	p := compile(wholeWay(byIdentity))
	assert.Equal(t, []string{
		"invoker alice: Storage Blob Data Contributor on own", "invoker alice: Storage File Data Privileged Contributor on " +
			"own",
		"invoker bob: Storage Blob Data Contributor on own", "invoker bob: Storage File Data Privileged Contributor on own",
		"cluster cpu: Storage Blob Data Contributor on own", "cluster cpu: Storage Queue Data Contributor on own",
		"cluster cpu: Storage Table Data Contributor on own",
		"cluster gpu: Storage Blob Data Contributor on own", "cluster gpu: Storage Queue Data Contributor on own",
		"cluster gpu: Storage Table Data Contributor on own",
	}, grantsOn(p, "own"), "whom no endpoint names gets nothing; what lies in the own account needs no reader of its own")
	for _, path := range p.Paths() {
		hop := path.FailsAt()
		switch {
		case path.Declared:
			assert.Nil(t, hop, path)
		case path.Invoker == "idle":
			require.NotNil(t, hop)
			assert.Equal(t, access.StoresHop, hop.Kind, path.Target())
			assert.Equal(t, "Storage Blob Data Contributor on own and Storage File Data Privileged Contributor on own",
				hop.Missing)
		case path.Endpoint == "nobody":
			require.NotNil(t, hop)
			assert.Equal(t, access.StoresHop, hop.Kind)
			assert.Equal(t, "cluster spare", hop.Identity)
		}
	}
	for _, n := range p.Needs {
		if n.Hop == access.StoresHop {
			assert.NotEqual(t, "nobody", n.Endpoint)
		}
	}
	reasons := map[string]bool{}
	for _, g := range p.Grants {
		if g.OfService() {
			reasons[strings.Join(g.Reasons, ", ")] = true
		}
	}
	assert.Equal(t, map[string]bool{"use the workspace's own stores for tagger": true,
		"use the workspace's own stores for scorer": true}, reasons)
}

// Each grant on the workspace's own account is needed: without it, the jobs of its holder fail there, and no other.
func TestEachGrantOnTheWorkspacesOwnAccountIsNeeded(t *testing.T) {
	t.Parallel()
	p := compile(wholeWay(byIdentity))
	for i, g := range p.Grants {
		if g.Scope.StorageAccount != "own" {
			continue
		}
		rest := slices.Delete(slices.Clone(p.Grants), i, i+1)
		for _, path := range p.PathsWith(rest) {
			if !path.Declared {
				continue
			}
			uses := g.Principal == access.InvokerPrincipal(path.Invoker) ||
				g.Principal == access.ClusterPrincipal(map[string]string{"tagger": "cpu", "scorer": "gpu"}[path.Endpoint])
			if !uses {
				assert.Nil(t, path.FailsAt(), "%s without %s of %s", path.Target(), g, g.Principal)
				continue
			}
			hop := path.FailsAt()
			require.NotNil(t, hop, "%s without %s of %s", path.Target(), g, g.Principal)
			assert.Equal(t, access.StoresHop, hop.Kind)
			assert.Equal(t, g.Role+" on own", hop.Missing)
			assert.False(t, hop.Undecided)
		}
	}
}

func TestWhatIsSaidOfTheWorkspacesOwnStoresDecidesTheHop(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		of      access.WorkspaceServices
		hops    int
		outcome string // the beginning of that of a declared path
		open    bool   // not looked at
	}{
		"nothing said": {access.WorkspaceServices{}, 0, "works", true},
		"keys":         {access.WorkspaceServices{SystemDatastoresAuthMode: access.ByAccessKey}, 1, "works", false},
		"keys, with an account": {access.WorkspaceServices{SystemDatastoresAuthMode: access.ByAccessKey,
			StorageAccount: "own"}, 1, "works", false},
		"identities": {byIdentity, 2, "works", false},
		"to be looked up": {access.WorkspaceServices{LookUp: true}, 1, "can't be told at stores: a job needs an answer",
			false},
		"account to be looked up": {access.WorkspaceServices{LookUp: true, SystemDatastoresAuthMode: access.ByIdentity}, 1,
			"can't be told at stores: a job needs an answer", false},
		"looked up": {access.WorkspaceServices{LookUp: true, SystemDatastoresAuthMode: access.ByIdentity,
			StorageAccount: "own"}, 2, "works", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := compile(wholeWay(c.of))
			open := slices.ContainsFunc(p.Model.NotLookedAt(), func(s string) bool { return strings.HasPrefix(s, "stores (") })
			assert.Equal(t, c.open, open)
			for _, path := range p.Paths() {
				if !path.Declared {
					continue
				}
				stores := slices.DeleteFunc(slices.Clone(path.Hops), func(h access.Hop) bool { return h.Kind != access.StoresHop })
				assert.Len(t, stores, c.hops)
				assert.True(t, strings.HasPrefix(path.Outcome(), c.outcome), path.Outcome())
				if path.Undecided() {
					assert.Contains(t, path.Outcome(), "az resource show --ids "+workspaceID.Text()+" --query properties.")
				}
			}
			if c.hops < 2 {
				for _, g := range p.Grants {
					assert.False(t, g.OfService(), "nothing is granted for what is not known to be needed: %s", g)
				}
			}
		})
	}
}

// A failure elsewhere is said before what is undecided.
func TestAnUndecidedHopHidesNoFailure(t *testing.T) {
	t.Parallel()
	p := compile(wholeWay(access.WorkspaceServices{LookUp: true}))
	for _, path := range p.PathsWith(nil) {
		assert.Equal(t, access.InvokeHop, path.FailsAt().Kind)
	}
}

func TestMembersOfAGroupUseTheWorkspacesStoresThroughIt(t *testing.T) {
	t.Parallel()
	m := wholeWay(byIdentity)
	m.Invokers["team"] = access.Invoker{Kind: access.Group, Members: []string{"alice", "bob"}}
	m.Endpoints = map[string]access.Endpoint{"tagger": {Cluster: "cpu", Invokers: []string{"team"}}}
	p := compile(m)
	for _, g := range p.Grants {
		if g.Scope.StorageAccount == "own" && !g.Principal.IsCluster() {
			assert.Equal(t, "team", g.Principal.Name)
		}
	}
	for _, path := range p.Paths() {
		if path.Declared {
			assert.True(t, path.Works(), path.Outcome())
			assert.Contains(t, path.Hops[2].GivenBy, "through group team")
		}
	}
}

// One identity of two clusters, which is an invoker too, is granted each role once.
func TestAnIdentityUsesTheWorkspacesStoresOnceUnderAllItsNames(t *testing.T) {
	t.Parallel()
	id := access.Known("/subscriptions/" + subscription +
		"/resourceGroups/ml/providers/Microsoft.ManagedIdentity/userAssignedIdentities/one")
	m := wholeWay(byIdentity)
	m.Clusters = map[string]access.Cluster{
		"cpu": {Identity: access.UserAssigned, UserAssignedIdentityID: id},
		"gpu": {Identity: access.UserAssigned, UserAssignedIdentityID: id}, "spare": {},
	}
	m.Invokers["alice"] = access.Invoker{Kind: access.ManagedIdentity, ResourceID: id.Text()}
	p := compile(m)
	assert.Equal(t, []string{
		"invoker alice: Storage Blob Data Contributor on own", "invoker alice: Storage File Data Privileged Contributor on " +
			"own",
		"invoker alice: Storage Queue Data Contributor on own", "invoker alice: Storage Table Data Contributor on own",
		"invoker bob: Storage Blob Data Contributor on own", "invoker bob: Storage File Data Privileged Contributor on own",
	}, grantsOn(p, "own"))
}

func TestWhatIsWrongWithTheWorkspacesServices(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*access.Model)
		want   []string // paths
	}{
		"an unknown mode": {func(m *access.Model) { m.Services.SystemDatastoresAuthMode = "accessKeys" },
			[]string{"workspace.systemDatastoresAuthMode"}},
		"identity without an account": {func(m *access.Model) { m.Services.StorageAccount = "" },
			[]string{"workspace.storageAccount"}},
		"an account that is none of the model's": {func(m *access.Model) { m.Services.StorageAccount = "oven" },
			[]string{"workspace.storageAccount"}},
		"an account alone": {func(m *access.Model) { m.Services.SystemDatastoresAuthMode = "" },
			[]string{"workspace.systemDatastoresAuthMode"}},
		"clusters without an identity": {func(m *access.Model) {
			m.Clusters["cpu"] = access.Cluster{Identity: access.NoIdentity}
			m.DataInputs, m.Endpoints = nil, map[string]access.Endpoint{"tagger": {Cluster: "cpu"}}
		}, []string{"clusters.cpu.identity"}},
		"a cluster without an identity on which no job runs": {func(m *access.Model) {
			m.Clusters["spare"] = access.Cluster{Identity: access.NoIdentity}
		}, nil},
		"all at once": {func(m *access.Model) {
			m.Services = access.WorkspaceServices{SystemDatastoresAuthMode: "keys", StorageAccount: "oven"}
		}, []string{"workspace.systemDatastoresAuthMode", "workspace.storageAccount"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := wholeWay(byIdentity)
			c.change(&m)
			var paths []string
			for _, p := range validate(m) {
				if !p.Warning {
					paths = append(paths, p.Path)
					assert.NotEmpty(t, p.Fix)
				}
			}
			assert.Equal(t, c.want, paths)
		})
	}
}

// Another stack may hold any of them: which one is said by the role's name.
func TestGrantsOnTheWorkspacesOwnAccountAreShared(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		of   access.SharedGrant
		held string // the role of the grant that is held; "" for a problem
	}{
		"files": {access.SharedGrant{Principal: "alice", Role: roles.StorageFileDataPrivilegedContributor},
			roles.StorageFileDataPrivilegedContributor},
		"blobs":           {access.SharedGrant{Principal: "alice", Write: true}, roles.StorageBlobDataContributor},
		"no reader":       {access.SharedGrant{Principal: "alice"}, ""},
		"tables, no role": {access.SharedGrant{Principal: "alice", Role: roles.StorageTableDataContributor}, ""},
		"unknown role":    {access.SharedGrant{Principal: "alice", Role: "Owner"}, ""},
		"role and write": {access.SharedGrant{Principal: "alice", Role: roles.StorageFileDataPrivilegedContributor,
			Write: true}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := wholeWay(byIdentity)
			c.of.By, c.of.StorageAccount = "other/prod", "own"
			m.SharedGrants = map[string]access.SharedGrant{"one": c.of}
			p, ps := access.Compile(m)
			if c.held == "" {
				require.Error(t, ps.Err())
				assert.True(t, strings.HasPrefix(ps.Err().Error(), "sharedGrants.one"), ps.Err())
				return
			}
			require.NoError(t, ps.Err())
			var held []string
			for _, g := range p.Grants {
				if g.HeldBy != "" {
					held = append(held, g.Role)
				}
			}
			assert.Equal(t, []string{c.held}, held)
		})
	}
}
