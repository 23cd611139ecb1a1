package verify_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/access/services"
	"github.com/batchaccess/batchaccess/internal/plans"
	"github.com/batchaccess/batchaccess/internal/verify"
	"github.com/batchaccess/batchaccess/roles"
)

const own = subscription + "/resourceGroups/own/providers/Microsoft.Storage/storageAccounts/mlown"

var keyless = services.WorkspaceServices{SystemDatastoresAuthMode: services.ByIdentity, StorageAccount: "own"}

// serviced is the model with these services, in a workspace with its own account.
func serviced(s services.WorkspaceServices) access.Model {
	m := model()
	m.StorageAccounts["own"] = access.Known(own)
	m.Services = s
	if s.LookUp { // the other hops are known
		m.Services.RegistryPermissions = services.ByAdminUser
		for name, e := range m.Endpoints {
			e.Registries = []string{}
			m.Endpoints[name] = e
		}
	}
	return m
}

func TestEachRoleOnTheWorkspacesOwnAccountIsVerified(t *testing.T) {
	t.Parallel()
	w := newWorld(t, serviced(keyless))
	grants, ids := plans.Of(w.m).Grants, map[int]string{}
	for i, g := range grants {
		ids[i] = w.grant(g)
	}
	r := w.report()
	assert.False(t, r.Failed(true), "all is held, in a resource group of its own, and nothing is beyond need: %v",
		r.Excess)
	assert.Len(t, r.NotLookedAt, 2, "the registry and the image")
	for i, g := range grants {
		if g.Scope.StorageAccount != "own" {
			continue
		}
		w.revoke(ids[i])
		r := w.report()
		require.Len(t, r.Lacking, 1, g)
		assert.Equal(t, g, r.Lacking[0].Grant)
		for _, p := range r.Paths {
			uses := p.Declared && (g.Principal.IsCluster() || g.Principal.Name == p.Invoker)
			if uses {
				assert.Equal(t, verify.Missing, p.Status)
				assert.Contains(t, p.Why, "stores: "+g.Principal.String()+" lacks "+g.Role+" on own")
			} else if p.Declared {
				assert.Equal(t, verify.Works, p.Status, p.Why)
			}
		}
		ids[i] = w.grant(g)
	}
}

func TestARoleFromAboveOpensTheWorkspacesOwnStores(t *testing.T) {
	t.Parallel()
	w := newWorld(t, serviced(keyless))
	for _, g := range plans.Of(w.m).Grants {
		if !g.OfService() {
			w.grant(g)
		}
	}
	require.Equal(t, verify.Missing, path(t, w.report(), "ann", "heart").Status)
	for _, role := range roles.OfStores() {
		w.assign(company, "Group", role, subscription)                                         // ann is a member
		w.assign(w.id(access.ClusterPrincipal("cpu")), "ServicePrincipal", role, subscription) // the cluster too
	}
	p := path(t, w.report(), "ann", "heart")
	assert.Equal(t, verify.Works, p.Status, p.Why)
	at := slices.IndexFunc(p.Hops, func(h access.Hop) bool { return h.Kind == access.StoresHop })
	assert.Contains(t, p.Hops[at].GivenBy, "through group Company")
}

