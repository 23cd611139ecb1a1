package tests

import (
	"fmt"
	"strings"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/access/signin"
	"github.com/batchaccess/batchaccess/components"
)

func newServicePrincipal(args components.ServicePrincipalArgs, opts ...pulumi.ResourceOption) program {
	return func(ctx *pulumi.Context) (pulumi.Map, error) {
		sp, err := components.NewServicePrincipal(ctx, "sp", &args, opts...)
		if err != nil {
			return nil, err
		}
		return pulumi.Map{"objectId": sp.ObjectID, "clientId": sp.ClientID, "tenantId": sp.TenantID,
			"clientSecrets": sp.ClientSecrets}, nil
	}
}

func TestServicePrincipalWithoutCredentialsIsJustThat(t *testing.T) {
	t.Parallel()
	r := run(t, newServicePrincipal(components.ServicePrincipalArgs{SignIn: "none"}))
	assert.Equal(t, []string{"Application sp", "ServicePrincipal sp", "ServicePrincipal sp"}, r.names(),
		"the component, the application and its principal")
	component, app, principal := r.one(components.ServicePrincipalToken, "sp"), r.one(application,
		"sp"), r.one(servicePrincipal, "sp")
	assert.Equal(t, "sp", app.at("displayName"))
	assert.Equal(t, []any{"batchaccess:batchaccess/test/sp"}, app.at("tags"),
		"whose it is, should a deployment be broken off")
	assert.Nil(t, app.at("description"))
	assert.Equal(t, guidOf("client", "sp"), principal.at("clientId"))
	assert.Equal(t, []string{app.URN()}, principal.dependsOn("clientId"))
	for _, child := range []registration{app, principal} {
		assert.Equal(t, component.URN(), child.RPC.GetParent())
		assert.False(t, child.RPC.GetProtect())
	}
	assert.Equal(t, guidOf("servicePrincipal", "sp"), r.output("objectId"),
		"roles go to the service principal's object ID, not to the application's")
	assert.Equal(t, guidOf("client", "sp"), r.output("clientId"))
	assert.Equal(t, tenant, r.output("tenantId"))
	assert.True(t, r.outputs["clientSecrets"].IsSecret(), "a secret even while it is empty")
}

func TestServicePrincipalIsNamedAndDescribed(t *testing.T) {
	t.Parallel()
	r := run(t, newServicePrincipal(components.ServicePrincipalArgs{SignIn: "none",
		DisplayName: pulumi.String("Scoring"), Description: pulumi.String("starts jobs")}))
	assert.Equal(t, "Scoring", r.one(application, "sp").at("displayName"))
	assert.Equal(t, "starts jobs", r.one(application, "sp").at("description"))
}

func TestServicePrincipalWarnsOfASecretThatHasEnded(t *testing.T) {
	t.Parallel()
	r := run(t,
		newServicePrincipal(components.ServicePrincipalArgs{ClientSecrets: map[string]signin.ClientSecret{
			"old": {StartDate: "2024-01-01", EndDate: "2025-01-01"},
		}}))
	require.Len(t, r.logs, 1)
	assert.Contains(t, r.logs[0], "warning: clientSecrets.old.endDate: the secret ended on 2025-01-01")
}

