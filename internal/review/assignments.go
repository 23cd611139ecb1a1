package review

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/batchaccess/batchaccess/internal/condition"
	"github.com/batchaccess/batchaccess/internal/engine"
	"github.com/batchaccess/batchaccess/internal/guardrails"
	"github.com/batchaccess/batchaccess/roles"
)

// A Principal is a principal with access.
type Principal struct {
	Name  string `json:"name"`            // in the program: "invoker partner", "cluster cpu"
	Known string `json:"known,omitempty"` // name, mail or application, for people
	ID    string `json:"id,omitempty"`    // object ID; "" while not known
	Note  string `json:"note,omitempty"`  // why the ID is not known
	Owner string `json:"owner,omitempty"` // its owner in a configuration
	key   string
}

func (p Principal) String() string {
	var parts []string
	for _, part := range []string{p.Known, p.ID, p.Note} {
		if part != "" && !slices.Contains(parts, part) && part != p.Name {
			parts = append(parts, part)
		}
	}
	if p.Owner != "" {
		parts = append(parts, "owner: "+p.Owner)
	}
	if len(parts) == 0 {
		return p.Name
	}
	return p.Name + " (" + strings.Join(parts, ", ") + ")"
}

// An AccessChange is what one principal gains or loses by one assignment.
type AccessChange struct {
	// Change is gained, lost, moved (to another scope) or changed (another role, or what the role allows).
	Change    string    `json:"change"`
	Principal Principal `json:"principal"`
	Role      string    `json:"role"`
	Before    string    `json:"before,omitempty"` // scope; with the role where that changed
	After     string    `json:"after,omitempty"`
	Risk      Risk      `json:"risk"`
	// New are the actions that the principal could not do at that place before, by any assignment.
	New []roles.Action `json:"new,omitempty"`
	// Gone are the actions that it can't do there any more.
	Gone []roles.Action `json:"gone,omitempty"`
	// Wider is set if the principal had the same actions before, at a narrower place.
	Wider bool `json:"wider,omitempty"`
	// Condition says what a changed condition of the assignment does; "" if it has no effect.
	Condition string `json:"condition,omitempty"`
	// Undecided says what can't be decided about the change; "" for most.
	Undecided string `json:"undecided,omitempty"`
	// DataOwners are the owners of the data there, by a configuration.
	DataOwners []string `json:"dataOwners,omitempty"`
	URN        string   `json:"urn"`

	from, to string // the scopes, in short
}

// An assignment is a principal, a role and a scope.
type assignment struct {
	urn       string
	principal Principal
	role      role
	scope     string
	// condition and its version; "" for none.
	condition, conditionVersion string
	kept                        string // how it is held by PIM; "" for an ordinary assignment
	through                     string // the group that it is held through; "" for the principal's own
}

// label is the role, how it is held, and through which group.
func (a assignment) label() string {
	name := a.role.name
	if a.kept != "" {
		name += ", " + a.kept
	}
	if a.condition != "" {
		name += " under a condition"
	}
	if a.through != "" {
		name += " through group " + a.through
	}
	return name
}

// covers reports whether the role of a holds at b's place.
func (a assignment) covers(b assignment) bool {
	return roles.Contains(a.scope, b.scope) && (a.kept == "" || a.kept == b.kept) && a.letsThrough(b)
}

// letsThrough reports whether a's condition allows everything that b's allows.
func (a assignment) letsThrough(b assignment) bool {
	if a.condition == "" || a.condition == b.condition && a.conditionVersion == b.conditionVersion {
		return true
	}
	answer, _, _ := conditionDifference(b, a)
	return answer == condition.No
}

// A pair is an assignment before and after; nil if it does not exist.
type pair struct{ old, new *assignment }

