package verify

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/access/services"
	"github.com/batchaccess/batchaccess/internal/arm"
	"github.com/batchaccess/batchaccess/internal/azure"
)

const (
	readImages = "Microsoft.ContainerRegistry/registries/read"
)

// images asks what allows cluster identities to pull from the registry that the model names, or else from the
// workspace's.
func (o *Observer) images(ctx context.Context, m access.Model, ofWorkspace string, f *Facts) {
	w := m.Services
	id := w.ContainerRegistry
	switch {
	case id == "" && ofWorkspace == "" && w.RegistryPermissions == services.ByAdminUser:
		return // Azure makes the registry with the first image, and nothing can contradict the model yet
	case id == "":
		id = ofWorkspace
	case ofWorkspace != "" && !strings.EqualFold(ofWorkspace, id):
		f.Notes = append(f.Notes, fmt.Sprintf("the workspace's own container registry is %s, and the stack grants on %s, "+
			"which is right only for images that are there: workspace.containerRegistry", ofWorkspace, id))
	}
	if id == "" {
		return // the plan says that it is undecided
	}
	if _, err := arm.Parse(id, arm.ContainerRegistry); err != nil {
		put(f.Doubts, atWorkspace, fmt.Sprintf("%s: the workspace says that its container registry is %q", access.ImageHop,
			id))
		return
	}
	var answer azure.ContainerRegistry
	there, err := o.get(ctx, id, azure.ContainerRegistryVersion, "asking for the container registry "+arm.Last(id),
		readImages, &answer)
	if why := f.unanswered(err); why != "" {
		put(f.Doubts, atWorkspace, why)
		return
	}
	f.Workspace.ContainerRegistry = id
	admin, says := answer.Properties.AdminUser, services.ByPullRole
	abac, known := answer.ABAC()
	switch {
	case admin == nil:
		known = false
	case *admin:
		says, known = services.ByAdminUser, true
	case abac:
		says = services.ByABAC
	}
	const correct = "correct workspace.registryPermissions and run pulumi up"
	name := "the container registry " + arm.Last(id)
	// Azure's page on anonymous pull (azure/container-registry/anonymous-pull-access, read 2026-11-28): whoever has
	// signed in has to clear the credentials first. Cluster identities sign in.
	if anonymous := answer.Properties.Anonymous; there && anonymous != nil && *anonymous {
		f.Notes = append(f.Notes, fmt.Sprintf("anybody who reaches %s may pull all of its images without signing in "+
			"(anonymousPullEnabled). Cluster identities sign in, and no document says that they need no role then, so they "+
			"are taken to need it", name))
	}
	fault := func(what string) { put(f.Faults, atWorkspace, fmt.Sprintf("%s: %s %s", access.ImageHop, name, what)) }
	switch given := w.RegistryPermissions; {
	case !there:
		fault("is gone")
	case !known:
		put(f.Doubts, atWorkspace, fmt.Sprintf("%s: %s says adminUserEnabled %s and roleAssignmentMode %q, of which nothing "+
			"is known here", access.ImageHop, name, orNothing(admin), answer.Properties.Mode))
	case given == "" || given == says:
		f.Workspace.RegistryPermissions = says
	case given == services.ByAdminUser:
		fault(fmt.Sprintf("has no admin user now, and the stack grants nothing to those who pull; %s to %s", correct, says))
	case says == services.ByAdminUser:
		f.Notes = append(f.Notes, fmt.Sprintf("the admin user of %s is on now, so what the stack grants for pulling is "+
			"beyond need: workspace.registryPermissions says %s; correct it and run pulumi up", name, given))
	default:
		fault(fmt.Sprintf("is of the kind %s now, which does not honour the role that the stack grants; %s", says, correct))
	}
}

func orNothing(b *bool) string {
	if b == nil {
		return "nothing"
	}
	return fmt.Sprint(*b)
}

// assets has a deployment's model and environment.
type assets struct {
	Model struct {
		AssetID string `json:"assetId"`
	} `json:"model"`
	EnvironmentID string `json:"environmentId"`
}

// registries compares the shared registries of a deployment's model and environment with those of the stack's model.
func (f *Facts) registries(m access.Model, endpoint, deployment, target string, of assets) {
	given, key := m.Endpoints[endpoint].Registries, "endpoints."+endpoint+".registries"
	if d, is := m.Endpoints[endpoint].Deployments[deployment]; is {
		key = "endpoints." + endpoint + ".deployments." + deployment + ".registries"
		if d.Registries != nil {
			given = d.Registries
		}
	}
	at := "endpoints." + target
	used := []string{}
	for _, id := range []string{of.Model.AssetID, of.EnvironmentID} {
		inAzure, is := services.RegistryOf(id)
		if !is {
			continue
		}
		name := ""
		for _, known := range registries(m) {
			if known.Level == access.AtRegistry && strings.EqualFold(arm.Last(m.Registries[known.Registry].Text()), inAzure) {
				name = known.Registry
			}
		}
		switch {
		case name == "" && given != nil:
			put(f.Faults, at, fmt.Sprintf("%s: its model or environment is of the shared registry %s, which %s does not have; "+
				"add it there and to registries, and run pulumi up", access.RegistryHop, inAzure, key))
		case name == "":
			put(f.Doubts, at, fmt.Sprintf("%s: its model or environment is of the shared registry %s, of which the "+
				"configuration says nothing; add it to registries and to %s", access.RegistryHop, inAzure, key))
		case given != nil && !slices.Contains(given, name):
			put(f.Faults, at, fmt.Sprintf("%s: its model or environment is of registry %s now, which %s does not have; add it "+
				"and run pulumi up", access.RegistryHop, name, key))
		case given == nil && !m.Services.LookUp:
			put(f.Doubts, at, fmt.Sprintf("%s: its model or environment is of registry %s, of which %s says nothing; add it "+
				"and run pulumi up", access.RegistryHop, name, key))
		}
		if name != "" && !slices.Contains(used, name) {
			used = append(used, name)
		}
	}
	if given == nil && m.Services.LookUp && f.Doubts[at] == "" {
		f.Registries[target] = used
	}
	for _, name := range given {
		if !slices.Contains(used, name) {
			f.Notes = append(f.Notes, fmt.Sprintf("neither model nor environment of %s is of registry %s, so what the stack "+
				"grants there for it is beyond need: %s names it", target, name, key))
		}
	}
}
