package azure

import (
	"slices"

	"github.com/batchaccess/batchaccess/sandbox/azure/internal/state"
)

// Inventory lists the IDs of everything that exists and was not seeded, sorted: resources, role definitions and
// assignments by ARM ID; directory objects as /applications/{id}, /servicePrincipals/{id}, /groups/{id}; and their
// parts as /applications/{id}/passwords/{key}, /applications/{id}/federatedIdentityCredentials/{id} and
// /groups/{id}/members/{id}. Jobs are left out, because they are history. After a stack was destroyed the list is
// empty.
func (a *Azure) Inventory() []string {
	var ids []string
	_ = a.store.View(func(st *state.State) error {
		for _, r := range st.Resources {
			if !r.Seeded {
				ids = append(ids, r.ID)
			}
		}
		for guid, r := range st.RoleDefinitions {
			if !r.Seeded {
				ids = append(ids, "/providers/Microsoft.Authorization/roleDefinitions/"+guid)
			}
		}
		for _, r := range st.RoleAssignments {
			if !r.Seeded {
				scope := r.Scope
				if scope == "/" {
					scope = ""
				}
				ids = append(ids, scope+"/providers/Microsoft.Authorization/roleAssignments/"+r.Name)
			}
		}
		ids = append(ids, directoryInventory(st)...)
		return nil
	})
	slices.Sort(ids)
	return ids
}

func directoryInventory(st *state.State) []string {
	var ids []string
	for _, app := range st.Applications {
		id := "/applications/" + app.ID
		if !app.Seeded {
			ids = append(ids, id)
		}
		for _, p := range app.Passwords {
			if !p.Seeded {
				ids = append(ids, id+"/passwords/"+p.KeyID)
			}
		}
		for _, f := range app.Federated {
			ids = append(ids, id+"/federatedIdentityCredentials/"+f.ID)
		}
	}
	for _, sp := range st.ServicePrincipals {
		if !sp.Seeded {
			ids = append(ids, "/servicePrincipals/"+sp.ID)
		}
	}
	for _, group := range st.Groups {
		id := "/groups/" + group.ID
		if !group.Seeded {
			ids = append(ids, id)
		}
		for member, seeded := range group.Members {
			if !seeded {
				ids = append(ids, id+"/members/"+member)
			}
		}
	}
	return ids
}
