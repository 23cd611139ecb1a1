package access_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/roles"
)

// limited is a model with two endpoints, whose invokers may start one each. A group that the stack makes may start the
// second.
func limited() access.Model {
	no := boolPtr(false)
	in := func(account string) access.DataInput {
		return access.DataInput{Kind: access.DataStore, DataStore: account, CredentialInStore: no, Path: "p",
			StorageAccount: account, Container: "pictures"}
	}
	return access.Model{
		WorkspaceID: workspaceID,
		Role:        access.Role{Scope: access.AtEndpoint},
		Invokers: map[string]access.Invoker{
			"alice": {Kind: access.User, PrincipalID: objectID(1)}, "bob": {Kind: access.User, PrincipalID: objectID(2)},
			"carol": {Kind: access.User, PrincipalID: objectID(3)},
			"team":  {Kind: access.Group, Members: []string{"carol"}},
		},
		Clusters:        map[string]access.Cluster{"cpu": {}},
		StorageAccounts: map[string]access.ID{"lake": storageID("lake")},
		DataInputs:      map[string]access.DataInput{"images": in("lake")},
		Endpoints: map[string]access.Endpoint{
			"tagger": {Cluster: "cpu", Inputs: []string{"images"}, Invokers: []string{"alice"}},
			"scorer": {Cluster: "cpu", Inputs: []string{"images"}, Invokers: []string{"bob", "team"}},
		},
	}
}

func invokerGrants(p *access.Plan) (all []string) {
	for _, g := range p.Grants {
		if !g.Scope.InStorage() {
			all = append(all, g.Principal.Name+": "+g.String())
		}
	}
	return all
}

func TestEndpointScopeGrantsBothPartsAndNothingElse(t *testing.T) {
	t.Parallel()
	const endpoint, workspace = "Batch Endpoint Invoker (endpoint) on endpoint ", "Batch Endpoint Invoker (workspace) " +
		"on workspace"
	p := compile(limited())
	assert.Equal(t, []string{
		"alice: " + endpoint + "tagger", "alice: " + workspace,
		"bob: " + endpoint + "scorer", "bob: " + workspace,
		"team: " + endpoint + "scorer", "team: " + workspace, // and carol through the group
	}, invokerGrants(p))
	var all []string
	for _, g := range p.Grants[:2] {
		ps, known := p.Permissions(g)
		require.True(t, known)
		all = append(all, ps[0].Actions...)
	}
	assert.ElementsMatch(t, roles.InvokerActions(), all, "the 35, no more and no fewer")
	for _, path := range p.Paths() {
		assert.Equal(t, path.Declared, path.Works(), "%s on %s: %s", path.Invoker, path.Endpoint, path.Outcome())
	}
	outcome := p.Report().Paths["alice"]["scorer"]["images"]
	assert.Equal(t,
		"fails at invoke: invoker alice needs Microsoft.MachineLearningServices/workspaces/batchEndpoints/read "+
			"(and 5 more) at endpoint scorer", outcome)
}

// Without one of the two grants, exactly the jobs that need it fail.
func TestEachPartIsNeeded(t *testing.T) {
	t.Parallel()
	p := compile(limited())
	for i, g := range p.Grants {
		if g.Scope.InStorage() {
			continue
		}
		for _, path := range p.PathsWith(slices.Delete(slices.Clone(p.Grants), i, i+1)) {
			holder := slices.Contains(p.Holders(access.InvokerPrincipal(path.Invoker)), g.Principal)
			assert.Equal(t, path.Declared && !holder, path.Works(), "without %s of %s: %s on %s: %s", g, g.Principal,
				path.Invoker, path.Endpoint, path.Outcome())
		}
	}
}

func TestEndpointScopeIsWithinTheWorkspaceAndBesideOtherEndpoints(t *testing.T) {
	t.Parallel()
	at := func(name string) access.Scope { return access.Scope{Level: access.AtEndpoint, Endpoint: name} }
	workspace := access.Scope{Level: access.AtWorkspace}
	for name, c := range map[string]struct {
		outer, inner access.Scope
		want         bool
	}{
		"itself": {at("a"), at("a"), true}, "another endpoint": {at("a"), at("b"), false},
		"the workspace holds at it": {workspace, at("a"), true}, "it does not hold at the workspace": {at("a"), workspace,
			false},
		"the subscription holds at it": {access.Scope{Level: access.AtSubscription}, at("a"), true},
		"an account of its name":       {at("a"), access.Scope{Level: access.AtAccount, StorageAccount: "a"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			assert.Equal(t, c.want, c.outer.Contains(c.inner))
		})
	}
	id, err := limited().ScopeID(at("tagger"))
	require.NoError(t, err)
	assert.Equal(t, workspaceID.Text()+"/batchEndpoints/tagger", id)
	m := limited()
	m.WorkspaceID = access.Later(nil)
	_, err = m.ScopeID(at("tagger"))
	assert.ErrorContains(t, err, "workspaceId")
}

