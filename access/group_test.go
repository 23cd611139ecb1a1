package access_test

import (
	"fmt"
	"maps"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/roles"
)

// withoutGroups replaces each group that the stack makes by its members, wherever the model names it.
func withoutGroups(m access.Model) access.Model {
	flat := m
	flat.Invokers, flat.Endpoints, flat.Assertions = maps.Clone(
		m.Invokers), map[string]access.Endpoint{}, map[string]access.Assertion{}
	maps.DeleteFunc(flat.Invokers, func(_ string, i access.Invoker) bool { return len(i.Members) > 0 })
	each := func(names []string) []string {
		if names == nil {
			return nil
		}
		out := []string{}
		for _, name := range names {
			if members := m.Invokers[name].Members; len(members) > 0 {
				out = append(out, members...)
			} else {
				out = append(out, name)
			}
		}
		slices.Sort(out)
		return slices.Compact(out)
	}
	for name, e := range m.Endpoints {
		e.Invokers = each(e.Invokers)
		flat.Endpoints[name] = e
	}
	for name, a := range m.Assertions {
		a.Can, a.Cannot, a.Only = each(a.Can), each(a.Cannot), each(a.Only)
		flat.Assertions[name] = a
	}
	return flat
}

// A group only saves assignments: nobody gets more or less access by it.
func TestAGroupGivesItsMembersWhatTheyWouldHaveWithoutIt(t *testing.T) {
	check(t, func(t *rapid.T, m access.Model) {
		flat := withoutGroups(m)
		with, without := held(m, compile(m).Grants), held(flat, compile(flat).Grants)
		for _, name := range m.Acting() {
			for _, account := range keys(m.StorageAccounts) {
				for _, container := range []string{"", "raw", "curated"} {
					for _, write := range []bool{false, true} {
						n := need{"invoker " + name, account, container, "", write}
						if anyGives(with, n) != anyGives(without, n) {
							t.Fatalf("%+v: %v with the group, %v without", n, anyGives(with, n), anyGives(without, n))
						}
					}
				}
			}
		}
		said := func(m access.Model) (lines []string) {
			for _, p := range compile(m).Paths() {
				lines = append(lines, fmt.Sprint(p.Invoker, p.Endpoint, p.Input, p.Declared, p.Outcome()))
			}
			for _, v := range compile(m).Verdicts {
				lines = append(lines, fmt.Sprint(v.Name, v.Holds))
			}
			return lines
		}
		if a, b := said(m), said(flat); !slices.Equal(a, b) {
			t.Fatalf("with the group:\n%q\nwithout:\n%q", a, b)
		}
	})
}

// If no endpoint names a member next to its group, the group takes as many assignments as one member would.
func TestAGroupTakesTheAssignmentsOfOne(t *testing.T) {
	check(t, func(t *rapid.T, m access.Model) {
		one := m
		one.Invokers, one.Endpoints = maps.Clone(m.Invokers), map[string]access.Endpoint{}
		for name, i := range m.Invokers {
			for _, member := range i.Members {
				delete(one.Invokers, member)
			}
			if len(i.Members) > 0 {
				one.Invokers[name] = access.Invoker{Kind: access.Group,
					PrincipalID: access.Known("99999999-0000-4000-8000-000000000000")}
			}
		}
		grouped := m
		one.Assertions, grouped.Assertions = nil, nil
		grouped.Endpoints = map[string]access.Endpoint{}
		for name, e := range m.Endpoints {
			if e.Invokers != nil {
				e.Invokers = slices.DeleteFunc(slices.Clone(e.Invokers), func(name string) bool { return m.Groups()[name] != "" })
				if len(e.Invokers) == 0 {
					continue
				}
			}
			one.Endpoints[name], grouped.Endpoints[name] = e, e
		}
		if a, b := compile(grouped).Grants, compile(one).Grants; fmt.Sprint(a) != fmt.Sprint(b) {
			t.Fatalf("with members:\n%v\nas one:\n%v", a, b)
		}
	})
}

// grouped is a model with a group of two members, of whom only ada reads payroll.
func grouped() access.Model {
	no := false
	return access.Model{
		WorkspaceID: access.Known("/subscriptions/11111111-1111-4111-8111-111111111111/resourceGroups/ml/providers/" +
			"Microsoft.MachineLearningServices/workspaces/scoring"),
		Invokers: map[string]access.Invoker{
			"ada":      {Kind: access.User, PrincipalID: access.Known("22222222-0000-4000-8000-000000000000")},
			"pipeline": {Kind: access.ServicePrincipal, SignIn: "none"},
			"factory":  {Kind: access.ManagedIdentity},
			"scorers":  {Kind: access.Group, Members: []string{"ada", "pipeline"}},
		},
		Clusters: map[string]access.Cluster{"cpu": {}},
		StorageAccounts: map[string]access.ID{"lake": access.Known(
			"/subscriptions/11111111-1111-4111-8111-111111111111/resourceGroups/ml/providers/Microsoft.Storage/" +
				"storageAccounts/lake")},
		DataInputs: map[string]access.DataInput{
			"sales": {Kind: access.DataStore, DataStore: "sales", CredentialInStore: &no, StorageAccount: "lake",
				Container: "sales", Path: "p"},
			"payroll": {Kind: access.DataStore, DataStore: "payroll", CredentialInStore: &no, StorageAccount: "lake",
				Container: "payroll", Path: "p"},
		},
		Endpoints: map[string]access.Endpoint{
			"scoring": {Cluster: "cpu", Inputs: []string{"sales"}, Invokers: []string{"scorers"}},
			"wages":   {Cluster: "cpu", Inputs: []string{"payroll"}, Invokers: []string{"ada"}},
		},
	}
}

