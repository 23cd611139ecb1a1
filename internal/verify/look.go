package verify

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/internal/arm"
	"github.com/batchaccess/batchaccess/internal/azure"
	"github.com/batchaccess/batchaccess/internal/ways"
	"github.com/batchaccess/batchaccess/roles"
)

// An Observer asks Azure. It only reads.
type Observer struct{ client *azure.Client }

// New makes an observer.
func New(client *azure.Client) *Observer { return &Observer{client} }

// The permissions that questions need. Reader on the resource groups has all except the last.
const (
	readAssignments = "Microsoft.Authorization/roleAssignments/read"
	readDefinitions = "Microsoft.Authorization/roleDefinitions/read"
	readDenials     = "Microsoft.Authorization/denyAssignments/read"
	readEligible    = "Microsoft.Authorization/roleEligibilityScheduleInstances/read"
	readAccounts    = "Microsoft.Storage/storageAccounts/read"
	readContainers  = "Microsoft.Storage/storageAccounts/blobServices/containers/read"
	readComputes    = "Microsoft.MachineLearningServices/workspaces/computes/read"
	readGroups      = "the application permission Directory.Read.All of Microsoft Graph, or for a user the role " +
		"Directory Readers"
)

// failed is the error of a question. If it was refused, it names the needed permission.
func failed(what, needs string, err error) error {
	var refusal *azure.Refusal
	if !errors.As(err, &refusal) || refusal.Answer.StatusCode != http.StatusForbidden {
		return fmt.Errorf("%s: %w", what, err)
	}
	if strings.HasPrefix(needs, "Microsoft.") {
		needs = "the action " + needs + " there (the role Reader has it)"
	}
	return fmt.Errorf("%s: whoever verifies may not look (%s); it takes %s", what, refusal.Answer.ErrorCode, needs)
}

// get reads Resource Manager's resource with an ID; there is false for a 404. what and needs are for the error.
func (o *Observer) get(ctx context.Context, id, apiVersion, what, needs string, into any) (there bool, err error) {
	there, err = o.client.Get(ctx, azure.ResourceManager, azure.Version(id, apiVersion, ""), into)
	if err != nil {
		err = failed(what, needs, err)
	}
	return there, err
}

// Look asks what the subjects have at, above and below the resource groups of the model's workspace and storage
// accounts, and whether what the model refers to exists. A question that fails is recorded in the facts, with the
// needed permission. The error is the context's, or the first one if Azure answered nothing at all.
func (o *Observer) Look(ctx context.Context, m access.Model, subjects []Subject) (Facts, error) {
	f := newFacts()
	holders := map[string]bool{ways.Everyone: true}
	for _, s := range subjects {
		groups, there, err := o.groups(ctx, s, &f)
		id := strings.ToLower(s.ID)
		if why := f.unanswered(err); why != "" {
			f.Unknown[s.Principal] = why
		} else if !there {
			f.Gone[s.Principal] = fmt.Sprintf("a principal: the directory has no %s %s%s", directoryName[s.Kind], s.ID,
				madeAnew(m, s.Principal))
		} else {
			o.enabled(ctx, m, s, &f)
		}
		f.Groups[id], holders[id] = groups, true
		for _, g := range groups {
			holders[strings.ToLower(g.ID)] = true
		}
		if of := ways.ResourceOf(m, s.Principal); of != "" {
			f.Resources[id] = of
		}
		if there {
			o.owners(ctx, s, &f)
			o.signIns(ctx, m, s, &f)
		}
		if there && !s.Principal.IsCluster() && len(m.Invokers[s.Principal.Name].Members) > 0 {
			f.Members[id], err = o.members(ctx, s)
			f.unanswered(err)
		}
		if s.Principal.IsCluster() {
			if why := f.unanswered(o.cluster(ctx, m, s, &f)); why != "" {
				f.Unknown[s.Principal] = why
			}
		}
	}
	o.services(ctx, m, &f)
	o.neighbours(ctx, m, &f)
	places, err := resourceGroups(m)
	if err != nil {
		return f, err
	}
	if of, err := arm.Parse(f.Workspace.ContainerRegistry, arm.ContainerRegistry); err == nil {
		places = groups(append(places, of.Group())) // to see its assignments, if the registry was looked up
	}
	if of, err := arm.Parse(f.Vault.ID, arm.KeyVault); err == nil {
		places = groups(append(places, of.Group()))
	}
	if of, err := arm.Parse(f.Account, arm.StorageAccount); err == nil {
		places = groups(append(places, of.Group()))
	}
	for _, id := range f.Resources {
		if of, err := arm.Parse(id, arm.UserAssignedIdentity); err == nil {
			places = groups(append(places, of.Group()))
		}
	}
	bearing := bearing(m, &f)
	bears := func(a assigned) bool {
		return holders[strings.ToLower(a.Properties.PrincipalID)] || bearing(a.Properties.Scope)
	}
	for _, place := range places {
		if why := f.unanswered(o.look(ctx, place, bears, &f)); why != "" {
			f.Unlisted[place] = why
		}
		if err := o.eligible(ctx, place, bears, &f); err != nil {
			f.Notes = append(f.Notes, "which roles are only eligible (PIM) is not known: "+err.Error())
			f.UnlistedEligible = cmp.Or(f.UnlistedEligible, "an answer of Azure: "+err.Error())
		}
	}
	o.powers(ctx, &f)
	o.others(ctx, subjects, &f)
	o.eligibleMembers(ctx, &f, f.knownGroups(subjects))
	o.define(ctx, f.Assignments, &f)
	o.define(ctx, f.Eligible, &f)
	o.workspace(ctx, m, &f)
	if ctx.Err() != nil {
		return f, context.Cause(ctx)
	}
	if len(f.Unasked) > 0 && f.asked == f.failed {
		return f, f.failure
	}
	return f, nil
}

