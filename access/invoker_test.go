package access_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/access/signin"
)

func TestClaimsAreThoseOfTheTokens(t *testing.T) {
	t.Parallel()
	const github, entra = "https://token.actions.githubusercontent.com", "api://AzureADTokenExchange"
	of := func(g signin.GitHubSubject) signin.FederatedCredential { return signin.FederatedCredential{GitHub: &g} }
	for name, c := range map[string]struct {
		credential signin.FederatedCredential
		want       [3]string
	}{
		"classic branch": {of(signin.GitHubSubject{Repository: "o/r", Branch: "main"}),
			[3]string{github, "repo:o/r:ref:refs/heads/main", entra}},
		"classic tag": {of(signin.GitHubSubject{Repository: "o/r", Tag: "v1"}),
			[3]string{github, "repo:o/r:ref:refs/tags/v1", entra}},
		"classic environment": {of(signin.GitHubSubject{Repository: "o/r", Environment: "prod"}),
			[3]string{github, "repo:o/r:environment:prod", entra}},
		"classic pull request": {of(signin.GitHubSubject{Repository: "o/r", PullRequest: true}),
			[3]string{github, "repo:o/r:pull_request", entra}},
		"immutable branch": {of(signin.GitHubSubject{Repository: "o/r", OwnerID: 1, RepositoryID: 2, Branch: "main"}),
			[3]string{github, "repo:o@1/r@2:ref:refs/heads/main", entra}},
		"immutable environment": {of(signin.GitHubSubject{Repository: "o.x/r-y", OwnerID: 1, RepositoryID: 2,
			Environment: "e"}), [3]string{github, "repo:o.x@1/r-y@2:environment:e", entra}},
		"another issuer": {signin.FederatedCredential{Issuer: "https://i", Subject: "s"}, [3]string{"https://i", "s", entra}},
		"another audience": {signin.FederatedCredential{Issuer: "https://i", Subject: "s", Audience: "a"},
			[3]string{"https://i", "s", "a"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			issuer, subject, audience := c.credential.Claims()
			assert.Equal(t, c.want, [3]string{issuer, subject, audience})
		})
	}
}

func TestPeriodIsInUTCAndToTheSecond(t *testing.T) {
	t.Parallel()
	start, end, ps := signin.ClientSecret{StartDate: "2026-11-01", EndDate: "2027-05-01T06:07:08Z"}.Period()
	require.NoError(t, ps.Err())
	assert.Equal(t, time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC), start)
	assert.Equal(t, time.Date(2027, 5, 1, 6, 7, 8, 0, time.UTC), end)
	for name, c := range map[string]struct {
		secret signin.ClientSecret
		want   string
	}{
		"no start":       {signin.ClientSecret{EndDate: "2026-11-01"}, `startDate: "" is not a date; write 2026-11-01`},
		"no end":         {signin.ClientSecret{StartDate: "2026-11-01"}, `endDate: "" is not a date; write 2026-11-01`},
		"a relative end": {signin.ClientSecret{StartDate: "2026-11-01", EndDate: "4320h"}, `endDate: "4320h" is not a date`},
		"no such day":    {signin.ClientSecret{StartDate: "2026-11-31", EndDate: "2027-01-01"}, `startDate: "2026-11-31"`},
		"another zone":   {signin.ClientSecret{StartDate: "2026-11-01T00:00:00+01:00", EndDate: "2027-01-01"}, "startDate: "},
	} {
		_, _, ps := c.secret.Period()
		assert.ErrorContains(t, ps.Err(), c.want, name)
	}
}

func TestSecretLifetimesAtTheirBounds(t *testing.T) {
	t.Parallel()
	for end, want := range map[string]string{
		"2026-11-01": "no time", "2026-10-31": "no time", "2026-11-01T23:59:59Z": "23h59m59s", "2026-11-02": "",
		"2028-11-01": "", "2028-11-02": "732 days", "2036-11-01": "3653 days",
	} {
		ps := (access.Invoker{Kind: access.ServicePrincipal,
			ClientSecrets: map[string]signin.ClientSecret{"s": {StartDate: "2026-11-01", EndDate: end}}}).Problems()
		if want == "" {
			assert.Empty(t, ps, end)
			continue
		}
		require.Len(t, ps, 1, end)
		assert.Equal(t, "clientSecrets.s.endDate", ps[0].Path)
		assert.Equal(t, "the secret would live for "+want, ps[0].What)
	}
}

func TestASecretThatHasEndedIsWarnedOf(t *testing.T) {
	t.Parallel()
	m := access.Model{Invokers: map[string]access.Invoker{"partner": {Kind: access.ServicePrincipal,
		ClientSecrets: map[string]signin.ClientSecret{
			"old": {StartDate: "2026-01-01", EndDate: "2026-11-01"}, "new": {StartDate: "2026-10-01",
				EndDate: "2027-11-01"}, "wrong": {StartDate: "soon", EndDate: "later"},
		}}}}
	end := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	assert.Empty(t, m.SecretsAt(end.Add(-time.Second)))
	ps := m.SecretsAt(end)
	require.Len(t, ps, 1)
	assert.Equal(t, "invokers.partner.clientSecrets.old.endDate", ps[0].Path)
	assert.Contains(t, ps[0].What, "ended on 2026-11-01")
	require.NoError(t, ps.Err(), "what is deployed already stays deployable")
}

