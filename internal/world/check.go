package world

import (
	"maps"
	"slices"
	"strings"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/access/services"
	"github.com/batchaccess/batchaccess/internal/arm"
	"github.com/batchaccess/batchaccess/roles"
)

const missing = "make it, correct this, or write the file again with batchaccess export"

// Find returns the item with the name, in any letter case; nil if there is none.
func Find[T any](all []T, name func(T) string, wanted string) *T {
	at := slices.IndexFunc(all, func(one T) bool { return strings.EqualFold(name(one), wanted) })
	if at < 0 {
		return nil
	}
	return &all[at]
}

// Endpoint returns the endpoint with the name; nil if there is none. The next functions do the same for other things.
func (w *World) Endpoint(name string) *Endpoint {
	return Find(w.Endpoints, func(e Endpoint) string { return e.Name }, name)
}

// Cluster returns the workspace's cluster with the name.
func (w *World) Cluster(name string) *Cluster {
	return Find(w.Clusters, func(c Cluster) string { return c.Name }, name)
}

// account returns the storage account with the ARM ID.
func (w *World) account(id string) *StorageAccount {
	return Find(w.StorageAccounts, func(a StorageAccount) string { return a.ID }, id)
}

// identity returns the identity with the ARM ID.
func (w *World) identity(id string) *Identity {
	return Find(w.Identities, func(i Identity) string { return i.ID }, id)
}

// Principal returns the principal with the object ID.
func (w *World) Principal(objectID string) *Principal {
	return Find(w.Principals, func(p Principal) string { return p.ObjectID }, objectID)
}

// ContainerRegistry returns the container registry with the ARM ID.
func (w *World) ContainerRegistry(id string) *ContainerRegistry {
	return Find(w.ContainerRegistries, func(r ContainerRegistry) string { return r.ID }, id)
}

// registry returns the shared registry with the ARM ID.
func (w *World) registry(id string) *Registry {
	return Find(w.Registries, func(r Registry) string { return r.ID }, id)
}

// Role returns the custom role with the GUID.
func (w *World) Role(guid string) *RoleDefinition {
	return Find(w.RoleDefinitions, func(r RoleDefinition) string { return r.ID }, guid)
}

// Without returns the world without what the given stack, project/stack, has made: its assignments and their custom
// roles, except the one that its model refers to. A rehearsal begins where nothing of the stack is deployed.
func (w *World) Without(stack string, m access.Model) *World {
	if w == nil {
		return nil
	}
	is := func(a RoleAssignment) bool { return strings.EqualFold(a.MadeBy, stack) }
	its := map[string]bool{}
	for _, a := range w.RoleAssignments {
		if guid := strings.ToLower(a.RoleID); is(a) && guid != strings.ToLower(m.Role.RoleDefinitionGUID()) {
			its[guid] = w.Role(guid) != nil
		}
	}
	rest := *w
	rest.RoleAssignments = slices.DeleteFunc(slices.Clone(w.RoleAssignments), func(a RoleAssignment) bool {
		return is(a) || its[strings.ToLower(a.RoleID)] // made by hand, and gone with the role
	})
	rest.RoleDefinitions = slices.DeleteFunc(slices.Clone(w.RoleDefinitions), func(r RoleDefinition) bool {
		return its[strings.ToLower(r.ID)]
	})
	return &rest
}

// Check finds where the world does not match the stack: another tenant, cloud or workspace, and everything that the
// stack refers to and that the world lacks or describes differently. Tenants are the stack's, by where they were read.
// Things that the stack names without an ID are not looked for.
func (w *World) Check(m access.Model, tenants map[string]string) (ps access.Problems) {
	ps = w.CheckTenant(tenants)
	if !strings.EqualFold(cloud(w.Environment), cloud(m.Environment)) {
		ps.Add("environment", "use a world of the stack's cloud", "the world is of cloud %s, and the stack of %s",
			cloud(w.Environment), cloud(m.Environment))
	}
	if id := m.WorkspaceID.Text(); !strings.EqualFold(id, w.Workspace.ID) {
		ps.Add("workspaceId", "use the world of the stack's workspace", "the world is of workspace %s, and this is %s",
			w.Workspace.ID, id)
		return ps // nothing else in it can match
	}
	w.checkData(m, &ps)
	w.checkEndpoints(m, &ps)
	w.checkPrincipals(m, &ps)
	w.checkServices(m, &ps)
	return ps
}

// CheckTenant finds the tenants, by where they were read, that differ from the world's; "" is none.
func (w *World) CheckTenant(tenants map[string]string) (ps access.Problems) {
	for _, at := range slices.Sorted(maps.Keys(tenants)) {
		if id := tenants[at]; id != "" && !strings.EqualFold(id, w.TenantID) {
			ps.Add(at, "use the world of the stack's tenant", "the world is of tenant %s, and this is %s", w.TenantID, id)
		}
	}
	return ps
}

