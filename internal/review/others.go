package review

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/batchaccess/batchaccess/internal/engine"
	"github.com/batchaccess/batchaccess/internal/guardrails"
)

// An OtherAccess is access by another way than a role assignment, a federated credential or a secret of an application:
// see facts/grants-access.md.
type OtherAccess struct {
	Change   string `json:"change"` // made, changed, replaced, taken away
	Type     string `json:"type"`
	Resource string `json:"resource"` // its name in the program
	What     string `json:"what"`     // what it gives, to whom and where, as far as the resource shows it
	// Unseen is set if the preview can't show what the resource does.
	Unseen bool   `json:"unseen,omitempty"`
	Risk   Risk   `json:"risk"`
	URN    string `json:"urn"`
}

// An UnjudgedType is a type with changed resources of which it is not known whether they give access.
type UnjudgedType struct {
	Type  string `json:"type"`
	Count int    `json:"count"`
	// Resources are their names in the program.
	Resources []string `json:"resources"`
	// Inputs are set if the type is known and these inputs are not.
	Inputs []string `json:"inputs,omitempty"`
}

var changeWords = map[bool]map[string]string{
	false: {"create": "made", "replace": "replaced", "update": "changed", "import": "imported"},
	true:  {"delete": "taken away"},
}

// componentPrefix begins the types of this project's components, which are nothing in Azure.
const componentPrefix = "batchaccess:index:"

// others judges every changed resource by its type: it gives no access, it gives access, or it is not known.
func (m *maker) others() {
	unjudged := map[string]*UnjudgedType{}
	decided := map[string]int{}
	understood := false
	for _, s := range m.p.Steps {
		r := m.resource(s)
		understood = understood || guardrails.Knows(r.Type)
		if engine.IsContext(s.Op) {
			continue
		}
		l := guardrails.LookAt(r)
		d, isDecided := m.o.Guardrails.Decided(r.Type)
		understood = understood || l.Judged || isDecided
		isComponent := (s.New == nil || s.New.Component) && (s.Old == nil || s.Old.Component)
		component := guardrails.Guessed(r.Type) && isComponent
		if !isComponent && strings.HasPrefix(r.Type, componentPrefix) { // its plugin may do anything
			l.Judged, l.Unjudged = false, nil
		}
		add := func(what string, risk Risk) {
			m.r.Other = append(m.r.Other, OtherAccess{
				cmp.Or(changeWords[r.Gone][s.Op], s.Op), r.Type, engine.ShownName(s.URN), m.named(what), l.Unseen, risk, s.URN,
			})
			m.r.NewAccess = m.r.NewAccess || risk != Low
		}
		if k := kind(r.Type); k != guardrails.Compute &&
			k != guardrails.ComputeCluster { // the section on identities reports those of a cluster
			for _, id := range l.Identities {
				add("runs as "+cmp.Or(lastPart(id), "an identity that is not known yet")+", an identity that is not made here, "+
					"with all that it has", High)
			}
		}
		switch {
		case component:
		case isDecided:
			decided[fmt.Sprintf("%s: %s", d.Type, d.Reason)]++
		case l.Gives != "":
			add(l.Sentence(r), Risk(l.Severity))
		case l.Goes:
			add("is taken away", Low)
		}
		if isDecided || component || l.Judged && len(l.Unjudged) == 0 {
			continue
		}
		key := r.Type + " " + strings.Join(l.Unjudged, ", ")
		u := unjudged[key]
		if u == nil {
			u = &UnjudgedType{Type: r.Type, Inputs: l.Unjudged}
			unjudged[key] = u
		}
		u.Count++
		u.Resources = append(u.Resources, engine.ShownName(s.URN))
	}
	for _, key := range slices.Sorted(maps.Keys(unjudged)) {
		m.r.Unjudged = append(m.r.Unjudged, *unjudged[key])
	}
	for _, text := range slices.Sorted(maps.Keys(decided)) {
		m.note(fmt.Sprintf("%d changed resources of a type that was decided on in guardrails.yaml: %s", decided[text], text))
	}
	for _, d := range m.o.Guardrails.DecidedTypes {
		if !guardrails.Guessed(d.Type) {
			m.note(fmt.Sprintf("guardrails.yaml decides on %s, without effect: it is known what this type gives, and each "+
				"resource of it is judged. Take it out, and waive single resources.", d.Type))
		}
	}
	if !understood && len(m.p.Unread) == 0 && !(m.p.Ours && len(m.p.Steps) == 0 && m.p.Hidden > 0) {
		m.unread("there is no role, assignment, application, cluster or batchaccess component in it: it is a preview of " +
			"another program, or hides what is unchanged; preview again with --show-sames")
	}
}

