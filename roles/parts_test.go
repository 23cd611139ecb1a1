package roles_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/batchaccess/batchaccess/roles"
)

// sixAtEndpoint is written from facts/batch-endpoints.md, Permissions, and not from the code.
var sixAtEndpoint = []string{"batchEndpoints/read", "batchEndpoints/write", "batchEndpoints/deployments/read",
	"batchEndpoints/deployments/write", "batchEndpoints/deployments/jobs/write", "batchEndpoints/jobs/write"}

func TestTheTwoPartsAreTheRoleNoMoreAndNoFewer(t *testing.T) {
	t.Parallel()
	for name, additions := range map[string][]string{
		"the article's 35": nil, "with pollJobs": {"pollJobs"}, "with all additions": roles.AdditionNames(),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			whole, wrong := roles.Invoker().With(additions...)
			assert.Empty(t, wrong)
			endpoint, workspace := whole.Parts()
			both := slices.Concat(endpoint.Permissions[0].Actions, workspace.Permissions[0].Actions)
			assert.ElementsMatch(t, whole.Permissions[0].Actions, both, "each action stands in one of the two, once")
			for _, action := range both {
				assert.Equal(t, strings.Contains(action, "/workspaces/batchEndpoints/"),
					slices.Contains(endpoint.Permissions[0].Actions, action), action)
			}
			assert.Equal(t, "Batch Endpoint Invoker (endpoint)", endpoint.RoleName)
			assert.Equal(t, "Batch Endpoint Invoker (workspace)", workspace.RoleName)
			assert.Empty(t, slices.Concat(endpoint.Validate(), workspace.Validate()))
		})
	}
}

func TestThePartsOfTheArticlesRole(t *testing.T) {
	t.Parallel()
	endpoint, workspace := roles.Invoker().Parts()
	var short []string
	for _, action := range endpoint.Permissions[0].Actions {
		short = append(short, strings.TrimPrefix(action, "Microsoft.MachineLearningServices/workspaces/"))
	}
	assert.Equal(t, sixAtEndpoint, short)
	assert.Len(t, workspace.Permissions[0].Actions, 29)
	assert.Len(t, roles.Invoker().Permissions[0].Actions, 35, "the parts are copies")
}

// Watching jobs is split the same way: actions on an endpoint's jobs at the endpoint, actions on the workspace's jobs
// at the workspace.
func TestWatchingJobsIsSplitToo(t *testing.T) {
	t.Parallel()
	whole, _ := roles.Invoker().With("pollJobs", "cancelJobs")
	endpoint, workspace := whole.Parts()
	const ml = "Microsoft.MachineLearningServices/workspaces/"
	for action, at := range map[string]roles.Definition{
		ml + "batchEndpoints/jobs/read": endpoint, ml + "batchEndpoints/deployments/jobs/read": endpoint,
		ml + "jobs/read": workspace, ml + "jobs/cancel/action": workspace,
	} {
		assert.Contains(t, at.Permissions[0].Actions, action)
	}
}

func TestAtEndpointIsAboutWholeSegments(t *testing.T) {
	t.Parallel()
	const ml = "Microsoft.MachineLearningServices/workspaces/"
	for action, want := range map[string]bool{
		ml + "batchEndpoints/read": true, strings.ToUpper(ml) + "BATCHENDPOINTS/jobs/write": true,
		ml + "batchEndpoints": false, ml + "batchEndpoints/": false, ml + "batchEndpointsOther/read": false,
		ml + "onlineEndpoints/read": false, ml + "endpoints/pipelines/read": false, "": false, ml + "*": false,
		"Microsoft.Other/workspaces/batchEndpoints/read": false,
	} {
		assert.Equal(t, want, roles.AtEndpoint(action), action)
	}
}
