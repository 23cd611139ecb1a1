package azure_test

import (
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/batchaccess/batchaccess/sandbox/azure"
	"github.com/batchaccess/batchaccess/sandbox/azure/internal/role"
)

// A step is a request of a deployment, with the permission without which Azure refuses it.
type step struct {
	needs, method, target string
	body                  any
}

// Resources whose identities invoke.
const (
	factory = group + "/providers/Microsoft.DataFactory/factories/nightly"
	site    = group + "/providers/Microsoft.Web/sites/caller"
	box     = group + "/providers/Microsoft.Compute/virtualMachines/box"
	vault   = group + "/providers/Microsoft.KeyVault/vaults/kv"
)

// deployment has the requests of a deployment that makes, reads and deletes one resource of each kind, in an order that
// works.
func deployment(assigned, principal string) []step {
	const (
		get, put, del = http.MethodGet, http.MethodPut, http.MethodDelete
		auth          = "Microsoft.Authorization/"
		ml            = "Microsoft.MachineLearningServices/workspaces/"
		identity      = "Microsoft.ManagedIdentity/userAssignedIdentities/"
		federated     = identity + "federatedIdentityCredentials/"
		blobs         = "Microsoft.Storage/storageAccounts/"
		groups        = "Microsoft.Resources/subscriptions/resourceGroups/"

		mine     = subscription + "/resourceGroups/mine"
		fresh    = mine + "/providers/Microsoft.MachineLearningServices/workspaces/fresh"
		store    = mine + "/providers/Microsoft.Storage/storageAccounts/fresh"
		pictures = mine + "/providers/Microsoft.ContainerRegistry/registries/pictures"
		rows     = store + "/blobServices/default/containers/rows"
		someone  = mine + "/providers/Microsoft.ManagedIdentity/userAssignedIdentities/someone"
		github   = someone + "/federatedIdentityCredentials/github"
		machines = fresh + "/computes/fresh"
	)
	definitionID, assignmentID := definitionPath(assigned),
		group+"/providers/Microsoft.Authorization/roleAssignments/"+uuid.NewString()
	here := object("location", "westeurope")
	attached := clusterBody(object("type", "UserAssigned", "userAssignedIdentities", object(someone, object())))
	return []step{
		{auth + "roleDefinitions/write", put, definitionID, definition("Made", []string{"Microsoft.Storage/*/read"})},
		{auth + "roleDefinitions/read", get, definitionID, nil},
		{auth + "roleAssignments/write", put, assignmentID, assignment(principal, controlReader)},
		{auth + "roleAssignments/read", get, assignmentID, nil},
		{auth + "denyAssignments/read", get, group + "/providers/Microsoft.Authorization/denyAssignments", nil},
		{auth + "roleEligibilityScheduleInstances/read", get,
			group + "/providers/Microsoft.Authorization/roleEligibilityScheduleInstances", nil},
		{groups + "write", put, mine, here},
		{groups + "read", get, mine, nil},
		{"Microsoft.Resources/subscriptions/read", get, subscription, nil},
		{ml + "write", put, fresh, here},
		{ml + "read", get, fresh, nil},
		{blobs + "write", put, store, object("location", "westeurope", "kind", "StorageV2")},
		{blobs + "read", get, store, nil},
		{"Microsoft.ContainerRegistry/registries/write", put, pictures, object("location", "westeurope")},
		{"Microsoft.ContainerRegistry/registries/read", get, pictures, nil},
		{"Microsoft.ContainerRegistry/registries/delete", del, pictures, nil},
		{blobs + "blobServices/containers/write", put, rows, object("properties", object())},
		{blobs + "blobServices/containers/read", get, rows, nil},
		{blobs + "blobServices/read", get, account + "/blobServices/default", nil},
		{identity + "write", put, someone, here},
		{identity + "read", get, someone, nil},
		{federated + "write", put, github, object("properties", object("issuer", "https://gitlab.com", "subject", "s",
			"audiences", []string{"api://AzureADTokenExchange"}))},
		{federated + "read", get, github, nil},
		{identity + "assign/action", put, machines, attached},
		{ml + "computes/write", put, machines, attached},
		{ml + "computes/read", get, machines, nil},
		{ml + "batchEndpoints/read", get, endpoint, nil},
		{ml + "batchEndpoints/deployments/read", get, endpoint + "/deployments/blue", nil},
		{ml + "datastores/read", get, workspace + "/datastores/keyless", nil},
		{ml + "data/read", get, workspace + "/data/heart", nil},
		{ml + "data/versions/read", get, workspace + "/data/heart/versions/1", nil},
		{"Microsoft.DataFactory/factories/read", get, factory, nil},
		{"Microsoft.Web/sites/read", get, site, nil},
		{"Microsoft.Compute/virtualMachines/read", get, box, nil},
		{"Microsoft.KeyVault/vaults/read", get, vault, nil},
		{auth + "roleAssignments/delete", del, assignmentID, nil},
		{auth + "roleDefinitions/delete", del, definitionID, nil},
		{federated + "delete", del, github, nil},
		{identity + "delete", del, someone, nil},
		{ml + "computes/delete", del, machines, nil},
		{blobs + "blobServices/containers/delete", del, rows, nil},
		{blobs + "delete", del, store, nil},
		{ml + "delete", del, fresh, nil},
		{groups + "delete", del, mine, nil},
	}
}

