package azure

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/batchaccess/batchaccess/sandbox/azure/internal/arm"
	"github.com/batchaccess/batchaccess/sandbox/azure/internal/armid"
	"github.com/batchaccess/batchaccess/sandbox/azure/internal/clouds"
	"github.com/batchaccess/batchaccess/sandbox/azure/internal/role"
	"github.com/batchaccess/batchaccess/sandbox/azure/internal/state"
)

const (
	typeWorkspace = "Microsoft.MachineLearningServices/workspaces"
	typeStorage   = "Microsoft.Storage/storageAccounts"
	typeEndpoint  = "Microsoft.MachineLearningServices/workspaces/batchEndpoints"
	typeImages    = "Microsoft.ContainerRegistry/registries"
	typeIdentity  = "Microsoft.ManagedIdentity/userAssignedIdentities"

	defaultLocation = "eastus"
)

// seeding puts a checked seed into the state.
type seeding struct {
	st  *state.State
	now time.Time
}

func (s *seeding) all(seed Seed) {
	if seed.TenantID != "" {
		s.st.TenantID = strings.ToLower(seed.TenantID)
	}
	if seed.Cloud != "" {
		s.st.Cloud = seed.Cloud
	}
	for _, id := range seed.SubscriptionIDs {
		s.exists("/subscriptions/" + strings.ToLower(id))
	}
	for _, id := range seed.ResourceIDs {
		s.exists(id)
	}
	for _, w := range seed.Workspaces {
		s.workspace(w)
	}
	for _, account := range seed.StorageAccounts {
		s.storageAccount(account)
	}
	for _, r := range seed.ContainerRegistries {
		mode := "LegacyRegistryPermissions"
		if r.ABAC {
			mode = "AbacRepositoryPermissions"
		}
		s.put(&state.Resource{ID: r.ID, Location: defaultLocation, Properties: map[string]any{
			"adminUserEnabled": r.AdminUser, "roleAssignmentMode": mode, "provisioningState": "Succeeded"}})
	}
	for _, d := range seed.Datastores {
		s.datastore(d)
	}
	for _, d := range seed.DataAssets {
		s.dataAsset(d)
	}
	for _, u := range seed.Users {
		id := strings.ToLower(u.ObjectID)
		s.st.Touch(state.Users, id)
		s.st.Users[id] = &state.User{ID: id, UserPrincipalName: u.UserPrincipalName, DisplayName: u.DisplayName,
			Mail: u.Mail}
	}
	for _, sp := range seed.ServicePrincipals {
		s.principal(sp.ObjectID, sp.ClientID, sp.DisplayName, cmp.Or(sp.Type, "Application"), "")
		s.st.ServicePrincipals[strings.ToLower(sp.ObjectID)].Permissions = sp.GraphPermissions
	}
	for _, i := range seed.UserAssignedIdentities {
		s.identity(i)
	}
	for _, h := range seed.Hosts {
		s.host(h)
	}
	for _, c := range seed.Computes {
		s.compute(c)
	}
	for _, e := range seed.Endpoints {
		s.endpoint(e)
	}
	for _, g := range seed.Groups {
		s.group(g)
	}
	for _, r := range seed.DirectoryRoles {
		s.directoryRole(r)
	}
	for _, m := range seed.EligibleMembers {
		s.eligibleMember(m)
	}
	for _, a := range seed.RoleAssignments {
		s.st.Touch(state.RoleAssignments, strings.ToLower(a.ID))
		s.st.RoleAssignments[strings.ToLower(a.ID)] = &state.RoleAssignment{
			Name: strings.ToLower(a.ID), Scope: a.Scope, RoleDefinition: strings.ToLower(a.RoleID), Condition: a.Condition,
			Description: a.Description,
			PrincipalID: strings.ToLower(a.PrincipalID), PrincipalType: cmp.Or(a.PrincipalType, "ServicePrincipal"),
			CreatedOn: s.now, UpdatedOn: s.now, Seeded: true,
		}
		if a.Condition != "" {
			s.st.RoleAssignments[strings.ToLower(a.ID)].ConditionVer = "2.0"
		}
	}
	for _, d := range seed.DenyAssignments {
		s.denyAssignment(d)
	}
	for _, d := range seed.RoleDefinitions {
		d.ID = strings.ToLower(d.ID)
		if old := s.st.RoleDefinitions[d.ID]; old == nil || old.Seeded {
			s.st.Touch(state.RoleDefinitions, d.ID)
			s.st.RoleDefinitions[d.ID] = &state.RoleDefinition{Definition: d, Seeded: true, CreatedOn: s.now, UpdatedOn: s.now}
		}
	}
}

