package rehearsal

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/access/services"
	"github.com/batchaccess/batchaccess/internal/arm"
	"github.com/batchaccess/batchaccess/roles"
	"github.com/batchaccess/batchaccess/sandbox/azure"
)

// DefaultLocation is the sandbox's location for resources to which the configuration gives none.
const DefaultLocation = "westeurope"

// The controls: what the stack must not allow. They exist in the sandbox beside the resources that the configuration
// names.
const (
	strangerName   = "(no role)"
	bareCluster    = "no-reader"
	bareEndpoint   = "cluster-without-reader"
	deployment     = "default"
	someContainer  = "data"
	credentialOnly = "credential" // plus a part of the workspace's name: account names are unique
)

// Seed is what must exist before a stack with this model is deployed: everything that it refers to and does not make,
// and the controls of a rehearsal. It needs the IDs; if one is encrypted in the configuration, the error names it.
func Seed(m access.Model, location string) (azure.Seed, error) {
	m, location = Identified(m), cmp.Or(location, DefaultLocation)
	workspace, err := m.Workspace()
	if err != nil {
		return azure.Seed{}, err
	}
	s := seeder{m: m, location: location, workspace: workspace, workspaceID: m.WorkspaceID.Text()}
	s.Cloud = cmp.Or(m.Environment, "public")
	s.Workspaces = []azure.Workspace{{ID: s.workspaceID, Location: location,
		ContainerRegistryID:      m.Services.ContainerRegistry,
		SystemDatastoresAuthMode: string(m.Services.SystemDatastoresAuthMode),
		StorageAccountID:         m.StorageAccounts[m.Services.StorageAccount].Text()}}
	s.subscription(workspace.SubscriptionID)
	if err := s.storage(); err != nil {
		return azure.Seed{}, err
	}
	if err := s.role(); err != nil {
		return azure.Seed{}, err
	}
	s.data()
	s.principals()
	s.compute()
	if err := s.services(); err != nil {
		return azure.Seed{}, err
	}
	s.shared()
	return s.Seed, nil
}

// SeedBefore is Seed for a program that may make the workspace and the storage accounts itself: it leaves out resources
// that are known only after deployment, and everything inside them.
func SeedBefore(m access.Model, location string) (azure.Seed, error) {
	m.StorageAccounts, m.DataInputs = maps.Clone(m.StorageAccounts), maps.Clone(m.DataInputs)
	m.DataOutputs = maps.Clone(m.DataOutputs)
	for name, id := range m.StorageAccounts {
		if !id.Later() {
			continue
		}
		delete(m.StorageAccounts, name)
		maps.DeleteFunc(m.DataInputs, func(_ string, d access.DataInput) bool { return d.StorageAccount == name })
		maps.DeleteFunc(m.DataOutputs, func(_ string, d access.DataOutput) bool { return d.StorageAccount == name })
	}
	if !m.WorkspaceID.Later() {
		return Seed(m, location)
	}
	s := seeder{m: Identified(m), location: cmp.Or(location, DefaultLocation)}
	s.Cloud = cmp.Or(m.Environment, "public")
	err := s.storage()
	s.principals()
	return s.Seed, err
}

// Identified fills the model's gaps with the sandbox's values: IDs for principals that it only names, and answers for
// the stores, image and registries that it leaves to the workspace.
func Identified(m access.Model) access.Model {
	if w := &m.Services; w.LookUp {
		w.SystemDatastoresAuthMode = cmp.Or(w.SystemDatastoresAuthMode, services.ByAccessKey)
		w.RegistryPermissions = cmp.Or(w.RegistryPermissions, services.ByAdminUser)
		m.Endpoints = maps.Clone(m.Endpoints)
		for name, e := range m.Endpoints {
			if e.Registries == nil {
				e.Registries = []string{}
				m.Endpoints[name] = e
			}
		}
	}
	m.Invokers = maps.Clone(m.Invokers)
	for name, i := range m.Invokers {
		if i.PrincipalID.Later() {
			i.PrincipalID = access.ID{} // Pulumi's mocks made the ID up, as in accesstest
		}
		if key, value := i.Named(); value.Text() != "" {
			id := made("principal", key, strings.ToLower(value.Text()))
			if _, err := arm.Parse(value.Text(), arm.UserAssignedIdentity); err == nil {
				id = identityOf(value.Text()) // it may also be a cluster's, in this version of a stack or in another
			}
			i.PrincipalID = access.Known(id)
			m.Invokers[name] = i
		}
	}
	return m
}

