package review

import (
	"maps"
	"slices"
	"strings"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/internal/engine"
	"github.com/batchaccess/batchaccess/internal/guardrails"
	"github.com/batchaccess/batchaccess/internal/problem"
	"github.com/batchaccess/batchaccess/roles"
)

// A component is a BatchEndpointAccess: its plan before and after, nil if it does not exist or can't be read.
type component struct {
	old, now *access.Plan
	owners   map[string]string // owners, by path in the configuration
}

func (c component) side(when side) *access.Plan {
	if when == after {
		return c.now
	}
	return c.old
}

// models reads the models in the components' inputs, which are their configurations.
func (m *maker) models() {
	m.components = map[string]component{}
	for urn, s := range m.index.steps {
		if engine.TypeOf(urn) == accessComponent {
			m.components[urn] = component{old: m.plan(s.Old), now: m.plan(s.New)}
		}
	}
	for _, urn := range slices.Sorted(maps.Keys(m.components)) {
		c := m.components[urn]
		for _, plan := range []*access.Plan{c.now, c.old} {
			if plan == nil {
				continue
			}
			for _, name := range slices.Sorted(maps.Keys(plan.Model.Invokers)) {
				i := plan.Model.Invokers[name]
				id := strings.ToLower(i.PrincipalID.Text())
				// Entra's answer has priority over the configuration.
				if known := knownAs(i); known != "" && id != "" && m.index.people[id] == "" {
					m.index.people[id] = known
				}
			}
		}
	}
}

func (m *maker) plan(s *engine.State) *access.Plan {
	if s == nil {
		return nil
	}
	_, plan, problems, err := engine.Plan(s.Known())
	if err == nil {
		return plan
	}
	wrong := problems.Without(problem.Violation)
	first := slices.IndexFunc(wrong, func(p problem.Problem) bool { return !p.Warning })
	path := "the model"
	if first >= 0 {
		path = wrong[first].Path
	}
	m.unread("the inputs of BatchEndpointAccess " + engine.ShownName(s.URN) + " can't be read as a model (first at " +
		engine.Clip(path) + "), so its jobs are not judged")
	return nil
}

// assignmentURN is the URN of the assignment of a grant in the component.
func assignmentURN(componentURN string, g access.Grant) string {
	at := func(parent, end string) string {
		return childURN(componentURN, parent+"$"+guardrails.RoleAssignment, "."+end)
	}
	switch part := partOf(g); {
	case g.Scope.Level == access.AtEndpoint:
		return at(guardrails.InvokerRole, "endpoint."+g.Scope.Endpoint+"."+g.Principal.Name)
	case part != "":
		return at(guardrails.InvokerRole, part+"."+g.Principal.Name)
	case g.Scope.OfInvokers():
		return at(guardrails.InvokerRole, g.Principal.Name)
	}
	component, name := inComponent(g)
	return at(component, name+"."+g.Principal.Kind+"."+g.Principal.Name)
}

// inComponent returns the type and name of the component that makes a grant of any role but the invokers' role.
func inComponent(g access.Grant) (component, name string) {
	switch {
	case g.OfService():
		component = guardrails.JobService
	case g.Writes():
		component = guardrails.StorageContributor
	default:
		component = guardrails.StorageReader
	}
	return component, g.ResourceName()
}

// partOf returns the part of the invokers' role that a grant gives; "" for the whole role, and for any other role.
func partOf(g access.Grant) string {
	for _, part := range []access.Level{access.AtEndpoint, access.AtWorkspace} {
		if strings.HasSuffix(g.Role, " ("+string(part)+")") && g.Scope.OfInvokers() {
			return string(part)
		}
	}
	return ""
}

// A hiddenPair is an assignment that the preview leaves out because it does not change.
type hiddenPair struct{ old, new assignment }

// hidden returns assignments that are not shown and still matter for the review: those of the components before and
// after, and, if a role changes, an assignment for whoever else may have that role.
func (m *maker) hidden() (all []hiddenPair) {
	if m.p.Hidden == 0 {
		return nil
	}
	covered := map[string]bool{}
	for urn, c := range m.components {
		if c.old == nil || c.now == nil {
			continue
		}
		now := map[string]access.Grant{}
		for _, g := range c.now.Grants {
			now[assignmentURN(urn, g)] = g
		}
		covered[urn] = true
		for _, g := range c.old.Grants {
			id := assignmentURN(urn, g)
			if _, shown := m.index.steps[id]; shown {
				continue
			}
			if _, stays := now[id]; !stays {
				continue
			}
			old, known := m.fromGrant(urn, c.old, g, id, before)
			new, knownAfter := m.fromGrant(urn, c.now, now[id], id, after)
			if known && knownAfter {
				new.principal = old.principal
				all = append(all, hiddenPair{old, new})
			}
		}
	}
	for _, s := range m.index.steps {
		if kind(engine.TypeOf(s.URN)) != guardrails.RoleDefinition || s.Old == nil || s.New == nil ||
			covered[m.owner(s.URN)] {
			continue
		}
		who := Principal{Name: "whoever holds " + definition(s.New, after).name,
			Note: "assignments that do not change are not in the preview", key: "holders of " + s.URN}
		all = append(all, hiddenPair{
			assignment{urn: s.URN, principal: who, role: definition(s.Old, before), scope: text(s.Old.Inputs["scope"])},
			assignment{urn: s.URN, principal: who, role: definition(s.New, after), scope: text(s.New.Inputs["scope"])},
		})
	}
	return all
}

