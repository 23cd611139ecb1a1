package ways

import (
	"cmp"
	"slices"
	"strings"
	"sync"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/roles"
)

// A Power is a role of Entra that a principal or a group holds in the whole directory, or a permission of Microsoft
// Graph that a service principal has.
type Power struct {
	Principal, Name string
	// Reach is what it changes. If it is empty, the name says it.
	Reach Reach
	// Doubt says why it may not reach everything; "" if it holds in the whole directory.
	Doubt string
}

// A Reach is what a power changes: who signs in as applications; who is in groups, without those that may hold roles of
// Entra; who is in those; the passwords of people; and the own access to all of Azure (facts/grants-access.md, Azure
// RBAC: Global Administrator takes User Access Administrator at /).
type Reach struct{ Applications, Groups, RoleGroups, People, Elevates bool }

// everything is the reach of whoever can give roles of Entra or permissions of Microsoft Graph: they can give
// themselves all others.
var everything = Reach{true, true, true, true, true}

// powers are the powers that lead to other principals, by name (facts/federation.md, Rules: who may write;
// facts/grants-access.md, Entra; learn.microsoft.com/entra/identity/role-based-access-control/permissions-reference and
// learn.microsoft.com/graph/permissions-reference).
var powers = map[string]Reach{
	"Application Administrator":               {Applications: true},
	"Cloud Application Administrator":         {Applications: true},
	"Hybrid Identity Administrator":           {Applications: true},
	"Application Developer":                   {Applications: true},
	"Groups Administrator":                    {Groups: true},
	"Directory Writers":                       {Groups: true},
	"Intune Administrator":                    {Groups: true},
	"User Administrator":                      {Groups: true, People: true},
	"Helpdesk Administrator":                  {People: true},
	"Password Administrator":                  {People: true},
	"Authentication Administrator":            {People: true},
	"Privileged Authentication Administrator": {People: true},
	"Global Administrator":                    everything,
	"Privileged Role Administrator":           everything,

	"Application.ReadWrite.All":                            {Applications: true},
	"Group.ReadWrite.All":                                  {Groups: true},
	"GroupMember.ReadWrite.All":                            {Groups: true},
	"Directory.ReadWrite.All":                              {Groups: true},
	"User-PasswordProfile.ReadWrite.All":                   {People: true},
	"UserAuthenticationMethod.ReadWrite.All":               {People: true},
	"EntitlementManagement.ReadWrite.All":                  {Groups: true, RoleGroups: true},
	"PrivilegedAccess.ReadWrite.AzureADGroup":              {Groups: true, RoleGroups: true},
	"PrivilegedAssignmentSchedule.ReadWrite.AzureADGroup":  {Groups: true, RoleGroups: true},
	"PrivilegedEligibilitySchedule.ReadWrite.AzureADGroup": {Groups: true, RoleGroups: true},
	"AppRoleAssignment.ReadWrite.All":                      everything,
	"RoleManagement.ReadWrite.Directory":                   everything,
	"RoleAssignmentSchedule.ReadWrite.Directory":           everything,
	"RoleEligibilitySchedule.ReadWrite.Directory":          everything,
}

// unsure says of powers why it is undecided that they reach all of that.
var unsure = map[string]string{"Application Developer": "Microsoft's pages differ on whether this role adds " +
	"credentials to applications of others (facts/federation.md, Rules)"}

// PermissionReach is what a permission of Microsoft Graph changes.
func PermissionReach(name string) Reach { return powers[name] }

// RoleReach is what a role of Entra changes, by the actions that Microsoft Graph lists for it
// (learn.microsoft.com/entra/identity/role-based-access-control/custom-create, Permission namespaces;
// permissions-reference). An owner can add credentials or members.
func RoleReach(actions []string) (r Reach) {
	for _, action := range actions {
		path, ours := strings.CutPrefix(strings.ToLower(action), "microsoft.directory/")
		of, does, _ := strings.Cut(path, "/")
		all := does == "allproperties/alltasks" || does == "allproperties/update"
		owns := all || does == "owners/update"
		joins := owns || does == "members/update" || does == "dynamicmembershiprule/update"
		switch {
		case !ours:
		case all && (of == "roleassignments" || of == "roledefinitions" || of == "entitlementmanagement"),
			path == "serviceprincipals/managepermissiongrantsforall.microsoft-company-admin":
			return everything
		case of == "applications" || strings.HasPrefix(of, "applications."), of == "serviceprincipals":
			r.Applications = r.Applications || owns || does == "credentials/update"
		case of == "groupsassignabletoroles":
			r.RoleGroups = r.RoleGroups || joins
		case of == "groups" || strings.HasPrefix(of, "groups."):
			r.Groups = r.Groups || joins
		case of == "users":
			r.People = r.People || all || does == "password/update" || strings.HasPrefix(does, "authenticationmethods/")
		}
	}
	return r
}