type seeder struct {
	azure.Seed
	m         access.Model
	location  string
	workspace arm.ID
	// workspaceID is the ID of the workspace as text.
	workspaceID string
}

// made is the ID of something to which the configuration gives none: the same in every run.
func made(parts ...string) string {
	return uuid.NewSHA1(uuid.NameSpaceURL, []byte("batchaccess sandbox|"+strings.Join(parts, "|"))).String()
}

// identityOf is the principal of an existing user-assigned identity, and clientOf its client ID.
func identityOf(id string) string { return made("identity", strings.ToLower(id)) }
func clientOf(id string) string   { return made("client", strings.ToLower(id)) }

func (s *seeder) subscription(id string) {
	if !slices.Contains(s.SubscriptionIDs, id) {
		s.SubscriptionIDs = append(s.SubscriptionIDs, id)
	}
}

// role is the role that the model refers to by its ID. It has the permissions that the configuration gives, not those
// that it should have.
func (s *seeder) role() error {
	r := s.m.Role
	switch _, builtIn := roles.BuiltIn(r.RoleDefinitionGUID()); {
	case !r.RoleDefinitionID.Given() || builtIn:
		return nil
	case r.RoleDefinitionID.Later():
		return errors.New("role.roleDefinitionId is not known; write it in plain text, for it is no secret")
	case !r.Known():
		return errors.New("role.roleDefinitionId: what the role allows is not known here, so it can't be tried; give its " +
			"JSON, as the portal exports it, as role.definition beside it")
	}
	d, ps := r.Resolve()
	if len(ps) > 0 {
		return ps.Below("role").Err()
	}
	d.ID = r.RoleDefinitionGUID()
	if len(d.AssignableScopes) == 0 {
		at, _ := s.m.RoleScopeID()
		d.AssignableScopes = []string{at}
	}
	s.RoleDefinitions = append(s.RoleDefinitions, definitionOf(d))
	return nil
}

// definitionOf is a role as the sandbox has it.
func definitionOf(d roles.Definition) azure.RoleDefinition {
	definition := azure.RoleDefinition{
		ID: d.ID, RoleName: d.RoleName, Description: d.Description, AssignableScopes: d.AssignableScopes,
	}
	for _, p := range d.Permissions {
		definition.Permissions = append(definition.Permissions, azure.Permission{
			Actions: p.Actions, NotActions: p.NotActions, DataActions: p.DataActions, NotDataActions: p.NotDataActions,
		})
	}
	return definition
}

// shared are the assignments that other stacks have, by the configuration: that they exist is taken on trust.
func (s *seeder) shared() {
	for _, name := range slices.Sorted(maps.Keys(s.m.SharedGrants)) {
		g := s.m.SharedGrants[name]
		principal, kind := s.m.Invokers[g.Principal].PrincipalID.Text(), s.m.Invokers[g.Principal].Kind.PrincipalType()
		if cluster, is := strings.CutPrefix(g.Principal, "cluster:"); is {
			c := s.m.Clusters[cluster]
			kind, principal = "ServicePrincipal", cmp.Or(c.PrincipalID.Text(), made("cluster", s.workspaceID, c.NameOr(cluster)))
			if id := c.UserAssignedIdentityID.Text(); id != "" {
				principal = identityOf(id)
			}
		}
		var scope string
		role := s.m.Role.RoleDefinitionGUID()
		if of, is := roles.BuiltIn(s.m.Role.BuiltIn); is {
			role = of.ID
		}
		if g.Registry != "" {
			at := access.Scope{Level: access.AtRegistry, Registry: g.Registry}
			if g.Registry == string(access.AtImages) {
				at = access.Scope{Level: access.AtImages, Registry: arm.Last(s.m.Services.ContainerRegistry)}
			}
			scope, _ = s.m.ScopeID(at)
			of, _ := roles.BuiltIn(g.RoleName(s.m))
			role = of.ID
		} else if g.StorageAccount == "" {
			scope, _ = s.m.RoleScopeID()
		} else {
			scope = arm.Container(s.m.StorageAccounts[g.StorageAccount].Text(), g.Container)
			of, _ := roles.BuiltIn(g.RoleName(s.m))
			role = of.ID
		}
		s.RoleAssignments = append(s.RoleAssignments, azure.RoleAssignment{
			ID: arm.AssignmentGUID(scope, principal, role), Scope: scope, RoleID: role, PrincipalID: principal,
			PrincipalType: kind, Description: "[batchaccess:" + g.By + "/" + name + "]",
		})
	}
}

