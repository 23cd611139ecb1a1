package azure

import (
	"cmp"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/batchaccess/batchaccess/sandbox/azure/internal/armid"
	"github.com/batchaccess/batchaccess/sandbox/azure/internal/clouds"
	"github.com/batchaccess/batchaccess/sandbox/azure/internal/graph"
	"github.com/batchaccess/batchaccess/sandbox/azure/internal/role"
	"github.com/batchaccess/batchaccess/sandbox/azure/internal/state"
)

// Seed is what exists before a stack does. IDs are ARM IDs unless said otherwise; object IDs and client IDs are GUIDs.
// Whatever an ID lies in (subscription, resource group, workspace, storage account) exists with it.
type Seed struct {
	// TenantID is the tenant's ID; "" keeps the one that the sandbox made up.
	TenantID string
	// Cloud is the cloud that the tenant is in, by its name or azure-native's word for it: AzureCloud or public,
	// AzureUSGovernment or usgovernment, AzureChinaCloud or china. "" keeps the cloud, which is public at first.
	Cloud                  string
	SubscriptionIDs        []string // GUIDs
	Workspaces             []Workspace
	StorageAccounts        []StorageAccount
	ContainerRegistries    []ContainerRegistry
	Datastores             []Datastore
	DataAssets             []DataAsset
	Users                  []User
	Groups                 []Group
	ServicePrincipals      []ServicePrincipal
	UserAssignedIdentities []UserAssignedIdentity
	Hosts                  []Host
	Computes               []Compute
	Endpoints              []Endpoint
	// RoleDefinitions are custom roles, each with its GUID and where it may be assigned.
	RoleDefinitions []RoleDefinition
	// RoleAssignments exist before the stack.
	RoleAssignments []RoleAssignment
	// DenyAssignments are those that Azure makes for deployment stacks and managed applications. They win over all
	// roles.
	DenyAssignments []DenyAssignment
	// DirectoryRoles are those of Entra, given to principals of this seed or of earlier ones.
	DirectoryRoles []DirectoryRole
	// EligibleMembers may activate membership in a group (PIM for groups), or that they own it.
	EligibleMembers []EligibleMember
	// ResourceIDs are other resources that exist, with no properties.
	ResourceIDs []string
}

// DirectoryRole gives a principal a role of Entra.
type DirectoryRole struct {
	PrincipalID string
	// TemplateID is the role's, the same in every tenant.
	TemplateID string
	// Scope is "" for the whole directory, else /administrativeUnits/<ID> or /<object ID>.
	Scope string
	// Eligible: its holder has to activate it (PIM).
	Eligible bool
}

// EligibleMember may activate its membership in a group, or that it owns the group.
type EligibleMember struct {
	GroupID, PrincipalID string
	Owner                bool
}

// RoleDefinition is a custom role: its GUID, name, permissions, and where it may be assigned.
type RoleDefinition = role.Definition

// Permission is one entry of a role's permissions.
type Permission = role.Permission

// RoleAssignment gives a principal a role at a scope; both are given by GUID. If the condition can't be read,
// everything that depends on it is undecided.
type RoleAssignment struct {
	ID                                        string // a GUID
	Scope, RoleID, PrincipalID, PrincipalType string
	Condition, Description                    string
}

// DenyAssignment keeps principals, given by object ID, from actions at a scope and below it.
type DenyAssignment struct {
	ID          string // a GUID
	Name, Scope string
	Permissions []Permission
	// Everyone: it reaches all principals except the excluded ones.
	Everyone               bool
	PrincipalIDs, Excluded []string
	// NotBelow: it applies at the scope only.
	NotBelow bool
}

// Workspace is an Azure Machine Learning workspace.
type Workspace struct {
	ID, Location string
	// SystemDatastoresAuthMode is accesskey (default) or identity: how the workspace's own stores are opened.
	SystemDatastoresAuthMode string
	// ContainerRegistryID is the registry of the workspace's images; "" if the sandbox does not know one.
	ContainerRegistryID string
	// StorageAccountID is the workspace's own storage account; "" if the sandbox does not know one.
	StorageAccountID string
	// PrivateLink closes the workspace's public network access. Invoking over REST still works (the article says so).
	PrivateLink bool
}

// StorageAccount is a storage account with its containers.
type StorageAccount struct {
	ID   string
	Kind string // default "StorageV2"
	// HNS: it is Azure Data Lake Storage Gen2, with a hierarchical namespace, and not just Blob storage.
	HNS        bool
	Containers []string
	// PublicContainers are the containers that anyone may read without signing in.
	PublicContainers []string
	// Firewall closes the account to public networks.
	Firewall bool
}

