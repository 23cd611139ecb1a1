package access

import (
	"slices"
	"strings"

	"github.com/batchaccess/batchaccess/access/signin"
)

// CalledFrom returns the service that the invoker starts jobs from: Caller, or else the resource whose identity it is;
// "" where neither is known.
func (i Invoker) CalledFrom() signin.Caller {
	if i.Caller != "" {
		return i.Caller
	}
	return signin.CallerOf(i.ResourceID)
}

// caller refuses an unknown Caller, one for an invoker that is no managed identity, and one that contradicts the
// resource whose identity the invoker is.
func (v *validator) caller(path string, i Invoker) {
	if i.Caller == "" {
		return
	}
	path += ".caller"
	switch of := signin.CallerOf(i.ResourceID); {
	case !slices.Contains(signin.Callers(), string(i.Caller)):
		v.add(path, "write one of "+strings.Join(signin.Callers(), ", "), "unknown value %q", i.Caller)
	case i.Kind != ManagedIdentity:
		v.add(path, "leave it out: federatedCredentials, clientSecrets and the kind say how it starts jobs",
			"only goes with kind managedIdentity")
	case of != "" && of != i.Caller &&
		!(of == signin.FunctionApp && i.Caller == signin.LogicApp): // a Logic App of the Standard plan is a site
		v.add(path, "leave it out, or write "+string(of), "is %s, but resourceId is of a %s", i.Caller, of)
	}
}