func TestWhatTheWorkspaceSaysOfItsOwnStoresIsComparedWithTheStack(t *testing.T) {
	t.Parallel()
	says := func(mode, account string) func(*http.Request) (int, any) {
		return always(map[string]any{"properties": map[string]any{"systemDatastoresAuthMode": mode,
			"storageAccount": account}})
	}
	for name, c := range map[string]struct {
		given  services.WorkspaceServices
		answer func(*http.Request) (int, any)
		status verify.Status
		why    string
		note   string
		lacks  bool // roles that the answer makes necessary are not granted
	}{
		"as it is": {keyless, says("Identity", strings.ToUpper(own)), verify.Works, "", "", false},
		"by key now": {keyless, says("accessKey", own), verify.Works, "", "a key opens the workspace's own stores now",
			false},
		"by identities now": {services.WorkspaceServices{SystemDatastoresAuthMode: services.ByAccessKey},
			says("identity", own),
			verify.Missing, "identities open the workspace's own stores now", "", false},
		"another account now": {keyless, says("identity", lake), verify.Missing,
			"the workspace's own account is lake, and the stack grants on own", "", false},
		"an account that nobody declares": {keyless, says("identity", own+"2"), verify.Undecided,
			"their account is none of storageAccounts", "", false},
		"a mode that nobody knows": {keyless, says("userDelegationSAS", own), verify.Undecided,
			`opened by "userDelegationSAS"`, "", false},
		"no permission": {keyless, refused, verify.Undecided, "Microsoft.MachineLearningServices/workspaces/read", "",
			false},
		"left to it, by key": {services.WorkspaceServices{LookUp: true}, says("accesskey", own), verify.Works, "", "", false},
		"left to it, by identities": {services.WorkspaceServices{LookUp: true}, says("identity", own), verify.Missing,
			"stores: invoker ann lacks Storage File Data Privileged Contributor on own", "", true},
		"left to it, no permission": {services.WorkspaceServices{LookUp: true}, refused, verify.Undecided, "workspaces/read",
			"", false},
		"not looked at": {services.WorkspaceServices{}, unchanged, verify.Works, "", "", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, serviced(c.given))
			w.grantAll()
			if c.lacks { // except files
				w.assign(ann, "User", roles.StorageBlobDataContributor, own)
				for _, role := range append(roles.OfStores(), roles.StorageBlobDataContributor) {
					w.assign(w.id(access.ClusterPrincipal("cpu")), "ServicePrincipal", role, own)
				}
			}
			r := w.judged(answering{w.azure.Client(), "/workspaces/ws", c.answer}, 0)
			p := path(t, r, "ann", "heart")
			assert.Equal(t, c.status, p.Status, p.Why)
			assert.Contains(t, p.Why, c.why)
			assert.Contains(t, strings.Join(r.Notes, "\n"), c.note)
			assert.Equal(t, name == "not looked at", strings.Contains(strings.Join(r.NotLookedAt, ""), "stores ("))
			assert.Equal(t, c.status != verify.Works, r.Failed(false))
		})
	}
}

// The deployment says whether its jobs are parallel runs, which need tables and queues.
func TestWhatADeploymentRunsIsComparedWithTheStack(t *testing.T) {
	t.Parallel()
	runs := func(kind string) func(*http.Request) (int, any) {
		return always(map[string]any{"properties": map[string]any{"deploymentConfiguration": map[string]any{
			"deploymentConfigurationType": kind}}})
	}
	model := always(map[string]any{"properties": map[string]any{}})
	w := newWorld(t, serviced(keyless))
	w.grantAll()
	open := services.WorkspaceServices{LookUp: true}
	for name, c := range map[string]struct {
		given     services.WorkspaceServices
		parallel  *bool
		answer    func(*http.Request) (int, any)
		status    verify.Status
		why, note string
	}{
		"a model":                      {keyless, nil, model, verify.Works, "", ""},
		"a model, said to be none":     {keyless, no(), model, verify.Missing, "heart is the deployment of a model", ""},
		"another kind, said to be one": {keyless, no(), runs("Model"), verify.Missing, "is the deployment of a model", ""},
		"a pipeline":                   {keyless, no(), runs("PipelineComponent"), verify.Works, "", ""},
		"a pipeline, in other letters": {keyless, no(), runs("pipelinecomponent"), verify.Works, "", ""},
		"a pipeline, of which nothing is said": {keyless, nil, runs("PipelineComponent"), verify.Works, "",
			"then write parallelRuns: false"},
		"looked up": {open, no(), model, verify.Missing, "is the deployment of a model", ""},
		"by key": {services.WorkspaceServices{SystemDatastoresAuthMode: services.ByAccessKey}, no(), model, verify.Missing,
			"parallel runs", ""},
		"not looked at": {services.WorkspaceServices{}, no(), model, verify.Works, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := serviced(c.given)
			heart := m.Endpoints["heart"]
			heart.ParallelRuns = c.parallel
			m.Endpoints["heart"] = heart
			w := w.with(t, m)
			r := w.judged(answering{w.azure.Client(), "/heart/deployments/default", c.answer}, 0)
			p := path(t, r, "ann", "heart")
			assert.Equal(t, c.status, p.Status, p.Why)
			assert.Contains(t, p.Why, c.why)
			assert.Contains(t, strings.Join(r.Notes, "\n"), c.note)
			assert.Equal(t, c.note != "", strings.Contains(strings.Join(r.Notes, "\n"), "parallelRuns"))
		})
	}
}