// deploy sends a step's request.
func (w *world) deploy(s step) answer {
	target := s.target
	if strings.HasSuffix(target, "/computes/fresh") && s.method == http.MethodDelete {
		target += "?underlyingResourceAction=Delete"
	}
	got := w.arm(s.method, target, s.body)
	w.wait()
	return got
}

// Each permission is taken away by itself: the request that needs it is refused, with Azure's code and the name of the
// action, and succeeds when the permission is given back.
func TestTheDeployerNeedsEachOfItsPermissions(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var hosts []azure.Host
	for _, id := range []string{factory, site, box} {
		hosts = append(hosts, azure.Host{ID: id, PrincipalID: uuid.NewString()})
	}
	require.NoError(t, w.Seed(azure.Seed{Hosts: hosts, ResourceIDs: []string{vault}}))
	tried := map[string]bool{}
	for _, s := range deployment(uuid.NewString(), alice) {
		require.NoError(t, w.TakeFromDeployer(s.needs), s.needs)
		got := w.deploy(s)
		code := "AuthorizationFailed"
		if strings.HasSuffix(s.needs, "/assign/action") {
			code = "LinkedAuthorizationFailed"
		}
		require.Equal(t, http.StatusForbidden, got.status, "%s %s without %s", s.method, s.target, s.needs)
		require.Equal(t, code, got.code(), s.needs)
		require.Contains(t, got.message(), "'"+s.needs+"'")
		require.NoError(t, w.TakeFromDeployer())
		got = w.deploy(s)
		require.Less(t, got.status, http.StatusBadRequest, "%s %s: %v", s.method, s.target, got.body)
		tried[s.needs] = true
	}
	for _, p := range azure.DeployerPermissions() {
		if p.Graph() {
			continue
		}
		if !p.Start {
			assert.True(t, tried[p.Name], "nothing that deploys needs %s", p.Name)
			continue
		}
		if slices.Contains(role.SeedActions(), p.Name) {
			require.NoError(t, w.TakeFromDeployer(p.Name))
			got := w.invoke(w.Deployer().ObjectID, "https://mydata.blob.core.windows.net/raw/x")
			assert.Equal(t, http.StatusForbidden, got.status, p.Name)
			assert.Contains(t, got.message(), p.Name)
		}
	}
	assert.ErrorContains(t, w.TakeFromDeployer("Microsoft.Storage/*"), `no permission "Microsoft.Storage/*"`)
}

// The deployer may do nothing without a permission: nothing else that an Owner could do, and nothing with data.
func TestTheDeployerMayDoNoMore(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	named := map[string]bool{}
	for _, p := range azure.DeployerPermissions() {
		assert.NotContains(t, p.Name, "*")
		assert.False(t, named[strings.ToLower(p.Name)], "%s stands there twice", p.Name)
		named[strings.ToLower(p.Name)] = true
	}
	tried := 0
	for _, built := range role.BuiltIns() {
		for _, p := range built.Permissions {
			for _, action := range append(slices.Clone(p.Actions), p.DataActions...) {
				if strings.Contains(action, "*") || named[strings.ToLower(action)] {
					continue
				}
				tried++
				assert.NotEqual(t, "yes", w.Allows(w.Deployer().ObjectID, workspace, action, false), action)
				assert.NotEqual(t, "yes", w.Allows(w.Deployer().ObjectID, workspace, action, true), action)
			}
		}
	}
	assert.Greater(t, tried, 1000)
}

// User Access Administrator alone can make grants, but can neither make a cluster or an identity nor attach one.
func TestUserAccessAdministratorAloneDoesNotDeploy(t *testing.T) {
	t.Parallel()
	may := map[string]bool{}
	for _, p := range azure.DeployerPermissions() {
		if p.Graph() {
			continue
		}
		answer, err := azure.RoleAllows("User Access Administrator", p.Name, false)
		require.NoError(t, err)
		may[p.Name] = answer == "yes"
		if strings.HasPrefix(p.Name, "Microsoft.Authorization/") {
			assert.Equal(t, "yes", answer, p.Name)
		} else if !strings.HasSuffix(p.Name, "/read") {
			assert.Equal(t, "no", answer, p.Name)
		}
		owner, err := azure.RoleAllows("Owner", p.Name, false)
		require.NoError(t, err)
		assert.Equal(t, "yes", owner, "Owner is enough: %s", p.Name)
		contributor, err := azure.RoleAllows("Contributor", p.Name, false)
		require.NoError(t, err)
		assert.True(t, may[p.Name] || contributor == "yes", "so are User Access Administrator and Contributor: %s", p.Name)
		if p.Lookup {
			reader, err := azure.RoleAllows("Reader", p.Name, false)
			require.NoError(t, err)
			assert.Equal(t, "yes", reader, "Reader is enough to look: %s", p.Name)
		}
	}
	assert.False(t, may["Microsoft.MachineLearningServices/workspaces/computes/write"])
}

