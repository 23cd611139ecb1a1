package rehearsal

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/sandbox/azure"
)

// A roleText is a role definition in Resource Manager's answers, and in the forms that the portal and the Azure CLI
// export.
type roleText struct {
	permission
	Permissions      []permission
	AssignableScopes []string
	Properties       *roleText
}

type permission struct{ Actions, NotActions, DataActions, NotDataActions []string }

// text lists what the role allows and leaves out, to compare it with another.
func (t roleText) text() string {
	if t.Properties != nil {
		return t.Properties.text()
	}
	var all permission
	for _, p := range append(slices.Clone(t.Permissions), t.permission) {
		all.Actions, all.NotActions = append(all.Actions, p.Actions...), append(all.NotActions, p.NotActions...)
		all.DataActions = append(all.DataActions, p.DataActions...)
		all.NotDataActions = append(all.NotDataActions, p.NotDataActions...)
	}
	return fmt.Sprintf("actions %s; notActions %s; dataActions %s; notDataActions %s", listed(all.Actions),
		listed(all.NotActions), listed(all.DataActions), listed(all.NotDataActions))
}

// roleAsDeclared compares the role in the stack's outputs with the configuration: what a role of the user's own
// allows, and where the invokers have it. Jobs do not show this: they also work with a role that allows more, or that
// is assigned at a narrower scope.
func (r *rehearsal) roleAsDeclared(ctx context.Context, report *Report, d deployed) error {
	role, id := r.Model.Role, d.RoleDefinitionID
	if id == "" || len(r.Model.Endpoints) == 0 {
		return nil
	}
	wrong := func(want, got, detail string) {
		report.add(Outcome{Control: true, Invoker: "the role", Want: want, Got: got, Detail: detail})
	}
	var found roleText
	var refused refusal
	err := r.manage(ctx, http.MethodGet, r.azure.URL()+id+"?api-version="+authorizationVersion, nil, &found)
	switch {
	case errors.As(err, &refused):
		wrong("is there", "is not there", "roleDefinitionId: "+refused.Error())
		return nil
	case err != nil:
		return err
	}
	// with scope endpoint there are two roles, and with additions the role has more
	if role.Definition != "" && role.Scope != access.AtEndpoint && len(role.Additions) == 0 {
		var said roleText
		if err := json.Unmarshal([]byte(role.Definition), &said); err != nil {
			return fmt.Errorf("reading role.definition: %w", err)
		}
		if has, should := found.text(), said.text(); has != should {
			wrong(should, has, "the role is not role.definition")
		}
	}
	if err := r.articlesRole(ctx, report, d, found); err != nil {
		return err
	}
	if err := r.assignedTo(ctx, report, d, id, r.roleScope(), r.invokersOfAny()); err != nil {
		return err
	}
	r.added(report, d)
	if d.EndpointRoleDefinitionID == "" {
		return nil
	}
	starters := r.starters()
	for _, endpoint := range slices.Sorted(maps.Keys(starters)) {
		if err := r.assignedTo(ctx, report, d, d.EndpointRoleDefinitionID, endpoint, starters[endpoint]); err != nil {
			return err
		}
	}
	return nil
}

// additionActions are the actions that each addition gives (azure-facts.md, and the guess "polling").
var additionActions = map[string][]string{
	"polljobs": {mlActions + "batchEndpoints/jobs/read", mlActions + "batchEndpoints/deployments/jobs/read",
		mlActions + "jobs/read"},
	"canceljobs":         {mlActions + "jobs/cancel/action"},
	"readregistryassets": {"Microsoft.MachineLearningServices/registries/assets/read"},
}

// articlesRole compares the role that the stack makes of the article's actions, or both of its parts together, with
// those actions and the additions: it has no others, and is for no wider place than the resource group of the workspace
// or the scope at which it is assigned.
func (r *rehearsal) articlesRole(ctx context.Context, report *Report, d deployed, found roleText) error {
	if role := r.Model.Role; role.Definition != "" || role.BuiltIn != "" || role.RoleDefinitionID.Given() {
		return nil
	}
	parts := []roleText{found}
	if d.EndpointRoleDefinitionID != "" {
		var part roleText
		if err := r.manage(ctx, http.MethodGet, r.azure.URL()+d.EndpointRoleDefinitionID+"?api-version="+
			authorizationVersion, nil, &part); err != nil {
			return err
		}
		parts = append(parts, part)
	}
	var is, should roleText
	should.Actions = azure.SeedActions()
	for _, addition := range r.Model.Role.Additions {
		should.Actions = append(should.Actions, additionActions[strings.ToLower(addition)]...)
	}
	group := r.Model.WorkspaceID.Text()[:strings.Index(r.Model.WorkspaceID.Text(), "/providers/")]
	for _, part := range parts {
		if part.Properties != nil {
			part = *part.Properties
		}
		is.Permissions = append(is.Permissions, part.Permissions...)
		for _, scope := range part.AssignableScopes {
			if !strings.EqualFold(scope, r.roleScope()) && !strings.HasPrefix(strings.ToLower(scope+"/"),
				strings.ToLower(group+"/")) {
				report.add(Outcome{Control: true, Invoker: "the role", Want: "is for " + group, Got: "is for " + scope,
					Detail: "assignableScopes"})
			}
		}
	}
	if has, wanted := is.text(), should.text(); has != wanted {
		report.add(Outcome{Control: true, Invoker: "the role", Want: wanted, Got: has,
			Detail: "the role has other actions than the article's and those of role.additions"})
	}
	return nil
}