func TestServicePrincipalFederates(t *testing.T) {
	t.Parallel()
	const github = "https://token.actions.githubusercontent.com"
	classic := signin.GitHubSubject{Repository: "contoso/scoring"}
	of := func(change func(*signin.GitHubSubject)) signin.FederatedCredential {
		g := classic
		change(&g)
		return signin.FederatedCredential{GitHub: &g}
	}
	for name, c := range map[string]struct {
		credential                signin.FederatedCredential
		issuer, subject, audience string
	}{
		"branch": {of(func(g *signin.GitHubSubject) { g.Branch = "main" }), github,
			"repo:contoso/scoring:ref:refs/heads/main", "api://AzureADTokenExchange"},
		"tag": {of(func(g *signin.GitHubSubject) { g.Tag = "v1" }), github, "repo:contoso/scoring:ref:refs/tags/v1",
			"api://AzureADTokenExchange"},
		"environment": {of(func(g *signin.GitHubSubject) { g.Environment = "prod" }), github,
			"repo:contoso/scoring:environment:prod", "api://AzureADTokenExchange"},
		"pullRequest": {of(func(g *signin.GitHubSubject) { g.PullRequest = true }), github,
			"repo:contoso/scoring:pull_request", "api://AzureADTokenExchange"},
		"immutable": {of(func(g *signin.GitHubSubject) { g.OwnerID, g.RepositoryID, g.Branch = 1001, 2002, "main" }), github,
			"repo:contoso@1001/scoring@2002:ref:refs/heads/main", "api://AzureADTokenExchange"},
		"other": {signin.FederatedCredential{Issuer: "https://issuer.example", Subject: "workload", Audience: "aud"},
			"https://issuer.example", "workload", "aud"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c.credential.Description = "why"
			r := run(t,
				newServicePrincipal(components.ServicePrincipalArgs{
					FederatedCredentials: map[string]signin.FederatedCredential{"ext": c.credential},
				}))
			got := r.one(federated, "sp.ext")
			assert.Equal(t, map[string]any{
				"applicationId": "/applications/" + guidOf("application", "sp"), "displayName": "ext", "description": "why",
				"issuer": c.issuer, "subject": c.subject, "audiences": []any{c.audience},
			}, got.Inputs.Mappable())
			assert.Equal(t, []string{r.one(application, "sp").URN()}, got.dependsOn("applicationId"))
			assert.Equal(t, r.one(components.ServicePrincipalToken, "sp").URN(), got.RPC.GetParent())
			assert.Empty(t, r.ofType(password), "federated credentials are there so that no secret is")
		})
	}
}

func twoSecrets() components.ServicePrincipalArgs {
	return components.ServicePrincipalArgs{ClientSecrets: map[string]signin.ClientSecret{
		"old": {StartDate: "2026-05-01", EndDate: "2026-11-30T12:00:00Z"},
		"new": {StartDate: "2026-11-01", EndDate: "2027-05-01"},
	}}
}

func TestServicePrincipalSecretsEndOnAnAbsoluteDate(t *testing.T) {
	t.Parallel()
	r := run(t, newServicePrincipal(twoSecrets()))
	require.Len(t, r.ofType(password), 2, "two overlapping secrets make a rotation possible")
	for name, want := range map[string][2]string{
		"old": {"2026-05-01T00:00:00Z", "2026-11-30T12:00:00Z"},
		"new": {"2026-11-01T00:00:00Z", "2027-05-01T00:00:00Z"},
	} {
		got := r.one(password, "sp."+name)
		assert.Equal(t, map[string]any{
			"applicationId": "/applications/" + guidOf("application",
				"sp"), "displayName": name, "startDate": want[0], "endDate": want[1],
		}, got.Inputs.Mappable())
		assert.Contains(t, got.RPC.GetAdditionalSecretOutputs(), "value")
		assert.Equal(t, []string{r.one(application, "sp").URN()}, got.dependsOn("applicationId"))
	}
}

func TestServicePrincipalSecretsAreSecretEverywhere(t *testing.T) {
	t.Parallel()
	r := run(t, newServicePrincipal(twoSecrets()))
	require.True(t, r.outputs["clientSecrets"].IsSecret())
	assert.Equal(t, resource.PropertyMap{
		"old": resource.NewProperty(secretText + "sp.old"), "new": resource.NewProperty(secretText + "sp.new"),
	}, r.outputs["clientSecrets"].SecretValue().Element.ObjectValue())
	assert.NotContains(t, r.plainText(), secretText)
}