func TestTheDeployerNeedsItsPermissionsOnGraph(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	app := object("displayName", "made")
	people := object("displayName", "people", "mailEnabled", false, "securityEnabled", true, "mailNickname", "people")
	for _, test := range []struct {
		without      []string
		method, path string
		body         any
	}{
		{[]string{"Application.ReadWrite.OwnedBy"}, http.MethodPost, "/v1.0/applications", app},
		{[]string{"Group.ReadWrite.All"}, http.MethodPost, "/v1.0/groups", people},
		{[]string{"Application.Read.All", "Application.ReadWrite.OwnedBy", "Directory.Read.All"}, http.MethodGet,
			"/v1.0/servicePrincipals", nil},
		{[]string{"RoleManagement.Read.Directory", "Directory.Read.All"}, http.MethodGet,
			"/v1.0/roleManagement/directory/roleDefinitions", nil},
		{[]string{"RoleManagement.Read.Directory", "Directory.Read.All"}, http.MethodGet,
			"/v1.0/roleManagement/directory/roleAssignments?$filter=principalId+eq+'" + scientists + "'", nil},
		{[]string{"RoleManagement.Read.Directory"}, http.MethodGet,
			"/v1.0/roleManagement/directory/roleEligibilityScheduleInstances", nil},
		{[]string{"PrivilegedEligibilitySchedule.Read.AzureADGroup"}, http.MethodGet, "/v1.0/identityGovernance/" +
			"privilegedAccess/group/eligibilityScheduleInstances?$filter=groupId+eq+'" + scientists + "'", nil},
		{[]string{"Application.Read.All", "Directory.Read.All"}, http.MethodGet, "/v1.0/servicePrincipals(appId='" +
			"00000003-0000-0000-c000-000000000000')/appRoleAssignedTo", nil},
		{[]string{"Group.Read.All", "Group.ReadWrite.All", "Directory.Read.All"}, http.MethodGet,
			"/v1.0/groups/" + scientists, nil},
		{[]string{"User.Read.All", "Directory.Read.All"}, http.MethodGet, "/v1.0/users/" + alice, nil},
		{[]string{"Directory.Read.All"}, http.MethodGet, "/v1.0/directoryObjects/" + alice, nil},
		{[]string{"Directory.Read.All"}, http.MethodPost, "/v1.0/directoryObjects/getByIds",
			object("ids", []string{alice})},
	} {
		what := fmt.Sprint(test.method, " ", test.path, " without ", test.without)
		require.NoError(t, w.TakeFromDeployer(test.without...))
		got := w.graph(test.method, test.path, test.body)
		assert.Equal(t, http.StatusForbidden, got.status, what)
		assert.Equal(t, "Authorization_RequestDenied", got.code(), what)
		for i := range test.without { // any of them is enough
			require.NoError(t, w.TakeFromDeployer(slices.Delete(slices.Clone(test.without), i, i+1)...))
			assert.Less(t, w.graph(test.method, test.path, test.body).status, 400, "%s but %s", what, test.without[i])
		}
	}
}

// permissionsTable is the table that docs/permissions.md must have.
func permissionsTable() string {
	yes := map[bool]string{true: "yes", false: ""}
	var order []string
	lines := map[string][]string{}
	for _, p := range azure.DeployerPermissions() {
		if lines[p.For] == nil {
			order = append(order, p.For)
		}
		if p.Start && slices.Contains(role.SeedActions(), p.Name) {
			if len(lines[p.For]) == 0 {
				lines[p.For] = append(lines[p.For], "the actions of the invokers' role that are not listed above")
			}
			continue
		}
		lines[p.For] = append(lines[p.For], fmt.Sprintf("`%s` | %s | %s | %s", p.Name,
			yes[!p.Verify && !p.Start], yes[p.Lookup && !p.Verify], yes[p.Lookup]))
	}
	var text strings.Builder
	text.WriteString("| for | action, or permission on Graph | deploys | previews | verifies |\n|---|---|---|---|---|\n")
	for _, purpose := range order {
		for _, line := range lines[purpose] {
			if !strings.Contains(line, " | ") {
				line += " |  |  | "
			}
			text.WriteString("| " + purpose + " | " + line + " |\n")
		}
	}
	return text.String()
}

func TestTheTableOfPermissionsIsWhatTheDeployerHas(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../docs/permissions.md")
	require.NoError(t, err)
	if !strings.Contains(string(text), permissionsTable()) {
		t.Errorf("docs/permissions.md must have this table:\n%s", permissionsTable())
	}
}
