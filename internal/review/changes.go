package review

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/internal/arm"
	"github.com/batchaccess/batchaccess/internal/cloud"
	"github.com/batchaccess/batchaccess/internal/engine"
	"github.com/batchaccess/batchaccess/internal/guardrails"
	"github.com/batchaccess/batchaccess/internal/rolediff"
	"github.com/batchaccess/batchaccess/internal/visible"
	"github.com/batchaccess/batchaccess/roles"
)

// A RoleChange is a role definition that is made or removed, or that now allows something else.
type RoleChange struct {
	Change string         `json:"change"` // made, removed, widened, narrowed, changed
	Role   string         `json:"role"`
	Gained []roles.Action `json:"gained,omitempty"`
	Lost   []roles.Action `json:"lost,omitempty"`
	Risk   Risk           `json:"risk"`
	URN    string         `json:"urn"`
}

func (m *maker) roleChanges() {
	for _, s := range m.p.Steps {
		if kind(engine.TypeOf(s.URN)) != guardrails.RoleDefinition || engine.IsForeign(s.Op) {
			continue
		}
		var old, now role
		c := RoleChange{URN: s.URN, Risk: Low}
		switch {
		case s.Old == nil:
			now = definition(s.New, after)
			c.Change = "made"
		case s.New == nil:
			old = definition(s.Old, before)
			c.Change = "removed"
		default:
			old, now = definition(s.Old, before), definition(s.New, after)
		}
		for _, r := range []role{old, now} {
			if r.name != "" {
				c.Role = r.name
			}
			if r.key != "" && !r.known {
				m.unread("the permissions of " + r.name + " are not all known, so what it allows is undecided")
			}
		}
		c.Gained = rolediff.Difference(now.permissions, old.permissions)
		c.Lost = rolediff.Difference(old.permissions, now.permissions)
		switch gained, lost := len(c.Gained) > 0, len(c.Lost) > 0; {
		case c.Change != "":
		case gained && lost:
			c.Change = "changed"
		case gained:
			c.Change = "widened"
		case lost:
			c.Change = "narrowed"
		default:
			continue
		}
		c.Risk = higher(c.Risk, riskOf(c.Gained))
		m.r.Roles = append(m.r.Roles, c)
	}
}

// A SecretChange is a client secret that is made, removed or rotated, or that ends soon.
type SecretChange struct {
	Change string `json:"change"` // made, removed, rotated, ends soon, ended
	Secret string `json:"secret"` // its name; never its value
	As     string `json:"as"`     // whom it signs in as, by the name for people
	Ends   string `json:"ends,omitempty"`
	What   string `json:"what"`
	Risk   Risk   `json:"risk"`
	URN    string `json:"urn"`

	invoker string // the invoker that it signs in as, by name in the configuration; "" for others
}

