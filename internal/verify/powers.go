package verify

import (
	"context"
	"errors"
	"net/url"
	"slices"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"

	"github.com/batchaccess/batchaccess/internal/azure"
	"github.com/batchaccess/batchaccess/internal/ways"
)

const (
	readRoles = "the application permission RoleManagement.Read.Directory of Microsoft Graph, or for a user the role " +
		"Global Reader"
	readEligibleMembers = "the application permission PrivilegedEligibilitySchedule.Read.AzureADGroup of Microsoft " +
		"Graph, or for a user the role Global Reader"

	entra = "/roleManagement/directory/"
	// Microsoft Graph has this client ID in every tenant.
	graphsPrincipal = "/servicePrincipals(appId='00000003-0000-0000-c000-000000000000')"
)

// noLicence is Graph's code where the tenant lacks the licence for Privileged Identity Management
// (learn.microsoft.com/entra/id-governance/licensing-fundamentals): then nobody is eligible for anything.
const noLicence = "AadPremiumLicenseRequired"

// powers asks who becomes somebody else by roles of Entra and by permissions of Microsoft Graph: who holds them, and
// who may activate one (PIM). It decides by what Graph says that each role and permission allows.
func (o *Observer) powers(ctx context.Context, f *Facts) {
	for _, ask := range []struct {
		what, needs string
		of          func(context.Context, *Facts) error
	}{
		{"asking who holds roles of Entra", readGroups, o.entraRoles},
		{"asking who may activate roles of Entra (PIM)", readRoles, o.eligibleRoles},
		{"asking who has permissions of Microsoft Graph", readGroups, o.graphPermissions},
	} {
		err := ask.of(ctx, f)
		if err != nil {
			err = failed(ask.what, ask.needs, err)
		}
		if why := f.unsettled(err); why != "" {
			f.UnlistedPowers = append(f.UnlistedPowers, why)
		}
	}
}

// unsettled notes a question of which only the indirect ways depend: no path fails by it. It returns "" for an answered
// one.
func (f *Facts) unsettled(err error) string {
	if err == nil {
		return ""
	}
	note := "indirect ways are undecided where they depend on this: " + err.Error()
	if !slices.Contains(f.Notes, note) {
		f.Notes = append(f.Notes, note)
	}
	return "an answer of Azure: " + err.Error()
}

// A roleOfEntra is Graph's answer about a role, and a roleGiven about who has it.
type roleOfEntra struct {
	ID          string `json:"id"`
	Name        string `json:"displayName"`
	Permissions []struct {
		Actions   []string `json:"allowedResourceActions"`
		Condition string   `json:"condition"`
	} `json:"rolePermissions"`
}

type roleGiven struct {
	Principal string `json:"principalId"`
	Role      string `json:"roleDefinitionId"`
	Scope     string `json:"directoryScopeId"`
}

// ofOwners is the condition of permissions that hold for what one owns (learn.microsoft.com/graph/api/resources/
// unifiedrolepermission): owners are asked for by themselves.
const ofOwners = "$SubjectIsOwner"

// reach is what a role changes, by name.
func (r roleOfEntra) reach() (of ways.Reach) {
	var actions []string
	for _, p := range r.Permissions {
		if p.Condition != ofOwners {
			actions = append(actions, p.Actions...)
		}
	}
	return ways.RoleReach(actions)
}

// entraRoles lists who holds the roles that lead to other principals. Graph lists them by role alone.
func (o *Observer) entraRoles(ctx context.Context, f *Facts) error {
	all, err := listGraph[roleOfEntra](ctx, o, entra+"roleDefinitions?$select=id,displayName,rolePermissions")
	if err != nil {
		return err
	}
	for _, role := range all {
		f.roles[strings.ToLower(role.ID)] = role
		if role.reach() == (ways.Reach{}) {
			continue
		}
		given, err := listGraph[roleGiven](ctx, o, entra+"roleAssignments?$filter="+
			url.PathEscape("roleDefinitionId eq '"+role.ID+"'"))
		if err != nil {
			return err
		}
		for _, one := range given {
			f.power(one, role, "")
		}
	}
	return nil
}

// eligibleRoles lists who may activate such a role.
func (o *Observer) eligibleRoles(ctx context.Context, f *Facts) error {
	given, err := listGraph[roleGiven](ctx, o, entra+"roleEligibilityScheduleInstances")
	if unlicensed(err) {
		return nil
	}
	for _, one := range given {
		if role := f.roles[strings.ToLower(one.Role)]; role.reach() != (ways.Reach{}) {
			f.power(one, role, "its holder has to activate it (PIM), and who has to approve that is not known here")
		}
	}
	return err
}

