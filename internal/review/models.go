package review

import (
	"maps"
	"slices"
	"strings"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/access/signin"
	"github.com/batchaccess/batchaccess/internal/engine"
	"github.com/batchaccess/batchaccess/internal/guardrails"
	"github.com/batchaccess/batchaccess/internal/rolediff"
	"github.com/batchaccess/batchaccess/roles"
)

// A Configured is a stack's configuration: its plan, nil for a stack that does not exist, and its values as written.
type Configured struct {
	Plan   *access.Plan
	Values map[string]any
}

// componentOf is the name of a configuration's component if there is no preview.
const componentOf = "urn:pulumi:stack::project::" + accessComponent + "::access"

// Compare reviews two configurations of one stack, without a preview: what the model grants, which jobs work, who may
// sign in how, and which assertions are weaker. It does not know what the program makes beside the model, and says so.
func Compare(stack string, old, now Configured, o Options) Review {
	o.Guardrails.Now = o.Now
	r := Review{Version: Version, Stack: stack, made: o.made()}
	m := maker{p: engine.Preview{}, o: o, r: &r, index: newIndex(engine.Preview{}), compared: map[string][]roles.Action{},
		risks: map[any]Risk{}, said: map[string]bool{}}
	c := component{old: orNothing(old.Plan), now: orNothing(now.Plan)}
	m.components = map[string]component{componentOf: c}
	m.owned()
	c = m.components[componentOf]
	m.note("This compares two configurations. What else the program makes, and what is in Azure, only a preview shows: " +
		"`batchaccess review`.")

	pairs, joins := map[string]pair{}, map[string]joining{}
	for when, plan := range map[side]*access.Plan{before: c.old, after: c.now} {
		for _, g := range plan.Grants {
			urn := assignmentURN(componentOf, g)
			a, ok := m.fromGrant(componentOf, plan, g, urn, when)
			if !ok {
				m.unread("what " + g.Principal.String() + " is granted (" + g.String() + ") does not stand in the configuration")
				continue
			}
			p := pairs[urn]
			if when == before {
				p.old = &a
			} else {
				p.new = &a
			}
			pairs[urn] = p
		}
		for member, group := range plan.Model.Groups() {
			urn := membershipURN(componentOf, group, member)
			j := joins[urn]
			j.urn = urn
			j.sides[when] = &memberIn{
				m.declaredPrincipal(componentOf, plan, access.InvokerPrincipal(member)),
				m.declaredPrincipal(componentOf, plan, access.InvokerPrincipal(group)).key, group,
			}
			joins[urn] = j
		}
	}
	m.weigh(inOrder(pairs), inOrder(joins))
	m.roleOfModels(c)
	was, is := pathsOf(c.old.Paths()), pathsOf(c.now.Paths())
	m.comparePaths("", c.owners, was, is)
	m.ways("", component{old: old.Plan, now: now.Plan, owners: c.owners})
	m.signIns(c)
	m.r.Guardrails = guardrails.Check(guardrails.Resource{
		Type: accessComponent, URN: componentOf, Old: orEmpty(old.Values), Inputs: orEmpty(now.Values),
	}, o.Guardrails)
	m.finish()
	return r
}

func orNothing(plan *access.Plan) *access.Plan {
	if plan == nil {
		return &access.Plan{}
	}
	return plan
}

func inOrder[V any](all map[string]V) (list []V) {
	for _, key := range slices.Sorted(maps.Keys(all)) {
		list = append(list, all[key])
	}
	return list
}

func union[V any](a, b map[string]V) map[string]V {
	all := maps.Clone(a)
	maps.Copy(all, b)
	return all
}

func orEmpty(values map[string]any) map[string]any {
	if values == nil {
		return map[string]any{}
	}
	return values
}

func pathsOf(all []access.Path) map[place]*access.Path {
	found := make(map[place]*access.Path, len(all))
	for i, p := range all {
		found[place{p.Invoker, p.Endpoint, p.Input}] = &all[i]
	}
	return found
}