// put seeds a resource, unless a stack has made one with that ID.
func (s *seeding) put(r *state.Resource) {
	old := s.st.Resources[armid.Key(r.ID)]
	if old != nil && !old.Seeded {
		return
	}
	r.ID, r.Seeded, r.CreatedAt, r.ModifiedAt = armid.Parse(r.ID).String(), true, s.now, s.now
	if old != nil {
		r.CreatedAt = old.CreatedAt
	}
	s.st.Resources[armid.Key(r.ID)] = r
	s.st.Touch(state.Resources, armid.Key(r.ID))
	s.parents(armid.Parse(r.ID))
}

// exists seeds a resource of which only the ID is known; if it exists, it stays as it is.
func (s *seeding) exists(id string) {
	key := armid.Key(id)
	if s.st.Resources[key] != nil {
		return
	}
	s.put(&state.Resource{ID: id, Location: location(id)})
	parsed := armid.Parse(id)
	if parsed.Namespace == "" && len(parsed.Names) == 1 && strings.EqualFold(parsed.Types[0], "subscriptions") {
		s.subscription(parsed)
	}
}

// location is the location of a resource of which only the ID is known; subscriptions have none.
func location(id string) string {
	if armid.Parse(id).ResourceGroup() == "" {
		return ""
	}
	return defaultLocation
}

// subscription gives the deployer its role in the subscription.
func (s *seeding) subscription(id armid.ID) {
	if s.st.Subscription == "" {
		s.st.Subscription = strings.ToLower(id.Name())
	}
	name := uuid.NewString()
	s.st.Touch(state.RoleAssignments, name)
	s.st.RoleAssignments[name] = &state.RoleAssignment{
		Name: name, Scope: id.String(), RoleDefinition: role.DeployerID, PrincipalID: s.st.DeployerID,
		PrincipalType: "ServicePrincipal", CreatedOn: s.now, UpdatedOn: s.now, Seeded: true,
	}
}

// parents seeds the subscription, the resource group and the top-level resource that an ID lies in.
func (s *seeding) parents(id armid.ID) {
	subscription, group := id.Subscription(), id.ResourceGroup()
	if subscription == "" {
		return
	}
	scope := "/subscriptions/" + subscription
	s.exists(scope)
	if group != "" {
		s.exists(scope + "/resourceGroups/" + group)
	}
	if id.Namespace != "" && len(id.Types) > 1 {
		s.exists(id.Scope + "/providers/" + id.Namespace + "/" + id.Types[0] + "/" + id.Names[0])
	}
}

func (s *seeding) workspace(w Workspace) {
	access := "Enabled"
	if w.PrivateLink {
		access = "Disabled"
	}
	properties := map[string]any{
		"friendlyName": armid.Parse(w.ID).Name(), "workspaceId": uuid.NewSHA1(uuid.NameSpaceURL,
			[]byte(armid.Key(w.ID))).String(),
		"tenantId": s.st.TenantID, "provisioningState": "Succeeded", "publicNetworkAccess": access, "hbiWorkspace": false,
		"discoveryUrl": "https://" + cmp.Or(w.Location, defaultLocation) + "." +
			clouds.Of(s.st.Cloud).Workspaces + "/discovery", "storageHnsEnabled": false,
	}
	if w.SystemDatastoresAuthMode != "" { // Azure's own example of a workspace has none
		properties["systemDatastoresAuthMode"] = w.SystemDatastoresAuthMode
	}
	if w.ContainerRegistryID != "" {
		properties["containerRegistry"] = w.ContainerRegistryID
	}
	if w.StorageAccountID != "" {
		properties["storageAccount"] = w.StorageAccountID
	}
	s.put(&state.Resource{
		ID: w.ID, Location: cmp.Or(w.Location, defaultLocation), Kind: "Default", Properties: properties,
	})
}

