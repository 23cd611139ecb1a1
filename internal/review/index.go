package review

import (
	"fmt"
	"slices"
	"strings"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/internal/engine"
	"github.com/batchaccess/batchaccess/internal/guardrails"
	"github.com/batchaccess/batchaccess/internal/rolediff"
	"github.com/batchaccess/batchaccess/roles"
)

// A role is the role of an assignment, as far as the preview shows it.
type role struct {
	key         string // equal for the same definition, in any form of reference
	name        string
	permissions roles.Permissions
	known       bool // permissions has everything that the role allows
	when        side // at which side of the preview
}

// definition returns the role for the guardrails; nil if it is not known.
func (r role) definition() *roles.Definition {
	if !r.known {
		return nil
	}
	return &roles.Definition{RoleName: r.name, Permissions: r.permissions}
}

// difference returns what the role allows at a place that the others together do not. An unknown role is covered only
// by itself.
func (m *maker) difference(r role, others []role) []roles.Action {
	for _, o := range others {
		if o.key == r.key && (!r.known || !o.known) {
			return nil
		}
	}
	if !r.known {
		return []roles.Action{{Name: "whatever " + r.name + " allows"}}
	}
	// Thousands of assignments give a few roles: what one allows beyond others is worked out once.
	keys := make([]string, 0, len(others)+1)
	for _, o := range others {
		keys = append(keys, fmt.Sprint(o.when, o.key))
	}
	slices.Sort(keys)
	keys = append(slices.Compact(keys), fmt.Sprint(r.when, r.key))
	id := strings.Join(keys, "|")
	more, done := m.compared[id]
	if !done {
		var held roles.Permissions
		for _, o := range others {
			held = append(held, o.permissions...)
		}
		more = rolediff.Difference(r.permissions, held)
		m.compared[id] = more
	}
	return more
}

// An index finds resources of a preview before and after it.
type index struct {
	steps       map[string]engine.Step   // by URN; a deletion beside another step of the same URN is left out
	definitions map[string]map[side]role // role definitions by GUID and by URN, then by side
	labels      map[string]string        // name of a principal's ID
	ids         map[string]string        // IDs of the components' principals, by component and name; filled when needed
	people      map[string]string        // name for people of a principal's ID
	owners      owners
}

// A side of a preview: before or after.
type side int

const (
	before side = iota
	after
)

func newIndex(p engine.Preview) index {
	x := index{steps: map[string]engine.Step{}, definitions: map[string]map[side]role{}, labels: map[string]string{},
		people: peopleOf(p)}
	for _, s := range p.Steps {
		if other, ok := x.steps[s.URN]; ok && other.New != nil { // the step that changes it comes first
			continue
		}
		x.steps[s.URN] = s
	}
	for _, s := range p.Steps {
		if kind(engine.TypeOf(s.URN)) != guardrails.RoleDefinition {
			continue
		}
		for when, state := range map[side]*engine.State{before: s.Old, after: s.New} {
			if state == nil {
				continue
			}
			d := definition(state, when)
			for _, id := range []string{lastSegment(state.ID), lastSegment(text(state.Inputs["roleDefinitionId"])),
				lastSegment(text(state.Outputs["name"])), s.URN} {
				if x.definitions[id] == nil {
					x.definitions[id] = map[side]role{}
				}
				if _, there := x.definitions[id][when]; id != "" && !there {
					x.definitions[id][when] = d
				}
			}
		}
	}
	return x
}

// state returns a resource at one side of the preview; nil if the preview does not show it there.
func (x index) state(urn string, when side) *engine.State {
	s := x.steps[urn]
	if when == after {
		return s.New
	}
	return s.Old
}

// definition reads a role definition's state.
func definition(s *engine.State, when side) role {
	ps, ok := guardrails.PermissionsOf(s.Inputs)
	name := text(s.Inputs["roleName"])
	if name == "" {
		name = called(s.URN)
	}
	return role{key: strings.ToLower(s.URN), name: name, permissions: ps, known: ok, when: when}
}

// roleOf finds the role of an assignment: one in the preview, a built-in one, or one of which only the ID is known.
func (m *maker) roleOf(s *engine.State, when side) role {
	id, known := s.Inputs["roleDefinitionId"].(string)
	from := dependency(s, "roleDefinitionId")
	if known {
		guid := lastSegment(id)
		if d, ok := roles.BuiltIn(guardrails.RoleGUID(id)); ok { // before a role of the program with the same GUID
			return role{key: guid, name: d.RoleName, permissions: d.Permissions, known: true}
		}
		if d, ok := m.index.definitions[guid][when]; ok {
			return d
		}
		if d, ok := m.declared(from, when); ok && m.comesFrom(from, id) {
			return d
		}
		if d, ok := m.existing(s.URN, when); ok && d.key == guid {
			return d
		}
		if d, ok := m.describedByParent(s, when); ok && d.key == guid {
			return d
		}
		return role{key: guid, name: "the role " + guid}
	}
	if d, ok := m.index.definitions[from][when]; ok {
		return d
	}
	if d, ok := m.declared(from, when); ok {
		return d
	}
	if d, ok := m.existing(s.URN, when); ok {
		return d
	}
	if from == "" {
		return role{key: "unknown:" + s.URN, name: "a role that is not known yet"}
	}
	return role{key: strings.ToLower(from), name: called(from)}
}

