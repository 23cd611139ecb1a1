// Package world is the file that says what Azure has of the things that a stack refers to, so that a rehearsal need not
// guess it. It must not know how Azure is asked, nor the sandbox.
package world

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/internal/arm"
	"github.com/batchaccess/batchaccess/internal/jsonform"
	"github.com/batchaccess/batchaccess/roles"
)

// version of the file: raised when something in it is renamed or removed.
const version = 2

// A World is what Azure has. IDs are ARM IDs, unless they are called object ID or client ID.
type World struct {
	Version  int    `json:"version"`
	TenantID string `json:"tenantId"`
	// Environment is the cloud, in azure-native:environment's words; "" for public Azure.
	Environment     string           `json:"environment,omitempty"`
	Workspace       Workspace        `json:"workspace"`
	Endpoints       []Endpoint       `json:"endpoints"`
	Clusters        []Cluster        `json:"clusters"`
	DataStores      []DataStore      `json:"dataStores"`
	DataAssets      []DataAsset      `json:"dataAssets"`
	StorageAccounts []StorageAccount `json:"storageAccounts"`
	Identities      []Identity       `json:"userAssignedIdentities"`
	Principals      []Principal      `json:"principals"`
	// Groups are the groups that the principals and the identities of clusters are in, also nested ones.
	Groups []Group `json:"groups"`
	// Registries are the shared registries that the stack refers to, ContainerRegistries those of images.
	Registries          []Registry          `json:"registries"`
	ContainerRegistries []ContainerRegistry `json:"containerRegistries"`
	// RoleAssignments are those of the principals, the identities of clusters and the groups, at and above what the
	// stack refers to. RoleDefinitions are their custom roles, and the role that the stack refers to.
	RoleAssignments []RoleAssignment `json:"roleAssignments"`
	RoleDefinitions []RoleDefinition `json:"roleDefinitions"`
}

// A Workspace is the stack's workspace.
type Workspace struct {
	ID       string `json:"id"`
	Location string `json:"location"`
	// Private is set if its public network access is closed.
	Private bool `json:"private,omitempty"`
	// SystemDatastoresAuthMode says how its own stores are opened, in Azure's words; "" if Azure does not say.
	SystemDatastoresAuthMode string `json:"systemDatastoresAuthMode"`
	// StorageAccountID and ContainerRegistryID are its own account and registry; "" for none.
	StorageAccountID    string `json:"storageAccountId"`
	ContainerRegistryID string `json:"containerRegistryId"`
}

// An Endpoint is a batch endpoint of the workspace.
type Endpoint struct {
	Name     string `json:"name"`
	Location string `json:"location"`
	// Default is the deployment that runs if a request names none; "" for none.
	Default     string       `json:"default"`
	Deployments []Deployment `json:"deployments"`
}

// A Deployment is a deployment of an endpoint; Cluster is the name of its compute in the workspace.
type Deployment struct {
	Name    string `json:"name"`
	Cluster string `json:"cluster"`
	// Registries are the names of the shared registries that its model and its environment are in.
	Registries []string `json:"registries"`
}

// A Registry is an Azure Machine Learning registry.
type Registry struct {
	ID string `json:"id"`
}

// A ContainerRegistry is a registry of images. ABAC is set if its permissions are by repository; then AcrPull has no
// effect.
type ContainerRegistry struct {
	ID        string `json:"id"`
	AdminUser bool   `json:"adminUser"`
	ABAC      bool   `json:"abac"`
}

// A Group is a group with principals of the file: Members has only their object IDs.
type Group struct {
	ObjectID string   `json:"objectId"`
	Name     string   `json:"name"`
	Members  []string `json:"members"`
}

// A RoleAssignment gives a principal a role at a scope. IDs are GUIDs.
type RoleAssignment struct {
	ID            string `json:"id"`
	Scope         string `json:"scope"`
	RoleID        string `json:"roleId"`
	PrincipalID   string `json:"principalId"`
	PrincipalType string `json:"principalType"`
	Condition     string `json:"condition,omitempty"`
	// At is the resource at which it was found, if Scope is a management group.
	At string `json:"at,omitempty"`
	// MadeBy is the stack that has made it, as project/stack; "" if it does not say.
	MadeBy string `json:"madeBy,omitempty"`
}

