package azure

import (
	"errors"
	"fmt"
	"strings"

	"github.com/google/uuid"

	"github.com/batchaccess/batchaccess/roles"
	"github.com/batchaccess/batchaccess/sandbox/azure/internal/armid"
	"github.com/batchaccess/batchaccess/sandbox/azure/internal/state"
)

// Seed is what exists before a stack does. IDs are ARM IDs unless said otherwise; object IDs and client IDs are GUIDs.
// What an ID lies in (subscription, resource group, workspace, storage account) exists with it.
type Seed struct {
	// TenantID names the tenant; "" leaves the one that the sandbox made up.
	TenantID               string
	SubscriptionIDs        []string // GUIDs
	Workspaces             []Workspace
	StorageAccounts        []StorageAccount
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
	RoleDefinitions []roles.Definition
	// ResourceIDs are of any other resource that simply exists.
	ResourceIDs []string
}

// Workspace is an Azure Machine Learning workspace.
type Workspace struct {
	ID, Location string
	// PrivateLink closes the workspace's public network access. Invoking over REST still works (seed).
	PrivateLink bool
}

// StorageAccount is a storage account with its containers.
type StorageAccount struct {
	ID   string
	Kind string // default "StorageV2"
	// HNS tells an Azure Data Lake Storage Gen2 account, with a hierarchical namespace, from Blob storage.
	HNS        bool
	Containers []string
}

// Datastore is a data store of a workspace.
type Datastore struct {
	WorkspaceID, Name string
	Type              string // "AzureBlob" (default) or "AzureDataLakeGen2"
	AccountID         string
	Container         string
	// HasCredentials says that the store holds an account key or SAS, so that no identity is needed to read it (seed).
	HasCredentials bool
}

// DataAsset is a version of a data asset at a path of a data store.
type DataAsset struct {
	WorkspaceID, Name, Version string
	Datastore, Path            string
	Type                       string // "uri_folder" (default) or "uri_file"
}

// User is a person in the directory.
type User struct{ ObjectID, UserPrincipalName, DisplayName string }

// Group is a security group; its members are object IDs of this seed or of what exists already.
type Group struct {
	ObjectID, DisplayName string
	MemberIDs             []string
}

// ServicePrincipal is an enterprise application, or a managed identity of a resource that is none of the sandbox's.
type ServicePrincipal struct {
	ObjectID    string
	ClientID    string // made up when empty
	DisplayName string
	Type        string // "Application" (default) or "ManagedIdentity"
}

// UserAssignedIdentity is a user-assigned managed identity with its service principal.
type UserAssignedIdentity struct{ ID, PrincipalID, ClientID, Location string }

// Host is a resource with a system-assigned managed identity and nothing else that matters here: a Data Factory, a site
// (App Service or Function App), a virtual machine.
type Host struct{ ID, PrincipalID, Location string }

// Compute is a compute cluster.
type Compute struct {
	WorkspaceID, Name, Location string
	// SystemAssignedPrincipalID is the object ID of its system-assigned identity; "" when it has none.
	SystemAssignedPrincipalID string
	UserAssignedIdentityIDs   []string
}

// Endpoint is a batch endpoint. The clusters of its deployments need not exist yet.
type Endpoint struct {
	WorkspaceID, Name, Location string
	Deployments                 []Deployment
	// DefaultDeployment is the one that runs when a request names none.
	DefaultDeployment string
}

// Deployment is a deployment of a batch endpoint.
type Deployment struct{ Name, ComputeName string }

// Seed adds what exists before a stack does. Seeding the same twice changes nothing; seeding something again that was
// seeded differently changes it; what a stack has made is left alone. All problems are reported at once, and nothing
// is added if there are any.
func (a *Azure) Seed(s Seed) error {
	if err := s.check(); err != nil {
		return fmt.Errorf("seeding the sandbox: %w", err)
	}
	return a.store.Update(func(st *state.State) error {
		(&seeding{st: st, now: a.store.Now()}).all(s)
		return nil
	})
}

// check finds what is wrong with the IDs; a wrong one would seed something that no request ever names.
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
		if (value != "" || !optional) && (!strings.HasPrefix(value, "/") || id.IsCollection() || len(id.Names) == 0 || wrongType) {
			problems = append(problems, fmt.Errorf("%s %q is not an ARM ID of type %s", what, value, resourceType))
		}
	}
	guid("tenant ID", s.TenantID, true)
	for _, id := range s.SubscriptionIDs {
		guid("subscription ID", id, false)
	}
	for _, w := range s.Workspaces {
		resource("workspace", w.ID, typeWorkspace, false)
	}
	for _, account := range s.StorageAccounts {
		resource("storage account", account.ID, typeStorage, false)
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
	}
	for _, i := range s.UserAssignedIdentities {
		resource("identity", i.ID, typeIdentity, false)
		guid("principal ID of identity "+i.ID, i.PrincipalID, true)
		guid("client ID of identity "+i.ID, i.ClientID, true)
	}
	for _, h := range s.Hosts {
		resource("host", h.ID, "", false)
		guid("principal ID of host "+h.ID, h.PrincipalID, false)
	}
	for _, c := range s.Computes {
		resource("workspace of cluster "+c.Name, c.WorkspaceID, typeWorkspace, false)
		guid("principal ID of cluster "+c.Name, c.SystemAssignedPrincipalID, true)
		for _, id := range c.UserAssignedIdentityIDs {
			resource("identity of cluster "+c.Name, id, typeIdentity, false)
		}
	}
	for _, e := range s.Endpoints {
		resource("workspace of endpoint "+e.Name, e.WorkspaceID, typeWorkspace, false)
	}
	for _, d := range s.RoleDefinitions {
		guid("ID of role "+d.RoleName, d.ID, false)
		if err := d.Validate(); err != nil {
			problems = append(problems, fmt.Errorf("role %s: %w", d.RoleName, err))
		}
	}
	for _, id := range s.ResourceIDs {
		resource("resource", id, "", false)
	}
	return errors.Join(problems...)
}
