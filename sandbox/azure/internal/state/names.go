package state

import (
	"iter"
	"maps"
	"path"
	"strings"
)

// names is an index: it finds entries by other texts than their key, without a walk through a whole table.
type names struct {
	entries map[name]map[string]bool // keys by name
	given   map[entry][]name
	stale   map[entry]bool // touched since the index was updated
}

type name struct {
	table Table
	kind  string
	text  string
}

// The texts by which entries can be found.
const (
	lastName     = "name"         // of a resource: the last part of its ID, lower case
	appID        = "appId"        // of an application or a service principal
	member       = "member"       // of a group: the object ID of each
	formerMember = "formerMember" // of a group: the object ID of each former member
	principal    = "principal"    // of a role assignment: the object ID
	scope        = "scope"        // of a role assignment, lower case
	subscription = "subscription" // of a role assignment: each scope that it lies in, lower case
)

// named has the keys of the entries with a name, in no order.
func (s *State) named(table Table, kind, text string) iter.Seq[string] {
	s.rename()
	return maps.Keys(s.names.entries[name{table, kind, text}])
}

// count is how many entries have a name.
func (s *State) count(table Table, kind, text string) int {
	s.rename()
	return len(s.names.entries[name{table, kind, text}])
}

// rename updates the index for the touched entries. In a View there are none, because Update has done it.
func (s *State) rename() {
	if len(s.names.stale) == 0 {
		return
	}
	for at := range s.names.stale {
		for _, n := range s.names.given[at] {
			delete(s.names.entries[n], at.key)
			if len(s.names.entries[n]) == 0 {
				delete(s.names.entries, n)
			}
		}
		delete(s.names.given, at)
		given := s.namesOf(at)
		for _, n := range given {
			if s.names.entries[n] == nil {
				s.names.entries[n] = map[string]bool{}
			}
			s.names.entries[n][at.key] = true
		}
		if given != nil {
			s.names.given[at] = given
		}
	}
	clear(s.names.stale)
}

func (s *State) namesOf(at entry) (given []name) {
	give := func(kind, text string) { given = append(given, name{at.table, kind, text}) }
	switch at.table {
	case Resources:
		if s.Resources[at.key] != nil {
			give(lastName, path.Base(at.key))
		}
	case Applications:
		if app := s.Applications[at.key]; app != nil {
			give(appID, strings.ToLower(app.AppID))
		}
	case ServicePrincipals:
		if sp := s.ServicePrincipals[at.key]; sp != nil {
			give(appID, strings.ToLower(sp.AppID))
		}
	case Groups:
		if group := s.Groups[at.key]; group != nil {
			for id := range group.Members {
				give(member, id)
			}
			for id := range group.Left {
				give(formerMember, id)
			}
		}
	case RoleAssignments:
		if a := s.RoleAssignments[at.key]; a != nil {
			where := strings.ToLower(a.Scope)
			give(principal, a.PrincipalID)
			give(scope, where)
			if parts := strings.SplitN(where, "/", 4); len(parts) > 2 && parts[0] == "" && parts[1] == "subscriptions" {
				give(subscription, parts[2])
			}
		}
	}
	return given
}
