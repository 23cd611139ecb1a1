package access_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/access/signin"
)

const anyAccount = "/subscriptions/11111111-1111-4111-8111-111111111111/resourceGroups/data/providers/" +
	"Microsoft.Storage/storageAccounts/lake"

// stack is a model with everything that can be renamed.
func stack() access.Model {
	return access.Model{
		WorkspaceID: access.Known("/subscriptions/11111111-1111-4111-8111-111111111111/resourceGroups/ml/providers/" +
			"Microsoft.MachineLearningServices/workspaces/ml"),
		Invokers: map[string]access.Invoker{
			"ann": {Kind: access.Group, PrincipalID: access.Known("22222222-2222-4222-8222-222222222222")},
			"bot": {Kind: access.ServicePrincipal,
				FederatedCredentials: map[string]signin.FederatedCredential{
					"one": {Issuer: "https://example.com", Subject: "one"}, "two": {Issuer: "https://example.com", Subject: "two"}},
				ClientSecrets: map[string]signin.ClientSecret{
					"one": {StartDate: "2026-01-01", EndDate: "2026-12-31"}, "two": {StartDate: "2026-01-01", EndDate: "2026-12-31"}}},
		},
		Clusters:        map[string]access.Cluster{"cpu": {}, "gpu": {ComputeName: "gpu-two"}},
		StorageAccounts: map[string]access.ID{"lake": access.Known(anyAccount), "pond": access.Known(anyAccount + "2")},
		DataInputs: map[string]access.DataInput{
			"rows": {Kind: access.Blob, StorageAccount: "lake", Container: "rows"}},
	}
}

func TestNamesThatThingsHadBefore(t *testing.T) {
	t.Parallel()
	invoker := func(name, was string) func(*access.Model) {
		return func(m *access.Model) { i := m.Invokers[name]; i.Was = was; m.Invokers[name] = i }
	}
	cluster := func(name, was string) func(*access.Model) {
		return func(m *access.Model) { c := m.Clusters[name]; c.Was = was; m.Clusters[name] = c }
	}
	federated := func(name, was string) func(*access.Model) {
		return func(m *access.Model) {
			all := m.Invokers["bot"].FederatedCredentials
			f := all[name]
			f.Was = was
			all[name] = f
		}
	}
	secret := func(name, was string) func(*access.Model) {
		return func(m *access.Model) {
			all := m.Invokers["bot"].ClientSecrets
			s := all[name]
			s.Was = was
			all[name] = s
		}
	}
	account := func(name, was string) func(*access.Model) {
		return func(m *access.Model) {
			if m.StorageAccountsWere == nil {
				m.StorageAccountsWere = map[string]string{}
			}
			m.StorageAccountsWere[name] = was
		}
	}
	for path, of := range map[string]struct {
		first, second string
		set           func(name, was string) func(*access.Model)
	}{
		"invokers.%.was": {"ann", "bot", invoker},
		"clusters.%.was": {"cpu", "gpu", cluster},
		"invokers.bot.federatedCredentials.%.was": {"one", "two", federated},
		"invokers.bot.clientSecrets.%.was":        {"one", "two", secret},
		"storageAccountsWere.%":                   {"lake", "pond", account},
	} {
		at := func(name string) string { return replaceOnce(path, name) }
		for name, c := range map[string]struct {
			edits []func(*access.Model)
			path  string // "" for none
		}{
			"gone":            {[]func(*access.Model){of.set(of.first, "old")}, ""},
			"two that differ": {[]func(*access.Model){of.set(of.first, "old"), of.set(of.second, "older")}, ""},
			"itself":          {[]func(*access.Model){of.set(of.first, of.first)}, at(of.first)},
			"still there":     {[]func(*access.Model){of.set(of.first, of.second)}, at(of.first)},
			"twice":           {[]func(*access.Model){of.set(of.first, "old"), of.set(of.second, "old")}, at(of.second)},
			"exchanged":       {[]func(*access.Model){of.set(of.first, of.second), of.set(of.second, of.first)}, at(of.first)},
			"one after another": {[]func(*access.Model){of.set(of.first, of.second), of.set(of.second, "old")},
				at(of.first)},
			"no name": {[]func(*access.Model){of.set(of.first, "a/b")}, at(of.first)},
		} {
			t.Run(path+" "+name, func(t *testing.T) {
				t.Parallel()
				m := stack()
				for _, edit := range c.edits {
					edit(&m)
				}
				plan, ps := access.Compile(m)
				if c.path == "" {
					require.NoError(t, ps.Err())
					require.NotNil(t, plan)
					return
				}
				require.Nil(t, plan)
				require.NotEmpty(t, ps)
				assert.Equal(t, c.path, ps[0].Path)
				assert.NotEmpty(t, ps[0].Fix)
				assert.Equal(t, name == "exchanged", strings.HasPrefix(ps[0].Fix, "names are exchanged with one rename"))
			})
		}
	}
	t.Run("an account whose earlier name is empty", func(t *testing.T) {
		t.Parallel()
		m := stack()
		account("lake", "")(&m)
		_, ps := access.Compile(m)
		require.Error(t, ps.Err())
		assert.Equal(t, "storageAccountsWere.lake", ps[0].Path)
	})
	t.Run("an account that there is not", func(t *testing.T) {
		t.Parallel()
		m := stack()
		account("sea", "lake2")(&m)
		_, ps := access.Compile(m)
		require.Error(t, ps.Err())
		assert.Equal(t, "storageAccountsWere.sea", ps[0].Path)
	})
}

