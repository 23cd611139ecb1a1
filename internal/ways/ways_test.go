package ways_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/internal/ways"
	"github.com/batchaccess/batchaccess/roles"
)

const (
	subscription = "/subscriptions/11111111-1111-4111-8111-111111111111"
	mlGroup      = subscription + "/resourceGroups/ml"
	workspace    = mlGroup + "/providers/Microsoft.MachineLearningServices/workspaces/w"
	lake         = subscription + "/resourceGroups/data/providers/Microsoft.Storage/storageAccounts/lake"
	identity     = mlGroup + "/providers/Microsoft.ManagedIdentity/userAssignedIdentities/deep"
)

// estate is a workspace with a cluster that reads sales, and bob, who has no roles.
func estate() *ways.Estate {
	reader, _ := roles.BuiltIn(roles.StorageBlobDataReader)
	return &ways.Estate{
		Tenant: "77777777-7777-4777-8777-777777777777",
		Principals: []ways.Principal{{ID: "cpu", Names: []string{"cluster:cpu"}}, {ID: "bob", Names: []string{"bob"}},
			{ID: "deep", Names: []string{"deep"}}, {ID: "robot", Names: []string{"robot"}}},
		Identities: []ways.Identity{{Name: "deep", ID: identity, Principal: "deep"}},
		Workspaces: []ways.Workspace{{ID: workspace, Own: true, Clusters: []ways.Cluster{{Name: "cpu", Principal: "cpu"}},
			Endpoints: []ways.Endpoint{{Name: "score", Clusters: []string{"cpu"}}},
			Stores:    []ways.Store{{Name: "archive", Kind: ways.AccountKey, Account: lake, Container: "archive"}}}},
		Accounts: []ways.Account{{Name: "lake", ID: lake}},
		Data: []ways.Datum{{Name: "sales", Account: lake, Container: "sales", Kind: roles.Hierarchical},
			{Name: "archive", Account: lake, Container: "archive", Store: "archive", Kind: roles.Hierarchical}},
		Assignments: []ways.Assignment{{Principal: "cpu", Role: reader.RoleName, Permissions: reader.Permissions,
			Scope: lake + "/blobServices/default/containers/sales"}},
	}
}

func gives(e *ways.Estate, who, scope string, actions ...string) {
	e.Assignments = append(e.Assignments, ways.Assignment{Principal: who, Role: "of " + who, Scope: scope,
		Permissions: roles.Permissions{{Actions: actions}}})
}

const (
	deploy  = "Microsoft.MachineLearningServices/workspaces/batchEndpoints/deployments/write"
	secrets = "Microsoft.MachineLearningServices/workspaces/datastores/listsecrets/action"
	grant   = "Microsoft.Authorization/roleAssignments/write"
	keys    = "Microsoft.Storage/storageAccounts/listkeys/action"
)

