package review

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/internal/engine"
	"github.com/batchaccess/batchaccess/roles"
)

// owners are the owners in the configurations of a preview's components: after the deployment, and before it for what
// goes.
type owners struct {
	principals map[string]string // by the component's URN and the principal's name, and by object ID
	data       []ownedData
}

// An ownedData is the scope of data and its owner.
type ownedData struct{ scope, owner string }

// owned reads the owners in all components, and notes changed ones: whoever writes an owner may not be the owner.
func (m *maker) owned() {
	m.index.owners.principals = map[string]string{}
	for _, urn := range slices.Sorted(maps.Keys(m.components)) {
		c := m.components[urn]
		c.owners = map[string]string{}
		for _, plan := range []*access.Plan{c.old, c.now} { // the new plan has priority
			if plan == nil {
				continue
			}
			for _, i := range plan.Identities {
				for _, p := range i.Names {
					owner := plan.Model.OwnerOf(p)
					if owner == "" {
						continue
					}
					m.index.owners.principals[urn+" "+p.String()] = owner
					if id := strings.ToLower(i.ID.Text()); id != "" {
						m.index.owners.principals[id] = owner
					}
				}
			}
			for _, o := range plan.Model.Owners() {
				if o.Owner != "" {
					c.owners[o.Path] = engine.Clip(o.Owner)
				}
			}
			for _, o := range plan.Model.OwnedPlaces() {
				scope, err := plan.Model.ScopeID(o.At)
				if d := (ownedData{scope, o.Owner}); err == nil && !slices.Contains(m.index.owners.data, d) {
					m.index.owners.data = append(m.index.owners.data, d)
				}
			}
		}
		m.components[urn] = c
		m.ownersChange(urn, c)
	}
}

func (m *maker) ownersChange(urn string, c component) {
	if c.old == nil || c.now == nil {
		return
	}
	was := map[string]string{}
	for _, o := range c.old.Model.Owners() {
		was[o.Path] = o.Owner
	}
	word := func(owner string) string {
		if owner == "" {
			return "not said"
		}
		return engine.Clip(owner)
	}
	for _, o := range c.now.Model.Owners() {
		if before, stays := was[o.Path]; stays && before != o.Owner {
			m.note(fmt.Sprintf("The owner of %s of %s was %s, and is to be %s.", engine.Clip(o.Path),
				engine.ShownName(urn), word(before), word(o.Owner)))
		}
	}
}

// ownerOf returns the owner of a principal; "" if no configuration says.
func (m *maker) ownerOf(urn string, p Principal) string {
	if owner := m.index.owners.principals[m.owner(urn)+" "+p.Name]; owner != "" {
		return engine.Clip(owner)
	}
	return engine.Clip(m.index.owners.principals[strings.ToLower(p.ID)])
}

// dataOwners returns the owners of data at the scopes, or in them, by name.
func (m *maker) dataOwners(scopes ...string) (all []string) {
	for _, d := range m.index.owners.data {
		owner := engine.Clip(d.owner)
		if !slices.Contains(all, owner) && slices.ContainsFunc(scopes, func(scope string) bool {
			return scope != "" && (roles.Contains(scope, d.scope) || roles.Contains(d.scope, scope))
		}) {
			all = append(all, owner)
		}
	}
	slices.Sort(all)
	return all
}

// onStorage reports whether actions may be about stored data: those of Azure Storage, and those that are a pattern or
// are not known.
func onStorage(actions ...[]roles.Action) bool {
	return slices.ContainsFunc(slices.Concat(actions...), func(a roles.Action) bool {
		return strings.HasPrefix(strings.ToLower(a.Name), "microsoft.storage/") || strings.HasPrefix(a.Name, "*") ||
			strings.HasPrefix(a.Name, "whatever ")
	})
}