// services are the registries that the model refers to, and the roles that others assign there: that they exist is
// taken on trust. The controls' clusters can pull too, so that only data stops them.
func (s *seeder) services() error {
	w := s.m.Services
	for _, name := range slices.Sorted(maps.Keys(s.m.Registries)) {
		id, err := s.m.ScopeID(access.Scope{Level: access.AtRegistry, Registry: name})
		if err != nil {
			return err
		}
		s.subscription(strings.Split(id, "/")[2])
		s.ResourceIDs = append(s.ResourceIDs, id)
	}
	if w.ContainerRegistry == "" {
		return nil
	}
	id, err := s.m.ScopeID(access.Scope{Level: access.AtImages, Registry: arm.Last(w.ContainerRegistry)})
	if err != nil {
		return err
	}
	s.subscription(strings.Split(id, "/")[2])
	s.ContainerRegistries = append(s.ContainerRegistries, azure.ContainerRegistry{ID: id,
		AdminUser: w.RegistryPermissions == services.ByAdminUser, ABAC: w.RegistryPermissions == services.ByABAC})
	pulls := func(principal string) {
		s.RoleAssignments = append(s.RoleAssignments, pullOf(s.m, principal)...)
	}
	s.RoleAssignments = append(s.RoleAssignments, controlsPull(s.workspaceID, id, w.RegistryPermissions)...)
	for _, name := range slices.Sorted(maps.Keys(w.ImagePull)) {
		c := s.m.Clusters[name]
		switch {
		case w.ImagePull[name] != services.Assigned:
		case c.Existing:
			pulls(cmp.Or(c.PrincipalID.Text(), made("cluster", s.workspaceID, c.NameOr(name))))
		case c.UserAssignedIdentityID.Text() != "":
			pulls(identityOf(c.UserAssignedIdentityID.Text()))
		}
	}
	return nil
}

// pullOf is the assignment by which a principal pulls images; none if no role is needed.
func pullOf(m access.Model, principal string) []azure.RoleAssignment {
	return pull(m.Services.ContainerRegistry, principal, m.Services.RegistryPermissions)
}

func pull(registry, principal string, by services.RegistryPermissions) []azure.RoleAssignment {
	role, is := roles.BuiltIn(services.WorkspaceServices{RegistryPermissions: by}.PullRole())
	if !is || registry == "" {
		return nil
	}
	return []azure.RoleAssignment{{ID: arm.AssignmentGUID(registry, principal, role.ID), Scope: registry, RoleID: role.ID,
		PrincipalID: principal, PrincipalType: "ServicePrincipal"}}
}

// controlsPull lets the controls' clusters pull images, as if Azure had assigned the role.
func controlsPull(workspace, registry string, by services.RegistryPermissions) (all []azure.RoleAssignment) {
	for _, name := range []string{bareCluster, mountingCluster} {
		all = append(all, pull(registry, made("cluster", workspace, name), by)...)
	}
	return all
}

func (s *seeder) storage() error {
	containers := map[string][]string{}
	hns := map[string]bool{}
	note := func(account, container string) {
		if account != "" {
			containers[account] = append(containers[account], cmp.Or(container, someContainer))
		}
	}
	for _, d := range s.m.DataInputs {
		note(d.StorageAccount, d.Container)
		hns[d.StorageAccount] = hns[d.StorageAccount] || d.Kind == access.ADLSGen2
	}
	for _, d := range s.m.DataOutputs {
		note(d.StorageAccount, d.Container)
	}
	for _, name := range slices.Sorted(maps.Keys(s.m.StorageAccounts)) {
		scope, err := s.m.ScopeID(access.Scope{StorageAccount: name})
		if err != nil {
			return err
		}
		id, err := arm.Parse(scope, arm.StorageAccount)
		if err != nil {
			return fmt.Errorf("storageAccounts.%s: %w", name, err)
		}
		s.subscription(id.SubscriptionID)
		s.StorageAccounts = append(s.StorageAccounts, azure.StorageAccount{ID: scope,
			HNS:        hns[name] || s.m.StorageAccountKinds[name] == roles.Hierarchical,
			Containers: containers[name]})
	}
	s.public()
	return nil
}

// public makes the containers that anyone may read, in the account of the URL. That account is either one of the
// model's or nobody's here.
func (s *seeder) public() {
	for _, name := range slices.Sorted(maps.Keys(s.m.DataInputs)) {
		m := publicURL.FindStringSubmatch(s.m.DataInputs[name].URL)
		if m == nil {
			continue
		}
		at := slices.IndexFunc(s.StorageAccounts, func(a azure.StorageAccount) bool {
			return strings.EqualFold(arm.Last(a.ID), m[1])
		})
		if at < 0 {
			at = len(s.StorageAccounts)
			s.StorageAccounts = append(s.StorageAccounts, azure.StorageAccount{
				ID: s.workspace.Group() + "/providers/" + arm.StorageAccount + "/" + m[1],
			})
		}
		if of := &s.StorageAccounts[at]; !slices.Contains(of.PublicContainers, m[2]) {
			of.PublicContainers = append(of.PublicContainers, m[2])
		}
	}
}