func TestServicePrincipalRefuses(t *testing.T) {
	t.Parallel()
	three := map[string]signin.ClientSecret{}
	for i := range 3 {
		three[fmt.Sprint(i)] = signin.ClientSecret{StartDate: "2026-11-01", EndDate: "2026-12-01"}
	}
	crowd := map[string]signin.FederatedCredential{}
	for i := range 21 {
		crowd[fmt.Sprintf("c%02d", i)] = signin.FederatedCredential{Issuer: "https://issuer.example", Subject: fmt.Sprint(i)}
	}
	secret := func(start, end string) components.ServicePrincipalArgs {
		return components.ServicePrincipalArgs{ClientSecrets: map[string]signin.ClientSecret{"s": {StartDate: start,
			EndDate: end}}}
	}
	federate := func(f signin.FederatedCredential) components.ServicePrincipalArgs {
		return components.ServicePrincipalArgs{FederatedCredentials: map[string]signin.FederatedCredential{"fed": f}}
	}
	for name, c := range map[string]struct {
		args components.ServicePrincipalArgs
		want []string
	}{
		"no way to sign in": {components.ServicePrincipalArgs{},
			[]string{"arguments: the service principal has no way to sign in", "say signIn: none"}},
		"credentials with none": {func() components.ServicePrincipalArgs { a := twoSecrets(); a.SignIn = "none"; return a }(),
			[]string{`signIn: is "none", but credentials are given`}},
		"a word for signIn": {components.ServicePrincipalArgs{SignIn: "never"},
			[]string{`signIn: unknown value "never"`, `write "none"`}},
		"three secrets": {components.ServicePrincipalArgs{ClientSecrets: three},
			[]string{"clientSecrets: has 3 secrets; keep 2"}},
		"twenty-one credentials": {components.ServicePrincipalArgs{FederatedCredentials: crowd},
			[]string{"federatedCredentials: has 21 credentials", "Entra allows 20"}},
		"a lifetime of zero": {secret("2026-11-01", "2026-11-01"),
			[]string{"clientSecrets.s.endDate: the secret would live for no time; write an end at least one day"}},
		"a lifetime below zero": {secret("2026-11-02", "2026-11-01"),
			[]string{"clientSecrets.s.endDate: the secret would live for no time"}},
		"a lifetime of ten years": {secret("2026-11-01", "2036-11-01"),
			[]string{"clientSecrets.s.endDate: the secret would live for 3653 days; write an end at most 731 days"}},
		"no date": {secret("", "2026-11-01"), []string{"clientSecrets.s.startDate: ", "write 2026-11-01"}},
		"a date of another form": {secret("2026-11-01", "01/12/2026"),
			[]string{`clientSecrets.s.endDate: "01/12/2026" is not a date; write 2026-11-01`}},
		"an issuer without https": {federate(signin.FederatedCredential{Issuer: "http://x", Subject: "s"}),
			[]string{`federatedCredentials.fed.issuer: "http://x" is not an https URL`}},
		"no subject": {federate(signin.FederatedCredential{Issuer: "https://x"}),
			[]string{"federatedCredentials.fed.subject: is missing"}},
		"a wildcard": {federate(signin.FederatedCredential{Issuer: "https://x", Subject: "repo:*"}),
			[]string{"federatedCredentials.fed.subject: ", "wildcard"}},
		"half an immutable": {federate(signin.FederatedCredential{GitHub: &signin.GitHubSubject{Repository: "a/b", OwnerID: 1,
			Branch: "main"}}), []string{"federatedCredentials.fed.github: an immutable subject takes ownerId and repositoryId"}},
		"two kinds of runs": {federate(signin.FederatedCredential{GitHub: &signin.GitHubSubject{Repository: "a/b", Tag: "v1",
			Branch: "main"}}), []string{"federatedCredentials.fed.github: names 2 kinds of runs; give one of branch, tag, " +
			"environment, pullRequest"}},
		"a repository without one": {
			federate(signin.FederatedCredential{GitHub: &signin.GitHubSubject{Repository: "scoring", Branch: "main"}}),
			[]string{`federatedCredentials.fed.github.repository: "scoring" is not a repository; write owner/name`},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := refused(t, newServicePrincipal(c.args))
			assert.Contains(t, got, `ServicePrincipal "sp"`)
			for _, want := range c.want {
				assert.Contains(t, got, want)
			}
		})
	}
}

