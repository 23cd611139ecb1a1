package ways

import "github.com/batchaccess/batchaccess/roles"

// An Estate is what stands in Azure and Entra. IDs are object IDs for principals and groups, ARM IDs for resources, in
// any letter case.
type Estate struct {
	// Tenant is its ID; "" where it is not known.
	Tenant       string
	Principals   []Principal
	Groups       []Group
	Applications []Application
	Powers       []Power
	Identities   []Identity
	Hosts        []Host
	Workspaces   []Workspace
	Vaults       []Vault
	Accounts     []Account
	Data         []Datum
	Assignments  []Assignment
	Denials      []Denial
	Unread       []Unread
	// Parents are the management groups in which a subscription or a management group lies, by its ID in lower case. Nil
	// where the hierarchy is not known.
	Parents map[string][]string
	// Above is set where every management group of an assignment is above all that the estate has: Azure lists for a scope
	// those alone.
	Above bool
}

// A Principal is somebody who acts: a person, an application or a managed identity, and no group.
type Principal struct {
	ID string
	// Names are all that it goes by, such as an invoker's and cluster:<name>; one at least. The first is shown.
	Names []string
	// Unknown says why it is not known what it is in or holds; "" where it is.
	Unknown string
	// Elsewhere says why it may hold more than the estate has: then whoever comes to act as it may reach more. "" where
	// the estate has all.
	Elsewhere string
}

// An Unread is what nobody here could ask: who, whoever they are, may become a principal, or a member of a group.
type Unread struct {
	Who string // in words
	To  string // object ID
	// Needs is what they have, By what they do, Missing why they are not known.
	Needs, By, Missing string
}

// A Group has members and owners, by object ID, groups too.
type Group struct {
	ID, Name        string
	Members, Owners []string
	// Roles is set where it may hold roles of Entra, and who manages groups may not change it. RolesUnknown says why that
	// is not known; "" where it is.
	Roles        bool
	RolesUnknown string
	// Unlisted says why its owners are not known; "" where they are.
	Unlisted string
}

// An Application is what a service principal signs in by.
type Application struct {
	Name, AppID string
	Principal   string // object ID of the service principal
	Managed     bool   // it is a managed identity, which has no application
	// Owners are of the application or of the service principal: they add credentials.
	Owners []string
	// Federated are the credentials by which others sign in as it: whoever has the subject, in the estate or elsewhere.
	Federated []Federated
	// Secrets are what else it signs in by, such as "client secret 2026": whoever knows one is it.
	Secrets []string
	// Unlisted says why its owners are not known; "" where they are.
	Unlisted string
}

// Federated is a federated credential.
type Federated struct{ Issuer, Subject string }

// An Identity is a user-assigned managed identity.
type Identity struct{ Name, ID, Principal string }

// A Host is what runs code with identities attached and is no cluster, such as a virtual machine or a function app.
type Host struct {
	Name, ID string
	// Type is that of Resource Manager, such as Microsoft.Compute/virtualMachines.
	Type string
	// Principals are the object IDs of its identities.
	Principals []string
}

// A Workspace is one of Azure Machine Learning, with what is in it.
type Workspace struct {
	ID string
	// Own is set for the workspace of the stack.
	Own bool
	// Account is its own storage account; "" where it is not known.
	Account string
	// Vault is the key vault that keeps the secrets of its data stores, one of the estate's; "" where it is not known.
	Vault string
	// Registry is the container registry of its images; "" where it is not known.
	Registry string
	// Unlisted says why it may have clusters and data stores that are not here; "" where it has none.
	Unlisted  string
	Clusters  []Cluster
	Instances []Instance
	Endpoints []Endpoint
	Stores    []Store
}

// A Vault is a key vault. Its roles count, or its access policies do, and never both
// (learn.microsoft.com/azure/key-vault/general/rbac-access-policy).
type Vault struct {
	ID string
	// ByPolicies is set where its access policies count.
	ByPolicies bool
	// Readers are whom a policy lets read secrets: object IDs, of groups too.
	Readers []string
	// Unknown says why it is not known which of both count; "" where it is.
	Unknown string
}

// An Instance is a compute instance, a machine of one user's, or of all of the workspace.
type Instance struct {
	Name string
	// User is the object ID of whom it was made for; "" where that is not known.
	User string
	// Shared is set where its applications are open to other users of the workspace.
	Shared bool
	// Principals are the object IDs of its identities.
	Principals []string
}

// A Cluster has the identity by which its code acts.
type Cluster struct{ Name, Principal string }

// An Endpoint runs its jobs on clusters.
type Endpoint struct {
	Name     string
	Clusters []string
}

// The kinds of credentials that a store may hold.
const (
	NoCredential     = "None"
	AccountKey       = "AccountKey"
	SAS              = "Sas"
	ServicePrincipal = "ServicePrincipal"
	// SomeCredential is one of which the kind is not known.
	SomeCredential = "some"
)

// A Store is a data store. Kind is one of the kinds of credentials, or another one of Azure's; "" where it is not known
// whether it has any.
type Store struct {
	Name, Kind         string
	Account, Container string
	ClientID           string // of a ServicePrincipal
}

// An Account is a storage account.
type Account struct {
	Name, ID string
	// KeysOff is set where shared keys open nothing.
	KeysOff bool
	// KeysUnknown says why it is not known whether shared keys open it; "" where it is.
	KeysUnknown string
}

// A Datum is data whose readers are asked for.
type Datum struct {
	Name   string
	Output bool
	// Container is "" for all of an account.
	Account, Container, Path string
	Kind                     roles.AccountKind // "" for unknown
	// Store is the data store that it lies in; "" for none.
	Store string
}

// An Assignment is a role assignment, with what the role allows.
type Assignment struct {
	Principal   string
	Role        string // its name
	Scope       string
	Permissions roles.Permissions
	Condition   string
	// Unread says why it is not known what the role allows; "" where it is.
	Unread string
	// Assignable are the scopes at which the role may be assigned, where somebody may change it: it is a custom one. Nil
	// for one of Azure's; of a custom one of which they are not known it has "".
	Assignable []string
	// For is what a plan grants it for.
	For []string
	// Doubt says why it may not hold though it is known what it allows; "" where it holds.
	Doubt string
}

// A Denial is one permission of a deny assignment.
type Denial struct {
	Name, Scope string
	OnlyHere    bool // not below the scope
	// Principals and Exclude are object IDs of principals and groups.
	Principals, Exclude []string
	Permissions         roles.Permissions
	Condition           string
}

// Everyone is the object ID that stands for all principals in a deny assignment.
const Everyone = "00000000-0000-0000-0000-000000000000"
