package access_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/access/signin"
	"github.com/batchaccess/batchaccess/internal/problem"
)

// crowd has that many invokers of a kind, who read that many containers through one cluster: (inputs+1) assignments for
// each of them, and one for each input and the cluster.
func crowd(kind access.PrincipalKind, invokers, inputs int) access.Model {
	m := access.Model{
		WorkspaceID: workspaceID,
		Invokers:    map[string]access.Invoker{},
		Clusters:    map[string]access.Cluster{"cpu": {}},
		StorageAccounts: map[string]access.ID{"lake": access.Known(
			"/subscriptions/22222222-2222-4222-8222-222222222222/resourceGroups/data/providers/Microsoft.Storage/" +
				"storageAccounts/lake")},
		DataInputs: map[string]access.DataInput{},
	}
	for i := range invokers {
		m.Invokers[fmt.Sprintf("i%d", i)] = access.Invoker{Kind: kind,
			PrincipalID: access.Known(fmt.Sprintf("00000000-0000-4000-8000-%012d", i))}
	}
	for i := range inputs {
		m.DataInputs[fmt.Sprintf("d%d", i)] = access.DataInput{Kind: access.Blob, StorageAccount: "lake",
			Container: fmt.Sprintf("con%d", i)}
	}
	return m
}

func TestAzuresLimitOfAssignmentsIsSeenFromAfar(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		m       access.Model
		warning bool
		what    string // "" for none
		fix     string
	}{
		"far from it": {crowd(access.User, 79, 39), false, "", ""}, // 79*39+39 = 3120
		"near it": {crowd(access.User, 79, 40), true, "makes 3200 role assignments, and Azure allows 4000 in subscription " +
			"22222222-2222-4222-8222-222222222222, those of everybody together",
			"with all 79 of them in one it would make 80"},
		"at it": {crowd(access.ServicePrincipal, 99, 40), true, "makes 4000 role assignments",
			"with all 99 of them in one it would make 80"},
		"above it": {crowd(access.User, 99, 41), false, "makes 4100 role assignments",
			"with all 99 of them in one it would make 82"},
		"groups": {crowd(access.Group, 99, 40), true, "makes 4000 role assignments", "split the stack over subscriptions"},
		"identities": {crowd(access.ManagedIdentity, 99, 40), true, "makes 4000 role assignments",
			"split the stack over subscriptions"},
		"the workspace": {crowd(access.User, 3300, 0), true,
			"makes 3300 role assignments, and Azure allows 4000 in subscription 11111111-1111-4111-8111-111111111111", "it " +
				"would make 1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var found access.Problems
			for _, p := range validate(c.m) {
				if p.Path == "invokers" {
					found = append(found, p)
				}
			}
			if c.what == "" {
				require.Empty(t, found)
				return
			}
			require.Len(t, found, 1)
			assert.Equal(t, c.warning, found[0].Warning)
			assert.Contains(t, found[0].What, c.what)
			assert.Contains(t, found[0].Fix, c.fix)
		})
	}
}

func TestTheWayDownIsTrue(t *testing.T) {
	t.Parallel()
	m := crowd(access.User, 99, 40)
	assert.Len(t, compile(m).Grants, 99*41+40)
	var members []string
	for name := range m.Invokers {
		members = append(members, name)
	}
	m.Invokers["all"] = access.Invoker{Kind: access.Group, Members: members}
	assert.Len(t, compile(m).Grants, 1+2*40, "a group of 99: what the warning promises, and the group's role on the "+
		"workspace")
	assert.Empty(t, validate(m))
}

