package review

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/batchaccess/batchaccess/internal/engine"
	"github.com/batchaccess/batchaccess/internal/guardrails"
	"github.com/batchaccess/batchaccess/internal/visible"
)

// finish sorts everything, the riskiest first, and sums up.
func (m *maker) finish() {
	r := m.r
	slices.SortFunc(r.Access, func(a, b AccessChange) int {
		return cmp.Or(byRisk(a.Risk, b.Risk), cmp.Compare(a.Principal.Name, b.Principal.Name), cmp.Compare(a.URN, b.URN),
			cmp.Compare(a.Change, b.Change))
	})
	slices.SortFunc(r.Roles, func(a, b RoleChange) int {
		return cmp.Or(byRisk(a.Risk, b.Risk),
			cmp.Compare(a.URN, b.URN))
	})
	slices.SortFunc(r.Jobs, func(a, b JobChange) int {
		return cmp.Or(byRisk(a.Risk, b.Risk), cmp.Compare(a.Change, b.Change), cmp.Compare(a.Invoker, b.Invoker),
			cmp.Compare(a.Endpoint, b.Endpoint), cmp.Compare(a.Input, b.Input))
	})
	slices.SortFunc(r.Secrets, func(a, b SecretChange) int {
		return cmp.Or(byRisk(a.Risk, b.Risk), cmp.Compare(a.Secret, b.Secret), cmp.Compare(a.Change, b.Change))
	})
	slices.SortFunc(r.Federation, func(a, b FederationChange) int {
		return cmp.Or(byRisk(a.Risk, b.Risk),
			cmp.Compare(a.URN, b.URN))
	})
	slices.SortFunc(r.Identities, func(a, b IdentityChange) int {
		return cmp.Or(byRisk(a.Risk, b.Risk),
			cmp.Compare(a.URN, b.URN))
	})
	slices.SortFunc(r.Other, func(a, b OtherAccess) int {
		return cmp.Or(byRisk(a.Risk, b.Risk), cmp.Compare(a.URN, b.URN), cmp.Compare(a.What, b.What))
	})
	slices.SortFunc(r.Ways, byWay)
	m.waysNote()
	slices.Sort(r.Unread)

	r.Risk = None
	for _, c := range r.Access {
		r.Risk = higher(r.Risk, c.Risk)
	}
	for _, c := range r.Roles {
		if c.Change != "made" { // a role that nobody has does nothing; its holders are judged above
			r.Risk = higher(r.Risk, c.Risk)
		}
	}
	for _, c := range r.Jobs {
		r.Risk = higher(r.Risk, c.Risk)
	}
	for _, c := range r.Ways {
		r.Risk = higher(r.Risk, c.Risk)
	}
	for _, c := range r.Secrets {
		r.Risk = higher(r.Risk, c.Risk)
	}
	for _, c := range r.Federation {
		r.Risk = higher(r.Risk, c.Risk)
	}
	for _, c := range r.Identities {
		r.Risk = higher(r.Risk, c.Risk)
	}
	for _, c := range r.Other {
		r.Risk = higher(r.Risk, c.Risk)
	}
	if m.p.Hidden > 0 {
		m.note(fmt.Sprintf("%d unchanged resources are not in the preview; with --show-sames they are reviewed too.",
			m.p.Hidden))
	}
	m.kept()
	slices.Sort(r.Notes)
	r.Verdict = r.verdict()
}

// kept records what a step does not change in Azure.
func (m *maker) kept() {
	var imported []string
	stay := map[string][]string{}
	for _, s := range m.p.Steps {
		switch {
		case s.Op == "import":
			imported = append(imported, engine.ShownName(s.URN))
		case s.Stays != "":
			stay[s.Stays] = append(stay[s.Stays], engine.ShownName(s.URN))
		}
	}
	if n := len(imported); n > 0 {
		m.note(fmt.Sprintf("Imported, %d: %s. They exist in Azure already; what they give is shown as new because it is "+
			"new to this stack.", n, visible.Some(imported, manyNames)))
	}
	for why, names := range stay {
		m.note(fmt.Sprintf("Retained (%s), %d: %s. They leave the stack and stay in Azure with all that they "+
			"give; no review and no later change of this stack reaches them.", why, len(names), visible.Some(names, manyNames)))
	}
}

