package verify

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	azarm "github.com/Azure/azure-sdk-for-go/sdk/azcore/arm"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/authorization/armauthorization/v2"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/internal/arm"
	"github.com/batchaccess/batchaccess/internal/invoke"
	"github.com/batchaccess/batchaccess/roles"
)

// Observer asks Azure. It only reads.
type Observer struct {
	assignments      *armauthorization.RoleAssignmentsClient
	denials          *armauthorization.DenyAssignmentsClient
	eligibilities    *armauthorization.RoleEligibilityScheduleInstancesClient
	arm, graph       runtime.Pipeline
	armURL, graphURL string
}

// New makes an observer. The transport may be nil.
func New(credential azcore.TokenCredential, c invoke.Cloud, transport policy.Transporter) (*Observer, error) {
	common := policy.ClientOptions{Cloud: c.Configuration(), Transport: transport,
		Telemetry: policy.TelemetryOptions{ApplicationID: "batchaccess"}}
	clients, err := armauthorization.NewClientFactory("", credential,
		&azarm.ClientOptions{ClientOptions: common, DisableRPRegistration: true})
	if err != nil {
		return nil, fmt.Errorf("preparing to ask Resource Manager: %w", err)
	}
	pipeline := func(audience string) runtime.Pipeline {
		return runtime.NewPipeline("batchaccess", "v0", runtime.PipelineOptions{
			PerRetry: []policy.Policy{runtime.NewBearerTokenPolicy(credential, []string{audience + "/.default"}, nil)},
		}, &common)
	}
	return &Observer{
		clients.NewRoleAssignmentsClient(), clients.NewDenyAssignmentsClient(),
		clients.NewRoleEligibilityScheduleInstancesClient(),
		pipeline(c.ManagementAudience), pipeline(c.Graph), c.ResourceManager, c.Graph + "/v1.0",
	}, nil
}

// What whoever looks needs, by what is asked for. Reader on the resource groups holds all but the last.
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

// failed says, of a refusal, what whoever looks needs.
func failed(what, needs string, err error) error {
	var refusal *azcore.ResponseError
	if !errors.As(err, &refusal) || refusal.StatusCode != http.StatusForbidden {
		return fmt.Errorf("%s: %w", what, err)
	}
	if strings.HasPrefix(needs, "Microsoft.") {
		needs = "the action " + needs + " there (the role Reader has it)"
	}
	return fmt.Errorf("%s: whoever verifies may not look (%s); it takes %s", what, refusal.ErrorCode, needs)
}