// ContainerRegistry is a registry of images.
type ContainerRegistry struct {
	ID        string
	AdminUser bool // whoever has its password may pull
	// ABAC: its permissions are by repository, and it ignores AcrPull.
	ABAC bool
}

// Datastore is a data store of a workspace.
type Datastore struct {
	WorkspaceID, Name string
	Type              string // "AzureBlob" (default) or "AzureDataLakeGen2"
	AccountID         string
	Container         string
	// HasCredentials: the store holds an account key or SAS, so that no identity is needed to read it (the article says
	// so).
	HasCredentials bool
}

// DataAsset is a version of a data asset at a path of a data store.
type DataAsset struct {
	WorkspaceID, Name, Version string
	Datastore, Path            string
	Type                       string // "uri_folder" (default) or "uri_file"
}

// User is a person in the directory.
type User struct {
	ObjectID, UserPrincipalName, DisplayName string
	Mail                                     string // the user principal name when empty
}

// Group is a security group; its members are object IDs of this seed or of earlier ones.
type Group struct {
	ObjectID, DisplayName string
	MemberIDs             []string
	// OwnerIDs are object IDs too. AssignableToRole: only who gives roles of Entra changes who is in it.
	OwnerIDs         []string
	AssignableToRole bool
}

// ServicePrincipal is an enterprise application, or the managed identity of a resource that is not in the sandbox.
type ServicePrincipal struct {
	ObjectID    string
	ClientID    string // made up when empty
	DisplayName string
	Type        string // "Application" (default) or "ManagedIdentity"
	// GraphPermissions are application permissions of Microsoft Graph that it has, by name.
	GraphPermissions []string
}

// UserAssignedIdentity is a user-assigned managed identity with its service principal.
type UserAssignedIdentity struct{ ID, PrincipalID, ClientID, Location string }

// Host is a resource on which code runs with managed identities: a Data Factory, a site (App Service or Function App),
// a virtual machine. The sandbox knows nothing else about it.
type Host struct {
	ID, Location string
	// PrincipalID is the object ID of its system-assigned identity; "" when it has none.
	PrincipalID string
	// UserAssignedIdentityIDs are attached to it. A user-assigned identity that is attached to no host can't sign in at
	// one.
	UserAssignedIdentityIDs []string
}

// Compute is a compute cluster. Location is where its nodes are; default: the workspace's.
type Compute struct {
	WorkspaceID, Name, Location string
	// SystemAssignedPrincipalID is the object ID of its system-assigned identity; "" when it has none.
	SystemAssignedPrincipalID string
	// UserAssignedIdentityIDs are in order: the cluster mounts with the first. A cluster has either these or a
	// system-assigned identity.
	UserAssignedIdentityIDs []string
}

// Endpoint is a batch endpoint. The clusters of its deployments need not exist yet.
type Endpoint struct {
	WorkspaceID, Name, Location string
	Deployments                 []Deployment
	// DefaultDeployment runs if a request names no deployment.
	DefaultDeployment string
	// IfFree leaves the endpoint out if another endpoint of the region has its name.
	IfFree bool
}

// Deployment is a deployment of a batch endpoint.
type Deployment struct {
	Name, ComputeName string
	// Registries are the names of the shared registries of its model and its environment: two at most.
	Registries []string
	// Pipeline is set for a deployment of a pipeline component without parallel steps.
	Pipeline bool
}

// Seed adds what exists before a stack does. Seeding the same twice changes nothing, seeding something differently
// changes it, and a resource that a stack has made stays as it is. Seed reports all problems at once, and adds nothing
// if there are any.
func (a *Azure) Seed(s Seed) error {
	if err := s.check(); err != nil {
		return fmt.Errorf("seeding the sandbox: %w", err)
	}
	return a.store.Update(func(st *state.State) error {
		if err := s.checkUnique(st); err != nil {
			return fmt.Errorf("seeding the sandbox: %w", err)
		}
		(&seeding{st: st, now: a.store.Now()}).all(s)
		return nil
	})
}

// Azure's rules for names: facts/compute-clusters.md; facts/batch-endpoints.md for endpoints and their deployments.
var (
	clusterName  = regexp.MustCompile(`^[a-zA-Z][a-zA-Z0-9-]*[a-zA-Z0-9]$`)
	endpointName = regexp.MustCompile(`^[a-zA-Z](-?[a-zA-Z0-9])*$`)
)