func (s *seeding) storageAccount(a StorageAccount) {
	rule := "Allow"
	if a.Firewall {
		rule = "Deny"
	}
	name, suffix := armid.Parse(a.ID).Name(), clouds.Of(s.st.Cloud).Storage
	s.put(&state.Resource{
		ID: a.ID, Location: defaultLocation, Kind: cmp.Or(a.Kind, "StorageV2"),
		SKU: map[string]any{"name": "Standard_LRS", "tier": "Standard"},
		Properties: map[string]any{
			"provisioningState": "Succeeded", "isHnsEnabled": a.HNS, "supportsHttpsTrafficOnly": true,
			"allowBlobPublicAccess": len(a.PublicContainers) > 0, "networkAcls": map[string]any{"defaultAction": rule},
			"primaryEndpoints": map[string]any{
				"blob": "https://" + name + ".blob." + suffix + "/", "dfs": "https://" + name + ".dfs." + suffix + "/",
			},
		},
	})
	s.exists(a.ID + blobService)
	for _, container := range a.Containers {
		s.container(a.ID, container)
	}
	for _, container := range a.PublicContainers {
		s.container(a.ID, container)
		key := armid.Key(a.ID + blobService + "/containers/" + container)
		s.st.Resources[key].Properties["publicAccess"] = "Container"
		s.st.Touch(state.Resources, key)
	}
}

// blobService is the resource in which the containers of an account lie.
const blobService = "/blobServices/default"

func (s *seeding) container(accountID, name string) {
	s.exists(accountID + blobService)
	s.put(&state.Resource{
		ID: accountID + blobService + "/containers/" + name, Properties: map[string]any{"publicAccess": "None"},
	})
}

func (s *seeding) datastore(d Datastore) {
	s.exists(d.WorkspaceID)
	account := armid.Parse(d.AccountID)
	if s.st.Resources[account.Key()] == nil {
		s.storageAccount(StorageAccount{ID: d.AccountID, HNS: d.Type == "AzureDataLakeGen2"})
	}
	s.container(d.AccountID, d.Container)
	credentials := map[string]any{"credentialsType": "None"}
	if d.HasCredentials {
		credentials["credentialsType"] = "AccountKey"
	}
	properties := map[string]any{
		"datastoreType": cmp.Or(d.Type,
			"AzureBlob"), "accountName": account.Name(), "credentials": credentials, "endpoint": clouds.Of(s.st.Cloud).Storage,
		"protocol": "https", "isDefault": false, "serviceDataAccessAuthIdentity": "None",
		"subscriptionId": account.Subscription(), "resourceGroup": account.ResourceGroup(),
	}
	if d.Type == "AzureDataLakeGen2" {
		properties["filesystem"] = d.Container
	} else {
		properties["containerName"] = d.Container
	}
	s.put(&state.Resource{ID: d.WorkspaceID + "/datastores/" + d.Name, Properties: properties})
}

func (s *seeding) dataAsset(d DataAsset) {
	s.exists(d.WorkspaceID)
	workspace := armid.Parse(d.WorkspaceID)
	asset := d.WorkspaceID + "/data/" + d.Name
	s.put(&state.Resource{
		ID: asset, Properties: map[string]any{"dataType": cmp.Or(d.Type, "uri_folder"), "isArchived": false,
			"latestVersion": d.Version},
	})
	s.put(&state.Resource{
		ID: asset + "/versions/" + d.Version,
		Properties: map[string]any{
			"dataType": cmp.Or(d.Type, "uri_folder"), "isAnonymous": false, "isArchived": false,
			"dataUri": "azureml://subscriptions/" + workspace.Subscription() + "/resourcegroups/" + workspace.ResourceGroup() +
				"/workspaces/" + workspace.Name() + "/datastores/" + d.Datastore + "/paths/" + strings.TrimPrefix(d.Path, "/"),
		},
	})
}

