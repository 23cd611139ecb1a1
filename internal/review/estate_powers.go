package review

import (
	"cmp"
	"slices"
	"strings"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/internal/engine"
	"github.com/batchaccess/batchaccess/internal/ways"
)

// powers adds the roles of Entra and the permissions of Microsoft Graph that the preview gives, and the applications
// that these reach; otherwise only applications with new credentials are added.
func (x *estate) powers() {
	for _, s := range x.states() {
		switch kind(s.Type) {
		case "azuread:index/directoryRoleAssignment:DirectoryRoleAssignment":
			x.power(s, "principalObjectId", "roleId", cmp.Or(text(s.Inputs["directoryScopeId"]), text(s.Inputs["appScopeId"])))
		case "azuread:index/directoryRoleMember:DirectoryRoleMember":
			x.power(s, "memberObjectId", "roleObjectId", "")
		case "azuread:index/appRoleAssignment:AppRoleAssignment":
			x.power(s, "principalObjectId", "appRoleId", "")
		}
	}
	if len(x.e.Powers) == 0 {
		return
	}
	x.plain = true
	reaches := func(id string) {
		if !slices.ContainsFunc(x.e.Applications, func(a ways.Application) bool { return a.Principal == id }) {
			x.e.Applications = append(x.e.Applications, ways.Application{Name: x.called(id), Principal: id})
		}
	}
	for _, s := range x.states() {
		if kind(s.Type) == servicePrincipal {
			reaches(x.keyOf(s))
		}
	}
	for urn, c := range x.components {
		plan := c.side(x.when)
		if plan == nil {
			continue
		}
		for name, i := range plan.Model.Invokers {
			if i.Kind == access.ServicePrincipal {
				reaches(x.declaredPrincipal(urn, plan, access.InvokerPrincipal(name)).key)
			}
		}
	}
	slices.SortFunc(x.e.Applications, func(a, b ways.Application) int { return cmp.Compare(a.Principal, b.Principal) })
	for i := range x.e.Groups {
		g := &x.e.Groups[i]
		g.RolesUnknown = "whether roles of Entra may be assigned to it is not known: " + notShown
		for _, s := range x.states() {
			if strings.Contains(s.Type, ":Group") && strings.EqualFold(x.keyOf(s), g.ID) {
				g.Roles, g.RolesUnknown = s.Inputs["assignableToRole"] == true, ""
			}
		}
	}
}

// power adds the holder of a role or permission; within is what it is limited to, "" for the whole directory.
func (x *estate) power(s *engine.State, holder, of, within string) {
	name := ways.PowerByID(lastPart(text(s.Inputs[of])))
	for _, urn := range s.Dependencies[of] { // the activated role, by its template or its name
		if role := x.index.state(urn, x.when); role != nil && name == "" {
			name = cmp.Or(ways.PowerByID(text(role.Inputs["templateId"])), text(role.Inputs["displayName"]))
		}
	}
	if name == "" {
		return
	}
	for _, id := range x.who(s, holder, s.Inputs[holder]) {
		x.somebody(id, "")
		p := ways.Power{Principal: id, Name: name}
		if within != "" && within != "/" {
			p.Doubt = "what lies in " + within + ", to which it is limited, is not known here"
		}
		x.e.Powers = append(x.e.Powers, p)
	}
}
