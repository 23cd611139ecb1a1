package access

import (
	"github.com/batchaccess/batchaccess/internal/cloud"
	"github.com/batchaccess/batchaccess/internal/problem"
)

// What Azure allows in one region of a subscription, unless it is asked for more: batch endpoints and deployments
// (facts/batch-endpoints.md, Names), compute resources (facts/compute-clusters.md, Size). Azure's page on quotas
// (azure-ai-docs, how-to-manage-quotas.md, 2026-01-27) allows exceptions from each, so none is an error.
const (
	maxEndpoints             = 100
	maxDeployments           = 500
	maxDeploymentsOfEndpoint = 20
	maxComputes              = 500
)

// quotas warns of a model that has more in its workspace than a region holds, or nearly so.
func (v *validator) quotas() {
	deployments := 0
	for _, name := range sorted(v.m.Endpoints) {
		n := len(v.m.Endpoints[name].runsOn())
		deployments += n
		if n > maxDeploymentsOfEndpoint {
			v.quota("endpoints."+name+".deployments", n, maxDeploymentsOfEndpoint, "deployments", "of an endpoint",
				"another endpoint")
		}
	}
	const everybody = "in a region of a subscription, those of everybody together"
	const instead = "a workspace in another region"
	v.quota("endpoints", len(v.m.Endpoints), maxEndpoints, "batch endpoints", everybody, instead)
	v.quota("endpoints", deployments, maxDeployments, "deployments of batch endpoints", everybody, instead)
	v.quota("clusters", len(v.m.Clusters), maxComputes, "compute clusters", everybody, instead)
}

func (v *validator) quota(path string, n, limit int, what, in, instead string) {
	fix := "ask Azure for a higher quota, or use " + instead
	switch {
	case n > limit:
		v.Warn(problem.Limit, path, fix, "names %d %s, more than the %d that Azure allows %s", n, what, limit, in)
	case cloud.NearLimit(n, limit):
		v.Warn(problem.Limit, path, fix, "names %d of the %d %s that Azure allows %s", n, limit, what, in)
	}
}
