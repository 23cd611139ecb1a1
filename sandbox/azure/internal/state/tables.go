package state

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"
)

// Table names one of a State's maps, as the file does.
type Table string

// The tables. State says what they hold.
const (
	Resources         Table = "resources"
	Applications      Table = "applications"
	ServicePrincipals Table = "servicePrincipals"
	Groups            Table = "groups"
	Users             Table = "users"
	RoleDefinitions   Table = "roleDefinitions"
	RoleAssignments   Table = "roleAssignments"
	DenyAssignments   Table = "denyAssignments"
	jobs              Table = "jobs"
	Operations        Table = "operations"
	Deleting          Table = "deleting"
	Contents          Table = "contents"
)

// An entry is a key of a table.
type entry struct {
	table Table
	key   string
}

// Touch marks an entry of a map that the running Update has put, changed or deleted, or is about to.
func (s *State) Touch(table Table, key string) {
	at := entry{table, key}
	s.touched[at] = true
	s.names.stale[at] = true
}

// TouchAll touches all entries.
func (s *State) TouchAll() {
	for name, table := range s.tables() {
		for _, key := range table.keys() {
			s.Touch(name, key)
		}
	}
}

// rows is a map, whatever the type of its values.
type rows interface {
	has(key string) bool
	text(key string) ([]byte, error)
	put(key string, text []byte) error
	drop(key string)
	keys() []string
	// wrong is the key of an entry that is null, if there is one; made is false if the map itself is nil.
	wrong() (key string, found, made bool)
}

func (s *State) tables() map[Table]rows {
	return map[Table]rows{
		Resources:         mapOf[*Resource](s.Resources),
		Applications:      mapOf[*Application](s.Applications),
		ServicePrincipals: mapOf[*ServicePrincipal](s.ServicePrincipals),
		Groups:            mapOf[*Group](s.Groups),
		Users:             mapOf[*User](s.Users),
		RoleDefinitions:   mapOf[*RoleDefinition](s.RoleDefinitions),
		RoleAssignments:   mapOf[*RoleAssignment](s.RoleAssignments),
		DenyAssignments:   mapOf[*DenyAssignment](s.DenyAssignments),
		jobs:              mapOf[*Job](s.Jobs),
		Operations:        mapOf[time.Time](s.Operations),
		Deleting:          mapOf[*Resource](s.Deleting),
		Contents:          mapOf[*Content](s.Contents),
	}
}

type mapOf[T comparable] map[string]T

func (m mapOf[T]) has(key string) bool             { _, ok := m[key]; return ok }
func (m mapOf[T]) text(key string) ([]byte, error) { return json.Marshal(m[key]) }
func (m mapOf[T]) drop(key string)                 { delete(m, key) }
func (m mapOf[T]) keys() []string                  { return slices.Collect(maps.Keys(m)) }

func (m mapOf[T]) put(key string, text []byte) error {
	var value, empty T
	if err := json.Unmarshal(text, &value); err != nil {
		return err
	}
	if value == empty {
		return fmt.Errorf("is empty")
	}
	m[key] = value
	return nil
}

func (m mapOf[T]) wrong() (key string, found, made bool) {
	var empty T
	for key, value := range m {
		if value == empty {
			return key, true, true
		}
	}
	return "", false, m != nil
}
