package access_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/batchaccess/batchaccess/access"
)

func TestWays(t *testing.T) {
	t.Parallel()
	blob := func(account string) access.DataInput {
		return access.DataInput{Kind: access.Blob, StorageAccount: account, Container: "ccc"}
	}
	stored := access.DataInput{Kind: access.DataStore, DataStore: "s", Path: "p", StorageAccount: "lake",
		CredentialInStore: boolPtr(true)}
	user := access.Invoker{Kind: access.User}
	partner := func() access.Model {
		return access.Model{
			Invokers:   map[string]access.Invoker{"ann": user, "partner": user},
			Clusters:   map[string]access.Cluster{"cpu": {}},
			DataInputs: map[string]access.DataInput{"sales": blob("lake"), "open": blob("pub")},
			Endpoints: map[string]access.Endpoint{
				"score":  {Cluster: "cpu", Inputs: []string{"sales"}, Invokers: []string{"ann"}},
				"public": {Cluster: "cpu", Inputs: []string{"open"}, Invokers: []string{"ann", "partner"}},
			},
		}
	}
	atGroup := func(action string) func(*access.Model) {
		return func(m *access.Model) {
			m.StorageAccounts = map[string]access.ID{"lake": access.Known("/subscriptions/" + subscription +
				"/resourceGroups/ml/providers/Microsoft.Storage/storageAccounts/lake")}
			m.Role = access.Role{Scope: access.AtResourceGroup,
				Definition: `{"roleName": "more", "permissions": [{"actions": ["` +
					action + `"]}], "assignableScopes": ["/subscriptions/` + subscription + `/resourceGroups/ml"]}`}
		}
	}
	// robot reads sales by its own grants, and partner writes federated credentials in the workspace's resource group.
	const federating = "Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials/write"
	robot := func(i access.Invoker) func(*access.Model) {
		return func(m *access.Model) {
			atGroup(federating)(m)
			i.Kind = access.ManagedIdentity
			m.Invokers["robot"] = i
			m.Endpoints["score"] = access.Endpoint{Cluster: "cpu", Inputs: []string{"sales"},
				Invokers: []string{"ann", "robot"}}
		}
	}
	identityIn := func(group string) access.Invoker {
		return access.Invoker{ResourceID: "/subscriptions/" + subscription + "/resourceGroups/" + group +
			"/providers/Microsoft.ManagedIdentity/userAssignedIdentities/robot"}
	}
	const asRobot = "partner can read sales as invoker robot, by " + federating +
		" of Batch Endpoint Invoker on resourceGroup"
	const asCluster = "partner can read sales as cluster cpu, by "
	const write = "batchEndpoints/deployments/write of Batch Endpoint Invoker on "
	for name, test := range map[string]struct {
		change func(*access.Model)
		want   []string
	}{
		"as the cluster": {nil, []string{asCluster + "changing the deployment of public (" + write + "workspace)"}},
		"the invoker has a grant of its own": {func(m *access.Model) {
			m.Endpoints["score"] = access.Endpoint{Cluster: "cpu", Inputs: []string{"sales"}}
		}, nil},
		"the key of an account is that of all in it, or a SAS": {func(m *access.Model) {
			m.DataInputs["stored"] = stored
			m.Endpoints["score"] = access.Endpoint{Cluster: "cpu", Inputs: []string{"stored"}, Invokers: []string{"ann"}}
		}, []string{"ann, partner may read and write sales as the key of lake, by datastores/listsecrets/action of Batch " +
			"Endpoint Invoker on workspace, then the store's credential; undecided: a key opens all of lake, a SAS what it " +
			"says; which of them the store holds is not known here"}},
		"every cluster of the workspace": {func(m *access.Model) {
			m.Clusters["gpu"] = access.Cluster{}
			m.Endpoints["score"] = access.Endpoint{Cluster: "gpu", Inputs: []string{"sales"}, Invokers: []string{"ann"}}
		}, []string{"partner can read sales as cluster gpu, by changing the deployment of score (" + write +
			"workspace)"}},
		"a role that changes no code": {atGroup("Microsoft.MachineLearningServices/workspaces/batchEndpoints/jobs/write"),
			nil},
		"a wildcard": {atGroup("Microsoft.MachineLearningServices/workspaces/*"),
			[]string{asCluster + "changing the deployment of public (" + write + "resourceGroup)"}},
		"keys of accounts in the role's scope": {atGroup("Microsoft.Storage/storageAccounts/listKeys/action"), []string{
			"partner can read and write sales as the key of lake, by Microsoft.Storage/storageAccounts/listkeys/action of " +
				"Batch Endpoint Invoker on resourceGroup"}},
		"by an ACL, which somebody else has to set": {func(m *access.Model) {
			m.DataInputs["sales"] = access.DataInput{Kind: access.ADLSGen2, StorageAccount: "lake", Container: "ccc",
				GrantedBy: access.ByACL}
		}, []string{"partner may read sales as cluster cpu, by changing the deployment of public (" + write +
			"workspace); undecided: whether the ACL is set, which no stack can do"}},
		"a deployment that has a name": {func(m *access.Model) {
			m.Endpoints["public"] = access.Endpoint{Inputs: []string{"open"}, Invokers: []string{"ann", "partner"},
				Deployments: map[string]access.Deployment{"blue": {Cluster: "cpu"}}}
		}, []string{asCluster + "changing the deployment public/blue (" + write + "workspace)"}},
		"two clusters with one identity open nothing to each other": {func(m *access.Model) {
			one := access.Cluster{Identity: access.UserAssigned, UserAssignedIdentityID: access.Known("/subscriptions/" +
				subscription + "/resourceGroups/ml/providers/Microsoft.ManagedIdentity/userAssignedIdentities/id")}
			m.Clusters = map[string]access.Cluster{"cpu": one, "gpu": one}
			m.Endpoints["public"] = access.Endpoint{Cluster: "gpu", Inputs: []string{"open"}}
		}, []string{asCluster + "changing the deployment of public (" + write + "workspace)"}},
		"a store without an account opens only itself": {func(m *access.Model) {
			m.DataInputs["stored"] = access.DataInput{Kind: access.DataStore, DataStore: "s", Path: "p",
				CredentialInStore: boolPtr(true)}
			m.Role.Definition = `{"roleName": "r", "permissions": [{"actions": ["Microsoft.MachineLearningServices/` +
				`workspaces/datastores/listsecrets/action"]}], "assignableScopes": ["` + workspaceID.Text() + `"]}`
		}, []string{"ann, partner can read stored as the credential of its data store, by datastores/listsecrets/action " +
			"of Batch Endpoint Invoker on workspace"}},
		"jobs/write alone": {atGroup("Microsoft.MachineLearningServices/workspaces/jobs/write"), []string{
			"partner may read sales as cluster cpu, by jobs/write of Batch Endpoint Invoker on resourceGroup; undecided: " +
				"no document says what Microsoft.MachineLearningServices/workspaces/jobs/write is enough for"}},
		"computes/write alone": {atGroup("Microsoft.MachineLearningServices/workspaces/computes/write"), nil},
		"assign/action alone":  {atGroup("Microsoft.ManagedIdentity/userAssignedIdentities/assign/action"), nil},
		"who writes roles": {atGroup("Microsoft.Authorization/roleAssignments/write"), []string{
			asCluster + "Microsoft.Authorization/roleAssignments/write of Batch Endpoint Invoker on resourceGroup",
			"partner can read and write sales as the key of lake, by Microsoft.Authorization/roleAssignments/write of " +
				"Batch Endpoint Invoker on resourceGroup"}},
		"another federated credential for an identity of the stack": {robot(access.Invoker{}), []string{asRobot}},
		"one that exists in the role's scope":                       {robot(identityIn("ML")), []string{asRobot}},
		"one of another resource group":                             {robot(identityIn("other")), nil},
		"one of which it is not known where it lies": {robot(access.Invoker{PrincipalID: objectID(7)}), []string{
			strings.Replace(asRobot, "can", "may", 1) + "; undecided: where the identity lies is not known here"}},
		"a system-assigned one takes none": {robot(access.Invoker{ResourceID: "/subscriptions/" + subscription +
			"/resourceGroups/ml/providers/Microsoft.DataFactory/factories/robot"}), nil},
		"no identity lies below a workspace": {func(m *access.Model) {
			robot(access.Invoker{})(m)
			m.Role.Scope = access.AtWorkspace
		}, nil},
		"an inferred action": {atGroup("Microsoft.MachineLearningServices/workspaces/endpoints/pipelines/write"), []string{
			"partner may read sales as cluster cpu, by endpoints/pipelines/write of Batch Endpoint Invoker on resourceGroup; " +
				"undecided: no document says what Microsoft.MachineLearningServices/workspaces/endpoints/pipelines/write is " +
				"enough for"}},
		"a role that nobody told": {func(m *access.Model) {
			m.Role = access.Role{RoleDefinitionID: access.Known("/subscriptions/" + subscription +
				"/providers/Microsoft.Authorization/roleDefinitions/5ff11111-1111-4111-8111-111111111111")}
		}, []string{"partner may read sales as cluster cpu, by listStorageAccountKeys/action of existing role on " +
			"workspace; undecided: what the existing role allows, which is not known here: give role.definition beside " +
			"role.roleDefinitionId"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := partner()
			if test.change != nil {
				test.change(&m)
			}
			var got []string
			for _, w := range compile(m).Ways() {
				if w.Input != "" {
					got = append(got, w.String())
				}
			}
			assert.Equal(t, test.want, got)
		})
	}
}

