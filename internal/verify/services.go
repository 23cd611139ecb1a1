package verify

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/access/services"
	"github.com/batchaccess/batchaccess/internal/arm"
)

// servicesAPI is a version that has systemDatastoresAuthMode.
const (
	servicesAPI   = "2024-10-01"
	readWorkspace = "Microsoft.MachineLearningServices/workspaces/read"
)

// atWorkspace is the place in the configuration of what the workspace says of the rest of a job's way.
const atWorkspace = "workspace"

// services asks how the workspace's own stores are opened, where the model says it, or leaves it to the workspace.
func (o *Observer) services(ctx context.Context, m access.Model, f *Facts) {
	w := m.Services
	if !w.LookUp && w.SystemDatastoresAuthMode == "" {
		return
	}
	var answer struct {
		Properties struct {
			AuthMode  string `json:"systemDatastoresAuthMode"`
			AccountID string `json:"storageAccount"`
		} `json:"properties"`
	}
	there, err := o.get(ctx, m.WorkspaceID.Text(), servicesAPI, "asking how the workspace's own stores are opened",
		readWorkspace, &answer)
	if why := f.unanswered(err); why != "" {
		put(f.Doubts, atWorkspace, why)
		return
	}
	if !there {
		put(f.Strays, atWorkspace, "the workspace is gone")
		return
	}
	f.Workspace = w
	mode, account := answer.Properties.AuthMode, answer.Properties.AccountID
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
		put(f.Strays, atWorkspace, fmt.Sprintf("%s: identities open the workspace's own stores now, and the stack grants "+
			"nothing for that; correct workspace.systemDatastoresAuthMode and run pulumi up", access.StoresHop))
	case w.SystemDatastoresAuthMode == services.ByIdentity && says == services.ByAccessKey:
		f.Notes = append(f.Notes, "a key opens the workspace's own stores now, so what the stack grants for them is beyond "+
			"need: workspace.systemDatastoresAuthMode says identity; correct it and run pulumi up")
	case says == services.ByIdentity && f.Workspace.StorageAccount == "":
		put(f.Doubts, atWorkspace, fmt.Sprintf("%s: identities open the workspace's own stores, and their account is none "+
			"of storageAccounts: %s; add it", access.StoresHop, account))
	case says == services.ByIdentity && w.StorageAccount != "" && w.StorageAccount != f.Workspace.StorageAccount:
		put(f.Strays, atWorkspace, fmt.Sprintf("%s: the workspace's own account is %s, and the stack grants on %s; correct "+
			"workspace.storageAccount and run pulumi up", access.StoresHop, f.Workspace.StorageAccount, w.StorageAccount))
	}
}

// lookedUp is the plan with what the workspace said in the place of what the model leaves to it. Where that has no
// plan, the hop stays undecided.
func lookedUp(plan *access.Plan, f Facts) *access.Plan {
	given, said := plan.Model.Services, f.Workspace
	if !given.LookUp || given.SystemDatastoresAuthMode != "" &&
		(given.SystemDatastoresAuthMode != services.ByIdentity || given.StorageAccount != "") {
		return plan
	}
	m := plan.Model
	m.Services.SystemDatastoresAuthMode, m.Services.StorageAccount = said.SystemDatastoresAuthMode, said.StorageAccount
	if whole, _ := access.Compile(m); whole != nil {
		return whole
	}
	return plan
}

// registries are the scopes of the model's: the shared ones, and that of images.
func registries(m access.Model) (all []access.Scope) {
	for _, name := range slices.Sorted(maps.Keys(m.Registries)) {
		all = append(all, access.Scope{Level: access.AtRegistry, Registry: name})
	}
	if id := m.Services.ContainerRegistry; id != "" {
		all = append(all, access.Scope{Level: access.AtImages, Registry: arm.Last(id)})
	}
	return all
}
