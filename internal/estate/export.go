package estate

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/internal/arm"
	"github.com/batchaccess/batchaccess/internal/azure"
	"github.com/batchaccess/batchaccess/internal/world"
)

// Export asks Azure for the workspace of a model, its content, and everything else that the model refers to. It only
// reads. What does not exist is left out; what can't be read, and an incomplete answer, is an error.
func Export(ctx context.Context, c *azure.Client, m access.Model) (*world.World, error) {
	if m.WorkspaceID.Later() {
		return nil, errors.New("workspaceId is not known; write it in plain text, for it is no secret")
	}
	e := &exporter{ctx: ctx, c: c, m: m, w: &world.World{
		Environment: m.Environment, Endpoints: []world.Endpoint{}, Clusters: []world.Cluster{},
		DataStores: []world.DataStore{}, DataAssets: []world.DataAsset{}, StorageAccounts: []world.StorageAccount{},
		Identities: []world.Identity{}, Principals: []world.Principal{}, Groups: []world.Group{},
		Registries: []world.Registry{}, ContainerRegistries: []world.ContainerRegistry{},
		RoleAssignments: []world.RoleAssignment{}, RoleDefinitions: []world.RoleDefinition{},
	}}
	if err := later(m); err != nil {
		return nil, err
	}
	for _, step := range []func() error{e.workspace, e.endpoints, e.clusters, e.stores, e.assets, e.accounts,
		e.registries, e.identities, e.principals, e.groups, e.assignments} {
		if err := step(); err != nil {
			return nil, err
		}
	}
	return e.w, nil
}

type exporter struct {
	ctx context.Context
	c   *azure.Client
	m   access.Model
	w   *world.World
}

// read reads one resource.
func (e *exporter) read(id, apiVersion string, into any) (there bool, err error) {
	return e.c.Get(e.ctx, azure.ResourceManager, azure.Version(id, apiVersion, ""), into)
}

