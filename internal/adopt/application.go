package adopt

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

// findApplication looks for the tags, which say which stack made an application. Display names are not unique, and the
// azuread provider gives a new application another name for a moment. But anyone who may register applications can
// write the same tags, and a stack of the same name may be deployed to the same tenant from elsewhere: so owners and
// credentials count too.
func findApplication(ctx context.Context, f *Finder, r Resource) (found []Found, err error) {
	var conditions []string
	tags, _ := r.Inputs["tags"].([]any)
	for _, tag := range tags {
		conditions = append(conditions, "tags/any(t:t eq "+quoted(fmt.Sprint(tag))+")")
	}
	if len(conditions) == 0 {
		return nil, errors.New("an application without tags looks the same as others of its name")
	}
	objects, err := f.list(ctx, "/applications", strings.Join(conditions, " and "))
	if err != nil {
		return nil, err
	}
	for _, o := range objects {
		others, owned, owner, err := f.othersHold(ctx, o)
		if err != nil {
			return nil, err
		}
		found = append(found, Found{ID: "/applications/" + o.ID, Others: others, Owned: owned, Owner: owner})
	}
	return found, nil
}

// othersHold says why an application that the state does not know may belong to somebody else; "" if it looks like the
// remains of an interrupted creation: credentials and the service principal are made only after the state has the
// application, and until then only its maker owns it. If the state took over an application that somebody else has a
// key to, that person would have the stack's access.
func (f *Finder) othersHold(ctx context.Context, o graphObject) (others string, owned bool, owner string, err error) {
	owner, other, err := f.ownerOf(ctx, "/applications/"+o.ID)
	if err != nil || other {
		return o.ID + " is owned by " + owner, true, owner, err
	}
	if len(o.PasswordCredentials)+len(o.KeyCredentials) > 0 {
		return o.ID + " has credentials", false, owner, nil
	}
	federated, err := f.list(ctx, "/applications/"+o.ID+"/federatedIdentityCredentials", "")
	if err != nil || len(federated) > 0 {
		return o.ID + " has federated credentials", false, owner, err
	}
	principals, err := f.list(ctx, "/servicePrincipals", "appId eq "+quoted(o.AppID))
	if err != nil || len(principals) > 0 {
		return o.ID + " has a service principal", false, owner, err
	}
	return "", false, owner, nil
}

// ownerOf returns the owner of the object at the path, as text for people; other is set if that is not the account that
// is signed in.
func (f *Finder) ownerOf(ctx context.Context, path string) (owner string, other bool, err error) {
	owners, err := f.list(ctx, path+"/owners", "")
	if err != nil || len(owners) == 0 {
		return "marked as this stack's, with no owner", false, err
	}
	caller, err := f.client.Me(ctx)
	if err != nil {
		return "", false, fmt.Errorf("finding out who this is signed in as: %w", err)
	}
	for _, owner := range owners {
		if !strings.EqualFold(owner.ID, caller) {
			return owner.ID, true, nil
		}
	}
	return "whoever this is signed in as", false, nil
}