// Pulumi takes a resource in the state for the one with the same name in the program, whatever was says.
func TestNamesThatMoveOnTakeTwoDeployments(t *testing.T) {
	t.Parallel()
	const third = "names are exchanged with one rename in each deployment: in the first call invokers.%s by a third " +
		"name, with was: %s, and leave the others as they were"
	for name, c := range map[string]struct {
		was  map[string]string
		want map[string]string // path to remedy
	}{
		"two exchange theirs": {map[string]string{"a": "b", "b": "a"}, map[string]string{
			"invokers.a.was": fmt.Sprintf(third, "a", "b"), "invokers.b.was": fmt.Sprintf(third, "b", "a")}},
		"three exchange theirs": {map[string]string{"a": "b", "b": "c", "c": "a"}, map[string]string{
			"invokers.a.was": fmt.Sprintf(third, "a", "b"), "invokers.b.was": fmt.Sprintf(third, "b", "c"),
			"invokers.c.was": fmt.Sprintf(third, "c", "a")}},
		"a was b, and b was d": {map[string]string{"a": "b", "b": "d", "c": ""},
			map[string]string{"invokers.a.was": "deploy a " +
				"first, with invokers.b still called d, and rename that in a second deployment"}},
		"a was b, which stays": {map[string]string{"a": "b", "b": "", "c": ""}, map[string]string{
			"invokers.a.was": "write the name that it had before, or leave it out if it is new"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := stack()
			m.Invokers = map[string]access.Invoker{}
			for name, old := range c.was {
				m.Invokers[name] = access.Invoker{Kind: access.ServicePrincipal, SignIn: "none", Was: old}
			}
			_, ps := access.Compile(m)
			have := map[string]string{}
			for _, p := range ps {
				have[p.Path] = p.Fix
			}
			assert.Equal(t, c.want, have)
		})
	}
}

// The remedy, followed to its end: each deployment is accepted.
func TestNamesAreExchangedWithOneRenameInEachDeployment(t *testing.T) {
	t.Parallel()
	for _, was := range []map[string]string{{"third": "b", "a": ""}, {"third": "", "b": "a"}, {"a": "third", "b": ""}} {
		m := stack()
		m.Invokers = map[string]access.Invoker{}
		for name, old := range was {
			m.Invokers[name] = access.Invoker{Kind: access.ServicePrincipal, SignIn: "none", Was: old}
		}
		_, ps := access.Compile(m)
		assert.NoError(t, ps.Err(), "%v", was)
	}
}