// Any change of the model changes only the assignments that it is about.
func TestAnEndpointOrAnInvokerMoreOnlyAddsAssignments(t *testing.T) {
	t.Parallel()
	before := invokerGrants(compile(limited()))
	for name, c := range map[string]struct {
		change   func(*access.Model)
		adds, of int // assignments that come, and those that go
	}{
		"an endpoint more": {func(m *access.Model) {
			m.Endpoints["third"] = access.Endpoint{Cluster: "cpu", Invokers: []string{"alice"}}
		}, 1, 0},
		"an invoker more": {func(m *access.Model) {
			m.Invokers["dora"] = access.Invoker{Kind: access.User, PrincipalID: objectID(4)}
			m.Endpoints["tagger"] = access.Endpoint{Cluster: "cpu", Inputs: []string{"images"},
				Invokers: []string{"alice", "dora"}}
		}, 2, 0},
		"an endpoint for everybody": {func(m *access.Model) {
			m.Endpoints["open"] = access.Endpoint{Cluster: "cpu"}
		}, 3, 0}, // one each for alice, bob and the team
		"an endpoint less": {func(m *access.Model) { delete(m.Endpoints, "tagger") }, 0, 2},
		"a renamed endpoint": {func(m *access.Model) {
			m.Endpoints["labeller"] = m.Endpoints["tagger"]
			delete(m.Endpoints, "tagger")
		}, 1, 1},
		"a deployment more": {func(m *access.Model) {
			m.Endpoints["tagger"] = access.Endpoint{Invokers: []string{"alice"}, Deployments: map[string]access.Deployment{
				"blue": {Cluster: "cpu"}, "green": {Cluster: "cpu"}}}
		}, 0, 0},
		"a member of a group by itself too": {func(m *access.Model) {
			m.Endpoints["tagger"] = access.Endpoint{Cluster: "cpu", Invokers: []string{"alice", "carol"}}
		}, 1, 0}, // the group has the workspace's part already
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := limited()
			m.Endpoints, m.Invokers = maps.Clone(m.Endpoints), maps.Clone(m.Invokers)
			c.change(&m)
			after := invokerGrants(compile(m))
			gone := slices.DeleteFunc(slices.Clone(before), func(g string) bool { return slices.Contains(after, g) })
			come := slices.DeleteFunc(slices.Clone(after), func(g string) bool { return slices.Contains(before, g) })
			assert.Len(t, come, c.adds, "%v", come)
			assert.Len(t, gone, c.of, "%v", gone)
		})
	}
}

func TestEndpointScopeSaysThatItIsInferred(t *testing.T) {
	t.Parallel()
	_, ps := access.Compile(limited())
	require.NoError(t, ps.Err())
	require.Len(t, ps, 1)
	assert.Equal(t, "role.scope", ps[0].Path)
	assert.True(t, ps[0].Warning)
	assert.Contains(t, ps[0].What, "inferred for batch ones (facts/batch-endpoints.md)")
	assert.Equal(t, map[string]string{
		"Batch Endpoint Invoker (endpoint): 6 of the 35 documented actions": "allowed at each endpoint that names the " +
			"invoker; that batch endpoints take assignments is inferred (facts/batch-endpoints.md)",
		"Batch Endpoint Invoker (workspace): 29 of the 35 documented actions": "allowed at the workspace",
	}, compile(limited()).Report().Role)
	m := limited()
	m.Role.Scope = ""
	assert.Empty(t, validate(m), "nothing is inferred at the workspace")
}

func TestEndpointScopeWithAdditions(t *testing.T) {
	t.Parallel()
	m := limited()
	m.Role.Additions = []string{"pollJobs", "cancelJobs"}
	p := compile(m)
	says := p.Report().Role
	assert.Equal(t, "allowed", says["Microsoft.MachineLearningServices/workspaces/jobs/cancel/action"])
	const ml = "Microsoft.MachineLearningServices/workspaces/"
	for action, role := range map[string]string{ml + "batchEndpoints/jobs/read": "(endpoint)",
		ml + "jobs/read": "(workspace)"} {
		for _, g := range p.Grants {
			ps, _ := p.Permissions(g)
			assert.Equal(t, strings.Contains(g.Role, role), ps.Action(action).Allowed, "%s by %s", action, g)
		}
	}
}