func TestAServicePrincipalThatNearsItsLimitSaysSoOnce(t *testing.T) {
	t.Parallel()
	crowd := map[string]signin.FederatedCredential{}
	for i := range 16 {
		crowd[fmt.Sprintf("c%02d", i)] = signin.FederatedCredential{
			Issuer: "https://accounts.google.com", Subject: fmt.Sprint(i),
		}
	}
	for name, of := range map[string]program{
		"alone": func(ctx *pulumi.Context) (pulumi.Map, error) {
			_, err := components.NewServicePrincipal(ctx, "sp", &components.ServicePrincipalArgs{FederatedCredentials: crowd})
			return nil, err
		},
		"as an invoker": func(ctx *pulumi.Context) (pulumi.Map, error) {
			_, err := components.NewBatchEndpointAccess(ctx, "a", &components.BatchEndpointAccessArgs{
				WorkspaceID: pulumi.String(workspaceID),
				Invokers:    map[string]components.InvokerArgs{"sp": {Kind: access.ServicePrincipal, FederatedCredentials: crowd}},
			})
			return nil, err
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := run(t, of)
			require.Len(t, r.logs, 1)
			assert.Contains(t, r.logs[0], "warning: federatedCredentials: has 16 of the 20 credentials")
		})
	}
}

// Entra makes no secret that has ended, and leaves an earlier one as it is, so a preview refuses to create one.
func TestASecretThatIsOverIsRefusedWhereItWouldBeMade(t *testing.T) {
	t.Parallel()
	r := run(t, func(ctx *pulumi.Context) (pulumi.Map, error) {
		_, err := components.NewServicePrincipal(ctx, "pipeline", &components.ServicePrincipalArgs{
			ClientSecrets: map[string]signin.ClientSecret{
				"over": {StartDate: "2001-01-01", EndDate: "2002-01-01"},
				"live": {StartDate: "9998-01-01", EndDate: "9999-01-01"},
			}})
		return nil, err
	})
	ended := func(name string) (found int) {
		for _, hook := range r.one(password, name).RPC.GetHooks().GetBeforeCreate() {
			if strings.Contains(hook, "ended secret") {
				found++
			}
		}
		return found
	}
	assert.Equal(t, 1, ended("pipeline.over"))
	assert.Equal(t, 0, ended("pipeline.live"))
}

// An unknown issuer is warned of once, on the component that has the credential.
func TestAnUnknownIssuerIsSaidOnce(t *testing.T) {
	t.Parallel()
	one := map[string]signin.FederatedCredential{"main": {Issuer: "https://issuer.example", Subject: "ci"}}
	for name, kind := range map[string]access.PrincipalKind{
		"a service principal": access.ServicePrincipal, "a managed identity": access.ManagedIdentity,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			args := components.InvokerArgs{Kind: kind, FederatedCredentials: one}
			r := run(t, func(ctx *pulumi.Context) (pulumi.Map, error) {
				_, err := components.NewBatchEndpointAccess(ctx, "a", &components.BatchEndpointAccessArgs{
					WorkspaceID: pulumi.String(workspaceID), Location: pulumi.String("westeurope"),
					Invokers: map[string]components.InvokerArgs{"one": args},
				})
				return nil, err
			})
			require.Len(t, r.logs, 1)
			assert.Contains(t, r.logs[0], `warning: federatedCredentials.main.issuer: "https://issuer.example" is no issuer`)
		})
	}
}
