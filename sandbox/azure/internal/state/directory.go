package state

import (
	"iter"
	"maps"
	"path"
	"slices"
	"strings"
)

// PrincipalType is User, Group or ServicePrincipal, as role assignments spell it; "" if no principal has the object ID.
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
		for key := range s.named(Groups, member, id) {
			if !found[key] {
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
func (s *State) ApplicationByAppID(clientID string) *Application {
	for id := range s.named(Applications, appID, strings.ToLower(clientID)) {
		return s.Applications[id]
	}
	return nil
}

// ServicePrincipalByAppID finds a service principal by its client ID.
func (s *State) ServicePrincipalByAppID(clientID string) *ServicePrincipal {
	for id := range s.named(ServicePrincipals, appID, strings.ToLower(clientID)) {
		return s.ServicePrincipals[id]
	}
	return nil
}

// DeletePrincipal deletes a directory object, also from every group and list of owners. Its role assignments stay:
// Azure leaves them behind as assignments of an unknown principal.
func (s *State) DeletePrincipal(objectID string) {
	id := key(objectID)
	delete(s.ServicePrincipals, id)
	s.Touch(ServicePrincipals, id)
	delete(s.Groups, id)
	s.Touch(Groups, id)
	for key, group := range s.Groups {
		if _, member := group.Members[id]; member || slices.Contains(group.Owners, id) {
			delete(group.Members, id)
			delete(group.Joined, id)
			group.Owners = without(group.Owners, id)
			s.Touch(Groups, key)
		}
	}
	for key, app := range s.Applications {
		if slices.Contains(app.Owners, id) {
			app.Owners = without(app.Owners, id)
			s.Touch(Applications, key)
		}
	}
	for key, sp := range s.ServicePrincipals {
		if slices.Contains(sp.Owners, id) {
			sp.Owners = without(sp.Owners, id)
			s.Touch(ServicePrincipals, key)
		}
	}
}

func without(ids []string, id string) []string {
	return slices.DeleteFunc(ids, func(s string) bool { return s == id })
}

// StorageAccount finds a storage account by its name, which is unique in all of Azure.
func (s *State) StorageAccount(name string) *Resource {
	return s.Named("Microsoft.Storage/storageAccounts", name)
}

// Named finds a top-level resource by its type and name, both in any letter case; nil if there is none. If there are
// several, it returns any of them.
func (s *State) Named(resourceType, name string) *Resource {
	of := "/providers/" + strings.ToLower(resourceType)
	for key := range s.named(Resources, lastName, strings.ToLower(name)) {
		if strings.HasSuffix(path.Dir(key), of) {
			return s.Resources[key]
		}
	}
	return nil
}

// BatchEndpoints are the endpoints with a name, in any workspace.
func (s *State) BatchEndpoints(name string) iter.Seq[*Resource] {
	return func(yield func(*Resource) bool) {
		for key := range s.named(Resources, lastName, strings.ToLower(name)) {
			if strings.HasSuffix(path.Dir(key), "/batchendpoints") && !yield(s.Resources[key]) {
				return
			}
		}
	}
}