// Look asks what the subjects have in the resource groups of the model's workspace and storage accounts, and above
// them, and whether what the model refers to is there. A question that fails is noted in the facts, with what it takes
// to look. The error is that of the context, or the first one where Azure answered nothing at all.
func (o *Observer) Look(ctx context.Context, m access.Model, subjects []Subject) (Facts, error) {
	f := newFacts()
	holders := map[string]bool{everyone: true}
	for _, s := range subjects {
		groups, there, err := o.groups(ctx, s)
		id := strings.ToLower(s.ID)
		if why := f.unanswered(err); why != "" {
			f.Unknown[s.Principal] = why
		} else if !there {
			f.Gone[s.Principal] = fmt.Sprintf("a principal: the directory has no %s %s", directoryName[s.Kind], s.ID)
		} else {
			o.enabled(ctx, s, &f)
		}
		f.Groups[id], holders[id] = groups, true
		for _, g := range groups {
			holders[strings.ToLower(g.ID)] = true
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
	places, err := resourceGroups(m)
	if err != nil {
		return f, err
	}
	for _, place := range places {
		if why := f.unanswered(o.look(ctx, place, holders, &f)); why != "" {
			f.Unlisted[place] = why
		}
		if err := o.eligible(ctx, place, holders, &f); err != nil {
			f.Notes = append(f.Notes, "which roles are only eligible (PIM) is not known: "+err.Error())
		}
	}
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

// resourceGroups are those that hold what the model refers to, each once.
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
	slices.SortFunc(places, func(a, b string) int { return strings.Compare(strings.ToLower(a), strings.ToLower(b)) })
	return slices.CompactFunc(places, strings.EqualFold), nil
}

// look lists what is assigned and denied to the holders at a resource group, above it and below it.
func (o *Observer) look(ctx context.Context, place string, holders map[string]bool, f *Facts) error {
	assigned := o.assignments.NewListForScopePager(place, nil)
	for assigned.More() {
		page, err := assigned.NextPage(ctx)
		if err != nil {
			return failed("asking for the role assignments of "+place, readAssignments, err)
		}
		for _, a := range page.Value {
			if p := a.Properties; p != nil && holders[strings.ToLower(value(p.PrincipalID))] && !f.has(value(a.ID)) {
				stack, _ := arm.AssignedBy(value(p.Description))
				f.Assignments = append(f.Assignments, Assignment{
					Stack: stack,
					ID:    value(a.ID), Scope: value(p.Scope), PrincipalID: value(p.PrincipalID), Condition: value(p.Condition),
					Made:   value(p.CreatedOn),
					RoleID: value(p.RoleDefinitionID),
				})
			}
		}
	}
	denied := o.denials.NewListForScopePager(place, nil)
	for denied.More() {
		page, err := denied.NextPage(ctx)
		if err != nil {
			return failed("asking for the deny assignments of "+place, readDenials, err)
		}
		for _, d := range page.Value {
			if d.Properties != nil {
				f.deny(*d.Properties)
			}
		}
	}
	return nil
}

// eligible lists the assignments of the holders that act only when they are activated. No path works by one, so that a
// refusal costs only the hint. (Microsoft Learn, "Role Eligibility Schedule Instances - List For Scope".)
func (o *Observer) eligible(ctx context.Context, place string, holders map[string]bool, f *Facts) error {
	pager := o.eligibilities.NewListForScopePager(place, nil)
	for pager.More() {
		page, err := pager.NextPage(ctx)
		if err != nil {
			return failed("asking for the eligible roles of "+place, readEligible, err)
		}
		for _, e := range page.Value {
			known := slices.ContainsFunc(f.Eligible, func(a Assignment) bool { return strings.EqualFold(a.ID, value(e.ID)) })
			if p := e.Properties; p != nil && holders[strings.ToLower(value(p.PrincipalID))] && !known {
				f.Eligible = append(f.Eligible, Assignment{
					ID: value(e.ID), Scope: value(p.Scope), PrincipalID: value(p.PrincipalID), Condition: value(p.Condition),
					RoleID: value(p.RoleDefinitionID),
				})
			}
		}
	}
	return nil
}

// has reports whether an assignment is known already: what is above two resource groups is listed with both.
func (f *Facts) has(id string) bool {
	return slices.ContainsFunc(f.Assignments, func(a Assignment) bool { return strings.EqualFold(a.ID, id) })
}

// deny notes a deny assignment, each of its permissions by itself: each may have a condition of its own.
func (f *Facts) deny(p armauthorization.DenyAssignmentProperties) {
	d := Denial{Name: value(p.DenyAssignmentName), Scope: value(p.Scope), OnlyHere: value(p.DoNotApplyToChildScopes)}
	for _, p := range p.Principals {
		d.Principals = append(d.Principals, value(p.ID))
	}
	for _, p := range p.ExcludePrincipals {
		d.Exclude = append(d.Exclude, value(p.ID))
	}
	for _, p := range p.Permissions {
		d.Condition = value(p.Condition)
		d.Permissions = roles.Permissions{{Actions: values(p.Actions), NotActions: values(p.NotActions),
			DataActions: values(p.DataActions), NotDataActions: values(p.NotDataActions)}}
		f.Denials = append(f.Denials, d)
	}
}

// definition is what is read of a role. Every change of one takes as long to act as an assignment does.
type definition struct {
	Properties struct {
		RoleName    string             `json:"roleName"`
		Permissions []roles.Permission `json:"permissions"`
		UpdatedOn   time.Time          `json:"updatedOn"`
	} `json:"properties"`

	unread string
}

// define reads what the roles allow, each once. One that is gone since it was listed allows nothing.
func (o *Observer) define(ctx context.Context, assignments []Assignment, f *Facts) {
	known := map[string]definition{}
	for i := range assignments {
		a := &assignments[i]
		id := a.RoleID
		a.RoleID = strings.ToLower(id[strings.LastIndex(id, "/")+1:])
		role, done := known[a.RoleID]
		if !done {
			_, err := get(ctx, o.arm, o.armURL+"/"+strings.TrimPrefix(id, "/")+"?api-version=2022-04-01", &role)
			if err != nil {
				err = failed("asking what the role "+a.RoleID+" of "+a.ID+" allows", readDefinitions, err)
			}
			role.unread = f.unanswered(err)
			known[a.RoleID] = role
		}
		a.Role, a.Permissions, a.Unread = role.Properties.RoleName, role.Properties.Permissions, role.unread
		if changed := role.Properties.UpdatedOn; changed.After(a.Made) {
			a.Made = changed
		}
	}
}

func value[T any](p *T) (v T) {
	if p != nil {
		v = *p
	}
	return v
}

func values(list []*string) (all []string) {
	for _, s := range list {
		all = append(all, value(s))
	}
	return all
}
