package components

import (
	"fmt"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/sdks/azuread"
)

// makeGroups makes the groups that have members, after their members. Each membership is a resource, so that a preview
// names who joins and who leaves. The description says which stack made the group, like the tag of an application.
func (b *builder) makeGroups(ctx *pulumi.Context) error {
	for _, name := range sortedKeys(b.args.Invokers) {
		i, child := b.args.Invokers[name], b.name+"."+name
		if len(i.Members) == 0 {
			continue
		}
		hook, err := b.refuseRenamed(ctx, access.InvokerPrincipal(name))
		if err != nil {
			return err
		}
		group, err := azuread.NewGroup(ctx, child, &azuread.GroupArgs{
			DisplayName:     pulumi.String(b.args.displayName(ctx, b.name, name)),
			Description:     pulumi.String(madeBy(ctx.Project(), ctx.Stack(), child)),
			SecurityEnabled: pulumi.Bool(true),
		}, b.azuread(azuread.Group{}, azuread.GroupArgs{}, append(append(protectIf(b.args.Protect), hook),
			formerly(was(b.name, i.Was)...)...)...)...)
		if err != nil {
			return fmt.Errorf("making group %q: %w", child, err)
		}
		b.made.Groups[name] = group
		b.principals[access.InvokerPrincipal(name)] = group.ObjectId
		programOf(ctx).makes(group.ObjectId)
		b.made.GroupMembers[name] = map[string]*azuread.GroupMember{}
		for _, member := range b.plan.Model.Invokers[name].Members { // without those whose membership has ended
			made, err := azuread.NewGroupMember(ctx, child+"."+member, &azuread.GroupMemberArgs{
				GroupObjectId: group.ObjectId, MemberObjectId: b.principals[access.InvokerPrincipal(member)],
			}, b.azuread(azuread.GroupMember{}, azuread.GroupMemberArgs{}, formerly(b.membersWere(name, member)...)...)...)
			if err != nil {
				return fmt.Errorf("making %q a member of group %q: %w", member, child, err)
			}
			b.made.GroupMembers[name][member] = made
		}
	}
	return nil
}

// membersWere returns the names that a membership may have had: with an earlier name of the group, of the member, or of
// both.
func (b *builder) membersWere(group, member string) (names []string) {
	groups, members := []string{group}, []string{member}
	if old := b.args.Invokers[group].Was; old != "" {
		groups = append(groups, old)
	}
	if old := b.args.Invokers[member].Was; old != "" {
		members = append(members, old)
	}
	for _, g := range groups {
		for _, m := range members {
			if g != group || m != member {
				names = append(names, b.name+"."+g+"."+m)
			}
		}
	}
	return names
}
