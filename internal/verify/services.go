package verify

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/access/services"
	"github.com/batchaccess/batchaccess/internal/arm"
	"github.com/batchaccess/batchaccess/internal/azure"
)

const (
	readWorkspace = "Microsoft.MachineLearningServices/workspaces/read"
)

// atWorkspace is the path in the configuration of the workspace's services.
const atWorkspace = "workspace"

// services asks the workspace and its container registry about services, if the model describes them or leaves them to
// a look-up.
func (o *Observer) services(ctx context.Context, m access.Model, f *Facts) {
	w := m.Services
	if !w.LookUp && w.SystemDatastoresAuthMode == "" && w.RegistryPermissions == "" {
		return
	}
	var answer struct {
		Properties struct {
			AuthMode   string `json:"systemDatastoresAuthMode"`
			AccountID  string `json:"storageAccount"`
			RegistryID string `json:"containerRegistry"`
		} `json:"properties"`
	}
	there, err := o.get(ctx, m.WorkspaceID.Text(), azure.ServicesVersion,
		"asking how the workspace's own stores are opened, and "+
			"which its container registry is", readWorkspace, &answer)
	if why := f.unanswered(err); why != "" {
		put(f.Doubts, atWorkspace, why)
		return
	}
	if !there {
		put(f.Faults, atWorkspace, "the workspace is gone")
		return
	}
	f.Workspace = w
	if w.LookUp || w.SystemDatastoresAuthMode != "" {
		f.ownStores(m, answer.Properties.AuthMode, answer.Properties.AccountID)
	}
	if w.LookUp || w.RegistryPermissions != "" {
		o.images(ctx, m, answer.Properties.RegistryID, f)
	}
}

// ownStores compares the workspace's answer about its own stores with the model.
func (f *Facts) ownStores(m access.Model, mode, account string) {
	w := m.Services
	for _, known := range services.AuthModes {
		if strings.EqualFold(mode, known) {
			f.Workspace.SystemDatastoresAuthMode = services.AuthMode(known)
			mode = known
		}
	}
	f.Workspace.StorageAccount = ""
	for name, id := range m.StorageAccounts {
		if account != "" && strings.EqualFold(id.Text(), account) {
			f.Workspace.StorageAccount = name
		}
	}
	says := services.AuthMode(mode)
	switch {
	case says != services.ByAccessKey && says != services.ByIdentity:
		put(f.Doubts, atWorkspace, fmt.Sprintf("%s: the workspace says that its own stores are opened by %q, of which "+
			"nothing is known here", access.StoresHop, mode))
	case w.SystemDatastoresAuthMode == services.ByAccessKey && says == services.ByIdentity:
		put(f.Faults, atWorkspace, fmt.Sprintf("%s: identities open the workspace's own stores now, and the stack grants "+
			"nothing for that; correct workspace.systemDatastoresAuthMode and run pulumi up", access.StoresHop))
	case w.SystemDatastoresAuthMode == services.ByIdentity && says == services.ByAccessKey:
		f.Notes = append(f.Notes, "a key opens the workspace's own stores now, so what the stack grants for them is beyond "+
			"need: workspace.systemDatastoresAuthMode says identity; correct it and run pulumi up")
	case says == services.ByIdentity && f.Workspace.StorageAccount == "":
		put(f.Doubts, atWorkspace, fmt.Sprintf("%s: identities open the workspace's own stores, and their account is none "+
			"of storageAccounts: %s; add it", access.StoresHop, account))
	case says == services.ByIdentity && w.StorageAccount != "" && w.StorageAccount != f.Workspace.StorageAccount:
		put(f.Faults, atWorkspace, fmt.Sprintf("%s: the workspace's own account is %s, and the stack grants on %s; correct "+
			"workspace.storageAccount and run pulumi up", access.StoresHop, f.Workspace.StorageAccount, w.StorageAccount))
	}
}

// pipeline is the deploymentConfigurationType of a pipeline component; a model's deployment has none.
const pipeline = "PipelineComponent"

// parallelRuns compares a deployment with the model's statement that its jobs are parallel runs, which matters if
// identities open the workspace's own stores.
func (f *Facts) parallelRuns(m access.Model, endpoint, deployment, target string, pipeline bool) {
	if m.Services.SystemDatastoresAuthMode != services.ByIdentity &&
		f.Workspace.SystemDatastoresAuthMode != services.ByIdentity {
		return
	}
	switch parallel := m.Endpoints[endpoint].Parallel(deployment); {
	case !parallel && !pipeline:
		put(f.Faults, "endpoints."+target, fmt.Sprintf("%s: %s is the deployment of a model, whose jobs are parallel "+
			"runs, and the stack grants nothing for those; take out parallelRuns and run pulumi up", access.StoresHop, target))
	case parallel && pipeline:
		f.Notes = append(f.Notes, fmt.Sprintf("%s is the deployment of a pipeline component: if none of its steps is a "+
			"parallel run, what the stack grants on tables and queues for it is beyond need; then write parallelRuns: "+
			"false", target))
	}
}

// lookedUp returns the plan with Azure's answers for what the model leaves out. If that has no plan, the hops stay
// undecided.
func lookedUp(plan *access.Plan, f Facts) *access.Plan {
	if !plan.Model.Services.LookUp {
		return plan
	}
	m, given, said := plan.Model, plan.Model.Services, f.Workspace
	if given.SystemDatastoresAuthMode == "" ||
		given.SystemDatastoresAuthMode == services.ByIdentity && given.StorageAccount == "" {
		m.Services.SystemDatastoresAuthMode, m.Services.StorageAccount = said.SystemDatastoresAuthMode, said.StorageAccount
	}
	if given.RegistryPermissions == "" {
		m.Services.RegistryPermissions = said.RegistryPermissions
	}
	m.Services.ContainerRegistry = cmp.Or(given.ContainerRegistry, said.ContainerRegistry)
	if len(f.Registries) > 0 {
		m.Endpoints = maps.Clone(m.Endpoints)
	}
	for name, e := range m.Endpoints {
		if found, is := f.Registries[name]; is {
			e.Registries = found
		}
		e.Deployments = maps.Clone(e.Deployments)
		for deployment, d := range e.Deployments {
			if found, is := f.Registries[access.Path{Endpoint: name, Deployment: deployment}.Target()]; is {
				d.Registries = found
				e.Deployments[deployment] = d
			}
		}
		if len(f.Registries) > 0 {
			m.Endpoints[name] = e
		}
	}
	if whole, _ := access.Compile(m); whole != nil {
		return whole
	}
	return plan
}

// registries returns the scopes of the model's registries: the shared ones, and the container registry.
func registries(m access.Model) (all []access.Scope) {
	for _, name := range slices.Sorted(maps.Keys(m.Registries)) {
		all = append(all, access.Scope{Level: access.AtRegistry, Registry: name})
	}
	if id := m.Services.ContainerRegistry; id != "" {
		all = append(all, access.Scope{Level: access.AtImages, Registry: arm.Last(id)})
	}
	return all
}
