package rehearsal

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/batchaccess/batchaccess/access/signin"
)

// The claims that the product gives to Entra and those that the sandbox's issuers write come from two readings of the
// sheet. The sandbox has a complete description of each kind of workload: none is "not checked".
func TestEachWorkloadIsDescribedToTheSandbox(t *testing.T) {
	t.Parallel()
	const id = "22222222-2222-2222-2222-222222222222"
	for name, f := range map[string]signin.FederatedCredential{
		"github": {GitHub: &signin.GitHubSubject{Repository: "o/r", OwnerID: 1, RepositoryID: 2, Environment: "a:b"}},
		"github customised": {GitHub: &signin.GitHubSubject{Repository: "o/r", Tag: "v1",
			Claims: []string{"actor:x:y", "context", "repo"}}},
		"gitlab":           {GitLab: &signin.GitLabSubject{Instance: "https://g.example", Project: "g/s/p", Tag: "v1"}},
		"gitlab by number": {GitLab: &signin.GitLabSubject{ProjectID: 7, Branch: "main"}},
		"azure pipelines, old": {AzureDevOps: &signin.AzureDevOpsSubject{OrganizationID: id, Organization: "o",
			Project: "p", ServiceConnection: "c"}},
		"azure pipelines, new": {AzureDevOps: &signin.AzureDevOpsSubject{OrganizationID: id, TenantID: id,
			EntraPrefix: "/eid1/c/pub/t/a/a/b", ConnectionID: id}},
		"kubernetes": {Kubernetes: &signin.KubernetesSubject{Issuer: "https://i.example/", Namespace: "n",
			ServiceAccount: "a"}},
		"terraform": {Terraform: &signin.TerraformSubject{Organization: "o", Project: "p", Workspace: "w",
			RunPhase: "apply", EU: true}},
		"esc": {PulumiESC: &signin.PulumiESCSubject{Organization: "o", Project: "default", Environment: "e"}},
	} {
		w := workloadOf(f)
		require.NotNil(t, w, name)
		issuer, subject, err := w.Claims()
		require.NoError(t, err, name)
		wantIssuer, wantSubject, audience := f.Claims()
		assert.Equal(t, [2]string{wantIssuer, wantSubject}, [2]string{issuer, subject}, name)
		if own, has := w.(interface{ Audience() string }); has {
			assert.Equal(t, audience, own.Audience(), name)
		}
	}
	assert.Nil(t, workloadOf(signin.FederatedCredential{Issuer: "https://i.example", Subject: "s"}))
}
