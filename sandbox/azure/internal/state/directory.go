package state

import (
	"maps"
	"slices"
	"strings"
)

// PrincipalType is User, Group or ServicePrincipal, as role assignments spell it; "" when nothing has the object ID.
func (s *State) PrincipalType(objectID string) string {
	id := key(objectID)
	switch {
	case s.Users[id] != nil:
		return "User"
	case s.Groups[id] != nil:
		return "Group"
	case s.ServicePrincipals[id] != nil:
		return "ServicePrincipal"
	}
	return ""
}

func key(objectID string) string { return strings.ToLower(objectID) }

// MemberOf lists the groups that the object is a member of, sorted; transitive adds the groups of those groups.
func (s *State) MemberOf(objectID string, transitive bool) []string {
	found := map[string]bool{}
	var visit func(id string)
	visit = func(id string) {
		for key, group := range s.Groups {
			if _, member := group.Members[id]; member && !found[key] {
				found[key] = true
				if transitive {
					visit(key)
				}
			}
		}
	}
	visit(strings.ToLower(objectID))
	return slices.Sorted(maps.Keys(found))
}

// Members lists the members of a group, sorted; transitive adds the members of member groups.
func (s *State) Members(groupID string, transitive bool) []string {
	found := map[string]bool{}
	var visit func(id string)
	visit = func(id string) {
		group := s.Groups[id]
		if group == nil {
			return
		}
		for member := range group.Members {
			if !found[member] {
				found[member] = true
				if transitive {
					visit(member)
				}
			}
		}
	}
	visit(strings.ToLower(groupID))
	return slices.Sorted(maps.Keys(found))
}

// ApplicationByAppID finds an application by its client ID.
func (s *State) ApplicationByAppID(appID string) *Application {
	for _, app := range s.Applications {
		if strings.EqualFold(app.AppID, appID) {
			return app
		}
	}
	return nil
}

// ServicePrincipalByAppID finds a service principal by its client ID.
func (s *State) ServicePrincipalByAppID(appID string) *ServicePrincipal {
	for _, sp := range s.ServicePrincipals {
		if strings.EqualFold(sp.AppID, appID) {
			return sp
		}
	}
	return nil
}

// DeletePrincipal takes a directory object out, and out of every group and list of owners. Its role assignments stay:
// Azure leaves them behind as assignments of an unknown principal.
func (s *State) DeletePrincipal(objectID string) {
	id := key(objectID)
	delete(s.ServicePrincipals, id)
	delete(s.Groups, id)
	for _, group := range s.Groups {
		delete(group.Members, id)
		group.Owners = without(group.Owners, id)
	}
	for _, app := range s.Applications {
		app.Owners = without(app.Owners, id)
	}
	for _, sp := range s.ServicePrincipals {
		sp.Owners = without(sp.Owners, id)
	}
}

func without(ids []string, id string) []string {
	return slices.DeleteFunc(ids, func(s string) bool { return s == id })
}

// StorageAccount finds a storage account by its name, which is unique in all of Azure.
func (s *State) StorageAccount(name string) *Resource {
	suffix := "/providers/microsoft.storage/storageaccounts/" + strings.ToLower(name)
	for key, resource := range s.Resources {
		if strings.HasSuffix(key, suffix) {
			return resource
		}
	}
	return nil
}