// checkUnique finds names that Azure keeps unique and that something else has, in the sandbox or in the seed itself: an
// endpoint's in its region, because it is a host name (facts/batch-endpoints.md), and a storage account's in all of
// Azure.
func (s *Seed) checkUnique(st *state.State) error {
	var problems []error
	claimed := map[string]string{} // taken name -> ARM ID
	claim := func(what, name, id string) {
		if other, taken := claimed[what]; taken && armid.Key(other) != armid.Key(id) {
			problems = append(problems, fmt.Errorf("%s and %s can't both be called %s; rename one", other, id, name))
		}
		claimed[what] = id
	}
	account := func(id string) { claim("account "+strings.ToLower(armid.Parse(id).Name()), armid.Parse(id).Name(), id) }
	endpoint := func(id, region string) {
		name := armid.Parse(id).Name()
		claim(hostOf(name, region), name+" in "+region, id)
	}
	for _, r := range st.Resources {
		switch id := armid.Parse(r.ID); {
		case id.Is(typeStorage):
			account(r.ID)
		case id.Is(typeEndpoint):
			endpoint(r.ID, r.Location)
		}
	}
	for _, a := range s.StorageAccounts {
		account(a.ID)
	}
	for _, d := range s.Datastores {
		account(d.AccountID)
	}
	var kept []Endpoint
	for _, e := range s.Endpoints {
		id, region := e.WorkspaceID+"/batchEndpoints/"+e.Name, s.region(st, e)
		if other, taken := claimed[hostOf(e.Name, region)]; e.IfFree && taken && armid.Key(other) != armid.Key(id) {
			continue
		}
		endpoint(id, region)
		kept = append(kept, e)
	}
	s.Endpoints = kept
	return errors.Join(problems...)
}

// hostOf is the host name that an endpoint claims.
func hostOf(name, region string) string {
	return "endpoint " + strings.ToLower(name+" "+strings.ReplaceAll(region, " ", ""))
}

// region is the region of an endpoint of the seed: its own, or else its workspace's.
func (s Seed) region(st *state.State, e Endpoint) string {
	if e.Location != "" {
		return e.Location
	}
	for _, w := range s.Workspaces {
		if armid.Key(w.ID) == armid.Key(e.WorkspaceID) {
			return cmp.Or(w.Location, defaultLocation)
		}
	}
	if workspace := st.Resources[armid.Key(e.WorkspaceID)]; workspace != nil {
		return workspace.Location
	}
	return defaultLocation
}

