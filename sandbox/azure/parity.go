package azure

import (
	"slices"

	"github.com/batchaccess/batchaccess/sandbox/azure/internal/arm"
	"github.com/batchaccess/batchaccess/sandbox/azure/internal/graph"
)

// Operations lists everything that the sandbox serves, sorted: "ARM " before operations of Resource Manager, "Graph "
// before those of Microsoft Graph.
func Operations() []string {
	all := []string{
		"GET /metadata/endpoints", "GET /metadata/identity/oauth2/token", "GET /msi/token",
		"POST /{tenant}/oauth2/token", "POST /{tenant}/oauth2/v2.0/token",
		"GET /{tenant}/.well-known/openid-configuration", "GET /{tenant}/v2.0/.well-known/openid-configuration",
		"GET /{tenant}/discovery/keys", "GET /{tenant}/discovery/v2.0/keys",
		"POST {scoring URI}", "GET {scoring URI}/{job}",
		"GET /blob/{account}/{container}/{path}", "PUT /blob/{account}/{container}/{path}",
	}
	for _, operation := range arm.Operations() {
		all = append(all, "ARM "+operation)
	}
	for _, operation := range graph.Operations() {
		all = append(all, "Graph "+operation)
	}
	slices.Sort(all)
	return all
}

// A Guess is something that the sandbox does although no document says that Azure does it.
type Guess struct{ Name, What string }

// Guesses are all guesses that the outcome of a job, or a way to sign in, can depend on.
func Guesses() []Guess {
	return []Guess{
		{"actions at the endpoint", "invoking needs the actions about batch endpoints at the endpoint, and the " +
			"others of the 35 at the workspace, from a role there or above"},
		{"polling", "reading a job needs batchEndpoints/jobs/read at its scoring URI, and workspaces/jobs/read " +
			"in Resource Manager"},
		{"mounting", "mounting needs containers/read and blobs/read for the cluster identity, at the container " +
			"or above it"},
		{"outputs", "an output needs blobs/write for the cluster identity and for the job identity"},
		{"several outputs", "a deployment of which it is not known whether it is one of a model, which has one output, " +
			"takes several"},
		{"own stores", "a job uses the workspace's own stores before any data; it needs all data actions of the " +
			"roles that a sheet names, whatever the kind of its invoker; the error names the first missing action"},
		{"images", "a job uses the deployment's shared registries first, then pulls the image, then uses the " +
			"workspace's own stores; it pulls only from the workspace's container registry"},
		{"public data", "for a container that anyone may read, neither the cluster identity nor the job " +
			"identity needs a role"},
		{"default identity", "a cluster mounts with the first of its user-assigned identities"},
		{"pipeline jobs", "a batch job is a job of the workspace of type Pipeline, in the experiment of its " +
			"endpoint's name"},
		{"failed jobs", "at its scoring URI, a failed job has a code and a message in properties.error"},
		{"order of refusals", "if several actions are missing, the error names the first in the article's list"},
	}
}
