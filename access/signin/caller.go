package signin

import "github.com/batchaccess/batchaccess/internal/arm"

// A Caller is the service or host that starts jobs as a managed identity. It decides what howToInvoke says, and nothing
// that is granted.
type Caller string

// The callers (facts/batch-endpoints.md, Callers).
const (
	DataFactory    Caller = "dataFactory"
	Synapse        Caller = "synapse"
	LogicApp       Caller = "logicApp"
	FunctionApp    Caller = "functionApp" // App Service too
	VirtualMachine Caller = "virtualMachine"
)

// callers are the callers, with the type of the Azure resource that each is.
var callers = []struct {
	caller Caller
	typ    string
}{
	{DataFactory, "Microsoft.DataFactory/factories"}, {Synapse, "Microsoft.Synapse/workspaces"},
	{LogicApp, "Microsoft.Logic/workflows"}, {FunctionApp, "Microsoft.Web/sites"},
	{VirtualMachine, "Microsoft.Compute/virtualMachines"},
}

// CallerOf is the caller that a resource is, "" where it may be any.
func CallerOf(resourceID string) Caller {
	for _, row := range callers {
		if _, err := arm.Parse(resourceID, row.typ); err == nil {
			return row.caller
		}
	}
	return ""
}

// Callers are all callers.
func Callers() (all []string) {
	for _, row := range callers {
		all = append(all, string(row.caller))
	}
	return all
}
