package access

import (
	"slices"

	"github.com/batchaccess/batchaccess/internal/arm"
	"github.com/batchaccess/batchaccess/internal/problem"
	"github.com/batchaccess/batchaccess/roles"
)

// A Level is the kind of place at which a role is assigned.
type Level string

// The levels: those of the invokers' role, the narrowest first, then those of readers and writers in a storage account.
const (
	AtEndpoint      Level = "endpoint"
	AtWorkspace     Level = "workspace"
	AtResourceGroup Level = "resourceGroup"
	AtSubscription  Level = "subscription"
	AtContainer     Level = "container"
	AtRegistry      Level = "registry"          // an Azure Machine Learning registry
	AtImages        Level = "containerRegistry" // the registry that job images are pulled from
	AtAccount       Level = "account"
	AtPath          Level = "path" // at the container, limited to paths in it by a condition
)

// inWorkspace reports whether a grant at this level reaches nothing outside of the workspace.
func (l Level) inWorkspace() bool { return l == AtWorkspace || l == AtEndpoint }

// A Scope is where a grant holds: a batch endpoint, the workspace, its resource group or its subscription; a storage
// account of the model or a container in it; or a registry.
type Scope struct {
	Level          Level  `json:"level"`
	Endpoint       string `json:"endpoint,omitempty"`
	StorageAccount string `json:"storageAccount,omitempty"`
	Container      string `json:"container,omitempty"`
	// Registry is the name of a registry of the model, or the name in Azure of the workspace's container registry.
	Registry string `json:"registry,omitempty"`
}

func storageScope(account, container string, level Level) Scope {
	if level == "" && container != "" {
		level = AtContainer
	}
	if level == AtContainer || level == AtPath {
		return Scope{Level: AtContainer, StorageAccount: account, Container: container}
	}
	return Scope{Level: AtAccount, StorageAccount: account}
}

func endpointScope(name string) Scope { return Scope{Level: AtEndpoint, Endpoint: name} }

// InStorage reports whether the scope is a storage account or a container.
func (s Scope) InStorage() bool { return s.StorageAccount != "" }

// OfInvokers reports whether the invokers' role may be assigned at the scope: the workspace, what it lies in, or an
// endpoint.
func (s Scope) OfInvokers() bool { return s.StorageAccount == "" && s.Registry == "" }

// String returns the scope as text for people. Different scopes have different texts: an account with the name of a
// level, such as workspace, is written with "storage account" before it.
func (s Scope) String() string {
	switch {
	case s.Container != "":
		return s.StorageAccount + "/" + s.Container
	case slices.Contains(roleScopes, s.StorageAccount):
		return "storage account " + s.StorageAccount
	case s.InStorage():
		return s.StorageAccount
	case s.Level == AtImages:
		return "container registry " + s.Registry
	case s.Registry != "":
		return "registry " + s.Registry
	case s.Level == AtEndpoint:
		return string(s.Level) + " " + s.Endpoint
	default:
		return string(s.Level)
	}
}

// Contains reports whether a grant at s holds at inner too.
func (s Scope) Contains(inner Scope) bool {
	if s.StorageAccount != inner.StorageAccount {
		return false
	}
	if s.Registry != "" || inner.Registry != "" {
		return s == inner
	}
	if s.InStorage() {
		return s.Container == "" || s.Container == inner.Container
	}
	if s.Level == AtEndpoint {
		return s == inner
	}
	return slices.Index(roleScopes, string(s.Level)) >= slices.Index(roleScopes, string(inner.Level))
}

// ScopeID returns the ARM ID of a scope of the model. The error is a Problem, which says which ID is wrong or not
// known.
func (m Model) ScopeID(s Scope) (string, error) {
	if s.InStorage() {
		path := "storageAccounts." + s.StorageAccount
		if _, err := plain(path, m.StorageAccounts[s.StorageAccount], arm.StorageAccount); err != nil {
			return "", err
		}
		return arm.Container(m.StorageAccounts[s.StorageAccount].Text(), s.Container), nil
	}
	switch s.Level {
	case AtRegistry:
		_, err := plain("registries."+s.Registry, m.Registries[s.Registry], arm.MLRegistry)
		return m.Registries[s.Registry].Text(), err
	case AtImages:
		_, err := plain("workspace.containerRegistry", Known(m.Services.ContainerRegistry), arm.ContainerRegistry)
		return m.Services.ContainerRegistry, err
	}
	workspace, err := m.Workspace()
	if err != nil {
		return "", err
	}
	switch s.Level {
	case AtSubscription:
		return workspace.Subscription(), nil
	case AtResourceGroup:
		return workspace.Group(), nil
	case AtEndpoint:
		return arm.BatchEndpoint(m.WorkspaceID.Text(), s.Endpoint), nil
	default:
		return m.WorkspaceID.Text(), nil
	}
}

// Workspace parses the workspace's ID. The error is a Problem.
func (m Model) Workspace() (arm.ID, error) { return plain("workspaceId", m.WorkspaceID, arm.Workspace) }

// plain parses an ID that has to be known.
func plain(path string, id ID, wantType string) (arm.ID, error) {
	if id.Later() {
		return arm.ID{}, problem.Problem{Path: path, What: "is known only after deployment",
			Fix: "write it in plain text: it is no secret"}
	}
	parsed, err := arm.Parse(id.Text(), wantType)
	if err != nil {
		return arm.ID{}, problem.Of(err).At(path)
	}
	return parsed, nil
}

// RoleScopeID returns the ARM ID of the scope at which the invokers' role is assigned, if the workspace is known. For a
// role that is assigned at endpoints it returns the workspace, in which all of them lie.
func (m Model) RoleScopeID() (string, bool) {
	level := m.Role.EffectiveScope()
	if level == AtEndpoint {
		level = AtWorkspace
	}
	id, err := m.ScopeID(Scope{Level: level})
	return id, err == nil
}

// A Place is where data lies in storage: a whole account, a container, or a path in a container.
type Place struct {
	Account, Container, Path string
	File                     bool // the path is a file, not a folder
	Kind                     roles.AccountKind
	Within                   bool // somewhere in it: a data asset whose path the model does not give
}

// Scope returns the container, or the account where no container is known.
func (p Place) Scope() Scope { return storageScope(p.Account, p.Container, "") }
