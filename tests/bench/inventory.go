package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
)

// An inventory counts the resources of a stack that a provider made, and their Azure IDs, by type.
type inventory map[string]count

type count struct{ resources, ids int }

// readInventory reads an exported stack. It leaves out the providers themselves: programs may need different numbers of
// them.
func readInventory(state io.Reader) (inventory, error) {
	var stack struct {
		Deployment struct {
			Resources []struct {
				Custom   bool `json:"custom"`
				Type, ID string
			} `json:"resources"`
		} `json:"deployment"`
	}
	if err := json.NewDecoder(state).Decode(&stack); err != nil {
		return nil, fmt.Errorf("reading the state of the stack: %w", err)
	}
	found, seen := inventory{}, map[string]bool{}
	for _, r := range stack.Deployment.Resources {
		if !r.Custom || strings.HasPrefix(r.Type, "pulumi:providers:") {
			continue
		}
		c := found[r.Type]
		c.resources++
		if key := r.Type + "|" + strings.ToLower(r.ID); r.ID != "" && !seen[key] {
			seen[key] = true
			c.ids++
		}
		found[r.Type] = c
	}
	return found, nil
}

func (i inventory) resources() (n int) {
	for _, c := range i {
		n += c.resources
	}
	return n
}

// sameAs is an error with every type of which two stacks have different numbers of resources or IDs: their figures
// can't be compared.
func (i inventory) sameAs(other inventory) error {
	types := maps.Clone(i)
	maps.Copy(types, other)
	var differences []error
	for _, t := range slices.Sorted(maps.Keys(types)) {
		if a, b := i[t], other[t]; a != b {
			differences = append(differences, fmt.Errorf("%s: %d resources with %d IDs against %d with %d", t, a.resources,
				a.ids, b.resources, b.ids))
		}
	}
	if len(types) == 0 {
		differences = append(differences, errors.New("there are no resources"))
	}
	return errors.Join(differences...)
}
