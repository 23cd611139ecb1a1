package graph

import (
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/batchaccess/batchaccess/sandbox/azure/internal/odata"
	"github.com/batchaccess/batchaccess/sandbox/azure/internal/state"
	"github.com/batchaccess/batchaccess/sandbox/azure/internal/wire"
)

// A directoryRole is a built-in role of Entra, with those of its actions that bear on who may become somebody else.
type directoryRole struct {
	name    string
	actions []string
}

// directoryRoles are by the IDs of their templates (learn.microsoft.com/entra/identity/role-based-access-control/
// permissions-reference).
var directoryRoles = map[string]directoryRole{
	"62e90394-69f5-4237-9190-012177145e10": {"Global Administrator", []string{"applications/allProperties/allTasks",
		"groups/allProperties/allTasks", "groupsAssignableToRoles/allProperties/update",
		"roleAssignments/allProperties/allTasks", "servicePrincipals/allProperties/allTasks",
		"users/allProperties/allTasks"}},
	"e8611ab8-c189-46e8-94e1-60213ab1f814": {"Privileged Role Administrator", []string{
		"groupsAssignableToRoles/allProperties/update", "roleAssignments/allProperties/allTasks",
		"roleDefinitions/allProperties/allTasks", "servicePrincipals/appRoleAssignedTo/update"}},
	"9b895d92-2cd3-44c7-9d02-a6ac2d5ea5c3": {"Application Administrator", []string{"applications/credentials/update",
		"applications/owners/update", "servicePrincipals/appRoleAssignedTo/update",
		"servicePrincipals/credentials/update", "servicePrincipals/owners/update"}},
	"158c047a-c907-4556-b7ef-446551a6b5f7": {"Cloud Application Administrator", []string{
		"applications/credentials/update", "applications/owners/update", "servicePrincipals/appRoleAssignedTo/update",
		"servicePrincipals/credentials/update", "servicePrincipals/owners/update"}},
	"8ac3fc64-6eca-42ea-9e69-59f4c7b60eb2": {"Hybrid Identity Administrator", []string{"applications/owners/update",
		"servicePrincipals/owners/update"}},
	"fdd7a751-b60b-444a-984c-02652fe8fa1c": {"Groups Administrator", []string{"groups/members/update",
		"groups/owners/update", "groups/dynamicMembershipRule/update"}},
	"fe930be7-5e62-47db-91af-98c3a49a38b1": {"User Administrator", []string{"groups/members/update",
		"groups/owners/update", "users/password/update"}},
	"9360feb5-f418-4baa-8175-e2a00bac4301": {"Directory Writers", []string{"groups/members/update",
		"groups/owners/update", "groups/dynamicMembershipRule/update"}},
	"729827e3-9c14-49f7-bb1b-9608f156bbb8": {"Helpdesk Administrator", []string{"users/password/update"}},
	"88d8e3e3-8f55-4a1e-953a-9b9898b8876b": {"Directory Readers", []string{"applications/standard/read",
		"groups/members/read", "users/standard/read"}},
	"f2ef992c-3afb-46b9-b7cf-a126ee74c451": {"Global Reader", []string{"applications/allProperties/read",
		"groups/allProperties/read", "roleAssignments/allProperties/read"}},
}

// KnowsRole reports whether a role of Entra, by the ID of its template, is served.
func KnowsRole(id string) bool { return directoryRoles[strings.ToLower(id)].name != "" }

// graphPermissions are application permissions of Microsoft Graph (learn.microsoft.com/graph/permissions-reference).
var graphPermissions = map[string]string{
	"Application.ReadWrite.All":          "1bfefb4e-e0b5-418b-a88f-73c46d2cc8e9",
	"AppRoleAssignment.ReadWrite.All":    "06b708a9-e830-4db3-a914-8e69da51d44f",
	"Directory.Read.All":                 "7ab1d382-f21e-4acd-a863-ba3e13f7da61",
	"Directory.ReadWrite.All":            "19dbc75e-c2e2-444c-a770-ec69d8559fc7",
	"Group.Read.All":                     "5b567255-7703-4780-807c-7be8301ae99b",
	"Group.ReadWrite.All":                "62a82d76-70ea-41e2-9197-370581804d09",
	"GroupMember.ReadWrite.All":          "dbaae8cf-10b5-4b86-a4a1-f871c94c6695",
	"RoleManagement.ReadWrite.Directory": "9e3f62cf-ca93-4989-b6ce-bf83c28f9fe8",
	"User.Read.All":                      "df021288-bdef-4463-88db-98f22de89214",
}

