package components

import (
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"github.com/pulumi/pulumi-azure-native-sdk/authorization/v2"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/internal/arm"
	"github.com/batchaccess/batchaccess/internal/construct"
)

// AssigneeArgs is a principal to assign a role to.
type AssigneeArgs struct {
	// PrincipalID is the object ID of the principal, a GUID. Required.
	PrincipalID pulumi.StringInput `pulumi:"principalId"`
	// PrincipalType is User, Group or ServicePrincipal; managed identities are service principals. Required: if it is
	// given, Resource Manager does not refuse a principal that Entra has not replicated yet.
	PrincipalType string `pulumi:"principalType"`
	// Paths in the container that a condition limits the role to: folders, which end in a slash, and files. Only for a
	// StorageReader or StorageContributor with a container. Default: none, the role holds for its whole scope.
	Paths []string `pulumi:"paths,optional"`
	// Was is the principal's earlier name in the map, so that a rename replaces nothing.
	Was string `pulumi:"was,optional"`
	// Description of the assignment, at most 512 characters. Default: one that names the component.
	Description string `pulumi:"description,optional"`

	// alsoWas are earlier names that are given instead of Was. Nothing checks that the principal had the role under one of
	// them: a principal that was renamed may be assigned it for the first time.
	alsoWas []string
}

// before returns the names, below a prefix, that an assignment to it may have had.
func (to AssigneeArgs) before(prefix string) (names []string) {
	for _, name := range append([]string{to.Was}, to.alsoWas...) {
		names = append(names, was(prefix, name)...)
	}
	return names
}

// marked adds the earlier names of principals to a component's inputs. The component is then updated where such a name
// is written, and the check of that name knows that the stack has a state.
func marked(inputs pulumi.Map, maps ...map[string]AssigneeArgs) pulumi.Map {
	was := map[string]string{}
	for _, principals := range maps {
		for name, to := range principals {
			if to.Was != "" {
				was[name] = to.Was
			}
		}
	}
	if len(was) > 0 {
		inputs["was"] = input(reflect.ValueOf(was))
	}
	return inputs
}

// servicePrincipal is also Resource Manager's type for managed identities.
const servicePrincipal = "ServicePrincipal"

// Assignee returns the service principal as an argument to assign a role to.
func (sp *ServicePrincipal) Assignee() AssigneeArgs {
	return AssigneeArgs{PrincipalID: sp.ObjectID, PrincipalType: servicePrincipal}
}

// Assignee returns the managed identity as an argument to assign a role to.
func (identity *ManagedIdentity) Assignee() AssigneeArgs {
	return AssigneeArgs{PrincipalID: identity.PrincipalID, PrincipalType: servicePrincipal}
}

// Assignee returns the cluster's identity, which mounts the data of its jobs, as an argument to assign a role to.
func (cluster *ComputeCluster) Assignee() AssigneeArgs {
	return AssigneeArgs{PrincipalID: cluster.PrincipalID, PrincipalType: servicePrincipal}
}

var principalTypes = []string{"User", "Group", "ServicePrincipal"}

// maxAssignmentDescription is the number of characters that the portal shows.
const maxAssignmentDescription = 512

func lastSegment(id string) string { return id[strings.LastIndex(id, "/")+1:] }

var subscriptionForm = regexp.MustCompile(`(?i)^/subscriptions/[^/]+`)

// roleDefinitionID is the ID of a role definition as Azure answers it for an assignment at the scope. In the other
// form, without the subscription, every refresh would show a change.
func roleDefinitionID(scope, role string) string {
	return subscriptionForm.FindString(scope) + "/providers/Microsoft.Authorization/roleDefinitions/" + lastSegment(role)
}

