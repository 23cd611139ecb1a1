package adopt_test

import (
	"encoding/json"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/batchaccess/batchaccess/internal/adopt"
	"github.com/batchaccess/batchaccess/sandbox/azure"
)

// assignTo makes a stack grant a principal something; "" means a person, who leaves no mark.
func (w world) assignTo(name, at, principal, stack string) {
	w.t.Helper()
	properties := map[string]any{"principalId": principal, "principalType": "ServicePrincipal",
		"roleDefinitionId": scope + "/providers/Microsoft.Authorization/roleDefinitions/" + reader}
	if stack != "" {
		properties["description"] = "reads [batchaccess:" + stack + "/access.reader]"
	}
	w.make(http.MethodPut, "https://management.azure.com",
		at+"/providers/Microsoft.Authorization/roleAssignments/"+name+"?api-version=2022-04-01",
		map[string]any{"properties": properties})
}

// Clusters and identities have no mark. The assignments of their principals say which stack they belong to.
func TestAClusterOrIdentityOfAnotherStackIsNeitherAdoptedNorTakenUp(t *testing.T) {
	t.Parallel()
	const (
		group     = scope + "/resourceGroups/rg"
		workspace = group + "/providers/Microsoft.MachineLearningServices/workspaces/ws"
		lake      = scope + "/resourceGroups/data/providers/Microsoft.Storage/storageAccounts/lake"
		named     = `{"resourceGroupName": "rg", "resourceName": "ws-own-identity"`
		ownPath   = "ws-own-identity"
		federated = "azure-native:managedidentity:FederatedIdentityCredential"
	)
	for name, c := range map[string]struct {
		stacks []string
		owner  string
		taken  bool
	}{
		"of nobody who says so":      {nil, "not said", false},
		"of a person":                {[]string{""}, "not said", false},
		"of this stack":              {[]string{"p/dev"}, "stack p/dev, by what it is granted", false},
		"of another stack":           {[]string{"p/prod"}, "stack p/prod", true},
		"of two others":              {[]string{"p/test", "other/dev"}, "stack other/dev", true},
		"this and another grant it":  {[]string{"p/prod", "p/dev"}, "stack p/dev, by what it is granted", false},
		"another one and a person":   {[]string{"p/prod", ""}, "stack p/prod", true},
		"the same name, not project": {[]string{"q/dev"}, "stack q/dev", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			require.NoError(t, w.azure.Seed(azure.Seed{
				Workspaces:      []azure.Workspace{{ID: workspace, Location: "westeurope"}},
				StorageAccounts: []azure.StorageAccount{{ID: lake, Containers: []string{"rows"}}},
				Computes: []azure.Compute{{WorkspaceID: workspace, Name: "cpu",
					SystemAssignedPrincipalID: "aaaaaaaa-0000-4000-8000-000000000001"}},
			}))
			own := w.identity(ownPath, map[string]any{"location": "westeurope"})
			w.identity(ownPath+"/federatedIdentityCredentials/main", map[string]any{"properties": map[string]any{
				"issuer": "https://issuer.example", "subject": "s", "audiences": []string{"api://AzureADTokenExchange"}}})
			made := w.make(http.MethodGet, "https://management.azure.com", own+"?api-version=2023-01-31", nil)
			principal := made["properties"].(map[string]any)["principalId"].(string)
			clusterOf := func(identity string) {
				w.make(http.MethodPut, "https://management.azure.com", workspace+"/computes/own?api-version=2023-10-01",
					map[string]any{"location": "westeurope", "identity": map[string]any{"type": "UserAssigned",
						"userAssignedIdentities": map[string]any{identity: map[string]any{}}},
						"properties": map[string]any{"computeType": "AmlCompute", "properties": map[string]any{
							"vmSize":        "Standard_D2s_v3",
							"scaleSettings": map[string]any{"minNodeCount": 0, "maxNodeCount": 1}}}})
			}
			clusterOf(own)
			for i, stack := range c.stacks {
				at := []string{lake + "/blobServices/default/containers/rows", lake, group}[i]
				w.assignTo([]string{"c0000000", "c1000000"}[i]+"-0000-4000-8000-000000000000", at, principal, stack)
				w.assignTo([]string{"d0000000", "d1000000"}[i]+"-0000-4000-8000-000000000000", at,
					"aaaaaaaa-0000-4000-8000-000000000001", stack)
			}
			compute := func(name string) string {
				return `{"resourceGroupName": "rg", "workspaceName": "ws", "computeName": "` + name + `"}`
			}
			for what, one := range map[string]struct{ kind, inputs, remedy string }{
				"an identity": {identityType, named + "}", "resourceId"},
				"its federated credential": {federated, named +
					`, "federatedIdentityCredentialResourceName": "main", "issuer": "https://issuer.example", "subject": "s"}`,
					"resourceId"},
				"a cluster":                     {computeType, compute("cpu"), "existing: true"},
				"a cluster of its own identity": {computeType, compute("own"), "existing: true"},
			} {
				var inputs map[string]any
				require.NoError(t, json.Unmarshal([]byte(one.inputs), &inputs))
				found := adoptAll(t, w.finder, one.kind, map[string]map[string]any{"x": inputs})["x"]
				assert.Equal(t, c.owner, found.Owner, what)
				plan, err := w.finder.Plan(t.Context(), state(t, provider, creating(one.kind, "x", one.inputs)))
				require.NoError(t, err)
				if !c.taken {
					assert.Equal(t, adopt.Exists, found.Outcome, what)
					continue // a recovery treats an identity with credentials differently
				}
				assert.Equal(t, adopt.Taken, found.Outcome, what)
				assert.Contains(t, found.Why, c.owner+" made it", what)
				assert.Contains(t, found.Why, one.remedy, what)
				assert.Equal(t, adopt.Clear, plan[0].Remedy, what)
				assert.Equal(t, []string{found.IDs[0] + " is left alone: " + c.owner + " made it"}, plan[0].LeftAlone, what)
			}

			shared := w.identity("shared", map[string]any{"location": "westeurope"})
			made = w.make(http.MethodGet, "https://management.azure.com", shared+"?api-version=2023-01-31", nil)
			w.assignTo("e0000000-0000-4000-8000-000000000000", lake,
				made["properties"].(map[string]any)["principalId"].(string), "p/prod")
			clusterOf(shared)
			found := adoptAll(t, w.finder, computeType, map[string]map[string]any{"x": {"resourceGroupName": "rg",
				"workspaceName": "ws", "computeName": "own"}})["x"]
			assert.Equal(t, adopt.Exists, found.Outcome, "whose an identity is that many may use says nothing of the cluster")
		})
	}
}

