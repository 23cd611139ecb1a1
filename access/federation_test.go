package access_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/access/signin"
)

const someGUID = "22222222-2222-2222-2222-222222222222"

func oldConnection() *signin.AzureDevOpsSubject {
	return &signin.AzureDevOpsSubject{OrganizationID: someGUID, Organization: "o", Project: "p", ServiceConnection: "c"}
}

func newConnection() *signin.AzureDevOpsSubject {
	return &signin.AzureDevOpsSubject{OrganizationID: someGUID, TenantID: someGUID, ConnectionID: someGUID,
		EntraPrefix: "/eid1/c/pub/t/abc/a/def"}
}

// good has a valid credential of each provider, new for each caller.
func good() map[string]signin.FederatedCredential {
	return map[string]signin.FederatedCredential{
		"github":      {GitHub: &signin.GitHubSubject{Repository: "o/r", Branch: "main"}},
		"gitlab":      {GitLab: &signin.GitLabSubject{Project: "g/p", Branch: "main"}},
		"azureDevOps": {AzureDevOps: newConnection()},
		"kubernetes": {Kubernetes: &signin.KubernetesSubject{Issuer: "https://i.example/x/", Namespace: "n",
			ServiceAccount: "a"}},
		"terraform": {Terraform: &signin.TerraformSubject{Organization: "o", Project: "my project", Workspace: "w",
			RunPhase: "plan"}},
		"pulumiEsc": {PulumiESC: &signin.PulumiESCSubject{Organization: "o", Project: "p", Environment: "e"}},
		"raw":       {Issuer: "https://i.example", Subject: "s"},
	}
}

func federatedProblems(name string, f signin.FederatedCredential) access.Problems {
	return (access.Invoker{
		Kind: access.ServicePrincipal, FederatedCredentials: map[string]signin.FederatedCredential{name: f},
	}).Problems()
}

func TestACredentialHasExactlyOneProvider(t *testing.T) {
	t.Parallel()
	for name, f := range good() {
		assert.Empty(t, federatedProblems("main", f), name)
		for other, g := range good() {
			if name == other || name == "raw" {
				continue
			}
			both := g
			switch name {
			case "github":
				both.GitHub = f.GitHub
			case "gitlab":
				both.GitLab = f.GitLab
			case "azureDevOps":
				both.AzureDevOps = f.AzureDevOps
			case "kubernetes":
				both.Kubernetes = f.Kubernetes
			case "terraform":
				both.Terraform = f.Terraform
			case "pulumiEsc":
				both.PulumiESC = f.PulumiESC
			}
			ps := federatedProblems("main", both)
			require.Len(t, ps, 1, "%s and %s: %v", name, other, ps)
			assert.Equal(t, "federatedCredentials.main", ps[0].Path)
			assert.Contains(t, ps[0].Fix, "keep ")
		}
	}
	assert.Len(t, federatedProblems("main", signin.FederatedCredential{}), 2, "neither issuer nor subject")
}