// fromGrant returns the assignment of a grant of a model. Only the name of its principal may be known.
func (m *maker) fromGrant(componentURN string, plan *access.Plan, g access.Grant, urn string, when side) (assignment,
	bool) {
	model := plan.Model
	scope, err := model.ScopeID(g.Scope)
	a := assignment{condition: g.Condition, urn: urn, principal: m.declaredPrincipal(componentURN, plan, g.Principal),
		scope: scope}
	ok := true
	switch {
	case g.Scope.OfInvokers() && model.Role.Made():
		end := partOf(g)
		if end != "" {
			end = "." + end
		}
		made := childURN(componentURN, guardrails.InvokerRole+"$"+guardrails.RoleDefinition, end)
		if a.role, ok = m.index.definitions[made][when]; !ok { // the shown definition has priority over the declared one
			a.role, ok = m.declared(made, when)
		}
	case g.Scope.OfInvokers() && model.Role.RoleDefinitionID.Given() && !model.Role.RoleDefinitionID.Later():
		var described bool
		if a.role, described = m.existing(urn, when); !described {
			guid := strings.ToLower(model.Role.RoleDefinitionGUID())
			a.role = role{key: guid, name: "the role " + guid}
		}
	default:
		d := roles.OfStorage(g.Role)
		ok = d.RoleName != ""
		if g.Role == roles.StorageBlobPathWriter {
			component, name := inComponent(g)
			made := childURN(componentURN, component+"$"+guardrails.RoleDefinition, "."+name)
			shown, is := m.index.definitions[made][when]
			if is {
				a.role = shown
				break
			}
			d.ID = strings.ToLower(made)
		}
		a.role = role{key: d.ID, name: d.RoleName, permissions: d.Permissions, known: true, when: when}
	}
	return a, ok && err == nil
}

// declaredPrincipal returns a principal of a model, with its ID if that is known.
func (m *maker) declaredPrincipal(componentURN string, plan *access.Plan, p access.Principal) Principal {
	known := Principal{Name: p.String(), key: componentURN + " " + p.String()}
	if !p.IsCluster() {
		known.Known = knownAs(plan.Model.Invokers[p.Name])
	}
	if id := plan.Model.Invokers[p.Name].PrincipalID.Text(); !p.IsCluster() && id != "" {
		known.ID, known.key = id, strings.ToLower(id)
		m.index.labels[known.key] = known.Name
	} else if id := m.otherID(componentURN, p); id != "" {
		known.ID, known.key = id, strings.ToLower(id)
	}
	return known
}

// otherID returns the ID of a principal from another assignment, or a membership, that is shown.
func (m *maker) otherID(componentURN string, p access.Principal) string {
	if m.index.ids == nil {
		m.index.ids = map[string]string{}
		for _, s := range m.p.Steps {
			for _, state := range []*engine.State{s.New, s.Old} { // the old state has priority
				if state == nil {
					continue
				}
				switch k := kind(engine.TypeOf(s.URN)); {
				case k == guardrails.RoleAssignment:
					m.identify(s.URN, assigneeName(s.URN), text(state.Inputs["principalId"]))
				case k == groupMember:
					parts := strings.Split(engine.NameOf(s.URN), ".")
					if n := len(parts); n > 2 {
						m.identify(s.URN, access.InvokerPrincipal(parts[n-1]).String(), text(state.Inputs["memberObjectId"]))
						m.identify(s.URN, access.InvokerPrincipal(parts[n-2]).String(), text(state.Inputs["groupObjectId"]))
					}
				}
			}
		}
	}
	return m.index.ids[componentURN+" "+p.String()]
}

func (m *maker) identify(urn, name, id string) {
	if owner := m.owner(urn); id != "" && owner != "" {
		m.index.ids[owner+" "+name] = id
	}
}