func TestWays(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change      func(*ways.Estate)
		open, maybe []string // ends that bob certainly reaches, and ends that he may reach
	}{
		"nothing":      {func(*ways.Estate) {}, nil, nil},
		"a deployment": {func(e *ways.Estate) { gives(e, "bob", workspace, deploy) }, []string{"sales", "cluster:cpu"}, nil},
		"letter case": {func(e *ways.Estate) { gives(e, "BOB", strings.ToUpper(workspace), strings.ToLower(deploy)) },
			[]string{"sales", "cluster:cpu"}, nil},
		"at an endpoint": {func(e *ways.Estate) { gives(e, "bob", workspace+"/batchEndpoints/score", deploy) },
			[]string{"sales", "cluster:cpu"}, nil},
		"at an endpoint that runs elsewhere": {func(e *ways.Estate) {
			e.Workspaces[0].Endpoints[0].Clusters = nil
			gives(e, "bob", workspace+"/batchEndpoints/score", deploy)
		}, nil, []string{"sales", "cluster:cpu"}},
		"of another workspace": {func(e *ways.Estate) { gives(e, "bob", workspace+"2", deploy) }, nil, nil},
		"a store's key opens the account": {func(e *ways.Estate) { gives(e, "bob", workspace, secrets) },
			[]string{"the credential of data store archive", "the keys of storage account lake", "sales", "archive"}, nil},
		"a store of which the credential is not known": {func(e *ways.Estate) {
			e.Workspaces[0].Stores[0].Kind = ""
			gives(e, "bob", workspace, secrets)
		}, nil, []string{"the credential of data store archive", "the keys of storage account lake", "sales", "archive"}},
		"a SAS opens its container": {func(e *ways.Estate) {
			e.Workspaces[0].Stores[0].Kind = ways.SAS
			gives(e, "bob", workspace, secrets)
		}, []string{"the credential of data store archive", "archive"}, nil},
		"a credential of another kind": {func(e *ways.Estate) {
			e.Workspaces[0].Stores[0].Kind = "Certificate"
			gives(e, "bob", workspace, secrets)
		}, []string{"the credential of data store archive"}, []string{"the keys of storage account " +
			"lake", "archive", "sales"}},
		"a client secret of nobody known": {func(e *ways.Estate) {
			e.Workspaces[0].Stores[0].Kind = ways.ServicePrincipal
			gives(e, "bob", workspace, secrets)
		}, []string{"the credential of data store archive", "archive"}, []string{"the principal of data store archive"}},
		"keys that are off": {func(e *ways.Estate) {
			e.Accounts[0].KeysOff = true
			gives(e, "bob", lake, keys)
		}, nil, nil},
		"a condition on the control plane of storage reaches nothing": {func(e *ways.Estate) {
			gives(e, "bob", lake, keys)
			e.Assignments[1].Condition = "@Resource[x] StringEquals 'y'"
		}, []string{"the keys of storage account lake", "sales", "archive"}, nil},
		"a condition that can't be read": {func(e *ways.Estate) {
			gives(e, "bob", workspace, deploy)
			e.Assignments[1].Condition = "((("
		}, nil, []string{"sales", "cluster:cpu"}},
		"an unknown role": {func(e *ways.Estate) {
			gives(e, "bob", workspace)
			e.Assignments[1].Permissions, e.Assignments[1].Unread = nil, "it may not be read"
		}, nil, []string{"sales", "cluster:cpu", "archive", "role assignments at workspace w", "secrets"}},
		"groups in a cycle": {func(e *ways.Estate) {
			e.Groups = []ways.Group{{ID: "a", Name: "a", Members: []string{"b", "bob"}, Owners: []string{"b"}},
				{ID: "b", Name: "b", Members: []string{"a"}, Owners: []string{"a"}}}
			gives(e, "b", workspace, deploy)
		}, []string{"sales", "cluster:cpu"}, nil},
		"a group that owns itself": {func(e *ways.Estate) {
			e.Groups = []ways.Group{{ID: "a", Name: "a", Owners: []string{"a"}}}
			gives(e, "a", workspace, deploy)
		}, nil, nil},
		"an owner joins": {func(e *ways.Estate) {
			e.Groups = []ways.Group{{ID: "a", Name: "a", Owners: []string{"bob"}}}
			gives(e, "a", workspace, deploy)
		}, []string{"sales", "cluster:cpu"}, nil},
		"a member of an owner": {func(e *ways.Estate) {
			e.Groups = []ways.Group{{ID: "a", Name: "a", Owners: []string{"b"}}, {ID: "b", Name: "b", Members: []string{"bob"}}}
			gives(e, "a", workspace, deploy)
		}, nil, []string{"sales", "cluster:cpu"}},
		"clusters in a cycle": {func(e *ways.Estate) {
			e.Principals = append(e.Principals, ways.Principal{ID: "gpu", Names: []string{"cluster:gpu"}})
			e.Workspaces = append(e.Workspaces, ways.Workspace{ID: workspace + "2",
				Clusters: []ways.Cluster{{Name: "gpu", Principal: "gpu"}}})
			gives(e, "bob", workspace, deploy)
			gives(e, "cpu", workspace+"2", deploy)
			gives(e, "gpu", workspace, deploy)
		}, []string{"sales", "cluster:cpu", "cluster:gpu"}, nil},
		"who grants has all of it": {func(e *ways.Estate) { gives(e, "bob", subscription, grant) },
			[]string{"sales", "archive",
				"cluster:cpu", "deep", "role assignments at subscription 11111111-1111-4111-8111-111111111111", "the credential " +
					"of data store archive",
				"the keys of the workspace's storage account", "secrets", "the keys of storage account lake",
				"what data stores and assets stand for"}, nil},
		"granting is under a condition": {func(e *ways.Estate) {
			gives(e, "bob", mlGroup, grant)
			e.Assignments[1].Condition = "@Request[Microsoft.Authorization/roleAssignments:PrincipalType] StringEquals 'User'"
		}, nil, []string{"sales", "cluster:cpu", "role assignments at resource group ml"}},
		"denied": {func(e *ways.Estate) {
			gives(e, "bob", workspace, deploy, secrets)
			e.Denials = []ways.Denial{{Name: "no", Scope: mlGroup, Principals: []string{ways.Everyone},
				Permissions: roles.Permissions{{Actions: []string{"*/write"}}}}}
		}, []string{"the credential of data store archive", "the keys of storage account lake", "sales", "archive"}, nil},
		"denied there alone": {func(e *ways.Estate) {
			gives(e, "bob", workspace, deploy)
			e.Denials = []ways.Denial{{Name: "no", Scope: mlGroup, OnlyHere: true, Principals: []string{"bob"},
				Permissions: roles.Permissions{{Actions: []string{"*"}}}}}
		}, []string{"sales", "cluster:cpu"}, nil},
		"a denial under a condition": {func(e *ways.Estate) {
			gives(e, "bob", workspace, deploy)
			e.Denials = []ways.Denial{{Name: "no", Scope: workspace, Principals: []string{"bob"}, Condition: "x",
				Permissions: roles.Permissions{{Actions: []string{"*"}}}}}
		}, nil, []string{"sales", "cluster:cpu"}},
		"a federated credential on the identity": {func(e *ways.Estate) {
			gives(e, "bob", identity, "Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials/write")
		}, []string{"deep"}, nil},
		"an identity is the subject of an application": {func(e *ways.Estate) {
			e.Principals[2].ID = "bob"
			e.Applications = []ways.Application{{Name: "app", Principal: "robot", Federated: []ways.Federated{
				{Issuer: "https://login.microsoftonline.com/" + e.Tenant + "/v2.0", Subject: "bob"}}}}
		}, []string{"robot"}, nil},
		"of another tenant": {func(e *ways.Estate) {
			e.Applications = []ways.Application{{Name: "app", Principal: "robot", Federated: []ways.Federated{
				{Issuer: "https://login.microsoftonline.com/other/v2.0", Subject: "bob"}}}}
		}, nil, nil},
		"of an unknown tenant": {func(e *ways.Estate) {
			e.Tenant = ""
			e.Applications = []ways.Application{{Name: "app", Principal: "robot", Federated: []ways.Federated{
				{Issuer: "https://login.microsoftonline.com/other/v2.0", Subject: "bob"}}}}
		}, nil, []string{"robot"}},
		"applications that own each other": {func(e *ways.Estate) {
			e.Applications = []ways.Application{{Name: "a", Principal: "robot", Owners: []string{"bob", "deep"}},
				{Name: "d", Principal: "deep", Owners: []string{"robot"}}}
		}, []string{"robot", "deep"}, nil},
		"a management group of an unknown hierarchy": {func(e *ways.Estate) {
			gives(e, "bob", "/providers/Microsoft.Management/managementGroups/root", deploy)
		}, nil, []string{"sales", "cluster:cpu"}},
		"management groups in a cycle": {func(e *ways.Estate) {
			const groups = "providers/microsoft.management/managementgroups/"
			e.Parents = map[string][]string{strings.TrimPrefix(subscription, "/"): {groups + "a"}, groups + "a": {groups + "b"},
				groups + "b": {groups + "a"}}
			gives(e, "bob", "/providers/Microsoft.Management/managementGroups/c", deploy)
		}, nil, nil},
		"what could not be listed": {func(e *ways.Estate) { e.Principals[1].Unknown = "it may not be read" }, nil,
			[]string{"whatever it holds"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := estate()
			c.change(e)
			reached := map[string]bool{}
			var undecided []string
			for _, w := range e.Ways() {
				to := w.Input + w.Output + w.Ends
				if w.Who[0] != "bob" {
					continue
				}
				_, twice := reached[to]
				assert.False(t, twice, "two ways to %s", to)
				reached[to] = !w.Undecided()
				if w.Undecided() {
					undecided = append(undecided, to)
					assert.Contains(t, w.String(), "; undecided: ", "it is named")
				}
			}
			var open []string
			for to, sure := range reached {
				if sure {
					open = append(open, to)
				}
			}
			assert.ElementsMatch(t, c.open, open, "what is open for sure")
			for _, to := range c.maybe {
				assert.Contains(t, undecided, to)
			}
			if c.open == nil && c.maybe == nil {
				assert.Empty(t, reached)
			}
		})
	}
}