// A principal may read data indirectly, as somebody else. An assertion excludes that only if it says so.
func TestAnAssertionByNoWay(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		assertion access.Assertion
		role      string // its actions, in place of the 35
		violated  string
	}{
		"directly, by default": {access.Assertion{Cannot: []string{"partner"}, Read: "sales"}, "", ""},
		"directly":             {access.Assertion{Cannot: []string{"partner"}, Read: "sales", How: "directly"}, "", ""},
		"by no way": {access.Assertion{Cannot: []string{"partner"}, Read: "sales", How: "byNoWay"}, "",
			"invoker partner: can read sales as cluster cpu"},
		"only, by no way": {access.Assertion{Only: []string{"ann", "cluster:cpu"}, Read: "sales", How: "byNoWay"}, "",
			"invoker partner: can read sales as cluster cpu"},
		"an undecided way": {access.Assertion{Cannot: []string{"partner"}, Read: "sales", How: "byNoWay"},
			"endpoints/pipelines/write", "may read sales"},
		"a role that leads nowhere": {access.Assertion{Cannot: []string{"partner"}, Read: "sales", How: "byNoWay"},
			"batchEndpoints/jobs/write", ""},
		"the code of a cluster": {access.Assertion{Cannot: []string{"cluster:gpu"}, Read: "sales", How: "byNoWay"}, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := access.Model{
				WorkspaceID: workspaceID,
				Invokers: map[string]access.Invoker{"ann": {Kind: access.User, PrincipalID: objectID(1)},
					"partner": {Kind: access.User, PrincipalID: objectID(2)}},
				Clusters:        map[string]access.Cluster{"cpu": {}, "gpu": {}},
				StorageAccounts: map[string]access.ID{"lake": storageID("lake")},
				DataInputs: map[string]access.DataInput{"sales": {Kind: access.Blob, StorageAccount: "lake",
					Container: "ccc"}},
				Endpoints: map[string]access.Endpoint{
					"score": {Cluster: "cpu", Inputs: []string{"sales"}, Invokers: []string{"ann"}},
					"empty": {Cluster: "gpu"}},
				Assertions: map[string]access.Assertion{"it": test.assertion},
			}
			if test.role != "" {
				m.Role.Definition =
					`{"roleName": "r", "permissions": [{"actions": ["Microsoft.MachineLearningServices/workspaces/` +
						test.role + `"]}], "assignableScopes": ["` + workspaceID.Text() + `"]}`
			}
			plan, ps := access.Compile(m)
			require.NotNil(t, plan, "%v", ps.Err())
			assert.Equal(t, test.violated == "", plan.Verdicts[0].Holds, plan.Verdicts[0].Because)
			assert.Contains(t, plan.Verdicts[0].Because, test.violated)
		})
	}
}