// KnowsPermission reports whether an application permission of Microsoft Graph is served.
func KnowsPermission(name string) bool { return graphPermissions[name] != "" }

// Microsoft Graph's own service principal has this client ID in every tenant. Its object ID differs between tenants:
// here it is always the same.
const (
	graphAppID     = "00000003-0000-0000-c000-000000000000"
	graphPrincipal = "00000003-0000-4000-8000-00000000c000"
)

// byAppID are the paths by which Graph also takes a service principal.
func byAppID(st *state.State, path string) string {
	const begins, ends = "/servicePrincipals(appId='", "')"
	rest, is := strings.CutPrefix(path, begins)
	id, rest, closed := strings.Cut(rest, ends)
	switch {
	case !is || !closed:
		return path
	case strings.EqualFold(id, graphAppID):
		return "/servicePrincipals/" + graphPrincipal + rest
	}
	if sp := st.ServicePrincipalByAppID(strings.ToLower(id)); sp != nil {
		return "/servicePrincipals/" + sp.ID + rest
	}
	return "/servicePrincipals/" + id + rest
}

// renderGraph is Microsoft Graph's own service principal.
func renderGraph() map[string]any {
	offered := []any{}
	for _, name := range slices.Sorted(maps.Keys(graphPermissions)) {
		offered = append(offered, map[string]any{"id": graphPermissions[name], "value": name, "displayName": name,
			"description": name, "isEnabled": true, "origin": "Application", "allowedMemberTypes": []any{"Application"}})
	}
	return merge(servicePrincipalDefaults, map[string]any{"@odata.type": "#microsoft.graph.servicePrincipal",
		"id": graphPrincipal, "appId": graphAppID, "displayName": "Microsoft Graph", "accountEnabled": true,
		"servicePrincipalType": "Application", "servicePrincipalNames": []any{graphAppID}, "appRoles": offered,
		// Microsoft's own tenant
		"appOwnerOrganizationId": "f8cdef31-a31e-4b4a-93e4-5f571e91255a"})
}

// listAppRoleAssignedTo answers who has application permissions of a resource: here only Microsoft Graph offers any.
func listAppRoleAssignedTo(c *call) (wire.Reply, error) {
	all := []map[string]any{}
	if c.id() != graphPrincipal {
		if _, err := c.servicePrincipal(); err != nil {
			return wire.Reply{}, err
		}
		return list(c, all)
	}
	for _, id := range slices.Sorted(maps.Keys(c.st.ServicePrincipals)) {
		for _, name := range c.st.ServicePrincipals[id].Permissions {
			all = append(all, map[string]any{"id": id + "-" + graphPermissions[name], "appRoleId": graphPermissions[name],
				"principalId": id, "principalType": "ServicePrincipal",
				"principalDisplayName": c.st.ServicePrincipals[id].Attributes["displayName"],
				"resourceId":           graphPrincipal, "resourceDisplayName": "Microsoft Graph"})
		}
	}
	return list(c, all)
}

func listRoleDefinitions(c *call) (wire.Reply, error) {
	all := []map[string]any{}
	for _, id := range slices.Sorted(maps.Keys(directoryRoles)) {
		actions := []any{}
		for _, action := range directoryRoles[id].actions {
			actions = append(actions, "microsoft.directory/"+action)
		}
		all = append(all, map[string]any{"id": id, "templateId": id, "displayName": directoryRoles[id].name,
			"isBuiltIn": true, "isEnabled": true, "resourceScopes": []any{"/"}, "version": "1",
			"rolePermissions": []any{map[string]any{"allowedResourceActions": actions, "condition": nil}}})
	}
	return list(c, all)
}

// holders are all that hold a role of Entra, or may activate one, by ID.
func holders(st *state.State) map[string][]state.DirectoryRole {
	all := map[string][]state.DirectoryRole{}
	for id, user := range st.Users {
		all[id] = user.DirectoryRoles
	}
	for id, group := range st.Groups {
		all[id] = group.DirectoryRoles
	}
	for id, sp := range st.ServicePrincipals {
		all[id] = sp.DirectoryRoles
	}
	return all
}