func TestATimeWithoutAValidSecretIsWarnedOf(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	type secrets map[string]signin.ClientSecret
	valid := signin.ClientSecret{StartDate: "2026-06-01", EndDate: "2027-06-01"}
	for name, c := range map[string]struct {
		secrets secrets
		want    string
	}{
		"one":               {secrets{"a": valid}, ""},
		"overlapping":       {secrets{"a": valid, "b": {StartDate: "2027-05-31", EndDate: "2028-05-31"}}, ""},
		"one after another": {secrets{"a": valid, "b": {StartDate: "2027-06-01", EndDate: "2028-06-01"}}, ""},
		"one in another": {secrets{"a": valid, "b": {StartDate: "2026-12-01", EndDate: "2027-01-01"},
			"c": {StartDate: "2027-03-01", EndDate: "2028-01-01"}}, ""},
		"a second between": {secrets{"a": valid, "b": {StartDate: "2027-06-01T00:00:01Z", EndDate: "2028-06-01"}},
			"b.startDate: no client secret is valid from 2027-06-01T00:00:00Z, when a ends, until this one begins on " +
				"2027-06-01T00:00:01Z"},
		"the names' order does not count": {secrets{"b": valid, "a": {StartDate: "2027-07-01", EndDate: "2028-07-01"}},
			"a.startDate: no client secret is valid from 2027-06-01T00:00:00Z, when b ends"},
		"nothing yet": {secrets{"a": {StartDate: "2026-12-01", EndDate: "2027-12-01"}},
			"a.startDate: no client secret is valid from now, until this one begins on 2026-12-01T00:00:00Z"},
		"it has begun": {secrets{"a": {StartDate: "2026-01-01", EndDate: "2026-12-01"},
			"b": {StartDate: "2026-12-02", EndDate: "2027-12-02"}},
			"b.startDate: no client secret is valid from 2026-12-01T00:00:00Z, when a ends"},
		"two gaps": {secrets{"a": valid, "b": {StartDate: "2027-07-01", EndDate: "2027-08-01"},
			"c": {StartDate: "2027-09-01", EndDate: "2028-09-01"}}, "c.startDate: no client secret is valid from " +
			"2027-08-01T00:00:00Z, when b ends"},
		"a gap that is over": {secrets{"a": {StartDate: "2026-01-01", EndDate: "2026-02-01"},
			"b": {StartDate: "2026-11-01", EndDate: "2027-11-01"}}, ""},
		"wrong dates": {secrets{"a": {StartDate: "soon", EndDate: "later"}, "b": {StartDate: "2028-01-01",
			EndDate: "2027-01-01"}}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := access.Model{Invokers: map[string]access.Invoker{"bot": {ClientSecrets: c.secrets}}}
			var text []string
			for _, p := range m.SecretsAt(now) {
				if strings.HasSuffix(p.Path, ".startDate") {
					text = append(text, p.Error())
				}
			}
			if c.want == "" {
				assert.Empty(t, text)
				return
			}
			assert.Contains(t, strings.Join(text, "\n"), "invokers.bot.clientSecrets."+c.want)
		})
	}
}

func TestPrincipalTypesAreResourceManagers(t *testing.T) {
	t.Parallel()
	assert.Equal(t, "User", access.User.PrincipalType())
	assert.Equal(t, "Group", access.Group.PrincipalType())
	assert.Equal(t, "ServicePrincipal", access.ServicePrincipal.PrincipalType())
	assert.Equal(t, "ServicePrincipal", access.ManagedIdentity.PrincipalType())
	assert.Equal(t, "https://ml.azure.com", access.Model{}.Audience())
}

// facts/federation.md: a colon in an environment's name is written %3A, and the subject contains refs/heads/.
func TestGitHubSubjectsAreWrittenAsGitHubDoes(t *testing.T) {
	t.Parallel()
	subject := func(g signin.GitHubSubject) string {
		g.Repository = "o/r"
		_, subject, _ := signin.FederatedCredential{GitHub: &g}.Claims()
		return subject
	}
	assert.Equal(t, "repo:o/r:environment:prod%3Aeu", subject(signin.GitHubSubject{Environment: "prod:eu"}))
	assert.Equal(t, "repo:o/r:environment:prod", subject(signin.GitHubSubject{Environment: "prod"}))
	for name, g := range map[string]signin.GitHubSubject{
		"write main": {Repository: "o/r", Branch: "refs/heads/main"}, "write v1": {Repository: "o/r", Tag: "refs/tags/v1"},
	} {
		ps := (access.Invoker{
			Kind: access.ServicePrincipal, FederatedCredentials: map[string]signin.FederatedCredential{"c": {GitHub: &g}},
		}).Problems()
		assert.ErrorContains(t, ps.Err(), name)
	}
}

// A Logic App of the Standard plan is a site, as a Function App is.
func TestACallerMayBeWhatItsResourceIs(t *testing.T) {
	t.Parallel()
	const group = "/subscriptions/" + subscription + "/resourceGroups/etl/providers/"
	for resource, fits := range map[string][]signin.Caller{
		"Microsoft.Web/sites/caller":           {signin.FunctionApp, signin.LogicApp},
		"Microsoft.DataFactory/factories/f":    {signin.DataFactory},
		"Microsoft.Compute/virtualMachines/vm": {signin.VirtualMachine},
		"Microsoft.ManagedIdentity/userAssignedIdentities/i": {signin.DataFactory, signin.Synapse, signin.LogicApp,
			signin.FunctionApp, signin.VirtualMachine},
	} {
		for _, caller := range signin.Callers() {
			m := twoEndpoints(func(m *access.Model) {
				m.Invokers["robot"] = access.Invoker{Kind: access.ManagedIdentity, ResourceID: group + resource,
					Caller: signin.Caller(caller)}
			})
			err := validate(m).Err()
			assert.Equal(t, slices.Contains(fits, signin.Caller(caller)), err == nil, "%s by %s: %v", resource, caller, err)
		}
	}
}
