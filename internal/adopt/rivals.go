package adopt

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/batchaccess/batchaccess/internal/arm"
	"github.com/batchaccess/batchaccess/internal/azure"
)

// A Rival is what exists instead of a resource, under another name.
type Rival struct {
	// IDs in Azure.
	IDs []string
	// Why says what they are, and what to do about them.
	Why string
	// Blocks is set if Azure refuses the resource as long as they exist. Otherwise they are only reported.
	Blocks bool
	// Owner says whose they are; see Found.
	Owner string
}

// An armObject has the properties that are read of an item of a list of Resource Manager.
type armObject struct {
	ID         string `json:"id"`
	Name       string `json:"name"`
	Properties struct {
		RoleName         string `json:"roleName"`
		RoleDefinitionID string `json:"roleDefinitionId"`
		Scope            string `json:"scope"`
		Description      string `json:"description"`
		Issuer           string `json:"issuer"`
		Subject          string `json:"subject"`
	} `json:"properties"`
}

// assignmentOfOtherName finds the assignment of the same role to the same principal at the same scope: Azure refuses a
// second one with 409 RoleAssignmentExists, whatever its name. If it were imported, it would be replaced, because its
// name can't be changed: whoever made it would lose it, and the principal would have no access for minutes. So a person
// has to decide.
func assignmentOfOtherName(ctx context.Context, f *Finder, r Resource) (rival Rival, err error) {
	scope := slashed(text(r.Inputs, "scope"))
	var maker, name string
	assignments, err := f.listARM(ctx, scope+"/providers/Microsoft.Authorization/roleAssignments",
		azure.AuthorizationVersion,
		"principalId eq "+quoted(text(r.Inputs, "principalId")))
	for _, a := range assignments { // also at the scopes above and below
		p := a.Properties
		if strings.EqualFold(slashed(p.Scope), scope) &&
			strings.EqualFold(lastSegment(p.RoleDefinitionID), lastSegment(text(r.Inputs, "roleDefinitionId"))) {
			rival.IDs, rival.Owner = append(rival.IDs, a.ID), notSaid
			if stack, as := arm.AssignedBy(p.Description); stack != "" {
				rival.Owner, maker, name = "stack "+stack, stack, as
			}
		}
	}
	rival.Blocks = len(rival.IDs) > 0
	switch {
	case maker != "" && maker != r.Stack:
		rival.Why = "stack " + maker + " made it under this name, and Azure refuses a second assignment of the same role " +
			"to the same principal at the same scope: " + strings.ReplaceAll(heldByOther, "STACK", maker)
	case maker != "":
		rival.Why = "this stack made it as " + name + ", and Azure refuses a second assignment of the same role to the " +
			"same principal at the same scope: where that is in the state and was renamed, write was; else delete this one " +
			"and run pulumi up at once (az role assignment delete --ids)"
	case rival.Blocks:
		rival.Why = "the same principal has the same role at the same scope already, and Azure refuses a second such " +
			"assignment: delete this one, once its maker does not need it, and run pulumi up at once (az role assignment " +
			"delete --ids)"
	}
	return rival, err
}

func assignedBy(properties map[string]any) string {
	stack, _ := arm.AssignedBy(text(properties, "description"))
	return stack
}

// roleOfSameName finds a custom role with the same name: role names are unique in the tenant.
func roleOfSameName(ctx context.Context, f *Finder, r Resource) (rival Rival, err error) {
	const custom = "type eq 'CustomRole'"
	const list = "/providers/Microsoft.Authorization/roleDefinitions"
	name := text(r.Inputs, "roleName")
	defined, err := f.listARM(ctx, list, azure.AuthorizationVersion, custom) // in the whole tenant
	if refusal := new(azure.Refusal); errors.As(err, &refusal) {
		defined, err = f.listARM(ctx, slashed(text(r.Inputs, "scope"))+list, azure.AuthorizationVersion, custom)
	}
	for _, d := range defined {
		if strings.EqualFold(d.Properties.RoleName, name) {
			rival.IDs = append(rival.IDs, d.ID)
		}
	}
	rival.Blocks = len(rival.IDs) > 0
	if rival.Blocks {
		rival.Why = fmt.Sprintf("it is another role, named %q too, and names of roles are unique in the tenant: give "+
			"this stack's another with role.name, or rename or delete that one", name)
	}
	return rival, err
}

