package ways

import "github.com/batchaccess/batchaccess/roles"

// An Estate is what Azure and Entra have. IDs are object IDs for principals and groups, ARM IDs for resources, in any
// letter case.
type Estate struct {
	// Tenant is the tenant's ID; "" if it is not known.
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
	// Parents are the management groups above a subscription or a management group, by its ID in lower case. Nil if the
	// hierarchy is not known.
	Parents map[string][]string
	// Above is set if every management group of an assignment is above everything in the estate: Azure lists only those
	// for a scope.
	Above bool
}

// A Principal is a person, an application or a managed identity, but no group.
type Principal struct {
	ID string
	// Names are all its names, such as an invoker's and cluster:<name>; at least one. The first is shown.
	Names []string
	// Type is User or ServicePrincipal, as a condition names it; "" if it is not known.
	Type string
	// Unknown says why its groups and assignments are not known; "" if they are.
	Unknown string
	// Elsewhere says why it may hold more than the estate has: then whoever acts as it may reach more. "" if the estate
	// has everything.
	Elsewhere string
}

// An Unread is what nobody here could ask: who, whoever they are, may become a principal, or a member of a group.
type Unread struct {
	Who string // in words
	To  string // object ID
	// Needs is what they have, By what they do, Missing why they are not known.
	Needs, By, Missing string
}

// A Group has members and owners, by object ID; they may be groups.
type Group struct {
	ID, Name        string
	Members, Owners []string
	// Roles is set if it may hold roles of Entra; then those who manage groups may not change it. RolesUnknown says why
	// that is not known; "" if it is.
	Roles        bool
	RolesUnknown string
	// Unlisted says why its owners are not known; "" if they are.
	Unlisted string
}

// An Application is how a service principal signs in.
type Application struct {
	Name, AppID string
	Principal   string // object ID of the service principal
	Managed     bool   // it is a managed identity, without an application
	// Owners of the application or of the service principal, who can add credentials.
	Owners []string
	// Federated are the credentials by which others sign in as it: whoever has the subject, in the estate or elsewhere.
	Federated []Federated
	// Secrets are its other credentials, such as "client secret 2026": whoever knows one can sign in as it.
	Secrets []string
	// Unlisted says why its owners are not known; "" if they are.
	Unlisted string
}

// A Federated is a federated credential.
type Federated struct{ Issuer, Subject string }

// An Identity is a user-assigned managed identity.
type Identity struct{ Name, ID, Principal string }

// A Host runs code with attached identities and is no cluster, such as a virtual machine or a function app.
type Host struct {
	Name, ID string
	// Type in Resource Manager, such as Microsoft.Compute/virtualMachines.
	Type string
	// Principals are the object IDs of its identities.
	Principals []string
}

// A Workspace is an Azure Machine Learning workspace, with its content.
type Workspace struct {
	ID string
	// Own is set for the stack's workspace.
	Own bool
	// Account is its own storage account; "" if it is not known.
	Account string
	// Vault is the key vault with the secrets of its data stores, one of the estate's; "" if it is not known.
	Vault string
	// Registry is the container registry of its images; "" if it is not known.
	Registry string
	// Unlisted says why it may have clusters and data stores that are not here; "" if it has none.
	Unlisted  string
	Clusters  []Cluster
	Instances []Instance
	Endpoints []Endpoint
	Stores    []Store
}

// A Vault is a key vault. Either roles or its access policies decide who opens it, never both
// (learn.microsoft.com/azure/key-vault/general/rbac-access-policy).
type Vault struct {
	ID string
	// ByPolicies is set if its access policies decide.
	ByPolicies bool
	// Readers may read secrets by a policy: object IDs, also of groups.
	Readers []string
	// Unknown says why it is not known whether roles or policies decide; "" if it is.
	Unknown string
}

// An Instance is a compute instance: a machine for one user, or for all users of the workspace.
type Instance struct {
	Name string
	// User is the object ID of the user for whom it was made; "" if it is not known.
	User string
	// Shared is set if its applications are open to other users of the workspace.
	Shared bool
	// Principals are the object IDs of its identities.
	Principals []string
}

// A Cluster has the identity with which its code acts.
type Cluster struct{ Name, Principal string }

// An Endpoint runs its jobs on clusters.
type Endpoint struct {
	Name     string
	Clusters []string
}

// The kinds of credentials in a data store.
const (
	NoCredential     = "None"
	AccountKey       = "AccountKey"
	SAS              = "Sas"
	ServicePrincipal = "ServicePrincipal"
	// SomeCredential is a credential of an unknown kind.
	SomeCredential = "some"
)

// A Store is a data store. Kind is one of the kinds of credentials, or another one of Azure's; "" if it is not known
// whether it has any.
type Store struct {
	Name, Kind         string
	Account, Container string
	ClientID           string // for a ServicePrincipal
}

// An Account is a storage account.
type Account struct {
	Name, ID string
	// KeysOff is set if shared keys do not open it.
	KeysOff bool
	// KeysUnknown says why it is not known whether shared keys open it; "" if it is.
	KeysUnknown string
}

// A Datum is data for whose readers ways are looked for.
type Datum struct {
	Name   string
	Output bool
	// Container is "" for the whole account.
	Account, Container, Path string
	Kind                     roles.AccountKind // "" for unknown
	// Store is its data store; "" for none.
	Store string
}

// An Assignment is a role assignment, with what the role allows.
type Assignment struct {
	Principal   string
	Role        string // the role's name
	Scope       string
	Permissions roles.Permissions
	Condition   string
	// Unread says why it is not known what the role allows; "" if it is.
	Unread string
	// Assignable are the assignable scopes of a custom role, which somebody may change. Nil for one of Azure's roles;
	// {""} if the scopes are not known.
	Assignable []string
	// For is why a plan makes it.
	For []string
	// Doubt says why it may have no effect though it is known what it allows; "" if it has.
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

// Everyone is the object ID for all principals in a deny assignment.
const Everyone = "00000000-0000-0000-0000-000000000000"

// NameOf returns the name of a principal, or else its ID.
func (e *Estate) NameOf(id string) string {
	for _, p := range e.Principals {
		if fold(p.ID) == fold(id) {
			return p.Names[0]
		}
	}
	return id
}