// PowerByID returns a power by the ID of the role's template, or of the permission (the same pages of Microsoft Learn);
// "" for one that leads nowhere.
func PowerByID(id string) string {
	return map[string]string{
		"9b895d92-2cd3-44c7-9d02-a6ac2d5ea5c3": "Application Administrator",
		"158c047a-c907-4556-b7ef-446551a6b5f7": "Cloud Application Administrator",
		"8ac3fc64-6eca-42ea-9e69-59f4c7b60eb2": "Hybrid Identity Administrator",
		"cf1c38e5-3621-4004-a7cb-879624dced7c": "Application Developer",
		"fdd7a751-b60b-444a-984c-02652fe8fa1c": "Groups Administrator",
		"9360feb5-f418-4baa-8175-e2a00bac4301": "Directory Writers",
		"3a2c62db-5318-420d-8d74-23affee5d9d5": "Intune Administrator",
		"729827e3-9c14-49f7-bb1b-9608f156bbb8": "Helpdesk Administrator",
		"966707d0-3269-4727-9be2-8c3a10f19b9d": "Password Administrator",
		"c4e39bd9-1100-46d3-8c65-fb160da0071f": "Authentication Administrator",
		"7be44c8a-adaf-4e2a-84d6-ab2649e08a13": "Privileged Authentication Administrator",
		"19dbc75e-c2e2-444c-a770-ec69d8559fc7": "Directory.ReadWrite.All",
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
func (f *finder) byPower(id, does string, passes func(Reach) bool) (best access.Hop, may bool) {
	for _, n := range f.powersOf[id] {
		p := f.Powers[n]
		if p.Reach == (Reach{}) {
			p.Doubt = cmp.Or(p.Doubt, unsure[p.Name])
		}
		if passes(cmp.Or(p.Reach, powers[p.Name])) && (!may || best.Undecided && p.Doubt == "") {
			best, may = access.Hop{Kind: access.IdentityHop, Identity: f.name(id), Needs: p.Name,
				GivenBy: does + " (" + p.Name + ")", Undecided: p.Doubt != "", Missing: p.Doubt}, true
		}
	}
	return best, may
}

// groupsByPower returns the groups to which a holder can add itself. Adding to a group that may hold roles needs the
// power to give roles.
func (f *finder) groupsByPower(h holder) (all []holder) {
	if f.powersOf[h.id] == nil {
		return nil
	}
	for _, g := range f.Groups {
		does := "adding themselves to the group " + g.Name
		hop, may := f.byPower(h.id, does, func(r Reach) bool { return r.RoleGroups || r.Groups && !g.Roles })
		if !may || fold(g.ID) == h.id {
			continue
		}
		if g.RolesUnknown != "" {
			ofAll, sure := f.byPower(h.id, does, func(r Reach) bool { return r.RoleGroups })
			if sure {
				hop = ofAll
			} else {
				hop.Undecided, hop.Missing = true, cmp.Or(hop.Missing, g.RolesUnknown)
			}
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
				func(r Reach) bool { return r.Applications })
			if may {
				hop.Identity = f.name(id)
				all = append(all, step{hops: append(append([]access.Hop{}, h.first...), hop),
					to: stage{principal: fold(a.Principal)}})
			}
		}
	}
	return all
}

// toPeople leads to the people whose password a principal can reset. That is undecided: a second factor may be asked
// for, and who may reset the password of somebody with roles of Entra differs by role
// (learn.microsoft.com/entra/identity/role-based-access-control/privileged-roles-permissions, Who can reset passwords).
func (f *finder) toPeople(id string) (all []step) {
	for _, h := range f.holders(id) {
		if f.powersOf[h.id] == nil {
			continue
		}
		for _, p := range f.Principals {
			if p.Type != userType || fold(p.ID) == id {
				continue
			}
			of := fold(p.ID)
			hop, may := f.byPower(h.id, "resetting the password of "+f.name(of), func(r Reach) bool { return r.People })
			if may && (!f.administers(of) || hop.Needs == everybodysPasswords || f.powerOver(h.id)) {
				hop.Identity, hop.Undecided = f.name(id), true
				hop.Missing = cmp.Or(hop.Missing, "whether the password alone signs in, and whether this role may reset it, is "+
					"not known here")
				all = append(all, step{hops: append(append([]access.Hop{}, h.first...), hop),
					to: stage{principal: fold(p.ID)}})
			}
		}
	}
	return all
}

// elevated are the roles in Azure that a principal gives itself by its roles of Entra.
func (f *finder) elevated(id string) (all []*held) {
	for _, h := range f.holders(id) {
		hop, may := f.byPower(h.id, "elevating their access", func(r Reach) bool { return r.Elevates })
		if !may {
			continue
		}
		hop.Kind, hop.Identity = access.GrantHop, f.name(id)
		if f.types[id] != userType {
			hop.Undecided = true
			hop.Missing = cmp.Or(hop.Missing, "no document says that a service principal elevates its access")
		}
		role := userAccessAdministrator()
		all = append(all, &held{Assignment: Assignment{Role: role.RoleName, Scope: "/", Permissions: role.Permissions},
			first: append(append([]access.Hop{}, h.first...), hop), allows: f.allowed(role.Permissions)})
	}
	return all
}

var userAccessAdministrator = sync.OnceValue(func() roles.Definition {
	role, _ := roles.BuiltIn("User Access Administrator")
	return role
})

// everybodysPasswords is the role that resets the passwords of people with roles of Entra too.
const everybodysPasswords = "Privileged Authentication Administrator"

// powerOver reports whether a holder can give itself every role of Entra.
func (f *finder) powerOver(id string) bool {
	_, may := f.byPower(id, "", func(r Reach) bool { return r == everything })
	return may
}

// administers reports whether a person certainly has a role of Entra that leads further.
func (f *finder) administers(id string) bool {
	return slices.ContainsFunc(f.holders(id), func(h holder) bool {
		return len(h.first) == 0 && slices.ContainsFunc(f.powersOf[h.id], func(n int) bool {
			p := f.Powers[n]
			return p.Doubt == "" && cmp.Or(p.Reach, powers[p.Name]) != Reach{}
		})
	})
}
