// Package estates compares the indirect ways that are found in a corpus of small estates with those that an expert
// lists for each (README.md).
package estates

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gopkg.in/yaml.v3"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/internal/config"
	"github.com/batchaccess/batchaccess/internal/explain"
)

type estate struct {
	Config map[string]any `yaml:"config"`
	Ways   []listed       `yaml:"ways"`
	None   []listed       `yaml:"none"`
	// World is set if the ways are those of everything in Azure, and not of the stack alone.
	World *world `yaml:"world"`
}

type listed struct {
	Who     string `yaml:"who"`
	Verb    string `yaml:"verb"`
	What    string `yaml:"what"`
	As      string `yaml:"as"`
	By      string `yaml:"by"`
	Decided string `yaml:"decided"`
	Why     string `yaml:"why"`
}

// waits are the estates that can't be planned without a look-up, with the key that a preview would look up.
var waits = map[string]string{
	"12-store-unknown-credential.yaml": "credentialInStore",
}

// A pair is who reaches what. Two ways of one pair, by two edges, count as one.
type pair struct{ who, verb, what string }

func TestEstates(t *testing.T) {
	t.Parallel()
	eachPlan(t, func(t *testing.T, e estate, plan *access.Plan) {
		expected := map[pair][]listed{}
		for _, w := range e.Ways {
			p := pair{w.Who, w.Verb, w.What}
			expected[p] = append(expected[p], w)
		}
		for p, all := range expected {
			undecided := !slices.ContainsFunc(all, func(w listed) bool { return w.Decided == "yes" })
			found := find(plan, p)
			if p.verb == "reads" && len(found) == 0 && byAnyJob(plan, p) {
				continue
			}
			if assert.NotEmpty(t, found, "missed: %v", p) {
				assert.Equal(t, undecided, found[0].Undecided(), "%v is found as: %s", p, found[0])
				assert.True(t, slices.ContainsFunc(all, func(w listed) bool { return as(plan, found[0], w.As) }),
					"%v is found as: %s", p, found[0])
			}
		}
		for _, w := range e.None {
			for _, found := range find(plan, pair{w.Who, w.Verb, w.What}) {
				t.Errorf("invented: %s; %s", found, w.Why)
			}
		}
	})
}

// byAnyJob reports whether, in the plan, a job of theirs reads the input by its store's credential: then no indirect
// way is needed.
func byAnyJob(plan *access.Plan, p pair) bool {
	return plan.Model.DataInputs[p.what].Mechanism() == access.ByStoreCredential &&
		slices.Contains(plan.Readers()[p.what], p.who)
}

// read returns no plan for an estate in waits: it must be refused for that key.
func read(t *testing.T, file string) (e estate, plan *access.Plan) {
	t.Helper()
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	decoder := yaml.NewDecoder(strings.NewReader(string(text)))
	decoder.KnownFields(true)
	require.NoError(t, decoder.Decode(&e))
	require.NotEmpty(t, len(e.Ways)+len(e.None))
	for _, w := range e.Ways {
		require.Contains(t, []string{"yes", "undecided"}, w.Decided, "%v", w)
		require.NotEmpty(t, w.Why, "%v", w)
	}
	values := map[string]any{}
	for key, value := range e.Config {
		_, key, _ = strings.Cut(key, ":")
		values[key] = value
	}
	if key := waits[file]; key != "" {
		model, problems := config.StackModel(values)
		_, compiled := access.Compile(model)
		require.ErrorContains(t, append(problems, compiled...).Err(), key)
		return e, nil
	}
	return e, planOf(t, values)
}

// Every way of a plan comes with a change that cuts it, which was tried.
func TestEveryWayOfAPlanIsCut(t *testing.T) {
	t.Parallel()
	eachPlan(t, func(t *testing.T, _ estate, plan *access.Plan) {
		for _, w := range plan.Ways() {
			assert.NotEmpty(t, explain.Cuts(plan, w), "nothing cuts: %s", w)
		}
	})
}

