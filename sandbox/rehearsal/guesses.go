package rehearsal

import (
	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/access/services"
)

// guesses are the names of the azure.Guesses that the outcomes of rehearsing the model depend on.
func guesses(m access.Model) []string {
	all := []string{"actions at the endpoint"}
	mounted, public := false, false
	for _, input := range m.DataInputs {
		switch input.Mechanism() {
		case access.ByStoreCredential:
		case access.ByAnyone:
			public = true
		default:
			mounted = true
		}
	}
	if mounted || len(m.DataOutputs) > 0 {
		all = append(all, "mounting")
	}
	if len(m.DataOutputs) > 0 {
		all = append(all, "outputs")
	}
	for _, e := range m.EffectiveEndpoints() {
		if len(e.Outputs) > 1 && e.Parallel(e.Deployment) {
			all = append(all, "several outputs")
			break
		}
	}
	if m.Services.SystemDatastoresAuthMode == services.ByIdentity {
		all = append(all, "own stores")
	}
	if m.Services.RegistryPermissions != "" {
		all = append(all, "images")
	}
	if public {
		all = append(all, "public data")
	}
	for _, cluster := range m.Clusters {
		if len(cluster.MoreIdentityIDs) > 0 {
			all = append(all, "default identity")
			break
		}
	}
	if len(all) > 1 { // after its start a job can fail at something that this guess decides
		all = append(all, "failed jobs")
	}
	return all
}
