package signin

import "github.com/batchaccess/batchaccess/internal/arm"

// A Caller is the service or host that starts jobs as a managed identity. It changes the text of howToInvoke, and no
// grant.
type Caller string

// The callers (facts/batch-endpoints.md, Callers).
const (
	DataFactory    Caller = "dataFactory"
	Synapse        Caller = "synapse"
	LogicApp       Caller = "logicApp"
	FunctionApp    Caller = "functionApp" // App Service too
	VirtualMachine Caller = "virtualMachine"
)

// callers holds each caller and its type of Azure resource.
var callers = []struct {
	caller Caller
	typ    string
}{
	{DataFactory, "Microsoft.DataFactory/factories"}, {Synapse, "Microsoft.Synapse/workspaces"},
	{LogicApp, "Microsoft.Logic/workflows"}, {FunctionApp, "Microsoft.Web/sites"},
	{VirtualMachine, "Microsoft.Compute/virtualMachines"},
}

// CallerOf returns the caller that a resource is; "" where it may be any.
func CallerOf(resourceID string) Caller {
	for _, row := range callers {
		if _, err := arm.Parse(resourceID, row.typ); err == nil {
			return row.caller
		}
	}
	return ""
}

// Callers returns every caller.
func Callers() (all []string) {
	for _, row := range callers {
		all = append(all, string(row.caller))
	}
	return all
}