func unlicensed(err error) bool {
	var refusal *azure.Refusal
	var answer *azcore.ResponseError
	return errors.As(err, &refusal) && refusal.Answer.ErrorCode == noLicence ||
		errors.As(err, &answer) && answer.ErrorCode == noLicence
}

// power records who holds a role.
func (f *Facts) power(given roleGiven, role roleOfEntra, doubt string) {
	if given.Scope != "" && given.Scope != "/" && doubt == "" {
		doubt = "what lies in " + given.Scope + ", to which it is limited, is not known here"
	}
	f.Powers = append(f.Powers, ways.Power{Principal: given.Principal, Name: role.Name, Reach: role.reach(), Doubt: doubt})
}

// graphPermissions lists who has application permissions of Microsoft Graph that lead to other principals.
func (o *Observer) graphPermissions(ctx context.Context, f *Facts) error {
	var answer struct {
		Roles []struct {
			ID    string `json:"id"`
			Value string `json:"value"`
		} `json:"appRoles"`
	}
	there, err := o.client.Get(ctx, azure.Graph, graphsPrincipal+"?$select=id,appRoles", &answer)
	if err == nil && !there {
		err = errors.New("the tenant has no service principal of Microsoft Graph")
	}
	if err != nil {
		return err
	}
	named := map[string]string{}
	for _, role := range answer.Roles {
		named[strings.ToLower(role.ID)] = role.Value
	}
	given, err := listGraph[struct {
		Principal string `json:"principalId"`
		Role      string `json:"appRoleId"`
	}](ctx, o, graphsPrincipal+"/appRoleAssignedTo")
	for _, one := range given {
		name := named[strings.ToLower(one.Role)]
		if reach := ways.PermissionReach(name); reach != (ways.Reach{}) {
			f.Powers = append(f.Powers, ways.Power{Principal: one.Principal, Name: name, Reach: reach})
		}
	}
	return err
}

// listGraph reads a collection of Graph that has to exist.
func listGraph[T any](ctx context.Context, o *Observer, path string) ([]T, error) {
	all, there, err := azure.List[T](ctx, o.client, azure.Graph, path)
	if err == nil && !there {
		err = errors.New("nothing there (HTTP 404 from Microsoft Graph)")
	}
	return all, err
}

// eligibleMembers asks who may activate membership in the groups that are known, or that they own one (PIM for groups),
// and whether a group may hold roles of Entra.
func (o *Observer) eligibleMembers(ctx context.Context, f *Facts, groups []string) {
	for _, id := range groups {
		var answer struct {
			Roles *bool `json:"isAssignableToRole"`
		}
		_, err := o.client.Get(ctx, azure.Graph, "/groups/"+url.PathEscape(id)+"?$select=id,isAssignableToRole", &answer)
		if err != nil {
			err = failed("asking whether roles of Entra may be assigned to groups", readGroups, err)
		}
		p := Privileged{Assignable: answer.Roles != nil && *answer.Roles, Unknown: f.unsettled(err)}
		all, err := listGraph[struct {
			Principal string `json:"principalId"`
			As        string `json:"accessId"`
		}](ctx, o, "/identityGovernance/privilegedAccess/group/eligibilityScheduleInstances?$filter="+
			url.PathEscape("groupId eq '"+id+"'"))
		if unlicensed(err) {
			err = nil
		}
		if err != nil {
			err = failed("asking who may activate membership in a group (PIM)", readEligibleMembers, err)
		}
		p.Unlisted = f.unsettled(err)
		for _, one := range all {
			p.Eligible = append(p.Eligible, EligibleMember{one.Principal, strings.EqualFold(one.As, "owner")})
		}
		f.Privileged[strings.ToLower(id)] = p
	}
}

// Privileged is what Graph says of a group's privileges.
type Privileged struct {
	// Assignable is set if roles of Entra may be assigned to it; Unknown says why that is not known.
	Assignable bool
	Unknown    string
	// Eligible are those who may activate membership; Unlisted says why they are not known.
	Eligible []EligibleMember
	Unlisted string
}

// An EligibleMember may activate its membership in a group, or that it owns it.
type EligibleMember struct {
	ID    string
	Owner bool
}