// publicURL splits the URL of public data into its account and container.
var publicURL = regexp.MustCompile(`^https://([a-z0-9]+)\.(?:blob|dfs)\.[^/]+/([^/]+)`)

func (s *seeder) data() {
	stores := map[string]bool{}
	store := func(name, account, container string, hasCredentials bool) {
		if name == "" || stores[name] {
			return
		}
		stores[name] = true
		id := s.m.StorageAccounts[account].Text()
		if id == "" { // the store's own credential opens it, so the configuration need not say where it is
			id = s.workspace.Group() + "/providers/" + arm.StorageAccount + "/" + credentialOnly + made(s.workspaceID)[:8]
			s.StorageAccounts = append(s.StorageAccounts, azure.StorageAccount{ID: id, Containers: []string{someContainer}})
		}
		s.Datastores = append(s.Datastores, azure.Datastore{
			WorkspaceID: s.workspaceID, Name: name, AccountID: id, Container: cmp.Or(container,
				someContainer), HasCredentials: hasCredentials,
		})
	}
	for _, name := range slices.Sorted(maps.Keys(s.m.DataInputs)) {
		d := s.m.DataInputs[name]
		store(d.DataStore, d.StorageAccount, d.Container, d.CredentialInStore != nil && *d.CredentialInStore)
		if d.Kind == access.DataAsset {
			kind := "uri_folder"
			if d.Type == "file" {
				kind = "uri_file"
			}
			s.DataAssets = append(s.DataAssets, azure.DataAsset{
				WorkspaceID: s.workspaceID, Name: d.DataAsset, Version: d.Version, Datastore: d.DataStore, Path: d.Path, Type: kind,
			})
		}
	}
	for _, name := range slices.Sorted(maps.Keys(s.m.DataOutputs)) {
		d := s.m.DataOutputs[name]
		store(d.DataStore, d.StorageAccount, d.Container, d.CredentialInStore != nil && *d.CredentialInStore)
	}
}

func (s *seeder) principals() {
	s.Users = append(s.Users, azure.User{ObjectID: made("stranger"), UserPrincipalName: "stranger@sandbox.example",
		DisplayName: strangerName})
	for _, name := range slices.Sorted(maps.Keys(s.m.Invokers)) {
		i := s.m.Invokers[name]
		id := i.PrincipalID.Text()
		if id == "" {
			continue
		}
		switch i.Kind {
		case access.User:
			s.Users = append(s.Users, azure.User{ObjectID: id, UserPrincipalName: cmp.Or(i.UserPrincipalName,
				name+"@sandbox.example"), DisplayName: name, Mail: i.Mail})
		case access.Group:
			member := azure.User{ObjectID: memberOf(id), UserPrincipalName: "member-of-" + name + "@sandbox.example",
				DisplayName: "member of " + name}
			s.Users = append(s.Users, member)
			s.Groups = append(s.Groups, azure.Group{ObjectID: id, DisplayName: cmp.Or(i.DisplayName, name),
				MemberIDs: []string{member.ObjectID}})
		default:
			kind := "Application"
			if i.Kind == access.ManagedIdentity {
				kind = "ManagedIdentity"
			}
			clientID := i.ClientID.Text()
			if _, err := arm.Parse(i.ResourceID, arm.UserAssignedIdentity); err == nil {
				s.UserAssignedIdentities = append(s.UserAssignedIdentities, azure.UserAssignedIdentity{ID: i.ResourceID,
					PrincipalID: id, ClientID: cmp.Or(clientID, clientOf(i.ResourceID)), Location: s.location})
				continue
			}
			if i.ResourceID != "" {
				s.Hosts = append(s.Hosts, azure.Host{ID: i.ResourceID, PrincipalID: id, Location: s.location})
				continue
			}
			s.ServicePrincipals = append(s.ServicePrincipals, azure.ServicePrincipal{ObjectID: id, ClientID: clientID,
				DisplayName: name, Type: kind})
		}
	}
}

// memberOf is the object ID of the user whom the sandbox makes a member of a group, because a group can't sign in.
func memberOf(groupID string) string { return made("member", strings.ToLower(groupID)) }

