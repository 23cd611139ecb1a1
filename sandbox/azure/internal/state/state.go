// Package state holds everything that exists in the sandbox, as data. It enforces none of Azure's rules: the services
// that change it do. Data that is read under the store's lock must be copied or encoded before the lock is released.
package state

import (
	"crypto/rand"
	"encoding/base64"
	"slices"
	"strings"
	"time"

	"github.com/batchaccess/batchaccess/sandbox/azure/internal/role"
)

// State is the content of a snapshot. Resources are keyed by lower-case ID, directory objects, role definitions and
// assignments by lower-case GUID, jobs by name. Call Touch whenever you put, change or delete an entry of a map: only
// touched entries are written to the file.
type State struct {
	Tenant

	Resources         map[string]*Resource         `json:"resources"`
	Applications      map[string]*Application      `json:"applications"`
	ServicePrincipals map[string]*ServicePrincipal `json:"servicePrincipals"`
	Groups            map[string]*Group            `json:"groups"`
	Users             map[string]*User             `json:"users"`
	RoleDefinitions   map[string]*RoleDefinition   `json:"roleDefinitions"`
	RoleAssignments   map[string]*RoleAssignment   `json:"roleAssignments"`
	// DenyAssignments are only seeded: Azure makes them, for deployment stacks and managed applications.
	DenyAssignments map[string]*DenyAssignment `json:"denyAssignments,omitempty"`
	Jobs            map[string]*Job            `json:"jobs"`
	// Operations are the long-running ones by ID, with the time they were started.
	Operations map[string]time.Time `json:"operations"`
	// Deleting has deleted resources that are shown as being deleted until BusyUntil.
	Deleting map[string]*Resource `json:"deleting,omitempty"`
	// Contents are the keys and blobs of storage accounts, by lower-case ID.
	Contents map[string]*Content `json:"contents,omitempty"`
	// Removed has deleted role assignments that may still have effect.
	Removed []Removed `json:"removed,omitempty"`
	// RemovedRoles has deleted role definitions, by GUID, that deleted assignments may still use.
	RemovedRoles map[string]*RoleDefinition `json:"removedRoles,omitempty"`

	// Lag is for this run only.
	Lag Lag `json:"-"`
	// DeployerLacks has the permissions that were taken from the deployer, for this run only.
	DeployerLacks []string `json:"-"`

	touched map[entry]bool // since the last record was made
	written Tenant         // as the last record has it
	names   names
	jobs    []string // by name, the oldest first
}

// JobsKept is the largest number of jobs in the state: the oldest ones are forgotten.
const JobsKept = 10_000

func (s *State) AddJob(job *Job) {
	s.Jobs[job.Name] = job
	s.Touch(jobs, job.Name)
	s.jobs = append(s.jobs, job.Name)
	for len(s.jobs) > JobsKept {
		delete(s.Jobs, s.jobs[0])
		s.Touch(jobs, s.jobs[0])
		s.jobs = s.jobs[1:]
	}
}

// Tenant has what exists once.
type Tenant struct {
	TenantID string `json:"tenantId"`
	// Cloud is the cloud that the tenant is in; "" is public Azure.
	Cloud string `json:"cloud,omitempty"`
	// Port is the port of the last run. Keeping it keeps the IDs and URLs valid that a stack has stored.
	Port int `json:"port,omitempty"`
	// DeployerID is the object ID of the service principal that deploys stacks.
	DeployerID string `json:"deployerId,omitempty"`
	// Subscription is the first one seeded: the deployer's own.
	Subscription string `json:"subscription,omitempty"`
}

// Resource is anything that Resource Manager addresses by ID, except role definitions and assignments.
type Resource struct {
	ID         string            `json:"id"`
	Location   string            `json:"location,omitempty"`
	Kind       string            `json:"kind,omitempty"`
	Tags       map[string]string `json:"tags,omitempty"`
	SKU        any               `json:"sku,omitempty"`
	Identity   *Identity         `json:"identity,omitempty"`
	Properties map[string]any    `json:"properties,omitempty"`
	Seeded     bool              `json:"seeded,omitempty"`
	CreatedBy  string            `json:"createdBy,omitempty"`
	CreatedAt  time.Time         `json:"createdAt"`
	ModifiedAt time.Time         `json:"modifiedAt"`
	// Busy is the provisioning state that is shown until BusyUntil, while an operation changes the resource.
	Busy      string    `json:"busy,omitempty"`
	BusyUntil time.Time `json:"busyUntil,omitzero"`
}

// Content is what a storage account holds besides its containers.
type Content struct {
	// Keys are its two keys, in base64.
	Keys [2]string `json:"keys"`
	// Blobs are by container and path, as container/path.
	Blobs map[string][]byte `json:"blobs,omitempty"`
}

