package verify

import (
	"cmp"
	"context"
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/internal/azure"
	"github.com/batchaccess/batchaccess/internal/ways"
)

// An Other is somebody who holds a role, or an access policy, where it bears on the stack, and is none of its
// principals.
type Other struct {
	Name string
	// Kind is User, Group, ServicePrincipal, or another word of Azure's. Managed is set for a managed identity.
	Kind    string
	Managed bool
	// Members are those of a group, however deep. Owners are of a group, a service principal or its application. Unlisted
	// says why not all of them are known.
	Members, Owners []Member
	Unlisted        string
	federated       []federated // credentials of a service principal
}

const servicePrincipal = "ServicePrincipal"

// others asks about the principals that hold what was listed: who they are, who is in the groups among them, and who
// owns those.
func (o *Observer) others(ctx context.Context, subjects []Subject, f *Facts) {
	kinds := map[string]string{}
	for _, a := range slices.Concat(f.Assignments, f.Eligible) {
		kinds[strings.ToLower(a.PrincipalID)] = a.Kind
	}
	for _, p := range f.Powers {
		kinds[strings.ToLower(p.Principal)] = cmp.Or(kinds[strings.ToLower(p.Principal)], "")
	}
	for _, id := range f.Vault.Readers {
		kinds[strings.ToLower(id)] = cmp.Or(kinds[strings.ToLower(id)], "")
	}
	for _, s := range subjects {
		delete(kinds, strings.ToLower(s.ID))
	}
	if len(kinds) == 0 {
		return
	}
	objects, err := o.client.Objects(ctx, slices.Sorted(maps.Keys(kinds)))
	if err != nil {
		err = failed("asking who holds roles where it bears on the stack", readGroups, err)
	}
	why := f.unanswered(err)
	for id, kind := range kinds {
		f.Others[id] = Other{Kind: cmp.Or(kind, "somebody"), Unlisted: why}
	}
	for _, object := range objects {
		kind := strings.TrimPrefix(object.Type, "#microsoft.graph.")
		f.Others[strings.ToLower(object.ID)] = Other{Name: object.DisplayName,
			Kind:    strings.ToUpper(kind[:min(1, len(kind))]) + kind[min(1, len(kind)):],
			Managed: object.ServicePrincipalType == "ManagedIdentity"}
	}
	for _, id := range slices.Sorted(maps.Keys(f.Others)) {
		other := f.Others[id]
		switch {
		case why != "":
		case other.Kind == "Group":
			at := "/groups/" + url.PathEscape(id)
			other.Members = o.listed(ctx, &other, at+"/transitiveMembers", "who is in the group", f)
			other.Owners = o.listed(ctx, &other, at+"/owners", "who owns the group", f)
		case other.Kind == servicePrincipal && !other.Managed:
			o.signsIn(ctx, &other, "/servicePrincipals/"+url.PathEscape(id), f)
		}
		f.Others[id] = other
	}
}

// listed returns the people and applications in a collection about a principal, such as its owners.
func (o *Observer) listed(ctx context.Context, about *Other, path, what string, f *Facts) (all []Member) {
	found, _, err := azure.List[object](ctx, o.client, azure.Graph, path)
	about.Unlisted = cmp.Or(about.Unlisted, f.unanswered(about.failed(what, err)))
	for _, one := range found {
		if one.Type != "#microsoft.graph.group" { // transitive members have those in it too
			all = append(all, Member{one.ID, one.Name})
		}
	}
	return all
}

func (about *Other) failed(what string, err error) error {
	if err == nil {
		return nil
	}
	return failed("asking "+what+" "+about.Name, readGroups, err)
}

// signsIn asks who may sign in as a service principal: who owns it or its application, and whom a federated credential
// lets in.
func (o *Observer) signsIn(ctx context.Context, about *Other, path string, f *Facts) {
	about.Owners = o.listed(ctx, about, path+"/owners", "who owns the service principal", f)
	applications, err := o.applications(ctx, path)
	about.Unlisted = cmp.Or(about.Unlisted, f.unanswered(about.failed("for the application of", err)))
	if len(applications) == 0 {
		about.Unlisted = cmp.Or(about.Unlisted, "the tenant has no application of it")
	}
	for _, application := range applications {
		at := "/applications/" + url.PathEscape(application.ID)
		about.Owners = append(about.Owners, o.listed(ctx, about, at+"/owners", "who owns the application of", f)...)
		has, _, err := azure.List[federated](ctx, o.client, azure.Graph, at+"/federatedIdentityCredentials")
		about.Unlisted = cmp.Or(about.Unlisted, f.unanswered(about.failed("for the federated credentials of", err)))
		about.federated = append(about.federated, has...)
	}
}

