// Package workload is the stack that the benchmark deploys, described once for both programs that deploy it: 50
// invokers that exist, 2 clusters, and 20 containers of 2 storage accounts that every invoker reads on every cluster.
//
// It must not know how a stack is deployed, and imports nothing that the flat program would not have by itself.
package workload

import "fmt"

const (
	subscription = "/subscriptions/11111111-1111-4111-8111-111111111111"
	group        = subscription + "/resourceGroups/ml"

	// WorkspaceID is the ARM ID of the workspace.
	WorkspaceID = group + "/providers/Microsoft.MachineLearningServices/workspaces/" + WorkspaceName
	// WorkspaceName and ResourceGroup are the parts of it that a resource of the workspace asks for.
	WorkspaceName, ResourceGroup = "scoring", "ml"
	// Location of the workspace and the clusters.
	Location = "westeurope"
)

// An Invoker is a principal that exists.
type Invoker struct {
	Name string
	// Kind as the components call it: managedIdentity, servicePrincipal or user.
	Kind string
	// PrincipalType as Resource Manager calls it: ServicePrincipal or User.
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

// Scope is the ARM ID of the input's container, at which its readers are granted access.
func (i Input) Scope() string {
	return i.Account.ID + "/blobServices/default/containers/" + i.Container
}

// Clusters are the names of the compute clusters, which the stack makes.
var Clusters = []string{"cpu", "gpu"}

// kinds are how many invokers there are of each kind.
var kinds = []struct {
	kind, principalType string
	count               int
}{
	{"managedIdentity", "ServicePrincipal", 25},
	{"servicePrincipal", "ServicePrincipal", 15},
	{"user", "User", 10},
}

// Invokers are 50 principals: managed identities, service principals and users.
func Invokers() []Invoker {
	var all []Invoker
	for i, k := range kinds {
		for n := range k.count {
			all = append(all, Invoker{
				Name: fmt.Sprintf("%s-%02d", k.kind, n), Kind: k.kind, PrincipalType: k.principalType, PrincipalID: GUID(i+1, n),
			})
		}
	}
	return all
}

// Accounts are the storage accounts of the inputs.
func Accounts() []Account {
	var all []Account
	for _, name := range []string{"lake", "shared"} {
		all = append(all, Account{name, subscription + "/resourceGroups/data/providers/Microsoft.Storage/storageAccounts/" + name})
	}
	return all
}

// inputs is how many data inputs there are.
const inputs = 20

// Inputs are 20 containers, spread over the accounts.
func Inputs() []Input {
	accounts := Accounts()
	var all []Input
	for n := range inputs {
		name := fmt.Sprintf("input-%02d", n)
		all = append(all, Input{Name: name, Account: accounts[n%len(accounts)], Container: name})
	}
	return all
}

// GUID writes two numbers as a GUID. It stands for a GUID that a person would have written down, and costs as little.
func GUID(a, b int) string { return fmt.Sprintf("%08x-0000-4000-8000-%012x", a, b) }
