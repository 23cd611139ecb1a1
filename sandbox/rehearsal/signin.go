package rehearsal

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/cloud"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"

	"github.com/batchaccess/batchaccess/access"
	"github.com/batchaccess/batchaccess/access/signin"
	"github.com/batchaccess/batchaccess/sandbox/azure"
)

// deployed has the stack's outputs about its principals.
type deployed struct {
	PrincipalIDs  map[string]string            `json:"principalIds"`
	ClientIDs     map[string]string            `json:"clientIds"`
	ClientSecrets map[string]map[string]string `json:"clientSecrets"`

	ClusterPrincipalIDs map[string]string `json:"clusterPrincipalIds"`

	ACLCommands []string          `json:"aclCommands"`
	HowToInvoke map[string]string `json:"howToInvoke"`

	RoleDefinitionID         string `json:"roleDefinitionId"`
	EndpointRoleDefinitionID string `json:"endpointRoleDefinitionId"`
}

// Person is the object ID of the user who signs in as the invoker: a user signs in itself, a group has a member in the
// sandbox. It is "" for an invoker that is no person, for one whose ID is not known, and for a group that the stack
// makes, whose members sign in.
func Person(i access.Invoker) string {
	switch {
	case i.PrincipalID.Later(), len(i.Members) > 0:
		return ""
	case i.Kind == access.User:
		return i.PrincipalID.Text()
	case i.Kind == access.Group:
		return memberOf(i.PrincipalID.Text())
	}
	return ""
}

// signIns gets a token for the audience and the invoker in each way to sign in that the stack gives it, by the name of
// the way. All ways but those of people go over HTTP to the sandbox's Entra or its managed-identity endpoint.
func signIns(
	ctx context.Context, a *azure.Azure, name string, i access.Invoker, d deployed, audience string,
) (map[string]string, error) {
	one := func(how string, get func() (string, error)) (map[string]string, error) {
		t, err := get()
		if err != nil {
			return nil, fmt.Errorf("%s: %w", how, err)
		}
		return map[string]string{how: t}, nil
	}
	switch {
	case i.Kind == access.Group:
		return one("a member's sign-in", func() (string, error) {
			return a.SignIn(ctx, memberOf(i.PrincipalID.Text()), audience)
		})
	case len(i.FederatedCredentials)+len(i.ClientSecrets) == 0 && (i.Kind != access.ManagedIdentity || i.Exists()):
		return one("sign-in", func() (string, error) {
			return a.SignIn(ctx, d.PrincipalIDs[name], audience)
		})
	}
	tokens := map[string]string{}
	if i.Kind == access.ManagedIdentity && !i.Exists() {
		// The host that it will be attached to is not known here; the rehearsal takes any.
		if err := a.AttachIdentity(d.ClientIDs[name]); err != nil {
			return nil, err
		}
		var err error
		if tokens["managed-identity endpoint"], err = identityToken(ctx, a, d.ClientIDs[name], audience); err != nil {
			return nil, fmt.Errorf("managed-identity endpoint: %w", err)
		}
	}
	e := entraOf(a, d.ClientIDs[name], audience)
	for _, key := range slices.Sorted(maps.Keys(i.FederatedCredentials)) {
		var err error
		if tokens["federated credential "+key], err = e.byAssertion(ctx, i.FederatedCredentials[key]); err != nil {
			return nil, fmt.Errorf("federated credential %s: %w", key, err)
		}
	}
	for _, key := range slices.Sorted(maps.Keys(i.ClientSecrets)) {
		var err error
		if tokens["client secret "+key], err = e.bySecret(ctx, d.ClientSecrets[name][key]); err != nil {
			return nil, fmt.Errorf("client secret %s: %w", key, err)
		}
	}
	return tokens, nil
}

// entra signs one application in at the sandbox's Entra, with Azure's own client.
type entra struct {
	azure    *azure.Azure
	tenant   string
	clientID string
	audience string
	options  policy.ClientOptions
}

func entraOf(a *azure.Azure, clientID, audience string) entra {
	return entra{a, a.Deployer().TenantID, clientID, audience, policy.ClientOptions{
		Cloud: cloud.Configuration{ActiveDirectoryAuthorityHost: a.URL()}, Transport: a.Client()}}
}

func (e entra) bySecret(ctx context.Context, secret string) (string, error) {
	credential, err := azidentity.NewClientSecretCredential(e.tenant, e.clientID, secret,
		&azidentity.ClientSecretCredentialOptions{ClientOptions: e.options, DisableInstanceDiscovery: true})
	if err != nil {
		return "", err
	}
	return token(ctx, credential, e.audience)
}

func (e entra) byAssertion(ctx context.Context, f signin.FederatedCredential) (string, error) {
	return e.with(ctx, func(context.Context) (string, error) { return Assertion(e.azure, f) })
}

// with signs in with what another issuer has issued.
func (e entra) with(ctx context.Context, issued func(context.Context) (string, error)) (string, error) {
	credential, err := azidentity.NewClientAssertionCredential(e.tenant, e.clientID, issued,
		&azidentity.ClientAssertionCredentialOptions{ClientOptions: e.options, DisableInstanceDiscovery: true})
	if err != nil {
		return "", err
	}
	return token(ctx, credential, e.audience)
}