// assignedTo reports each invoker who does not have the role at exactly this scope, itself or by a group.
func (r *rehearsal) assignedTo(
	ctx context.Context, report *Report, d deployed, role, scope string, invokers []string,
) error {
	for _, name := range invokers {
		principal := d.PrincipalIDs[name]
		if principal == "" || r.held(name) {
			continue
		}
		var page struct {
			Value []struct {
				Properties struct{ Scope, RoleDefinitionID string }
			}
		}
		if err := r.manage(ctx, http.MethodGet, r.azure.URL()+scope+"/providers/Microsoft.Authorization/roleAssignments?"+
			url.Values{"api-version": {authorizationVersion}, "$filter": {"atScope() and assignedTo('" + principal + "')"}}.
				Encode(), nil, &page); err != nil {
			return err
		}
		has := false
		for _, a := range page.Value {
			has = has || strings.EqualFold(a.Properties.Scope, scope) &&
				strings.EqualFold(path.Base(a.Properties.RoleDefinitionID), path.Base(role))
		}
		if !has {
			report.add(Outcome{Control: true, Invoker: name, Want: "has the role", Got: "has not",
				Detail: role + ", which the outputs name, at " + scope})
		}
	}
	return nil
}

// added reports each invoker who may not do what an addition allows (azure-facts.md): read jobs at the endpoints that
// name the invoker, or cancel jobs in the workspace. readRegistryAssets is not checked here: it is about registries.
func (r *rehearsal) added(report *Report, d deployed) {
	if r.Model.Role.BuiltIn != "" || r.Model.Role.RoleDefinitionID.Given() {
		return
	}
	endpoints := r.Model.EffectiveEndpoints()
	for _, name := range slices.Sorted(maps.Keys(endpoints)) {
		for _, of := range []struct{ addition, action, scope string }{
			{"pollJobs", mlActions + "batchEndpoints/jobs/read",
				r.Model.WorkspaceID.Text() + "/batchEndpoints/" + endpointName(r.Model, name)},
			{"cancelJobs", mlActions + "jobs/cancel/action", r.Model.WorkspaceID.Text()},
		} {
			if !slices.ContainsFunc(r.Model.Role.Additions, func(a string) bool { return strings.EqualFold(a, of.addition) }) {
				continue
			}
			for _, invoker := range r.named(endpoints[name]) {
				id := d.PrincipalIDs[invoker]
				if answer := r.azure.Allows(id, of.scope, of.action, false); id != "" && !r.held(invoker) && answer != "yes" {
					report.add(Outcome{Control: true, Invoker: invoker, Want: "may", Got: answer,
						Detail: "role.additions has " + of.addition + ": " + of.action + " at " + of.scope})
				}
			}
		}
	}
}

// roleScope is the scope at which the invokers' role is assigned, by the documentation of the configuration: the
// workspace by default. With scope endpoint it is the scope of the part for the workspace.
func (r *rehearsal) roleScope() string {
	workspace := r.Model.WorkspaceID.Text()
	group := workspace[:strings.Index(workspace, "/providers/")]
	switch r.Model.Role.Scope {
	case access.AtResourceGroup:
		return group
	case access.AtSubscription:
		return path.Dir(path.Dir(group))
	default:
		return workspace
	}
}

// invokersOfAny are the invokers of all endpoints. An endpoint that names none has all of them.
func (r *rehearsal) invokersOfAny() (all []string) {
	for _, e := range r.Model.EffectiveEndpoints() {
		all = append(all, r.named(e)...)
	}
	return compact(all)
}

// held reports whether another stack holds the invoker's role.
func (r *rehearsal) held(name string) bool {
	for _, g := range r.Model.SharedGrants {
		if g.Principal == name && g.StorageAccount == "" && g.Registry == "" {
			return true
		}
	}
	return false
}