func (m *maker) secrets() {
	shown := map[string]bool{}
	for _, s := range m.p.Steps {
		noun, is := map[string]string{guardrails.Password: "client secret ",
			guardrails.Certificate: "certificate "}[kind(engine.TypeOf(s.URN))]
		if !is {
			continue
		}
		name := noun + engine.Clip(trimOwner(s.URN))
		shown[trimOwner(s.URN)] = true
		add := func(change, what string, risk Risk, of *engine.State) {
			m.r.Secrets = append(m.r.Secrets, SecretChange{change, name, m.target(of), text(of.Inputs["endDate"]), what, risk,
				s.URN, m.signsInAs(of)})
		}
		switch {
		case engine.IsContext(s.Op):
		case s.Old == nil:
			m.r.NewAccess = true
			add("made", "one more way to sign in; its value is in the state, encrypted", Medium, s.New)
		case s.New == nil:
			add("removed", "whoever signs in with it can't any more", Medium, s.Old)
		case m.moves(s):
			m.r.NewAccess = true
			add("moved", "one more way to sign in; it was one for "+m.target(s.Old), High, s.New)
		case noun == "certificate " && s.Op != "same":
			m.r.NewAccess = true // nobody knows whose key it is
			add("changed", "another certificate signs in", Medium, s.New)
		case s.Op == "replace" || s.Op == "update" && s.Old.Inputs["endDate"] != s.New.Inputs["endDate"]:
			add("rotated", "the old value ends at once: whoever signs in with it can't until given the new one; to rotate "+
				"without a gap, add a second secret first", Medium, s.New)
		}
		if s.New != nil {
			m.ending(SecretChange{Secret: name, As: m.target(s.New), Ends: text(s.New.Inputs["endDate"]), URN: s.URN,
				invoker: m.signsInAs(s.New)})
		}
	}
	for urn, c := range m.components { // unchanged secrets are not shown, but the component names them
		if c.now == nil {
			continue
		}
		for invoker, i := range c.now.Model.Invokers {
			as := m.invoker(urn, c.now, invoker)
			for key, secret := range i.ClientSecrets {
				if _, end, wrong := secret.Period(); wrong == nil && !shown[invoker+"."+key] {
					m.ending(SecretChange{Secret: "client secret " + invoker + "." + key, As: as, Ends: end.Format(time.RFC3339),
						URN: urn, invoker: invoker})
				}
			}
		}
	}
}

// ending records a secret that ends soon or has ended.
func (m *maker) ending(c SecretChange) {
	end, err := time.Parse(time.RFC3339, c.Ends)
	if err != nil {
		return // the guardrail secret-lifetime reports those
	}
	switch left := end.Sub(m.o.Now); {
	case left <= 0:
		c.Change, c.What = "ended", "nobody can sign in with it"
	case left <= m.o.ExpireSoon:
		c.Change, c.What = "ends soon", fmt.Sprintf("ends in %s; add its successor now",
			visible.Counted(int(left.Hours()/24), "day"))
	default:
		return
	}
	c.Risk = Medium
	m.r.Secrets = append(m.r.Secrets, c)
}

// trimOwner returns a resource's name without the component's name before the first dot.
func trimOwner(urn string) string {
	name := engine.NameOf(urn)
	if _, rest, ok := strings.Cut(name, "."); ok && strings.Contains(rest, ".") {
		return rest
	}
	return name
}

// A FederationChange is a subject that may now sign in as an application, or may not any more.
type FederationChange struct {
	Change string `json:"change"` // added, changed, removed
	Name   string `json:"name"`
	As     string `json:"as"`               // whom it signs in as, by the name for people
	Before string `json:"before,omitempty"` // issuer and subject
	After  string `json:"after,omitempty"`
	Risk   Risk   `json:"risk"`
	URN    string `json:"urn"`

	invoker string // the invoker that it signs in as, by name in the configuration; "" for others
}

// targetURN returns the resource that a credential signs in as; "" if the preview does not say.
func (m *maker) targetURN(s *engine.State) string {
	id := text(s.Inputs[guardrails.Target])
	for _, property := range []string{"applicationId", "servicePrincipalId", "parentId", "userAssignedIdentityId",
		"resourceName"} {
		if from := dependency(s, property); from != "" && (id == "" || m.comesFrom(from, id)) {
			return from
		}
	}
	return ""
}

// signsInAs returns the name of the invoker that a credential signs in as; "" for others, and if only the program says
// that it is an invoker's.
func (m *maker) signsInAs(s *engine.State) (invoker string) {
	from := m.targetURN(s)
	if _, shown := m.index.steps[from]; shown {
		_, invoker = m.invokerAt(from)
	}
	return invoker
}

// target returns whom a credential signs in as, by the name for people, with the ID if that is known.
func (m *maker) target(s *engine.State) string {
	if s == nil {
		return "nothing"
	}
	id := text(s.Inputs[guardrails.Target])
	if from := m.targetURN(s); from != "" {
		name := m.madeAs(from)
		if _, shown := m.index.steps[from]; !shown && id != "" { // the ID may be computed from another one
			name = engine.Clip(lastPart(id)) + " (by what it depends on: " + name + ")"
		}
		return name
	}
	if id != "" {
		return m.named(engine.Clip(lastPart(id)))
	}
	return "an application that is not known yet"
}

