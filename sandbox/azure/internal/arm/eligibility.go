package arm

import "github.com/batchaccess/batchaccess/sandbox/azure/internal/wire"

const typeEligible = "Microsoft.Authorization/roleEligibilityScheduleInstances"

// listEligible answers that nobody is eligible for a role. The sandbox refuses the requests that would make somebody
// eligible (Microsoft Learn, "Role Eligibility Schedule Instances - List For Scope").
func listEligible(c *call) (wire.Reply, error) {
	if _, err := c.filter("atScope()"); err != nil {
		return wire.Reply{}, err
	}
	return c.page(nil)
}