func (m *maker) assignments() {
	var pairs []pair
	var joins []joining
	for _, s := range m.p.Steps {
		var p pair
		if engine.IsForeign(s.Op) { // a preview does not show what a program only reads
			continue
		}
		switch k := kind(engine.TypeOf(s.URN)); {
		case k == guardrails.RoleAssignment:
			p = pair{m.assignment(s, s.Old, before), m.assignment(s, s.New, after)}
		case k == groupMember:
			if j, ours := m.joining(s); ours {
				joins = append(joins, j)
				continue
			}
			p = pair{m.membership(s.Old), m.membership(s.New)}
		default:
			continue
		}
		m.keepPrincipal(s, p.old, p.new)
		if s.Stays != "" && p.old != nil && s.Op == "replace" { // both exist afterwards
			pairs = append(pairs, pair{p.old, p.old})
			p.old = nil
		}
		pairs = append(pairs, p)
	}
	for _, h := range m.hidden() {
		pairs = append(pairs, pair{&h.old, &h.new})
	}
	m.weigh(pairs, append(joins, m.hiddenJoinings()...))
}

// weigh compares the assignments and memberships of both sides, each with everything that its principal holds.
func (m *maker) weigh(pairs []pair, joins []joining) {
	held := map[side]map[string][]assignment{before: {}, after: {}} // by principal
	hold := func(a *assignment, when side) {
		if a != nil {
			held[when][a.principal.key] = append(held[when][a.principal.key], *a)
		}
	}
	for _, p := range pairs {
		hold(p.old, before)
		hold(p.new, after)
	}
	for _, j := range joins { // a group's own change is reported for the group
		was, is := j.of(before, held), j.of(after, held)
		if j.stays() {
			was, is = nil, nil
		}
		for i := range was {
			pairs = append(pairs, pair{old: &was[i]})
		}
		for i := range is {
			pairs = append(pairs, pair{new: &is[i]})
		}
	}
	m.members = map[string][]string{}
	for _, j := range joins {
		for _, when := range []side{before, after} {
			for _, a := range j.of(when, held) {
				hold(&a, when)
			}
			if s := j.sides[when]; s != nil {
				m.members[s.group] = append(m.members[s.group], j.staying(when)...)
			}
		}
	}
	for _, p := range pairs {
		if p.old != nil && p.new != nil && p.old.principal.key == p.new.principal.key {
			m.compare(p.old, p.new, held)
			continue
		}
		if p.old != nil && p.new != nil && p.old.principal.Name == p.new.principal.Name {
			// The same name now means another principal, such as a group that was made anew: the reader has to see
			// both.
			for _, a := range []*assignment{p.old, p.new} {
				a.principal.Note = cmp.Or(a.principal.Note, a.principal.ID)
			}
		}
		m.compare(p.old, nil, held)
		m.compare(nil, p.new, held)
	}
}

// compare reports what one assignment of one principal gives and takes, given everything that the principal holds.
func (m *maker) compare(old, now *assignment, held map[side]map[string][]assignment) {
	if old == nil && now == nil || m.nobodyStays(cmp.Or(old, now).principal) {
		return
	}
	c := AccessChange{Risk: Low}
	if old != nil {
		c.Principal, c.Role, c.Before, c.URN, c.Change = old.principal, old.label(), long(old.scope), old.urn, "lost"
		c.from = short(old.scope)
		c.Gone = m.moreFor(*old, held[after])
	}
	if now != nil {
		c.Principal, c.Role, c.After, c.URN, c.Change = now.principal, now.label(), long(now.scope), now.urn, "gained"
		c.to = short(now.scope)
		c.New = m.moreFor(*now, held[before])
	}
	m.introduce(&c.Principal)
	c.Principal.Owner = m.ownerOf(c.URN, c.Principal)
	if onStorage(c.New, c.Gone) {
		for _, a := range []*assignment{old, now} {
			if a != nil {
				c.DataOwners = append(c.DataOwners, m.dataOwners(a.scope)...)
			}
		}
		slices.Sort(c.DataOwners)
		c.DataOwners = slices.Compact(c.DataOwners)
	}
	if old != nil && now != nil {
		sameScope := roles.Contains(old.scope, now.scope) && roles.Contains(now.scope, old.scope)
		if old.condition != now.condition || old.conditionVersion != now.conditionVersion {
			c.Condition, c.Undecided = conditionChange(*old, *now)
		}
		switch {
		case !sameScope:
			c.Change = "moved"
			c.Wider = roles.Contains(now.scope, old.scope) && len(m.difference(now.role, []role{old.role})) == 0
		case len(c.New)+len(c.Gone) > 0 || c.Condition != "" || c.Undecided != "":
			c.Change = "changed"
		default:
			return // only its text is different
		}
		if old.role.key != now.role.key && old.role.name != now.role.name {
			c.Before, c.After = old.role.name+" on "+c.Before, c.Role+" on "+c.After
			c.from, c.to = old.role.name+" on "+c.from, c.Role+" on "+c.to
		}
	} else if len(c.New)+len(c.Gone) == 0 && m.twin(old, now, held) {
		return // made anew under another name
	}
	c.Risk = higher(c.Risk, m.riskOf(c.New))
	if c.Undecided != "" && old.condition != "" && now.condition != "" {
		c.Risk = High // an undecided change is not harmless
	}
	if now != nil && !now.role.known && len(c.New) > 0 {
		c.Risk = High // a change that can't be judged is not harmless
	}
	m.r.NewAccess = m.r.NewAccess || len(c.New) > 0
	m.r.Access = append(m.r.Access, c)
}