// Entra compares subjects letter by letter, so no part of any provider may hold a wildcard.
func TestWildcardsAreRefusedInEveryPart(t *testing.T) {
	t.Parallel()
	azureDevOps := func(change func(a *signin.AzureDevOpsSubject)) signin.FederatedCredential {
		a := oldConnection()
		change(a)
		return signin.FederatedCredential{AzureDevOps: a}
	}
	for path, f := range map[string]signin.FederatedCredential{
		"github.repository":  {GitHub: &signin.GitHubSubject{Repository: "o/*", Branch: "main"}},
		"github.branch":      {GitHub: &signin.GitHubSubject{Repository: "o/r", Branch: "release/*"}},
		"github.tag":         {GitHub: &signin.GitHubSubject{Repository: "o/r", Tag: "v*"}},
		"github.environment": {GitHub: &signin.GitHubSubject{Repository: "o/r", Environment: "*"}},
		"github.claims[1]":   {GitHub: &signin.GitHubSubject{Repository: "o/r", Claims: []string{"repo", "actor:*"}}},
		"gitlab.project":     {GitLab: &signin.GitLabSubject{Project: "g/*", Branch: "main"}},
		"gitlab.branch":      {GitLab: &signin.GitLabSubject{Project: "g/p", Branch: "*"}},
		"gitlab.tag":         {GitLab: &signin.GitLabSubject{Project: "g/p", Tag: "v*"}},
		"gitlab.instance":    {GitLab: &signin.GitLabSubject{Instance: "https://*", Project: "g/p", Tag: "v"}},
		"azureDevOps.organization": azureDevOps(func(a *signin.AzureDevOpsSubject) {
			a.Organization = "*"
		}),
		"azureDevOps.project": azureDevOps(func(a *signin.AzureDevOpsSubject) { a.Project = "p*" }),
		"azureDevOps.serviceConnection": azureDevOps(func(a *signin.AzureDevOpsSubject) {
			a.ServiceConnection = "*"
		}),
		"azureDevOps.entraPrefix": {AzureDevOps: &signin.AzureDevOpsSubject{OrganizationID: someGUID, TenantID: someGUID,
			ConnectionID: someGUID, EntraPrefix: "/eid1/c/pub/t/*/a/*"}},
		"kubernetes.issuer": {Kubernetes: &signin.KubernetesSubject{Issuer: "https://*/", Namespace: "n",
			ServiceAccount: "a"}},
		"kubernetes.namespace": {Kubernetes: &signin.KubernetesSubject{Issuer: "https://i/", Namespace: "*",
			ServiceAccount: "a"}},
		"kubernetes.serviceAccount": {Kubernetes: &signin.KubernetesSubject{Issuer: "https://i/", Namespace: "n",
			ServiceAccount: "*"}},
		"terraform.workspace": {Terraform: &signin.TerraformSubject{Organization: "o", Project: "p", Workspace: "*",
			RunPhase: "plan"}},
		"terraform.runPhase": {Terraform: &signin.TerraformSubject{Organization: "o", Project: "p", Workspace: "w",
			RunPhase: "*"}},
		"pulumiEsc.environment": {PulumiESC: &signin.PulumiESCSubject{Organization: "o", Project: "p", Environment: "*"}},
		"issuer":                {Issuer: "https://*", Subject: "s"},
		"subject":               {Issuer: "https://i", Subject: "repo:o/*"},
		"audience":              {Issuer: "https://i", Subject: "s", Audience: "*"},
	} {
		t.Run(path, func(t *testing.T) {
			t.Parallel()
			ps := federatedProblems("main", f)
			require.NotEmpty(t, ps)
			assert.Equal(t, "federatedCredentials.main."+path, ps[0].Path)
			require.Error(t, ps.Err())
			assert.NotEmpty(t, ps[0].Fix)
		})
	}
}