// madeAs returns the name of a principal that the program makes: the invoker, or its name in the program with the one
// for people.
func (m *maker) madeAs(urn string) string {
	if plan, invoker := m.invokerAt(urn); plan != nil {
		return m.invoker(m.owner(urn), plan, invoker)
	}
	if known := m.knownAt(urn); known != "" && known != engine.NameOf(urn) {
		return called(urn) + " (" + known + ")"
	}
	return called(urn)
}

// invokerAt returns the invoker that a resource of the program is, and the plan that has it; nil if it is none.
func (m *maker) invokerAt(urn string) (*access.Plan, string) {
	at := m.owner(urn)
	invoker, _, _ := strings.Cut(strings.TrimPrefix(engine.NameOf(urn), engine.NameOf(at)+"."), ".")
	for _, plan := range []*access.Plan{m.components[at].now, m.components[at].old} {
		if plan != nil && plan.Model.Invokers[invoker].Kind != "" {
			return plan, invoker
		}
	}
	return nil, ""
}

// invoker returns an invoker of a plan by the name for people, with the owner.
func (m *maker) invoker(urn string, plan *access.Plan, name string) string {
	p := m.declaredPrincipal(urn, plan, access.InvokerPrincipal(name))
	p.Owner = m.ownerOf(urn, p)
	return p.String()
}

// knownAt returns the name for people of a principal of the program; its name in the program while its IDs are unknown.
func (m *maker) knownAt(urn string) string {
	for _, when := range []side{after, before} {
		state := m.index.state(urn, when)
		if state == nil {
			continue
		}
		if known := m.index.people[strings.ToLower(lastSegment(state.ID))]; known != "" {
			return known
		}
		if name := cmp.Or(text(state.Inputs["displayName"]), text(state.Inputs["resourceName"])); name != "" {
			return engine.Clip(name)
		}
	}
	return ""
}

// moves reports whether a credential now signs in as something else. If only the same application's ID is shown as
// unknown, it does not move.
func (m *maker) moves(s engine.Step) bool {
	old, now := s.Old.Inputs[guardrails.Target], s.New.Inputs[guardrails.Target]
	was, oldKnown := old.(string)
	is, nowKnown := now.(string)
	if oldKnown && nowKnown {
		return !arm.Same(was, is)
	}
	from := m.target(s.New)
	return from != m.target(s.Old) || slices.ContainsFunc(slices.Concat(s.New.Dependencies["applicationId"],
		s.New.Dependencies["servicePrincipalId"]), m.isMade)
}

// usualAudience reports whether a federated credential's audiences are the usual one: the audience of the cloud of the
// stack's components, or Pulumi ESC's for the organization in the subject (facts/federation.md).
func (m *maker) usualAudience(audiences, subject string) bool {
	exchange := cloud.Public().ExchangeAudience
	for _, c := range m.components {
		for _, plan := range []*access.Plan{c.now, c.old} {
			if plan != nil && plan.Model.Environment != "" {
				exchange = plan.Model.ExchangeAudience()
			}
		}
	}
	own := strings.TrimSuffix(strings.TrimPrefix(audiences, "["), "]")
	organization, esc := strings.CutPrefix(subject, "pulumi:environments:org:")
	organization, _, _ = strings.Cut(organization, ":")
	return own == exchange || esc && organization != "" && own == "azure:"+organization
}