// Lists of groups and applications that can't be read are named.
func TestWhatIsNotListedIsNamed(t *testing.T) {
	t.Parallel()
	e := estate()
	e.Groups = []ways.Group{{ID: "a", Name: "team", Unlisted: "Graph refuses"}}
	e.Applications = []ways.Application{{Name: "app", Principal: "robot", Unlisted: "Graph refuses",
		Secrets: []string{"client secret old"}, Federated: []ways.Federated{{Issuer: "https://ci.example", Subject: "main"}}}}
	var all []string
	for _, w := range e.Ways() {
		all = append(all, w.String())
	}
	text := strings.Join(all, "\n")
	assert.Contains(t, text, "owners of team may reach team, by adding themselves to the group; undecided: Graph refuses")
	assert.Contains(t, text, "owners of robot may reach robot, by adding a credential; undecided: Graph refuses")
	assert.Contains(t, text, "whoever knows the client secret old can reach robot")
	assert.Contains(t, text, "whoever has the subject main of https://ci.example can reach robot")
}

// What a group's condition lets somebody give to one member, no other member can give to themselves.
func TestAConditionIsAskedForEachMember(t *testing.T) {
	t.Parallel()
	const ann, eve = "aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa", "eeeeeeee-eeee-4eee-8eee-eeeeeeeeeeee"
	const team = "dddddddd-dddd-4ddd-8ddd-dddddddddddd"
	e := estate()
	for name, id := range map[string]string{"ann": ann, "eve": eve} {
		e.Principals = append(e.Principals, ways.Principal{ID: id, Names: []string{name}})
	}
	e.Groups = []ways.Group{{ID: team, Name: "team", Members: []string{ann, eve}}}
	gives(e, team, lake, grant)
	e.Assignments[len(e.Assignments)-1].Condition = "((!(ActionMatches{'" + grant + "'})) OR (@Request[" +
		"Microsoft.Authorization/roleAssignments:PrincipalId] ForAnyOfAnyValues:GuidEquals {" + eve + "}))"
	var who []string
	for _, w := range e.Ways() {
		if w.Input == "sales" {
			who = append(who, w.Who[0])
		}
	}
	assert.Equal(t, []string{"eve"}, who)
}