func cloud(environment string) string {
	if environment == "" {
		return "public"
	}
	return environment
}

func (w *World) checkData(m access.Model, ps *access.Problems) {
	for _, name := range slices.Sorted(maps.Keys(m.StorageAccounts)) {
		if id := m.StorageAccounts[name]; !id.Later() && w.account(id.Text()) == nil {
			ps.Add("storageAccounts."+name, missing, "the world has no storage account %s", id.Text())
		}
	}
	check := func(path string, d access.DataInput) {
		account := w.account(m.StorageAccounts[d.StorageAccount].Text())
		if account != nil && d.Container != "" && !slices.Contains(account.Containers, d.Container) {
			ps.Add(path+".container", missing, "the storage account %s of the world has no container %s", d.StorageAccount,
				d.Container)
		}
		store := Find(w.DataStores, func(s DataStore) string { return s.Name }, d.DataStore)
		if d.DataStore != "" && store == nil {
			ps.Add(path+".dataStore", missing, "the workspace of the world has no data store %s in a container", d.DataStore)
		}
		if d.Kind == access.DataAsset && Find(w.DataAssets, DataAsset.key, assetKey(d.DataAsset, d.Version)) == nil {
			ps.Add(path+".dataAsset", missing, "the workspace of the world has no data asset %s, version %s", d.DataAsset,
				d.Version)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(m.DataInputs)) {
		check("dataInputs."+name, m.DataInputs[name])
	}
	for _, name := range slices.Sorted(maps.Keys(m.DataOutputs)) {
		d := m.DataOutputs[name]
		check("dataOutputs."+name, access.DataInput{Kind: access.DataStore, DataStore: d.DataStore,
			StorageAccount: d.StorageAccount, Container: d.Container})
	}
}

func (d DataAsset) key() string            { return assetKey(d.Name, d.Version) }
func assetKey(name, version string) string { return name + "/" + version }

// checkEndpoints looks for the declared endpoints. A model without any has only default ones, which need not exist.
func (w *World) checkEndpoints(m access.Model, ps *access.Problems) {
	for _, name := range slices.Sorted(maps.Keys(m.Endpoints)) {
		e, path := m.Endpoints[name], "endpoints."+name
		there := w.Endpoint(name)
		if there == nil {
			ps.Add(path, missing, "the workspace of the world has no batch endpoint %s", name)
			continue
		}
		wanted := map[string]string{}
		for named := range e.Deployments {
			wanted[path+".deployments."+named] = named
		}
		switch {
		case e.Deployment != "":
			wanted[path+".deployment"] = e.Deployment
		case len(e.Deployments) == 0 && there.Default == "":
			ps.Add(path, "set one, or name one in "+path+".deployment", "the batch endpoint %s of the world has no default "+
				"deployment", name)
		}
		for _, at := range slices.Sorted(maps.Keys(wanted)) {
			if Find(there.Deployments, func(d Deployment) string { return d.Name }, wanted[at]) == nil {
				ps.Add(at, missing, "the batch endpoint %s of the world has no deployment %s", name, wanted[at])
			}
		}
	}
}

func (w *World) checkPrincipals(m access.Model, ps *access.Problems) {
	identity := func(path string, id access.ID) *Identity {
		if !id.Given() || id.Later() {
			return nil
		}
		there := w.identity(id.Text())
		if there == nil {
			ps.Add(path, missing, "the world has no user-assigned identity %s", id.Text())
		}
		return there
	}
	same := func(path, of string, given access.ID, has string) {
		if given.Text() != "" && has != "" && !strings.EqualFold(given.Text(), has) {
			ps.Add(path, "write "+has, "in the world %s has %s, and this is %s", of, has, given.Text())
		}
	}
	for _, name := range slices.Sorted(maps.Keys(m.Clusters)) {
		c, path := m.Clusters[name], "clusters."+name
		identity(path+".userAssignedIdentityId", c.UserAssignedIdentityID)
		for _, id := range c.MoreIdentityIDs {
			identity(path+".moreIdentityIds", id)
		}
		if !c.Existing {
			continue
		}
		there := w.Cluster(c.NameOr(name))
		if there == nil {
			ps.Add(path, missing, "the workspace of the world has no compute cluster %s", c.NameOr(name))
			continue
		}
		same(path+".principalId", "the cluster", c.PrincipalID, there.PrincipalID)
	}
	for _, name := range slices.Sorted(maps.Keys(m.Invokers)) {
		i, path := m.Invokers[name], "invokers."+name
		var has *Identity
		if _, err := arm.Parse(i.ResourceID, arm.UserAssignedIdentity); err == nil && i.Kind == access.ManagedIdentity {
			has = identity(path+".resourceId", access.Known(i.ResourceID))
		}
		if key, _ := i.Named(); key != "" || i.PrincipalID.Text() == "" {
			continue
		}
		at := path + "." + i.Kind.IDKey()
		there := w.Principal(i.PrincipalID.Text())
		switch {
		case there == nil:
			ps.Add(at, missing, "the directory of the world has no principal %s", i.PrincipalID.Text())
			continue
		case there.Kind != i.Kind:
			ps.Add(path+".kind", "write "+string(there.Kind), "in the world %s (%s) is a %s, and this is %s", there.ObjectID,
				there.Name, there.Kind, i.Kind)
		}
		same(path+".clientId", "the principal", i.ClientID, there.ClientID)
		if has != nil {
			same(at, "the identity", i.PrincipalID, has.PrincipalID)
		}
	}
}

// checkServices looks for what jobs use through the workspace, and compares it with what the stack says.
func (w *World) checkServices(m access.Model, ps *access.Problems) {
	for _, name := range slices.Sorted(maps.Keys(m.Registries)) {
		if id := m.Registries[name]; !id.Later() && w.registry(id.Text()) == nil {
			ps.Add("registries."+name, missing, "the world has no registry %s", id.Text())
		}
	}
	w.checkUsed(m, ps)
	if guid := m.Role.RoleDefinitionGUID(); guid != "" && w.Role(guid) == nil {
		if _, builtIn := roles.BuiltIn(guid); !builtIn {
			ps.Add("role.roleDefinitionId", missing, "the world has no role %s", guid)
		}
	}
	s := m.Services
	mode := w.Workspace.SystemDatastoresAuthMode
	if s.SystemDatastoresAuthMode != "" && mode != "" && !strings.EqualFold(string(s.SystemDatastoresAuthMode), mode) {
		ps.Add("workspace.systemDatastoresAuthMode", "write "+strings.ToLower(mode),
			"the workspace of the world says %s, and this is %s", mode, s.SystemDatastoresAuthMode)
	}
	own := m.StorageAccounts[s.StorageAccount].Text()
	if own != "" && !strings.EqualFold(own, w.Workspace.StorageAccountID) {
		ps.Add("workspace.storageAccount", "name the account that is the workspace's", "the workspace of the world has the "+
			"storage account %s, and this is %s", w.Workspace.StorageAccountID, own)
	}
	if s.ContainerRegistry == "" {
		return
	}
	there := w.ContainerRegistry(s.ContainerRegistry)
	if there == nil {
		ps.Add("workspace.containerRegistry", missing, "the world has no container registry %s", s.ContainerRegistry)
		return
	}
	if says := there.Permissions(); s.RegistryPermissions != "" && s.RegistryPermissions != says {
		ps.Add("workspace.registryPermissions", "write "+string(says),
			"the container registry of the world asks for %s, and "+
				"this is %s", says, s.RegistryPermissions)
	}
}

// checkUsed looks for registries that deployments use and the stack does not name for them.
func (w *World) checkUsed(m access.Model, ps *access.Problems) {
	check := func(path, endpoint, deployment string, names []string) {
		there := w.Endpoint(endpoint)
		if there == nil || names == nil {
			return
		}
		if deployment == "" {
			deployment = there.Default
		}
		d := Find(there.Deployments, func(d Deployment) string { return d.Name }, deployment)
		for i := 0; d != nil && i < len(d.Registries); i++ {
			called := d.Registries[i]
			if !slices.ContainsFunc(names, func(name string) bool {
				return strings.EqualFold(arm.Last(m.Registries[name].Text()), called)
			}) {
				ps.Add(path+".registries", "add its ARM ID to registries (az resource list --name "+called+" --query [].id), and "+
					"its name here", "in the world the deployment %s uses the registry %s, which is none of these", d.Name, called)
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(m.Endpoints)) {
		e, path := m.Endpoints[name], "endpoints."+name
		if len(e.Deployments) == 0 {
			check(path, name, e.Deployment, e.Registries)
		}
		for _, deployment := range slices.Sorted(maps.Keys(e.Deployments)) {
			if d := e.Deployments[deployment]; d.Registries != nil {
				check(path+".deployments."+deployment, name, deployment, d.Registries)
			} else {
				check(path, name, deployment, e.Registries)
			}
		}
	}
}

// Permissions says what allows an identity to pull from the registry.
func (r ContainerRegistry) Permissions() services.RegistryPermissions {
	switch {
	case r.AdminUser:
		return services.ByAdminUser
	case r.ABAC:
		return services.ByABAC
	}
	return services.ByPullRole
}