func (m *maker) federation() {
	claims := func(s *engine.State) string {
		if s == nil {
			return ""
		}
		part := func(v any) string {
			if unknown, is := v.(guardrails.Marker); is {
				return "(" + string(unknown) + ")"
			}
			return text(v)
		}
		subject := part(s.Inputs["subject"])
		if s.Inputs["claimsMatchingExpression"] != nil {
			subject = "whatever matches " + subject
		}
		whole := subject + " of " + strings.TrimPrefix(part(s.Inputs["issuer"]), "https://")
		if audiences := fmt.Sprint(s.Inputs["audiences"]); !m.usualAudience(audiences, subject) {
			whole += " for " + audiences
		}
		return whole
	}
	for _, s := range m.p.Steps {
		if kind(engine.TypeOf(s.URN)) != guardrails.Federation {
			continue
		}
		c := FederationChange{Name: "federated credential " + engine.Clip(trimOwner(s.URN)), Before: claims(s.Old),
			After: claims(s.New), Risk: Medium, URN: s.URN}
		moved := s.Old != nil && s.New != nil && !engine.IsContext(s.Op) && m.moves(s)
		c.As, c.invoker = m.target(cmp.Or(s.New, s.Old)), m.signsInAs(cmp.Or(s.New, s.Old))
		if moved {
			c.Before += ", signs in as " + m.target(s.Old)
		}
		switch {
		case c.Before == c.After && !moved:
			continue
		case moved:
			c.Change, c.Risk = "moved", High
		case s.Old == nil:
			c.Change = "added"
		case s.New == nil:
			c.Change, c.Risk = "removed", Low
		default:
			c.Change = "changed"
		}
		m.r.NewAccess = m.r.NewAccess || s.New != nil
		m.r.Federation = append(m.r.Federation, c)
	}
}

// An IdentityChange is a managed identity that is replaced by another one. The new one does not have what the old one
// was granted, here or elsewhere: a replacement revokes that without a warning.
type IdentityChange struct {
	Change string `json:"change"` // replaced, removed, added
	Of     string `json:"of"`     // whose identity
	Before string `json:"before"`
	After  string `json:"after"`
	What   string `json:"what"`
	Risk   Risk   `json:"risk"`
	URN    string `json:"urn"`

	about about
}

const actsAs = "jobs on the cluster can act as an identity that exists, with all that it has"

const revokes = "what the old identity was given outside of this stack is lost without a warning"

func (m *maker) identities() {
	for _, s := range m.p.Steps {
		c := IdentityChange{Of: called(s.URN), URN: s.URN, Risk: Medium}
		switch k := kind(engine.TypeOf(s.URN)); {
		case k == userAssignedIdentity && s.Op == "replace":
			c.Change, c.Before, c.After, c.What = "replaced", "user-assigned", "a new one", revokes
		case k == userAssignedIdentity && s.New == nil:
			c.Change, c.Before, c.After, c.What = "removed", "user-assigned", "none", revokes
		case k != guardrails.Compute || engine.IsContext(s.Op):
			continue
		case s.Old == nil:
			if len(m.given(s)) == 0 {
				continue // an identity of its own has only what is granted here
			}
			c.Change, c.Before, c.After, c.Risk = "added", "none", identityOf(s.New).String(), High
			c.What, m.r.NewAccess = actsAs, true
		case s.New == nil:
			c.Change, c.Before, c.After, c.What = "removed", identityOf(s.Old).String(), "none", "the cluster is deleted, and "+
				"its identity with it"
		default:
			old, now := identityOf(s.Old), identityOf(s.New)
			c.Before, c.After = old.String(), now.String()
			if from := dependency(s.New, "identity"); from != "" {
				c.After = strings.Replace(c.After, "("+notKnown+")", "("+called(from)+", "+notKnown+")", 1)
			}
			switch {
			case s.Op == "replace" && old.system:
				c.Change, c.What = "replaced", "the cluster is made anew, and its system-assigned identity with it: "+revokes
			case !m.identityChanges(s.URN):
				continue
			case now.String() == "none":
				c.Change, c.What = "removed", "no job on it can mount data by identity; "+revokes
			default:
				c.Change, c.What = "replaced", revokes
			}
			if len(m.given(s)) > 0 {
				m.r.NewAccess, c.Risk = true, High
				c.What = actsAs + "; " + c.What
			}
		}
		c.about = m.ofIdentity(s.URN)
		m.r.Identities = append(m.r.Identities, c)
	}
}