// resource returns the resource for the guardrails, with what only the whole preview knows: what an assigned role
// allows, and which sources of an identity are made with the resource.
func (m *maker) resource(s engine.Step) guardrails.Resource {
	r := s.Resource()
	r.Whole = true
	if r.Kind() == groupMember && !engine.IsForeign(s.Op) {
		_, r.Ours = m.joining(s)
	}
	for _, property := range []string{"roleDefinitionId", "groupObjectId"} {
		if id, known := r.Inputs[property].(string); known && len(r.Dependencies[property]) > 0 {
			r.Dependencies = maps.Clone(r.Dependencies)
			r.Dependencies[property] = slices.DeleteFunc(slices.Clone(r.Dependencies[property]), func(urn string) bool {
				return !m.comesFrom(urn, id)
			})
		}
	}
	switch {
	case kind(r.Type) == guardrails.RoleAssignment && s.New != nil:
		if given := m.roleOf(s.New, after); given.known {
			r.Role = given.definition()
		}
		// A role that the program only reads is judged nowhere else.
		isRead := func(urn string) bool { return engine.IsForeign(m.index.steps[urn].Op) }
		if from := r.Dependencies["roleDefinitionId"]; slices.ContainsFunc(from, isRead) {
			r.Dependencies = maps.Clone(r.Dependencies)
			r.Dependencies["roleDefinitionId"] = slices.DeleteFunc(slices.Clone(from), isRead)
		}
	case len(r.Dependencies["identity"]) > 0:
		r.Dependencies = maps.Clone(r.Dependencies)
		r.Dependencies["identity"] = m.madeFor(r.Dependencies["identity"], s.New, r.Inputs["identity"])
	case r.Type == guardrails.ComputeCluster && len(r.Dependencies["cluster"]) > 0:
		cluster, _ := r.Inputs["cluster"].(map[string]any)
		r.Dependencies = maps.Clone(r.Dependencies)
		r.Dependencies["cluster"] = m.madeFor(r.Dependencies["cluster"], s.New, map[string]any{
			"identityIds": []any{cluster["userAssignedIdentityId"]}})
	}
	if r.Kind() == guardrails.Compute && s.New != nil {
		r.Named = namedBy(m.index.state(s.New.Parent, after))
	}
	return r
}

// madeFor returns the sources of an identity that account for one of its IDs: each resource that is made with it, for
// an unknown ID or for the ID that it has.
func (m *maker) madeFor(from []string, s *engine.State, identity any) (urns []string) {
	ids := guardrails.IdentityIDs(identity)
	for _, urn := range from {
		if kind(engine.TypeOf(urn)) != userAssignedIdentity {
			continue
		}
		at := slices.IndexFunc(ids, func(id string) bool {
			state := m.index.state(urn, after)
			return id == "" || state != nil && strings.EqualFold(id, state.ID)
		})
		if at >= 0 && m.madeBeside(urn, s) {
			ids = slices.Delete(ids, at, at+1)
			urns = append(urns, urn)
		}
	}
	return urns
}

// namedBy returns the identities that a ComputeCluster is given, in lower case; "" for an unknown one.
func namedBy(s *engine.State) (ids []string) {
	if s == nil || s.Type != guardrails.ComputeCluster {
		return nil
	}
	cluster, _ := s.Inputs["cluster"].(map[string]any)
	list, _ := cluster["moreIdentityIds"].([]any)
	for _, id := range append(list, cluster["userAssignedIdentityId"]) {
		if id != nil {
			ids = append(ids, strings.ToLower(text(id)))
		}
	}
	return ids
}

// madeBeside reports whether an identity is made by the same change, or by the same component, as the resource that
// gets it. Then nobody has granted it anything else.
func (m *maker) madeBeside(urn string, s *engine.State) bool {
	if m.isMade(urn) {
		return true
	}
	parts, own := strings.SplitN(urn, "::", 4), strings.SplitN(s.URN, "::", 4)
	parents := strings.TrimSuffix(own[2], engine.TypeOf(s.URN))
	return strings.HasSuffix(parents, guardrails.ComputeCluster+"$") && strings.HasPrefix(parts[2], parents) &&
		parts[3] == own[3]+".identity"
}

// lastPart returns the name at the end of an ARM ID.
func lastPart(id string) string { return id[strings.LastIndex(id, "/")+1:] }