// principal seeds a service principal. If the seed has no client ID, an existing one keeps its own.
func (s *seeding) principal(objectID, clientID, name, kind, resourceID string) {
	id := strings.ToLower(objectID)
	old := s.st.ServicePrincipals[id]
	if old != nil && !old.Seeded {
		return
	}
	sp := &state.ServicePrincipal{
		ID: id, AppID: strings.ToLower(clientID), Type: kind, Enabled: true, ResourceID: resourceID, Seeded: true,
		Attributes: map[string]any{"displayName": name},
	}
	if sp.AppID == "" && old != nil {
		sp.AppID = old.AppID
	}
	sp.AppID = cmp.Or(sp.AppID, uuid.NewString())
	s.st.ServicePrincipals[id] = sp
	s.st.Touch(state.ServicePrincipals, id)
}

func (s *seeding) identity(i UserAssignedIdentity) {
	id := armid.Parse(i.ID)
	if old := s.st.Resources[id.Key()]; old != nil && !old.Seeded {
		return
	} else if old != nil {
		principal, _ := old.Properties["principalId"].(string)
		client, _ := old.Properties["clientId"].(string)
		i.PrincipalID, i.ClientID = cmp.Or(i.PrincipalID, principal), cmp.Or(i.ClientID, client)
	}
	i.PrincipalID, i.ClientID = strings.ToLower(cmp.Or(i.PrincipalID,
		uuid.NewString())), strings.ToLower(cmp.Or(i.ClientID, uuid.NewString()))
	s.put(&state.Resource{
		ID: i.ID, Location: cmp.Or(i.Location, defaultLocation),
		Properties: map[string]any{"tenantId": s.st.TenantID, "principalId": i.PrincipalID, "clientId": i.ClientID},
	})
	s.principal(i.PrincipalID, i.ClientID, id.Name(), "ManagedIdentity", id.String())
}

func (s *seeding) host(h Host) {
	for _, id := range h.UserAssignedIdentityIDs {
		if s.st.Resources[armid.Key(id)] == nil {
			s.identity(UserAssignedIdentity{ID: id})
		}
	}
	s.put(&state.Resource{ID: h.ID, Location: cmp.Or(h.Location, defaultLocation), Identity: &state.Identity{
		SystemPrincipalID: strings.ToLower(h.PrincipalID), UserAssigned: h.UserAssignedIdentityIDs,
	}})
	if h.PrincipalID != "" {
		s.principal(h.PrincipalID, "", armid.Parse(h.ID).Name(), "ManagedIdentity", h.ID)
	}
}

func (s *seeding) denyAssignment(d DenyAssignment) {
	lower := func(ids []string) (low []string) {
		for _, id := range ids {
			low = append(low, strings.ToLower(id))
		}
		return low
	}
	s.st.Touch(state.DenyAssignments, strings.ToLower(d.ID))
	s.st.DenyAssignments[strings.ToLower(d.ID)] = &state.DenyAssignment{
		Name: strings.ToLower(d.ID), DisplayName: d.Name, Scope: d.Scope, NotBelow: d.NotBelow, Permissions: d.Permissions,
		Everyone: d.Everyone, PrincipalIDs: lower(d.PrincipalIDs), Excluded: lower(d.Excluded),
	}
}

func (s *seeding) compute(c Compute) {
	s.exists(c.WorkspaceID)
	id := armid.Parse(c.WorkspaceID + "/computes/" + c.Name)
	var identity *state.Identity
	if c.SystemAssignedPrincipalID != "" || len(c.UserAssignedIdentityIDs) > 0 {
		identity = &state.Identity{SystemPrincipalID: strings.ToLower(c.SystemAssignedPrincipalID),
			UserAssigned: c.UserAssignedIdentityIDs}
	}
	for _, user := range c.UserAssignedIdentityIDs {
		if s.st.Resources[armid.Key(user)] == nil {
			s.identity(UserAssignedIdentity{ID: user})
		}
	}
	location := s.st.Resources[armid.Key(c.WorkspaceID)].Location
	where := cmp.Or(c.Location, location)
	s.put(&state.Resource{
		ID: id.String(), Location: location, Identity: identity,
		Properties: map[string]any{
			"computeType": "AmlCompute", "computeLocation": where, "provisioningState": "Succeeded", "isAttachedCompute": false,
			"disableLocalAuth": true, "properties": map[string]any{
				"vmSize": "Standard_DS3_v2", "vmPriority": "Dedicated", "allocationState": "Steady",
				"scaleSettings": map[string]any{"minNodeCount": 0, "maxNodeCount": 1, "nodeIdleTimeBeforeScaleDown": "PT120S"},
			},
		},
	})
	if c.SystemAssignedPrincipalID != "" {
		s.principal(c.SystemAssignedPrincipalID, "", arm.SystemIdentityName(id), "ManagedIdentity", id.String())
	}
}