func TestEntrasLimitOfCredentialsIsSeenFromAfar(t *testing.T) {
	t.Parallel()
	for n, want := range map[int]string{15: "", 16: "has 16 of the 20 credentials", 20: "has 20 of the 20 credentials",
		21: "has 21 credentials"} {
		i := access.Invoker{Kind: access.ServicePrincipal, FederatedCredentials: map[string]signin.FederatedCredential{}}
		for k := range n {
			i.FederatedCredentials[fmt.Sprintf("c%02d", k)] = signin.FederatedCredential{Issuer: "https://issuer.example",
				Subject: fmt.Sprint(k)}
		}
		ps := i.Problems()
		if want == "" {
			assert.Empty(t, ps, n)
			continue
		}
		require.Len(t, ps, 1, n)
		assert.Contains(t, ps[0].What, want)
		assert.Equal(t, n <= 20, ps[0].Warning)
	}
}

// Each limit of the credentials of a managed identity, at the limit and above it (facts/federation.md, Rules).
func TestEachLimitOfAManagedIdentitysCredentials(t *testing.T) {
	t.Parallel()
	of := func(name, issuer, subject, audience string) map[string]signin.FederatedCredential {
		return map[string]signin.FederatedCredential{name: {Issuer: issuer, Subject: subject, Audience: audience}}
	}
	crowd := func(n int) map[string]signin.FederatedCredential {
		all := map[string]signin.FederatedCredential{}
		for k := range n {
			all[fmt.Sprintf("c%02d", k)] = signin.FederatedCredential{Issuer: "https://issuer.example", Subject: fmt.Sprint(k)}
		}
		return all
	}
	const issuer = "https://issuer.example"
	long := func(n int) string { return strings.Repeat("x", n) }
	for name, c := range map[string]struct {
		credentials map[string]signin.FederatedCredential
		path, says  string // "" if it is accepted
	}{
		"15":                     {crowd(15), "", ""},
		"20":                     {crowd(20), "federatedCredentials", "has 20 of the 20 credentials"},
		"20 and one more":        {crowd(21), "federatedCredentials", "has 21 credentials"},
		"a name of 2 characters": {of("ab", issuer, "s", ""), "federatedCredentials.ab", "can't be that of"},
		"a name of 3":            {of("abc", issuer, "s", ""), "", ""},
		"a name of 120":          {of(long(120), issuer, "s", ""), "", ""},
		"a name of 121": {of(long(121), issuer, "s", ""), "federatedCredentials." + long(121),
			"can't be that of"},
		"a name that begins with a _":     {of("_abc", issuer, "s", ""), "federatedCredentials._abc", "can't be that of"},
		"a name that begins with a -":     {of("-abc", issuer, "s", ""), "federatedCredentials.-abc", "can't be that of"},
		"a name that begins with a digit": {of("1-_", issuer, "s", ""), "", ""},
		"a name with a dot":               {of("a.b.c", issuer, "s", ""), "federatedCredentials.a.b.c", "can't be that of"},
		"a subject of 600":                {of("abc", issuer, long(600), ""), "", ""},
		"a subject of 601": {of("abc", issuer, long(601), ""), "federatedCredentials.abc.subject",
			"makes the subject 601 characters long"},
		"a subject of 600 that are not ASCII": {of("abc", issuer, strings.Repeat("é", 600), ""), "", ""},
		"an issuer of 600":                    {of("abc", "https://"+long(592), "s", ""), "", ""},
		"an issuer of 601": {of("abc", "https://"+long(593), "s", ""), "federatedCredentials.abc.issuer",
			"makes the issuer 601 characters long"},
		"an audience of 601": {of("abc", issuer, "s", long(601)), "federatedCredentials.abc.audience",
			"makes the audience 601 characters long"},
		"an issuer over http": {of("abc", "http://i.example", "s", ""), "federatedCredentials.abc.issuer",
			"is not an https URL"},
		"white space behind a subject":  {of("abc", issuer, "s ", ""), "federatedCredentials.abc.subject", "white space"},
		"white space before an issuer":  {of("abc", " https://i.example", "s", ""), "federatedCredentials.abc.issuer", ""},
		"an audience that is not usual": {of("abc", issuer, "s", "api://other"), "federatedCredentials.abc", "is documented"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ps := access.Invoker{Kind: access.ManagedIdentity, FederatedCredentials: c.credentials}.Problems()
			if c.path == "" {
				assert.Empty(t, ps)
				return
			}
			require.NotEmpty(t, ps)
			assert.Equal(t, c.path, strings.TrimPrefix(ps[0].Path, "."))
			assert.Contains(t, ps[0].What, c.says)
			assert.NotEmpty(t, ps[0].Fix)
			warned := c.says == "is documented" || c.says == "has 20 of the 20 credentials"
			assert.Equal(t, warned, ps.Err() == nil)
		})
	}
}

