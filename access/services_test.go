package access_test

import (
	"cmp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/access/services"
	"github.com/batchaccess/batchaccess/roles"
)

// wholeWay is a model with two invokers, one for each endpoint, on a cluster each, in a workspace whose own account is
// own.
func wholeWay(w services.WorkspaceServices) access.Model {
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

// A parallel run needs tables and queues (facts/batch-endpoints.md). A cluster that runs one needs them, whatever else
// it runs.
func TestTablesAndQueuesAreGrantedForParallelRunsAlone(t *testing.T) {
	t.Parallel()
	no, yes := new(bool), new(bool)
	*yes = true
	tables := []string{"cluster cpu: Storage Queue Data Contributor on own",
		"cluster cpu: Storage Table Data Contributor on own"}
	for name, c := range map[string]struct {
		endpoint, another *bool
		deployments       map[string]access.Deployment
		tables            bool
	}{
		"by default":          {nil, no, nil, true},
		"said":                {yes, no, nil, true},
		"of none":             {no, no, nil, false},
		"of another endpoint": {no, nil, nil, true},
		"of no deployment": {no, no, map[string]access.Deployment{"one": {Cluster: "cpu"}, "two": {Cluster: "cpu"}},
			false},
		"of one deployment": {no, no, map[string]access.Deployment{"one": {Cluster: "cpu"},
			"two": {Cluster: "cpu", ParallelRuns: yes}}, true},
		"of all deployments but one": {nil, no, map[string]access.Deployment{"one": {Cluster: "cpu", ParallelRuns: no},
			"two": {Cluster: "cpu"}}, true},
		"of each deployment none": {yes, no, map[string]access.Deployment{"one": {Cluster: "cpu", ParallelRuns: no}}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := wholeWay(byIdentity)
			tagger := m.Endpoints["tagger"]
			tagger.ParallelRuns, tagger.Deployments = c.endpoint, c.deployments
			if c.deployments != nil {
				tagger.Cluster = ""
			}
			m.Endpoints["tagger"] = tagger
			m.Endpoints["another"] = access.Endpoint{Cluster: "cpu", Invokers: []string{"bob"}, ParallelRuns: c.another}
			p := compile(m)
			want := []string{"cluster cpu: Storage Blob Data Contributor on own"}
			if c.tables {
				want = append(want, tables...)
			}
			assert.Equal(t, want, slices.DeleteFunc(grantsOn(p, "own"), func(g string) bool {
				return !strings.HasPrefix(g, "cluster cpu")
			}))
			for _, path := range p.Paths() {
				assert.True(t, !path.Declared || path.Works(), "%v", path)
			}
		})
	}
}

var byIdentity = services.WorkspaceServices{SystemDatastoresAuthMode: services.ByIdentity, StorageAccount: "own"}

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