// twin reports whether the same assignment exists on the other side under another URN.
func (m *maker) twin(old, now *assignment, held map[side]map[string][]assignment) bool {
	one, others := old, held[after]
	if one == nil {
		one, others = now, held[before]
	}
	return slices.ContainsFunc(others[one.principal.key], func(o assignment) bool {
		return o.urn != one.urn && o.through == one.through && o.covers(*one) && one.covers(o) && o.role.known &&
			one.role.known && len(m.difference(one.role, []role{o.role})) == 0 &&
			len(m.difference(o.role, []role{one.role})) == 0
	})
}

// more returns the actions of the assignment that none of the others covers at its place.
func (m *maker) more(a assignment, others []assignment) []roles.Action {
	var at []role
	for _, o := range others {
		if o.covers(a) {
			at = append(at, o.role)
		}
	}
	return m.difference(a.role, at)
}

// assignment reads a role assignment.
func (m *maker) assignment(step engine.Step, s *engine.State, when side) *assignment {
	if s == nil {
		return nil
	}
	a := &assignment{urn: s.URN, role: m.roleOf(s, when), kept: text(s.Inputs[guardrails.Through])}
	if c := s.Inputs["condition"]; c != nil && c != "" {
		a.condition, a.conditionVersion = fmt.Sprint(c), text(s.Inputs["conditionVersion"])
	}
	a.principal = m.principal(s)
	switch scope := s.Inputs["scope"].(type) {
	case string:
		a.scope = scope
	case guardrails.Marker:
		a.scope = "(scope not known yet, of " + s.URN + ")"
		m.unread(engine.ShownName(s.URN) + ": its scope is not known before the deployment, so where it holds is not known")
	default:
		m.unread(engine.ShownName(s.URN) + ": is a role assignment without a scope")
	}
	isMissing := func(v any) bool { return v == nil || v == "" }
	if isMissing(s.Inputs["principalId"]) || isMissing(s.Inputs["roleDefinitionId"]) {
		m.unread(engine.ShownName(s.URN) + ": is a role assignment without a principal or a role")
	}
	if when == after && !a.role.known && !engine.IsContext(step.Op) {
		m.note("What " + a.role.name + " allows is not in the preview; `pulumi preview --json --show-sames` shows the " +
			"roles that do not change.")
	}
	return a
}

// membership returns a group's membership as an assignment: the member has everything that the group has.
func (m *maker) membership(s *engine.State) *assignment {
	if s == nil {
		return nil
	}
	group := text(s.Inputs["groupObjectId"])
	name := "membership of group " + m.named(group)
	if group == "" {
		name = "membership of the group of " + engine.ShownName(s.URN)
	}
	id := text(s.Inputs["memberObjectId"])
	return &assignment{
		urn: s.URN, scope: "/", role: role{key: strings.ToLower(name), name: name},
		principal: Principal{Name: "member " + cmp.Or(id, engine.ShownName(s.URN)), ID: id,
			key: strings.ToLower(cmp.Or(id, s.URN))},
	}
}

