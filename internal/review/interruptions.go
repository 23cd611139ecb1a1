package review

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/internal/engine"
	"github.com/batchaccess/batchaccess/internal/guardrails"
)

// An Interruption is access that a principal has before and after the change, but not all the time in between. It is
// also a name that may have changed, because one thing goes and another comes.
type Interruption struct {
	Change string   `json:"change"` // interrupted, or renamed
	Who    []string `json:"who"`    // sorted
	What   string   `json:"what"`
	From   string   `json:"from"` // the step that ends the access
	To     string   `json:"to"`   // the step that restores it
	// Running says what happens to running jobs.
	Running string `json:"running"`
	URN     string `json:"urn"`
}

const (
	interrupted = "interrupted"
	renamed     = "renamed"
	// runningJobs: no source says it (facts/batch-endpoints.md, facts/compute-clusters.md).
	runningJobs = "not known"
	madeAnew    = "the creation of "
	goes        = "the deletion of "
)

func (m *maker) interruptions() {
	add := func(i Interruption) {
		i.Running, i.Change = runningJobs, cmp.Or(i.Change, interrupted)
		slices.Sort(i.Who)
		i.Who = slices.Compact(i.Who)
		m.r.Interruptions = append(m.r.Interruptions, i)
	}
	for _, s := range m.p.Steps {
		if s.Old == nil || s.New == nil {
			continue
		}
		if s.Op == "update" && kind(engine.TypeOf(s.URN)) == guardrails.Federation && !sameText(s, "subject") {
			name := "federated credential " + engine.Clip(trimOwner(s.URN))
			add(Interruption{URN: s.URN, Who: []string{"whoever signs in by " + name}, From: "the update of " + name,
				To: "when they sign in as the new subject", What: "tokens of the old subject; to change without a gap, add " +
					"another credential, and take this one out in a second deployment"})
		}
		if s.Op == "update" && kind(engine.TypeOf(s.URN)) == guardrails.Compute {
			if i, is := m.movesIdentity(s); is {
				add(i)
			}
		}
		if s.Op != "replace" {
			continue
		}
		name := strings.Replace(called(s.URN), "cluster identity ", "cluster ", 1)
		i := Interruption{URN: s.URN, From: goes + name, To: madeAnew + name}
		switch kind(engine.TypeOf(s.URN)) {
		case guardrails.Compute: // our components and azure-native delete it first, also if its name changes
			i.Who, i.What = m.usersOf(s.URN), "jobs on "+name
			if !sameText(s, "computeName") && !m.resource(s).MadeBy(guardrails.ComputeCluster) {
				i.What += ", unless the program says deleteBeforeReplace: false"
			}
			if identityOf(s.Old).system && identityOf(s.New).system {
				i.What += ", whose data its system-assigned identity mounts: a new one, with assignments of its own"
				i.To = "the assignments of roles to the new identity of " + name
			}
		case guardrails.RoleDefinition: // names are unique in the tenant: the old role goes first
			if !sameText(s, "roleName") {
				continue
			}
			i.Who, i.What = m.assignedThrough(s.URN), "all that "+name+" allows"
			i.From, i.To = goes+"its assignments", "the creation of the assignments of the new role"
		// azure-native deletes first what it replaces; our components make the new one first
		case guardrails.RoleAssignment:
			if slices.ContainsFunc([]string{guardrails.InvokerRole, guardrails.StorageReader, guardrails.StorageContributor,
				guardrails.JobService},
				m.resource(s).MadeBy) {
				continue
			}
			a := m.assignment(s, s.Old, before)
			if a == nil {
				continue // assignments reports it
			}
			i.Who, i.What = []string{a.principal.String()}, a.role.name+" on "+lastPart(a.scope)+
				", unless the program says deleteBeforeReplace: false"
		default:
			continue
		}
		add(i)
	}
	for urn, c := range m.components {
		for _, i := range rolesToACLs(urn, c) {
			add(i)
		}
	}
	m.oneForAnother(add)
	m.rotations(add)
	slices.SortFunc(m.r.Interruptions, func(a, b Interruption) int {
		return cmp.Or(cmp.Compare(a.URN, b.URN), cmp.Compare(a.What, b.What))
	})
}

// movesIdentity returns the interruption of a cluster that gets another identity in place. A system-assigned one is
// made by that update, so nothing can be assigned to it before. For a user-assigned one our components make the
// assignments first, and it has access when Azure applies them.
func (m *maker) movesIdentity(s engine.Step) (i Interruption, is bool) {
	old, now := identityOf(s.Old), identityOf(s.New)
	name := strings.Replace(called(s.URN), "cluster identity ", "cluster ", 1)
	i = Interruption{URN: s.URN, Who: m.usersOf(s.URN), From: "the update of " + name,
		To: "the assignments of roles to the new identity of " + name}
	switch {
	case old.system == now.system && (now.system || slices.Equal(old.assigned, now.assigned)),
		!old.system && len(old.assigned) == 0, !now.system && len(now.assigned) == 0:
		return i, false
	case now.system:
		i.What = "jobs on " + name + ", whose data the system-assigned identity mounts that this update makes"
	case m.resource(s).MadeBy(guardrails.ComputeCluster): // which makes them before the update (facts/grants-access.md)
		i.What = "jobs on " + name + ", which has its new identity at once, while Azure acts on assignments after up to 10 " +
			"minutes"
		i.To = "10 minutes, at the most, after " + i.To
	default:
		i.What = "jobs on " + name + ", unless the program assigns roles to its new identity first"
	}
	return i, true
}

