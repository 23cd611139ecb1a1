// Package estate reads from Azure who may start which jobs of a workspace that no stack made, and writes the stack file
// that grants exactly that. It must not know flags, nor where the file goes.
package estate

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/batchaccess/batchaccess/internal/arm"
	"github.com/batchaccess/batchaccess/internal/azure"
	"github.com/batchaccess/batchaccess/internal/problem"
	"github.com/batchaccess/batchaccess/roles"
)

// An Estate is what Azure has: a workspace, its data stores, endpoints and clusters, and the role assignments there.
type Estate struct {
	Workspace   arm.ID
	ID          string // of the workspace, in Azure's spelling
	Location    string
	endpoints   []endpoint
	clusters    map[string]cluster // by name in lower case
	stores      []store
	assignments []assignment
	roles       map[string]roles.Definition // by GUID
	directory   map[string]azure.Object     // by object ID in lower case
}

type endpoint struct {
	Name       string `json:"name"`
	Properties struct {
		Defaults struct {
			Deployment string `json:"deploymentName"`
		} `json:"defaults"`
	} `json:"properties"`
	deployments []deployment
}

type deployment struct {
	Name       string `json:"name"`
	Properties struct {
		Compute string `json:"compute"`
		Model   struct {
			AssetID string `json:"assetId"`
		} `json:"model"`
		EnvironmentID string `json:"environmentId"`
	} `json:"properties"`
}

type cluster struct {
	Name       string         `json:"name"`
	Identity   azure.Identity `json:"identity"`
	Properties struct {
		Type string `json:"computeType"`
	} `json:"properties"`
}

// principal returns the object ID of the identity that mounts; why says why it is not known.
func (c cluster) principal() (id, why string) {
	switch {
	case !strings.EqualFold(c.Properties.Type, "AmlCompute"):
		return "", "it is no compute cluster but a " + c.Properties.Type
	case c.Identity.PrincipalID != "":
		return strings.ToLower(c.Identity.PrincipalID), ""
	case len(c.Identity.UserAssigned) > 1: // facts/compute-clusters.md: only one of them mounts
		return "", "it has several user-assigned identities, and Azure does not say which one mounts"
	}
	for _, one := range c.Identity.UserAssigned {
		id = strings.ToLower(one.PrincipalID)
	}
	if id == "" {
		why = "it has no managed identity"
	}
	return id, why
}

type store struct {
	azure.DataStore
	account string // ARM ID; "" where it is not known
}

// byIdentity reports whether identities read the data; why says what else a person has to know about the store.
func (s store) byIdentity() (is bool, why string) {
	kind, credentials := s.Properties.Type, s.Properties.Credentials.Type
	switch {
	case !strings.EqualFold(kind, blobStore) && !strings.EqualFold(kind, lakeStore):
		return false, "is of type " + kind + ", which no batch endpoint reads by identity"
	case credentials == "":
		return false, "does not say whether it holds a credential; find out, and add a data input by hand"
	case !strings.EqualFold(credentials, "None"):
		return false, "holds a credential (" + credentials + "), so nothing is granted for it: to have it in the matrix, " +
			"add a data input of kind dataStore with the path that jobs read"
	case s.account == "":
		return false, "is in storage account " + s.Properties.Account + ", which is not in the workspace's subscription " +
			"or may not be read: add it to storageAccounts, and a data input, by hand"
	case !arm.IsContainerName(s.Container()):
		return false, "names no container"
	}
	return true, ""
}

const (
	blobStore = "AzureBlob"
	lakeStore = "AzureDataLakeGen2"
)

type assignment struct {
	ID         string `json:"id"`
	Name       string `json:"name"`
	Properties struct {
		Scope       string `json:"scope"`
		PrincipalID string `json:"principalId"`
		RoleID      string `json:"roleDefinitionId"`
		Condition   string `json:"condition"`
	} `json:"properties"`
}

func (a assignment) role() string      { return strings.ToLower(arm.Last(a.Properties.RoleID)) }
func (a assignment) principal() string { return strings.ToLower(a.Properties.PrincipalID) }
func (a assignment) scope() string {
	return strings.ToLower(strings.TrimSuffix(a.Properties.Scope, "/"))
}

// Read asks Azure for all of it. The ID is a workspace's. Anything that can't be read is an error: without it, the
// stack file would look as if nobody had access there.
func Read(ctx context.Context, c *azure.Client, id string) (*Estate, error) {
	workspace, err := arm.Parse(id, arm.Workspace)
	if err != nil {
		return nil, problem.Of(err).At("--workspace")
	}
	e := &Estate{Workspace: workspace, clusters: map[string]cluster{}, roles: map[string]roles.Definition{},
		directory: map[string]azure.Object{}}
	var answer struct{ ID, Location string }
	there, err := c.Get(ctx, azure.ResourceManager, azure.Version(id, azure.WorkspaceVersion, ""), &answer)
	switch {
	case err != nil:
		return nil, err
	case !there:
		return nil, fmt.Errorf("--workspace: Azure has no workspace %s; list them with az ml workspace list", id)
	}
	e.ID, e.Location = answer.ID, answer.Location
	if e.endpoints, err = list[endpoint](ctx, c, e.ID+"/batchEndpoints", azure.WorkspaceVersion); err != nil {
		return nil, err
	}
	for i, p := range e.endpoints {
		e.endpoints[i].deployments, err = list[deployment](ctx, c, e.ID+"/batchEndpoints/"+p.Name+"/deployments",
			azure.WorkspaceVersion)
		if err != nil {
			return nil, err
		}
	}
	computes, err := list[cluster](ctx, c, e.ID+"/computes", azure.WorkspaceVersion)
	if err != nil {
		return nil, err
	}
	for _, one := range computes {
		e.clusters[strings.ToLower(one.Name)] = one
	}
	if e.stores, err = list[store](ctx, c, e.ID+"/datastores", azure.WorkspaceVersion); err != nil {
		return nil, err
	}
	if err := e.accounts(ctx, c); err != nil {
		return nil, err
	}
	if err := e.assigned(ctx, c); err != nil {
		return nil, err
	}
	return e, e.define(ctx, c)
}

