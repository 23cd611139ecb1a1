package access

import (
	"fmt"
	"slices"
	"strings"

	"github.com/batchaccess/batchaccess/internal/cloud"
	"github.com/batchaccess/batchaccess/internal/problem"
)

// limits warns of a plan that comes near Azure's limit of role assignments, and refuses one that exceeds it. A plan
// makes at most two custom roles, so their limit is not checked.
func (v *validator) limits(p *Plan) {
	limit := v.m.MaxRoleAssignments()
	if !cloud.NearLimit(len(p.Grants), limit) {
		return // then no single subscription comes near it
	}
	made, grouped, people := map[string]int{}, map[string]int{}, map[string]bool{}
	seen := map[string]bool{}
	for _, g := range p.Grants {
		subscription := v.m.subscriptionOf(g.Scope)
		made[subscription]++
		who := g.Principal.String()
		if i := v.m.Invokers[g.Principal.Name]; !g.Principal.IsCluster() && i.Kind != ManagedIdentity && i.Kind != Group {
			people[g.Principal.Name], who = true, "people"
		}
		if key := fmt.Sprint(who, g.Role, g.Scope); !seen[key] {
			seen[key] = true
			grouped[subscription]++
		}
	}
	for _, subscription := range sorted(made) {
		n := made[subscription]
		if !cloud.NearLimit(n, limit) {
			continue
		}
		in := "a subscription"
		if subscription != "" {
			in = "subscription " + subscription
		}
		fix := "split the stack over subscriptions"
		if grouped[subscription] < n {
			fix = fmt.Sprintf("make users and service principals that need the same the members of one group "+
				"(kind: group, members: […]), which the stack then makes: with all %d of them in one it would make %d. "+
				"Leave managed identities as they are: their tokens are cached for up to a day, so that a change of membership "+
				"acts late",
				len(people), grouped[subscription])
		}
		v.AddCode(problem.Limit, "invokers", fix,
			"makes %d role assignments, and Azure allows %d in %s, those of everybody together", n, limit, in)
		v.Problems[len(v.Problems)-1].Warning = n <= limit
	}
}

// subscriptionOf returns the subscription that a scope lies in; "" where its ID is not known.
func (m Model) subscriptionOf(s Scope) string {
	id := m.WorkspaceID
	if s.InStorage() {
		id = m.StorageAccounts[s.StorageAccount]
	} else if !s.OfInvokers() {
		text, _ := m.ScopeID(s)
		id = Known(text)
	}
	parts := strings.Split(strings.ToLower(id.Text()), "/")
	if at := slices.Index(parts, "subscriptions"); at >= 0 && at+1 < len(parts) {
		return parts[at+1]
	}
	return ""
}
