package verify_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/internal/verify"
)

// Access in Azure beside the stack's grants opens ways. Each one that the plan does not have is reported.
func TestWaysOfWhatIsInAzure(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		role, scope, who, kind string
		found                  []string // parts of the ways beyond the plan
		none                   string   // part of a way that must not be there
	}{
		"the keys of the account": {"Storage Account Key Operator Service Role", lake, robot, "ServicePrincipal",
			[]string{"robot can reach the keys of storage account lake, by", "take Storage Account Key Operator Service Role " +
				"on storageAccount lake away from robot; no declared job is known to stop\n"}, "ann can reach"},
		"a role of a group that ann is in": {"Storage Account Key Operator Service Role", lake, team, "Group",
			[]string{"ann, robot can reach the keys of storage account lake", "through group Team"}, "owners of"},
		"of a group in a group": {"User Access Administrator", lake, company, "Group",
			[]string{"can reach role assignments at storageAccount lake", "through group Company"}, ""},
		"a cluster that may change deployments": {"Contributor", mlGroup, "cpu", "ServicePrincipal",
			[]string{"cluster:cpu can reach", "take Contributor on resource group ml away from cluster:cpu"},
			"cluster:cpu can read patients"},
		"who reads only": {"Reader", lake, robot, "ServicePrincipal", nil, "robot can read images as"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, model())
			w.grantAll()
			who := c.who
			if who == "cpu" {
				who = w.clusterID()
			}
			w.assign(who, c.kind, c.role, c.scope)
			var beyond []string
			var all, table strings.Builder
			r := w.report()
			require.NoError(t, verify.WriteTable(&table, r))
			assert.Contains(t, table.String(), "THE PLAN (found, and not walked)\n") // the sandbox has one cluster more
			for _, way := range r.Ways {
				if way.Planned {
					continue
				}
				beyond = append(beyond, way.String())
				if !strings.HasPrefix(way.Who[0], "owners of ") {
					assert.NotEmpty(t, way.Cuts, "%s", way)
				}
				for _, cut := range way.Cuts {
					all.WriteString(cut.String() + "\n")
				}
			}
			all.WriteString(strings.Join(beyond, "\n"))
			for _, part := range c.found {
				assert.Contains(t, all.String(), part)
			}
			if c.none != "" {
				assert.NotContains(t, all.String(), c.none)
			}
		})
	}
}

// The plan's grants open only the plan's own ways.
func TestWaysOfThePlanAreMarkedAsPlanned(t *testing.T) {
	t.Parallel()
	w := newWorld(t, model())
	w.grantAll()
	none := always(map[string]any{"value": []any{}}) // no cluster beside the stack's
	r := w.judged(answering{w.azure.Client(), "/computes", none}, 0)
	require.NotEmpty(t, r.Ways)
	for _, way := range r.Ways {
		assert.True(t, way.Planned, "%s", way)
	}
	var out strings.Builder
	require.NoError(t, verify.WriteTable(&out, r))
	assert.NotContains(t, out.String(), "INDIRECT WAYS")
	assert.Contains(t, out.String(), "indirect ways are the plan's own")
}

