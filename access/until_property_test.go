package access_test

import (
	"maps"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/internal/randommodel"
)

// unended is the model without ends. Its assertions are left out if anything had ended, because they need not hold
// then.
func unended(m access.Model) access.Model {
	if m.Ended != "" {
		m.Ended, m.Assertions = "", nil
	}
	m.Invokers, m.Endpoints = maps.Clone(m.Invokers), maps.Clone(m.Endpoints)
	for name, i := range m.Invokers {
		i.Until, i.MembersUntil = "", nil
		m.Invokers[name] = i
	}
	for name, e := range m.Endpoints {
		e.InvokersUntil = nil
		m.Endpoints[name] = e
	}
	return m
}

// An end takes access away from its principal, and gives nobody any.
func TestEndsOnlyTakeAway(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		m := randommodel.Models.Draw(t, "model")
		m.Assertions = nil
		before, after := compile(unended(m)), compile(m)
		held, abilities := map[string]bool{}, held(m, before.Grants)
		for _, g := range before.Grants {
			held[g.Principal.String()+g.String()] = true
		}
		over := func(date string) bool { return date != "" && date <= m.Ended }
		for _, g := range after.Grants {
			had := slices.ContainsFunc(before.Holders(g.Principal), func(p access.Principal) bool {
				if !isStorage(g) {
					return held[p.String()+g.String()]
				}
				for _, n := range given(g) { // a writer, or a reader of the account, may keep less than that
					n.principal = p.Kind + " " + p.Name
					if !anyGives(abilities, n) {
						return false
					}
				}
				return true
			})
			if !had {
				t.Fatalf("after %s %s gets %s", m.Ended, g.Principal, g)
			}
			if !g.Principal.IsCluster() && over(m.Invokers[g.Principal.Name].Until) {
				t.Fatalf("%s ended on %s and has %s", g.Principal, m.Invokers[g.Principal.Name].Until, g)
			}
		}
		for _, n := range after.Needs {
			e, name := m.Endpoints[n.Endpoint], n.Principal.Name
			if n.Endpoint == "" || n.Principal.IsCluster() || !over(e.InvokersUntil[name]) {
				continue
			}
			byGroup := false
			for group, i := range m.Invokers {
				byGroup = byGroup || slices.Contains(i.Members, name) && !over(i.Until) && !over(i.MembersUntil[name]) &&
					!over(e.InvokersUntil[group])
			}
			if !byGroup {
				t.Fatalf("%s ended at %s on %s and needs %v", name, n.Endpoint, e.InvokersUntil[name], n)
			}
		}
		if m.Ended == "" && len(before.Grants) != len(after.Grants) {
			t.Fatalf("nothing is over, and something is granted no more")
		}
		for _, p := range after.Paths() {
			if p.Declared && !p.Works() {
				t.Fatalf("%s on %s was to go on", p.Invoker, p.Target())
			}
		}
	})
}