// list reads a collection that has to exist.
func list[T any](ctx context.Context, c *azure.Client, path, apiVersion string) ([]T, error) {
	all, there, err := azure.List[T](ctx, c, azure.ResourceManager, azure.Version(path, apiVersion, ""))
	if err == nil && !there {
		err = fmt.Errorf("asking for %s: Azure has nothing there (404)", path)
	}
	return all, err
}

// accounts finds the ARM IDs of the storage accounts: names of accounts are unique in all of Azure.
func (e *Estate) accounts(ctx context.Context, c *azure.Client) error {
	type account struct{ ID string }
	all, err := list[account](ctx, c, e.Workspace.Subscription()+"/providers/Microsoft.Storage/storageAccounts",
		azure.StorageVersion)
	if err != nil {
		return err
	}
	for i := range e.stores {
		at := &e.stores[i].Properties
		e.stores[i].account = e.stores[i].AccountID()
		for _, one := range all {
			if strings.EqualFold(arm.Last(one.ID), at.Account) {
				e.stores[i].account = one.ID
			}
		}
	}
	return nil
}

// assigned lists the role assignments at, above and below the resource groups of workspace and storage accounts.
func (e *Estate) assigned(ctx context.Context, c *azure.Client) error {
	groups := []string{e.Workspace.Group()}
	for _, s := range e.stores {
		if id, err := arm.Parse(s.account, arm.StorageAccount); err == nil {
			groups = append(groups, id.Group())
		}
	}
	seen := map[string]bool{}
	for _, group := range groups {
		if seen[strings.ToLower(group)] {
			continue
		}
		seen[strings.ToLower(group)] = true
		found, err := list[assignment](ctx, c, group+"/providers/Microsoft.Authorization/roleAssignments",
			azure.AuthorizationVersion)
		if err != nil {
			return err
		}
		for _, a := range found {
			if !seen[strings.ToLower(a.ID)] {
				seen[strings.ToLower(a.ID)] = true
				e.assignments = append(e.assignments, a)
			}
		}
	}
	slices.SortFunc(e.assignments, func(a, b assignment) int { return strings.Compare(a.ID, b.ID) })
	return nil
}

// define reads what the assigned roles allow, and the directory's objects of the principals.
func (e *Estate) define(ctx context.Context, c *azure.Client) error {
	var ids []string
	for _, a := range e.assignments {
		if !slices.Contains(ids, a.principal()) {
			ids = append(ids, a.principal())
		}
		guid := a.role()
		if _, known := e.roles[guid]; known {
			continue
		}
		if d, builtIn := roles.BuiltIn(guid); builtIn {
			e.roles[guid] = d
			continue
		}
		var text json.RawMessage
		there, err := c.Get(ctx, azure.ResourceManager, azure.Version(e.Workspace.Subscription()+
			"/providers/Microsoft.Authorization/roleDefinitions/"+guid, azure.AuthorizationVersion, ""), &text)
		if err != nil {
			return err
		}
		if !there {
			return fmt.Errorf("the role %s of the assignment %s is not found; may whoever is signed in read "+
				"role definitions?", guid, a.ID)
		}
		if e.roles[guid], err = answeredRole(text); err != nil {
			return fmt.Errorf("reading the role %s: %w", guid, err)
		}
	}
	objects, err := c.Objects(ctx, ids)
	for _, o := range objects {
		if o.ID == "" {
			return errors.New("the directory answers with a principal that has no ID")
		}
		e.directory[strings.ToLower(o.ID)] = o
	}
	return err
}

// answeredRole reads a role in Resource Manager's answer. A new role of Microsoft's, which is not known here, is
// assignable everywhere; a custom role can't be.
func answeredRole(text json.RawMessage) (roles.Definition, error) {
	var answered struct {
		Name       string
		Properties struct {
			RoleName, Description, Type string
			Permissions                 roles.Permissions
		}
	}
	if err := json.Unmarshal(text, &answered); err != nil {
		return roles.Definition{}, err
	}
	if p := answered.Properties; p.Type == "BuiltInRole" {
		return roles.Definition{ID: answered.Name, RoleName: p.RoleName, Description: p.Description,
			Permissions: p.Permissions, AssignableScopes: []string{"/"}, BuiltIn: true}, nil
	}
	d, wrong := roles.Parse(text)
	return d, wrong.Err()
}