func TestWrongCredentialsAreRefused(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 600)
	for name, c := range map[string]struct {
		credential  signin.FederatedCredential
		path, fault string
	}{
		"gitlab without a project": {signin.FederatedCredential{GitLab: &signin.GitLabSubject{Branch: "main"}},
			"gitlab", "names no project"},
		"gitlab with two": {signin.FederatedCredential{GitLab: &signin.GitLabSubject{Project: "g/p", ProjectID: 1,
			Branch: "main"}}, "gitlab", "names twice a project"},
		"gitlab without a group": {signin.FederatedCredential{GitLab: &signin.GitLabSubject{Project: "p", Branch: "main"}},
			"gitlab.project", "is not the path"},
		"gitlab without a ref": {signin.FederatedCredential{GitLab: &signin.GitLabSubject{Project: "g/p"}},
			"gitlab", "names 0 kinds"},
		"gitlab with a whole ref": {signin.FederatedCredential{GitLab: &signin.GitLabSubject{Project: "g/p",
			Branch: "refs/heads/main"}}, "gitlab.branch", "refs/heads/ before its name"},
		"gitlab with a ref of another kind": {signin.FederatedCredential{GitLab: &signin.GitLabSubject{Project: "g/p",
			Branch: "refs/tags/v1"}}, "gitlab.branch", "is a ref of another kind"},
		"github with a ref of another kind": {signin.FederatedCredential{GitHub: &signin.GitHubSubject{Repository: "o/r",
			Tag: "refs/heads/v1"}}, "github.tag", "is a ref of another kind"},
		"github's clone": {signin.FederatedCredential{GitHub: &signin.GitHubSubject{Repository: "o/r.git",
			Branch: "main"}}, "github.repository", "is not a repository"},
		"gitlab's clone": {signin.FederatedCredential{GitLab: &signin.GitLabSubject{Project: "g/p.git", Branch: "main"}},
			"gitlab.project", "is not the path"},
		"gitlab over http": {signin.FederatedCredential{GitLab: &signin.GitLabSubject{Instance: "http://g", Project: "g/p",
			Branch: "main"}}, "gitlab.instance", "is not an https URL"},
		"both forms of a connection": {signin.FederatedCredential{AzureDevOps: &signin.AzureDevOpsSubject{
			OrganizationID: someGUID, Organization: "o", Project: "p", ServiceConnection: "c", TenantID: someGUID}},
			"azureDevOps", "mixes"},
		"a connection's ID for its name": {signin.FederatedCredential{AzureDevOps: &signin.AzureDevOpsSubject{
			OrganizationID: someGUID, Organization: "o", Project: "p", ServiceConnection: someGUID}},
			"azureDevOps.serviceConnection", "is the ID of a service connection, not its name"},
		"a connection's ID alone": {signin.FederatedCredential{AzureDevOps: &signin.AzureDevOpsSubject{
			OrganizationID: someGUID, ServiceConnection: strings.ToUpper(someGUID)}},
			"azureDevOps.serviceConnection", "is the ID of a service connection"},
		"a connection's ID for its name, beside the new form": {signin.FederatedCredential{
			AzureDevOps: &signin.AzureDevOpsSubject{OrganizationID: someGUID, TenantID: someGUID, ConnectionID: someGUID,
				EntraPrefix: "/eid1/c/pub/t/a/a/b", ServiceConnection: someGUID}},
			"azureDevOps.serviceConnection", "is the ID of a service connection"},
		"a name of many, beside the new form": {signin.FederatedCredential{
			AzureDevOps: &signin.AzureDevOpsSubject{OrganizationID: someGUID, TenantID: someGUID, ConnectionID: someGUID,
				EntraPrefix: "/eid1/c/pub/t/a/a/b", ServiceConnection: "p*"}}, "azureDevOps.serviceConnection", ""},
		"an organization's name for its ID": {signin.FederatedCredential{AzureDevOps: &signin.AzureDevOpsSubject{
			OrganizationID: "contoso", Organization: "o", Project: "p", ServiceConnection: "c"}},
			"azureDevOps.organizationId", "is not a GUID"},
		"a prefix with the rest": {signin.FederatedCredential{AzureDevOps: &signin.AzureDevOpsSubject{
			OrganizationID: someGUID, TenantID: someGUID, ConnectionID: someGUID, EntraPrefix: "/eid1/c/pub/t/a/a/b/sc/x/y"}},
			"azureDevOps.entraPrefix", "is not of the form"},
		"AKS without its slash": {signin.FederatedCredential{Kubernetes: &signin.KubernetesSubject{
			Issuer: "https://westeurope.oic.prod-aks.azure.com/t/c", Namespace: "n", ServiceAccount: "a"}},
			"kubernetes.issuer", "without one"},
		"a namespace with a colon": {signin.FederatedCredential{Kubernetes: &signin.KubernetesSubject{
			Issuer: "https://i/", Namespace: "n:a", ServiceAccount: "a"}}, "kubernetes.namespace", "is no name"},
		"terraform's phase": {signin.FederatedCredential{Terraform: &signin.TerraformSubject{Organization: "o", Project: "p",
			Workspace: "w"}}, "terraform.runPhase", "is missing"},
		"terraform's workspace that is a subject": {signin.FederatedCredential{Terraform: &signin.TerraformSubject{
			Organization: "o", Project: "p", Workspace: "w:run_phase:apply", RunPhase: "plan"}},
			"terraform.workspace", "holds a colon"},
		"ESC without an environment": {signin.FederatedCredential{PulumiESC: &signin.PulumiESCSubject{Organization: "o",
			Project: "p"}}, "pulumiEsc.environment", "is missing"},
		"claims without repo's own fields": {signin.FederatedCredential{GitHub: &signin.GitHubSubject{Repository: "o/r",
			Branch: "main", Claims: []string{"repo"}}}, "github.claims", "has no context"},
		"claims that give a value of repo": {signin.FederatedCredential{GitHub: &signin.GitHubSubject{Repository: "o/r",
			Claims: []string{"repo:o/r"}}}, "github.claims[0]", "gives a value"},
		"claims without a value": {signin.FederatedCredential{GitHub: &signin.GitHubSubject{Repository: "o/r",
			Claims: []string{"repo", "actor"}}}, "github.claims[1]", "is not a claim"},
		"a claim twice": {signin.FederatedCredential{GitHub: &signin.GitHubSubject{Repository: "o/r",
			Claims: []string{"actor:a", "actor:b"}}}, "github.claims[1]", "a second time"},
		"no claims": {signin.FederatedCredential{GitHub: &signin.GitHubSubject{Repository: "o/r", Branch: "main",
			Claims: []string{}}}, "github.claims", "is empty"},
		"claims and immutable IDs": {signin.FederatedCredential{GitHub: &signin.GitHubSubject{Repository: "o/r", OwnerID: 1,
			RepositoryID: 2, Branch: "main", Claims: []string{"repo", "context"}}}, "github.claims", "not known whether"},
		"a subject that its parts make too long": {signin.FederatedCredential{GitHub: &signin.GitHubSubject{
			Repository: "o/r", Branch: long}}, "github", "makes the subject"},
		"white space": {signin.FederatedCredential{Issuer: "https://i ", Subject: "s"}, "issuer", "white space"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ps := federatedProblems("main", c.credential)
			require.Len(t, ps, 1)
			assert.Equal(t, "federatedCredentials.main."+c.path, ps[0].Path)
			assert.Contains(t, ps[0].What, c.fault)
			assert.NotEmpty(t, ps[0].Fix)
			require.Error(t, ps.Err())
		})
	}
}