func replaceOnce(path, name string) string {
	for i := range path {
		if path[i] == '%' {
			return path[:i] + name + path[i+1:]
		}
	}
	return path
}

func TestARenamedClusterKeepsItsNameInTheWorkspace(t *testing.T) {
	t.Parallel()
	assert.Equal(t, "new", access.Cluster{}.NameOr("new"))
	assert.Equal(t, "old", access.Cluster{Was: "old"}.NameOr("new"))
	assert.Equal(t, "own", access.Cluster{Was: "old", ComputeName: "own"}.NameOr("new"))
}

func TestGrantsThatOtherStacksHold(t *testing.T) {
	t.Parallel()
	right := access.SharedGrant{By: "lake/prod", Principal: "ann", StorageAccount: "lake", Container: "rows"}
	with := func(edit func(*access.SharedGrant)) access.SharedGrant {
		s := right
		edit(&s)
		return s
	}
	for name, c := range map[string]struct {
		grants map[string]access.SharedGrant
		paths  []string
	}{
		"held": {map[string]access.SharedGrant{"a": right}, nil},
		"another container": {map[string]access.SharedGrant{
			"a": with(func(s *access.SharedGrant) { s.Container = "x" })}, []string{"sharedGrants.a"}},
		"all of the account": {map[string]access.SharedGrant{
			"a": with(func(s *access.SharedGrant) { s.Container = "" })}, []string{"sharedGrants.a"}},
		"another role": {map[string]access.SharedGrant{
			"a": with(func(s *access.SharedGrant) { s.Write = true })}, []string{"sharedGrants.a"}},
		"nobody": {map[string]access.SharedGrant{
			"a": with(func(s *access.SharedGrant) { s.Principal = "" })}, []string{"sharedGrants.a"}},
		"no stack": {map[string]access.SharedGrant{
			"a": with(func(s *access.SharedGrant) { s.By = "prod" })}, []string{"sharedGrants.a.by"}},
		"who is made here": {map[string]access.SharedGrant{
			"a": with(func(s *access.SharedGrant) { s.Principal = "bot" })}, []string{"sharedGrants.a.principal"}},
		"a cluster that is made": {map[string]access.SharedGrant{
			"a": with(func(s *access.SharedGrant) { s.Principal = "cluster:cpu" })}, []string{"sharedGrants.a.principal"}},
		"twice": {map[string]access.SharedGrant{"a": right, "b": right}, []string{"sharedGrants.b"}},
		"a role that is made": {map[string]access.SharedGrant{"a": {By: "lake/prod", Principal: "ann"}},
			[]string{"sharedGrants.a"}},
		"all that is wrong at once": {map[string]access.SharedGrant{
			"a": with(func(s *access.SharedGrant) {
				s.By,
					s.Container = "", "x"
			})}, []string{"sharedGrants.a.by", "sharedGrants.a"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := stack()
			m.SharedGrants = c.grants
			plan, ps := access.Compile(m)
			var paths []string
			for _, p := range ps {
				paths = append(paths, p.Path)
				assert.NotEmpty(t, p.Fix)
			}
			assert.Equal(t, c.paths, paths)
			if c.paths != nil {
				assert.Nil(t, plan)
				return
			}
			held := 0
			for _, g := range plan.Grants {
				if g.HeldBy != "" {
					held++
					assert.Equal(t, access.InvokerPrincipal("ann"), g.Principal)
					assert.Equal(t, "rows", g.Scope.Container)
				}
			}
			assert.Equal(t, 1, held)
			for _, path := range plan.Paths() {
				assert.True(t, path.Works(), "what is held elsewhere counts: %v", path)
			}
		})
	}
}