// others adds the principals other than the stack's. Members of a group who have nothing else are added as one:
// everybody in the group.
func (h *holdings) others(e *ways.Estate, subjects []Subject) {
	ids := slices.Sorted(maps.Keys(h.facts.Others))
	named, in := map[string]string{}, map[string]int{}
	for _, p := range e.Principals {
		named[strings.ToLower(p.ID)] = p.ID
	}
	for _, id := range ids {
		other := h.facts.Others[id]
		if other.Kind != "Group" {
			stranger(e, id, cmp.Or(other.Name, other.Kind))
			if p := &e.Principals[len(e.Principals)-1]; strings.EqualFold(p.ID, id) &&
				(other.Kind == "User" || other.Kind == servicePrincipal) {
				p.Type = other.Kind
			}
			named[id] = id
		}
		for _, owner := range other.Owners {
			stranger(e, owner.ID, owner.Name)
			named[strings.ToLower(owner.ID)] = owner.ID
		}
		for _, member := range other.Members {
			in[strings.ToLower(member.ID)]++
		}
	}
	for _, id := range ids {
		other := h.facts.Others[id]
		if other.Kind != "Group" {
			h.signInsOf(e, id, other)
			continue
		}
		n := slices.IndexFunc(e.Groups, func(g ways.Group) bool { return strings.EqualFold(g.ID, id) })
		if n < 0 {
			n, e.Groups = len(e.Groups), append(e.Groups, ways.Group{ID: id, Name: cmp.Or(other.Name, id)})
		}
		g := &e.Groups[n]
		g.Unlisted = other.Unlisted
		for _, owner := range other.Owners {
			g.Owners = append(g.Owners, owner.ID)
		}
		everybody := "members of group " + g.Name
		if g.Name != id {
			everybody += " (" + id + ")"
		}
		rest := other.Unlisted != ""
		for _, member := range other.Members {
			key := strings.ToLower(member.ID)
			if named[key] == "" && in[key] > 1 {
				stranger(e, member.ID, member.Name)
				named[key] = member.ID
			}
			if named[key] == "" {
				rest = true
			} else if !slices.ContainsFunc(g.Members, func(of string) bool { return strings.EqualFold(of, key) }) {
				g.Members = append(g.Members, named[key])
			}
		}
		if rest {
			e.Principals = append(e.Principals, ways.Principal{ID: everybody, Names: []string{everybody},
				Unknown: other.Unlisted})
			g.Members = append(g.Members, everybody)
		}
	}
	h.unread(e, subjects)
}

// Texts for who may become a principal and could not be asked for. Azure has no list of what an identity is attached to
// (facts/grants-access.md, Machine learning and neighbours: code under an identity elsewhere).
const (
	managers   = "whoever manages groups and applications in Entra"
	activators = "whoever may activate membership in a group (PIM)"
	hostOwners = "whoever changes what else runs as a managed identity, such as a machine, a factory or a function"
	eligibles  = "whoever may activate a role in Azure (PIM)"
)

func (h *holdings) unread(e *ways.Estate, subjects []Subject) {
	manages := func(to, does string) {
		for _, why := range h.facts.UnlistedPowers {
			e.Unread = append(e.Unread, ways.Unread{Who: managers, To: to, By: does,
				Needs: "a role of Entra or a permission of Microsoft Graph", Missing: why})
		}
	}
	for i := range e.Groups {
		manages(e.Groups[i].ID, "adding themselves to the group")
		h.privileged(e, &e.Groups[i])
	}
	for _, a := range e.Applications {
		if !a.Managed {
			manages(a.Principal, "adding a credential")
		}
	}
	for _, i := range e.Identities {
		h.hosts(e, i.Principal)
	}
	for _, s := range subjects {
		if !s.Principal.IsCluster() && s.Kind == access.ManagedIdentity {
			h.hosts(e, s.ID)
		}
	}
}

// hosts records, once, that it is not known what runs as an identity.
func (h *holdings) hosts(e *ways.Estate, id string) {
	if !slices.ContainsFunc(e.Unread, func(u ways.Unread) bool {
		return u.Who == hostOwners && strings.EqualFold(u.To, id)
	}) {
		e.Unread = append(e.Unread, ways.Unread{Who: hostOwners, To: id, Needs: "to change it", By: "running code on it",
			Missing: "what the identity is attached to is not asked"})
	}
}

// signInsOf adds the ways in which others can sign in as a principal.
func (h *holdings) signInsOf(e *ways.Estate, id string, other Other) {
	switch {
	case other.Managed:
		h.hosts(e, id)
	case other.Kind == servicePrincipal:
		a := ways.Application{Name: cmp.Or(other.Name, id), Principal: id, Unlisted: other.Unlisted}
		for _, owner := range other.Owners {
			a.Owners = append(a.Owners, owner.ID)
		}
		for _, c := range other.federated {
			a.Federated = append(a.Federated, ways.Federated{Issuer: c.Issuer, Subject: c.Subject})
		}
		e.Applications = append(e.Applications, a)
	}
}

// privileged adds what Graph says of a group's privileges.
func (h *holdings) privileged(e *ways.Estate, g *ways.Group) {
	p := h.facts.Privileged[strings.ToLower(g.ID)]
	g.Roles, g.RolesUnknown = p.Assignable, p.Unknown
	activates := func(who, missing string) {
		e.Unread = append(e.Unread, ways.Unread{Who: who, To: g.ID, Needs: "to be eligible for the group",
			By: "activating membership in the group", Missing: missing})
	}
	for _, m := range p.Eligible {
		stranger(e, m.ID, "")
		activates(e.NameOf(m.ID), "they have to activate it (PIM), and who has to approve that is not known here")
	}
	if p.Unlisted != "" {
		activates(activators, p.Unlisted)
	}
}

// knownGroups are all groups that are known, by ID in lower case.
func (f *Facts) knownGroups(subjects []Subject) []string {
	all := map[string]bool{}
	for _, in := range f.Groups {
		for _, g := range in {
			all[strings.ToLower(g.ID)] = true
		}
	}
	for _, s := range subjects {
		if s.Kind == access.Group {
			all[strings.ToLower(s.ID)] = true
		}
	}
	for id, other := range f.Others {
		if other.Kind == "Group" {
			all[id] = true
		}
	}
	return slices.Sorted(maps.Keys(all))
}
