package review

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/internal/engine"
	"github.com/batchaccess/batchaccess/roles"
)

// A joining is a membership in a group that a BatchEndpointAccess makes, at both sides of the preview. The preview
// shows what such a group has, so each member can be judged by it.
type joining struct {
	urn   string
	sides [2]*memberIn
}

// A memberIn is one member of one group; both are keys of assignments.
type memberIn struct {
	member Principal
	group  string // key
	name   string // of the group
}

// stays reports whether the same principal is in the same group before and after.
func (j joining) stays() bool {
	old, now := j.sides[before], j.sides[after]
	return old != nil && now != nil && old.member.key == now.member.key && old.group == now.group
}

// staying returns the key of a member that stays, once for both sides.
func (j joining) staying(when side) []string {
	if when == after && j.stays() {
		return []string{j.sides[after].member.key}
	}
	return nil
}

// of returns what the group has at that side, as the member's.
func (j joining) of(when side, held map[side]map[string][]assignment) (all []assignment) {
	s := j.sides[when]
	if s == nil {
		return nil
	}
	for _, a := range held[when][s.group] {
		a.urn, a.principal, a.through = j.urn, s.member, s.name
		all = append(all, a)
	}
	return all
}

// moreFor returns the actions of an assignment at one side that its principal does not have at the other, by any
// assignment. A group's actions count by the members that stay in it.
func (m *maker) moreFor(a assignment, held map[string][]assignment) []roles.Action {
	stay, ours := m.members[a.principal.key]
	if !ours {
		return m.more(a, held[a.principal.key])
	}
	var all []roles.Action
	for _, member := range stay {
		for _, action := range m.more(a, held[member]) {
			if !slices.Contains(all, action) {
				all = append(all, action)
			}
		}
	}
	return all
}

// nobodyStays reports whether the principal is a group that had no member before and has some after: then the changes
// of its members show everything.
func (m *maker) nobodyStays(p Principal) bool {
	stay, ours := m.members[p.key]
	return ours && len(stay) == 0
}

// joining reads a membership; ours is false if no BatchEndpointAccess makes it.
func (m *maker) joining(step engine.Step) (j joining, ours bool) {
	owner := m.owner(step.URN)
	_, ours = m.components[owner]
	parts := strings.Split(strings.TrimPrefix(engine.NameOf(step.URN), engine.NameOf(owner)+"."), ".")
	if !ours || len(parts) != 2 || parentTypeOf(step.URN) != accessComponent || !m.inModel(step, parts[0], parts[1]) {
		return j, false
	}
	j.urn = step.URN
	for when, s := range map[side]*engine.State{before: step.Old, after: step.New} {
		if s == nil {
			continue
		}
		j.sides[when] = &memberIn{m.from(s, "memberObjectId", access.InvokerPrincipal(parts[1]).String()),
			m.from(s, "groupObjectId", "").key, parts[0]}
	}
	if old, now := j.sides[before], j.sides[after]; old != nil && now != nil {
		m.keepID(step, "memberObjectId", old.member, &now.member)
		group := Principal{key: now.group}
		m.keepID(step, "groupObjectId", Principal{ID: text(step.Old.Inputs["groupObjectId"]), key: old.group}, &group)
		now.group = group.key
	}
	if !j.stays() {
		m.note(fmt.Sprintf("Who is in group %s also has what it was granted outside of this stack.", parts[0]))
	}
	return j, true
}

// inModel reports whether the models have the member in the group at each side at which the membership exists: a
// component may have children that it did not make.
func (m *maker) inModel(step engine.Step, group, member string) bool {
	for when, s := range map[side]*engine.State{before: step.Old, after: step.New} {
		if s == nil {
			continue
		}
		plan := m.components[m.owner(step.URN)].side(when)
		if plan == nil || plan.Model.Groups()[member] != group {
			return false
		}
		id, has := plan.Model.Invokers[group].PrincipalID.Text(), text(s.Inputs["groupObjectId"])
		if id != "" && has != "" && !strings.EqualFold(id, has) {
			return false
		}
	}
	return true
}

// from returns the principal in a property of a resource: by ID, or by the source of the ID.
func (m *maker) from(s *engine.State, property, name string) Principal {
	if id := text(s.Inputs[property]); id != "" {
		return Principal{Name: name, ID: id, key: strings.ToLower(id)}
	}
	from := dependency(s, property)
	return Principal{Name: name, Note: "not known before the deployment", key: cmp.Or(from, s.URN)}
}

// keepID restores the old ID of a principal that has not changed, but whose ID the preview shows as unknown.
func (m *maker) keepID(step engine.Step, property string, old Principal, now *Principal) {
	from := dependency(step.New, property)
	if old.ID != "" && text(step.New.Inputs[property]) == "" && from != "" && from == dependency(step.Old, property) &&
		!m.isMade(from) {
		*now = old
	}
}

// hiddenJoinings returns the memberships that a preview leaves out because they do not change.
func (m *maker) hiddenJoinings() (all []joining) {
	if m.p.Hidden == 0 {
		return nil
	}
	for urn, c := range m.components {
		if c.old == nil || c.now == nil {
			continue
		}
		was := c.old.Model.Groups()
		for member, group := range c.now.Model.Groups() {
			id := membershipURN(urn, group, member)
			if _, shown := m.index.steps[id]; shown || was[member] != group {
				continue
			}
			s := &memberIn{m.declaredPrincipal(urn, c.now, access.InvokerPrincipal(member)),
				m.declaredPrincipal(urn, c.now, access.InvokerPrincipal(group)).key, group}
			all = append(all, joining{id, [2]*memberIn{s, s}})
		}
	}
	return all
}

// membershipURN is the URN of the membership in the component.
func membershipURN(componentURN, group, member string) string {
	return childURN(componentURN, groupMember, "."+group+"."+member)
}

// membersMissing returns the memberships of the model that do not exist at one side of the preview, like left for
// assignments.
func (m *maker) membersMissing(urn string, c component, when side) (missing []string) {
	model, other := c.side(when), c.side(after-when)
	there := map[string]string{}
	if other != nil && m.p.Hidden > 0 {
		there = other.Model.Groups()
	}
	for member, group := range model.Model.Groups() {
		id := membershipURN(urn, group, member)
		if _, shown := m.index.steps[id]; m.index.state(id, when) == nil && (shown || there[member] != group) {
			missing = append(missing, "member "+member+" of group "+group)
		}
	}
	return missing
}