// Assertion is the token with which the workload of a federated credential signs in. The sandbox makes it from the
// credential's description of the workload. A credential with an explicit issuer and subject has no description, so
// those are used.
func Assertion(a *azure.Azure, f signin.FederatedCredential) (string, error) {
	if w := workloadOf(f); w != nil {
		return a.WorkloadAssertion(w, audienceOf(a, f))
	}
	return a.FederatedAssertion(f.Issuer, f.Subject, audienceOf(a, f))
}

// audienceOf is the audience of such a token: what the credential says, the workload's own, or the cloud's.
func audienceOf(a *azure.Azure, f signin.FederatedCredential) string {
	if own, has := workloadOf(f).(interface{ Audience() string }); has {
		return cmp.Or(f.Audience, own.Audience())
	}
	return cmp.Or(f.Audience, a.Cloud().Exchange)
}

// workloadOf is the workload that a credential describes; nil for an explicit issuer and subject.
func workloadOf(f signin.FederatedCredential) azure.Workload {
	switch {
	case f.GitHub != nil:
		g := f.GitHub
		job := azure.GitHubJob{
			Repository: g.Repository, OwnerID: g.OwnerID, RepositoryID: g.RepositoryID,
			Environment: g.Environment, Branch: g.Branch, Tag: g.Tag, PullRequest: g.PullRequest,
		}
		for _, claim := range g.Claims {
			key, value, _ := strings.Cut(claim, ":")
			if job.Values == nil {
				job.Values = map[string]string{}
			}
			job.Keys, job.Values[key] = append(job.Keys, key), value
		}
		return job
	case f.GitLab != nil:
		g := f.GitLab
		return azure.GitLabJob{Instance: g.Instance, ProjectPath: g.Project, ProjectID: g.ProjectID, Branch: g.Branch,
			Tag: g.Tag}
	case f.AzureDevOps != nil && f.AzureDevOps.Organization != "":
		a := f.AzureDevOps
		return azure.ServiceConnection{OrganizationID: a.OrganizationID, Organization: a.Organization,
			Project: a.Project, Name: a.ServiceConnection}
	case f.AzureDevOps != nil:
		a := f.AzureDevOps
		return azure.EntraConnection{Tenant: a.TenantID, Prefix: a.EntraPrefix, OrganizationID: a.OrganizationID,
			ID: a.ConnectionID}
	case f.Kubernetes != nil:
		k := f.Kubernetes
		return azure.ServiceAccount{Issuer: k.Issuer, Namespace: k.Namespace, Name: k.ServiceAccount}
	case f.Terraform != nil:
		t := f.Terraform
		return azure.TerraformRun{EU: t.EU, Organization: t.Organization, Project: t.Project, Workspace: t.Workspace,
			Phase: t.RunPhase}
	case f.PulumiESC != nil:
		e := f.PulumiESC
		return azure.ESCEnvironment{Organization: e.Organization, Project: e.Project, Environment: e.Environment}
	}
	return nil
}

func token(ctx context.Context, credential azcore.TokenCredential, audience string) (string, error) {
	got, err := credential.GetToken(ctx, policy.TokenRequestOptions{Scopes: []string{audience + "/.default"}})
	return got.Token, err
}

// identityToken is that of a user-assigned identity on a virtual machine.
func identityToken(ctx context.Context, a *azure.Azure, clientID, audience string) (string, error) {
	return askHost(ctx, a, "/metadata/identity/oauth2/token?"+url.Values{
		"api-version": {"2018-02-01"}, "resource": {audience}, "client_id": {clientID},
	}.Encode(), http.Header{"Metadata": {"true"}})
}

// askHost asks the managed-identity endpoint itself: Azure's client keeps tokens for the whole process, and so across
// sandboxes.
func askHost(ctx context.Context, a *azure.Azure, at string, header http.Header) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, a.URL()+at, nil)
	if err != nil {
		return "", err
	}
	req.Header = header
	resp, err := send(a, req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	var answer struct {
		AccessToken string `json:"access_token"`
		Error       string `json:"error"`
		Description string `json:"error_description"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil {
		return "", fmt.Errorf("reading the answer of the managed-identity endpoint: %w", err)
	}
	if resp.StatusCode != http.StatusOK {
		return "", fmt.Errorf("HTTP %d %s: %s", resp.StatusCode, answer.Error, answer.Description)
	}
	return answer.AccessToken, nil
}

// send sends a request as Azure's clients do: it repeats it if the weather makes the answer a 429 or a 5xx.
func send(a *azure.Azure, req *http.Request) (*http.Response, error) {
	again, err := runtime.NewRequestFromRequest(req)
	if err != nil {
		return nil, err
	}
	return runtime.NewPipeline("rehearsal", "v0", runtime.PipelineOptions{},
		&policy.ClientOptions{Transport: a.Client()}).Do(again)
}