func TestByNoWayIsAboutReading(t *testing.T) {
	t.Parallel()
	for name, a := range map[string]access.Assertion{
		"can":     {Can: []string{"ann"}, Read: "sales", How: "byNoWay"},
		"start":   {Cannot: []string{"ann"}, Start: "score", How: "byNoWay"},
		"do":      {Cannot: []string{"ann"}, Do: "readsSecrets", How: "byNoWay"},
		"unknown": {Cannot: []string{"ann"}, Read: "sales", How: "by no way"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, ps := access.Compile(access.Model{WorkspaceID: workspaceID,
				Invokers:        map[string]access.Invoker{"ann": {Kind: access.User, PrincipalID: objectID(1)}},
				Clusters:        map[string]access.Cluster{"cpu": {}},
				StorageAccounts: map[string]access.ID{"lake": storageID("lake")},
				DataInputs: map[string]access.DataInput{"sales": {Kind: access.Blob, StorageAccount: "lake",
					Container: "ccc"}},
				Endpoints:  map[string]access.Endpoint{"score": {Cluster: "cpu", Inputs: []string{"sales"}}},
				Assertions: map[string]access.Assertion{"it": a}})
			require.Error(t, ps.Err())
			assert.Contains(t, ps.Err().Error(), "assertions.it.how")
		})
	}
}