// applicationsAlike finds applications of the same display name without the tag. They block nothing: the name need not
// be unique.
func applicationsAlike(ctx context.Context, f *Finder, r Resource) (rival Rival, err error) {
	name := text(r.Inputs, "displayName")
	if name == "" {
		return rival, nil
	}
	objects, err := f.list(ctx, "/applications", "displayName eq "+quoted(name))
	for _, o := range objects {
		rival.IDs = append(rival.IDs, "/applications/"+o.ID)
	}
	if len(rival.IDs) > 0 {
		rival.Why = "of the same display name, without this stack's tag: it is left alone, and another is made"
	}
	return rival, err
}

// credentialOfSameSubject finds a federated credential of the application for the same issuer and subject: Entra
// refuses a second one.
func credentialOfSameSubject(ctx context.Context, f *Finder, r Resource) (rival Rival, err error) {
	app := text(r.Inputs, "applicationId")
	credentials, err := f.list(ctx, app+"/federatedIdentityCredentials", "")
	at := slices.IndexFunc(credentials, func(o graphObject) bool {
		return o.Issuer == text(r.Inputs, "issuer") && o.Subject == text(r.Inputs, "subject")
	})
	if at >= 0 {
		rival = Rival{
			IDs: []string{strings.TrimPrefix(app, "/applications/") + federatedPart + credentials[at].ID},
			Why: fmt.Sprintf("it is for the same issuer and subject, under the name %q, and Entra refuses a second one: "+
				"delete it", credentials[at].Name),
			Blocks: true,
		}
	}
	return rival, err
}

// identityCredentialOfSameSubject finds a federated credential of the managed identity for the same issuer and subject:
// Azure refuses a second one, and can't rename the first.
func identityCredentialOfSameSubject(ctx context.Context, f *Finder, r Resource) (rival Rival, err error) {
	identity, err := armIDOf(identityID, r)
	if err != nil {
		return rival, err
	}
	credentials, err := f.listARM(ctx, identity+"/federatedIdentityCredentials", azure.IdentityVersion, "")
	for _, c := range credentials {
		if c.Properties.Issuer == text(r.Inputs, "issuer") && c.Properties.Subject == text(r.Inputs, "subject") {
			return Rival{IDs: []string{c.ID}, Blocks: true, Why: fmt.Sprintf("it is for the same issuer and subject, under the "+
				"name %q, and Azure refuses a second one: delete it", c.Name)}, err
		}
	}
	return rival, err
}

// computeOfOtherKind finds another kind of compute with the cluster's name, such as a compute instance: names of
// computes are unique in a workspace.
func computeOfOtherKind(ctx context.Context, f *Finder, r Resource) (rival Rival, err error) {
	id, err := armIDOf(computeID, r)
	if err != nil {
		return rival, err
	}
	var answer map[string]any
	there, err := f.client.Get(ctx, azure.ResourceManager, azure.Version(id, azure.WorkspaceVersion, ""), &answer)
	if err != nil || !there {
		return rival, err
	}
	return Rival{IDs: []string{id}, Blocks: true, Why: fmt.Sprintf("it is a compute of another kind (%s): give the "+
		"cluster another name with clusters.<name>.computeName", computeType(answer))}, nil
}

func noCluster(answer map[string]any) bool {
	return !strings.EqualFold(computeType(answer), "AmlCompute")
}

func computeType(answer map[string]any) string {
	properties, _ := answer["properties"].(map[string]any)
	return text(properties, "computeType")
}

// slashed returns a scope as part of a path: with a slash before it and none after it. The tenant's is empty.
func slashed(scope string) string {
	return strings.TrimSuffix("/"+strings.Trim(scope, "/"), "/")
}

func lastSegment(id string) string { return id[strings.LastIndex(id, "/")+1:] }
