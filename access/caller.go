package access

import (
	"slices"
	"strings"

	"github.com/batchaccess/batchaccess/internal/arm"
)

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

// callerOf is the caller that a resource is, "" where it may be any.
func callerOf(resourceID string) Caller {
	for _, row := range callers {
		if _, err := arm.Parse(resourceID, row.typ); err == nil {
			return row.caller
		}
	}
	return ""
}

// CalledFrom is where the invoker starts jobs from: what Caller says, else the resource whose identity it is; "" where
// neither is known.
func (i Invoker) CalledFrom() Caller {
	if i.Caller != "" {
		return i.Caller
	}
	return callerOf(i.ResourceID)
}

// caller refuses one that is none, that has no managed identity, and that is not the resource whose identity it is.
func (v *validator) caller(path string, i Invoker) {
	if i.Caller == "" {
		return
	}
	path += ".caller"
	var known []string
	for _, row := range callers {
		known = append(known, string(row.caller))
	}
	switch of := callerOf(i.ResourceID); {
	case !slices.Contains(known, string(i.Caller)):
		v.add(path, "write one of "+strings.Join(known, ", "), "unknown value %q", i.Caller)
	case i.Kind != ManagedIdentity:
		v.add(path, "leave it out: federatedCredentials, clientSecrets and the kind say how it starts jobs",
			"only goes with kind managedIdentity")
	case of != "" && of != i.Caller &&
		!(of == FunctionApp && i.Caller == LogicApp): // a Logic App of the Standard plan is a site
		v.add(path, "leave it out, or write "+string(of), "is %s, but resourceId is of a %s", i.Caller, of)
	}
}