// manyNames is the number of names that one line of a review has.
const manyNames = 5

func byRisk(a, b Risk) int { return cmp.Compare(b.rank(), a.rank()) }

func (r Review) verdict() string {
	var parts []string
	count := func(n int, one, many string) {
		switch {
		case n == 1:
			parts = append(parts, "1 "+one)
		case n > 1:
			parts = append(parts, fmt.Sprintf("%d %s", n, many))
		}
	}
	gain, lose := map[string]bool{}, map[string]bool{}
	for _, c := range r.Access {
		gain[c.Principal.key] = gain[c.Principal.key] || len(c.New) > 0
		lose[c.Principal.key] = lose[c.Principal.key] || len(c.Gone) > 0
	}
	yes := func(m map[string]bool) (n int) {
		for _, is := range m {
			if is {
				n++
			}
		}
		return n
	}
	changed := func(list []string, word string) (n int) {
		for _, w := range list {
			if w == word {
				n++
			}
		}
		return n
	}
	var roles, jobs []string
	for _, c := range r.Roles {
		roles = append(roles, c.Change)
	}
	for _, c := range r.Jobs {
		jobs = append(jobs, c.Change)
	}
	count(yes(gain), "principal gains access", "principals gain access")
	count(yes(lose), "principal loses access", "principals lose access")
	count(changed(roles, "widened")+changed(roles, "changed"), "role widened", "roles widened")
	count(changed(roles, "narrowed"), "role narrowed", "roles narrowed")
	count(changed(jobs, "starts"), "job starts to work", "jobs start to work")
	count(changed(jobs, "stops"), "job stops working", "jobs stop working")
	count(changed(jobs, "fails"), "new job will not work", "new jobs will not work")
	count(changed(jobs, "undecided"), "job is undecided", "jobs are undecided")
	opened := 0
	for _, w := range r.wayRows() {
		if w.change != closes {
			opened++
		}
	}
	count(opened, "indirect way opens", "indirect ways open")
	count(len(r.Federation), "federated credential changes", "federated credentials change")
	count(len(r.Secrets), "client secret to look at", "client secrets to look at")
	count(len(r.Identities), "managed identity changes", "managed identities change")
	apart := 0 // those of secrets and credentials are counted there already
	for _, i := range r.Interruptions {
		if k := kind(engine.TypeOf(i.URN)); k != guardrails.Password && k != guardrails.Federation {
			apart++
		}
	}
	count(apart, "interruption or rename", "interruptions or renames")
	gives := 0
	for _, o := range r.Other {
		if o.Risk != Low {
			gives++
		}
	}
	count(gives, "resource gives access in another way", "resources give access in another way")
	undecided := 0
	for _, c := range r.Access {
		if c.Undecided != "" {
			undecided++
		}
	}
	count(undecided, "change undecided", "changes undecided")
	count(r.stopping(), "guardrail finding", "guardrail findings")
	unjudged := 0
	for _, u := range r.Unjudged {
		unjudged += u.Count
	}
	count(unjudged, "changed resource not judged", "changed resources not judged")
	verdict := "no change of access"
	if len(parts) > 0 {
		verdict = strings.Join(parts, ", ")
	} else if len(r.Access)+len(r.Roles)+len(r.Other) > 0 {
		verdict = "assignments or roles change, and nobody can do anything more or less"
	}
	if r.Partial() {
		if len(parts) == 0 {
			verdict = "no change of access seen in what could be read"
		}
		return "Partial review, not to be relied on: " + verdict
	}
	if r.Risk == None {
		return strings.ToUpper(verdict[:1]) + verdict[1:]
	}
	return strings.ToUpper(string(r.Risk[:1])) + string(r.Risk[1:]) + " risk: " + verdict
}

// stopping counts the mandatory findings of the guardrails.
func (r Review) stopping() (n int) {
	for _, f := range r.Guardrails {
		if f.Level == "mandatory" {
			n++
		}
	}
	return n
}