// each reads the resources with the IDs, each once, and keeps those that exist. An empty ID is skipped.
func each[T any](e *exporter, ids []string, apiVersion string, keep func(id string, answer T) error) error {
	asked := map[string]bool{"": true}
	for _, id := range ids {
		key := strings.ToLower(id)
		if asked[key] {
			continue
		}
		asked[key] = true
		var answer T
		there, err := e.read(id, apiVersion, &answer)
		if err == nil && there {
			err = keep(id, answer)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (e *exporter) workspace() error {
	var answer struct {
		ID, Location string
		Properties   struct {
			TenantID string `json:"tenantId"`
			Public   string `json:"publicNetworkAccess"`
			Mode     string `json:"systemDatastoresAuthMode"`
			Account  string `json:"storageAccount"`
			Images   string `json:"containerRegistry"`
		}
	}
	id := e.m.WorkspaceID.Text()
	switch there, err := e.read(id, azure.ServicesVersion, &answer); {
	case err != nil:
		return err
	case !there:
		return fmt.Errorf("workspaceId: Azure has no workspace %s; list them with az ml workspace list", id)
	case answer.Location == "" || answer.Properties.TenantID == "":
		return fmt.Errorf("the answer of Azure for the workspace %s lacks its location or its tenant", id)
	}
	e.w.TenantID = answer.Properties.TenantID
	e.w.Workspace = world.Workspace{ID: answer.ID, Location: answer.Location,
		Private:                  strings.EqualFold(answer.Properties.Public, "Disabled"),
		SystemDatastoresAuthMode: answer.Properties.Mode, StorageAccountID: answer.Properties.Account,
		ContainerRegistryID: answer.Properties.Images}
	return nil
}

func (e *exporter) endpoints() error {
	type of struct {
		Name, Location string
		Properties     struct {
			Defaults struct {
				Deployment string `json:"deploymentName"`
			}
		}
	}
	all, err := list[of](e.ctx, e.c, e.w.Workspace.ID+"/batchEndpoints", azure.WorkspaceVersion)
	for _, one := range all {
		found, err := list[deployment](e.ctx, e.c, e.w.Workspace.ID+"/batchEndpoints/"+url.PathEscape(one.Name)+
			"/deployments", azure.WorkspaceVersion)
		if err != nil {
			return err
		}
		here := world.Endpoint{Name: one.Name, Location: one.Location, Default: one.Properties.Defaults.Deployment,
			Deployments: []world.Deployment{}}
		for _, d := range found {
			here.Deployments = append(here.Deployments, world.Deployment{Name: d.Name,
				Cluster:    arm.Last(d.Properties.Compute),
				Registries: registriesOf(d.Properties.Model.AssetID, d.Properties.EnvironmentID)})
		}
		e.w.Endpoints = append(e.w.Endpoints, here)
	}
	return err
}

func (e *exporter) clusters() error {
	type of struct {
		cluster
		Properties struct {
			Type     string `json:"computeType"`
			Location string `json:"computeLocation"`
		} `json:"properties"` // hides that of cluster
	}
	all, err := list[of](e.ctx, e.c, e.w.Workspace.ID+"/computes", azure.WorkspaceVersion)
	for _, one := range all {
		if !strings.EqualFold(one.Properties.Type, "AmlCompute") {
			continue // no batch job runs there; a deployment that names it has no cluster
		}
		e.w.Clusters = append(e.w.Clusters, world.Cluster{Name: one.Name, Location: one.Properties.Location,
			PrincipalID: one.Identity.PrincipalID, IdentityIDs: slices.Sorted(maps.Keys(one.Identity.UserAssigned))})
	}
	return err
}

func (e *exporter) stores() error {
	workspace, err := arm.Parse(e.w.Workspace.ID, arm.Workspace)
	if err != nil {
		return err
	}
	all := &Estate{Workspace: workspace}
	if all.stores, err = list[store](e.ctx, e.c, e.w.Workspace.ID+"/datastores", azure.WorkspaceVersion); err != nil {
		return err
	}
	if err := all.accounts(e.ctx, e.c); err != nil {
		return err
	}
	for _, s := range all.stores {
		kind, credentials := s.Properties.Type, s.Properties.Credentials.Type
		if !strings.EqualFold(kind, blobStore) && !strings.EqualFold(kind, lakeStore) {
			continue // no batch endpoint reads it
		}
		if credentials == "" || s.Container() == "" {
			return fmt.Errorf("the answer of Azure for the data store %s lacks its container, or whether it holds a credential",
				s.Name)
		}
		if s.account == "" {
			return fmt.Errorf("the data store %s is in storage account %s, which is not in the workspace's subscription or may "+
				"not be read; give whoever exports Reader there", s.Name, s.Properties.Account)
		}
		e.w.DataStores = append(e.w.DataStores, world.DataStore{Name: s.Name, Type: kind, AccountID: s.account,
			Container: s.Container(), Credential: !strings.EqualFold(credentials, "None")})
	}
	return nil
}

func (e *exporter) assets() error {
	for _, name := range slices.Sorted(maps.Keys(e.m.DataInputs)) {
		d := e.m.DataInputs[name]
		if d.Kind != access.DataAsset {
			continue
		}
		var answer struct {
			Properties struct {
				Type string `json:"dataType"`
				URI  string `json:"dataUri"`
			}
		}
		there, err := e.read(e.w.Workspace.ID+"/data/"+url.PathEscape(d.DataAsset)+"/versions/"+
			url.PathEscape(d.Version), azure.WorkspaceVersion, &answer)
		if err != nil {
			return err
		}
		// azureml://subscriptions/…/datastores/<store>/paths/<path>
		_, inStore, is := strings.Cut(answer.Properties.URI, "/datastores/")
		dataStore, path, inPath := strings.Cut(inStore, "/paths/")
		if !there || !is || !inPath || slices.ContainsFunc(e.w.DataAssets, func(a world.DataAsset) bool {
			return a.Name == d.DataAsset && a.Version == d.Version
		}) {
			continue // a rehearsal can't read an asset outside of all data stores
		}
		e.w.DataAssets = append(e.w.DataAssets, world.DataAsset{Name: d.DataAsset, Version: d.Version,
			DataStore: dataStore, Path: path, Type: answer.Properties.Type})
	}
	return nil
}

func (e *exporter) accounts() error {
	var ids []string
	for _, name := range slices.Sorted(maps.Keys(e.m.StorageAccounts)) {
		ids = append(ids, e.m.StorageAccounts[name].Text())
	}
	for _, s := range e.w.DataStores {
		ids = append(ids, s.AccountID)
	}
	ids = append(ids, e.w.Workspace.StorageAccountID)
	type account struct {
		ID, Kind   string
		Properties struct {
			Hierarchical bool   `json:"isHnsEnabled"`
			Public       string `json:"publicNetworkAccess"`
			Networks     struct {
				Default string `json:"defaultAction"`
			} `json:"networkAcls"`
		}
	}
	type container struct{ Name string }
	return each(e, ids, azure.StorageVersion, func(_ string, answer account) error {
		containers, err := list[container](e.ctx, e.c, answer.ID+"/blobServices/default/containers", azure.StorageVersion)
		if err != nil {
			return err
		}
		p := answer.Properties
		one := world.StorageAccount{ID: answer.ID, Kind: answer.Kind, Hierarchical: p.Hierarchical, Containers: []string{},
			Firewall: strings.EqualFold(p.Networks.Default, "Deny") || p.Public != "" && !strings.EqualFold(p.Public, "Enabled")}
		for _, c := range containers {
			one.Containers = append(one.Containers, c.Name)
		}
		e.w.StorageAccounts = append(e.w.StorageAccounts, one)
		return nil
	})
}

func (e *exporter) identities() error {
	var ids []string
	for _, c := range e.w.Clusters {
		ids = append(ids, c.IdentityIDs...)
	}
	for _, name := range slices.Sorted(maps.Keys(e.m.Clusters)) {
		c := e.m.Clusters[name]
		for _, id := range append([]access.ID{c.UserAssignedIdentityID}, c.MoreIdentityIDs...) {
			ids = append(ids, id.Text())
		}
	}
	for _, name := range slices.Sorted(maps.Keys(e.m.Invokers)) {
		if _, err := arm.Parse(e.m.Invokers[name].ResourceID, arm.UserAssignedIdentity); err == nil {
			ids = append(ids, e.m.Invokers[name].ResourceID)
		}
	}
	type identity struct {
		ID, Location string
		Properties   struct {
			PrincipalID string `json:"principalId"`
			ClientID    string `json:"clientId"`
		}
	}
	return each(e, ids, azure.IdentityVersion, func(id string, answer identity) error {
		if answer.Properties.PrincipalID == "" || answer.Properties.ClientID == "" {
			return fmt.Errorf("the answer of Azure for the identity %s lacks its principal", id)
		}
		e.w.Identities = append(e.w.Identities, world.Identity{ID: answer.ID, Location: answer.Location,
			PrincipalID: answer.Properties.PrincipalID, ClientID: answer.Properties.ClientID})
		return nil
	})
}

func (e *exporter) principals() error {
	var ids []string
	for _, name := range slices.Sorted(maps.Keys(e.m.Invokers)) {
		id := e.m.Invokers[name].PrincipalID.Text()
		if id != "" && !slices.ContainsFunc(ids, func(other string) bool { return strings.EqualFold(other, id) }) {
			ids = append(ids, id)
		}
	}
	objects, err := e.c.Objects(e.ctx, ids)
	if err != nil {
		return err
	}
	for _, o := range objects {
		p := world.Principal{ObjectID: o.ID, Name: o.DisplayName, ClientID: o.AppID}
		switch strings.ToLower(o.Type) {
		case "#microsoft.graph.user":
			p.Kind, p.Name = access.User, o.UserPrincipalName
		case "#microsoft.graph.group":
			p.Kind = access.Group
		case "#microsoft.graph.serviceprincipal":
			p.Kind = access.ServicePrincipal
			if o.ServicePrincipalType == "ManagedIdentity" {
				p.Kind = access.ManagedIdentity
			}
		default:
			return fmt.Errorf("the directory says that %s is a %q, which no role is assigned to", o.ID, o.Type)
		}
		e.w.Principals = append(e.w.Principals, p)
	}
	return nil
}