// A RoleDefinition is a custom role. ID is a GUID.
type RoleDefinition struct {
	ID               string       `json:"id"`
	Name             string       `json:"name"`
	AssignableScopes []string     `json:"assignableScopes"`
	Permissions      []Permission `json:"permissions"`
}

// A Permission is one entry of a role's permissions.
type Permission struct {
	Actions        []string `json:"actions"`
	NotActions     []string `json:"notActions"`
	DataActions    []string `json:"dataActions"`
	NotDataActions []string `json:"notDataActions"`
	Condition      string   `json:"condition,omitempty"`
}

// A Cluster is a compute cluster of the workspace.
type Cluster struct {
	Name     string `json:"name"`
	Location string `json:"location"` // the nodes' region
	// PrincipalID is the object ID of its system-assigned identity, IdentityIDs are its user-assigned ones, in Azure's
	// order. It has only one of the two, or neither.
	PrincipalID string   `json:"principalId,omitempty"`
	IdentityIDs []string `json:"userAssignedIdentityIds,omitempty"`
}

// A DataStore is a data store of the workspace that lies in a container.
type DataStore struct {
	Name      string `json:"name"`
	Type      string `json:"type"` // AzureBlob or AzureDataLakeGen2
	AccountID string `json:"accountId"`
	Container string `json:"container"`
	// Credential is set if it holds an account key or a SAS.
	Credential bool `json:"credential"`
}

// A DataAsset is a version of a data asset, at a path of a data store.
type DataAsset struct {
	Name      string `json:"name"`
	Version   string `json:"version"`
	DataStore string `json:"dataStore"`
	Path      string `json:"path"`
	Type      string `json:"type"` // uri_folder or uri_file
}

// A StorageAccount is a storage account that the stack or a data store refers to.
type StorageAccount struct {
	ID           string   `json:"id"`
	Kind         string   `json:"kind"`
	Hierarchical bool     `json:"hierarchical"` // Azure Data Lake Storage Gen2
	Firewall     bool     `json:"firewall"`     // it is closed to public networks
	Containers   []string `json:"containers"`
}

// An Identity is a user-assigned managed identity that a cluster or the stack refers to.
type Identity struct {
	ID          string `json:"id"`
	Location    string `json:"location"`
	PrincipalID string `json:"principalId"`
	ClientID    string `json:"clientId"`
}

// A Principal is a principal that the stack refers to by its object ID.
type Principal struct {
	ObjectID string               `json:"objectId"`
	Kind     access.PrincipalKind `json:"kind"`
	Name     string               `json:"name"` // for a user, the user principal name
	ClientID string               `json:"clientId,omitempty"`
}

// Write writes the file.
func (w World) Write(to io.Writer) error {
	w.Version = version
	return jsonform.Write(to, w)
}

const again = "write it again with batchaccess export"

// Parse reads a file. It refuses one that is incomplete, has unknown keys, or was written by another version.
func Parse(text []byte) (*World, error) {
	var head struct{ Version *int }
	switch err := json.Unmarshal(text, &head); {
	case err != nil && len(bytes.TrimSpace(text)) == 0:
		return nil, errors.New("the file is empty; " + again)
	case err != nil:
		return nil, fmt.Errorf("the file is cut short, or no JSON: %w; %s", err, again)
	case head.Version == nil:
		return nil, errors.New("the file is not what batchaccess export writes: it has no version; " + again)
	case *head.Version > version:
		return nil, fmt.Errorf("the file has version %d, and this batchaccess reads %d: use the batchaccess that wrote it, "+
			"or %s", *head.Version, version, again)
	case *head.Version < version:
		return nil, fmt.Errorf("the file has version %d, and this batchaccess reads %d; %s", *head.Version, version, again)
	}
	w := &World{}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(w); err != nil {
		return nil, fmt.Errorf("the file is not what batchaccess export writes: %w; %s", err, again)
	}
	return w, w.whole().Err()
}

