package ways

import (
	"strings"

	"github.com/batchaccess/batchaccess/access"
)

// A Power is a role of Entra that a principal or a group holds in the whole directory, or a permission of Microsoft
// Graph that a service principal has.
type Power struct {
	Principal, Name string
	// Doubt says why it may not reach everything; "" if it holds in the whole directory.
	Doubt string
}

// A reach is what a power can change.
type reach struct{ applications, groups, roles bool }

// powers are the powers that lead to other principals, by name (facts/federation.md, Rules: who may write;
// facts/grants-access.md, Entra; learn.microsoft.com/entra/identity/role-based-access-control/permissions-reference and
// learn.microsoft.com/graph/permissions-reference). Whoever can give roles or permissions can give themselves all
// others.
var powers = map[string]reach{
	"Application Administrator":          {applications: true},
	"Cloud Application Administrator":    {applications: true},
	"Hybrid Identity Administrator":      {applications: true},
	"Groups Administrator":               {groups: true},
	"User Administrator":                 {groups: true},
	"Global Administrator":               {true, true, true},
	"Privileged Role Administrator":      {true, true, true},
	"Application.ReadWrite.All":          {applications: true},
	"Group.ReadWrite.All":                {groups: true},
	"GroupMember.ReadWrite.All":          {groups: true},
	"AppRoleAssignment.ReadWrite.All":    {true, true, true},
	"RoleManagement.ReadWrite.Directory": {true, true, true},
}

// PowerByID returns a power by the ID of the role's template, or of the permission (the same pages of Microsoft Learn);
// "" for one that leads nowhere.
func PowerByID(id string) string {
	return map[string]string{
		"9b895d92-2cd3-44c7-9d02-a6ac2d5ea5c3": "Application Administrator",
		"158c047a-c907-4556-b7ef-446551a6b5f7": "Cloud Application Administrator",
		"8ac3fc64-6eca-42ea-9e69-59f4c7b60eb2": "Hybrid Identity Administrator",
		"fdd7a751-b60b-444a-984c-02652fe8fa1c": "Groups Administrator",
		"fe930be7-5e62-47db-91af-98c3a49a38b1": "User Administrator",
		"62e90394-69f5-4237-9190-012177145e10": "Global Administrator",
		"e8611ab8-c189-46e8-94e1-60213ab1f814": "Privileged Role Administrator",
		"1bfefb4e-e0b5-418b-a88f-73c46d2cc8e9": "Application.ReadWrite.All",
		"62a82d76-70ea-41e2-9197-370581804d09": "Group.ReadWrite.All",
		"dbaae8cf-10b5-4b86-a4a1-f871c94c6695": "GroupMember.ReadWrite.All",
		"06b708a9-e830-4db3-a914-8e69da51d44f": "AppRoleAssignment.ReadWrite.All",
		"9e3f62cf-ca93-4989-b6ce-bf83c28f9fe8": "RoleManagement.ReadWrite.Directory",
	}[strings.ToLower(id)]
}

// byPower returns the hop that a holder takes by a power for which passes is true; false if it has none.
func (f *finder) byPower(id, does string, passes func(reach) bool) (access.Hop, bool) {
	for _, p := range f.Powers {
		if fold(p.Principal) == id && passes(powers[p.Name]) {
			return access.Hop{Kind: access.IdentityHop, Identity: f.name(id), Needs: p.Name, GivenBy: does + " (" + p.Name +
				")", Undecided: p.Doubt != "", Missing: p.Doubt}, true
		}
	}
	return access.Hop{}, false
}

// groupsByPower returns the groups to which a holder can add itself. Adding to a group that may hold roles needs the
// power to give roles.
func (f *finder) groupsByPower(h holder) (all []holder) {
	for _, g := range f.Groups {
		hop, may := f.byPower(h.id, "adding themselves to the group "+g.Name,
			func(r reach) bool { return r.roles || r.groups && !g.Roles })
		if !may || fold(g.ID) == h.id {
			continue
		}
		if g.RolesUnknown != "" && !powers[hop.Needs].roles {
			hop.Undecided, hop.Missing = true, g.RolesUnknown
		}
		all = append(all, holder{fold(g.ID), g.Name, append(append([]access.Hop{}, h.first...), hop)})
	}
	return all
}

// applicationsByPower leads to the service principals of applications to which a principal can add credentials.
func (f *finder) applicationsByPower(id string) (all []step) {
	managed := map[string]bool{}
	for _, i := range f.Identities {
		managed[fold(i.Principal)] = true
	}
	for _, a := range f.Applications {
		if a.Managed || managed[fold(a.Principal)] || fold(a.Principal) == id {
			continue
		}
		for _, h := range f.holders(id) {
			hop, may := f.byPower(h.id, "adding a credential to the application "+a.Name,
				func(r reach) bool { return r.applications })
			if may {
				hop.Identity = f.name(id)
				all = append(all, step{hops: append(append([]access.Hop{}, h.first...), hop),
					to: stage{principal: fold(a.Principal)}})
			}
		}
	}
	return all
}