// eachPlan runs a test for each estate that is a plan.
func eachPlan(t *testing.T, run func(*testing.T, estate, *access.Plan)) {
	t.Helper()
	files, err := filepath.Glob("*.yaml")
	require.NoError(t, err)
	require.GreaterOrEqual(t, len(files), 30)
	for _, file := range files {
		t.Run(file, func(t *testing.T) {
			t.Parallel()
			if e, plan := read(t, file); plan != nil && e.World == nil {
				run(t, e, plan)
			}
		})
	}
}

func planOf(t *testing.T, values map[string]any) *access.Plan {
	t.Helper()
	model, problems := config.StackModel(values)
	require.NoError(t, problems.Err())
	plan, problems := access.Compile(model)
	require.NotNil(t, plan, "%v", problems.Err())
	return plan
}

// find are the ways of the pair, the decided ones first.
func find(plan *access.Plan, p pair) (all []access.Way) {
	for _, w := range plan.Ways() {
		if slices.ContainsFunc(w.Who, func(who string) bool { return same(plan, who, p.who) }) && says(plan, w, p) {
			all = append(all, w)
		}
	}
	slices.SortStableFunc(all, func(a, b access.Way) int {
		return map[bool]int{false: 0, true: 1}[a.Undecided()] - map[bool]int{false: 0, true: 1}[b.Undecided()]
	})
	return all
}

func says(plan *access.Plan, w access.Way, p pair) bool {
	last := w.Hops[len(w.Hops)-1]
	is := func(ends ...string) bool { return p.what == "anything" || slices.Contains(ends, w.Ends) }
	switch p.verb {
	case "reads":
		return w.Input == p.what || w.Output == p.what
	case "writes":
		if data, is := strings.CutPrefix(p.what, "what jobs read as "); is {
			return last.Kind == access.DataHop && plan.Model.DataInputs[data].InWorkspace()
		}
		return w.Input == p.what && w.Writes || w.Output == p.what
	case "actsAs":
		return w.Ends != "" && same(plan, w.Ends, p.what)
	case "grants":
		if w.Ends == "" || last.Kind != access.GrantHop || !strings.HasPrefix(w.Ends, "role assignments") {
			return false
		}
		return is("role assignments at the "+strings.TrimPrefix(p.what, "the ")) || p.what == "grants"
	case "holdsSecretsOf":
		if p.what == "data stores" {
			return strings.HasPrefix(w.Ends, "the credential of data store ")
		}
		return last.Kind == access.SecretHop && w.Ends != "" && is("the keys of "+p.what, "the credential of "+p.what,
			"the secrets of "+p.what)
	}
	panic(fmt.Sprintf("unknown verb %q", p.verb))
}

// as reports whether a way to data goes by the identity, or by the secret, that the expert names.
func as(plan *access.Plan, w access.Way, name string) bool {
	last := w.Hops[len(w.Hops)-1]
	switch {
	case name == "", w.Ends != "":
		return true
	case name == "account key":
		return strings.HasPrefix(last.Identity, "the key of ")
	case name == "data store credential":
		return last.Identity == "the credential of its data store"
	}
	cluster, is := strings.CutPrefix(name, "cluster:")
	p := access.InvokerPrincipal(cluster)
	if is {
		p = access.ClusterPrincipal(cluster)
	}
	for _, i := range plan.Identities {
		if slices.Contains(i.Names, p) {
			return slices.ContainsFunc(i.Names, func(n access.Principal) bool { return n.String() == last.Identity })
		}
	}
	return false
}

// same reports whether two names mean one identity.
func same(plan *access.Plan, a, b string) bool {
	named := func(p access.Principal, name string) bool {
		return p.IsCluster() && name == "cluster:"+p.Name || !p.IsCluster() && name == p.Name
	}
	return a == b || slices.ContainsFunc(plan.Identities, func(i access.Identity) bool {
		return slices.ContainsFunc(i.Names, func(p access.Principal) bool { return named(p, a) }) &&
			slices.ContainsFunc(i.Names, func(p access.Principal) bool { return named(p, b) })
	})
}