func (s *seeding) endpoint(e Endpoint) {
	s.exists(e.WorkspaceID)
	where := cmp.Or(e.Location, s.st.Resources[armid.Key(e.WorkspaceID)].Location)
	id := e.WorkspaceID + "/batchEndpoints/" + e.Name
	s.put(&state.Resource{
		ID: id, Location: where,
		Properties: map[string]any{
			"authMode": "AADToken", "provisioningState": "Succeeded",
			"defaults": map[string]any{"deploymentName": e.DefaultDeployment},
		},
	})
	for _, d := range e.Deployments {
		properties := map[string]any{"compute": e.WorkspaceID + "/computes/" + d.ComputeName,
			"provisioningState": "Succeeded"}
		if len(d.Registries) > 0 {
			properties["model"] = map[string]any{"referenceType": "Id",
				"assetId": "azureml://registries/" + d.Registries[0] + "/models/scorer/versions/1"}
			properties["environmentId"] = "azureml://registries/" + d.Registries[len(d.Registries)-1] +
				"/environments/scorer/versions/1"
		}
		if d.Pipeline {
			properties["deploymentConfiguration"] = map[string]any{"deploymentConfigurationType": "PipelineComponent"}
		}
		s.put(&state.Resource{ID: id + "/deployments/" + d.Name, Location: where, Properties: properties})
	}
}

func (s *seeding) group(g Group) {
	id := strings.ToLower(g.ObjectID)
	s.st.Touch(state.Groups, id)
	group := s.st.Groups[id]
	if group == nil {
		group = &state.Group{ID: id, Members: map[string]bool{}, Seeded: true, CreatedAt: s.now}
		s.st.Groups[id] = group
	}
	if group.Seeded {
		group.Attributes = map[string]any{"displayName": g.DisplayName, "securityEnabled": true, "mailEnabled": false,
			"isAssignableToRole": g.AssignableToRole}
		for _, owner := range g.OwnerIDs {
			if owner = strings.ToLower(owner); !slices.Contains(group.Owners, owner) {
				group.Owners = append(group.Owners, owner)
			}
		}
	}
	if group.Members == nil {
		group.Members = map[string]bool{}
	}
	for _, member := range g.MemberIDs {
		group.Members[strings.ToLower(member)] = true
	}
}

// directoryRole gives a principal that exists a role of Entra, once.
func (s *seeding) directoryRole(r DirectoryRole) {
	id := strings.ToLower(r.PrincipalID)
	one := state.DirectoryRole{TemplateID: strings.ToLower(r.TemplateID), Scope: cmp.Or(r.Scope, "/"),
		Eligible: r.Eligible}
	add := func(to *[]state.DirectoryRole, table state.Table) {
		if !slices.Contains(*to, one) {
			*to = append(*to, one)
			s.st.Touch(table, id)
		}
	}
	switch {
	case s.st.Users[id] != nil:
		add(&s.st.Users[id].DirectoryRoles, state.Users)
	case s.st.Groups[id] != nil:
		add(&s.st.Groups[id].DirectoryRoles, state.Groups)
	case s.st.ServicePrincipals[id] != nil:
		add(&s.st.ServicePrincipals[id].DirectoryRoles, state.ServicePrincipals)
	}
}

func (s *seeding) eligibleMember(m EligibleMember) {
	id := strings.ToLower(m.GroupID)
	one := state.EligibleMember{PrincipalID: strings.ToLower(m.PrincipalID), Owner: m.Owner}
	if group := s.st.Groups[id]; group != nil && !slices.Contains(group.Eligible, one) {
		group.Eligible = append(group.Eligible, one)
		s.st.Touch(state.Groups, id)
	}
}