func TestTheRegionWhereManagedIdentitiesTakeNoCredentials(t *testing.T) {
	t.Parallel()
	for region, federates := range map[string]bool{"malaysiasouth": false, "Malaysia South": false, "MALAYSIASOUTH": false,
		"malaysiawest": true, "eastasia": true, "westeurope": true, "": true} {
		assert.Equal(t, federates, signin.FederatesIdentities(region), region)
	}
}

// Each quota of a region: nothing is said far from it; near it, at it and above it are warnings, for Azure gives more
// to those who ask.
func TestQuotasOfARegionAreSeenFromAfar(t *testing.T) {
	t.Parallel()
	endpoints := func(n int) access.Model {
		return twoEndpoints(func(m *access.Model) {
			for i := len(m.Endpoints); i < n; i++ {
				m.Endpoints[fmt.Sprintf("endpoint-%d", i)] = access.Endpoint{Cluster: "cpu"}
			}
		})
	}
	deployments := func(endpoints int) func(n int) access.Model {
		return func(n int) access.Model {
			return twoEndpoints(func(m *access.Model) {
				m.Endpoints = map[string]access.Endpoint{}
				for i := range n {
					name := fmt.Sprintf("endpoint-%d", i%endpoints)
					if m.Endpoints[name].Deployments == nil {
						m.Endpoints[name] = access.Endpoint{Deployments: map[string]access.Deployment{}}
					}
					m.Endpoints[name].Deployments[fmt.Sprintf("d-%d", i)] = access.Deployment{Cluster: "cpu"}
				}
			})
		}
	}
	clusters := func(n int) access.Model {
		return twoEndpoints(func(m *access.Model) {
			for i := len(m.Clusters); i < n; i++ {
				m.Clusters[fmt.Sprintf("cluster-%d", i)] = access.Cluster{}
			}
		})
	}
	for name, c := range map[string]struct {
		of    func(n int) access.Model
		limit int
		path  string
		what  string
	}{
		"endpoints":   {endpoints, 100, "endpoints", "batch endpoints"},
		"deployments": {deployments(50), 500, "endpoints", "deployments of batch endpoints"},
		"of one":      {deployments(1), 20, "endpoints.endpoint-0.deployments", "deployments"},
		"clusters":    {clusters, 500, "clusters", "compute clusters"},
	} {
		for n, says := range map[int]string{
			c.limit*8/10 - 1: "",
			c.limit * 8 / 10: fmt.Sprintf("names %d of the %d %s that Azure allows", c.limit*8/10, c.limit, c.what),
			c.limit:          fmt.Sprintf("names %d of the %d %s that Azure allows", c.limit, c.limit, c.what),
			c.limit + 1:      fmt.Sprintf("names %d %s, more than the %d that Azure allows", c.limit+1, c.what, c.limit),
		} {
			var found []string
			for _, p := range validate(c.of(n)).With(problem.Limit) {
				if p.Path == c.path {
					assert.True(t, p.Warning, name)
					found = append(found, p.What)
				}
			}
			if name == "of one" && n <= c.limit { // is said only where there are too many
				says = ""
			}
			if says == "" {
				assert.Empty(t, found, "%s: %d", name, n)
			} else if assert.Len(t, found, 1, "%s: %d", name, n) {
				assert.Contains(t, found[0], says, name)
			}
		}
	}
}