// roleOfModels compares what the invokers' role allows.
func (m *maker) roleOfModels(c component) {
	old, wrongOld := c.old.Model.Role.Resolve()
	now, wrongNow := c.now.Model.Role.Resolve()
	if wrongOld != nil || wrongNow != nil {
		if c.old.Model.Role.RoleDefinitionID != c.now.Model.Role.RoleDefinitionID {
			m.unread("the invokers' role is another one, and what it allows does not stand in the configuration")
		}
		return
	}
	change := RoleChange{Role: now.RoleName, Gained: rolediff.Difference(now.Permissions, old.Permissions),
		Lost: rolediff.Difference(old.Permissions, now.Permissions), Risk: Low}
	switch gained, lost := len(change.Gained) > 0, len(change.Lost) > 0; {
	case gained && lost:
		change.Change = "changed"
	case gained:
		change.Change = "widened"
	case lost:
		change.Change = "narrowed"
	default:
		return
	}
	change.Risk = higher(Low, riskOf(change.Gained))
	m.r.Roles = append(m.r.Roles, change)
}

// signIns compares the credentials that invokers get.
func (m *maker) signIns(c component) {
	type claims struct {
		issuer, subject, audience string
		usual                     bool // the audience is the usual one
	}
	federated, secrets := map[side]map[string]claims{before: {},
		after: {}}, map[side]map[string]signin.ClientSecret{before: {}, after: {}}
	for when, plan := range map[side]*access.Plan{before: c.old, after: c.now} {
		for name, i := range plan.Model.Invokers {
			for key, f := range i.FederatedCredentials {
				issuer, subject, audience := f.Claims()
				federated[when][name+"."+key] = claims{issuer, subject, audience,
					audience == f.UsualAudience(plan.Model.ExchangeAudience())}
			}
			for key, s := range i.ClientSecrets {
				secrets[when][name+"."+key] = s
			}
		}
	}
	as := func(name string) string { // the credential's name begins with its invoker's
		invoker, _, _ := strings.Cut(name, ".")
		plan := c.now
		if _, stays := plan.Model.Invokers[invoker]; !stays {
			plan = c.old
		}
		return m.invoker(componentOf, plan, invoker)
	}
	text := func(c claims) string {
		if c == (claims{}) {
			return ""
		}
		whole := c.subject + " of " + strings.TrimPrefix(c.issuer, "https://")
		if !c.usual {
			whole += " for " + c.audience
		}
		return whole
	}
	for _, name := range slices.Sorted(maps.Keys(union(federated[before], federated[after]))) {
		f := FederationChange{Name: "federated credential " + engine.Clip(name), As: as(name),
			Before: text(federated[before][name]), After: text(federated[after][name]), Risk: Medium}
		switch {
		case f.Before == f.After:
			continue
		case f.Before == "":
			f.Change = "added"
		case f.After == "":
			f.Change, f.Risk = "removed", Low
		default:
			f.Change = "changed"
		}
		m.r.NewAccess = m.r.NewAccess || f.After != ""
		m.r.Federation = append(m.r.Federation, f)
	}
	for _, name := range slices.Sorted(maps.Keys(union(secrets[before], secrets[after]))) {
		was, had := secrets[before][name]
		is, has := secrets[after][name]
		s := SecretChange{Secret: "client secret " + engine.Clip(name), As: as(name), Risk: Medium}
		switch {
		case !had:
			s.Change, s.What = "made", "one more way to sign in; its value is in the state, encrypted"
			m.r.NewAccess = true
		case !has:
			s.Change, s.What = "removed", "whoever signs in with it can't any more"
		case was != is:
			s.Change, s.What = "rotated", "the old value ends at once; to rotate without a gap, add a second secret first"
		default:
			continue
		}
		m.r.Secrets = append(m.r.Secrets, s)
	}
}