// Other computes of the workspace and its key vault open ways too, although no model names them.
func TestWaysThroughWhatNoModelSays(t *testing.T) {
	t.Parallel()
	const vault = mlGroup + "/providers/Microsoft.KeyVault/vaults/kv"
	const other, somebody = "88888888-8888-4888-8888-888888888888", "99999999-9999-4999-8999-999999999999"
	space := always(map[string]any{"properties": map[string]any{"keyVault": vault}})
	kept := func(roles bool, policies ...any) func(*http.Request) (int, any) {
		return always(map[string]any{"properties": map[string]any{"enableRbacAuthorization": roles,
			"accessPolicies": policies}})
	}
	policy := func(id string, words ...string) any {
		return map[string]any{"objectId": id, "permissions": map[string]any{"secrets": words}}
	}
	computes := func(properties map[string]any) func(*http.Request) (int, any) {
		return always(map[string]any{"value": []any{map[string]any{"name": "dev",
			"identity": map[string]any{"principalId": other}, "properties": properties}}})
	}
	instance := func(user string) map[string]any {
		return map[string]any{"computeType": "ComputeInstance", "properties": map[string]any{
			"personalComputeInstanceSettings": map[string]any{"assignedUser": map[string]any{"objectId": user}}}}
	}
	for name, c := range map[string]struct {
		space, computes, vault func(*http.Request) (int, any)
		role, scope            string // of ann
		found, never           string
	}{
		"a cluster of others": {computes: computes(map[string]any{"computeType": "AmlCompute"}),
			found: "robot can reach identity " + other + " of compute dev, by changing a deployment"},
		"another identity of the stack's cluster": {computes: always(map[string]any{"value": []any{map[string]any{
			"name": "cpu", "identity": map[string]any{"userAssignedIdentities": map[string]any{
				mlGroup + "/x/first": map[string]any{"principalId": somebody}, mlGroup + "/x/second": map[string]any{
					"principalId": other}}}, "properties": map[string]any{"computeType": "AmlCompute"}}}}),
			found: "robot can reach identity " + other + " of compute cpu, by changing the deployment of "},
		"a compute instance": {computes: computes(instance(ann)),
			found: "ann can reach identity " + other + " of compute dev, by using the compute instance dev"},
		"one of somebody else": {computes: computes(instance(somebody)),
			found: "user of compute dev (" + somebody + ") can reach identity " + other, never: "ann can reach identity"},
		"computes that may not be listed": {computes: refused,
			found: "ann, robot may reach the identities of other clusters of workspace ws"},
		"a policy": {space: space, vault: kept(false, policy(ann, "Get", "List")),
			found: "ann can reach the credential of data store archive, by an access policy of key vault kv"},
		"a policy that lists": {space: space, vault: kept(false, policy(ann, "List")),
			never: "ann can reach the credential of data store archive, by an access policy"},
		"a policy of a vault with roles": {space: space, vault: kept(true, policy(ann, "Get")),
			never: "by an access policy"},
		"a policy of a stranger": {space: space, vault: kept(false, policy(other, "all")),
			found: "somebody (" + other + ") can reach the credential of data store arch"},
		"a role at the vault": {space: space, vault: kept(true), role: "Key Vault Secrets User", scope: mlGroup,
			found: "vaults/secrets/getSecret/action of Key Vault Secrets User"},
		"who writes policies": {space: space, vault: kept(false), role: "Key Vault Contributor", scope: mlGroup,
			found: "Key Vault Contributor on resource group ml, then an access policy of its own"},
		"a vault that may not be read": {space: space, vault: refused, role: "Key Vault Secrets User", scope: mlGroup,
			found: "whoever verifies may not look"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := model()
			m.DataInputs["archive"] = access.DataInput{Kind: access.DataStore, DataStore: "archive", Path: "x",
				CredentialInStore: yes(), StorageAccount: "lake", Container: "archive"}
			w := newWorld(t, m)
			w.define("Microsoft.MachineLearningServices/workspaces/batchEndpoints/deployments/write")
			w.grantAll()
			if c.role != "" {
				w.assign(ann, "User", c.role, c.scope)
			}
			through := &http.Client{Transport: trip{answering{w.azure.Client(), "/computes", or(c.computes, unchanged)}}}
			through = &http.Client{Transport: trip{answering{through, "/workspaces/ws", or(c.space, unchanged)}}}
			var all strings.Builder
			for _, way := range reached(w.judged(answering{through, "/vaults/kv", or(c.vault, unchanged)}, 0)) {
				all.WriteString(way.String() + "\n")
			}
			assert.Contains(t, all.String(), c.found)
			if c.never != "" {
				assert.NotContains(t, all.String(), c.never)
			}
		})
	}
}

func TestCutsThatAreNotTriedAreNoted(t *testing.T) {
	t.Parallel()
	w := newWorld(t, model())
	w.grantAll()
	var many []any
	for i := range 70 {
		many = append(many, map[string]any{"name": fmt.Sprintf("c%d", i), "identity": map[string]any{
			"principalId": fmt.Sprintf("88888888-8888-4888-8888-%012d", i)},
			"properties": map[string]any{"computeType": "AmlCompute"}})
	}
	r := w.judged(answering{w.azure.Client(), "/computes", always(map[string]any{"value": many})}, 0)
	cut := 0
	for _, way := range r.Ways {
		if len(way.Cuts) > 0 {
			cut++
		}
	}
	assert.Equal(t, 60, cut)
	assert.Contains(t, strings.Join(r.Notes, "\n"), "what cuts them was tried for 60 of the 140 indirect ways")
}

// Federated credentials of principals that existed before the stack let others in too.
func TestWaysByCredentialsOfWhatExists(t *testing.T) {
	t.Parallel()
	const loader = mlGroup + "/providers/Microsoft.ManagedIdentity/userAssignedIdentities/loader"
	m := model()
	m.Invokers["robot"] = access.Invoker{Kind: access.ManagedIdentity, PrincipalID: access.Known(robot),
		ResourceID: loader}
	w := newWorld(t, m)
	w.grantAll()
	trusts := always(map[string]any{"value": []any{map[string]any{"name": "pr", "properties": map[string]any{
		"issuer": "https://token.actions.githubusercontent.com", "subject": "repo:contoso/scoring:pull_request",
		"audiences": []string{"api://AzureADTokenExchange"}}}}})
	var all strings.Builder
	for _, way := range reached(w.judged(answering{w.azure.Client(), "loader/federatedIdentityCredentials", trusts}, 0)) {
		all.WriteString(way.String() + "\n")
	}
	assert.Contains(t, all.String(), "whoever has the subject repo:contoso/scoring:pull_request of "+
		"https://token.actions.githubusercontent.com can reach robot, by the federated credential of robot")
}

// reached are the ways of the stack's principals, and of others.
func reached(r verify.Report) (all []access.Way) {
	for _, w := range r.Ways {
		all = append(all, w.Way)
	}
	for _, o := range r.OtherWays {
		all = append(all, o.Ways...)
	}
	return all
}

// unchanged leaves the answer to the sandbox.
func unchanged(*http.Request) (int, any) { return 0, nil }

func or[T any](f, other func(*http.Request) (int, T)) func(*http.Request) (int, T) {
	if f == nil {
		return other
	}
	return f
}