func TestWhatAGroupIsNamedForItsMembersHaveThroughIt(t *testing.T) {
	t.Parallel()
	m := grouped()
	require.NoError(t, validate(m).Err())
	var grants []string
	for _, g := range compile(m).Grants {
		grants = append(grants, fmt.Sprint(g.Principal, ": ", g, ", to ", g.Reasons))
	}
	assert.Equal(t, []string{
		"invoker ada: Storage Blob Data Reader on lake/payroll, to [read payroll through wages]",
		"invoker factory: " + "Batch Endpoint Invoker" + " on workspace, to [start jobs]",
		"invoker scorers: " + "Batch Endpoint Invoker" + " on workspace, to [start jobs]",
		"invoker scorers: Storage Blob Data Reader on lake/sales, to [read sales through scoring]",
		"cluster cpu: Storage Blob Data Reader on lake/payroll, to [mount payroll for wages]",
		"cluster cpu: Storage Blob Data Reader on lake/sales, to [mount sales for scoring]",
	}, grants)
	for _, p := range compile(m).Paths() {
		assert.NotEqual(t, "scorers", p.Invoker, "a group that the stack makes does not act")
		switch {
		case p.Invoker == "ada" && p.Endpoint == "scoring":
			assert.True(t, p.Declared)
			assert.Equal(t, "Batch Endpoint Invoker"+" on workspace, through group scorers", p.Hops[1].GivenBy)
			assert.Equal(t, "Storage Blob Data Reader on lake/sales, through group scorers", p.Hops[3].GivenBy)
		case p.Invoker == "ada":
			assert.Equal(t, "Storage Blob Data Reader on lake/payroll", p.Hops[3].GivenBy)
		case p.Invoker == "pipeline" && p.Endpoint == "wages":
			assert.False(t, p.Declared)
			assert.Contains(t, p.Outcome(), "fails at read: invoker pipeline needs Storage Blob Data Reader on lake/payroll")
		}
	}
}

func TestAnAssertionThatNamesAGroupMeansItsMembers(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		a       access.Assertion
		because string // "" if it holds
	}{
		"can, both": {access.Assertion{Can: []string{"scorers"}, Read: "sales"}, ""},
		"can, one of them": {access.Assertion{Can: []string{"scorers"}, Read: "payroll"},
			"invoker pipeline: a job on wages with payroll fails"},
		"cannot, one of them": {access.Assertion{Cannot: []string{"scorers"}, Read: "payroll"}, "invoker ada: reads by"},
		"only, by the group":  {access.Assertion{Only: []string{"scorers", "cluster:cpu"}, Read: "sales"}, ""},
		"only, by a member": {access.Assertion{Only: []string{"ada", "cluster:cpu"}, Read: "sales"},
			"invoker pipeline: reads by Storage Blob Data Reader on lake/sales, through group scorers"},
		"only, by all members": {access.Assertion{Only: []string{"ada", "pipeline", "cluster:cpu"}, Read: "sales"}, ""},
		"cannot do, through the group": {access.Assertion{Cannot: []string{"pipeline"}, Do: roles.ReadBlobs},
			"by Storage Blob Data Reader on lake/sales, through group scorers"},
		"cannot start, through the group": {access.Assertion{Cannot: []string{"pipeline"}, Start: "wages"},
			"starts jobs by " + "Batch Endpoint Invoker" + " on workspace, through group scorers"},
		"one who is in no group is a stranger": {access.Assertion{Only: []string{"scorers"}, Start: "scoring"},
			"invoker factory: starts jobs"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := grouped()
			m.Assertions = map[string]access.Assertion{"it": c.a}
			v := compile(m).Verdicts[0]
			assert.Equal(t, c.because == "", v.Holds, v.Because)
			assert.Contains(t, v.Because, c.because)
		})
	}
}

