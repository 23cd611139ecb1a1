package arm

import (
	"net/http"
	"strings"

	"github.com/batchaccess/batchaccess/sandbox/azure/internal/armid"
	"github.com/batchaccess/batchaccess/sandbox/azure/internal/state"
	"github.com/batchaccess/batchaccess/sandbox/azure/internal/wire"
)

// The number of things that a region of a subscription may have, unless somebody has asked Azure for more:
// facts/compute-clusters.md, Size, and facts/batch-endpoints.md, Names. Seeded ones exist anyway, and may be more.
const (
	maxComputes              = 500
	maxDeployments           = 500
	maxDeploymentsOfEndpoint = 20
)

// exceeds refuses a new resource beyond a quota. Azure refuses clusters with BadRequest if there are too few cores
// (Azure/mlops-v2 issue 81); that it does so for the number of clusters, and for deployments, is inferred.
func (c *call) exceeds(most int, what, where string, counts func(id armid.ID, r *state.Resource) bool) error {
	if c.st.Resources[c.id.Key()] != nil {
		return nil
	}
	there := 0
	for _, r := range c.st.Resources {
		if id := armid.Parse(r.ID); id.Is(c.id.Type()) && strings.EqualFold(id.Subscription(), c.id.Subscription()) &&
			counts(id, r) {
			there++
		}
	}
	if there < most {
		return nil
	}
	return wire.Errorf(http.StatusBadRequest, "BadRequest",
		"the quota of %d %s in %s is used up: there are %d", most, what, where, there)
}

// fitsComputes refuses a cluster if the region of its nodes has as many as it may have.
func (c *call) fitsComputes(region string) error {
	return c.exceeds(maxComputes, "compute resources", region, func(_ armid.ID, r *state.Resource) bool {
		where, _ := r.Properties["computeLocation"].(string)
		return sameRegion(where, region)
	})
}

// fitsDeployments refuses a deployment if its endpoint, or the region, has as many as it may have.
func (c *call) fitsDeployments(endpoint, region string) error {
	err := c.exceeds(maxDeploymentsOfEndpoint, "deployments", endpoint, func(id armid.ID, _ *state.Resource) bool {
		return armid.Key(id.Parent()) == armid.Key(endpoint)
	})
	if err != nil {
		return err
	}
	return c.exceeds(maxDeployments, "deployments", region, func(id armid.ID, _ *state.Resource) bool {
		of := c.st.Resources[armid.Key(id.Parent())]
		return of != nil && sameRegion(of.Location, region)
	})
}

func sameRegion(a, b string) bool {
	return strings.EqualFold(strings.ReplaceAll(a, " ", ""), strings.ReplaceAll(b, " ", ""))
}