// sameText reports whether an input is a known text that does not change.
func sameText(s engine.Step, input string) bool {
	old, now := text(s.Old.Inputs[input]), text(s.New.Inputs[input])
	return old != "" && strings.EqualFold(old, now)
}

// usersOf returns the principals that start jobs on a cluster, before and after.
func (m *maker) usersOf(clusterURN string) (who []string) {
	for urn, c := range m.components {
		own := engine.NameOf(urn) + "."
		cluster, is := strings.CutPrefix(engine.NameOf(clusterURN), own)
		if !is || c.old == nil || c.now == nil {
			continue
		}
		for _, e := range c.now.Model.EffectiveEndpoints() {
			if !runsOn(e, cluster) {
				continue
			}
			names := e.Invokers
			if names == nil {
				names = slices.Collect(maps.Keys(c.now.Model.Invokers))
			}
			for _, name := range names {
				if _, was := c.old.Model.Invokers[cmp.Or(c.now.Model.Invokers[name].Was, name)]; was {
					who = append(who, "invoker "+name)
				}
			}
		}
	}
	if who == nil {
		return []string{"whoever starts jobs on it"}
	}
	return who
}

// assignedThrough returns the principals to whom the program assigns a role that it makes.
func (m *maker) assignedThrough(roleURN string) (who []string) {
	for _, s := range m.p.Steps {
		if kind(engine.TypeOf(s.URN)) == guardrails.RoleAssignment && s.Old != nil &&
			slices.Contains(s.Old.Dependencies["roleDefinitionId"], roleURN) {
			if a := m.assignment(s, s.Old, before); a != nil {
				who = append(who, a.principal.Name)
			}
		}
	}
	if who == nil {
		return []string{"whoever has the role"}
	}
	return who
}

// rolesToACLs returns the principals that read a container by a role now and by ACLs afterwards, which somebody has to
// set.
func rolesToACLs(urn string, c component) (all []Interruption) {
	if c.old == nil || c.now == nil {
		return nil
	}
	type place struct{ account, container string }
	who := map[place][]string{}
	for _, acl := range c.now.ACLs {
		held := func(g access.Grant) bool {
			return g.Principal == acl.Principal && g.Scope.StorageAccount == acl.StorageAccount &&
				(g.Scope.Container == "" || g.Scope.Container == acl.Container)
		}
		if slices.ContainsFunc(c.old.Grants, held) && !slices.ContainsFunc(c.now.Grants, held) &&
			!slices.Contains(c.old.ACLs, acl) {
			at := place{acl.StorageAccount, acl.Container}
			who[at] = append(who[at], acl.Principal.String())
		}
	}
	for at, names := range who {
		where := engine.Clip(at.account + "/" + at.container)
		all = append(all, Interruption{URN: urn, Who: names, What: "reading " + where,
			From: goes + "their assignments", To: "when somebody has run the stack output aclCommands; run them before pulumi " +
				"up"})
	}
	return all
}

// oneForAnother finds things that go while another of the same kind comes: names that may have changed without was.
func (m *maker) oneForAnother(add func(Interruption)) {
	type siblings struct{ kind, owner string }
	gone, come := map[siblings][]string{}, map[siblings][]string{}
	for _, s := range m.p.Steps {
		typ := kind(engine.TypeOf(s.URN))
		if _, is := namedByKeys[typ]; !is {
			continue
		}
		cut := strings.LastIndex(s.URN, ".")
		if cut < strings.LastIndex(s.URN, "::") || parentTypeOf(s.URN) == guardrails.ComputeCluster {
			continue // no invoker's, or the identity of a cluster, which is deleted with it
		}
		switch at := (siblings{typ, s.URN[:cut]}); {
		case engine.IsContext(s.Op):
		case s.New == nil:
			gone[at] = append(gone[at], s.URN)
		case s.Old == nil:
			come[at] = append(come[at], s.URN)
		}
	}
	for at, urns := range gone {
		if len(come[at]) == 0 {
			continue
		}
		var now []string
		for _, urn := range come[at] {
			now = append(now, key(urn))
		}
		slices.Sort(now)
		what := namedByKeys[at.kind]
		for _, urn := range urns {
			if at.kind == guardrails.Federation && !slices.ContainsFunc(come[at], func(made string) bool {
				old, now := m.index.steps[urn].Old, m.index.steps[made].New
				return old != nil && now != nil && text(old.Inputs["subject"]) == text(now.Inputs["subject"])
			}) {
				continue // Entra has the new one before the old one goes
			}
			i := Interruption{Change: renamed, Who: []string{what + " " + key(urn)}, URN: urn, From: goes + key(urn),
				To: "never",
				What: fmt.Sprintf("it goes, and %s is made: if that is its new name, write was: %s there", strings.Join(now, ", "),
					key(urn))}
			add(i)
		}
	}
}

// key returns the last part of a resource's name, which is its name in the arguments.
func key(urn string) string {
	name := engine.NameOf(urn)
	return engine.Clip(name[strings.LastIndex(name, ".")+1:])
}

// namedByKeys are the types of resources that are named by keys of the arguments.
var namedByKeys = map[string]string{
	"batchaccess:index:ServicePrincipal": "service principal", "batchaccess:index:ManagedIdentity": "managed identity",
	guardrails.ComputeCluster: "cluster", group: "group",
	guardrails.Federation: "federated credential",
}