func TestRolesAtRegistriesAreVerified(t *testing.T) {
	t.Parallel()
	const acr = subscription + "/resourceGroups/images/providers/Microsoft.ContainerRegistry/registries/pictures"
	const firm = "/subscriptions/22222222-2222-4222-8222-222222222222/resourceGroups/shared/providers/" +
		"Microsoft.MachineLearningServices/registries/firm"
	m := serviced(services.WorkspaceServices{RegistryPermissions: services.ByABAC, ContainerRegistry: acr})
	m.Registries = map[string]access.ID{"firm": access.Known(firm)}
	heart := m.Endpoints["heart"]
	heart.Registries = []string{"firm"}
	m.Endpoints["heart"] = heart
	w := newWorld(t, m)
	ids := map[string]string{}
	for _, g := range plans.Of(w.m).Grants {
		id := w.grant(g)
		if g.Scope.Registry != "" {
			ids[g.Role] = id
		}
	}
	r := w.report()
	assert.False(t, r.Failed(true), "%v %v", r.Excess, r.Lacking)
	w.revoke(ids[roles.AzureMLRegistryUser])
	r = w.report()
	assert.Contains(t, path(t, r, "ann", "heart").Why, "registry: invoker ann lacks AzureML Registry User on registry "+
		"firm")
	assert.Equal(t, verify.Works, path(t, r, "robot", "tagger").Status)
	w.assign(ann, "User", roles.AzureMLRegistryUser, strings.Split(firm, "/providers")[0])
	assert.Equal(t, verify.Works, path(t, w.report(), "ann", "heart").Status, "from above, too")
	w.revoke(ids[roles.RepositoryReader])
	w.assign(w.id(access.ClusterPrincipal("cpu")), "ServicePrincipal", roles.AcrPull, acr)
	assert.Contains(t, path(t, w.report(), "robot", "tagger").Why,
		"image: cluster cpu lacks Container Registry Repository Reader on container registry pictures", "AcrPull is not "+
			"honoured")
}

// That others assign the role to an identity is not taken on trust.
func TestAnImagePullThatOthersAssignIsVerified(t *testing.T) {
	t.Parallel()
	const acr = subscription + "/resourceGroups/images/providers/Microsoft.ContainerRegistry/registries/pictures"
	for name, pull := range map[string]map[string]services.ImagePull{
		"said to be there": {"cpu": services.Assigned}, "not known": nil,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := serviced(services.WorkspaceServices{RegistryPermissions: services.ByPullRole, ContainerRegistry: acr,
				ImagePull: pull})
			w := newWorld(t, m)
			w.grantAll()
			id := w.clusterID()
			if pull == nil { // otherwise it is seeded
				w.assign(id, "ServicePrincipal", roles.AcrPull, acr)
			}
			r := w.report()
			assert.Equal(t, verify.Works, path(t, r, "ann", "heart").Status)
			assert.Empty(t, r.Excess, "what others assign for jobs is no more than they need")
			list, err := w.clients.NewRoleAssignmentsClient().NewListForScopePager(acr, nil).NextPage(t.Context())
			require.NoError(t, err)
			for _, a := range list.Value {
				if *a.Properties.PrincipalID == id && strings.EqualFold(*a.Properties.Scope, acr) {
					w.revoke(*a.ID)
				}
			}
			assert.Contains(t, path(t, w.report(), "ann", "heart").Why, "image: cluster cpu lacks AcrPull")
		})
	}
}
