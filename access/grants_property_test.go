package access_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/internal/randommodel"
	"github.com/batchaccess/batchaccess/roles"
)

// need is something that somebody must be able to do at a place. It is derived from the endpoints alone, row by row of
// the article's table, and knows nothing of how grants are made.
type need struct {
	principal          string // "invoker alice", "cluster cpu"
	account, container string // the container is "" for the whole account
	path               string // a folder, which ends in a slash; "" for the whole container
	write              bool
}

// needs returns everything that the declared paths of a model need, and the same with the scopes that the model asks
// for.
func needs(m access.Model) (least, asked map[need]bool) {
	least, asked = map[need]bool{}, map[need]bool{}
	endpoints := m.Endpoints
	if len(endpoints) == 0 {
		endpoints = map[string]access.Endpoint{}
		for name := range m.Clusters {
			endpoints[name] = access.Endpoint{Cluster: name, Inputs: keys(m.DataInputs), Outputs: keys(m.DataOutputs)}
		}
	}
	for _, e := range endpoints {
		invokers := e.Invokers
		if invokers == nil {
			invokers = keys(m.Invokers)
		}
		var who []string
		if len(invokers) > 0 {
			who = append(who, "cluster "+e.Cluster)
		}
		for _, name := range invokers {
			who = append(who, "invoker "+name)
			for _, member := range m.Invokers[name].Members {
				who = append(who, "invoker "+member)
			}
		}
		add := func(account, container, path string, scope access.Level, write bool) {
			wide := container
			if scope == access.AtAccount {
				wide = ""
			}
			limit := ""
			if scope == access.AtPath {
				limit = path + "/"
			}
			for _, p := range who {
				least[need{p, account, container, limit, write}] = true
				asked[need{p, account, wide, limit, write}] = true
			}
		}
		for _, name := range e.Inputs {
			switch d := m.DataInputs[name]; {
			case d.Kind == access.DataStore && *d.CredentialInStore, d.Kind == access.DataAsset && *d.CredentialInStore:
			case d.Kind == access.ADLSGen2 && d.GrantedBy == access.ByACL:
			default:
				add(d.StorageAccount, d.Container, d.Path, d.Scope, false)
			}
		}
		for _, name := range e.Outputs {
			if d := m.DataOutputs[name]; !*d.CredentialInStore {
				add(d.StorageAccount, d.Container, d.Path, d.Scope, true)
			}
		}
	}
	return least, asked
}

// given returns what a storage grant lets its principal do.
func given(g access.Grant) (all []need) {
	n := need{g.Principal.Kind + " " + g.Principal.Name, g.Scope.StorageAccount, g.Scope.Container, "",
		g.Role == "Storage Blob Data Contributor" || g.Role == roles.StorageBlobPathWriter}
	if len(g.Paths) == 0 {
		return []need{n}
	}
	for _, n.path = range g.Paths {
		all = append(all, n)
	}
	return all
}

// gives reports whether one ability includes another: an account includes its containers, and a writer may read.
func (n need) gives(other need) bool {
	return n.principal == other.principal && n.account == other.account &&
		(n.container == "" || n.container == other.container) && strings.HasPrefix(other.path, n.path) &&
		(n.write || !other.write)
}

// held are the abilities that storage grants give; those of a group count for each of its members.
func held(m access.Model, grants []access.Grant) (abilities []need) {
	for _, g := range grants {
		if !isStorage(g) {
			continue
		}
		abilities = append(abilities, given(g)...)
		if g.Principal.IsCluster() {
			continue // although it may have the name of a group
		}
		for _, member := range m.Invokers[g.Principal.Name].Members {
			for _, a := range given(g) {
				a.principal = "invoker " + member
				abilities = append(abilities, a)
			}
		}
	}
	return abilities
}

func anyGives(abilities []need, n need) bool {
	return slices.ContainsFunc(abilities, func(a need) bool { return a.gives(n) })
}

func isStorage(g access.Grant) bool { return g.Scope.StorageAccount != "" }

