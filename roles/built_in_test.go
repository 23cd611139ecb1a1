package roles_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/batchaccess/batchaccess/internal/condition"
	"github.com/batchaccess/batchaccess/internal/rolediff"
	"github.com/batchaccess/batchaccess/roles"
)

// The figures are those of facts/built-in-roles.md.
func TestAllBuiltInRolesAreKnown(t *testing.T) {
	t.Parallel()
	all := roles.BuiltIns()
	names, ids := map[string]bool{}, map[string]bool{}
	several, withData, conditions, conditional := 0, 0, 0, 0
	for _, d := range all {
		assert.True(t, d.BuiltIn)
		assert.Equal(t, []string{"/"}, d.AssignableScopes)
		names[strings.ToLower(d.RoleName)], ids[d.ID] = true, true
		if len(d.Permissions) > 1 {
			several++
		}
		if slices.ContainsFunc(d.Permissions, func(p roles.Permission) bool { return len(p.DataActions) > 0 }) {
			withData++
		}
		n := 0
		for _, p := range d.Permissions {
			if p.Condition != "" {
				n++
				assert.NotEmpty(t, p.ConditionVersion, d.RoleName)
			}
		}
		conditions += n
		if n > 0 {
			conditional++
		}
		for _, by := range []string{d.RoleName, d.ID} {
			found, ok := roles.BuiltIn(by)
			require.True(t, ok, by)
			assert.Equal(t, d, found)
		}
	}
	assert.Equal(t, []int{928, 928, 928}, []int{len(all), len(names), len(ids)})
	assert.Equal(t, []int{16, 318, 31, 29}, []int{several, withData, conditions, conditional})
}

// The short lists in the code follow from computing, for all built-in roles, what they allow.
func TestInvokerBuiltInsAreTheRolesThatMayStartJobs(t *testing.T) {
	t.Parallel()
	var may, surely []string
	for _, d := range roles.BuiltIns() {
		if len(d.Permissions.Missing()) > 0 {
			continue
		}
		may = append(may, d.RoleName)
		if len(d.Permissions.Undecided()) == 0 {
			surely = append(surely, d.RoleName)
		}
	}
	assert.ElementsMatch(t, []string{"Owner", "Contributor", "Azure AI Administrator"}, surely)
	assert.ElementsMatch(t, append(may, "AzureML Data Scientist"), roles.InvokerBuiltIns())
}

func TestARoleOfSeveralPermissionsIsDecidedByEachByItself(t *testing.T) {
	t.Parallel()
	const assign = "Microsoft.Authorization/roleAssignments/write"
	const assignIdentity = "Microsoft.ManagedIdentity/userAssignedIdentities/assign/action"
	for name, c := range map[string]struct {
		role, action string
		data         bool
		want         string // beginning of the decision
	}{
		"a condition on what it names": {
			"Azure Sphere Owner", assign, false, "undecided: perhaps allowed by " + assign + ": the role allows it on",
		},
		"and none on the permission beside it": {
			"Azure Sphere Owner", "Microsoft.Authorization/roleAssignments/read", false, "allowed by",
		},
		"a condition that names other actions": {
			"Key Vault Data Access Administrator", "Microsoft.KeyVault/vaults/a/read", false, "allowed by",
		},
		"one that names this action": {"Key Vault Data Access Administrator", assign, false, "undecided"},
		"one without any action, for all": {
			"Oracle Database DbSystems Administrator", "Oracle.Database/dbSystems/read", false, "undecided",
		},
		"the wildcard in Managed Identity Operator": {"Managed Identity Operator", assignIdentity, false, "undecided"},
		"what no entry covers":                      {"Managed Identity Operator", assign, false, "covered by no entry"},
		"data on a condition of its own action": {
			"Privileged Monitoring Data Reader", "Microsoft.Insights/logs/data/read", true, "undecided",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d, ok := roles.BuiltIn(c.role)
			require.True(t, ok)
			got := d.Permissions.Decide(roles.Action{Name: c.action, Data: c.data})
			assert.True(t, strings.HasPrefix(got.String(), c.want), got.String())
		})
	}
}