// resourceGroups returns the resource groups of what the model refers to, each once.
func resourceGroups(m access.Model) ([]string, error) {
	workspace, err := m.ScopeID(access.Scope{Level: access.AtResourceGroup})
	if err != nil {
		return nil, err
	}
	places := []string{workspace}
	for name := range m.StorageAccounts {
		if _, err := m.ScopeID(access.Scope{StorageAccount: name}); err != nil {
			return nil, err
		}
		account, err := arm.Parse(m.StorageAccounts[name].Text(), arm.StorageAccount)
		if err != nil {
			return nil, err
		}
		places = append(places, account.Group())
	}
	for _, scope := range registries(m) {
		id, err := m.ScopeID(scope)
		if err != nil {
			return nil, err
		}
		of, err := arm.Parse(id, arm.MLRegistry, arm.ContainerRegistry)
		if err != nil {
			return nil, err
		}
		places = append(places, of.Group())
	}
	return groups(places), nil
}

// groups returns the resource groups of places, each once.
func groups(places []string) []string {
	slices.SortFunc(places, func(a, b string) int { return strings.Compare(strings.ToLower(a), strings.ToLower(b)) })
	return slices.CompactFunc(places, strings.EqualFold)
}

// An assigned is Resource Manager's answer about a role assignment, or an eligible one.
type assigned struct {
	ID         string `json:"id"`
	Properties struct {
		Scope            string    `json:"scope"`
		PrincipalID      string    `json:"principalId"`
		PrincipalType    string    `json:"principalType"`
		RoleDefinitionID string    `json:"roleDefinitionId"`
		Condition        string    `json:"condition"`
		Description      string    `json:"description"`
		CreatedOn        time.Time `json:"createdOn"`
	} `json:"properties"`
}

// A denied is a deny assignment.
type denied struct {
	Properties struct {
		Name        string      `json:"denyAssignmentName"`
		Scope       string      `json:"scope"`
		OnlyHere    bool        `json:"doNotApplyToChildScopes"`
		Principals  []principal `json:"principals"`
		Exclude     []principal `json:"excludePrincipals"`
		Permissions []struct {
			roles.Permission
			Condition string `json:"condition"`
		} `json:"permissions"`
	} `json:"properties"`
}

type principal struct {
	ID string `json:"id"`
}

// The lists of who holds what at, above and below a scope, with their API versions (Microsoft Learn, "Role
// Assignments", "Deny Assignments" and "Role Eligibility Schedule Instances - List For Scope").
func assignmentsOf(scope string) string {
	return listOf(scope, "roleAssignments", azure.AuthorizationVersion)
}
func denialsOf(scope string) string {
	return listOf(scope, "denyAssignments", azure.AuthorizationVersion)
}
func eligibleOf(scope string) string {
	return listOf(scope, "roleEligibilityScheduleInstances", "2020-10-01")
}

func listOf(scope, kind, apiVersion string) string {
	return azure.Version(scope+"/providers/Microsoft.Authorization/"+kind, apiVersion, "")
}

// list reads a collection of Resource Manager that has to exist: a missing one is not an empty one.
func list[T any](ctx context.Context, o *Observer, what, needs, path string) ([]T, error) {
	all, there, err := azure.List[T](ctx, o.client, azure.ResourceManager, path)
	switch {
	case err != nil:
		return nil, failed(what, needs, err)
	case !there:
		return nil, fmt.Errorf("%s: Azure has nothing there (404)", what)
	}
	return all, nil
}