func check(t *testing.T, property func(t *rapid.T, m access.Model)) {
	t.Helper()
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		m := randommodel.Models.Draw(t, "model")
		if err := validate(m).Err(); err != nil {
			t.Fatalf("the generator drew a model that is not valid: %v", err)
		}
		if m.Role.ByEndpoint() { // endpoint scope has tests of its own, and sandbox/rehearsal has the sandbox's verdict
			m.Role.Scope, m.Assertions = "", nil
		}
		property(t, unended(m)) // TestEndsOnlyTakeAway tests ends
	})
}

func TestEveryInputIsReadableByWhoNeedsItAndNothingElseIsGranted(t *testing.T) {
	check(t, func(t *rapid.T, m access.Model) {
		least, asked := needs(m)
		abilities := held(m, compile(m).Grants)
		for n := range least {
			if !anyGives(abilities, n) {
				t.Fatalf("nobody gives %+v", n)
			}
		}
		for _, a := range abilities {
			if !asked[a] {
				t.Fatalf("nothing asks for %+v", a)
			}
		}
	})
}

func TestEveryInvokerHasTheRoleOnceAndNoClusterHasIt(t *testing.T) {
	check(t, func(t *rapid.T, m access.Model) {
		held := map[string]int{}
		for _, g := range compile(m).Grants {
			if isStorage(g) {
				continue
			}
			held[g.Principal.String()]++
			if want := m.Role.EffectiveScope(); g.Scope.Level != want || g.Role != "Batch Endpoint Invoker" {
				t.Fatalf("%v: want %s at the %s", g, "Batch Endpoint Invoker", want)
			}
		}
		for name := range m.Invokers {
			want := 1
			if m.Groups()[name] != "" {
				want = 0 // its group has the role
			}
			if held["invoker "+name] != want {
				t.Fatalf("%s has the role %d times", name, held["invoker "+name])
			}
			delete(held, "invoker "+name)
		}
		if len(held) != 0 {
			t.Fatalf("somebody else has the role: %v", held)
		}
	})
}

func TestNoGrantIsThereTwiceOrImpliedByAnother(t *testing.T) {
	check(t, func(t *rapid.T, m access.Model) {
		grants := compile(m).Grants
		for i, g := range grants {
			if len(g.Reasons) == 0 {
				t.Fatalf("%v has no reason", g)
			}
			for j, other := range grants {
				implies := func(n need) bool {
					return !writesOnly(other, g) && anyGives(held(m, []access.Grant{other}), n)
				}
				if i != j && isStorage(g) && slices.ContainsFunc(given(g), implies) {
					t.Fatalf("%v implies some of %v", other, g)
				}
			}
		}
	})
}

func TestReasonsNameEveryInputOnce(t *testing.T) {
	check(t, func(t *rapid.T, m access.Model) {
		for _, g := range compile(m).Grants {
			seen := map[string]bool{}
			for _, reason := range g.Reasons {
				if seen[reason] {
					t.Fatalf("%v gives the reason %q twice", g, reason)
				}
				seen[reason] = true
			}
		}
	})
}

func TestTheOrderOfListsChangesNothing(t *testing.T) {
	check(t, func(t *rapid.T, m access.Model) {
		before := fmt.Sprintf("%+v %+v", compile(m).Grants, compile(m).Paths())
		shuffled := map[string]access.Endpoint{}
		for name, e := range m.Endpoints {
			e.Inputs, e.Outputs, e.Invokers = shuffle(t, e.Inputs), shuffle(t, e.Outputs), shuffle(t, e.Invokers)
			shuffled[name] = e
		}
		m.Endpoints = shuffled
		if after := fmt.Sprintf("%+v %+v", compile(m).Grants, compile(m).Paths()); after != before {
			t.Fatalf("before: %s\nafter: %s", before, after)
		}
	})
}

func shuffle(t *rapid.T, list []string) []string {
	if len(list) == 0 {
		return list
	}
	return rapid.Permutation(list).Draw(t, "order")
}

func TestEveryDeclaredPathWorks(t *testing.T) {
	check(t, func(t *rapid.T, m access.Model) {
		for _, p := range compile(m).Paths() {
			if p.Declared && !p.Works() {
				t.Fatalf("%s on %s with %s fails at %+v", p.Invoker, p.Endpoint, p.Input, p.FailsAt())
			}
		}
	})
}