// assign makes the assignment of a role to a principal at a scope, or returns the one that the program makes already,
// in another component or under another name: Azure allows no two equal assignments.
//
// Azure can't change an assignment either. azure-native replaces one when scope or principal change, but not when the
// role does, so the option is set here. The new assignment differs from the old one in one of the three, so it is made
// first, and nobody loses access meanwhile. (By default azure-native would delete the old one first. Where a role is
// deleted first, Pulumi deletes its assignments before it anyway.)
//
// The description names the component. The principal's ID is written in lower case, as Azure answers it: otherwise a
// change of letter case alone would replace the assignment by one with the same GUID.
func (c children) assign(
	ctx *pulumi.Context, prefix, principal string, at place, role pulumi.StringInput, to AssigneeArgs, description,
	condition string,
) (*authorization.RoleAssignment, error) {
	name, scope := prefix+"."+principal, at.StringInput
	alike := programOf(ctx).assignment(ctx, c.parent, name, at, to.PrincipalID, role)
	alike.Lock()
	defer alike.Unlock()
	request := construct.Of(ctx.Context())
	if alike.made != nil {
		if err := alike.refuse(request); err != nil {
			return nil, fmt.Errorf("assigning a role to %s: %w", name, err)
		}
	}
	if alike.made != nil && alike.condition != condition {
		return nil, fmt.Errorf("assigning a role to %s: as %s it is assigned the same role there, limited to other paths, "+
			"and Azure allows one assignment of it; give both the same paths", name, alike.called)
	}
	if alike.made != nil {
		return alike.made, nil
	}
	if to.Description != "" {
		description = to.Description
	}
	id := derive(func(v []string) (string, error) { return strings.ToLower(v[0]), nil }, to.PrincipalID)
	hook, err := c.refuseBefore(ctx, prefix, principal, to)
	if err != nil {
		return nil, fmt.Errorf("assigning a role to %s: %w", name, err)
	}
	definition := derive(func(v []string) (string, error) { return roleDefinitionID(v[0], v[1]), nil }, scope, role)
	program := programOf(ctx)
	if other := program.takes(name); other != "" {
		return nil, fmt.Errorf("assigning a role to %s: %s has what it had; %s", name, other,
			program.before.resources.inPlaceOf("", name, other, true))
	}
	before := append(formerly(to.before(prefix)...), program.heldAs(ctx, c.parent, name, alike.triple)...)
	assignment := derive(func(v []string) (string, error) {
		derived, err := assignmentName(name, v[0], v[1], v[2])
		return program.nameInAzure(derived), err
	}, scope, to.PrincipalID, role)
	options := append(before, pulumi.DeleteBeforeReplace(false),
		pulumi.ReplaceOnChanges([]string{"roleDefinitionId"}), hook)
	if program.byHand(scope, to.PrincipalID, role) { // keep the text of whoever made it
		options = append(options, pulumi.IgnoreChanges([]string{"description"}))
	}
	args := &authorization.RoleAssignmentArgs{
		Scope:              scope,
		RoleAssignmentName: pointer(assignment),
		RoleDefinitionId:   definition,
		PrincipalId:        id,
		PrincipalType:      pulumi.String(to.PrincipalType),
		Description:        pulumi.String(described(description, madeBy(ctx.Project(), ctx.Stack(), name))),
	}
	if condition != "" {
		args.Condition, args.ConditionVersion = pulumi.String(condition), pulumi.String("2.0")
	}
	made, err := authorization.NewRoleAssignment(ctx, name, args,
		c.azureNative(authorization.RoleAssignment{}, authorization.RoleAssignmentArgs{}, options...)...)
	if err != nil {
		return nil, fmt.Errorf("assigning a role to %s: %w", name, err)
	}
	alike.made, alike.condition, alike.maker = made, condition, request.URN
	return made, nil
}

// assignmentName is the arm.AssignmentGUID of three IDs that may have become known only now. An empty ID, such as a
// missing output of another stack, would name an assignment that Azure refuses or makes elsewhere.
func assignmentName(name, scope, principalID, roleDefinitionID string) (string, error) {
	for _, id := range []struct{ what, is string }{
		{"scope", scope}, {"principal's object ID", principalID}, {"role's ID", roleDefinitionID},
	} {
		if id.is == "" || id.is == arm.NoGUID {
			return "", fmt.Errorf("assigning a role to %s: the %s is empty; check that its source has it", name, id.what)
		}
	}
	return arm.AssignmentGUID(scope, principalID, roleDefinitionID), nil
}

// checkAssignees refuses what Azure would refuse, before anything is made.
func checkAssignees(path string, assignees map[string]AssigneeArgs) (ps access.Problems) {
	for _, name := range sortedKeys(assignees) {
		at, a := path+"."+name, assignees[name]
		if a.PrincipalID == nil {
			ps.Add(at+".principalId", "give the object ID of the principal", "is missing")
		} else {
			ps = append(ps, checkGUID(at+".principalId", a.PrincipalID)...)
		}
		if !slices.Contains(principalTypes, a.PrincipalType) {
			ps.Add(at+".principalType", "use "+strings.Join(principalTypes, ", "), "unknown value %q", a.PrincipalType)
		}
	}
	return ps
}
