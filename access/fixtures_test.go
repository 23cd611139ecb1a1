package access_test

import (
	"fmt"
	"maps"
	"slices"

	"github.com/batchaccess/batchaccess/access"
)

const subscription = "11111111-1111-4111-8111-111111111111"

// noGUID is the text that many tools write if there is no ID.
const noGUID = "00000000-0000-0000-0000-000000000000"

var workspaceID = access.Known("/subscriptions/" + subscription +
	"/resourceGroups/ml/providers/Microsoft.MachineLearningServices/workspaces/scoring")

func storageID(name string) access.ID {
	return access.Known("/subscriptions/" + subscription +
		"/resourceGroups/data/providers/Microsoft.Storage/storageAccounts/" + name)
}

func objectID(n int) access.ID {
	return access.Known(fmt.Sprintf("%08d-0000-4000-8000-000000000000", n))
}

func validate(m access.Model) access.Problems {
	_, ps := access.Compile(m)
	return ps
}

// compile returns the plan of a model that has one. It fills in IDs that a test leaves out: those of the workspace, of
// users and groups, and of storage accounts.
func compile(m access.Model) *access.Plan {
	if !m.WorkspaceID.Given() {
		m.WorkspaceID = workspaceID
	}
	invokers, accounts := maps.Clone(m.Invokers), maps.Clone(m.StorageAccounts)
	for n, name := range keys(invokers) {
		i := invokers[name]
		if (i.Kind == access.User || i.Kind == access.Group && len(i.Members) == 0) && !i.Exists() {
			i.PrincipalID = objectID(9000 + n)
			invokers[name] = i
		}
	}
	for _, d := range m.DataInputs {
		if accounts == nil {
			accounts = map[string]access.ID{}
		}
		if _, there := accounts[d.StorageAccount]; !there && d.StorageAccount != "" {
			accounts[d.StorageAccount] = storageID(d.StorageAccount)
		}
	}
	m.Invokers, m.StorageAccounts = invokers, accounts
	plan, ps := access.Compile(m)
	if plan == nil {
		panic(ps.Err())
	}
	return plan
}

func boolPtr(b bool) *bool { return &b }

func keys[V any](m map[string]V) (names []string) {
	for name := range m {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