func TestAnyGrantThatIsTakenAwayBreaksADeclaredPath(t *testing.T) {
	check(t, func(t *rapid.T, m access.Model) {
		if len(m.Endpoints) == 0 { // with this, every invoker has paths, on clusters
			m.Endpoints = map[string]access.Endpoint{}
			for name := range m.Clusters {
				m.Endpoints[name] = access.Endpoint{Cluster: name, Inputs: keys(m.DataInputs), Outputs: keys(m.DataOutputs)}
			}
		}
		declared := map[string]bool{}
		for _, p := range compile(m).Paths() {
			declared[p.Invoker] = declared[p.Invoker] || p.Declared
			if group := m.Groups()[p.Invoker]; group != "" {
				declared[group] = declared[group] || p.Declared
			}
		}
		grants := compile(m).Grants
		least, _ := needs(m)
		for i, g := range grants {
			switch {
			case !isStorage(g) && !declared[g.Principal.Name]:
				continue // an invoker that no endpoint names has the role for the workspace's other endpoints
			case isStorage(g) && !slices.ContainsFunc(given(g), func(n need) bool { return least[n] }):
				continue // wider than any path needs, because the model says scope: account
			case isStorage(g) && aclsReach(m, g.Scope):
				continue // ACLs, which are set outside of the stack, may give the same
			case slices.ContainsFunc(grants, func(other access.Grant) bool {
				return writesOnly(other, g) && slices.ContainsFunc(held(m, []access.Grant{other}), func(n need) bool {
					return n.principal == given(g)[0].principal
				})
			}):
				continue // it may read where it writes, but the article asks for the reader's role too
			case isStorage(g) && eachMemberHas(m, grants, g):
				continue // the members already have the group's access on their own
			}
			less := slices.Delete(slices.Clone(grants), i, i+1)
			if !slices.ContainsFunc(compile(m).PathsWith(less), func(p access.Path) bool { return p.Declared && !p.Works() }) {
				t.Fatalf("%s has %v and all works without it", g.Principal, g)
			}
		}
	})
}

// writesOnly reports whether one grant is a path's writer and the other a reader. A job could read with either, but the
// writer's role has data actions alone, and is not Storage Blob Data Reader.
func writesOnly(writer, reader access.Grant) bool {
	return writer.Role == roles.StorageBlobPathWriter && reader.Role == roles.StorageBlobDataReader &&
		writer.Scope == reader.Scope
}

func eachMemberHas(m access.Model, grants []access.Grant, g access.Grant) bool {
	members := m.Invokers[g.Principal.Name].Members
	own := slices.DeleteFunc(slices.Clone(grants), func(other access.Grant) bool { return other.Principal == g.Principal })
	return len(members) > 0 && !slices.ContainsFunc(members, func(member string) bool {
		return slices.ContainsFunc(given(g), func(n need) bool {
			n.principal = "invoker " + member
			return !anyGives(held(m, own), n)
		})
	})
}

func aclsReach(m access.Model, s access.Scope) bool {
	for _, d := range m.DataInputs {
		if d.GrantedBy == access.ByACL && d.StorageAccount == s.StorageAccount &&
			(s.Container == "" || d.Container == s.Container) {
			return true
		}
	}
	return false
}

func TestPathsThatAreNotDeclaredGainNothing(t *testing.T) {
	check(t, func(t *rapid.T, m access.Model) {
		_, asked := needs(m)
		holds := func(n need) bool {
			for a := range asked {
				if a.gives(n) {
					return true
				}
			}
			return false
		}
		for _, p := range compile(m).Paths() {
			d, ok := m.DataInputs[p.Input]
			if !ok || d.Mechanism() != access.ByRBAC || aclsReach(m,
				access.Scope{StorageAccount: d.StorageAccount, Container: d.Container}) {
				continue
			}
			path := ""
			if d.Path != "" {
				path = d.Path + "/"
			}
			reads := holds(need{"invoker " + p.Invoker, d.StorageAccount, d.Container, path, false})
			for _, hop := range p.Hops {
				if hop.Kind == access.ReadHop && (hop.Missing == "") != reads {
					t.Fatalf("%s on %s with %s: %+v, but the model asks for it: %v", p.Invoker, p.Endpoint, p.Input, hop, reads)
				}
			}
		}
	})
}
