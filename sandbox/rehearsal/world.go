package rehearsal

import (
	"fmt"
	"slices"
	"strings"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/internal/world"
	"github.com/batchaccess/batchaccess/sandbox/azure"
)

// SeedFrom is Seed with what a world has in the place of what is guessed from the model: the workspace, its endpoints
// with their deployments, its data stores, the clusters that the stack does not make, storage accounts, identities, and
// principals that are given by their IDs. A nil world leaves the guesses. One that is not the stack's, or lacks what
// the stack refers to, is an error that names all of it; tenants are the stack's, by where they were read. The model is
// as the stack has it, not Identified.
func SeedFrom(w *world.World, m access.Model, tenants map[string]string, location string) (azure.Seed, error) {
	if w == nil {
		return Seed(m, location)
	}
	if err := w.Check(m, tenants).Err(); err != nil {
		return azure.Seed{}, fmt.Errorf("the world is not that of the stack:\n%w", err)
	}
	s, err := Seed(m, w.Workspace.Location)
	if err != nil {
		return s, err
	}
	s.TenantID = w.TenantID
	s.Workspaces = []azure.Workspace{{ID: w.Workspace.ID, Location: w.Workspace.Location, PrivateLink: w.Workspace.Private,
		// the file does not hold it, so it is what the configuration says
		SystemDatastoresAuthMode: s.Workspaces[0].SystemDatastoresAuthMode,
		ContainerRegistryID:      s.Workspaces[0].ContainerRegistryID,
		StorageAccountID:         s.Workspaces[0].StorageAccountID}}
	s.Datastores, s.DataAssets, s.UserAssignedIdentities = nil, nil, nil
	// Public data may be in accounts that are nobody's here.
	s.StorageAccounts = slices.DeleteFunc(s.StorageAccounts, func(a azure.StorageAccount) bool {
		return len(a.PublicContainers) == 0
	})
	for _, a := range w.StorageAccounts {
		one := azure.StorageAccount{ID: a.ID, Kind: a.Kind, HNS: a.Hierarchical, Firewall: a.Firewall,
			Containers: a.Containers}
		at := slices.IndexFunc(s.StorageAccounts, func(g azure.StorageAccount) bool { return strings.EqualFold(g.ID, a.ID) })
		if at < 0 {
			s.StorageAccounts = append(s.StorageAccounts, one)
			continue
		}
		one.PublicContainers = s.StorageAccounts[at].PublicContainers
		s.StorageAccounts[at] = one
	}
	for _, d := range w.DataStores {
		s.Datastores = append(s.Datastores, azure.Datastore{WorkspaceID: w.Workspace.ID, Name: d.Name, Type: d.Type,
			AccountID: d.AccountID, Container: d.Container, HasCredentials: d.Credential})
	}
	for _, d := range w.DataAssets {
		s.DataAssets = append(s.DataAssets, azure.DataAsset{WorkspaceID: w.Workspace.ID, Name: d.Name, Version: d.Version,
			Datastore: d.DataStore, Path: d.Path, Type: d.Type})
	}
	for _, i := range w.Identities {
		s.UserAssignedIdentities = append(s.UserAssignedIdentities, azure.UserAssignedIdentity{ID: i.ID,
			PrincipalID: i.PrincipalID, ClientID: i.ClientID, Location: i.Location})
	}
	s.Computes = append(notMade(w, m), slices.DeleteFunc(s.Computes, func(c azure.Compute) bool {
		return w.Cluster(c.Name) != nil // the controls are left
	})...)
	endpoints := slices.DeleteFunc(s.Endpoints, func(e azure.Endpoint) bool { return w.Endpoint(e.Name) != nil })
	s.Endpoints = nil
	for _, e := range w.Endpoints {
		one := azure.Endpoint{WorkspaceID: w.Workspace.ID, Name: e.Name, Location: e.Location,
			DefaultDeployment: e.Default}
		for _, d := range e.Deployments {
			one.Deployments = append(one.Deployments, azure.Deployment{Name: d.Name, ComputeName: d.Cluster})
		}
		s.Endpoints = append(s.Endpoints, one)
	}
	s.Endpoints = append(s.Endpoints, endpoints...)
	for i, u := range s.Users {
		if p := w.Principal(u.ObjectID); p != nil {
			s.Users[i].UserPrincipalName, s.Users[i].DisplayName = p.Name, p.Name
		}
	}
	for i, g := range s.Groups {
		if p := w.Principal(g.ObjectID); p != nil {
			s.Groups[i].DisplayName = p.Name
		}
	}
	for i, sp := range s.ServicePrincipals {
		if p := w.Principal(sp.ObjectID); p != nil {
			s.ServicePrincipals[i].DisplayName, s.ServicePrincipals[i].ClientID = p.Name, p.ClientID
		}
	}
	return s, nil
}

// notMade are the clusters of the world that the stack does not make: a rehearsal begins where none of it is deployed.
func notMade(w *world.World, m access.Model) (all []azure.Compute) {
	made := func(name string) bool {
		for key, c := range m.Clusters {
			if !c.Existing && strings.EqualFold(c.NameOr(key), name) {
				return true
			}
		}
		return false
	}
	for _, c := range w.Clusters {
		if !made(c.Name) {
			all = append(all, azure.Compute{WorkspaceID: w.Workspace.ID, Name: c.Name, Location: c.Location,
				SystemAssignedPrincipalID: c.PrincipalID, UserAssignedIdentityIDs: c.IdentityIDs})
		}
	}
	return all
}