// Content returns the content of the storage account, and makes its keys if needed; only an Update may call it.
func (s *State) Content(account *Resource) *Content {
	key := strings.ToLower(account.ID)
	content := s.Contents[key]
	if content == nil {
		content = &Content{Blobs: map[string][]byte{}}
		for n := range content.Keys {
			content.NewKey(n)
		}
		s.Contents[key] = content
	}
	s.Touch(Contents, key)
	return content
}

// NewKey makes a key: 64 random bytes.
func (c *Content) NewKey(n int) {
	secret := make([]byte, 64)
	_, _ = rand.Read(secret) // it never fails
	c.Keys[n] = base64.StdEncoding.EncodeToString(secret)
}

// Identity is the managed identity of a resource.
type Identity struct {
	// SystemPrincipalID is the object ID of the system-assigned identity; empty when there is none.
	SystemPrincipalID string `json:"systemPrincipalId,omitempty"`
	// UserAssigned are the IDs of the user-assigned identities.
	UserAssigned []string `json:"userAssigned,omitempty"`
}

// Application is an application registration in Entra.
type Application struct {
	ID         string                `json:"id"`
	AppID      string                `json:"appId"`
	Owners     []string              `json:"owners,omitempty"`
	Passwords  []Password            `json:"passwords,omitempty"`
	Federated  []FederatedCredential `json:"federated,omitempty"`
	Attributes map[string]any        `json:"attributes,omitempty"`
	Seeded     bool                  `json:"seeded,omitempty"`
	CreatedAt  time.Time             `json:"createdAt"`
}

// Password is a client secret, of which only the hash is kept. The dates are the texts that the client sent, because
// clients compare them as text.
type Password struct {
	KeyID         string `json:"keyId"`
	DisplayName   string `json:"displayName,omitempty"`
	StartDateTime string `json:"startDateTime"`
	EndDateTime   string `json:"endDateTime"`
	// SHA256 is the hex digest of a random secret of 256 bits.
	SHA256    string    `json:"sha256"`
	Seeded    bool      `json:"seeded,omitempty"`
	CreatedAt time.Time `json:"createdAt,omitzero"`
}

// FederatedCredential trusts the assertions of an external issuer.
type FederatedCredential struct {
	ID          string    `json:"id"`
	Name        string    `json:"name"`
	Issuer      string    `json:"issuer"`
	Subject     string    `json:"subject"`
	Audiences   []string  `json:"audiences"`
	Description string    `json:"description"`
	CreatedAt   time.Time `json:"createdAt,omitzero"`
}

// ServicePrincipal is an enterprise application or a managed identity.
type ServicePrincipal struct {
	ID    string `json:"id"`
	AppID string `json:"appId"`
	// Type is "Application" or "ManagedIdentity".
	Type    string   `json:"type"`
	Enabled bool     `json:"enabled"`
	Owners  []string `json:"owners,omitempty"`
	// ResourceID is the resource that the managed identity belongs to.
	ResourceID string         `json:"resourceId,omitempty"`
	Attributes map[string]any `json:"attributes,omitempty"`
	Seeded     bool           `json:"seeded,omitempty"`
	CreatedAt  time.Time      `json:"createdAt,omitzero"`
	// Permissions are application permissions of Microsoft Graph, by name.
	Permissions    []string        `json:"permissions,omitempty"`
	DirectoryRoles []DirectoryRole `json:"directoryRoles,omitempty"`
}

// DirectoryRole is a role of Entra that a principal has, or may activate.
type DirectoryRole struct {
	TemplateID string `json:"templateId"`
	// Scope is / for the whole directory, or /administrativeUnits/<ID>, or /<ID of an object>.
	Scope    string `json:"scope"`
	Eligible bool   `json:"eligible,omitempty"`
}

// EligibleMember may activate its membership in a group, or that it owns it.
type EligibleMember struct {
	PrincipalID string `json:"principalId"`
	Owner       bool   `json:"owner,omitempty"`
}

// Group is a security group.
type Group struct {
	ID     string   `json:"id"`
	Owners []string `json:"owners,omitempty"`
	// Members are the direct members; true for seeded ones.
	Members map[string]bool `json:"members,omitempty"`
	// Joined is when members joined, unless they were seeded. Left has the former members who may still have the
	// group's access: see Lag.
	Joined     map[string]time.Time `json:"joined,omitempty"`
	Left       map[string]Left      `json:"left,omitempty"`
	Attributes map[string]any       `json:"attributes,omitempty"`
	Seeded     bool                 `json:"seeded,omitempty"`
	CreatedAt  time.Time            `json:"createdAt"`

	DirectoryRoles []DirectoryRole  `json:"directoryRoles,omitempty"`
	Eligible       []EligibleMember `json:"eligible,omitempty"`
}

// User is a person.
type User struct {
	ID                string `json:"id"`
	UserPrincipalName string `json:"userPrincipalName"`
	DisplayName       string `json:"displayName"`
	Mail              string `json:"mail,omitempty"` // the user principal name when empty

	DirectoryRoles []DirectoryRole `json:"directoryRoles,omitempty"`
}

