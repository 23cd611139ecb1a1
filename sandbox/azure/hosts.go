package azure

import (
	"fmt"
	"slices"
	"strings"

	"github.com/batchaccess/batchaccess/sandbox/azure/internal/armid"
	"github.com/batchaccess/batchaccess/sandbox/azure/internal/state"
)

// AttachIdentity attaches a user-assigned identity, given by its ARM ID or its client ID, to a virtual machine that
// the sandbox makes in the identity's resource group. It stands for `az vm identity assign`: an identity that is
// attached to nothing can't sign in at a virtual machine.
func (a *Azure) AttachIdentity(identity string) error {
	return a.store.Update(func(st *state.State) error {
		if sp := st.ServicePrincipalByAppID(identity); sp != nil {
			identity = sp.ResourceID
		}
		id := armid.Parse(identity)
		resource := st.Resources[id.Key()]
		if resource == nil || !id.Is(typeIdentity) {
			return fmt.Errorf("attaching an identity: there is no user-assigned identity %q", identity)
		}
		host := Host{
			ID: id.Scope + "/providers/Microsoft.Compute/virtualMachines/sandbox", Location: resource.Location,
			UserAssignedIdentityIDs: []string{id.String()},
		}
		if old := st.Resources[armid.Key(host.ID)]; old != nil && old.Identity != nil {
			others := slices.DeleteFunc(slices.Clone(old.Identity.UserAssigned), func(other string) bool {
				return strings.EqualFold(other, id.String())
			})
			host.UserAssignedIdentityIDs = append(host.UserAssignedIdentityIDs, others...)
		}
		(&seeding{st: st, now: a.store.Now()}).host(host)
		return nil
	})
}