// whole finds what every world has and this one lacks: a part that was cut out would look as if Azure had none of it.
func (w *World) whole() (ps access.Problems) {
	for _, one := range []struct {
		key   string
		there bool
	}{
		{"tenantId", w.TenantID != ""}, {"workspace.id", w.Workspace.ID != ""},
		{"workspace.location", w.Workspace.Location != ""}, {"endpoints", w.Endpoints != nil},
		{"clusters", w.Clusters != nil}, {"dataStores", w.DataStores != nil}, {"dataAssets", w.DataAssets != nil},
		{"storageAccounts", w.StorageAccounts != nil}, {"userAssignedIdentities", w.Identities != nil},
		{"principals", w.Principals != nil}, {"groups", w.Groups != nil}, {"registries", w.Registries != nil},
		{"containerRegistries", w.ContainerRegistries != nil}, {"roleAssignments", w.RoleAssignments != nil},
		{"roleDefinitions", w.RoleDefinitions != nil},
	} {
		if !one.there {
			ps.Add(one.key, again, "the file lacks it, and batchaccess export always writes it")
		}
	}
	twice := func(key string, names []string) {
		seen := map[string]bool{}
		for _, name := range names {
			if seen[strings.ToLower(name)] {
				ps.Add(key, again, "%s is there twice", name)
			}
			seen[strings.ToLower(name)] = true
		}
	}
	twice("endpoints", namesOf(w.Endpoints, func(e Endpoint) string { return e.Name }))
	twice("clusters", namesOf(w.Clusters, func(c Cluster) string { return c.Name }))
	twice("dataStores", namesOf(w.DataStores, func(d DataStore) string { return d.Name }))
	twice("dataAssets", namesOf(w.DataAssets, func(d DataAsset) string { return d.Name + ", version " + d.Version }))
	twice("storageAccounts", namesOf(w.StorageAccounts, func(a StorageAccount) string { return a.ID }))
	twice("userAssignedIdentities", namesOf(w.Identities, func(i Identity) string { return i.ID }))
	twice("principals", namesOf(w.Principals, func(p Principal) string { return p.ObjectID }))
	twice("groups", namesOf(w.Groups, func(g Group) string { return g.ObjectID }))
	twice("registries", namesOf(w.Registries, func(r Registry) string { return r.ID }))
	twice("containerRegistries", namesOf(w.ContainerRegistries, func(r ContainerRegistry) string { return r.ID }))
	twice("roleAssignments", namesOf(w.RoleAssignments, func(a RoleAssignment) string { return a.ID + ", at " + a.at() }))
	twice("roleDefinitions", namesOf(w.RoleDefinitions, func(r RoleDefinition) string { return r.ID }))
	w.dangling(&ps)
	return ps
}

func namesOf[T any](all []T, name func(T) string) (names []string) {
	for _, one := range all {
		names = append(names, name(one))
	}
	return names
}

// at returns the place where the assignment is known to hold.
func (a RoleAssignment) at() string {
	if a.At != "" {
		return a.At
	}
	return a.Scope
}

// dangling finds references to things that the file should have too.
func (w *World) dangling(ps *access.Problems) {
	custom := map[string]bool{}
	for _, r := range w.RoleDefinitions {
		custom[strings.ToLower(r.ID)] = true
	}
	for i, a := range w.RoleAssignments {
		path := fmt.Sprintf("roleAssignments[%d]", i)
		if _, builtIn := roles.BuiltIn(a.RoleID); !builtIn && !custom[strings.ToLower(a.RoleID)] {
			ps.Add(path+".roleId", again, "the file lacks the role %s, and batchaccess export writes it", a.RoleID)
		}
		if !arm.IsGUID(a.PrincipalID) {
			ps.Add(path+".principalId", again, "%q is not a GUID", a.PrincipalID)
		}
		if !strings.HasPrefix(a.at(), "/subscriptions/") {
			ps.Add(path+".scope", again, "%q is no scope in a subscription, and it is not said at which resource it was found",
				a.Scope)
		}
	}
}