// RoleDefinition is a custom role. Built-in roles are not state.
type RoleDefinition struct {
	Definition role.Definition `json:"definition"`
	// Former has the role's earlier versions that may still have effect, the oldest first.
	Former    []FormerRole `json:"former,omitempty"`
	Seeded    bool         `json:"seeded,omitempty"`
	CreatedOn time.Time    `json:"createdOn"`
	UpdatedOn time.Time    `json:"updatedOn"`
	CreatedBy string       `json:"createdBy"`
	UpdatedBy string       `json:"updatedBy"`
}

// RoleAssignment gives a principal a role at a scope.
type RoleAssignment struct {
	Name  string `json:"name"`
	Scope string `json:"scope"`
	// RoleDefinition is the role's GUID, lower case.
	RoleDefinition string    `json:"roleDefinition"`
	PrincipalID    string    `json:"principalId"`
	PrincipalType  string    `json:"principalType"`
	Description    string    `json:"description,omitempty"`
	Condition      string    `json:"condition,omitempty"`
	ConditionVer   string    `json:"conditionVersion,omitempty"`
	ConditionOn    time.Time `json:"conditionOn,omitzero"` // the last change of the condition
	CreatedOn      time.Time `json:"createdOn"`
	UpdatedOn      time.Time `json:"updatedOn"`
	CreatedBy      string    `json:"createdBy"`
	UpdatedBy      string    `json:"updatedBy"`
	Seeded         bool      `json:"seeded,omitempty"`
}

// DenyAssignment denies principals actions that roles may give them.
type DenyAssignment struct {
	Name        string            `json:"name"`
	DisplayName string            `json:"displayName"`
	Scope       string            `json:"scope"`
	NotBelow    bool              `json:"notBelow,omitempty"`
	Permissions []role.Permission `json:"permissions"`
	// Everyone: it reaches all principals; otherwise those in PrincipalIDs. It never reaches those in Excluded.
	Everyone     bool     `json:"everyone,omitempty"`
	PrincipalIDs []string `json:"principalIds,omitempty"`
	Excluded     []string `json:"excluded,omitempty"`
}

// Reaches reports whether it applies to a principal with these groups.
func (d *DenyAssignment) Reaches(holders map[string]bool) bool {
	among := func(ids []string) bool {
		return slices.ContainsFunc(ids, func(id string) bool { return holders[key(id)] })
	}
	return (d.Everyone || among(d.PrincipalIDs)) && !among(d.Excluded)
}

// Job is a batch deployment job.
type Job struct {
	Name       string `json:"name"`
	Endpoint   string `json:"endpoint"`
	Deployment string `json:"deployment"`
	InvokerID  string `json:"invokerId"`
	// TokenAt is when the invoker's token was issued.
	TokenAt time.Time `json:"tokenAt,omitzero"`
	Compute string    `json:"compute"`
	// Code is the version of the code that the deployment named when the job began; "" for none.
	Code       string            `json:"code,omitempty"`
	Inputs     map[string]any    `json:"inputs,omitempty"`
	Outputs    map[string]any    `json:"outputs,omitempty"`
	Properties map[string]string `json:"properties,omitempty"`
	Failure    *Failure          `json:"failure,omitempty"`
	CreatedAt  time.Time         `json:"createdAt"`
}

// Failure says why a job failed: the hop, the input or output, the identity, the storage. Clients get only code and
// message.
type Failure struct {
	Code    string   `json:"code"`
	Message string   `json:"message"`
	Details []Detail `json:"details"`
}

// Hop is where the job failed: mount, read or write.
func (f *Failure) Hop() string {
	for _, d := range f.Details {
		if d.Code == "hop" {
			return d.Message
		}
	}
	return ""
}

// Detail is one fact about a failure, as Azure lists them.
type Detail struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}

// New is the empty state of a tenant.
func New(tenantID string) *State {
	return &State{
		Tenant:            Tenant{TenantID: tenantID},
		Resources:         map[string]*Resource{},
		Applications:      map[string]*Application{},
		ServicePrincipals: map[string]*ServicePrincipal{},
		Groups:            map[string]*Group{},
		Users:             map[string]*User{},
		RoleDefinitions:   map[string]*RoleDefinition{},
		RoleAssignments:   map[string]*RoleAssignment{},
		DenyAssignments:   map[string]*DenyAssignment{},
		Jobs:              map[string]*Job{},
		Operations:        map[string]time.Time{},
		Deleting:          map[string]*Resource{},
		Contents:          map[string]*Content{},
		Lag:               Lag{Now: time.Now},
		touched:           map[entry]bool{},
		names: names{
			entries: map[name]map[string]bool{}, given: map[entry][]name{}, stale: map[entry]bool{},
		},
	}
}
