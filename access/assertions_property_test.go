package access_test

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/internal/problem"
	"github.com/batchaccess/batchaccess/internal/randommodel"
	"github.com/batchaccess/batchaccess/roles"
)

// CheckAssertions agrees with a slower check. The slower check uses the paths of Explain for what must be possible, and
// the declarations themselves, not grants, for what must not be.
func TestCheckAssertionsAgreesWithTheLongWay(t *testing.T) {
	check(t, func(t *rapid.T, m access.Model) {
		a := randommodel.Assertions(m).Draw(t, "asserted")
		m.Assertions = map[string]access.Assertion{"it": a}
		w := longWay{m: m, paths: compile(m).Paths()}
		_, w.asked = needs(m)
		want := true
		each := withoutGroups(access.Model{Invokers: m.Invokers, Assertions: m.Assertions}).Assertions["it"]
		for _, name := range slices.Concat(each.Can, each.Cannot) {
			want = want && w.able(a, name) == (a.Can != nil)
		}
		if a.Only != nil {
			for _, name := range slices.Concat(m.Acting(), clusterNames(m)) {
				if a.Start != "" && strings.HasPrefix(name, "cluster:") {
					continue
				}
				want = want && (slices.Contains(each.Only, name) || !w.able(a, name))
			}
		}
		got := compile(m).Verdicts[0]
		if got.Holds != want {
			t.Fatalf("%s: want %v, got %+v", a, want, got)
		}
		ps := validate(m)
		if (ps.Err() == nil) != want || ps.Without(problem.Violation).Err() != nil {
			t.Fatalf("%s holds: %v, but Validate says %v", a, want, ps.Err())
		}
	})
}

func clusterNames(m access.Model) (names []string) {
	for _, name := range keys(m.Clusters) {
		names = append(names, "cluster:"+name)
	}
	return names
}

type longWay struct {
	m     access.Model
	paths []access.Path
	asked map[need]bool
}

func (w longWay) able(a access.Assertion, name string) bool {
	cluster, isCluster := strings.CutPrefix(name, "cluster:")
	who := "invoker " + name
	if isCluster {
		who = "cluster " + cluster
	}
	writes := func() bool {
		for n := range w.asked {
			if n.principal == who && n.write {
				return true
			}
		}
		return false
	}
	switch {
	case a.Do == "grantsAccess":
		return false
	case a.Do == "destroysData":
		return writes()
	case a.Do == roles.ReadBlobs:
		for n := range w.asked {
			if n.principal == who {
				return true
			}
		}
		return false
	case a.Do != "": // the article's role
		return !isCluster
	case a.Start != "" && a.Can == nil: // everybody has the role
		return true
	case a.Can != nil && !isCluster:
		all, one := true, false
		for _, p := range w.paths {
			if p.Invoker == name && (p.Endpoint == a.Start || a.Read != "" && p.Input == a.Read) {
				all, one = all && p.Works(), one || p.Works()
			}
		}
		return one && (all || a.Read != "")
	default:
		return w.reads(a, who, isCluster)
	}
}

// reads reports whether a container or an account is open in part. For Can it must be open as a whole.
func (w longWay) reads(a access.Assertion, who string, isCluster bool) bool {
	d := w.m.DataInputs[a.Read]
	if d.Mechanism() == access.ByStoreCredential {
		return !isCluster && a.Can == nil
	}
	place := ""
	if d.Path != "" {
		place = d.Path + "/"
	}
	for n := range w.asked {
		if a.Can != nil && n.write && n.path != "" {
			continue // who writes below a path does not read the container, and so does not mount it
		}
		whole := (n.container == "" || n.container == d.Container) &&
			(strings.HasPrefix(place, n.path) || a.Can == nil && strings.HasPrefix(n.path, place))
		if n.principal == who && n.account == d.StorageAccount && (whole || a.Can == nil && d.Container == "") {
			return true
		}
	}
	for _, acl := range compile(w.m).ACLs { // all inputs are whole containers
		whose := acl.Principal.String() == who || slices.ContainsFunc(w.m.Invokers[acl.Principal.Name].Members,
			func(member string) bool { return who == "invoker "+member })
		if whose && acl.StorageAccount == d.StorageAccount &&
			(acl.Container == d.Container || a.Can == nil && d.Container == "") {
			return true
		}
	}
	return false
}
