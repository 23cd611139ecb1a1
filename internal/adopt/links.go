package adopt

import (
	"encoding/json"
	"errors"
	"maps"
	"slices"

	"github.com/pulumi/pulumi/sdk/v3/go/common/apitype"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"

	"github.com/batchaccess/batchaccess/internal/engine"
)

// links say what a resource depends on, as Pulumi's state has it.
type links struct {
	Dependencies         []resource.URN
	PropertyDependencies map[resource.PropertyKey][]resource.URN
}

// linksOf returns the links of a resource in a preview.
func linksOf(s *engine.State) links {
	urns := func(all []string) []resource.URN {
		of := []resource.URN{} // a state has empty lists, and no null
		for _, urn := range all {
			of = append(of, resource.URN(urn))
		}
		return of
	}
	l := links{urns(s.DependsOn), map[resource.PropertyKey][]resource.URN{}}
	for key, all := range s.Dependencies {
		l.PropertyDependencies[resource.PropertyKey(key)] = urns(all)
	}
	return l
}

// within leaves out resources that do not exist: a state may not name them.
func (l links) within(there map[resource.URN]bool) links {
	kept := func(urns []resource.URN) []resource.URN {
		return slices.DeleteFunc(slices.Clone(urns), func(urn resource.URN) bool { return !there[urn] })
	}
	all := links{kept(l.Dependencies), map[resource.PropertyKey][]resource.URN{}}
	for key, urns := range l.PropertyDependencies {
		all.PropertyDependencies[key] = kept(urns)
	}
	return all
}

// equal reports whether both name the same resources, in any order. A property without dependencies is the same as one
// that is not named.
func (l links) equal(other links) bool {
	stated := func(l links) map[resource.PropertyKey][]resource.URN {
		all := maps.Clone(l.PropertyDependencies)
		maps.DeleteFunc(all, func(_ resource.PropertyKey, urns []resource.URN) bool { return len(urns) == 0 })
		return all
	}
	return sameURNs(l.Dependencies, other.Dependencies) && maps.EqualFunc(stated(l), stated(other), sameURNs)
}

func sameURNs(a, b []resource.URN) bool {
	return slices.Equal(slices.Compact(slices.Sorted(slices.Values(a))), slices.Compact(slices.Sorted(slices.Values(b))))
}

// with writes the links into a resource of the state.
func with(one json.RawMessage, l links) (json.RawMessage, error) {
	var all map[string]json.RawMessage
	err := json.Unmarshal(one, &all)
	dependencies, listErr := json.Marshal(l.Dependencies)
	byProperty, mapErr := json.Marshal(l.PropertyDependencies)
	if err = errors.Join(err, listErr, mapErr); err != nil {
		return nil, err
	}
	all["dependencies"], all["propertyDependencies"] = dependencies, byProperty
	return json.Marshal(all)
}

// inOrder moves each resource behind the ones that it depends on, as a state must have it. All others stay in their
// place.
func inOrder(resources []json.RawMessage) (ordered []json.RawMessage, err error) {
	all := make([]apitype.ResourceV3, len(resources))
	at := map[resource.URN]int{}
	for i, text := range resources {
		err = errors.Join(err, json.Unmarshal(text, &all[i]))
		if !all[i].Delete { // a resource that is still to be deleted has its successor's URN, and nothing depends on it
			at[all[i].URN] = i
		}
	}
	placed := make([]bool, len(resources))
	var place func(i int)
	place = func(i int) {
		if placed[i] {
			return
		}
		placed[i] = true
		for _, urn := range before(all[i]) {
			if j, there := at[urn]; there {
				place(j)
			}
		}
		ordered = append(ordered, resources[i])
	}
	for i := range resources {
		place(i)
	}
	return ordered, err
}

// before returns the URNs of what has to be before a resource.
func before(one apitype.ResourceV3) []resource.URN {
	urns := append([]resource.URN{one.Parent, one.DeletedWith}, one.Dependencies...)
	for _, key := range slices.Sorted(maps.Keys(one.PropertyDependencies)) {
		urns = append(urns, one.PropertyDependencies[key]...)
	}
	provider, _, _ := cutLast(one.Provider, "::") // its ID
	return append(urns, resource.URN(provider))
}