func TestTheOldIssuerOfAzureDevOpsIsWarnedOf(t *testing.T) {
	t.Parallel()
	ps := federatedProblems("main", signin.FederatedCredential{AzureDevOps: oldConnection()})
	require.NoError(t, ps.Err())
	require.Len(t, ps.Warnings(), 1)
	assert.Contains(t, ps[0].What, "retires on 2027-07-01")
}

// The audience is the cloud's for all issuers except Pulumi ESC, whose audience names the organization.
func TestCredentialsInACloud(t *testing.T) {
	t.Parallel()
	for name, f := range good() {
		want := "api://AzureADTokenExchangeUSGov"
		if name == "pulumiEsc" {
			want = "azure:o"
		}
		_, _, audience := f.InCloud("api://AzureADTokenExchangeUSGov").Claims()
		assert.Equal(t, want, audience, name)
		f.Audience = "own"
		_, _, audience = f.InCloud("api://AzureADTokenExchangeUSGov").Claims()
		assert.Equal(t, "own", audience, name)
	}
}

// The rules for a service principal's credentials also apply to a managed identity that the stack makes, which has more
// rules.
func TestAManagedIdentityThatIsMadeTakesFederatedCredentials(t *testing.T) {
	t.Parallel()
	of := func(credentials map[string]signin.FederatedCredential) access.Invoker {
		return access.Invoker{Kind: access.ManagedIdentity, FederatedCredentials: credentials}
	}
	plain := signin.FederatedCredential{Issuer: "https://i.example", Subject: "s"}
	described := plain
	described.Description = "d"
	all := good()
	delete(all, "pulumiEsc")
	assert.Empty(t, of(all).Problems(), "of each provider")
	esc := of(map[string]signin.FederatedCredential{"esc": good()["pulumiEsc"]}).Problems()
	require.NoError(t, esc.Err())
	require.Len(t, esc.Warnings(), 1, "an audience of its own is documented of applications alone")
	assert.Contains(t, esc[0].What, `"azure:o"; of managed identities only api://AzureADTokenExchange is documented`)
	crowd := map[string]signin.FederatedCredential{}
	for i := range 21 {
		crowd["c"+strings.Repeat("0", i+2)] = signin.FederatedCredential{Issuer: "https://i.example",
			Subject: strings.Repeat("s", i+1)}
	}
	existing := of(map[string]signin.FederatedCredential{"main": plain})
	existing.ResourceID = "/subscriptions/" + someGUID +
		"/resourceGroups/rg/providers/Microsoft.ManagedIdentity/userAssignedIdentities/i"
	user := existing
	user.Kind, user.ResourceID = access.User, ""
	secret := of(nil)
	secret.ClientSecrets = map[string]signin.ClientSecret{"s": {StartDate: "2026-11-01", EndDate: "2027-11-01"}}
	none := of(nil)
	none.SignIn = "none"
	for name, c := range map[string]struct {
		invoker    access.Invoker
		path, says string
	}{
		"twenty-one": {of(crowd), "federatedCredentials", "has 21 credentials"},
		"one that exists": {existing, "federatedCredentials", "only goes with a service principal or a managed identity " +
			"that the stack makes"},
		"a user":             {user, "federatedCredentials", "only goes with a service principal or a managed identity"},
		"a secret beside it": {secret, "clientSecrets", "only goes with a service principal"},
		"no sign-in":         {none, "signIn", "only goes with a service principal"},
		"2 characters": {of(map[string]signin.FederatedCredential{"ab": plain}), "federatedCredentials.ab",
			"can't be that of a federated credential"},
		"letter case": {of(map[string]signin.FederatedCredential{"Main": plain,
			"main": {Issuer: "https://i.example", Subject: "t"}}), "federatedCredentials.main", "in letter case alone"},
		"the same twice": {of(map[string]signin.FederatedCredential{"one": plain, "two": plain}),
			"federatedCredentials.two", "has the same issuer and subject"},
		"a description": {of(map[string]signin.FederatedCredential{"main": described}),
			"federatedCredentials.main.description", "Azure keeps no description"},
		"a wildcard": {of(map[string]signin.FederatedCredential{"main": {Issuer: "https://i.example", Subject: "*"}}),
			"federatedCredentials.main.subject", "wildcard"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ps := c.invoker.Problems()
			require.Error(t, ps.Err())
			require.Len(t, ps, 1)
			assert.Equal(t, c.path, strings.TrimPrefix(ps[0].Path, "."))
			assert.Contains(t, ps[0].What, c.says)
			assert.NotEmpty(t, ps[0].Fix)
		})
	}
}