// A condition cuts a way where taking the role away would take other data away too.
func TestAConditionIsACut(t *testing.T) {
	t.Parallel()
	reader, _ := roles.BuiltIn(roles.StorageBlobDataReader)
	for does, change := range map[string]func(*ways.Estate){
		"limit Storage Blob Data Reader on storageAccount lake by a condition that leaves out container sales, " +
			"for team": func(e *ways.Estate) {
			e.Groups = []ways.Group{{ID: "team", Name: "team", Owners: []string{"bob"}}}
			e.Assignments = append(e.Assignments, ways.Assignment{Principal: "team", Role: reader.RoleName,
				Permissions: reader.Permissions, Scope: lake})
		},
		"limit of bob on storageAccount lake by a condition that lets Reader alone be given, for bob": func(e *ways.Estate) {
			gives(e, "bob", lake, grant)
		},
	} {
		e := estate()
		change(e)
		var all []string
		for _, w := range e.Ways() {
			if w.Input == "sales" && w.Who[0] == "bob" {
				for _, c := range e.Cuts(w) {
					all = append(all, c.Does)
				}
			}
		}
		assert.Contains(t, all, does)
	}
	// It cuts nothing where another action of the role leads on.
	e := estate()
	gives(e, "bob", lake, grant, keys)
	for _, w := range e.Ways() {
		for _, c := range e.Cuts(w) {
			assert.False(t, w.Input == "sales" && strings.Contains(c.Does, "condition"), "%s: %s", w, c.Does)
		}
	}
}