func runsOn(e access.Endpoint, cluster string) bool {
	for _, d := range e.Deployments {
		if d.Cluster == cluster {
			return true
		}
	}
	return e.Cluster == cluster
}

// ofIdentity returns what the identity of a cluster, or one that is made, is about: the endpoints on the cluster, or
// the invoker.
func (m *maker) ofIdentity(urn string) (of about) {
	at := m.owner(urn)
	name := strings.TrimPrefix(engine.NameOf(urn), engine.NameOf(at)+".")
	cluster, is := strings.CutSuffix(name, ".identity")
	if !is && kind(engine.TypeOf(urn)) != guardrails.Compute {
		_, invoker := m.invokerAt(urn)
		return ofInvoker(invoker)
	}
	for _, plan := range []*access.Plan{m.components[at].old, m.components[at].now} {
		if plan == nil {
			continue
		}
		endpoints := plan.Model.EffectiveEndpoints()
		for endpoint, e := range endpoints {
			if runsOn(e, cluster) {
				of.endpoints = append(of.endpoints, endpoint)
			}
		}
	}
	slices.Sort(of.endpoints)
	of.endpoints = slices.Compact(of.endpoints)
	return of
}

// given returns the identities that a cluster gets and that are not made with it, whoever makes the cluster.
func (m *maker) given(s engine.Step) []string {
	r := m.resource(s)
	r.URN = "" // to judge its own inputs, also if a component made it
	return guardrails.LookAt(r).Identities
}

// An identity says which managed identities a cluster has.
type identity struct {
	system   bool
	assigned []string // ARM IDs in lower case, sorted
}

const notKnown = "not known yet"

func identityOf(s *engine.State) (i identity) {
	in, _ := s.Inputs["identity"].(map[string]any)
	i.system = strings.Contains(strings.ToLower(text(in["type"])), "systemassigned")
	add := func(v any) {
		if id := text(v); id != "" {
			i.assigned = append(i.assigned, strings.ToLower(id))
		} else {
			i.assigned = append(i.assigned, notKnown)
		}
	}
	switch ids := in["userAssignedIdentities"].(type) {
	case []any:
		for _, id := range ids {
			add(id)
		}
	case map[string]any:
		for id := range ids {
			add(id)
		}
	case guardrails.Marker:
		add(ids)
	}
	slices.Sort(i.assigned)
	return i
}

func (i identity) String() string {
	var parts []string
	if i.system {
		parts = append(parts, "system-assigned")
	}
	for _, id := range i.assigned {
		parts = append(parts, "user-assigned ("+id[strings.LastIndex(id, "/")+1:]+")")
	}
	if len(parts) == 0 {
		return "none"
	}
	return strings.Join(parts, " and ")
}

// mountsAsAnother reports whether a cluster's default identity changes: the system-assigned one, if it has one.
func (m *maker) mountsAsAnother(urn string) bool {
	s := m.index.steps[urn]
	if s.Old != nil && s.New != nil && identityOf(s.Old).system && identityOf(s.New).system {
		return false
	}
	return m.identityChanges(urn)
}

// identityChanges reports whether a cluster gets another default identity or more identities than before.
func (m *maker) identityChanges(urn string) bool {
	s, ok := m.index.steps[urn]
	if !ok || s.Old == nil || s.New == nil || kind(engine.TypeOf(urn)) != guardrails.Compute {
		return false
	}
	old, now := identityOf(s.Old), identityOf(s.New)
	sameSource := slices.Equal(s.Old.Dependencies["identity"], s.New.Dependencies["identity"]) &&
		!slices.ContainsFunc(s.New.Dependencies["identity"], m.isMade)
	unknown := slices.Contains(now.assigned, notKnown)
	return old.system != now.system || len(old.assigned) != len(now.assigned) ||
		!slices.Equal(old.assigned, now.assigned) && !(unknown && sameSource)
}
