package rehearsal

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/access/services"
	"github.com/batchaccess/batchaccess/internal/world"
	"github.com/batchaccess/batchaccess/sandbox/azure"
)

// neverChecked has what Azure decides by and the sandbox does not model.
var neverChecked = []string{
	"Azure Policy, resource locks, Conditional Access, role assignments that are only eligible",
	"networks: firewalls, private endpoints, name resolution",
	"whether the data, the model and the environment of a deployment work; quotas of cores",
}

// notChecked names what a rehearsal of the model takes on trust, besides what the sandbox never looks at.
func notChecked(m access.Model, w *world.World, weather azure.Weather) (all []string) {
	add := func(what string, names []string) {
		if len(names) > 0 {
			all = append(all, fmt.Sprintf("%s: %s", what, strings.Join(names, ", ")))
		}
	}
	var raw, hosts, trusted, elsewhere []string
	for _, name := range slices.Sorted(maps.Keys(m.Invokers)) {
		i := m.Invokers[name]
		if i.Kind == access.ManagedIdentity && !i.Exists() {
			hosts = append(hosts, name)
		}
		switch inWorld := w != nil && w.Principal(i.PrincipalID.Text()) != nil; {
		case !i.Exists() || len(i.FederatedCredentials)+len(i.ClientSecrets) > 0:
		case inWorld:
			elsewhere = append(elsewhere, name)
		default:
			trusted = append(trusted, name)
		}
		for _, key := range slices.Sorted(maps.Keys(i.FederatedCredentials)) {
			if workloadOf(i.FederatedCredentials[key]) == nil {
				raw = append(raw, name+"."+key)
			}
		}
	}
	add("subject not checked, because issuer and subject are literal values", raw)
	add("on which host the identity is used", hosts)
	add("how they sign in, and that their IDs are right", trusted)
	add("how they sign in", elsewhere)
	var clusters []string
	for _, name := range slices.Sorted(maps.Keys(m.Clusters)) {
		if m.Clusters[name].Existing {
			clusters = append(clusters, name)
		}
	}
	if w == nil {
		var pulls []string
		for _, name := range slices.Sorted(maps.Keys(m.Services.ImagePull)) {
			if m.Services.ImagePull[name] == services.Assigned {
				pulls = append(pulls, name)
			}
		}
		add("that others have assigned the roles that workspace.imagePull says they assign", pulls)
		add("that the cluster exists and which identity it has", clusters)
	}
	if w == nil || len(m.Endpoints) == 0 {
		add("that the endpoint exists and runs on that cluster", slices.Sorted(maps.Keys(m.EffectiveEndpoints())))
	}
	if w != nil {
		all = append(all, "what has changed in Azure since the file of --world was written",
			"existing deny assignments, and members of groups who are not principals of the stack")
	} else if m.Role.RoleDefinitionID.Given() {
		all = append(all, "that the existing role allows what the configuration says of it")
	}
	if s := m.Services; s.LookUp && w == nil {
		all = append(all, fmt.Sprintf("that the real workspace has the settings that the sandbox's has: "+
			"systemDatastoresAuthMode %s, registryPermissions %s", s.SystemDatastoresAuthMode, s.RegistryPermissions))
	}
	for _, hop := range m.NotLookedAt() {
		all = append(all, "what a job uses beside its data: "+hop)
	}
	if weather.Propagation == 0 && weather.IdentityTokens == 0 {
		all = append(all, "how late grants act: up to 10 minutes, up to 24 hours for a managed identity through a group")
	}
	return append(all, neverChecked...)
}