// large is an estate of that many principals, in groups of ten, each of which has the article's role.
func large(principals, clusters, stores int) *ways.Estate {
	e := &ways.Estate{Workspaces: []ways.Workspace{{ID: workspace, Own: true}}}
	role, reader := roles.Invoker(), roles.OfStorage(roles.StorageBlobDataReader)
	for i := range clusters {
		id := fmt.Sprintf("cluster-%d", i)
		e.Principals = append(e.Principals, ways.Principal{ID: id, Names: []string{"cluster:" + id}})
		e.Workspaces[0].Clusters = append(e.Workspaces[0].Clusters, ways.Cluster{Name: id, Principal: id})
	}
	for i := range stores {
		account := fmt.Sprintf("%s%d", lake, i)
		name := fmt.Sprintf("input-%d", i)
		e.Accounts = append(e.Accounts, ways.Account{Name: name, ID: account})
		e.Workspaces[0].Stores = append(e.Workspaces[0].Stores, ways.Store{Name: name, Kind: ways.AccountKey,
			Account: account, Container: "data"})
		e.Data = append(e.Data, ways.Datum{Name: name, Account: account, Container: "data", Store: name})
		e.Assignments = append(e.Assignments, ways.Assignment{Principal: fmt.Sprintf("cluster-%d", i%clusters),
			Role: reader.RoleName, Permissions: reader.Permissions, Scope: account})
	}
	for i := range principals {
		id := fmt.Sprintf("user-%d", i)
		e.Principals = append(e.Principals, ways.Principal{ID: id, Names: []string{id}})
		if i%10 == 0 {
			group := fmt.Sprintf("group-%d", i)
			e.Groups = append(e.Groups, ways.Group{ID: group, Name: group})
			e.Assignments = append(e.Assignments, ways.Assignment{Principal: group, Role: role.RoleName,
				Permissions: role.Permissions, Scope: workspace})
		}
		g := &e.Groups[len(e.Groups)-1]
		g.Members = append(g.Members, id)
	}
	return e
}

func TestALargeEstate(t *testing.T) {
	t.Parallel()
	e := large(20, 5, 10)
	found := map[string]int{}
	for _, w := range e.Ways() {
		found[w.Who[0]]++
	}
	require.Len(t, found, 20, "the clusters lead nowhere")
	// For each: the stores' credentials and keys, their data, the clusters, and three ends in the workspace.
	assert.Equal(t, 10+10+10+5+3, found["user-0"])
}

// BenchmarkWays is 500 principals, 50 clusters, and 200 stores in as many accounts. The role is held by groups of ten,
// or by each principal.
func BenchmarkWays(b *testing.B) {
	for name, e := range map[string]*ways.Estate{"groups": large(500, 50, 200), "each": each(large(500, 50, 200))} {
		b.Run(name, func(b *testing.B) {
			var all []access.Way
			for b.Loop() {
				all = e.Ways()
			}
			b.ReportMetric(float64(len(all)), "ways")
		})
	}
}

// each gives the members of groups what the groups hold, and empties the groups.
func each(e *ways.Estate) *ways.Estate {
	members := map[string][]string{}
	for i, g := range e.Groups {
		members[g.ID], e.Groups[i].Members = g.Members, nil
	}
	for _, a := range e.Assignments {
		for _, id := range members[a.Principal] {
			a.Principal = id
			e.Assignments = append(e.Assignments, a)
		}
	}
	return e
}