// Each grant on the workspace's own account is needed: without it, only its holder's jobs fail there.
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
		of      services.WorkspaceServices
		hops    int
		outcome string // the beginning of the verdict on a declared path
		open    bool   // not looked at
	}{
		"nothing said": {services.WorkspaceServices{}, 0, "works", true},
		"keys":         {services.WorkspaceServices{SystemDatastoresAuthMode: services.ByAccessKey}, 1, "works", false},
		"keys, with an account": {services.WorkspaceServices{SystemDatastoresAuthMode: services.ByAccessKey,
			StorageAccount: "own"}, 1, "works", false},
		"identities": {byIdentity, 2, "works", false},
		"to be looked up": {services.WorkspaceServices{LookUp: true}, 1, "undecided at stores: a job needs an answer",
			false},
		"account to be looked up": {services.WorkspaceServices{LookUp: true, SystemDatastoresAuthMode: services.ByIdentity},
			1,
			"undecided at stores: a job needs an answer", false},
		"looked up": {services.WorkspaceServices{LookUp: true, SystemDatastoresAuthMode: services.ByIdentity,
			StorageAccount: "own"}, 2, "works", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := wholeWay(c.of)
			if c.of.LookUp { // the other hops are known
				m.Services.RegistryPermissions = services.ByAdminUser
				for name, e := range m.Endpoints {
					e.Registries = []string{}
					m.Endpoints[name] = e
				}
			}
			p := compile(m)
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

// A failure at another hop wins over an undecided hop.
func TestAnUndecidedHopHidesNoFailure(t *testing.T) {
	t.Parallel()
	p := compile(wholeWay(services.WorkspaceServices{LookUp: true}))
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

// One identity of two clusters, which is also an invoker, is granted each role once.
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
			m.Services = services.WorkspaceServices{SystemDatastoresAuthMode: "keys", StorageAccount: "oven"}
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

// Another stack may have any of these assignments. The role's name says which.
func TestGrantsOnTheWorkspacesOwnAccountAreShared(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		of   access.SharedGrant
		held string // the role of the other stack's grant; "" for a problem
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

func registryID(subscription, name string) access.ID {
	return access.Known("/subscriptions/" + subscription +
		"/resourceGroups/shared/providers/Microsoft.MachineLearningServices/registries/" + name)
}

const acr = "/subscriptions/" + subscription +
	"/resourceGroups/images/providers/Microsoft.ContainerRegistry/registries/pictures"

// pulls is wholeWay with clusters of every kind, each with an endpoint of its own.
func pulls(w services.WorkspaceServices) access.Model {
	m := wholeWay(w)
	m.Clusters = map[string]access.Cluster{
		"own": {Identity: access.UserAssigned}, "made": {}, "there": {Existing: true, PrincipalID: objectID(7)},
		"said": {Existing: true, PrincipalID: objectID(8)},
	}
	m.Endpoints = map[string]access.Endpoint{}
	for name := range m.Clusters {
		m.Endpoints["on-"+name] = access.Endpoint{Cluster: name, Invokers: []string{"alice"}, Registries: []string{}}
	}
	m.DataInputs = nil
	return m
}

func TestWhoPullsImagesIsGrantedWhatTheRegistryAsksFor(t *testing.T) {
	t.Parallel()
	const abac = "Container Registry Repository Reader on container registry pictures"
	for name, c := range map[string]struct {
		of     services.WorkspaceServices
		grants []string
		ends   map[string]string // the endpoints whose jobs fail, and how; the others work
	}{
		"not looked at": {services.WorkspaceServices{}, nil, nil},
		"admin user":    {services.WorkspaceServices{RegistryPermissions: services.ByAdminUser}, nil, nil},
		"rbac": {services.WorkspaceServices{RegistryPermissions: services.ByPullRole, ContainerRegistry: acr,
			ImagePull: map[string]services.ImagePull{"said": services.Assigned}},
			[]string{"cluster own: AcrPull on container registry pictures"},
			map[string]string{"on-there": "undecided at image"}},
		"rbac, assigned here": {services.WorkspaceServices{RegistryPermissions: services.ByPullRole, ContainerRegistry: acr,
			ImagePull: map[string]services.ImagePull{"said": services.Assign, "there": services.Assign, "made": services.Assign,
				"own": services.Assigned}},
			[]string{"cluster made: AcrPull on container registry pictures",
				"cluster said: AcrPull on container registry pictures",
				"cluster there: AcrPull on container registry pictures"}, nil},
		"abac": {services.WorkspaceServices{RegistryPermissions: services.ByABAC, ContainerRegistry: acr,
			ImagePull: map[string]services.ImagePull{"said": services.Assigned}},
			[]string{"cluster made: " + abac, "cluster own: " + abac, "cluster there: " + abac}, nil},
		"which registry is open": {services.WorkspaceServices{LookUp: true, RegistryPermissions: services.ByABAC,
			SystemDatastoresAuthMode: services.ByAccessKey}, nil, map[string]string{
			"on-own": "undecided at image", "on-made": "undecided at image", "on-there": "undecided at image",
			"on-said": "undecided at image"}},
		"what it asks for is open": {services.WorkspaceServices{LookUp: true, ContainerRegistry: acr,
			SystemDatastoresAuthMode: services.ByAccessKey}, nil, map[string]string{
			"on-own": "undecided at image", "on-made": "undecided at image", "on-there": "undecided at image",
			"on-said": "undecided at image"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := compile(pulls(c.of))
			var grants []string
			for _, g := range p.Grants {
				if g.Scope.Registry != "" {
					grants = append(grants, g.Principal.String()+": "+g.String())
					id, err := p.Model.ScopeID(g.Scope)
					require.NoError(t, err)
					assert.Equal(t, acr, id)
					assert.False(t, g.Scope.OfInvokers())
					assert.True(t, g.OfService())
				}
			}
			assert.Equal(t, c.grants, grants)
			for _, path := range p.Paths() {
				if !path.Declared {
					continue
				}
				want := "works"
				if ends := c.ends[path.Endpoint]; ends != "" {
					want = ends
					assert.Contains(t, path.Outcome(), "az r", "the command that answers it")
				}
				assert.True(t, strings.HasPrefix(path.Outcome(), want), "%s: %s", path.Endpoint, path.Outcome())
			}
		})
	}
}

// withRegistries is wholeWay whose endpoints use shared registries, one of them in another subscription.
func withRegistries() access.Model {
	m := wholeWay(services.WorkspaceServices{})
	m.Registries = map[string]access.ID{
		"team": registryID(subscription, "team"), "firm": registryID("22222222-2222-4222-8222-222222222222", "firm")}
	m.Endpoints = map[string]access.Endpoint{
		"tagger": {Cluster: "cpu", Invokers: []string{"alice"}, Registries: []string{"firm"}},
		"scorer": {Invokers: []string{"bob"}, Registries: []string{"team"}, Deployments: map[string]access.Deployment{
			"blue": {Cluster: "cpu"}, "green": {Cluster: "gpu", Registries: []string{"firm", "team"}},
			"plain": {Cluster: "gpu", Registries: []string{}}}},
	}
	return m
}

func TestInvokersAreGrantedTheRegistriesOfTheirDeployments(t *testing.T) {
	t.Parallel()
	p := compile(withRegistries())
	var grants []string
	for _, g := range p.Grants {
		if g.Scope.Registry != "" {
			grants = append(grants, g.Principal.String()+": "+g.String())
		}
	}
	assert.Equal(t, []string{"invoker alice: AzureML Registry User on registry firm",
		"invoker bob: AzureML Registry User on registry firm", "invoker bob: AzureML Registry User on registry team"}, grants)
	ends := map[string]string{}
	for _, path := range p.Paths() {
		if !path.Declared {
			ends[path.Invoker+" "+path.Target()] = string(cmp.Or(path.FailsAt(), &access.Hop{}).Kind)
			continue
		}
		assert.True(t, path.Works(), path.Outcome())
	}
	assert.Equal(t, map[string]string{"alice scorer/blue": "registry", "alice scorer/green": "registry",
		"alice scorer/plain": "", "bob tagger": "", "idle scorer/blue": "registry", "idle scorer/green": "registry",
		"idle scorer/plain": "", "idle tagger": "registry"}, ends)
	id, err := p.Model.ScopeID(access.Scope{Level: access.AtRegistry, Registry: "firm"})
	require.NoError(t, err)
	assert.Equal(t, p.Model.Registries["firm"].Text(), id)
	for i, g := range p.Grants {
		if g.Scope.Registry == "" {
			continue
		}
		for _, path := range p.PathsWith(slices.Delete(slices.Clone(p.Grants), i, i+1)) {
			if hop := path.FailsAt(); path.Declared && hop != nil {
				assert.Equal(t, access.RegistryHop, hop.Kind)
				assert.Equal(t, g.Principal.Name, path.Invoker)
				assert.Equal(t, "AzureML Registry User on registry "+g.Scope.Registry, hop.Missing)
			}
		}
	}
	shared := withRegistries()
	shared.SharedGrants = map[string]access.SharedGrant{"firm": {By: "other/prod", Principal: "alice", Registry: "firm"}}
	for _, g := range compile(shared).Grants {
		held := g.Principal.Name == "alice" && g.Scope.Registry == "firm"
		assert.Equal(t, map[bool]string{true: "other/prod"}[held], g.HeldBy, g)
	}
}

func TestARegistryThatIsNotKnownIsUndecided(t *testing.T) {
	t.Parallel()
	m := wholeWay(services.WorkspaceServices{LookUp: true, SystemDatastoresAuthMode: services.ByAccessKey,
		RegistryPermissions: services.ByAdminUser})
	for _, path := range compile(m).Paths() {
		if path.Declared {
			assert.True(t, path.Undecided())
			assert.Contains(t, path.Outcome(), "undecided at registry")
			assert.Contains(t, path.Outcome(), "/batchEndpoints/"+path.Endpoint+"/deployments/<deployment>")
		}
	}
	assert.Empty(t, m.NotLookedAt())
	assert.Len(t, wholeWay(services.WorkspaceServices{}).NotLookedAt(), 3)
	assert.Len(t, withRegistries().NotLookedAt(), 2)
}

func TestWhatIsWrongWithRegistries(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*access.Model)
		want   []string // paths
	}{
		"a registry that nobody declares": {func(m *access.Model) {
			m.Endpoints["tagger"] = access.Endpoint{Cluster: "cpu", Registries: []string{"frim"}}
		}, []string{"endpoints.tagger.registries[0]"}},
		"one twice": {func(m *access.Model) {
			m.Endpoints["tagger"] = access.Endpoint{Cluster: "cpu", Registries: []string{"firm", "firm"}}
		}, []string{"endpoints.tagger.registries[1]"}},
		"of a deployment": {func(m *access.Model) {
			m.Endpoints["tagger"] = access.Endpoint{Deployments: map[string]access.Deployment{
				"blue": {Cluster: "cpu", Registries: []string{"frim"}}}}
		}, []string{"endpoints.tagger.deployments.blue.registries[0]"}},
		"a workspace's ID": {func(m *access.Model) { m.Registries["firm"] = workspaceID }, []string{"registries.firm"}},
		"no ID":            {func(m *access.Model) { m.Registries["firm"] = access.ID{} }, []string{"registries.firm"}},
		"the same twice": {func(m *access.Model) { m.Registries["firm"] = m.Registries["team"] },
			[]string{"registries.team"}},
		"called as the images": {func(m *access.Model) { m.Registries["containerRegistry"] = registryID(subscription, "x") },
			[]string{"registries.containerRegistry"}},
		"unknown permissions": {func(m *access.Model) { m.Services.RegistryPermissions = "admin" },
			[]string{"workspace.registryPermissions"}},
		"rbac without a registry": {func(m *access.Model) { m.Services.RegistryPermissions = services.ByPullRole },
			[]string{"workspace.containerRegistry"}},
		"a registry without permissions": {func(m *access.Model) { m.Services.ContainerRegistry = acr },
			[]string{"workspace.registryPermissions"}},
		"an ML registry for images": {func(m *access.Model) {
			m.Services.RegistryPermissions, m.Services.ContainerRegistry = services.ByABAC, m.Registries["team"].Text()
		}, []string{"workspace.containerRegistry"}},
		"who pulls, where nobody needs a role": {func(m *access.Model) {
			m.Services.RegistryPermissions = services.ByAdminUser
			m.Services.ImagePull = map[string]services.ImagePull{"cpu": services.Assign}
		}, []string{"workspace.imagePull.cpu"}},
		"who pulls, of no cluster, in no known way": {func(m *access.Model) {
			m.Services.RegistryPermissions, m.Services.ContainerRegistry = services.ByABAC, acr
			m.Services.ImagePull = map[string]services.ImagePull{"cup": "yes"}
		}, []string{"workspace.imagePull.cup", "workspace.imagePull.cup"}},
		"shared, and of storage too": {func(m *access.Model) {
			m.SharedGrants = map[string]access.SharedGrant{"one": {By: "a/b", Principal: "alice", Registry: "firm",
				StorageAccount: "lake"}}
		}, []string{"sharedGrants.one.registry"}},
		"a cluster without an identity pulls": {func(m *access.Model) {
			m.Services.RegistryPermissions, m.Services.ContainerRegistry = services.ByABAC, acr
			m.Clusters["cpu"] = access.Cluster{Identity: access.NoIdentity}
			m.DataInputs, m.Endpoints = nil, map[string]access.Endpoint{"tagger": {Cluster: "cpu"}}
		}, []string{"clusters.cpu.identity"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := withRegistries()
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