// An identity that jobs run as may also be an invoker: it can become the others, they can become it, and the search
// ends.
func TestWaysInACircle(t *testing.T) {
	t.Parallel()
	id := func(name string) string {
		return "/subscriptions/" + subscription + "/resourceGroups/ml/providers/Microsoft.ManagedIdentity/" +
			"userAssignedIdentities/" + name
	}
	robot := func(n int, name string) access.Invoker {
		return access.Invoker{Kind: access.ManagedIdentity, ResourceID: id(name), PrincipalID: objectID(n)}
	}
	cluster := func(name string) access.Cluster {
		return access.Cluster{Identity: access.UserAssigned, UserAssignedIdentityID: access.Known(id(name))}
	}
	plan := compile(access.Model{
		Invokers: map[string]access.Invoker{"robot": robot(1, "a"), "runner": robot(2, "b"),
			"nobody": {Kind: access.User, PrincipalID: objectID(3)}},
		Clusters: map[string]access.Cluster{"cpu": cluster("a"), "gpu": cluster("b")},
		DataInputs: map[string]access.DataInput{
			"sales": {Kind: access.Blob, StorageAccount: "lake", Container: "sales"},
			"wages": {Kind: access.Blob, StorageAccount: "lake", Container: "wages"}},
		Endpoints: map[string]access.Endpoint{
			"score": {Cluster: "cpu", Inputs: []string{"sales"}, Invokers: []string{"robot"}},
			"pay":   {Cluster: "gpu", Inputs: []string{"wages"}, Invokers: []string{"runner"}}},
	})
	var got []string
	for _, w := range plan.Ways() {
		if w.Input != "" {
			got = append(got, strings.Join(w.Who, ", ")+" reads "+w.Input+" as "+w.Hops[len(w.Hops)-1].Identity)
		}
	}
	assert.ElementsMatch(t, []string{
		"nobody reads sales as invoker robot", "nobody reads wages as invoker runner",
		"robot, cluster:cpu reads wages as invoker runner", "runner, cluster:gpu reads sales as invoker robot"}, got)
}
