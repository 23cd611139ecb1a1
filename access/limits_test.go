package access_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/access/signin"
)

// crowd has so many invokers of a kind, who read so many containers through one cluster: (inputs+1) assignments for
// each of them, and one for each input and the cluster.
func crowd(kind access.PrincipalKind, invokers, inputs int) access.Model {
	m := access.Model{
		WorkspaceID: workspaceID,
		Invokers:    map[string]access.Invoker{},
		Clusters:    map[string]access.Cluster{"cpu": {}},
		StorageAccounts: map[string]access.ID{"lake": access.Known(
			"/subscriptions/22222222-2222-4222-8222-222222222222/resourceGroups/data/providers/Microsoft.Storage/" +
				"storageAccounts/lake")},
		DataInputs: map[string]access.DataInput{},
	}
	for i := range invokers {
		m.Invokers[fmt.Sprintf("i%d", i)] = access.Invoker{Kind: kind,
			PrincipalID: access.Known(fmt.Sprintf("00000000-0000-4000-8000-%012d", i))}
	}
	for i := range inputs {
		m.DataInputs[fmt.Sprintf("d%d", i)] = access.DataInput{Kind: access.Blob, StorageAccount: "lake",
			Container: fmt.Sprintf("con%d", i)}
	}
	return m
}

func TestAzuresLimitOfAssignmentsIsSeenFromAfar(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		m       access.Model
		warning bool
		what    string // "" for none
		fix     string
	}{
		"far from it": {crowd(access.User, 79, 39), false, "", ""}, // 79*39+39 = 3120
		"near it": {crowd(access.User, 79, 40), true, "makes 3200 role assignments, and Azure allows 4000 in subscription " +
			"22222222-2222-4222-8222-222222222222, those of everybody together",
			"with all 79 of them in one it would make 80"},
		"at it": {crowd(access.ServicePrincipal, 99, 40), true, "makes 4000 role assignments",
			"with all 99 of them in one it would make 80"},
		"above it": {crowd(access.User, 99, 41), false, "makes 4100 role assignments",
			"with all 99 of them in one it would make 82"},
		"groups": {crowd(access.Group, 99, 40), true, "makes 4000 role assignments", "split the stack over subscriptions"},
		"identities": {crowd(access.ManagedIdentity, 99, 40), true, "makes 4000 role assignments",
			"split the stack over subscriptions"},
		"the workspace": {crowd(access.User, 3300, 0), true,
			"makes 3300 role assignments, and Azure allows 4000 in subscription 11111111-1111-4111-8111-111111111111", "it " +
				"would make 1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var found access.Problems
			for _, p := range validate(c.m) {
				if p.Path == "invokers" {
					found = append(found, p)
				}
			}
			if c.what == "" {
				require.Empty(t, found)
				return
			}
			require.Len(t, found, 1)
			assert.Equal(t, c.warning, found[0].Warning)
			assert.Contains(t, found[0].What, c.what)
			assert.Contains(t, found[0].Fix, c.fix)
		})
	}
}

func TestTheWayDownIsTrue(t *testing.T) {
	t.Parallel()
	m := crowd(access.User, 99, 40)
	assert.Len(t, compile(m).Grants, 99*41+40)
	var members []string
	for name := range m.Invokers {
		members = append(members, name)
	}
	m.Invokers["all"] = access.Invoker{Kind: access.Group, Members: members}
	assert.Len(t, compile(m).Grants, 1+2*40, "a group of 99: what the warning promises, and the group's role on the "+
		"workspace")
	assert.Empty(t, validate(m))
}

func TestEntrasLimitOfCredentialsIsSeenFromAfar(t *testing.T) {
	t.Parallel()
	for n, want := range map[int]string{15: "", 16: "has 16 of the 20 credentials", 20: "has 20 of the 20 credentials",
		21: "has 21 credentials"} {
		i := access.Invoker{Kind: access.ServicePrincipal, FederatedCredentials: map[string]signin.FederatedCredential{}}
		for k := range n {
			i.FederatedCredentials[fmt.Sprintf("c%02d", k)] = signin.FederatedCredential{Issuer: "https://issuer.example",
				Subject: fmt.Sprint(k)}
		}
		ps := i.Problems()
		if want == "" {
			assert.Empty(t, ps, n)
			continue
		}
		require.Len(t, ps, 1, n)
		assert.Contains(t, ps[0].What, want)
		assert.Equal(t, n <= 20, ps[0].Warning)
	}
}