// principal returns the principal of an assignment: by its ID if that is known, else by the source of the ID.
func (m *maker) principal(s *engine.State) Principal {
	name := assigneeName(s.URN)
	if id := text(s.Inputs["principalId"]); id != "" {
		key := strings.ToLower(id)
		if known, ok := m.index.labels[key]; ok {
			name = known
		} else {
			m.index.labels[key] = name
		}
		return Principal{Name: name, ID: id, key: key}
	}
	from := dependency(s, "principalId")
	if from == "" {
		return Principal{Name: name, Note: "not known before the deployment", key: s.URN}
	}
	state := "not known before the deployment"
	if m.isMade(from) {
		state = "not made yet"
	}
	note := called(from) + ", " + state
	if called(from) == name {
		note = state
	}
	return Principal{Name: name, Note: note, key: from}
}

// isMade reports whether the preview makes the resource, so that nobody can have had its access before.
func (m *maker) isMade(urn string) bool {
	s, ok := m.index.steps[urn]
	return ok && (s.Old == nil && s.Op != "import" || s.Op == "replace")
}

// keepPrincipal restores the old ID in an assignment whose principal has not changed, but whose ID the preview shows as
// unknown.
func (m *maker) keepPrincipal(step engine.Step, old, now *assignment) {
	if old == nil || now == nil || now.principal.ID != "" || old.principal.ID == "" {
		return
	}
	from := dependency(step.New, "principalId")
	if from == "" || from != dependency(step.Old, "principalId") || m.isMade(from) || m.mountsAsAnother(from) {
		return
	}
	now.principal = old.principal
	if step.Op == "replace" || step.Op == "update" {
		m.note(fmt.Sprintf("%s shows as %s because the ID of %s is not known before the deployment; its principal is the "+
			"same.", engine.ShownName(step.URN), map[string]string{"replace": "replaced",
			"update": "updated"}[step.Op], called(from)))
	}
}

// assigneeName returns the principal's name in the program: "invoker partner", "cluster cpu".
func assigneeName(urn string) string {
	name := engine.NameOf(urn)
	last := name[strings.LastIndex(name, ".")+1:]
	switch parentTypeOf(urn) {
	case guardrails.InvokerRole:
		return engine.Clip("invoker " + last)
	case guardrails.StorageReader, guardrails.StorageContributor, guardrails.JobService:
		for _, k := range []string{"invoker", "cluster"} {
			if _, rest, ok := strings.Cut(name, "."+k+"."); ok {
				return engine.Clip(k + " " + rest)
			}
		}
		return engine.Clip(last)
	default:
		return engine.Clip("principal of " + name)
	}
}

// short names a scope by its last resource, as people do.
func short(scope string) string {
	parts := strings.Split(strings.Trim(scope, "/"), "/")
	n := len(parts)
	lower := strings.ToLower(scope)
	switch {
	case scope == "/" || scope == "":
		return "everywhere"
	case strings.HasPrefix(scope, "("):
		return "a scope that is not known yet"
	case strings.Contains(lower, "/blobservices/default/containers/") && n > 4:
		return "container " + parts[n-5] + "/" + parts[n-1]
	case strings.HasPrefix(lower, "/subscriptions/") && n == 2:
		return "subscription " + parts[1]
	case n == 4 && strings.EqualFold(parts[2], "resourceGroups"):
		return "resource group " + parts[3]
	case strings.Contains(lower, "/managementgroups/"):
		return "management group " + parts[n-1]
	case n >= 2:
		return singular[strings.ToLower(parts[n-2])] + parts[n-1]
	default:
		return scope
	}
}

// long is short, followed by the resource group and subscription.
func long(scope string) string {
	name := short(scope)
	parts := strings.Split(strings.Trim(scope, "/"), "/")
	if len(parts) < 4 || !strings.EqualFold(parts[0], "subscriptions") {
		return name
	}
	if !strings.EqualFold(parts[2], "resourceGroups") {
		return name + " (subscription " + parts[1] + ")"
	}
	if len(parts) == 4 {
		return name + " (subscription " + parts[1] + ")"
	}
	return name + " (group " + parts[3] + ", subscription " + parts[1] + ")"
}

var singular = map[string]string{"workspaces": "workspace ", "storageaccounts": "storage account ",
	"registries": "registry ", "batchendpoints": "endpoint "}
