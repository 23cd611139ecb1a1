package rehearsal

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/access/services"
	"github.com/batchaccess/batchaccess/internal/arm"
	"github.com/batchaccess/batchaccess/internal/world"
	"github.com/batchaccess/batchaccess/roles"
	"github.com/batchaccess/batchaccess/sandbox/azure"
)

// SeedFrom is Seed with what a world has in place of guesses from the model: the workspace, its endpoints with their
// deployments, its data stores, clusters that the stack does not make, storage accounts, identities, and principals
// that are given by their IDs. With a nil world the guesses stay. If the world is not the stack's, or lacks what the
// stack refers to, the error lists all differences; tenants are the stack's, by the setting that names them. The model
// is the stack's own, not Identified.
func SeedFrom(w *world.World, m access.Model, tenants map[string]string, location string) (azure.Seed, error) {
	if w == nil {
		return Seed(m, location)
	}
	m = inForce(m, time.Now()) // Azure may not have the others any more
	if err := w.Check(m, tenants).Err(); err != nil {
		return azure.Seed{}, fmt.Errorf("the world is not the stack's:\n%w", err)
	}
	s, err := Seed(m, w.Workspace.Location)
	if err != nil {
		return s, err
	}
	s.TenantID = w.TenantID
	s.Workspaces = []azure.Workspace{{ID: w.Workspace.ID, Location: w.Workspace.Location, PrivateLink: w.Workspace.Private,
		SystemDatastoresAuthMode: strings.ToLower(w.Workspace.SystemDatastoresAuthMode),
		StorageAccountID:         w.Workspace.StorageAccountID,
		// The stack may mean another account than the workspace's own; only the stack knows it.
		ContainerRegistryID: cmp.Or(m.Services.ContainerRegistry, w.Workspace.ContainerRegistryID)}}
	s.ContainerRegistries = nil
	for _, r := range w.ContainerRegistries {
		s.ContainerRegistries = append(s.ContainerRegistries, azure.ContainerRegistry{ID: r.ID, AdminUser: r.AdminUser,
			ABAC: r.ABAC})
	}
	s.Datastores, s.DataAssets, s.UserAssignedIdentities = nil, nil, nil
	// Public data may be in accounts that are not in the world.
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
		return w.Cluster(c.Name) != nil // only the controls remain
	})...)
	endpoints := slices.DeleteFunc(s.Endpoints, func(e azure.Endpoint) bool { return w.Endpoint(e.Name) != nil })
	s.Endpoints = nil
	for _, e := range w.Endpoints {
		one := azure.Endpoint{WorkspaceID: w.Workspace.ID, Name: e.Name, Location: e.Location,
			DefaultDeployment: e.Default}
		for _, d := range e.Deployments {
			one.Deployments = append(one.Deployments, azure.Deployment{Name: d.Name, ComputeName: d.Cluster,
				Registries: known(w, d.Registries)})
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
	held(&s, w, m)
	return s, nil
}

// known are the registries in the world. For others, which the stack does not look at either, the sandbox could only
// say that it does not know who may use them.
func known(w *world.World, names []string) []string {
	return slices.DeleteFunc(slices.Clone(names), func(name string) bool {
		return world.Find(w.Registries, func(r world.Registry) string { return arm.Last(r.ID) }, name) == nil
	})
}

// held replaces assignments that are taken on trust (others grant what the stack does not make) by the roles and groups
// that principals have in the world. It keeps those of the controls and of principals that the stack makes.
func held(s *azure.Seed, w *world.World, m access.Model) {
	known := map[string]bool{}
	for _, g := range w.Groups {
		at := slices.IndexFunc(s.Groups, func(o azure.Group) bool { return strings.EqualFold(o.ObjectID, g.ObjectID) })
		if at < 0 {
			at = len(s.Groups)
			s.Groups = append(s.Groups, azure.Group{ObjectID: g.ObjectID, DisplayName: g.Name})
		}
		s.Groups[at].MemberIDs = append(s.Groups[at].MemberIDs, g.Members...)
		known[strings.ToLower(g.ObjectID)] = true
	}
	for _, p := range w.Principals {
		known[strings.ToLower(p.ObjectID)] = true
	}
	for _, c := range w.Clusters {
		known[strings.ToLower(c.PrincipalID)] = true
	}
	for _, i := range w.Identities {
		known[strings.ToLower(i.PrincipalID)] = true
	}
	s.RoleAssignments = slices.DeleteFunc(s.RoleAssignments, func(a azure.RoleAssignment) bool {
		return known[strings.ToLower(a.PrincipalID)]
	})
	for _, a := range w.RoleAssignments {
		one := azure.RoleAssignment{ID: a.ID, Scope: a.Scope, RoleID: strings.ToLower(a.RoleID), PrincipalID: a.PrincipalID,
			PrincipalType: a.PrincipalType, Condition: a.Condition}
		if a.At != "" { // the sandbox has no management groups between the root and a subscription
			one.ID, one.Scope = made("assignment", a.ID, a.At), a.At
		}
		if a.MadeBy != "" {
			one.Description = "[batchaccess:" + a.MadeBy + "/held]"
		}
		s.RoleAssignments = append(s.RoleAssignments, one)
	}
	for _, r := range w.ContainerRegistries {
		s.RoleAssignments = append(s.RoleAssignments, controlsPull(m.WorkspaceID.Text(), r.ID, r.Permissions())...)
	}
	existing := strings.ToLower(m.Role.RoleDefinitionGUID())
	s.RoleDefinitions = slices.DeleteFunc(s.RoleDefinitions, func(d azure.RoleDefinition) bool {
		return strings.EqualFold(d.ID, existing)
	})
	for _, r := range w.RoleDefinitions {
		d := azure.RoleDefinition{ID: strings.ToLower(r.ID), RoleName: r.Name, AssignableScopes: r.AssignableScopes}
		for _, p := range r.Permissions {
			d.Permissions = append(d.Permissions, azure.Permission{Actions: p.Actions, NotActions: p.NotActions,
				DataActions: p.DataActions, NotDataActions: p.NotDataActions, Condition: p.Condition})
		}
		s.RoleDefinitions = append(s.RoleDefinitions, d)
	}
}

// holds lists the roles that an identity has in the world already, with the group that gives them; "" for none.
func holds(w *world.World, id string) string {
	var all []string
	for _, a := range w.RoleAssignments {
		through := ""
		if !strings.EqualFold(a.PrincipalID, id) {
			group := world.Find(w.Groups, func(g world.Group) string { return g.ObjectID }, a.PrincipalID)
			if group == nil || !slices.ContainsFunc(group.Members, func(m string) bool { return strings.EqualFold(m, id) }) {
				continue
			}
			through = " through the group " + group.Name
		}
		name := a.RoleID
		if d, ok := roles.BuiltIn(a.RoleID); ok {
			name = d.RoleName
		} else if d := w.Role(a.RoleID); d != nil {
			name = d.Name
		}
		all = append(all, name+" on "+a.Scope+through)
	}
	return strings.Join(all, ", ")
}

// identifiedIn is Identified with the world's answers about the workspace.
func identifiedIn(w *world.World, m access.Model) access.Model {
	s := &m.Services
	if w == nil || !s.LookUp {
		return Identified(m)
	}
	for _, mode := range services.AuthModes {
		if s.SystemDatastoresAuthMode == "" && strings.EqualFold(mode, w.Workspace.SystemDatastoresAuthMode) {
			s.SystemDatastoresAuthMode = services.AuthMode(mode)
		}
	}
	for name, id := range m.StorageAccounts {
		own := strings.EqualFold(id.Text(), w.Workspace.StorageAccountID)
		if s.SystemDatastoresAuthMode == services.ByIdentity && s.StorageAccount == "" && own {
			s.StorageAccount = name
		}
	}
	if s.RegistryPermissions != services.ByAdminUser {
		s.ContainerRegistry = cmp.Or(s.ContainerRegistry, w.Workspace.ContainerRegistryID)
	}
	if r := w.ContainerRegistry(s.ContainerRegistry); r != nil && s.RegistryPermissions == "" && r.AdminUser {
		s.RegistryPermissions = services.ByAdminUser // the plugin's look-up returns no more
	}
	m.Endpoints = maps.Clone(m.Endpoints)
	for name, e := range m.Endpoints {
		there := w.Endpoint(name)
		if e.Registries != nil || there == nil {
			continue
		}
		used := func(deployment string) []string {
			names := []string{}
			d := world.Find(there.Deployments, func(d world.Deployment) string { return d.Name }, deployment)
			for _, key := range slices.Sorted(maps.Keys(m.Registries)) {
				if d != nil && slices.ContainsFunc(d.Registries, func(called string) bool {
					return strings.EqualFold(called, arm.Last(m.Registries[key].Text()))
				}) {
					names = append(names, key)
				}
			}
			return names
		}
		if len(e.Deployments) == 0 {
			e.Registries = used(cmp.Or(e.Deployment, there.Default))
		}
		e.Deployments = maps.Clone(e.Deployments)
		for deployment, d := range e.Deployments {
			if d.Registries == nil {
				d.Registries = used(deployment)
				e.Deployments[deployment] = d
			}
		}
		m.Endpoints[name] = e
	}
	return Identified(m)
}

// notMade are the clusters of the world that the stack does not make: a rehearsal begins before its first deployment.
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