// bearing says whether what is assigned at a scope bears on the stack: it is above something that indirect ways go by,
// or below it.
func bearing(m access.Model, f *Facts) func(scope string) bool {
	all := slices.Concat([]string{m.WorkspaceID.Text(), f.Vault.ID, f.Workspace.ContainerRegistry, f.Account},
		slices.Collect(maps.Values(f.Resources)))
	for _, account := range m.StorageAccounts {
		all = append(all, account.Text())
	}
	for _, scope := range registries(m) {
		if id, err := m.ScopeID(scope); err == nil {
			all = append(all, id)
		}
	}
	return func(scope string) bool {
		return slices.ContainsFunc(all, func(at string) bool { return at != "" && (covers(scope, at) || covers(at, scope)) })
	}
}

// look lists what is assigned and denied at a resource group, above it and below it, where it bears on the stack.
func (o *Observer) look(ctx context.Context, place string, bears func(assigned) bool, f *Facts) error {
	all, err := list[assigned](ctx, o, "asking for the role assignments of "+place, readAssignments, assignmentsOf(place))
	for _, a := range all {
		if p := a.Properties; bears(a) && f.isNew(a.ID) {
			one := a.read()
			one.Stack, _ = arm.AssignedBy(p.Description)
			f.Assignments = append(f.Assignments, one)
		}
	}
	if err != nil {
		return err
	}
	denials, err := list[denied](ctx, o, "asking for the deny assignments of "+place, readDenials, denialsOf(place))
	for _, d := range denials {
		f.deny(d)
	}
	return err
}

// eligible lists the assignments that act only when they are activated. No path works by one, so that a
// refusal costs only the hint.
func (o *Observer) eligible(ctx context.Context, place string, bears func(assigned) bool, f *Facts) error {
	all, err := list[assigned](ctx, o, "asking for the eligible roles of "+place, readEligible, eligibleOf(place))
	for _, e := range all {
		if bears(e) && f.isNew(e.ID) {
			f.Eligible = append(f.Eligible, e.read())
		}
	}
	return err
}

func (a assigned) read() Assignment {
	p := a.Properties
	return Assignment{ID: a.ID, Scope: p.Scope, PrincipalID: p.PrincipalID, Kind: p.PrincipalType,
		Condition: p.Condition, Made: p.CreatedOn, RoleID: p.RoleDefinitionID}
}

// isNew reports whether an assignment was not listed before: the lists of two resource groups both have what is above
// them.
func (f *Facts) isNew(id string) bool {
	id = strings.ToLower(id)
	known := f.listed[id]
	f.listed[id] = true
	return !known
}

// deny records a deny assignment, each of its permissions separately: each may have its own condition.
func (f *Facts) deny(one denied) {
	p := one.Properties
	d := Denial{Name: p.Name, Scope: p.Scope, OnlyHere: p.OnlyHere}
	for _, p := range p.Principals {
		d.Principals = append(d.Principals, p.ID)
	}
	for _, p := range p.Exclude {
		d.Exclude = append(d.Exclude, p.ID)
	}
	for _, p := range p.Permissions {
		d.Condition, d.Permissions = p.Condition, roles.Permissions{p.Permission}
		f.Denials = append(f.Denials, d)
	}
}

// A definition is what is read of a role. A change of it takes as long to act as an assignment.
type definition struct {
	Properties struct {
		RoleName    string             `json:"roleName"`
		Permissions []roles.Permission `json:"permissions"`
		UpdatedOn   time.Time          `json:"updatedOn"`
		Type        string             `json:"type"`
		Assignable  []string           `json:"assignableScopes"`
	} `json:"properties"`

	unread string
}

// define reads what the roles allow, each once. A role that has been deleted since allows nothing.
func (o *Observer) define(ctx context.Context, assignments []Assignment, f *Facts) {
	known := map[string]definition{}
	for i := range assignments {
		a := &assignments[i]
		id := a.RoleID
		a.RoleID = strings.ToLower(id[strings.LastIndex(id, "/")+1:])
		role, done := known[a.RoleID]
		if !done {
			_, err := o.get(ctx, "/"+strings.TrimPrefix(id, "/"), azure.AuthorizationVersion,
				"asking what the role "+a.RoleID+" of "+
					a.ID+" allows", readDefinitions, &role)
			role.unread = f.unanswered(err)
			known[a.RoleID] = role
		}
		a.Role, a.Permissions, a.Unread = role.Properties.RoleName, role.Properties.Permissions, role.unread
		if strings.EqualFold(role.Properties.Type, "CustomRole") {
			a.Assignable = role.Properties.Assignable
		}
		if changed := role.Properties.UpdatedOn; changed.After(a.Made) {
			a.Made = changed
		}
	}
}