func TestHowAManagedIdentitySignsInNamesItsFederatedCredentials(t *testing.T) {
	t.Parallel()
	m := access.Model{WorkspaceID: workspaceID, Environment: "usgovernment", Invokers: map[string]access.Invoker{},
		Clusters: map[string]access.Cluster{"cpu": {}}}
	i := access.Invoker{Kind: access.ManagedIdentity, FederatedCredentials: map[string]signin.FederatedCredential{
		"main": good()["github"], "runs": good()["terraform"]}}
	for name, f := range i.FederatedCredentials {
		i.FederatedCredentials[name] = f.InCloud(m.ExchangeAudience())
	}
	m.Invokers["ci"] = i
	plan, ps := access.Compile(m)
	require.NoError(t, ps.Err())
	assert.Empty(t, ps.Warnings())
	for _, p := range plan.Paths() {
		if p.Invoker == "ci" {
			assert.Equal(t, "federated credentials main, runs, or the managed identity's endpoint on its host",
				p.Hops[0].GivenBy)
		}
	}
	f := i.FederatedCredentials["main"]
	f.Audience = "api://AzureADTokenExchange" // the audience of public Azure
	i.FederatedCredentials["main"] = f
	_, ps = access.Compile(m)
	require.Len(t, ps.Warnings(), 1)
	assert.Contains(t, ps.Warnings()[0].String(), "only api://AzureADTokenExchangeUSGov is documented")
}
