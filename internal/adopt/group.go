package adopt

import (
	"context"
	"fmt"
	"strings"

	"github.com/batchaccess/batchaccess/internal/visible"
)

// findGroup looks for the description, which says which stack made a group. As for findApplication that is not enough:
// anyone who may make groups can write the same, and an owner of the group could add anybody to it, who then has what
// the stack grants it.
func findGroup(ctx context.Context, f *Finder, r Resource) (found []Found, err error) {
	objects, err := f.list(ctx, "/groups", "description eq "+quoted(text(r.Inputs, "description")))
	for _, o := range objects {
		one := Found{ID: "/groups/" + o.ID}
		owner, other, err := f.ownerOf(ctx, one.ID)
		if err != nil {
			return nil, err
		}
		members, err := f.list(ctx, one.ID+"/members", "")
		if err != nil {
			return nil, err
		}
		one.Owner = owner
		switch {
		case other:
			one.Others, one.Owned = o.ID+" is owned by "+owner, true
		case len(members) > 0: // they are made only after the state has the group
			one.Others = fmt.Sprintf("%s has %s", o.ID, visible.Counted(len(members), "member"))
		}
		found = append(found, one)
	}
	return found, err
}

// groupsAlike finds groups of the same display name without the description. They block nothing: the name need not be
// unique.
func groupsAlike(ctx context.Context, f *Finder, r Resource) (rival Rival, err error) {
	objects, err := f.list(ctx, "/groups", "displayName eq "+quoted(text(r.Inputs, "displayName")))
	for _, o := range objects {
		rival.IDs = append(rival.IDs, "/groups/"+o.ID)
	}
	if len(rival.IDs) > 0 {
		rival.Why = "it has the display name, and not the description that says that it is the stack's; the stack makes " +
			"another, and names of groups need not be unique"
	}
	return rival, err
}

func findMember(ctx context.Context, f *Finder, r Resource) (found []Found, err error) {
	group, member := text(r.Inputs, "groupObjectId"), text(r.Inputs, "memberObjectId")
	objects, err := f.list(ctx, "/groups/"+group+"/members", "")
	for _, o := range objects {
		if strings.EqualFold(o.ID, member) {
			found = append(found, Found{ID: group + "/member/" + o.ID})
		}
	}
	return found, err
}