// If the assignments of the subscription may not be listed, those of the resource group are, and the owner is not
// known.
func TestAnOwnerThatMayNotBeLookedForIsNotKnown(t *testing.T) {
	t.Parallel()
	const group = scope + "/resourceGroups/rg"
	const id = group + "/providers/Microsoft.ManagedIdentity/userAssignedIdentities/one"
	const list = "/providers/Microsoft.Authorization/roleAssignments"
	for name, c := range map[string]struct {
		assignments string // of the resource group
		outcome     adopt.Outcome
		owner       string
	}{
		"none": {`[]`, adopt.Exists, "not known: role assignments of the whole subscription may not be read"},
		"another stack's": {`[{"properties": {"description": "x [batchaccess:p/prod/x]"}}]`, adopt.Taken,
			"stack p/prod"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := answers{
				id:                                   always(200, `{"properties": {"principalId": "x"}}`),
				id + "/federatedIdentityCredentials": always(200, `{"value": []}`),
				scope + list:                         always(403, `{"error": {"code": "AuthorizationFailed"}}`),
				group + list:                         always(200, `{"value": `+c.assignments+`}`),
			}.finder()
			found := adoptAll(t, f, identityType, map[string]map[string]any{"x": {"resourceGroupName": "rg",
				"resourceName": "one"}})["x"]
			assert.Equal(t, c.outcome, found.Outcome)
			assert.Equal(t, c.owner, found.Owner)
		})
	}
}

// Two resources of a program are one resource in Azure. If both were imported, deleting one would take it from the
// other.
func TestWhatAProgramMakesTwiceIsNotAdopted(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.assign(assignment, scope, reader)
	of := func(scope, name string) map[string]any {
		return map[string]any{"roleAssignmentName": name, "scope": scope, "principalId": w.azure.Deployer().ObjectID,
			"roleDefinitionId": "/providers/Microsoft.Authorization/roleDefinitions/" + reader}
	}
	found := adoptAll(t, w.finder, assignmentType, map[string]map[string]any{"one": of(scope, assignment),
		"two": of(scope+"/", assignment), "three": of(scope, "33333333-3333-4333-8333-333333333333")})
	for name, other := range map[string]string{"one": "two", "two": "one"} {
		assert.Equal(t, adopt.Taken, found[name].Outcome)
		assert.Equal(t, []string{id}, found[name].IDs)
		assert.Contains(t, found[name].Why, "the program makes it as "+other+" too")
	}
}

// The error names the stack that made the assignment in the way, and what to do.
func TestTheOwnerOfWhatIsInTheWayIsNamed(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ stack, owner, remedy string }{
		"another stack's": {"lake/prod", "stack lake/prod", "under sharedGrants, with by: lake/prod"},
		"its own":         {"p/dev", "stack p/dev", "this stack made it as access.reader"},
		"a person's":      {"", "not said", "once its maker does not need it"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			me := w.azure.Deployer().ObjectID
			w.assignTo("77777777-7777-4777-8777-777777777777", scope, me, c.stack)
			found := adoptAll(t, w.finder, assignmentType, map[string]map[string]any{"x": {"roleAssignmentName": assignment,
				"scope": scope, "principalId": me,
				"roleDefinitionId": "/providers/Microsoft.Authorization/roleDefinitions/" + reader}})["x"]
			assert.Equal(t, adopt.Taken, found.Outcome)
			assert.Equal(t, c.owner, found.Owner)
			assert.Contains(t, found.Why, c.remedy)
		})
	}
}
