// Package workload is the stack that the benchmarks deploy or judge, described once for all of them, in any size:
// invokers that exist, 2 clusters, and containers of 2 storage accounts that every invoker reads on every cluster. It
// has one shape, about two and a half invokers a container, so that figures of different sizes can be compared.
//
// It must not know how a stack is deployed, and imports nothing that the flat program would not need.
package workload

import (
	"fmt"
	"math"
	"strconv"
)

const (
	subscription = "/subscriptions/11111111-1111-4111-8111-111111111111"
	group        = subscription + "/resourceGroups/ml"

	// WorkspaceID is the ARM ID of the workspace.
	WorkspaceID = group + "/providers/Microsoft.MachineLearningServices/workspaces/" + WorkspaceName
	// WorkspaceName and ResourceGroup are the parts of it that a resource of the workspace needs.
	WorkspaceName, ResourceGroup = "scoring", "ml"
	// Location of the workspace and the clusters.
	Location = "westeurope"
)

// An Invoker is a principal that exists.
type Invoker struct {
	Name string
	// Kind is the components' word: managedIdentity, servicePrincipal or user.
	Kind string
	// PrincipalType is Resource Manager's word: ServicePrincipal or User.
	PrincipalType string
	// PrincipalID is the object ID.
	PrincipalID string
}

// An Account is a storage account that exists.
type Account struct{ Name, ID string }

// An Input is a container that jobs read.
type Input struct {
	Name      string
	Account   Account
	Container string
}

// Scope is the ARM ID of the input's container, at which its readers get their role.
func (i Input) Scope() string {
	return i.Account.ID + "/blobServices/default/containers/" + i.Container
}

// Clusters are the names of the compute clusters, which the stack makes.
var Clusters = []string{"cpu", "gpu"}

// A Workload is one stack.
type Workload struct {
	Invokers []Invoker
	Inputs   []Input
}

// invokersAnInput is the shape of a workload: the number of invokers and clusters for each container.
const invokersAnInput = 2.5

// Of is the largest workload of that shape with at most that many role assignments. It has at least one invoker and one
// input, which take 4 assignments.
func Of(assignments int) Workload {
	// Every invoker is assigned its role and, as the clusters are, a reader for each input; so with i invokers, c
	// clusters and d inputs there are i + d(i+c) assignments, which is (i+c)(d+1) - c.
	product := float64(assignments + len(Clusters))
	columns := max(2, math.Round(math.Sqrt(product/invokersAnInput)))
	return Workload{makeInvokers(max(1, int(product/columns)-len(Clusters))), makeInputs(int(columns) - 1)}
}

// AssignmentsKey is the configuration key with the number of role assignments that a program deploys.
const AssignmentsKey = "bench:assignments"

// Asked is the workload that a program's configuration asks for.
func Asked(config func(key string) (value string, given bool)) (Workload, error) {
	text, _ := config(AssignmentsKey)
	assignments, err := strconv.Atoi(text)
	if err != nil {
		return Workload{}, fmt.Errorf("%s: %w; give the number of role assignments", AssignmentsKey, err)
	}
	return Of(assignments), nil
}

// Assignments is how many role assignments the workload has.
func (w Workload) Assignments() int {
	return len(w.Invokers) + len(w.Inputs)*(len(w.Invokers)+len(Clusters))
}

// kinds of invokers, in turns.
var kinds = []struct{ kind, principalType string }{
	{"managedIdentity", "ServicePrincipal"},
	{"servicePrincipal", "ServicePrincipal"},
	{"managedIdentity", "ServicePrincipal"},
	{"user", "User"},
}

// makeInvokers makes principals: managed identities, service principals and users.
func makeInvokers(count int) (all []Invoker) {
	for n := range count {
		k := kinds[n%len(kinds)]
		all = append(all, Invoker{Name: fmt.Sprintf("%s-%03d", k.kind, n), Kind: k.kind, PrincipalType: k.principalType,
			PrincipalID: GUID(1, n)})
	}
	return all
}

// Accounts are the storage accounts of the inputs.
func Accounts() []Account {
	var all []Account
	for _, name := range []string{"lake", "shared"} {
		all = append(all, Account{name, subscription + "/resourceGroups/data/providers/Microsoft.Storage/storageAccounts/" +
			name})
	}
	return all
}

// makeInputs makes containers, spread over the accounts.
func makeInputs(count int) (all []Input) {
	accounts := Accounts()
	for n := range count {
		name := fmt.Sprintf("input-%03d", n)
		all = append(all, Input{Name: name, Account: accounts[n%len(accounts)], Container: name})
	}
	return all
}

// GUID writes two numbers as a GUID. It costs as little as a literal GUID in a person's program.
func GUID(a, b int) string { return fmt.Sprintf("%08x-0000-4000-8000-%012x", a, b) }
