package verify

import (
	"cmp"
	"context"
	"net/url"
	"strings"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/internal/azure"
)

// An Owner may become an invoker: the owner of a group can add members, and the owner of a service principal or of its
// application can add credentials (facts/grants-access.md, Entra).
type Owner struct {
	Of   string `json:"of"`   // the invoker
	What string `json:"what"` // group, service principal or application
	ID   string `json:"id"`   // the owner's object ID
	Name string `json:"name"`
	// Invoker is the owner's name in the model; "" for anybody else.
	Invoker string `json:"invoker,omitempty"`
}

// String says who it is, and what the owner can do.
func (o Owner) String() string {
	who := cmp.Or(o.Name, "no name") + " (" + o.ID + ")"
	if o.Invoker != "" {
		who = "invoker " + o.Invoker
	}
	does := "can add credentials"
	if o.What == ownedGroup {
		does = "can add members"
	}
	return who + " owns the " + o.What + " of " + o.Of + ", and so " + does
}

const ownedGroup = "group"

// owners asks who owns an invoker. Owning a user or a managed identity lets nobody sign in as it.
func (o *Observer) owners(ctx context.Context, s Subject, f *Facts) {
	ask := func(what, path string) {
		all, _, err := azure.List[object](ctx, o.client, azure.Graph, path+"/owners")
		if err != nil {
			err = failed("asking who owns the "+what+" of "+s.Principal.String(), readGroups, err)
		}
		if why := f.unanswered(err); why != "" {
			f.UnlistedOwners[s.Principal.Name] = why
		}
		for _, owner := range all {
			f.Owners = append(f.Owners, Owner{Of: s.Principal.Name, What: what, ID: owner.ID, Name: owner.Name})
		}
	}
	own := collections[s.Kind] + url.PathEscape(s.ID)
	switch {
	case s.Principal.IsCluster():
	case s.Kind == access.Group:
		ask(ownedGroup, own)
	case s.Kind == access.ServicePrincipal:
		ask("service principal", own)
		applications, err := o.applications(ctx, own)
		if err != nil {
			err = failed("asking for the application of "+s.Principal.String(), readGroups, err)
		}
		why := f.unanswered(err)
		if why != "" {
			f.UnlistedOwners[s.Principal.Name] = why
		}
		if why == "" && len(applications) == 0 {
			f.Notes = append(f.Notes, "the tenant has no application of "+s.Principal.String()+": who owns it, may add "+
				"credentials to it, or knows those that it has, is not known")
		}
		for _, application := range applications {
			ask("application", "/applications/"+url.PathEscape(application.ID))
		}
	}
}

// applications returns the application of a service principal; none if it is in another tenant.
func (o *Observer) applications(ctx context.Context, principal string) ([]object, error) {
	var answer struct {
		AppID string `json:"appId"`
	}
	if there, err := o.client.Get(ctx, azure.Graph, principal+"?$select=id,appId", &answer); err != nil || !there ||
		answer.AppID == "" {
		return nil, err
	}
	all, _, err := azure.List[object](ctx, o.client, azure.Graph, "/applications?$select=id,displayName&$filter="+
		url.PathEscape("appId eq '"+strings.ReplaceAll(answer.AppID, "'", "''")+"'"))
	return all, err
}

// owners returns the owners in the facts, with their names in the model.
func (h *holdings) owners(subjects []Subject) (all []Owner) {
	for _, o := range h.facts.Owners {
		for _, s := range subjects {
			if !s.Principal.IsCluster() && strings.EqualFold(s.ID, o.ID) {
				o.Invoker = s.Principal.Name
			}
		}
		all = append(all, o)
	}
	return all
}