func TestWhatDoesNotGoWithEndpointScope(t *testing.T) {
	t.Parallel()
	const refused = "does not go with role.scope endpoint"
	for name, c := range map[string]struct {
		change func(*access.Model)
		want   []string // path: part of the fault
		warns  bool
	}{
		"a built-in role": {func(m *access.Model) { m.Role.BuiltIn = "Contributor" }, []string{"role.builtIn: " + refused},
			false},
		"an existing role": {func(m *access.Model) { m.Role.RoleDefinitionID = someRoleID },
			[]string{"role.roleDefinitionId: " + refused}, false},
		"a role of one's own": {func(m *access.Model) { m.Role.Definition = definitionOfMore },
			[]string{"role.definition: " + refused}, false},
		"all three": {func(m *access.Model) {
			m.Role = access.Role{Scope: access.AtEndpoint, BuiltIn: "Owner", RoleDefinitionID: someRoleID, Definition: "{"}
		}, []string{"role.builtIn: " + refused, "role.roleDefinitionId: " + refused, "role.definition: " + refused}, false},
		"no endpoints": {func(m *access.Model) { m.Endpoints = nil },
			[]string{"role.scope: is endpoint, and no endpoint is named"},
			false},
		"an endpoint without a name": {func(m *access.Model) { m.Endpoints[""] = access.Endpoint{Cluster: "cpu"} },
			[]string{`endpoints.: "" is not the name of a batch endpoint`}, false},
		"an endpoint that Azure has not": {func(m *access.Model) { m.Endpoints["a/../b"] = access.Endpoint{Cluster: "cpu"} },
			[]string{`endpoints.a/../b: "a/../b" is not the name of a batch endpoint`}, false},
		"an addition that is not known": {func(m *access.Model) { m.Role.Additions = []string{"pollJob"} },
			[]string{`role.additions[0]: unknown value "pollJob"; did you mean "pollJobs"`}, false},
		"a misspelt scope": {func(m *access.Model) { m.Role.Scope = "endpoints" },
			[]string{`role.scope: unknown value "endpoints"; did you mean "endpoint"`}, false},
		"a name that the longer suffix makes too long": {func(m *access.Model) { m.Role.Name = strings.Repeat("n", 505) },
			[]string{"role.name: "}, false},
		"a grant of another stack": {func(m *access.Model) {
			m.SharedGrants = map[string]access.SharedGrant{"a": {By: "org/other", Principal: "alice"}}
		}, []string{"sharedGrants.a: is of the roles that this stack makes for role.scope endpoint"}, false},
		"an invoker that no endpoint names": {func(m *access.Model) {
			m.Endpoints["scorer"] = access.Endpoint{Cluster: "cpu", Invokers: []string{"team"}}
		}, []string{"invokers.bob: is named by no endpoint"}, true},
		"a group that no endpoint names, and its member": {func(m *access.Model) {
			m.Endpoints["scorer"] = access.Endpoint{Cluster: "cpu", Invokers: []string{"bob"}}
		}, []string{"invokers.carol: is named by no endpoint", "invokers.team: is named by no endpoint"}, true},
		"readRegistryAssets": {func(m *access.Model) { m.Role.Additions = []string{"readRegistryAssets"} },
			[]string{"role.additions: readRegistryAssets has no effect at a workspace"}, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := limited()
			m.Endpoints = maps.Clone(m.Endpoints)
			c.change(&m)
			ps := validate(m)
			var found []string
			for _, p := range ps {
				if p.Path != "role.scope" || !p.Warning {
					found = append(found, p.String())
					assert.Equal(t, c.warns, p.Warning, p)
					assert.NotEmpty(t, p.Fix, p)
				}
			}
			require.Len(t, found, len(c.want), "%v", found)
			for i, want := range c.want {
				assert.True(t, strings.HasPrefix(found[i], want), "%q does not begin with %q", found[i], want)
			}
		})
	}
}

func TestAssertionsUnderEndpointScope(t *testing.T) {
	t.Parallel()
	m := limited()
	m.Endpoints["nobody"] = access.Endpoint{Cluster: "cpu", Inputs: []string{"keyed"}, Invokers: []string{"alice"}}
	m.DataInputs["keyed"] = access.DataInput{Kind: access.DataStore, DataStore: "keyed", CredentialInStore: boolPtr(true),
		Path: "p"}
	m.Invokers["eve"] = access.Invoker{Kind: access.User, PrincipalID: objectID(5)}
	const ml = "Microsoft.MachineLearningServices/workspaces/"
	m.Assertions = map[string]access.Assertion{
		"who-is-named-starts":              {Can: []string{"alice"}, Start: "tagger"},
		"who-is-not-named-does-not":        {Cannot: []string{"bob", "carol", "eve"}, Start: "tagger"},
		"only-the-group-and-bob":           {Only: []string{"bob", "team"}, Start: "scorer"},
		"who-starts-nothing-reads-no-job":  {Cannot: []string{"eve"}, Read: "keyed"},
		"who-holds-nothing-does-nothing":   {Cannot: []string{"eve"}, Do: ml + "read"},
		"the-endpoints-actions-there":      {Can: []string{"alice", "team"}, Do: ml + "batchEndpoints/jobs/write"},
		"the-others-at-the-workspace":      {Can: []string{"alice", "bob"}, Do: ml + "computes/listKeys/action"},
		"not-what-neither-of-them-allows":  {Cannot: []string{"alice", "bob"}, Do: ml + "batchEndpoints/delete"},
		"no-storage-through-the-workspace": {Cannot: []string{"eve"}, Read: "images"},
	}
	for _, v := range compile(m).Verdicts {
		assert.True(t, v.Holds, "%s: %s", v.Name, v.Because)
	}
	m.Assertions = map[string]access.Assertion{"a": {Cannot: []string{"bob"}, Read: "keyed"}}
	_, ps := access.Compile(m)
	assert.ErrorContains(t, ps.Err(), "in any job the store's own credential reads keyed",
		"bob starts another endpoint, and names the input himself")
}
