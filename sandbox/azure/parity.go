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
		{"actions at the endpoint", "invoking takes those of the 35 actions that are about batch endpoints at the " +
			"endpoint, the others at the workspace, from a role there or above"},
		{"polling", "a job is read by its scoring URI with batchEndpoints/jobs/read, else with workspaces/jobs/read"},
		{"mounting", "the cluster identity mounts with containers/read and blobs/read, at the container or above it"},
		{"outputs", "an output takes blobs/write of the cluster identity, and of the job identity too"},
		{"own stores", "the workspace's own stores are used before any data, with all data actions of the roles that a " +
			"sheet names, by a principal of any kind as by a user; the first that is missing is named"},
		{"images", "the image is pulled after the shared registries of the deployment are used, and before the workspace's " +
			"own stores; from the workspace's container registry alone"},
		{"public data", "a container that anyone may read takes no role of the cluster identity, nor of the job identity"},
		{"default identity", "a cluster mounts with the first of its user-assigned identities"},
		{"pipeline jobs", "a batch job is a job of the workspace of type Pipeline, in the experiment of its endpoint's name"},
		{"failed jobs", "a job that failed says why by its scoring URI, as a code and a message in properties.error"},
		{"order of refusals", "of several missing actions the first of the article's list is named"},
	}
}