// check finds wrong IDs. A wrong ID would seed something that no request ever names.
func (s Seed) check() error {
	var problems []error
	guid := func(what, value string, optional bool) {
		if uuid.Validate(value) != nil && (value != "" || !optional) {
			problems = append(problems, fmt.Errorf("%s %q is not a GUID", what, value))
		}
	}
	resource := func(what, value, resourceType string, optional bool) {
		id := armid.Parse(value)
		wrongType := resourceType != "" && !id.Is(resourceType)
		if (value != "" || !optional) && (!strings.HasPrefix(value, "/") || id.IsCollection() || len(id.Names) == 0 ||
			wrongType) {
			problems = append(problems, fmt.Errorf("%s %q is not an ARM ID of type %s", what, value, resourceType))
		}
	}
	name := func(what, value string, form *regexp.Regexp) {
		if !form.MatchString(value) || len(value) < 3 || len(value) > 32 {
			problems = append(problems,
				fmt.Errorf("the %s's name %q is none that Azure takes: 3 to 32 characters that match %s", what, value,
					form))
		}
	}
	guid("tenant ID", s.TenantID, true)
	if _, ok := clouds.Named(s.Cloud); !ok {
		problems = append(problems, fmt.Errorf("the sandbox knows no cloud %q; it knows %s", s.Cloud,
			strings.Join(clouds.Names(), ", ")))
	}
	for _, id := range s.SubscriptionIDs {
		guid("subscription ID", id, false)
	}
	for _, w := range s.Workspaces {
		resource("workspace", w.ID, typeWorkspace, false)
		resource("container registry of workspace "+w.ID, w.ContainerRegistryID, typeImages, true)
		resource("storage account of workspace "+w.ID, w.StorageAccountID, typeStorage, true)
		if mode := w.SystemDatastoresAuthMode; mode != "" && mode != "accesskey" && mode != "identity" {
			problems = append(problems, fmt.Errorf("the sandbox knows no systemDatastoresAuthMode %q; it knows accesskey and "+
				"identity", mode))
		}
	}
	for _, account := range s.StorageAccounts {
		resource("storage account", account.ID, typeStorage, false)
	}
	for _, r := range s.ContainerRegistries {
		resource("container registry", r.ID, typeImages, false)
	}
	for _, d := range s.Datastores {
		resource("workspace of data store "+d.Name, d.WorkspaceID, typeWorkspace, false)
		resource("storage account of data store "+d.Name, d.AccountID, typeStorage, false)
	}
	for _, d := range s.DataAssets {
		resource("workspace of data asset "+d.Name, d.WorkspaceID, typeWorkspace, false)
	}
	for _, u := range s.Users {
		guid("object ID of user "+u.UserPrincipalName, u.ObjectID, false)
	}
	for _, g := range s.Groups {
		guid("object ID of group "+g.DisplayName, g.ObjectID, false)
		for _, m := range g.MemberIDs {
			guid("member of group "+g.DisplayName, m, false)
		}
	}
	for _, sp := range s.ServicePrincipals {
		guid("object ID of service principal "+sp.DisplayName, sp.ObjectID, false)
		guid("client ID of service principal "+sp.DisplayName, sp.ClientID, true)
		for _, name := range sp.GraphPermissions {
			if !graph.KnowsPermission(name) {
				problems = append(problems, fmt.Errorf("the sandbox knows no permission %q of Microsoft Graph", name))
			}
		}
	}
	for _, i := range s.UserAssignedIdentities {
		resource("identity", i.ID, typeIdentity, false)
		guid("principal ID of identity "+i.ID, i.PrincipalID, true)
		guid("client ID of identity "+i.ID, i.ClientID, true)
	}
	for _, h := range s.Hosts {
		resource("host", h.ID, "", false)
		guid("principal ID of host "+h.ID, h.PrincipalID, len(h.UserAssignedIdentityIDs) > 0)
		for _, id := range h.UserAssignedIdentityIDs {
			resource("identity of host "+h.ID, id, typeIdentity, false)
		}
	}
	for _, c := range s.Computes {
		resource("workspace of cluster "+c.Name, c.WorkspaceID, typeWorkspace, false)
		guid("principal ID of cluster "+c.Name, c.SystemAssignedPrincipalID, true)
		name("cluster", c.Name, clusterName)
		if c.SystemAssignedPrincipalID != "" && len(c.UserAssignedIdentityIDs) > 0 {
			problems = append(problems,
				fmt.Errorf("cluster %q has a system-assigned identity and user-assigned ones; Azure lets it have one kind", c.Name))
		}
		for _, id := range c.UserAssignedIdentityIDs {
			resource("identity of cluster "+c.Name, id, typeIdentity, false)
		}
	}
	for _, e := range s.Endpoints {
		resource("workspace of endpoint "+e.Name, e.WorkspaceID, typeWorkspace, false)
		name("endpoint", e.Name, endpointName)
		for _, d := range e.Deployments {
			name("deployment", d.Name, endpointName)
			if len(d.Registries) > 2 {
				problems = append(problems, fmt.Errorf("deployment %q has a model and an environment, which are in two registries "+
					"at most", d.Name))
			}
		}
		if e.DefaultDeployment != "" && !slices.ContainsFunc(e.Deployments,
			func(d Deployment) bool { return d.Name == e.DefaultDeployment }) {
			problems = append(problems, fmt.Errorf("endpoint %q has no deployment %q, which is its default", e.Name,
				e.DefaultDeployment))
		}
	}
	for _, d := range s.RoleDefinitions {
		guid("ID of role "+d.RoleName, d.ID, false)
		if problem := d.Problem(); problem != "" {
			problems = append(problems, fmt.Errorf("role %s: %s", d.RoleName, problem))
		}
	}
	for _, a := range s.RoleAssignments {
		guid("ID of role assignment "+a.ID, a.ID, false)
		guid("role of role assignment "+a.ID, a.RoleID, false)
		guid("principal of role assignment "+a.ID, a.PrincipalID, false)
		if !strings.HasPrefix(a.Scope, "/") {
			problems = append(problems, fmt.Errorf("role assignment %q has no scope", a.ID))
		}
	}
	for _, d := range s.DenyAssignments {
		guid("ID of deny assignment "+d.Name, d.ID, false)
		if !strings.HasPrefix(d.Scope, "/") || len(d.Permissions) == 0 || d.Everyone == (len(d.PrincipalIDs) > 0) {
			problems = append(problems,
				fmt.Errorf("deny assignment %q needs a scope, permissions, and either Everyone or principals",
					d.Name))
		}
		for _, id := range append(slices.Clone(d.PrincipalIDs), d.Excluded...) {
			guid("principal of deny assignment "+d.Name, id, false)
		}
	}
	for _, r := range s.DirectoryRoles {
		guid("principal of the directory role "+r.TemplateID, r.PrincipalID, false)
		if !graph.KnowsRole(r.TemplateID) {
			problems = append(problems, fmt.Errorf("the sandbox knows no role of Entra %q", r.TemplateID))
		}
	}
	for _, m := range s.EligibleMembers {
		guid("eligible member of group "+m.GroupID, m.PrincipalID, false)
		guid("group of eligible member "+m.PrincipalID, m.GroupID, false)
	}
	for _, id := range s.ResourceIDs {
		resource("resource", id, "", false)
	}
	return errors.Join(problems...)
}