// declared returns the role of a BatchEndpointAccess whose definition did not change and so is not shown.
func (m *maker) declared(urn string, when side) (role, bool) {
	c, ok := m.components[m.owner(urn)]
	if !ok || c.side(when) == nil {
		return role{}, false
	}
	d, wrong := c.side(when).Model.Role.Resolve()
	if wrong != nil {
		return role{}, false
	}
	if c.side(when).Model.Role.ByEndpoint() {
		endpoint, workspace := d.Parts()
		if d = workspace; strings.HasSuffix(urn, "."+string(access.AtEndpoint)) {
			d = endpoint
		}
	}
	return role{key: strings.ToLower(urn), name: d.RoleName, permissions: d.Permissions, known: true, when: when}, true
}

// existing returns the role that a BatchEndpointAccess was given by its ID, with its description in the configuration.
func (m *maker) existing(assignmentURN string, when side) (role, bool) {
	c, ok := m.components[m.owner(assignmentURN)]
	if !ok || c.side(when) == nil || !strings.Contains(assignmentURN,
		guardrails.InvokerRole+"$"+guardrails.RoleAssignment) {
		return role{}, false
	}
	r := c.side(when).Model.Role
	d, wrong := r.Resolve()
	if !r.RoleDefinitionID.Given() || wrong != nil {
		return role{}, false
	}
	if r.Definition != "" {
		m.note(fmt.Sprintf("What the role %s allows is taken from role.definition of %s; `batchaccess verify` holds it "+
			"against Azure.", d.RoleName, engine.ShownName(m.owner(assignmentURN))))
	}
	return role{key: strings.ToLower(r.RoleDefinitionGUID()), name: d.RoleName, permissions: d.Permissions, known: true,
		when: when}, true
}

// describedByParent returns the role that an InvokerRole outside of any BatchEndpointAccess was given, with its
// description there; the rule invoker-role judges it.
func (m *maker) describedByParent(s *engine.State, when side) (role, bool) {
	parent := m.index.state(s.Parent, when)
	if parent == nil || parent.Type != guardrails.InvokerRole {
		return role{}, false
	}
	d, wrong := roles.Parse([]byte(text(parent.Inputs["definition"])))
	return role{key: guardrails.RoleGUID(text(parent.Inputs["roleDefinitionId"])), name: d.RoleName,
		permissions: d.Permissions, known: true, when: when}, wrong == nil
}

// comesFrom reports whether a known ID can be the ID of the resource that a property comes from: a program may compute
// anything from another resource's ID.
func (m *maker) comesFrom(urn, id string) bool {
	s, shown := m.index.steps[urn]
	if !shown {
		return m.p.Hidden > 0 // it does not change, and its ID is not in the preview
	}
	return slices.ContainsFunc([]*engine.State{s.Old, s.New}, func(state *engine.State) bool {
		return state != nil && slices.ContainsFunc([]string{state.ID, text(state.Inputs["roleDefinitionId"]),
			text(state.Outputs["name"])}, func(known string) bool {
			return known != "" && lastSegment(known) == lastSegment(id)
		})
	})
}

// owner returns the URN of the BatchEndpointAccess that makes a resource; "" if the preview shows none.
func (m *maker) owner(urn string) string {
	parts := strings.SplitN(urn, "::", 4)
	if len(parts) < 4 {
		return ""
	}
	types, _, ok := strings.Cut(parts[2], accessComponent+"$")
	for name := parts[3]; ok; {
		at := strings.Join([]string{parts[0], parts[1], types + accessComponent, name}, "::")
		if _, is := m.components[at]; is {
			return at
		}
		end := strings.LastIndex(name, ".")
		if end < 0 {
			break
		}
		name = name[:end]
	}
	return ""
}

// dependency returns the URN of the source of an input: the last one that is a resource of a cloud; "" if none is.
func dependency(s *engine.State, property string) string {
	for _, urn := range s.Dependencies[property] {
		if k := kind(engine.TypeOf(urn)); kinds[k] != "" && (property != "roleDefinitionId" ||
			k == guardrails.RoleDefinition) {
			return urn
		}
	}
	return ""
}

func text(v any) string {
	s, _ := v.(string)
	return s
}

// lastSegment returns the GUID at the end of an ARM ID, in lower case.
func lastSegment(id string) string { return strings.ToLower(id[strings.LastIndex(id, "/")+1:]) }
