package components

import (
	"fmt"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/sdks/azuread"
)

// makeGroups makes the groups that have members, once these are there. Each membership is a resource of its own, so
// that a preview names who joins and who leaves. The description says whose the group is, as the tag of an application
// does.
func (b *builder) makeGroups(ctx *pulumi.Context) error {
	for _, name := range sortedKeys(b.args.Invokers) {
		i, child := b.args.Invokers[name], b.name+"."+name
		if len(i.Members) == 0 {
			continue
		}
		group, err := azuread.NewGroup(ctx, child, &azuread.GroupArgs{
			DisplayName:     pulumi.String(b.args.displayName(ctx, b.name, name)),
			Description:     pulumi.String(madeBy(ctx.Project(), ctx.Stack(), child)),
			SecurityEnabled: pulumi.Bool(true),
		}, b.azuread(azuread.Group{}, azuread.GroupArgs{}, protectIf(b.args.Protect)...)...)
		if err != nil {
			return fmt.Errorf("making group %q: %w", child, err)
		}
		b.made.Groups[name] = group
		b.principals[access.InvokerPrincipal(name)] = group.ObjectId
		b.made.GroupMembers[name] = map[string]*azuread.GroupMember{}
		for _, member := range i.Members {
			made, err := azuread.NewGroupMember(ctx, child+"."+member, &azuread.GroupMemberArgs{
				GroupObjectId: group.ObjectId, MemberObjectId: b.principals[access.InvokerPrincipal(member)],
			}, b.azuread(azuread.GroupMember{}, azuread.GroupMemberArgs{})...)
			if err != nil {
				return fmt.Errorf("making %q a member of group %q: %w", member, child, err)
			}
			b.made.GroupMembers[name][member] = made
		}
	}
	return nil
}