func TestConditionsAreWorkedOutAsFarAsTheActionDecidesThem(t *testing.T) {
	t.Parallel()
	const x = `@Resource[a:b] ForAnyOfAnyValues:StringEquals {'x OR (y', 'z'}`
	for text, holds := range map[string]condition.Answer{
		`!(ActionMatches{'A/write'})`:                  condition.Yes,
		`!(ActionMatches{'A/read'})`:                   condition.No,
		`ActionMatches{'A/read'}`:                      condition.Yes,
		`ActionMatches{'A/*'}`:                         condition.Yes,
		`!(ActionMatches{'A/*'}) OR ` + x:              condition.Undecided,
		`(!(ActionMatches{'A/write'})) OR (` + x + `)`: condition.Yes,
		`((!(ActionMatches{'A/write'})) OR (` + x + `)) AND (!(ActionMatches {'A/x'}))`: condition.Yes,
		`((!(ActionMatches{'A/write'})) OR (` + x + `)) AND (` + x + `)`:                condition.Undecided,
		`(!(ActionMatches{'A/w'} AND SubOperationMatches{'S'})) || ` + x:                condition.Yes,
		`(!(ActionMatches{'A/read'} AND SubOperationMatches{'S'})) || ` + x:             condition.Undecided,
		`!(ActionMatches{'A/w'}) AND ` + x + ` OR ` + x:                                 condition.Undecided, // which first?
		`(!(ActionMatches{'A/w'}))&&(!(ActionMatches{'A/v'}))`:                          condition.Yes,
		// /*/ may match /
		`(!(ActionMatches{'A/*/read'}))`:         condition.Undecided,
		`@Resource[HasObotoken] boolequals true`: condition.Undecided,
		``:                                       condition.Yes, // no condition
		`ActionMatches{'A/write`:                 condition.Undecided,
		`((((`:                                   condition.Undecided,
	} {
		p := roles.Permissions{{Actions: []string{"A/read"}, Condition: text}}
		assert.Equal(t, holds == condition.Yes, p.Action("A/read").Allowed, text)
		assert.Equal(t, holds == condition.Undecided, p.Action("A/read").Undecided != "", text)
	}
}

// If the same open question decides in two roles, it makes no difference between them.
func TestDifferenceKnowsWhatIsUndecided(t *testing.T) {
	t.Parallel()
	perhaps := permissions([]string{"A/*/read"}, nil)
	perhapsNot := permissions([]string{"A/*"}, []string{"A/*/read"})
	read := roles.Action{Name: "A/read"}
	conditional := func(condition string) roles.Permissions {
		return roles.Permissions{{Actions: []string{"A/read"}, Condition: condition}}
	}
	named := permissions([]string{"A/read"}, []string{})
	for name, c := range map[string]struct {
		wide, narrow roles.Permissions
		more         bool
	}{
		"perhaps against nothing":   {perhaps, permissions([]string{"A/none"}, []string{"A/read"}), true},
		"perhaps against itself":    {perhaps, perhaps, false},
		"perhaps against surely":    {perhaps, named, false},
		"surely against perhaps":    {named, perhaps, true},
		"given against taken away":  {perhaps, perhapsNot, true},
		"conditional against none":  {conditional("c"), permissions([]string{"A/none"}, nil), true},
		"conditional against same":  {conditional("c"), conditional("c"), false},
		"conditional against other": {conditional("c"), conditional("d"), true},
		"all against conditional":   {named, conditional("c"), true},
	} {
		wide := append(slices.Clone(c.wide), permissions([]string{"A/read"}, []string{"A/read"})...) // names the action
		assert.Equal(t, c.more, slices.Contains(rolediff.Difference(wide, c.narrow), read), name)
	}
}

func TestACustomRoleHasNoConditions(t *testing.T) {
	t.Parallel()
	parse := func(condition string) error {
		permission := `{"actions": ["A/b"], "condition": ` + condition + `}`
		_, ps := roles.Parse([]byte(`{"properties": {"roleName": "R", "permissions": [` + permission + `]}}`))
		return ps.Err()
	}
	require.ErrorContains(t, parse(`"c"`), "permissions[0].condition: only Microsoft's own roles have one")
	require.NoError(t, parse("null"))
}

// The cost of reading the built-in roles once, at first use, and of each question after that.
func BenchmarkBuiltIn(b *testing.B) {
	for name, by := range map[string]string{
		"assigned here": roles.StorageBlobDataReader, "another by name": "Managed Identity Operator",
		"another by GUID": "f1a07417-d97a-45cb-824c-7a7467783830",
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				builtIn(b, by)
			}
		})
	}
}

// facts/conditions.md, D: conditions that Azure itself writes are the best examples.
func TestTheConditionsOfAzuresOwnRolesAreRead(t *testing.T) {
	t.Parallel()
	read := 0
	for _, d := range roles.BuiltIns() {
		for _, p := range d.Permissions {
			if p.Condition == "" {
				continue
			}
			c, ps := condition.Parse(p.Condition)
			require.NoError(t, ps.Err(), "%s: %s", d.RoleName, p.Condition)
			again, ps := condition.Parse(c.String())
			require.NoError(t, ps.Err(), d.RoleName)
			assert.Equal(t, c.String(), again.String())
			read++
		}
	}
	assert.Equal(t, 31, read)
}

func permissions(actions, not []string) roles.Permissions {
	return roles.Permissions{{Actions: actions, NotActions: not}}
}