// listDirectoryAssignments lists who holds roles of Entra, or may activate them. Graph lists those who hold them only
// by role or by principal ("This operation requires the $filter query parameter": learn.microsoft.com/graph/api/
// rbacapplication-list-roleassignments).
func listDirectoryAssignments(eligible bool) handler {
	return func(c *call) (wire.Reply, error) {
		filter, err := odata.Parse(c.r.URL.Query().Get("$filter"))
		if err == nil && !eligible && !slices.ContainsFunc(filter, func(t odata.Term) bool {
			return t.Field == "roleDefinitionId" || t.Field == "principalId"
		}) {
			return wire.Reply{}, bad("A filter by roleDefinitionId or principalId is required.")
		}
		all, by := []map[string]any{}, holders(c.st)
		for _, id := range slices.Sorted(maps.Keys(by)) {
			for _, r := range by[id] {
				if r.Eligible == eligible {
					one := map[string]any{"id": id + "-" + r.TemplateID, "principalId": id, "roleDefinitionId": r.TemplateID,
						"directoryScopeId": r.Scope}
					if eligible {
						one = merge(one, map[string]any{"appScopeId": nil, "memberType": "Direct", "startDateTime": nil,
							"endDateTime": nil, "roleEligibilityScheduleId": one["id"]})
					}
					all = append(all, one)
				}
			}
		}
		return list(c, all)
	}
}

// listEligibleMembers lists who may activate membership in a group. Graph lists them only by group or by principal
// (learn.microsoft.com/graph/api/privilegedaccessgroup-list-eligibilityscheduleinstances).
func listEligibleMembers(c *call) (wire.Reply, error) {
	filter, err := odata.Parse(c.r.URL.Query().Get("$filter"))
	if err == nil && !slices.ContainsFunc(filter, func(t odata.Term) bool {
		return t.Field == "groupId" || t.Field == "principalId"
	}) {
		return wire.Reply{}, bad("A filter by groupId or principalId is required.")
	}
	all := []map[string]any{}
	for _, id := range slices.Sorted(maps.Keys(c.st.Groups)) {
		for _, m := range c.st.Groups[id].Eligible {
			kind := map[bool]string{true: "owner", false: "member"}[m.Owner]
			all = append(all, map[string]any{"id": id + "_" + kind + "_" + m.PrincipalID, "groupId": id,
				"principalId": m.PrincipalID, "accessId": kind, "memberType": "direct", "startDateTime": nil,
				"endDateTime": nil})
		}
	}
	return list(c, all)
}

// activeRoles are the roles of Entra that an object has in the whole directory, as it is shown among what it is in.
func activeRoles(st *state.State, ids []string) (all []map[string]any) {
	shown := map[string]bool{}
	by := holders(st)
	for _, id := range ids {
		for _, r := range by[id] {
			if role := directoryRoles[r.TemplateID]; !r.Eligible && r.Scope == "/" && !shown[r.TemplateID] {
				shown[r.TemplateID] = true
				all = append(all, map[string]any{"@odata.type": "#microsoft.graph.directoryRole", "id": r.TemplateID,
					"roleTemplateId": r.TemplateID, "displayName": role.name, "description": role.name})
			}
		}
	}
	return all
}

func mayRead(collection, path string) []string {
	if collection == "servicePrincipals" && strings.HasSuffix(path, "/appRoleAssignedTo") {
		return []string{"Application.Read.All", "Directory.Read.All"}
	}
	return reading[collection]
}

// managing are the collections of roles, whose permissions differ by what is listed (learn.microsoft.com/graph/api:
// rbacapplication-list-roledefinitions, -roleassignments, rbacapplication-list-roleeligibilityscheduleinstances,
// privilegedaccessgroup-list-eligibilityscheduleinstances).
var managing = map[string][]string{
	"/roleManagement/directory/roleDefinitions":                  {"RoleManagement.Read.Directory", "Directory.Read.All"},
	"/roleManagement/directory/roleAssignments":                  {"RoleManagement.Read.Directory", "Directory.Read.All"},
	"/roleManagement/directory/roleEligibilityScheduleInstances": {"RoleManagement.Read.Directory"},
	privilegedGroups: {"PrivilegedEligibilitySchedule.Read.AzureADGroup"},
}

const privilegedGroups = "/identityGovernance/privilegedAccess/group/eligibilityScheduleInstances"

// rolesRoutes has what is served of roles.
var rolesRoutes = map[string]handler{
	"GET /roleManagement/directory/roleDefinitions":                  listRoleDefinitions,
	"GET /roleManagement/directory/roleAssignments":                  listDirectoryAssignments(false),
	"GET /roleManagement/directory/roleEligibilityScheduleInstances": listDirectoryAssignments(true),
	"GET /servicePrincipals/{id}/appRoleAssignedTo":                  listAppRoleAssignedTo,
	http.MethodGet + " " + privilegedGroups:                          listEligibleMembers,
}
