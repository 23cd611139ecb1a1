package ways

import (
	"slices"
	"strings"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/roles"
)

func (f *finder) toGrants(id string) (all []step) {
	seen := map[string]bool{}
	for _, h := range f.holds(id) {
		if h.given && !seen[fold(h.Scope)] {
			seen[fold(h.Scope)] = true
			all = append(all, step{hops: kinded(access.GrantHop, h.first), ends: Grants + f.place(h.Scope)})
			if !strings.HasPrefix(fold(h.Scope), managementGroups) {
				continue
			}
			for _, w := range f.Workspaces {
				if covers, why := f.covers(h.Scope, w.ID); covers && why == "" {
					all = append(all, step{hops: kinded(access.GrantHop, h.first), ends: Grants + f.place(w.ID)})
				}
			}
		}
	}
	return all
}

// whatever is the end of a way to a principal whose groups and assignments are not known.
const whatever = "whatever it holds"

// Holdings begins the end of a way to what an identity may hold beyond the estate.
const Holdings = "whatever else is held by "

// Grants begins the end of a way that gives roles.
const Grants = "role assignments at "

// toIdentities leads to the user-assigned identities that a principal can attach, or give a credential.
func (f *finder) toIdentities(id string) (all []step) {
	for _, i := range f.Identities {
		at := stage{principal: fold(i.Principal)}
		if fold(i.Principal) == id {
			continue
		}
		if hops := f.escalate(id, func(roles.Escalation) string { return i.ID }, to(roles.ToIdentities)); hops != nil {
			all = append(all, step{hops: kinded(access.IdentityHop, hops), to: at})
		}
		assign := f.best(id, roles.Escalation{Action: roles.AssignIdentity}, i.ID)
		if assign == nil {
			continue
		}
		if hops := f.carries(id); hops != nil {
			all = append(all, step{hops: kinded(access.IdentityHop, append(slices.Clip(assign), hops...)), to: at})
		}
	}
	return all
}

// toApplications leads to the service principals of applications that a principal owns, or whose federated subject it
// is (facts/grants-access.md, Entra; facts/federation.md, Rules).
func (f *finder) toApplications(id string) (all []step) {
	for _, a := range f.Applications {
		at := stage{principal: fold(a.Principal)}
		for _, owner := range a.Owners {
			hop := access.Hop{Kind: access.IdentityHop, Identity: f.name(id), Needs: "to own the application " + a.Name,
				GivenBy: "adding a credential to the application " + a.Name}
			switch h := f.holderOf(id, owner); {
			case h == nil || fold(a.Principal) == id:
				continue
			case fold(owner) != id:
				hop.Undecided, hop.Missing = true, "no document says whether the members of a group act as its owners' do"
				all = append(all, step{hops: append(slices.Clip(h.first), hop), to: at})
			default:
				all = append(all, step{hops: []access.Hop{hop}, to: at})
			}
		}
		for _, c := range a.Federated {
			issuer := "https://login.microsoftonline.com/" + f.Tenant + "/v2.0"
			if fold(c.Subject) != id || fold(a.Principal) == id {
				continue
			}
			hop := access.Hop{Kind: access.IdentityHop, Identity: f.name(id), Needs: "a token of " + c.Issuer,
				GivenBy: "the federated credential of the application " + a.Name}
			switch {
			case f.Tenant == "":
				hop.Undecided, hop.Missing = true, "the tenant is not known here"
			case !strings.EqualFold(c.Issuer, issuer):
				continue
			}
			all = append(all, step{hops: []access.Hop{hop}, to: at})
		}
	}
	return all
}

func (f *finder) holderOf(id, of string) *holder {
	for _, h := range f.holders(id) {
		if h.id == fold(of) {
			return &h
		}
	}
	return nil
}
