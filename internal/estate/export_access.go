package estate

import (
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/access/services"
	"github.com/batchaccess/batchaccess/internal/arm"
	"github.com/batchaccess/batchaccess/internal/azure"
	"github.com/batchaccess/batchaccess/internal/world"
	"github.com/batchaccess/batchaccess/roles"
)

// registries reads the model's shared registries, and the container registries of the model and of the workspace.
func (e *exporter) registries() error {
	var shared []string
	for _, name := range slices.Sorted(maps.Keys(e.m.Registries)) {
		shared = append(shared, e.m.Registries[name].Text())
	}
	err := each(e, shared, azure.RegistryVersion, func(_ string, answer struct{ ID string }) error {
		e.w.Registries = append(e.w.Registries, world.Registry{ID: answer.ID})
		return nil
	})
	if err != nil {
		return err
	}
	return each(e, []string{e.m.Services.ContainerRegistry, e.w.Workspace.ContainerRegistryID},
		azure.ContainerRegistryVersion, func(id string, answer azure.ContainerRegistry) error {
			abac, known := answer.ABAC()
			if !known || answer.Properties.AdminUser == nil {
				return fmt.Errorf("the answer of Azure for the container registry %s lacks adminUserEnabled or a "+
					"roleAssignmentMode that is known here", id)
			}
			e.w.ContainerRegistries = append(e.w.ContainerRegistries, world.ContainerRegistry{ID: answer.ID,
				AdminUser: *answer.Properties.AdminUser, ABAC: abac})
			return nil
		})
}

// holders returns the object IDs of all whose roles matter, each with its collection in the directory: the principals
// of the model and the identities of clusters.
func (e *exporter) holders() map[string]string {
	all := map[string]string{}
	for _, p := range e.w.Principals {
		all[strings.ToLower(p.ObjectID)] = map[access.PrincipalKind]string{
			access.User: "/users/", access.Group: "/groups/"}[p.Kind]
	}
	for _, c := range e.w.Clusters {
		all[strings.ToLower(c.PrincipalID)] = ""
	}
	for _, i := range e.w.Identities {
		all[strings.ToLower(i.PrincipalID)] = ""
	}
	delete(all, "")
	for id, collection := range all {
		if collection == "" {
			all[id] = "/servicePrincipals/"
		}
	}
	return all
}

// groups reads the groups that the holders are in, also nested ones. It does not read members, but only which holders
// are in each group: a rehearsal does not need the others.
func (e *exporter) groups() error {
	holders := e.holders()
	for _, id := range slices.Sorted(maps.Keys(holders)) {
		objects, there, err := azure.List[azure.Object](e.ctx, e.c, azure.Graph,
			holders[id]+url.PathEscape(id)+"/transitiveMemberOf")
		if err != nil {
			return fmt.Errorf("asking which groups %s is in: %w", id, err)
		}
		if !there {
			continue // the identity of a cluster that has been deleted
		}
		for _, o := range objects {
			if !strings.EqualFold(o.Type, "#microsoft.graph.group") {
				continue // directory roles and administrative units
			}
			group := world.Find(e.w.Groups, func(g world.Group) string { return g.ObjectID }, o.ID)
			if group == nil {
				e.w.Groups = append(e.w.Groups, world.Group{ObjectID: o.ID, Name: o.DisplayName})
				group = &e.w.Groups[len(e.w.Groups)-1]
			}
			group.Members = append(group.Members, id)
		}
	}
	return nil
}

// assignments reads the assignments of the holders and their groups at, above and below what the model refers to.
func (e *exporter) assignments() error {
	holders := map[string]bool{}
	for id := range e.holders() {
		holders[id] = true
	}
	for _, g := range e.w.Groups {
		holders[strings.ToLower(g.ObjectID)] = true
	}
	places := []string{e.w.Workspace.ID}
	for _, a := range e.w.StorageAccounts {
		places = append(places, a.ID)
	}
	for _, r := range e.w.Registries {
		places = append(places, r.ID)
	}
	for _, r := range e.w.ContainerRegistries {
		places = append(places, r.ID)
	}
	wanted := map[string]string{} // the IDs of roles that are not built in, by their GUIDs
	if id := e.m.Role.RoleDefinitionID.Text(); id != "" {
		wanted[strings.ToLower(arm.Last(id))] = id
	}
	for _, place := range places {
		all, err := list[held](e.ctx, e.c, place+"/providers/Microsoft.Authorization/roleAssignments",
			azure.AuthorizationVersion)
		if err != nil {
			return err
		}
		for _, a := range all {
			p := a.Properties
			if !holders[strings.ToLower(p.PrincipalID)] {
				continue
			}
			stack, _ := arm.AssignedBy(p.Description)
			one := world.RoleAssignment{ID: a.Name, Scope: p.Scope, RoleID: arm.Last(p.RoleID), PrincipalID: p.PrincipalID,
				PrincipalType: p.PrincipalType, Condition: p.Condition, MadeBy: stack}
			if !strings.HasPrefix(strings.ToLower(one.Scope), "/subscriptions/") {
				one.At = "/" + strings.Join(strings.Split(place, "/")[1:3], "/") // a scope above reaches all of it
			}
			if !slices.Contains(e.w.RoleAssignments, one) {
				e.w.RoleAssignments = append(e.w.RoleAssignments, one)
			}
			wanted[strings.ToLower(one.RoleID)] = p.RoleID
		}
	}
	return e.roles(wanted)
}

// A held is an assignment in Azure's list.
type held struct {
	Name       string
	Properties struct {
		Scope, PrincipalID, PrincipalType, Condition, Description string
		RoleID                                                    string `json:"roleDefinitionId"`
	}
}

func (e *exporter) roles(wanted map[string]string) error {
	for _, guid := range slices.Sorted(maps.Keys(wanted)) {
		if _, builtIn := roles.BuiltIn(guid); builtIn {
			continue
		}
		var answer struct {
			Properties struct {
				RoleName         string
				AssignableScopes []string
				Permissions      []world.Permission
			}
		}
		there, err := e.read("/"+strings.TrimPrefix(wanted[guid], "/"), azure.AuthorizationVersion, &answer)
		if err != nil {
			return err
		}
		if !there {
			if e.m.Role.RoleDefinitionGUID() == guid {
				continue // Check reports it
			}
			return fmt.Errorf("the role %s of an assignment is gone since; try again", wanted[guid])
		}
		p := answer.Properties
		if len(p.Permissions) == 0 || len(p.AssignableScopes) == 0 {
			return errors.New("the answer of Azure for the role " + wanted[guid] + " lacks what it allows, or where")
		}
		e.w.RoleDefinitions = append(e.w.RoleDefinitions, world.RoleDefinition{ID: guid, Name: p.RoleName,
			AssignableScopes: p.AssignableScopes, Permissions: p.Permissions})
	}
	return nil
}

// registriesOf returns the shared registries that assets are in, each once.
func registriesOf(assets ...string) []string {
	all := []string{}
	for _, asset := range assets {
		if name, is := services.RegistryOf(asset); is && !slices.Contains(all, name) {
			all = append(all, name)
		}
	}
	return all
}

// later refuses IDs in the model that are known only after a deployment.
func later(m access.Model) error {
	for name, id := range m.Registries {
		if id.Later() {
			return fmt.Errorf("registries.%s is not known; write it in plain text, for it is no secret", name)
		}
	}
	return nil
}