func (s *seeder) compute() {
	for _, name := range slices.Sorted(maps.Keys(s.m.Clusters)) {
		c := s.m.Clusters[name]
		for _, given := range append([]access.ID{c.UserAssignedIdentityID}, c.MoreIdentityIDs...) {
			id := given.Text()
			there := func(of azure.UserAssignedIdentity) bool { return strings.EqualFold(of.ID, id) }
			if id == "" || slices.ContainsFunc(s.UserAssignedIdentities, there) {
				continue // it may also be an invoker's, or another cluster's
			}
			s.UserAssignedIdentities = append(s.UserAssignedIdentities, azure.UserAssignedIdentity{
				ID: id, PrincipalID: identityOf(id), ClientID: clientOf(id), Location: s.location,
			})
		}
		if c.Existing {
			s.cluster(c.NameOr(name), c.PrincipalID.Text())
		}
	}
	s.cluster(bareCluster, "")
	s.endpoint(s.control(bareEndpoint), deployment, bareCluster)
	if len(s.m.Assertions) > 0 {
		s.cluster(mountingCluster, "")
		s.endpoint(s.control(mountingEndpoint), deployment, mountingCluster)
		for name, c := range s.m.Clusters {
			s.endpoint(s.control(probeEndpoint(name)), deployment, c.NameOr(name))
		}
	}
	endpoints := s.m.EffectiveEndpoints()
	for _, name := range slices.Sorted(maps.Keys(endpoints)) {
		e := endpoints[name]
		of := azure.Endpoint{
			WorkspaceID: s.workspaceID, Name: endpointName(s.m, name), Location: s.location, IfFree: len(s.m.Endpoints) == 0,
		}
		for _, named := range slices.Sorted(maps.Keys(e.Deployments)) {
			cluster := e.Deployments[named].Cluster
			registries := e.Deployments[named].Registries
			if registries == nil {
				registries = e.Registries
			}
			of.Deployments = append(of.Deployments, azure.Deployment{Name: named,
				ComputeName: s.m.Clusters[cluster].NameOr(cluster), Registries: s.registries(registries),
				Pipeline: !e.Parallel(named)})
		}
		if len(e.Deployments) == 0 {
			of.Deployments = []azure.Deployment{{
				Name: cmp.Or(e.Deployment, deployment), ComputeName: s.m.Clusters[e.Cluster].NameOr(e.Cluster),
				Registries: s.registries(e.Registries), Pipeline: !e.Parallel(""),
			}}
		}
		of.DefaultDeployment = cmp.Or(e.Deployment, of.Deployments[0].Name)
		s.Endpoints = append(s.Endpoints, of)
	}
}

// registries are the names of the model's registries in Azure. A deployment's model and environment can be in two at
// once: the first and the last.
func (s *seeder) registries(names []string) (all []string) {
	for i, name := range names {
		if i == 0 || i == len(names)-1 {
			all = append(all, arm.Last(s.m.Registries[name].Text()))
		}
	}
	return all
}

// control is the sandbox's name of an endpoint that the rehearsal adds.
func (s *seeder) control(name string) string { return endpointName(s.m, name) }

// cluster seeds a cluster with a system-assigned identity; principalID is "" if it is not known.
func (s *seeder) cluster(name, principalID string) {
	if principalID == "" {
		principalID = made("cluster", s.workspaceID, name)
	}
	s.Computes = append(s.Computes, azure.Compute{
		WorkspaceID: s.workspaceID, Name: name, Location: s.location, SystemAssignedPrincipalID: principalID,
	})
}

func (s *seeder) endpoint(name, deployment, cluster string) {
	s.Endpoints = append(s.Endpoints, azure.Endpoint{
		WorkspaceID: s.workspaceID, Name: name, Location: s.location,
		Deployments: []azure.Deployment{{Name: deployment, ComputeName: cluster}}, DefaultDeployment: deployment,
	})
}

var endpointForm = regexp.MustCompile(`^[a-zA-Z](-?[a-zA-Z0-9])*$`) // facts/batch-endpoints.md

// endpointName is the sandbox's name of an endpoint: the model's name if Azure accepts it, else a name that no other
// workspace of the region has.
func endpointName(m access.Model, name string) string {
	_, ofModel := m.EffectiveEndpoints()[name]
	if ofModel && endpointForm.MatchString(name) && len(name) >= 3 && len(name) <= 32 {
		return name
	}
	return "sandbox-" + strings.ReplaceAll(made("endpoint", strings.ToLower(m.WorkspaceID.Text()), name), "-", "")[:20]
}