func TestAGroupsACLServesItsMembers(t *testing.T) {
	t.Parallel()
	m := grouped()
	m.DataInputs["sales"] = access.DataInput{Kind: access.ADLSGen2, GrantedBy: access.ByACL, StorageAccount: "lake",
		Container: "sales", Path: "p"}
	var who []string
	for _, acl := range compile(m).ACLs {
		who = append(who, acl.Principal.String())
	}
	assert.Equal(t, []string{"cluster cpu", "invoker scorers"}, who)
	for _, p := range compile(m).Paths() {
		if p.Invoker == "pipeline" && p.Endpoint == "scoring" {
			assert.Equal(t, "the ACL r-x on lake/sales/p, through group scorers, which is set outside of this stack",
				p.Hops[3].GivenBy)
		}
	}
}

func TestAClusterKeepsItsACLThoughAMemberIsCalledAlike(t *testing.T) {
	t.Parallel()
	m := access.Model{
		Invokers: map[string]access.Invoker{"cpu": {Kind: access.User},
			"gpu": {Kind: access.Group, Members: []string{"cpu"}}},
		Clusters: map[string]access.Cluster{"cpu": {}, "gpu": {}},
		DataInputs: map[string]access.DataInput{
			"raw": {Kind: access.ADLSGen2, StorageAccount: "lake", Container: "raw", GrantedBy: access.ByACL},
		},
	}
	var who []string
	for _, acl := range compile(m).ACLs {
		who = append(who, acl.Principal.String())
	}
	assert.ElementsMatch(t, []string{"cluster cpu", "cluster gpu", "invoker gpu"}, who)
}

func TestWhatIsWrongWithAGroupIsSaid(t *testing.T) {
	t.Parallel()
	in := func(change func(map[string]access.Invoker)) access.Model {
		m := grouped()
		change(m.Invokers)
		return m
	}
	with := func(g access.Invoker) access.Model {
		return in(func(i map[string]access.Invoker) { g.Kind = access.Group; i["scorers"] = g })
	}
	for name, c := range map[string]struct {
		m    access.Model
		path string
		says string
	}{
		"a member that is no invoker": {with(access.Invoker{Members: []string{"adda"}}), "invokers.scorers.members[0]",
			`no invoker is called "adda"; did you mean "ada"?`},
		"a member twice": {with(access.Invoker{Members: []string{"ada", "ada"}}), "invokers.scorers.members[1]",
			`names "ada" a second time`},
		"itself": {with(access.Invoker{Members: []string{"scorers"}}), "invokers.scorers.members[0]", "is a group itself"},
		"a managed identity": {with(access.Invoker{Members: []string{"factory"}}), "invokers.scorers.members[0]",
			"its tokens are cached for up to 24 hours"},
		"one that exists": {with(access.Invoker{Members: []string{"ada"},
			PrincipalID: access.Known("33333333-0000-4000-8000-000000000000")}), "invokers.scorers.members", "this one exists"},
		"no members but a word on them": {
			with(access.Invoker{PrincipalID: access.Known("33333333-0000-4000-8000-000000000000"), ManagedIdentities: true}),
			"invokers.scorers.managedIdentities", "only goes with a group that the stack makes",
		},
		"neither members nor an ID": {with(access.Invoker{}), "invokers.scorers.objectId", "members to have one made"},
		"an empty list of members": {with(access.Invoker{DisplayName: "Scorers", Members: []string{}}),
			"invokers.scorers.members", "names nobody"},
		"an empty list of members of one that exists": {
			with(access.Invoker{PrincipalID: access.Known("33333333-0000-4000-8000-000000000000"), Members: []string{}}),
			"invokers.scorers.members", "names nobody"},
		"an empty list of members of a user": {in(func(i map[string]access.Invoker) {
			i["ada"] = access.Invoker{Kind: access.User, PrincipalID: i["ada"].PrincipalID, Members: []string{}}
		}), "invokers.ada.members", "only goes with a group"},
		"members of a user": {in(func(i map[string]access.Invoker) {
			i["ada"] = access.Invoker{Kind: access.User, PrincipalID: i["ada"].PrincipalID, Members: []string{"pipeline"}}
		}), "invokers.ada.members", "only goes with a group"},
		"a member of two": {in(func(i map[string]access.Invoker) {
			i["others"] = access.Invoker{Kind: access.Group, Members: []string{"ada"}}
		}), "members[0]", `"ada" is a member of`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := validate(c.m).Err()
			require.Error(t, err)
			assert.Contains(t, err.Error(), c.path)
			assert.Contains(t, err.Error(), c.says)
		})
	}
	named := with(access.Invoker{Members: []string{"ada"}, DisplayName: "Scorers"})
	assert.Empty(t, validate(named).Err(), "what a group that is made is to be called")
	key, _ := named.Invokers["scorers"].Named()
	assert.Empty(t, key, "it is not looked up")
	warned := validate(with(access.Invoker{Members: []string{"factory"}, ManagedIdentities: true}))
	require.NoError(t, warned.Err())
	assert.Contains(t, fmt.Sprint(warned.Warnings()), "cached for up to 24 hours")
}
